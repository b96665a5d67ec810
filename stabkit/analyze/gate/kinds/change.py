"""Judging the change itself: what its git range is proven to take away."""

from __future__ import annotations

from typing import Any

from stabkit.analyze.acceptances import accepted_items
from stabkit.analyze.change import RangeCheck, distinct_facts, range_checks
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, result_of
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.vocabulary import GRAVE_FACTS

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each fact that the condition names: one that is proven in the candidate's range is a regression.

    Notes
    -----
    Stable only if every check ran over a range that changes files, and found nothing. What was only matched by a
    pattern, was not checked or not recorded leaves it open. Judged without a baseline too: the range has its own.
    """
    wanted = tuple(dict.fromkeys(condition.facts or GRAVE_FACTS))
    checks = range_checks(sides.candidate.evidence["checks"], wanted)
    facts: dict[str, Any] = {"facts": wanted}
    if not checks:
        missing = Need(None, "evidence", "missing", "git_range", side="candidate")
        return result_of(condition, "inconclusive", needs=(missing,), facts=facts)
    found = distinct_facts(checks)
    seen = [{"state": "fail" if one["confidence"] == "proven" else "unproven", **one} for one in found]
    items = tuple(accepted_items(seen, "risk", sides))
    proven = [item for item in items if item["state"] == "fail"]
    files = len(sides.candidate.evidence["changes"])
    needs = [need for check in checks if (need := _open(check, files)) is not None]
    lost = tuple(name for name in wanted if name not in {check.fact for check in checks})
    needs += [Need(None, "evidence", "missing", "fact_not_recorded", (name,), side="candidate") for name in lost]
    outcome: Outcome = "regressed" if proven else "inconclusive" if needs else "stable"
    if accepted := sum(item["state"] == "accepted" for item in items):
        facts["accepted"] = accepted
    facts |= {"examined": files or max(check.examined for check in checks), "fail": len(proven), "total": len(found)}
    return result_of(condition, outcome, exact=bool(proven), items=items, needs=tuple(needs), facts=facts)


def _open(check: RangeCheck, files: int) -> Need | None:
    """Return what a check lacks to say of so many changed files that there is no such fact; None if it says so."""
    if not check.recorded or (check.outcome == "fail" and not check.found):
        return Need(None, "evidence", "missing", "fact_not_recorded", (check.fact,), side="candidate")
    guessed = tuple(str(one["path"]) for one in check.found if one["confidence"] != "proven")
    if guessed:
        return Need(None, "evidence", "not_checked", "fact_unproven", (check.fact, *dict.fromkeys(guessed)))
    if check.why_open is not None:
        return Need(None, "evidence", "not_checked", "fact_open", (check.fact, check.why_open))
    if check.examined == 0 and (not files or check.why is None):
        return Need(None, "evidence", "not_checked", "range_empty", (check.fact,))
    return None
