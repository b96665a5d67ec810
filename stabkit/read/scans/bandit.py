"""bandit's JSON: ``results``, ``metrics`` of every scanned file, ``errors`` for those it could not read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, moment, text
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "bandit"
KIND: Final = "scan"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is bandit's JSON."""
    return {"errors", "generated_at"} <= set(json_keys(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    report = mapped(content.value)
    metrics = mapped(report.get("metrics"))
    scan = Scan("bandit", warnings=list(content.warnings), scanned_at=moment(report.get("generated_at")))
    scan.paths = [name for name in metrics if name != "_totals"] if metrics else None
    for error in listed(report.get("errors"), "errors"):
        scan.unread.append(f"{text(error.get('filename'))}: {text(error.get('reason')) or 'no reason'}")
    for entry in listed(report.get("results"), "results"):
        scan.results.append(
            Result(
                text(entry.get("test_id")),
                text(entry.get("filename")),
                positive(entry.get("line_number")),
                text(entry.get("issue_text")),
                text(entry.get("issue_severity")),
            )
        )
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)
