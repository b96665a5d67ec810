"""The "architecture compliance" JSON: violations of structural rules, with a score and categories of files.

Its totals are claims and its rows decide. A category can hold violations and no file; nothing is divided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import ReportError, normalise_path
from stabkit.read.fingerprints import computed_fingerprints
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import mapped, moment
from stabkit.read.scans._results import positive
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import source_evidence
from stabkit.text import amount, spelt

__all__ = ["FORMAT", "KIND", "TOOL", "read", "recognise"]

FORMAT: Final = "architecture-compliance"
KIND: Final = "scan"
TOOL: Final = "architecture-compliance"

_SIGNS: Final = ("total_violations", "compliance_score", "violations_by_type", "category_scores")
_TEST_PATH: Final = re.compile(r"(^|/)(tests?|__tests__)/|(^|/)(test_[^/]*|[^/]*_test)\.\w+$|(^|/)conftest\.py$")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is such a scan, by two of its own keys."""
    keys = json_keys(head)
    return sum(sign in keys for sign in _SIGNS) >= 2


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``scans`` (the whole, then each category), ``findings`` and the ``sources`` row.

    Parameters
    ----------
    path : Path
        The report, plain or gzip.
    suite : str, optional
        The configured scan; it becomes the ``scan_id``, else the path does.
    root : Path, optional
        Absolute paths beneath it become relative.

    Raises
    ------
    ReportError
        Not JSON, or not such a report.

    Notes
    -----
    A finding's category is the report's own word for it (``category`` of the row) or, as the rows usually lack one,
    ``test_files`` by its path where the report scores that category, else ``all``: the report does not tell.
    """
    content = load_json(path)
    report = content.value
    if not isinstance(report, dict) or not any(sign in report for sign in _SIGNS):
        raise ReportError("not an architecture compliance report")
    warnings = list(content.warnings)
    scan_id = suite or redact_text(spelt(path))
    categories = mapped(report.get("category_scores"))
    listed = report.get("violations")
    findings = _findings(listed, scan_id, categories, root)
    total = _count(report.get("total_violations"), "total_violations", warnings)
    complete = isinstance(listed, list) and (total or 0) <= len(findings)  # what is counted and not listed is unknown
    scans = [_whole(report, scan_id, total, complete=complete, warnings=warnings)]
    for name, category in categories.items():
        if isinstance(category, dict):
            scans.append(_category(scans[0], name, category, warnings))
    _compare(total, findings, complete=complete, warnings=warnings)
    return source_evidence(
        {"scans": pd.DataFrame(scans), "findings": pd.DataFrame(findings)},
        kind=KIND,
        path=path,
        form=FORMAT,
        status="ok" if complete else "partial",
        messages=warnings,
        claimed=_claims(report, categories),
    )


def _findings(listed: object, scan_id: str, categories: Mapping[str, Any], root: Path | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, violation in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(violation, dict):
            raise ReportError(f"violations, row {number}: is no object")
        rows.append(_finding(violation, scan_id, categories, root))
    texts = ((row["rule"], row["path"], row["message"] or "") for row in rows)
    for row, fingerprint in zip(rows, computed_fingerprints(texts), strict=True):
        row["fingerprint"] = fingerprint
    return rows


def _finding(
    violation: Mapping[str, Any], scan_id: str, categories: Mapping[str, Any], root: Path | None
) -> dict[str, Any]:
    file = violation.get("file_path")
    path = normalise_path(redact_text(file), root=root) if isinstance(file, str) and file else None
    sentence = violation.get("description")
    function = violation.get("function_name")
    message = " in ".join(str(part) for part in (sentence, function) if part) or None
    severity = violation.get("severity")
    return {
        "scan_id": scan_id,
        "tool": TOOL,
        "rule": str(violation.get("violation_type") or "(?)"),
        "severity": str(severity).lower() if severity else None,
        "scope": _scope(violation, path, categories),
        "path": path,
        "line": positive(violation.get("line_number")),
        "message": redact_text(message) if message else None,
        "suppressed": False,
    }


def _scope(violation: Mapping[str, Any], path: str | None, categories: Mapping[str, Any]) -> str:
    stated = violation.get("category")
    if isinstance(stated, str) and stated:
        return stated
    if path and "test_files" in categories and _TEST_PATH.search(path):
        return "test_files"
    return "all"


def _whole(
    report: Mapping[str, Any], scan_id: str, total: int | None, *, complete: bool, warnings: list[str]
) -> dict[str, Any]:
    summary = mapped(report.get("summary"))
    stamp = report.get("timestamp")
    scanned_at = moment(stamp)
    if stamp is not None and scanned_at is None:
        warnings.append(f"its timestamp cannot be read: {str(stamp)[:40]!r}")
    elif scanned_at is not None and pd.to_datetime(stamp, errors="coerce").tzinfo is None:
        warnings.append("its timestamp has no zone and is read as UTC")
    return {
        "scan_id": scan_id,
        "tool": TOOL,
        "version": None,
        "scope": "all",
        "files_scanned": _count(summary.get("total_files_checked"), "total_files_checked", warnings),
        "complete": complete,
        "claimed_score": _score(report.get("compliance_score"), warnings),
        "claimed_findings": total,
        "claimed_files_with_findings": _count(summary.get("files_with_violations"), "files_with_violations", warnings),
        "scanned_at": scanned_at,
    }


def _category(whole: Mapping[str, Any], name: str, category: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    files = _count(category.get("total_files"), f"{name}: total_files", warnings)
    claimed = _count(category.get("violations"), f"{name}: violations", warnings)
    if files == 0 and claimed:
        plural = "s" if claimed > 1 else ""
        warnings.append(f"category {name}: {claimed} finding{plural} in 0 counted files, its score is undefined")
    return {
        **whole,
        "scope": name if name != "all" else "all (category)",
        "files_scanned": files,
        "claimed_score": _score(category.get("score"), warnings),
        "claimed_findings": claimed,
        "claimed_files_with_findings": _count(
            category.get("files_with_violations"), f"{name}: files_with_violations", warnings
        ),
    }


def _compare(total: int | None, findings: list[dict[str, Any]], *, complete: bool, warnings: list[str]) -> None:
    if not complete:
        stated = "some findings" if total is None else amount(total, "finding", "findings")
        lists = f"{len(findings)}: which the others" if findings else "none: which ones they"
        warnings.append(f"it claims {stated} and lists {lists} are is unknown")
    elif total is not None and total != len(findings):
        warnings.append(f"it claims {total} findings and lists {len(findings)}: the rows count")


def _claims(report: Mapping[str, Any], categories: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("violations", "files_with_violations", "total_files", "score")
    claims: dict[str, Any] = {
        "findings": report.get("total_violations"),
        "score": report.get("compliance_score"),
        "by_type": mapped(report.get("violations_by_type")) or None,
        "categories": {
            name: {key: category.get(key) for key in keys}
            for name, category in categories.items()
            if isinstance(category, dict)
        }
        or None,
    }
    return {key: value for key, value in claims.items() if value is not None}


def _count(value: object, what: str, warnings: list[str]) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or not 0 <= value < 2**63:
        warnings.append(f"{what} is no count and became null: {str(value)[:40]!r}")
        return None
    return int(value)


def _score(value: object, warnings: list[str]) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        warnings.append(f"a score is no number and became null: {str(value)[:40]!r}")
        return None
    return float(value)
