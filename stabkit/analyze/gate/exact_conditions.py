"""Judging what is counted one by one: checks, tests, findings. No statistics but the confirmation of a broken test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from stabkit.analyze.findings import FINDING_STATES, FindingComparison, match_findings, severity_rank, stored_hunks
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, combine, result_of
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import sign_test
from stabkit.analyze.tests import (
    FEWEST_COMMON,
    TRANSITIONS,
    compare_tests,
    expected_tests,
    expected_to_fail,
    hidden_text,
    lost_tests,
    suite_summary,
)
from stabkit.config import Condition
from stabkit.vocabulary import BAD, GOOD

__all__ = ["judge_checks", "judge_findings", "judge_tests"]

Items = list[dict[str, Any]]
_LISTED: Final = 5  # names in one need; the items hold all
_DETAIL: Final = 300  # characters of a message
_CHANCE: Final = 0.05


def _names(items: Iterable[Mapping[str, Any]]) -> str:
    names = [str(item["what"]) for item in items]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _text(value: Any) -> str | None:
    return value[:_DETAIL] if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


# --- checks -----------------------------------------------------------------------------------------------------------


def judge_checks(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each expectation: what fails now and did not fail before is a regression.

    Notes
    -----
    A check that the baseline passed, had not made, or did not have, and that fails now: regressed, exact. One that
    failed on both sides is a known failure: not a regression across this change, and not stable either. Not checked, or
    gone: inconclusive. A check made several times counts by its worst result. Judged without a baseline too.
    """
    before, after = (_checks(frame, condition) for frame in sides.table("checks"))
    facts: dict[str, Any] = {"total": len(after)}
    if condition.target is not None and condition.target in sides.config.websocket:
        facts["probe"] = "websocket"
    if after.empty:
        what = condition.target or "any target"
        missing = Need(None, "evidence", "missing", f"no checks of {what}", side="candidate")
        return result_of(condition, "inconclusive", needs=(missing,))
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
        Need(None, "evidence", reason, _names(item for item in items if item["state"] == state))
        for state, reason in _CHECK_NEEDS.items()
        if facts[state]
    )
    outcome: Outcome = "regressed" if facts["fail"] else "inconclusive" if needs else "stable"
    if outcome == "stable" and any(known.get(key) == "fail" for key in now):
        outcome = "improved"
    exact = outcome == "regressed"
    return result_of(condition, outcome, exact=exact, items=tuple(items), needs=needs, facts=facts)


_CHECK_NEEDS: Final = {"known_failure": "failing_on_both_sides", "not_checked": "not_checked", "missing": "missing"}
_CHECK_RANK: Final = {"pass": 0, "not_checked": 1, "fail": 2}


