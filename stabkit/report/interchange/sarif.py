"""A verdict, and the new findings of a comparison, as SARIF 2.1.0, for tools that show or upload them.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.27.10 (``level``),
3.27.24 (``baselineState``) and 3.35 (``suppression``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pandas as pd

from stabkit.analyze import finding_names
from stabkit.analyze.findings import FindingComparison, united_findings
from stabkit.installation import package_version
from stabkit.report.words import decision_text, whole_text
from stabkit.text import plain
from stabkit.vocabulary import severity_rank

if TYPE_CHECKING:
    from stabkit.case import Case
    from stabkit.config import Acceptance

__all__ = ["gate_log", "new_findings_log"]

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


def gate_log(case: Case) -> dict[str, Any]:
    """Return a SARIF log of what a gate holds against a candidate, for tools that show or upload it.

    Returns
    -------
    dict
        The run of ``stabkit`` has a result for each gating condition that is regressed (``error``) or inconclusive
        (``warning``), at the configuration that declares it. The runs of the scanners follow, as in
        :func:`new_findings_log`. ``executionSuccessful`` is false where the verdict is inconclusive: an empty list then
        proves nothing.
    """
    found = united_findings(case.gate.compared(FindingComparison))
    runs = [_gate_run(case)]
    if found is not None:
        log = new_findings_log(
            found.states, case.after["scans"], lambda row: case.sides.acceptance("finding", *finding_names(row))
        )
        runs += log["runs"]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}


def _gate_run(case: Case) -> dict[str, Any]:
    gate = case.gate
    where = quote(case.config_path.name) if case.config_path is not None else "stabkit.toml"
    place = {"physicalLocation": {"artifactLocation": {"uri": where}, "region": {"startLine": 1}}}
    kinds = sorted({condition.kind for condition in gate.reasons})
    return {
        "tool": {
            "driver": {"name": "stabkit", "version": package_version(), "rules": [{"id": kind} for kind in kinds]}
        },
        "invocations": [{"executionSuccessful": gate.verdict != "inconclusive", "exitCode": gate.exit_code}],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": gate.verdict, "headline": decision_text(gate, lacking=case.lacking)},
        "results": [
            {
                "ruleId": condition.kind,
                "level": "error" if condition.outcome == "regressed" else "warning",
                "message": {"text": f"{plain(condition.name)}: {whole_text(condition)}"},
                "partialFingerprints": {"stabkit/condition": condition.name},
                "locations": [place],
            }
            for condition in gate.reasons
        ],
    }
