"""bandit's JSON: ``results``, ``metrics`` of every scanned file, ``errors`` for those it could not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, moment, text, whole
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "bandit"
KIND: Final = "scan"
_SILENCED: Final = ("nosec", "skipped_tests")
"""Counts of a file's findings that a comment silences: all of a line, or those of the tests that it names."""
_NUMBERED: Final = re.compile(r"^(\d{1,9}) ?(.*)$", re.MULTILINE)


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
    files = {name: mapped(counts) for name, counts in metrics.items() if name != "_totals"}
    scan.paths = list(files) if metrics else None
    if any(key in counts for counts in files.values() for key in _SILENCED):
        scan.silenced = {name: _silences(counts) for name, counts in files.items()}
    unlisted = _silences(mapped(metrics.get("_totals"))) - sum(_silences(counts) for counts in files.values())
    if unlisted > 0:
        scan.unread.append(
            amount(unlisted, "silenced line or test counts", "silenced lines or tests count") + " in no file"
        )
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
                snippet=_flagged(entry),
            )
        )
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _silences(counts: Mapping[str, Any]) -> int:
    return sum(whole(counts.get(key)) or 0 for key in _SILENCED)


def _flagged(entry: Mapping[str, Any]) -> str | None:
    """Return the flagged lines of ``code``, which shows those around them too, each behind its number."""
    stated = entry.get("line_range")
    wanted = {positive(line) for line in stated} if isinstance(stated, list) else {positive(entry.get("line_number"))}
    lines = _NUMBERED.findall(text(entry.get("code")) or "")
    if len(lines) == 1:
        return str(lines[0][1])
    return "\n".join(line for number, line in lines if int(number) in wanted) or None
