"""The index: counts, order, links, and the same words in three files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.errors import EvidenceError
from stabkit.report.index import write_index


def put(folder: Path, name: str, verdict: str | None, exit_code: int, failure: Any = None) -> None:
    reasons = [{"outcome": verdict, "subject": f"{name} p99", "text": "<b>slow</b>"}]
    summary = {"reasons": reasons, "largest_change": "+55 %", "missing": ["memory"]} if verdict else None
    subject = {
        "title": "t",
        "project": f"proj {name}",
        "environment": "e",
        "baseline": "a",
        "candidate": "b",
        "at": None,
    }
    result = {
        "schema": 1, "notebook": "n", "title": name, "verdict": verdict, "exit_code": exit_code, "failure": failure,
        "subject": subject, "summary": summary, "sections": [],
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
