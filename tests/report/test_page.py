"""A rendered page in a real browser: no request, no message, no sideways scroll, nothing that axe finds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from stabkit.chart.history import describe_history, plot_history
from stabkit.chart.strip import Strip
from stabkit.report.answer import Reason, Subject, Verdict
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
from stabkit.report.index import write_index
from stabkit.report.render import render

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
    verdict = Verdict(
        "inconclusive",
        "1 of 1 condition is inconclusive.",
        (Reason("inconclusive", HOSTILE, "one sample", "stabkit collect", "Key metrics"),),
        (("Worse", "nothing"),),
        Subject("Stability of b against a", "shop", "staging", "a", "b", "2025-09-14T12:24:00+00:00"),
        command="stabkit report a b --output reports",
    )
    check = Checklist(
        (CheckItem("yes", "Services healthy"), CheckItem("not_checked", HOSTILE), CheckItem("manual", "x"))
    )
    figure = Figure.of(plot_history, describe_history, history)
    sections = {
        "1. Key metrics": (Statement(("One sentence.",), "stabkit runs"), table, Fold((table,), "More")),
        "2. Response times": (figure, figure, figure),
        "3. Alone": (figure,),
        "4. Nothing": (NoEvidence("memory", "stabkit collect"), check),
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
    write_index(root)
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        ("report", "light", 1120),
        ("report", "light", 390),
        ("report", "dark", 390),
        ("failed", "dark", 390),
        ("index", "light", 390),
    ],
)
def test_page_is_silent_fits_and_is_accessible(folder: Path, browser: Any, name: str, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((folder / f"{name}.html").as_uri())
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert messages == []
    assert [url for url in requests if not url.startswith("data:")] == [(folder / f"{name}.html").as_uri()]
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []


def test_first_sheet_of_paper_holds_verdict_reasons_and_key_metrics(folder: Path, browser: Any) -> None:
    # A4 without its margins, in CSS pixels.
    width, height = 703, 1032
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto((folder / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for shown in (".verdict .word", ".reasons li", "#key-metrics tbody tr:last-child", "#key-metrics thead"):
        box = page.locator(shown).first.bounding_box()
        assert box is not None, shown
        assert box["y"] + box["height"] <= height, shown
    for left_out in ("nav", ".code", ".skip", ".reasons .command"):
        assert not page.locator(left_out).first.is_visible(), left_out
    # Tables stay tables: paper is narrow, but no phone.
    assert page.locator("#key-metrics tbody tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    context.close()
