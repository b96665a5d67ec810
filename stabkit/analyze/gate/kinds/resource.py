"""Judging the level and the growth of a resource."""

from __future__ import annotations

from typing import Final

from stabkit.analyze.facts import Subject
from stabkit.analyze.gate.kinds.measured import (
    Compared,
    judge_populations,
    uncovered,
)
from stabkit.analyze.latency import (
    Population,
    compare_resource,
    find_populations,
)
from stabkit.analyze.outcome import ConditionResult, Need, combine
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.kinds import usual_margin

__all__ = ["judge"]

_RESOURCES: Final = ("memory", "cpu")


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the level and the growth of a resource."""
    return judge_populations(
        condition, sides, find_populations(condition, sides, lambda name: name in _RESOURCES), _compare_resource
    )


def _compare_resource(condition: Condition, sides: Sides, population: Population) -> Compared:
    units = [set(rows["unit"].dropna()) for rows in (population.baseline, population.candidate)]
    if units[0] != units[1] or len(units[0]) > 1:
        named: tuple[Subject, ...] = (population.measured, *(", ".join(sorted(side)) or "no unit" for side in units))
        return "inconclusive", (), (Need(None, "evidence", "not_comparable", "units", named),)
    estimates = compare_resource(
        *population.counted,
        metric=population.metric,
        margin=condition.margin or usual_margin("resource"),
        paired=sides.paired,
        confidence=sides.confidence,
    )
    outcome, open_ = combine([e.outcome for e in estimates]), [e.need for e in estimates if e.need is not None]
    if not condition.accept_single_run and any("run_noise_unknown" in e.flags for e in estimates):
        outcome, more = uncovered(outcome, estimates)
        open_ += more
    return outcome, estimates, open_
