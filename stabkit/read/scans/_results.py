"""Findings as a reader meets them, and the ``scans`` and ``findings`` rows that they become."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import normalise_path
from stabkit.read.fingerprints import computed_fingerprints, sha256_of
from stabkit.read.json_shapes import positive
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import source_evidence
from stabkit.text import amount, spelt

__all__ = ["UNPARSED", "Result", "Scan", "positive", "snippet_sha256", "unread"]

UNPARSED: Final = frozenset(
    {"invalid-syntax", "syntax-error", "syntax", "parse-error", "astroid-error", "E0001", "E901", "E902", "E999"}
)
"""Rules by which ruff, pylint, mypy and flake8 say that they could not read a file: what is in it is unknown."""


@dataclass(frozen=True)
class Result:
    """One finding; ``severity`` and ``fingerprint`` are the tool's own words, ``snippet`` is the flagged text."""

    rule: str | None
    path: str | None
    line: int | None = None
    message: str | None = None
    severity: str | None = None
    fingerprint: str | None = None
    suppressed: bool = False
    scope: str = "all"
    snippet: str | None = None


@dataclass
class Scan:
    """What one file tells of one scan.

    Attributes
    ----------
    paths : iterable of str or None
        Every file that was scanned, the clean ones too; None unless the report lists them.
    files_scanned : int or None
        Their number, where it is stated without the list.
    silenced : mapping of str to int or None
        How many findings each file silences in its source; None unless the report counts them.
    unread : list of str
        What the tool could not read; any makes the scan incomplete.
    """

    tool: str
    version: str | None = None
    results: list[Result] = field(default_factory=list)
    paths: Iterable[str] | None = None
    files_scanned: int | None = None
    silenced: Mapping[str, int] | None = None
    unread: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    scanned_at: pd.Timestamp | None = None

    def evidence(self, path: Path, *, form: str, suite: str | None, root: Path | None) -> Evidence:
        """Return the rows of ``scans`` and ``findings``, and the ``sources`` row."""
        scan_id = suite or redact_text(spelt(path))
        listed = None if self.paths is None else sorted({_place(p, root) or "" for p in self.paths} - {""})
        rows = [self._row(result, scan_id, root) for result in self.results]
        texts = ((row["rule"], row["path"], row["message"] or "") for row in rows)
        for row, computed in zip(rows, computed_fingerprints(texts), strict=True):
            own = row.pop("own")
            row["fingerprint"] = own or computed
            row["fingerprints"] = json.dumps({"tool": own}) if own else None
        warnings = list(self.warnings)
        silenced = {_place(path, root): number for path, number in (self.silenced or {}).items() if number}
        self.unread += [f"{r.path}: {r.message or r.rule}" for r in self.results if r.rule in UNPARSED]
        if self.unread:
            warnings.insert(0, unread(self.unread))
        unnamed = sum(row["rule"] == "(?)" for row in rows)
        if unnamed:
            warnings.append(amount(unnamed, "finding names no rule", "findings name no rule"))
        scan = {
            "scan_id": scan_id,
            "tool": self.tool,
            "version": self.version,
            "scope": "all",
            "scope_sha256": sha256_of(listed) if listed else None,
            "files_scanned": len(listed) if listed else self.files_scanned,
            "complete": not self.unread,
            "scanned_at": self.scanned_at,
            "paths": json.dumps(listed) if listed else None,
            "silenced": None if self.silenced is None else json.dumps(silenced, sort_keys=True),
        }
        return source_evidence(
            {"scans": pd.DataFrame([scan]), "findings": pd.DataFrame(rows)},
            kind="scan",
            path=path,
            form=form,
            status="partial" if self.unread else "ok",
            messages=warnings,
        )

    def _row(self, result: Result, scan_id: str, root: Path | None) -> dict[str, Any]:
        return {
            "scan_id": scan_id,
            "tool": self.tool,
            "rule": result.rule or "(?)",
            "severity": result.severity.lower() if result.severity else None,
            "scope": result.scope,
            "path": _place(result.path, root),
            "line": result.line,
            "message": redact_text(result.message) if result.message else None,
            "suppressed": result.suppressed,
            "snippet_sha256": snippet_sha256(result.snippet),
            "own": redact_text(result.fingerprint) if result.fingerprint else None,
        }


def snippet_sha256(text: object) -> str | None:
    """Return the hash of a flagged text without its blanks, which a formatter changes; None of no text."""
    return sha256_of(["".join(text.split())]) if isinstance(text, str) and text.strip() else None


def unread(found: list[str]) -> str:
    """Return what is said of files, at least one, that the tool could not read."""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"unread: {found[0][:300]}{more}"


def _place(path: str | None, root: Path | None) -> str | None:
    return (normalise_path(redact_text(path), root=root) or None) if path else None
