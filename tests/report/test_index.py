"""The index: counts, order, links, and the same words in three files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.errors import EvidenceError
from stabkit.report.index import write_index


def put(
    folder: Path, name: str, verdict: str | None, exit_code: int, failure: Any = None, at: str | None = None,
    project: str | None = None, sections: Any = (), conditions: Any = None,
) -> None:  # fmt: skip
    reasons = [{"outcome": verdict, "subject": f"{name} p99", "text": "<b>slow</b>"}]
    summary = (
        {"reasons": reasons, "largest_change": "The largest change is p99: +55 %", "missing": ["memory"]}
        if verdict
        else None
    )
    if summary and conditions:
        found = [{"name": name_, "outcome": outcome} for name_, outcome in conditions.items()]
        summary["gate"] = {"conditions": found}
    subject = {
        "title": "t",
        "project": project or f"proj {name}",
        "environment": "e",
        "baseline": "a",
        "candidate": "b",
        "at": at,
    }
    result = {
        "schema": 1, "notebook": "n", "title": name, "verdict": verdict, "exit_code": exit_code, "failure": failure,
        "subject": subject, "summary": summary, "sections": list(sections),
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


def test_index_orders_counts_and_links(tmp_path: Path) -> None:
    put(tmp_path, "a stable", "stable", 0)
    put(tmp_path, "b", "inconclusive", 3)
    put(tmp_path, "c", "regressed", 1)
    put(tmp_path, "d", None, 2, {"cell": 3, "section": "S", "error": "EvidenceError", "message": "gone"})
    put(tmp_path, "e", None, 0)
    (tmp_path / "other.json").write_text('{"schema": 1}')
    html, result, markdown = write_index(tmp_path)
    found = json.loads(result.read_text())
    assert [report["file"] for report in found["reports"]] == ["d.json", "c.json", "b.json", "a stable.json", "e.json"]
    assert found["counts"] == {"error": 1, "regressed": 1, "inconclusive": 1, "stable": 1, "none": 1}
    assert found["exit_code"] == 2
    page = html.read_text()
    assert 'href="a%20stable.html"' in page
    assert "&lt;b&gt;slow&lt;/b&gt;" in page
    assert "cell 3: EvidenceError gone" in page
    assert "5 reports: 1 failed to execute, 1 regressed, 1 inconclusive, 1 stable, 1 without verdict." in page
    assert "<script" not in page
    assert "✗ regressed" in markdown.read_text()
    before = page, result.read_bytes()
    write_index(tmp_path)
    assert (html.read_text(), result.read_bytes()) == before


@pytest.mark.parametrize(
    ("verdicts", "code"), [(["stable"], 0), (["stable", "inconclusive"], 3), (["inconclusive", "regressed"], 1)]
)
def test_regressed_outranks_inconclusive_outranks_stable(tmp_path: Path, verdicts: list[str], code: int) -> None:
    for i, word in enumerate(verdicts):
        put(tmp_path, f"r{i}", word, {"stable": 0, "regressed": 1, "inconclusive": 3}[word])
    assert json.loads(write_index(tmp_path)[1].read_text())["exit_code"] == code


def test_empty_and_broken_folders(tmp_path: Path) -> None:
    assert "There is no report in this folder." in write_index(tmp_path)[0].read_text()
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(EvidenceError, match="Not a JSON result"):
        write_index(tmp_path)
    with pytest.raises(EvidenceError, match="no such folder"):
        write_index(tmp_path / "nowhere")


def test_index_names_the_verdicts_before_and_only_columns_that_say_something(tmp_path: Path) -> None:
    for day, (word, code) in enumerate((("stable", 0), ("regressed", 1), ("inconclusive", 3)), start=1):
        put(tmp_path, f"r{4 - day}", word, code, at=f"2025-09-0{day}T12:00:00+00:00", project="shop")
    put(tmp_path, "other", "stable", 0, at="2025-09-09T12:00:00+00:00", project="else")
    html, result, _ = write_index(tmp_path)
    found = {report["file"]: report["earlier"] for report in json.loads(result.read_text())["reports"]}
    assert found == {"r1.json": ["stable", "regressed"], "r2.json": ["stable"], "r3.json": [], "other.json": []}
    page = html.read_text()
    assert page.count("Before it</th>") == 2
    assert "p99: +55 %" in page
    assert "The largest change is" not in page


def test_reports_without_verdict_show_their_first_sentence(tmp_path: Path) -> None:
    pieces = [{"kind": "statement", "sentences": ["35 of 35 tests passed.", "More."]}]
    put(tmp_path, "trends", None, 0, sections=[{"number": None, "heading": "", "pieces": pieces}])
    assert '<td data-label="What it says first">35 of 35 tests passed.</td>' in write_index(tmp_path)[0].read_text()


def test_groups_are_links_that_filter_and_the_newest_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "old", "regressed", 1, at="2025-09-01T12:00:00+00:00")
    put(tmp_path, "new", "regressed", 1, at="2025-09-02T12:00:00+00:00")
    put(tmp_path, "broken", None, 2, {"cell": 3, "section": "S", "error": "EvidenceError", "message": "gone"})
    html, result, _ = write_index(tmp_path)
    assert [report["file"] for report in json.loads(result.read_text())["reports"]] == [
        "broken.json", "new.json", "old.json",
    ]  # fmt: skip
    page = html.read_text()
    for anchor in ("failed-to-execute", "regressed"):
        assert f'<a href="#{anchor}">' in page
        assert f'<section id="{anchor}" class="group">' in page


def test_one_bad_dependency_shows_as_a_column(tmp_path: Path) -> None:
    shared = {"database": "regressed", "own errors": "stable"}
    put(tmp_path, "a", "regressed", 1, at="2025-09-02T12:00:00+00:00", project="shop", conditions=shared)
    put(
        tmp_path,
        "before",
        "stable",
        0,
        at="2025-09-01T12:00:00+00:00",
        project="shop",
        conditions={"database": "stable"},
    )
    put(tmp_path, "b", "regressed", 1, at="2025-09-02T12:00:00+00:00", project="chat", conditions=shared)
    put(tmp_path, "c", "stable", 0, at="2025-09-02T12:00:00+00:00", project="mail", conditions={"own errors": "stable"})
    html, result, _ = write_index(tmp_path)
    found = {line["file"]: line["outcomes"] for line in json.loads(result.read_text())["conditions"]}
    assert found == {"a.json": shared, "b.json": shared, "c.json": {"database": None, "own errors": "stable"}}
    page = html.read_text()
    assert page.index('<th scope="col">database</th>') < page.index('<th scope="col">own errors</th>')
    assert page.count('<td class="regressed">') == 2
    assert "not in this report" in page


def test_nothing_shared_needs_no_matrix(tmp_path: Path) -> None:
    put(tmp_path, "a", "stable", 0, conditions={"x": "stable"})
    html, result, _ = write_index(tmp_path)
    assert json.loads(result.read_text())["conditions"] == []
    assert "several reports share" not in html.read_text()
