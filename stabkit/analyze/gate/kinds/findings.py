"""Judging findings: a new one in the gating range is a regression, if the scans are comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from stabkit.analyze.acceptances import accepted_items
from stabkit.analyze.findings import FINDING_STATES, GONE, FindingComparison, compare_findings
from stabkit.analyze.gate.kinds.items import names, not_in_baseline, spoken_of, text
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, combine, result_of
from stabkit.analyze.rows import records
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.vocabulary import FLOOR, finding_rank, severity_rank

__all__ = ["judge"]

_WORSE: Final = ("new", "reopened", "updated")


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each finding: a new one in the gating range is a regression, if the scans are comparable.

    Notes
    -----
    Gating: new or reopened, not suppressed, at or above ``min_severity``, without one at or above the floor (a severity
    that nobody states or that is of unknown rank always gates); so is an older one whose severity rose into that range,
    or whose suppression ended. A finding that was not
    scanned for again blocks ``stable``, unless its file was deleted.
    """
    before, after = (_scans(frame, condition, sides) for frame in sides.table("scans"))
    compared = compare_findings(sides, (before, after))  # shown also where a side lacks its scan
    missing = _missing_scans(condition, sides, before, after)
    if missing is not None:
        return result_of(condition, "inconclusive", needs=(missing,), comparison=compared)
    return _judge_states(condition, compared, sides)


def _missing_scans(condition: Condition, sides: Sides, before: pd.DataFrame, after: pd.DataFrame) -> Need | None:
    need = Need(1, "scans", "missing", "scan", spoken_of(condition))
    if after.empty:
        return replace(need, side="candidate")
    if (missing := sides.no_baseline(condition)) is not None:
        return missing
    return not_in_baseline(condition, sides, need) if before.empty else None


def _judge_states(condition: Condition, compared: FindingComparison, sides: Sides) -> ConditionResult:
    states = compared.states["state"]
    changed = compared.states[states != "persisting"]
    items = [_finding_item(row, condition) for row in records(changed)]
    items = accepted_items(items, "finding", sides)
    # A persisting finding never gates, so leaving it out of the items loses nothing.
    gating = [item for item in items if item["gates"]]
    unseen = [item for item in items if item["state"] == "not_scanned" and item["reason"] != "file deleted"]
    facts: dict[str, Any] = {state: int((states == state).sum()) for state in FINDING_STATES}
    if accepted := [item for item in items if item["state"] == "accepted"]:
        facts["accepted"] = len(accepted)
        facts |= {state: facts[state] - sum(one["accepted"]["was"] == state for one in accepted) for state in _WORSE}
    facts |= {
        "gating": len(gating),
        "below_floor": sum(item["below_floor"] for item in items if item["state"] != "accepted"),
        "open": compared.open_after,
        "total": len(states),
        "comparable": compared.comparable,
        "why": list(compared.why),
        "assumed": list(compared.assumed),
    }
    needs: list[Need] = []
    if not compared.comparable:
        needs += [Need(None, "scans", "not_comparable", "scans", (why,)) for why in compared.why]
    if unseen:
        needs.append(Need(None, "scans", "partial", "not_scanned", names(unseen)))
    outcomes: list[Outcome] = ["inconclusive"] if needs else ["improved" if facts["fixed"] else "stable"]
    exact = bool(gating) and compared.comparable
    if exact:
        outcomes.append("regressed")
    found = {"exact": exact, "items": tuple(items), "needs": tuple(needs), "facts": facts, "comparison": compared}
    return result_of(condition, combine(outcomes), **found)


def _scans(scans: pd.DataFrame, condition: Condition, sides: Sides) -> pd.DataFrame:
    """Return the scans the condition speaks of: by configured name, else by tool; a lone configured scan is all."""
    target = condition.target
    if target is None:
        return scans
    named = scans[(scans["scan_id"] == target) | scans["scan_id"].str.startswith(f"{target}#")]
    if len(named):
        return named
    by_tool = scans[scans["tool"] == target]
    if len(by_tool):
        return by_tool
    return scans if list(sides.config.scans) == [target] else named


def _finding_item(row: Mapping[Any, Any], condition: Condition) -> dict[str, Any]:
    line, path = row["line"], row["path"]
    place = f"{path}:{line}" if path and line is not None else path
    return {
        "state": row["state"],
        "what": f"{row['rule']} {place}" if place else str(row["rule"]),
        "detail": text(row["message"]),
        "line": line,
        "gates": _gates(row, condition),
        "below_floor": row["state"] in ("new", "reopened") and not row["suppressed"] and not _in_range(row, condition),
        "suppressed": bool(row["suppressed"]),
        **{key: text(row[key]) for key in ("tool", "rule", "severity", "path", "fingerprint", "matched_by", "reason")},
    }


def _gates(row: Mapping[Any, Any], condition: Condition) -> bool:
    if row["state"] in GONE or row["suppressed"] or not _in_range(row, condition):
        return False
    if row["state"] in ("new", "reopened"):
        return True
    return bool(row["baseline_suppressed"]) or not _in_range(row, condition, "baseline_severity")


def _in_range(row: Mapping[Any, Any], condition: Condition, column: str = "severity") -> bool:
    rank = finding_rank(str(row["tool"]), str(row["rule"]), text(row[column]))
    limit = severity_rank(condition.min_severity or FLOOR)
    return limit is None or rank is None or rank >= limit
