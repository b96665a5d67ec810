"""ruff's own JSON: a list of violations; one without a code is a file that could not be parsed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import load_json
from stabkit.read.json_shapes import array_keys, listed, mapped, text
from stabkit.read.scans._results import UNPARSED, Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "ruff"
KIND: Final = "scan"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is ruff's JSON; an empty list could be any tool's."""
    return {"code", "filename", "location"} <= array_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    scan = Scan("ruff", warnings=list(content.warnings))
    for entry in listed(content.value, "the report"):
        code, file = text(entry.get("code")), text(entry.get("filename"))
        if code is None or code in UNPARSED:
            scan.unread.append(f"{file}: {text(entry.get('message')) or 'no message'}")
        else:
            scan.results.append(_result(entry, code, file))
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _result(entry: Mapping[str, Any], code: str, file: str | None) -> Result:
    line = positive(mapped(entry.get("location")).get("row"))
    return Result(code, file, line, text(entry.get("message")), text(entry.get("severity")))
