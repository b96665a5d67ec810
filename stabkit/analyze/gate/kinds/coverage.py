"""Judging coverage: do tests run the lines that the range changed, and as much of the whole as before."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from stabkit.analyze.covered_lines import (
    ChangedLines,
    changed_lines,
    files_gone,
    files_left,
    files_of,
    share_of,
    stretches,
)
from stabkit.analyze.facts import About
from stabkit.analyze.gate.kinds.items import Items, not_in_baseline, spoken_of
from stabkit.analyze.outcome import ConditionResult, Need, Outcome, combine, result_of
from stabkit.analyze.sides import Sides
from stabkit.config import AT_LEAST, Condition
from stabkit.kinds import usual_margin

__all__ = ["judge"]

_ROUNDING: Final = 1e-9


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the share of the changed lines that ran, and the share of all lines against the baseline's.

    Notes
    -----
    The range is the candidate's own, as a condition of the kind ``change`` takes it. Stable only if it is recorded,
    reports speak of every changed file of their kind, at least ``at_least`` of the changed lines that can run did, the
    whole is not lower than the baseline's by more than the margin, and no file is gone from the reports. With
    ``at_least = 0`` the whole alone is judged. Files that the range deleted are no part of the baseline's whole.
    """
    before, after = (_reports(frame, condition) for frame in sides.table("coverage"))
    missing = Need(None, "evidence", "missing", "coverage", spoken_of(condition))
    if after.empty:
        return result_of(condition, "inconclusive", needs=(_of_side(missing, "candidate"),))
    files = files_of(after)
    changes = sides.candidate.evidence["changes"]
    least = AT_LEAST if condition.at_least is None else condition.at_least
    items: Items = []
    needs: list[Need] = []
    facts: dict[str, Any] = {"files": len(files)}
    outcomes: list[Outcome] = []
    if least > 0:
        found, open_ = _changed(sides, changed_lines(changes, files), least, facts)
        items += found
        needs += open_
        outcomes.append("regressed" if any(item["gates"] for item in found) else "inconclusive" if open_ else "stable")
    hit, lines = share_of(files.values())
    facts |= {"total": lines, "covered": hit}
    if (lacking := sides.no_baseline(condition)) is not None:
        needs.append(lacking)
    elif before.empty:
        needs.append(not_in_baseline(condition, sides, missing))
    else:
        known = files_left(files_of(before), changes)
        had, of = share_of(known.values())
        facts |= {"baseline_total": of, "baseline_covered": had}
        margin = usual_margin("coverage") if condition.margin is None else condition.margin
        lower = lines and of and had / of - hit / lines > margin + _ROUNDING
        if lower:
            whole = {"baseline_covered": had, "baseline_total": of, "covered": hit, "total": lines}
            items.append({"state": "fail", "what": "the whole", "gates": True, **whole})
        gone = files_gone(known, files, changes)
        if gone:
            needs.append(Need(None, "evidence", "partial", "coverage_gone", gone, side="candidate"))
        # With fewer files the whole is another one.
        outcomes.append("inconclusive" if gone else "regressed" if lower else "stable")
    outcomes += ["inconclusive"] if needs else []
    outcome = combine(outcomes)
    parts = {"items": tuple(items), "needs": tuple(needs), "facts": facts}
    return result_of(condition, outcome, exact=outcome == "regressed", **parts)


def _reports(coverage: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    return coverage if condition.target is None else coverage[coverage["report"] == condition.target]


def _of_side(need: Need, side: str) -> Need:
    return Need(need.amount, need.unit, need.reason, need.about, need.subjects, side=side)


def _changed(sides: Sides, changed: ChangedLines, least: float, facts: dict[str, Any]) -> tuple[Items, list[Need]]:
    """Return the changed files with lines that did not run, and what keeps their share from being known."""
    if not sides.candidate.range_examined:
        return [], [Need(None, "evidence", "missing", "git_range", side="candidate")]
    share = changed.hit / changed.lines if changed.lines else None
    facts |= {"changed": changed.lines, "changed_covered": changed.hit, "least": least}
    low = share is not None and share < least - _ROUNDING
    items: Items = []
    for path, missed in changed.missed.items():
        if missed:
            numbers = {"changed": len(missed) + len(changed.covered[path]), "missed": stretches(missed)}
            state = "fail" if low else "uncovered"
            items.append({"state": state, "what": path, "gates": low, "line": min(missed), **numbers})
    lacking: tuple[tuple[About, tuple[str, ...]], ...] = (
        ("coverage_untold", changed.untold),
        ("coverage_lines", changed.unknown),
    )
    needs = [Need(None, "evidence", "partial", about, names, side="candidate") for about, names in lacking if names]
    return sorted(items, key=lambda item: str(item["what"])), needs
