"""Judging tests: what became of each, and whether a break is confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze.acceptances import accepted_items
from stabkit.analyze.facts import About
from stabkit.analyze.gate.kinds.items import names, not_in_baseline, spoken_of, text
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, result_of
from stabkit.analyze.rows import records
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import sign_test
from stabkit.analyze.tests import (
    FEWEST_COMMON,
    TRANSITIONS,
    UNMOVED,
    TestComparison,
    expected_to_fail,
    suite_summary,
)
from stabkit.config import Condition
from stabkit.vocabulary import BAD, GOOD

__all__ = ["judge"]

_CHANCE: Final = 0.05
_BROKEN: Final = ("regressed", "new_failing")
"""States of tests whose failure is confirmed: one that passed before, one that was not there before."""


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each test: a confirmed break is a regression; what cannot be told blocks ``stable``.

    Notes
    -----
    Broken is a test that passed before, or was not there, and fails in so many fresh processes that no flake explains
    it. Blocking: a break that is not confirmed; a test that disappeared, unless it was skipped before, the suite's
    ``left_out`` names it, or its file was deleted in the range, with at most a tenth of all tests; one newly skipped;
    one that passed and is now expected to fail; a flaky one that ends badly or fails more often than its flake rate
    explains; more newly flaky tests than chance explains; fewer than 90 % common tests of those expected. Known
    failures, fixed and other flaky tests are listed only, and so are tests that earlier runs held and neither side
    does: whoever judged the run that lost them was told.
    """
    compared = TestComparison.of(sides, condition.target)
    frame, lost = compared.transitions, compared.lost
    missing = _missing_tests(condition, sides, frame)
    facts = _test_facts(frame)
    if missing is not None:
        return result_of(condition, "inconclusive", needs=(missing,), facts=facts, comparison=compared)
    # A deleted file says why its tests are gone; it does not say that what many of them watched needs no watching.
    deleted = int((frame["explained_by"].notna() & frame["left_out"].isna()).sum())
    many = deleted > (1 - FEWEST_COMMON) * facts["baseline_tests"]
    listed = records(frame[_is_listed(frame)], _OF_ROW)
    items = [_test_item(row, many_deleted=many) for row in listed]
    items = accepted_items(items, "test", sides)
    items += [{"state": "lost", "what": test, "blocks": False} for test in lost]
    confirmed = any(item["state"] in _BROKEN for item in items)
    facts |= {state: sum(item["state"] == state for item in items) for state in ("regressed", "unconfirmed")}
    facts["lost"] = len(lost)
    if accepted := sum(item["state"] == "accepted" for item in items):
        facts["accepted"] = accepted
    unseen = compared.expected & set(frame.loc[frame["baseline_status"].isna(), "test_id"])
    facts["expected"] = facts["baseline_tests"] - (facts["explained"] - deleted) + len(unseen)
    needs = (*_test_needs(items, facts), *_changed_passes(frame))
    outcome: Outcome = "stable"
    if confirmed or needs:
        outcome = "regressed" if confirmed else "inconclusive"
    elif facts["fixed"]:
        outcome = "improved"
    found = {"items": tuple(items), "needs": needs, "facts": facts, "comparison": compared}
    return result_of(condition, outcome, exact=confirmed, **found)


def _missing_tests(condition: Condition, sides: Sides, frame: pd.DataFrame) -> Need | None:
    no_baseline = sides.no_baseline(condition)
    if not frame["candidate_status"].notna().any():
        return Need(None, "evidence", "missing", "tests", spoken_of(condition), side="candidate")
    if no_baseline is not None:
        return no_baseline
    if not frame["baseline_status"].notna().any():
        return not_in_baseline(condition, sides, Need(None, "evidence", "missing", "tests", spoken_of(condition)))
    return None


def _test_facts(frame: pd.DataFrame) -> dict[str, Any]:
    before, after = frame["baseline_status"], frame["candidate_status"]
    summary = suite_summary(frame.assign(suite="all"))
    judged = ("baseline_pass", "candidate_pass", "mcnemar_p", "common")
    facts: dict[str, Any] = {name: summary[name].iloc[0] for name in judged if len(summary)}
    facts["common"] = int(facts.get("common", 0))
    facts |= {name: int((frame["transition"] == name).sum()) for name in TRANSITIONS}
    facts |= {"total": int(after.notna().sum()), "baseline_tests": int(before.notna().sum())}
    facts |= {
        "candidate_tests": int(after.notna().sum()),
        "present_on_both": int((before.notna() & after.notna()).sum()),
    }
    facts |= {"explained": int((frame["explained_by"].notna()).sum()), "hidden": int(frame["hidden_by"].notna().sum())}
    facts["at_risk"] = int(frame["at_risk"].max()) if len(frame) else 0
    return facts


def _is_listed(frame: pd.DataFrame) -> pd.Series:
    well = (frame["transition"] == "added") & ~frame["candidate_status"].isin(BAD)
    return ~(well | frame["transition"].isin(UNMOVED))


