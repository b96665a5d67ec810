"""The sources of a report: one row each, whichever side it was read on."""

from __future__ import annotations

import pandas as pd

from stabkit.report.sections.method import _sources


def read(side: str, digest: str, rows: int = 24, message: str | None = None, **other: object) -> dict[str, object]:
    told = {"side": side, "kind": "tests", "format": "junit", "path": "junit.xml", "sha256": digest * 64, "rows": rows}
    status = "partial" if message else "ok"
    return {**told, "status": status, "message": message, "line": None, "column": None, "claimed": None, **other}


def test_a_source_of_both_sides_is_one_row() -> None:
    table = _sources(pd.DataFrame([read("baseline", "a"), read("candidate", "b", 25)]))
    assert [row["path"] for row in table.rows] == [("junit.xml", "junit · both sides")]
    assert table.rows[0]["rows"] == "24 → 25"
    assert table.rows[0]["sha256"] == f"{'a' * 12} → {'b' * 12}"
    assert len(table.content()["rows"]) == 2, "the data name both"


def test_what_was_read_again_is_counted_and_the_worst_status_stands() -> None:
    whole = "the file ends in the middle of a test case, and what came before it was read; " * 2
    again = [read("candidate", "a"), read("candidate", "b", message=whole), read("candidate", "c", message="no rows")]
    row = _sources(pd.DataFrame(again)).rows[0]
    assert row["path"][1] == "junit · candidate alone · read 3 times"
    assert row["status"] == "partial"
    assert row["message"] == f"{whole.strip()}; no rows", "no message is cut for standing beside another"
