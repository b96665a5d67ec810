"""Judging the share of failed requests."""

from __future__ import annotations

from dataclasses import replace

from stabkit.analyze.gate.kinds.measured import (
    Compared,
    judge_populations,
)
from stabkit.analyze.latency import (
    Population,
    StatedRequests,
    compare_counts,
    compare_failures,
    find_populations,
    stated_requests,
)
from stabkit.analyze.outcome import ConditionResult
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.kinds import usual_margin
from stabkit.samples import usual_fault
from stabkit.vocabulary import REQUEST_METRICS

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the share of failed requests; warm-up counts, since a failed warm-up request is a failure."""
    found = find_populations(condition, sides, REQUEST_METRICS.__contains__, split=False)
    stated = [] if condition.metric not in (None, "response_time") else _stated(condition, sides)
    known = {one.target for one in stated}
    kept = [one for one in found if not (one.metric == "response_time" and one.target in known)]
    result = judge_populations(condition, sides, [*kept, *stated], _compare_rates)
    if result.outcome != "regressed":
        return result
    faults = {text for one in kept if (text := usual_fault(one.candidate))}
    return replace(result, facts={**result.facts, "fault": faults.pop()}) if len(faults) == 1 else result


def _stated(condition: Condition, sides: Sides) -> list[StatedRequests]:
    """Return the targets that a summary counts and that one side at least keeps no requests of."""
    rows = stated_requests(sides).values()
    return [one for one in rows if condition.target in (None, one.target)]


def _compare_rates(condition: Condition, sides: Sides, population: Population | StatedRequests) -> Compared:
    margin = condition.margin or usual_margin("error_rate")
    if isinstance(population, StatedRequests):
        before, after = population.baseline, population.candidate
        estimate = compare_counts(
            before.failed, before.n, after.failed, after.n, margin=margin, confidence=sides.confidence
        )
    else:
        estimate = compare_failures(
            population.baseline, population.candidate, margin=margin, paired=sides.paired, confidence=sides.confidence
        )
    return estimate.outcome, (estimate,), [estimate.need] if estimate.need is not None else []
