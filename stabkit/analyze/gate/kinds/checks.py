"""Judging checks: each expectation about a target, by its worst result, or by its share of many requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from stabkit.analyze.checks import CheckComparison, CheckState, check_states, worst_checks
from stabkit.analyze.facts import NeedReason
from stabkit.analyze.gate.kinds.items import Items, names, spoken_of, text
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, result_of
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import level_of
from stabkit.config import Condition
from stabkit.samples import usual_fault

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
    A check that the baseline passed, had not made, or did not have, and that fails now, always: regressed, exact. One
    that fails now and then is a share of its requests (:func:`.check_states`): proven, ruled out by the margin of the
    error rate, or open. One that failed always on both sides is a known failure: not a regression across this change,
    and not stable either. Not checked, or gone: inconclusive. Judged without a baseline too.
    """
    before, after = (_checks(frame, condition) for frame in sides.table("checks"))
    compared = CheckComparison(before, after)
    facts: dict[str, Any] = {"total": len(after)}
    if condition.target in sides.websocket_targets:
        facts["probe"] = "websocket"
    if after.empty:
        missing = Need(None, "evidence", "missing", "checks", spoken_of(condition), side="candidate")
        return result_of(condition, "inconclusive", needs=(missing,), comparison=compared)
    states = check_states(compared, level=level_of(sides.confidence))
    fault = _fault(sides)
    items: Items = [_check_item(one, condition, fault) for one in states if one.state not in ("kept", "fixed")]
    common = sum(one.before is not None and one.state != "missing" for one in states)
    facts |= {"passed": int((after["outcome"] == "pass").sum()), "common": common}
    facts |= {
        state: sum(item["state"] == state for item in items) for state in ("fail", "unproven", *_CHECK_NEEDS, "rare")
    }
    needs = (
        *_unproven_needs([one for one in states if one.state == "unproven"], condition),
        *(
            Need(None, "evidence", reason, subjects=names(item for item in items if item["state"] == state))
            for state, reason in _CHECK_NEEDS.items()
            if facts[state]
        ),
    )
    outcome: Outcome = "regressed" if facts["fail"] else "inconclusive" if needs else "stable"
    if outcome == "stable" and any(one.state == "fixed" for one in states):
        outcome = "improved"
    found = {"items": tuple(items), "needs": needs, "facts": facts, "comparison": compared}
    return result_of(condition, outcome, exact=outcome == "regressed", **found)


def _unproven_needs(states: list[CheckState], condition: Condition) -> tuple[Need, ...]:
    """Return what would decide the checks that fail now and then: as many requests as the largest of them needs."""
    if not states:
        return ()
    most = max(states, key=lambda one: one.more or 0)
    named = tuple(_name(one.row, condition) for one in states)
    made = (("have", float(most.row["failed"] + most.row["passed"])),)
    return (Need(most.more, "samples", "wide_interval", "now_and_then", named, made),)


def _checks(checks: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    """Return one row a check; 'changes' holds checklist lines and is judged only by its name."""
    mine = checks["target"] != "changes" if condition.target is None else checks["target"] == condition.target
    if condition.metric is not None:
        mine &= checks["check"] == condition.metric
    return worst_checks(checks[mine])


def _name(row: Mapping[Any, Any], condition: Condition) -> str:
    return str(row["check"]) if condition.target is not None else f"{row['target']}: {row['check']}"


_OF_ANSWERS: Final = "status"  # the check of which a failed request itself says more than its row


def _fault(sides: Sides) -> Callable[[str], str | None]:
    """Return what tells how most failed requests of a target failed."""
    samples = sides.candidate.evidence["samples"]
    return lambda target: usual_fault(samples[samples["target"] == target])


def _check_item(one: CheckState, condition: Condition, fault: Callable[[str], str | None]) -> dict[str, Any]:
    row, before = one.row, one.before
    parts = {key: text(row[key]) for key in ("target", "check", "expected", "observed", "detail")}
    item: dict[str, Any] = {"state": one.state, "what": _name(row, condition), **parts}
    item |= {"failed": int(row["failed"]), "times": int(row["times"])}
    if one.p is not None and before is not None:
        item |= {"baseline_failed": int(before["failed"]), "baseline_times": int(before["times"])}
    if one.state == "fail" and row["check"] == _OF_ANSWERS and (told := fault(str(row["target"]))):
        item["fault"] = text(told)
    return item | ({"gates": False} if one.state == "rare" else {})
