"""Judging the share of failed requests."""

from __future__ import annotations

from stabkit.analyze.gate.kinds.measured import (
    Compared,
    judge_populations,
)
from stabkit.analyze.latency import (
    Population,
    compare_failures,
    find_populations,
)
from stabkit.analyze.outcome import ConditionResult
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.kinds import usual_margin

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the share of failed requests; warm-up counts, since a failed warm-up request is a failure."""
    found = find_populations(condition, sides, lambda name: name in ("response_time", "connect_time"), split=False)
    return judge_populations(condition, sides, found, _compare_rates)


def _compare_rates(condition: Condition, sides: Sides, population: Population) -> Compared:
    margin = condition.margin or usual_margin("error_rate")
    estimate = compare_failures(
        population.baseline, population.candidate, margin=margin, paired=sides.paired, confidence=sides.confidence
    )
    return estimate.outcome, (estimate,), [estimate.need] if estimate.need is not None else []
