"""Of section 7: whether tests ran what the range changed, file by file."""

from __future__ import annotations

from typing import Any

from stabkit.case import Case
from stabkit.report.display import Column, Piece, Statement, Table
from stabkit.report.words import item_text, sentence, whole_text
from stabkit.text import plain

__all__ = ["coverage_pieces"]

_SHOWN = 12


def coverage_pieces(case: Case) -> list[Piece]:
    """Return how each coverage condition came out, and the changed files with lines that did not run; maybe none."""
    conditions = case.of_kind("coverage")
    if not conditions:
        return []
    pieces: list[Piece] = [Statement(tuple(sentence(f"{plain(c.name)}: {whole_text(c)}") for c in conditions))]
    rows: tuple[dict[str, Any], ...] = tuple(
        {
            "file": plain(item["what"], 160),
            "state": "regressed" if item.get("gates") else "stable",
            "lines": item_text("coverage", item),
        }
        for condition in conditions
        for item in condition.items
        if item.get("missed")
    )
    if rows:
        columns = (
            Column("file", "Changed file", "head"),
            Column("state", "Outcome", "outcome"),
            Column("lines", "Changed lines"),
        )
        pieces.append(Table(columns, rows, "Changed lines that no test ran", limit=_SHOWN))
    return pieces
