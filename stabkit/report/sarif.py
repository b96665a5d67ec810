"""The new findings of a comparison as SARIF 2.1.0, for tools that show or upload them.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.27.10 (``level``) and
3.27.24 (``baselineState``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import pandas as pd

from stabkit.analyze.findings import severity_rank

__all__ = ["new_findings_log"]

# By rank of severity, from "none" to "critical".
_LEVELS: Final = ("note", "note", "warning", "error", "error")
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def new_findings_log(states: pd.DataFrame) -> dict[str, Any]:
    """Return a SARIF log of the findings that are new and not suppressed, a run a tool.

    Parameters
    ----------
    states : DataFrame
        ``states`` of :func:`stabkit.analyze.findings.match_findings`.

    Returns
    -------
    dict
        Each result has ``baselineState`` ``new``, and its fingerprint under ``stabkit/v1``. A tool without a new
        finding is not in it.
    """
    new = states[(states["state"] == "new") & ~states["suppressed"].fillna(value=False).astype(bool)]
    runs = [
        {
            "tool": {"driver": {"name": str(tool), "rules": [{"id": str(rule)} for rule in sorted(set(rows["rule"]))]}},
            "columnKind": "unicodeCodePoints",
            "results": [_result(row) for row in rows.to_dict("records")],
        }
        for tool, rows in new.groupby("tool", sort=True)
    ]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}


def _result(row: Mapping[str, Any]) -> dict[str, Any]:
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
    return found
