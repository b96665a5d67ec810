"""Semgrep's JSON: ``results``, the paths that were scanned, and errors for what it could not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, text
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "semgrep"
KIND: Final = "scan"
_HIDDEN: Final = "requires login"
"""What stands where Semgrep shows something to those alone who have an account."""
# What was left out by choice is no gap; these were meant to be looked at.
_LOST: Final = ("fail", "error", "timeout", "exceeded", "too_big", "size", "nonexistent")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is Semgrep's JSON."""
    keys = set(json_keys(head))
    return "results" in keys and (b'"check_id"' in head or {"errors", "paths"} <= keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    A file that was parsed in part, a rule that was skipped and a file that was too large are unread.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    report = mapped(content.value)
    scan = Scan("semgrep", text(report.get("version")), warnings=list(content.warnings))
    paths = mapped(report.get("paths"))
    scanned = paths.get("scanned")
    scan.paths = [name for name in scanned if isinstance(name, str)] if isinstance(scanned, list) else None
    scan.unread += _unread(report, paths)
    for entry in listed(report.get("results"), "results"):
        extra = mapped(entry.get("extra"))
        shown = text(extra.get("lines"))
        own = text(extra.get("fingerprint"))
        scan.results.append(
            Result(
                text(entry.get("check_id")),
                text(entry.get("path")),
                positive(mapped(entry.get("start")).get("line")),
                text(extra.get("message")),
                text(extra.get("severity")),
                None if own == _HIDDEN else own,
                suppressed=extra.get("is_ignored") is True,
                snippet=None if shown == _HIDDEN else shown,
            )
        )
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _unread(report: Mapping[str, Any], paths: Mapping[str, Any]) -> Iterator[str]:
    for error in listed(report.get("errors", []), "errors"):
        said = text(error.get("message")) or text(error.get("long_msg")) or "no message"
        yield f"{text(error.get('path')) or text(error.get('rule_id')) or 'semgrep'}: {said}"
    for skipped in (mapped(entry) for entry in entries(paths.get("skipped"))):
        reason = text(skipped.get("reason")) or ""
        if any(word in reason for word in _LOST):
            yield f"{text(skipped.get('path'))}: {reason}"
    for rule in entries(report.get("skipped_rules")):
        name = text(mapped(rule).get("rule_id")) or text(rule) or "a rule"
        yield f"{name}: skipped"
