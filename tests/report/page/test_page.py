"""A rendered page in a real browser: no request, no message, no sideways scroll, nothing that axe finds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from stabkit.chart import HistoryLines, Strip
from stabkit.report.display import (
    CheckItem,
    Checklist,
    Column,
    Figure,
    Fold,
    NoEvidence,
    Statement,
    Table,
)
from stabkit.report.display.answer import Reason, Subject, Verdict
from stabkit.report.index.index_files import write_index
from stabkit.report.page.rendering import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
HOSTILE = "test_<script>alert(1)</script>_" + "long" * 40


def notebook() -> Any:
    history = pd.DataFrame(
        {
            "run_id": [f"r{i}" for i in range(12)],
            "label": [f"v{i}" for i in range(12)],
            "p50_ms": [100.0] * 12,
            "p95_ms": [140.0] * 12,
            "low_ms": [98.0] * 12,
            "high_ms": [102.0] * 12,
        }
    )
    columns = (Column("m", "Metric", "head"), Column("d", "Change", "number"), Column("s", "Interval", "strip"))
    row = {
        "m": (HOSTILE, "n = 1"),
        "d": "+1 %",
        "s": Strip(0.01, None, None, 0.05, "inconclusive"),
        "o": "inconclusive",
    }
    table = Table((*columns, Column("o", "Outcome", "outcome")), (row, row), "Key metrics")
    reasons = [Reason("inconclusive", HOSTILE, "one sample", "stabkit collect", "Key metrics")]
    reasons += [Reason("inconclusive", f"condition {number}", "one sample") for number in range(2, 9)]
    verdict = Verdict(
        "inconclusive",
        "All 8 conditions are inconclusive.",
        tuple(reasons),
        (("Worse", "nothing"),),
        Subject("Stability of b against a", "shop", "staging", "a", "b", "2025-09-14T12:24:00+00:00"),
        command="stabkit report a b --output reports",
        gate={"conditions": [{"name": f"condition {i}", "outcome": "stable"} for i in range(12)]},
    )
    check = Checklist(
        (CheckItem("yes", "Services healthy"), CheckItem("not_checked", HOSTILE), CheckItem("manual", "x"))
    )
    figure = Figure.of(HistoryLines(history))
    sections = {
        "1. Key metrics": (Statement(("One sentence.",), "stabkit runs"), table, Fold((table,), "More")),
        "2. Response times": (figure, figure, figure),
        "3. Alone": (figure,),
        "4. Nothing": (NoEvidence("memory", "stabkit collect"), check),
        "5. Bare": (NoEvidence("sessions", "stabkit collect"),),
        "6. Quiet": (Statement(("Nothing to look at.",), quiet=True),),
    }
    cells = [nbformat.v4.new_markdown_cell("# Stability"), _cell(verdict)]
    for heading, pieces in sections.items():
        cells += [nbformat.v4.new_markdown_cell(f"## {heading}"), _cell(*pieces)]
    return nbformat.v4.new_notebook(cells=cells)


def _cell(*pieces: Any) -> Any:
    outputs = [nbformat.v4.new_output("display_data", data=piece._repr_mimebundle_()) for piece in pieces]
    return nbformat.v4.new_code_cell("show()", outputs=outputs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pages")
    node = notebook()
    rendered = render(node)
    (root / "report.html").write_text(rendered.html, encoding="utf-8")
    (root / "report.json").write_text(rendered.json, encoding="utf-8")
    error = nbformat.v4.new_output("error", ename="EvidenceError", evalue=HOSTILE, traceback=["line"] * 20)
    node["cells"][3]["outputs"] = [error]
    failed = render(node)
    (root / "failed.html").write_text(failed.html, encoding="utf-8")
    (root / "failed.json").write_text(failed.json, encoding="utf-8")
    again = rendered.json.replace("2025-09-14T12:24", "2025-09-13T12:24")
    (root / "earlier.json").write_text(again, encoding="utf-8")
    (root / "other.json").write_text(again.replace('"project": "shop"', '"project": "mail"'), encoding="utf-8")
    (root / "cut.json").write_text(rendered.json[:-200], encoding="utf-8")
    write_index(root)
    return root


@pytest.mark.parametrize("name", ["report", "failed", "index"])
def test_page_is_silent_fits_and_is_accessible(folder: Path, faults: Any, name: str) -> None:
    assert faults(folder / f"{name}.html") == []


def test_what_is_wrong_in_one_theme_and_width_or_on_paper_alone_is_found(tmp_path: Path, faults: Any) -> None:
    page = tmp_path / "faint.html"
    dark = "@media(prefers-color-scheme:dark) and (min-width:1000px){.a{color:#eee}}"
    style = f"<style>html{{background:#fff}}{dark}@media print{{.b{{color:#eee}}}}</style>"
    body = "<main><h1>t</h1><p class=a>some text</p><p class=b>more text</p></main>"
    page.write_text(f"<!doctype html><html lang=en><title>t</title>{style}{body}")
    found = faults(page)
    assert [fault.split(": ")[:2] for fault in found] == [
        ["dark 1280 screen", "color-contrast"],
        ["light 703 print", "color-contrast"],
    ]


def test_keyboard_reaches_everything_and_skips_to_the_report(folder: Path, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1120, "height": 800})
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0, "shown once it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    here = "(one => [one.outerHTML.slice(0, 40), getComputedStyle(one).outlineStyle])(document.activeElement)"
    seen = [page.keyboard.press("Tab") or page.evaluate(here) for _ in range(14)]
    outlines = {outline for stop, outline in seen if not stop.startswith("<body")}  # after the last stop
    assert outlines == {"solid"}, "the focus is seen wherever it is"
    stops = [stop for stop, _ in seen]
    assert any(stop.startswith("<summary") for stop in stops)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("one => one.open")
    assert any('class="scroll"' in stop for stop in stops)
    boxes = "[...document.querySelectorAll('.scroll, pre')].every(box => box.tabIndex === 0)"
    assert page.evaluate(boxes), "whatever scrolls can be scrolled from the keyboard"
    context.close()


def test_reasons_of_less_weight_open_without_a_script(folder: Path, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1120, "height": 800})
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    last = page.locator(".reasons li", has_text="condition 8")
    assert not last.is_visible()
    page.locator(".rest summary").focus()
    page.keyboard.press("Enter")
    assert last.is_visible()
    context.close()


def test_counts_of_the_index_filter_without_a_script(folder: Path, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1120, "height": 800})
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    assert page.locator(".group:visible").count() == 3
    page.locator(".counts a", has_text="inconclusive").click()
    assert page.locator(".group:visible").evaluate_all("all => all.map(one => one.id)") == ["inconclusive"]
    assert page.locator(".reports tbody tr:visible").count() == 3
    page.get_by_role("link", name="the newest of each subject").click()
    shown = page.locator(".group:visible").evaluate_all("all => all.map(one => one.id)")
    assert shown == ["unread", "failed-to-execute", "inconclusive"], "what cannot be read stays in sight"
    assert page.locator("#inconclusive tbody tr:visible").count() == 2
    page.get_by_role("link", name="all", exact=True).click()
    assert page.locator("#inconclusive tbody tr:visible").count() == 3
    context.close()


def test_first_sheet_of_paper_holds_verdict_reasons_and_key_metrics(folder: Path, browser: Any) -> None:
    # A4 without its margins, in CSS pixels.
    width, height = 703, 1032
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto((folder / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What is folded on screen is on paper, with no line to open it; what stays folded is named.
    lines = (".verdict .word", ".reasons li", ".rest + .reasons li:last-child", ".fold > summary")
    for shown in (*lines, "#key-metrics tbody tr:last-child", "#key-metrics thead"):
        box = page.locator(shown).first.bounding_box()
        assert box is not None, shown
        assert box["y"] + box["height"] <= height, shown
    for left_out in ("nav", ".skip", ".rest"):
        assert not page.locator(left_out).first.is_visible(), left_out
    # What a fold holds is there too, and not its line alone; so are the data below a figure and the notebook's code.
    for row in page.locator(":is(.fold, figure details) tbody tr, .code pre").all():
        assert row.is_visible()
        assert row.evaluate("row => row.checkVisibility({contentVisibilityAuto: true})")
    assert page.locator(".fold tbody tr").count() == 2
    # Tables stay tables: paper is narrow, but no phone.
    assert page.locator("#key-metrics tbody tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    context.close()