_TEXTS: Final = (
    *("suite", "baseline_status", "candidate_status", "flake_basis", "hidden_by", "explained_by", "gone_with"),
)
_OF_ROW: Final = (
    *("test_id", "transition", "confirmed", "attempts", "failures", "fresh_failures", "need_reruns", "flake_rate"),
    *("flake_chance", "at_risk", "left_out", "message", *_TEXTS),
)


def _test_item(row: Mapping[Any, Any], *, many_deleted: bool) -> dict[str, Any]:
    state, fresh = str(row["transition"]), row["fresh_failures"]
    if state == "regressed" and not row["confirmed"]:
        state = "unconfirmed"
    elif state == "added" and row["confirmed"]:
        state = "new_failing"
    return {
        "state": state,
        "what": row["test_id"],
        "detail": text(row["message"]),
        "confirmed": bool(row["confirmed"]),
        "attempts": row["attempts"],
        "failures": row["failures"],
        "reruns": None if fresh is None else max(0, fresh - 1),
        "need_reruns": row["need_reruns"],
        "flake_rate": row["flake_rate"],
        "blocks": _blocks(row, many_deleted=many_deleted),
        **{key: text(row[key]) for key in _TEXTS},
    }


def _blocks(row: Mapping[Any, Any], *, many_deleted: bool) -> bool:
    match row["transition"]:
        case "disappeared":
            known = isinstance(row["left_out"], str) or (isinstance(row["explained_by"], str) and not many_deleted)
            return row["baseline_status"] != "skip" and not known
        case "flaky":
            # More failures than its flake rate explains, at the level that confirms a break.
            rare = row["flake_chance"] is not None and row["flake_chance"] <= 0.05 / max(1, row["at_risk"])
            return bool(row["candidate_status"] in BAD or rare)
        case "regressed" | "newly_skipped" | "added":
            return True
        case _:
            return False


def _test_needs(items: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> tuple[Need, ...]:
    blocking: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        if item["blocks"] and item["state"] not in _BROKEN:
            blocking.setdefault(item["state"], []).append(item)
    needs: list[Need] = []
    for item_state, found in blocking.items():
        needs += _needs_of(item_state, found)
    shared, expected = facts["present_on_both"], facts["expected"]
    if shared < FEWEST_COMMON * expected:
        counts = (("common", shared), ("expected", expected))
        needs.append(Need(None, "evidence", "not_comparable", "common_tests", numbers=counts))
    if not facts["common"]:
        needs.append(Need(None, "evidence", "missing", "no_common_test"))
    return tuple(needs)


def _changed_passes(frame: pd.DataFrame) -> list[Need]:
    """Return what is wrong with tests that count as passed: they fail as expected, or pass only when tried again."""
    needs = []
    if marked := expected_to_fail(frame):
        needs.append(Need(None, "evidence", "not_checked", "expected_to_fail", tuple(marked)))
    before, after = (_recovered(frame, side) for side in ("baseline_recovered", "recovered"))
    # Failures of the baseline were not tried again, as those of the candidate are: each may have been a flake.
    shaky = before | frame["baseline_status"].isin(BAD)
    now = frame.loc[after & ~shaky & frame["baseline_status"].isin(GOOD), "test_id"].tolist()
    once = int((shaky & ~after & frame["candidate_status"].isin(GOOD)).sum())
    if len(now) > once and sign_test(once, len(now)) <= _CHANCE:
        needs.append(Need(None, "reruns", "not_rerun", "more_flaky", tuple(now), (("no_longer", once),)))
    return needs


def _recovered(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame[column].fillna(value=False).astype(bool)


def _needs_of(state: str, items: Sequence[Mapping[str, Any]]) -> list[Need]:
    if state in ("unconfirmed", "added"):
        counts = [item["need_reruns"] for item in items if item["need_reruns"] is not None]
        about: About = "added" if state == "added" else "unconfirmed"
        return [Need(max(counts, default=None), "reruns", "not_rerun", about, names(items))]
    if state == "flaky":
        return [Need(None, "reruns", "not_rerun", "flaky", names(items))]
    if state == "disappeared":
        return _hidden_needs(items)
    return [Need(None, "evidence", "missing", "newly_skipped", names(items))]


def _hidden_needs(items: Sequence[Mapping[str, Any]]) -> list[Need]:
    hidden = [item for item in items if item["hidden_by"]]
    whole = [item for item in items if item["gone_with"] and not item["hidden_by"]]
    rest = [item for item in items if not item["hidden_by"] and not item["gone_with"]]
    needs: list[Need] = []
    if whole:
        gone = tuple(dict.fromkeys(str(item["gone_with"]) for item in whole))
        needs.append(Need(None, "evidence", "missing", "gone_variants", gone, (("results", len(whole)),)))
    if hidden:
        errors = (("errors", len({item["hidden_by"] for item in hidden})),)
        needs.append(Need(None, "evidence", "missing", "hidden_tests", names(hidden), errors))
    if rest:
        needs.append(Need(None, "evidence", "missing", "disappeared", names(rest)))
    return needs
