"""coverage.py's own JSON: the lines of each file that ran, and those that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from stabkit.read.content import ReportError
from stabkit.read.coverage._parts.covered_files import CoverageReport
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import mapped, positive, whole
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "coverage-py"
KIND: Final = "coverage"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is coverage.py's JSON."""
    return {"meta", "files"} <= set(json_keys(head)) and (b'"executed_lines"' in head or b'"totals"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``coverage`` of the report and its ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or without ``files``.
    """
    content = load_json(path)
    value = mapped(content.value)
    files = value.get("files")
    if not isinstance(files, dict):
        raise ReportError("files is no object")
    totals = mapped(value.get("totals"))
    report = CoverageReport(
        warnings=list(content.warnings),
        claimed={"lines": whole(totals.get("num_statements")), "covered": whole(totals.get("covered_lines"))},
    )
    for name, entry in files.items():
        told, summary = mapped(entry), mapped(mapped(entry).get("summary"))
        own = report.file(name)
        own.stated = whole(summary.get("num_statements")) or 0
        own.stated_covered = whole(summary.get("covered_lines")) or 0
        for key, ran in (("executed_lines", True), ("missing_lines", False)):
            for line in _numbers(told.get(key), f"{name}: {key}"):
                report.tell(name, positive(line), ran=ran)
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _numbers(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ReportError(f"{what} is no list")
    return value
