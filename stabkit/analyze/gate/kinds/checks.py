"""Judging checks: each expectation about a target, by its worst result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from stabkit.analyze.checks import CheckComparison, worst_checks
from stabkit.analyze.facts import NeedReason
from stabkit.analyze.gate.kinds.items import Items, names, spoken_of, text
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, result_of
from stabkit.analyze.sides import Sides
from stabkit.config import Condition

__all__ = ["judge"]

_CHECK_NEEDS: Final[Mapping[str, NeedReason]] = {
    "known_failure": "failing_on_both_sides",
    "not_checked": "not_checked",
    "missing": "missing",
}


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each expectation: what fails now and did not fail before is a regression.

    Notes
    -----
    A check that the baseline passed, had not made, or did not have, and that fails now: regressed, exact. One that
    failed on both sides is a known failure: not a regression across this change, and not stable either. Not checked, or
    gone: inconclusive. A check made several times counts by its worst result. Judged without a baseline too.
    """
    before, after = (_checks(frame, condition) for frame in sides.table("checks"))
    compared = CheckComparison(before, after)
    facts: dict[str, Any] = {"total": len(after)}
    if condition.target in sides.websocket_targets:
        facts["probe"] = "websocket"
    if after.empty:
        missing = Need(None, "evidence", "missing", "checks", spoken_of(condition), side="candidate")
        return result_of(condition, "inconclusive", needs=(missing,), comparison=compared)
    known = before.set_index(["target", "check"])["outcome"].to_dict()
    items: Items = []
    for row in after.to_dict("records"):
        state = _check_state(row["outcome"], known.get((row["target"], row["check"])))
        if state is not None:
            items.append(_check_item(row, state, condition))
    now = set(zip(after["target"], after["check"], strict=True))
    gone = [row for row in before.to_dict("records") if (row["target"], row["check"]) not in now]
    items += [_check_item(row, "missing", condition) for row in gone]
    facts |= {"passed": int((after["outcome"] == "pass").sum()), "common": len(now & known.keys())}
    facts |= {state: sum(item["state"] == state for item in items) for state in ("fail", *_CHECK_NEEDS)}
    needs = tuple(
        Need(None, "evidence", reason, subjects=names(item for item in items if item["state"] == state))
        for state, reason in _CHECK_NEEDS.items()
        if facts[state]
    )
    outcome: Outcome = "regressed" if facts["fail"] else "inconclusive" if needs else "stable"
    if outcome == "stable" and any(known.get(key) == "fail" for key in now):
        outcome = "improved"
    found = {"items": tuple(items), "needs": needs, "facts": facts, "comparison": compared}
    return result_of(condition, outcome, exact=outcome == "regressed", **found)


def _checks(checks: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    """Return one row a check; 'changes' holds checklist lines and is judged only by its name."""
    mine = checks["target"] != "changes" if condition.target is None else checks["target"] == condition.target
    if condition.metric is not None:
        mine &= checks["check"] == condition.metric
    return worst_checks(checks[mine])


def _check_state(now: str, before: str | None) -> str | None:
    if now == "fail":
        return "known_failure" if before == "fail" else "fail"
    return "not_checked" if now == "not_checked" else None


def _check_item(row: Mapping[Any, Any], state: str, condition: Condition) -> dict[str, Any]:
    name = row["check"] if condition.target is not None else f"{row['target']}: {row['check']}"
    parts = {key: text(row[key]) for key in ("target", "check", "expected", "observed", "detail")}
    return {"state": state, "what": name, **parts, "failed": int(row["failed"]), "times": int(row["times"])}