def _checks(checks: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    """Return one row a check, its worst result; 'changes' holds checklist lines and is judged only by its name."""
    mine = checks["target"] != "changes" if condition.target is None else checks["target"] == condition.target
    if condition.metric is not None:
        mine &= checks["check"] == condition.metric
    rank = checks["outcome"].map(_CHECK_RANK)
    order = checks.assign(_rank=rank, _detail=checks["detail"].fillna(""))[mine].sort_values(
        ["target", "check", "_rank", "_detail"], kind="stable"
    )
    failed = (order["outcome"] == "fail").groupby([order["target"], order["check"]]).transform("sum")
    times = order.groupby(["target", "check"])["outcome"].transform("size")
    order = order.assign(failed=failed, times=times)
    return order.drop_duplicates(["target", "check"], keep="last").reset_index(drop=True)


def _check_state(now: str, before: str | None) -> str | None:
    if now == "fail":
        return "known_failure" if before == "fail" else "fail"
    return "not_checked" if now == "not_checked" else None


def _check_item(row: Mapping[Any, Any], state: str, condition: Condition) -> dict[str, Any]:
    name = row["check"] if condition.target is not None else f"{row['target']}: {row['check']}"
    parts = {key: _text(row[key]) for key in ("target", "check", "expected", "observed", "detail")}
    return {"state": state, "what": name, **parts, "failed": int(row["failed"]), "times": int(row["times"])}


# --- tests ------------------------------------------------------------------------------------------------------------


def judge_tests(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each test: a confirmed break is a regression; what cannot be told blocks ``stable``.

    Notes
    -----
    Blocking: an unconfirmed break; a test that disappeared, unless it was skipped before, its file was deleted in the
    range or the suite's ``left_out`` names it; one that most of the last five complete runs hold and neither side does;
    one newly skipped; one that passed and is now expected to fail; an added one that fails; a flaky one that ends badly
    or fails more often than its flake rate explains; more newly flaky tests than chance explains; fewer than 90 %
    common tests of those expected. Known failures, fixed and other flaky tests are listed only.
    """
    frame = compare_tests(sides, condition.target)
    missing = _missing_tests(condition, sides, frame)
    facts = _test_facts(frame)
    if missing is not None:
        return result_of(condition, "inconclusive", needs=(missing,), facts=facts)
    items = [_test_item(row) for row in frame.to_dict("records") if _is_listed(row)]
    confirmed = any(item["state"] == "regressed" for item in items)
    facts |= {state: sum(item["state"] == state for item in items) for state in ("regressed", "unconfirmed")}
    lost = lost_tests(sides, frame, condition.target)
    facts["lost"] = len(lost)
    unseen = expected_tests(sides, condition.target) & set(frame.loc[frame["baseline_status"].isna(), "test_id"])
    facts["expected"] = facts["baseline_tests"] - facts["explained"] + len(unseen) + len(lost)
    needs = (*_test_needs(items, facts, lost), *_changed_passes(frame))
    outcome: Outcome = "stable"
    if confirmed or needs:
        outcome = "regressed" if confirmed else "inconclusive"
    elif facts["fixed"]:
        outcome = "improved"
    return result_of(condition, outcome, exact=confirmed, items=tuple(items), needs=needs, facts=facts)


def _missing_tests(condition: Condition, sides: Sides, frame: pd.DataFrame) -> Need | None:
    no_baseline = sides.no_baseline(condition)
    suite = condition.target or "any suite"
    if not frame["candidate_status"].notna().any():
        return Need(None, "evidence", "missing", f"no tests of {suite}", side="candidate")
    if no_baseline is not None:
        return no_baseline
    if not frame["baseline_status"].notna().any():
        return _not_in_baseline(condition, sides, Need(None, "evidence", "missing", f"no tests of {suite}"))
    return None


def _not_in_baseline(condition: Condition, sides: Sides, need: Need) -> Need:
    """Return what the baseline lacks; collected at once it will again, unless its own source is declared."""
    again = not sides.paired or condition.target in sides.config.baseline_directories
    return replace(need, side="baseline", reason="missing" if again else "not_collected")


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


def _is_listed(row: Mapping[Any, Any]) -> bool:
    if row["transition"] == "added":
        return row["candidate_status"] in BAD
    return row["transition"] not in ("still_passing", "still_skipped")


def _test_item(row: Mapping[Any, Any]) -> dict[str, Any]:
    state, fresh = str(row["transition"]), _number(row["fresh_failures"])
    if state == "regressed" and not row["confirmed"]:
        state = "unconfirmed"
    texts = ("suite", "baseline_status", "candidate_status", "flake_basis", "hidden_by", "explained_by")
    return {
        "state": state,
        "what": row["test_id"],
        "detail": _text(row["message"]),
        "confirmed": bool(row["confirmed"]),
        "attempts": _number(row["attempts"]),
        "failures": _number(row["failures"]),
        "reruns": None if fresh is None else max(0, fresh - 1),
        "need_reruns": _number(row["need_reruns"]),
        "flake_rate": None if pd.isna(row["flake_rate"]) else float(row["flake_rate"]),
        "blocks": _blocks(row),
        **{key: _text(row[key]) for key in texts},
    }


def _blocks(row: Mapping[Any, Any]) -> bool:
    match row["transition"]:
        case "disappeared":
            return row["baseline_status"] != "skip" and not isinstance(row["explained_by"], str)
        case "flaky":
            # More failures than its flake rate explains, at the level that confirms a break.
            rare = not pd.isna(row["flake_chance"]) and row["flake_chance"] <= 0.05 / max(1, row["at_risk"])
            return bool(row["candidate_status"] in BAD or rare)
        case "regressed" | "newly_skipped" | "added":
            return True
        case _:
            return False


def _test_needs(items: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], lost: Sequence[str]) -> tuple[Need, ...]:
    blocking: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        if item["blocks"] and item["state"] != "regressed":
            blocking.setdefault(item["state"], []).append(item)
    needs: list[Need] = []
    for item_state, found in blocking.items():
        needs += _needs_of(item_state, found)
    if lost:
        text = f"{len(lost)} test{'' if len(lost) == 1 else 's'} of most recent runs ran on neither side: "
        needs.append(Need(None, "evidence", "missing", text + _names([{"what": name} for name in lost])))
    shared, expected = facts["present_on_both"], facts["expected"]
    if shared < FEWEST_COMMON * expected:
        needs.append(Need(None, "evidence", "not_comparable", f"common tests: {shared} of {expected}"))
    if not facts["common"]:
        needs.append(Need(None, "evidence", "missing", "no test has a result on both sides"))
    return tuple(needs)


def _changed_passes(frame: pd.DataFrame) -> list[Need]:
    """Return what is wrong with tests that count as passed: they fail as expected, or pass only when tried again."""
    needs = []
    if marked := expected_to_fail(frame):
        what = "1 test that passed is" if len(marked) == 1 else f"{len(marked)} tests that passed are"
        detail = f"{what} now expected to fail: {_names([{'what': name} for name in marked])}"
        needs.append(Need(None, "evidence", "not_checked", detail))
    before, after = (_recovered(frame, side) for side in ("baseline_recovered", "recovered"))
    # Failures of the baseline were not tried again, as those of the candidate are: each may have been a flake.
    shaky = before | frame["baseline_status"].isin(BAD)
    now = frame.loc[after & ~shaky & frame["baseline_status"].isin(GOOD), "test_id"].tolist()
    once = int((shaky & ~after & frame["candidate_status"].isin(GOOD)).sum())
    if len(now) > once and sign_test(once, len(now)) <= _CHANCE:
        names = _names([{"what": name} for name in now])
        detail = f"flaky now: {len(now)} tests that were not before, {once} the other way round: {names}"
        needs.append(Need(None, "reruns", "not_rerun", detail))
    return needs


def _recovered(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame[column].fillna(value=False).astype(bool)


def _needs_of(state: str, items: Sequence[Mapping[str, Any]]) -> list[Need]:
    names, n = _names(items), len(items)
    if state == "unconfirmed":
        counts = [item["need_reruns"] for item in items if item["need_reruns"] is not None]
        return [Need(max(counts, default=None), "reruns", "not_rerun", names)]
    if state == "flaky":
        return [Need(None, "reruns", "not_rerun", f"flaky now: {names}")]
    if state == "disappeared":
        return _hidden_needs(items)
    words = {"newly_skipped": "newly skipped", "added": "added, failing, without a baseline"}
    return [Need(None, "evidence", "missing", f"{n} test{'' if n == 1 else 's'} {words[state]}: {names}")]


def _hidden_needs(items: Sequence[Mapping[str, Any]]) -> list[Need]:
    hidden = [item for item in items if item["hidden_by"]]
    rest = [item for item in items if not item["hidden_by"]]
    needs: list[Need] = []
    if hidden:
        errors = len({item["hidden_by"] for item in hidden})
        needs.append(Need(None, "evidence", "missing", hidden_text(errors, len(hidden))))
    if rest:
        text = f"{len(rest)} test{'' if len(rest) == 1 else 's'} disappeared: {_names(rest)}"
        needs.append(Need(None, "evidence", "missing", text))
    return needs


# --- findings ---------------------------------------------------------------------------------------------------------


def judge_findings(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each finding: a new one in the gating range is a regression, if the scans are comparable.

    Notes
    -----
    Gating: new or reopened, not suppressed, at or above ``min_severity`` (a severity word of unknown rank always
    gates); so is an older one whose severity rose into that range, or whose suppression ended. A finding that was not
    scanned for again blocks ``stable``, unless its file was deleted.
    """
    scans = [_scans(frame, condition, sides) for frame in sides.table("scans")]
    if scans[1].empty:
        what = condition.target or "any tool"
        need = Need(1, "scans", "missing", f"no scan of {what}", side="candidate")
        return result_of(condition, "inconclusive", needs=(need,))
    missing = sides.no_baseline(condition)
    if missing is None and scans[0].empty:
        lacks = Need(1, "scans", "missing", f"no scan of {condition.target or 'any tool'}")
        missing = _not_in_baseline(condition, sides, lacks)
    if missing is not None:
        return result_of(condition, "inconclusive", needs=(missing,))
    findings = [
        frame[frame["scan_id"].isin(scan["scan_id"])]
        for frame, scan in zip(sides.table("findings"), scans, strict=True)
    ]
    changes = sides.candidate.evidence["changes"]
    commits = (None if sides.baseline is None else sides.baseline.fact("commit"), sides.candidate.fact("commit"))
    paths = {path for frame in findings for path in frame["path"].dropna()}
    compared = match_findings(
        *findings,
        *scans,
        hunks=stored_hunks(changes, commits=commits, paths=paths),
        changes=changes,
        history=sides.earlier("findings"),
    )
    return _judge_states(condition, compared)


def _judge_states(condition: Condition, compared: FindingComparison) -> ConditionResult:
    rows = compared.states.to_dict("records")
    items = [_finding_item(row, condition) for row in rows if row["state"] != "persisting"]
    # A persisting finding never gates, so leaving it out of the items loses nothing.
    gating = [item for item in items if item["gates"]]
    unseen = [item for item in items if item["state"] == "not_scanned" and item["reason"] != "file deleted"]
    gone = ("fixed", "not_scanned")
    facts: dict[str, Any] = {state: sum(row["state"] == state for row in rows) for state in FINDING_STATES}
    facts |= {"gating": len(gating), "open": sum(row["state"] not in gone and not row["suppressed"] for row in rows)}
    facts |= {
        "total": len(rows),
        "comparable": compared.comparable,
        "why": list(compared.why),
        "assumed": list(compared.assumed),
    }
    needs: list[Need] = []
    if not compared.comparable:
        needs += [Need(None, "scans", "not_comparable", why) for why in compared.why]
    if unseen:
        needs.append(Need(None, "scans", "partial", f"not scanned for again: {_names(unseen)}"))
    outcomes: list[Outcome] = ["inconclusive"] if needs else ["improved" if facts["fixed"] else "stable"]
    exact = bool(gating) and compared.comparable
    if exact:
        outcomes.append("regressed")
    return result_of(condition, combine(outcomes), exact=exact, items=tuple(items), needs=tuple(needs), facts=facts)


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
    line = _number(row["line"])
    path = row["path"] if isinstance(row["path"], str) else None
    place = f"{path}:{line}" if path and line is not None else path
    return {
        "state": row["state"],
        "what": f"{row['rule']} {place}" if place else str(row["rule"]),
        "detail": _text(row["message"]),
        "line": line,
        "gates": _gates(row, condition),
        "suppressed": bool(row["suppressed"]),
        **{key: _text(row[key]) for key in ("tool", "rule", "severity", "path", "fingerprint", "matched_by", "reason")},
    }


def _gates(row: Mapping[Any, Any], condition: Condition) -> bool:
    if row["state"] in ("fixed", "not_scanned") or row["suppressed"] or not _in_range(row["severity"], condition):
        return False
    if row["state"] in ("new", "reopened"):
        return True
    return bool(row["baseline_suppressed"]) or not _in_range(row["baseline_severity"], condition)


def _in_range(severity: Any, condition: Condition) -> bool:
    limit, rank = severity_rank(condition.min_severity), severity_rank(severity if isinstance(severity, str) else None)
    return limit is None or rank is None or rank >= limit
