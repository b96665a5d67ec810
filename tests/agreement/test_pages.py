"""A real page, its JSON and Markdown, and the index beside it say what gate and the report's object say."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# One that regressed and one that is stable: papermill takes seconds a page.
SCENES = pytest.mark.parametrize("scene", ["moved_lines", "failed_and_warm_up_requests"])


@pytest.fixture(scope="module")
def page(ask: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[int, Path]]:
    """``page(scene)``: the exit code of ``stabkit report``, and the page it wrote."""

    def made(scene: str) -> tuple[int, Path]:
        asked, output = ask(scene), tmp_path_factory.mktemp("reports")
        code, _, err = asked.say("--quiet", "report", *asked.sides, "--output", output, "--format", "json")
        pages = [file for file in output.glob("*.html") if file.name != "index.html"]
        assert len(pages) == 1, err
        return code, pages[0]

    return cache(made)


def result(page: Path) -> Any:
    return json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))


def words(text: str) -> str:
    """Return text without tags, escapes and line breaks, spaces of any width alike."""
    plain = html.unescape(re.sub(r"<(style|script).*?</\1>|<wbr>|<[^>]*>", " ", text, flags=re.DOTALL))
    return re.sub(r"\s+", "", plain)


@SCENES
def test_the_command_ends_as_gate_does_and_the_json_has_its_verdict(ask, page, scene):
    gate = ask(scene).gate
    code, file = page(scene)
    assert code == gate["exit_code"] == result(file)["exit_code"]
    assert result(file)["verdict"] == gate["word"]
    assert result(file)["summary"]["gate"] == gate["gate"]


@SCENES
def test_the_sections_of_the_json_are_those_of_the_object(ask, doors, page, scene):
    asked = ask(scene)
    shown = [piece for section in result(page(scene)[1])["sections"] for piece in section["pieces"]]
    flat = [inner for piece in shown for inner in doors.pieces(piece)]
    for section in doors.SECTIONS[1:]:
        own = doors.pieces(asked.piece(section))
        for piece in (piece for piece in own if piece["kind"] in ("statement", "table", "figure", "checklist")):
            assert any(_same(piece, other) for other in flat), (section, piece)


def _same(piece: Any, other: Any) -> bool:
    # What a page draws or hides is its own affair, and so is where its commands find the project.
    return all(
        other.get(key) == piece[key] for key in ("kind", "sentences", "title", "alt", "rows", "items") & piece.keys()
    )


@SCENES
def test_the_page_shows_each_sentence_and_the_outcome_of_each_reason(ask, doors, page, scene):
    asked = ask(scene)
    shown = words(page(scene)[1].read_text(encoding="utf-8"))
    assert words(f"{asked.gate['word'].upper()}") in shown.upper()
    for section in ("executive_summary", "compliance", "change_impact", "response_times", "conclusion"):
        for sentence in doors.sentences(asked.piece(section)):
            assert words(sentence) in shown, sentence
        for figure in doors.figures(asked.piece(section)):
            assert words(figure["title"]) in shown, figure["title"]
    for reason in asked.gate["reasons"]:
        assert words(f"{reason['subject']} {reason['text']}") in shown


@SCENES
def test_the_page_gives_each_finding_the_state_that_gate_gives_it(ask, page, scene):
    rows = re.findall(r"<tr.*?</tr>", page(scene)[1].read_text(encoding="utf-8"), re.DOTALL)
    cells = [[words(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)] for row in rows]
    findings = [c for c in ask(scene).conditions.values() if c["kind"] == "findings"]
    for item in (item for condition in findings for item in condition["items"]):
        rule, place = item["what"].split()
        # Its own row names rule and place alone; the state has a cell, behind its glyph.
        mine = [row for row in cells if re.fullmatch(f"{re.escape(rule)}\\W*{re.escape(place)}", "".join(row[:1]))]
        assert [[cell[1:] for cell in row if cell[1:] == item["state"]] for row in mine] == [[item["state"]]], item


@SCENES
def test_the_markdown_opens_with_the_verdict_and_its_reasons(ask, page, scene):
    asked = ask(scene)
    text = page(scene)[1].with_suffix(".md").read_text(encoding="utf-8")
    assert f"{asked.gate['word'].upper()}**" in text
    for reason in asked.gate["reasons"]:
        assert f"{reason['outcome']}: **{reason['subject']}**" in text


@SCENES
def test_the_index_has_the_verdict_and_the_first_reason_of_the_report(ask, page, scene):
    asked = ask(scene)
    code, file = page(scene)
    index = result(file.with_name("index.html"))
    (report,) = index["reports"]
    assert (report["verdict"], report["failed"], index["exit_code"]) == (asked.gate["word"], False, code)
    assert index["counts"][asked.gate["word"]] == 1
    first = next(iter(asked.gate["reasons"]), None)
    assert report["reason"] == (f"{first['subject']} {first['text']}" if first else None)
    assert report["largest_change"] == asked.gate["largest_change"]
    (line,) = index["conditions"] or [{"outcomes": None}]
    if line["outcomes"] is not None:
        assert line["outcomes"] == {name: condition["outcome"] for name, condition in asked.conditions.items()}
