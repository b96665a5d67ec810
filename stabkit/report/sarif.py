"""The new findings of a comparison as SARIF 2.1.0, for tools that show or upload them.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.27.10 (``level``),
3.27.24 (``baselineState``) and 3.35 (``suppression``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pandas as pd

from stabkit.vocabulary import severity_rank

if TYPE_CHECKING:
    from stabkit.config import Acceptance

__all__ = ["new_findings_log"]

Accepting = Callable[[Mapping[Any, Any]], "Acceptance | None"]

# By rank of severity, from "none" to "critical".
_LEVELS: Final = ("note", "note", "warning", "error", "error")
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def new_findings_log(
    states: pd.DataFrame, scans: pd.DataFrame, accepting: Accepting = lambda _: None
) -> dict[str, Any]:
    """Return a SARIF log of the findings that are new and not suppressed, a run a tool.

    Parameters
    ----------
    states : DataFrame
        ``states`` of :func:`stabkit.analyze.findings.matching.match_findings`.
    scans : DataFrame
        Table ``scans`` of the candidate.
    accepting : callable, optional
        The entry of ``[[accepted]]`` that holds of a finding's row, if one does: it is then listed as suppressed, with
        the status ``accepted`` and the reason as its justification.

    Returns
    -------
    dict
        Each result has ``baselineState`` ``new``, and its fingerprint under ``stabkit/v1``. A tool without a new
        finding has an empty list of results, and ``executionSuccessful`` false where its scan was not whole: that list
        then proves nothing.
    """
    active = ~states["suppressed"].fillna(value=False).astype(bool)
    new = states[states["state"].isin(["new", "reopened"]) & active]
    runs = [
        _run(str(tool), mine, new[new["tool"] == tool], accepting) for tool, mine in scans.groupby("tool", sort=True)
    ]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}


def _run(tool: str, scans: pd.DataFrame, new: pd.DataFrame, accepting: Accepting) -> dict[str, Any]:
    versions = sorted(set(scans["version"].dropna()))
    driver: dict[str, Any] = {"name": tool, "rules": [{"id": str(rule)} for rule in sorted(set(new["rule"]))]}
    if len(versions) == 1:
        driver["version"] = str(versions[0])
    return {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": bool(scans["complete"].all())}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(row, accepting(row)) for row in new.to_dict("records")],
    }


def _result(row: Mapping[Any, Any], accepted: Acceptance | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": str(row["rule"]),
        "level": _LEVELS[rank] if (rank := severity_rank(row["severity"])) is not None else "warning",
        "message": {"text": str(row["message"]) if pd.notna(row["message"]) else str(row["rule"])},
        "baselineState": "new",
    }
    if pd.notna(row["fingerprint"]):
        found["fingerprints"] = {"stabkit/v1": str(row["fingerprint"])}
    if pd.notna(row["path"]):
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(str(row["path"]))}}
        if pd.notna(row["line"]):
            place["region"] = {"startLine": int(row["line"])}
        found["locations"] = [{"physicalLocation": place}]
    if accepted is not None:
        said = {"kind": "external", "status": "accepted", "justification": accepted.reason}
        told = {"owner": accepted.owner, "until": accepted.until.isoformat()}
        found["suppressions"] = [said | {"properties": told}]
    return found
