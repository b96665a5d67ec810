"""Judging how many requests are slow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from stabkit.analyze.gate.kinds.measured import (
    Compared,
    judge_populations,
    objective_of,
    uncovered,
)
from stabkit.analyze.latency import (
    Population,
    compare_slow_requests,
    default_margin,
    find_populations,
    slow_by_prober,
    without_lateness,
)
from stabkit.analyze.line import SEPARATE_MARGINS, compare_with_line, left_out_of_line, line_run_noise
from stabkit.analyze.outcome import ConditionResult, Need
from stabkit.analyze.sides import Sides
from stabkit.config import Condition, Objective
from stabkit.vocabulary import is_time

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the share of requests slower than the objective, without one than the baseline's own 95th percentile.

    The fact ``slower_than_ms`` holds the limit of each population, ``limit`` says what it is.
    """
    limits: dict[str, float] = {}
    left_out: dict[str, Any] = {}
    objective = objective_of(condition, sides)

    def compare(_: Condition, __: Sides, population: Population) -> Compared:
        if others := left_out_of_line(population, sides):
            left_out[population.name] = others
        return _compare_slow(condition, sides, population, objective, limits)

    result = judge_populations(condition, sides, find_populations(condition, sides, is_time), compare)
    facts: dict[str, Any] = {"limit": "baseline p95" if objective is None else "objective", "slower_than_ms": limits}
    if left_out:
        facts["left_out_of_line"] = left_out
    return replace(result, facts={**result.facts, **facts})


def _compare_slow(
    condition: Condition, sides: Sides, population: Population, objective: Objective | None, limits: dict[str, float]
) -> Compared:
    times = population.times
    if times.column is None:
        return "inconclusive", (), (Need(None, "evidence", "missing", "good_requests", (population.measured,)),)
    margin = condition.margin or default_margin(objective.quantile if objective else None)
    noise = sides.noise_of(population.target, population.metric, population.connection)
    learnt = line_run_noise(population, sides)
    known = {"line": learnt} if learnt is not None else noise.run_noise if noise is not None else None
    compare = partial(
        compare_slow_requests,
        margin=margin,
        slower_than_ms=objective.below_ms if objective else None,
        paired=sides.paired,
        run_noise=max(known.values(), key=lambda found: found.sd) if known else None,
        confidence=sides.confidence,
    )
    estimate, limit = compare(times.baseline, times.candidate)
    needs = [estimate.need] if estimate.need is not None else []
    if limit is None:
        return "inconclusive", (estimate,), needs
    limits[population.name] = limit
    covered = condition.accept_single_run or "run_noise_unknown" not in estimate.flags
    outcome, open_ = (estimate.outcome, []) if covered else uncovered(estimate.outcome, (estimate,))
    if learnt is not None and outcome == "regressed" and not _repeated(sides, population):
        more = (("slower_share", estimate.change or 0.0),)
        once = Need(1, "runs", "not_repeated", "more_slow", numbers=more, side="candidate")
        outcome, estimate, open_ = "inconclusive", replace(estimate, outcome="inconclusive", need=once), [once]
    if noise is not None and noise.unfit:
        open_ = [noise.alarms, *open_]
        outcome = "inconclusive"
    late = slow_by_prober(sides, population, limit, margin)
    # As of times: what is said of them with the lateness and without it is said of the target.
    if late is not None and (
        outcome == "inconclusive" or compare(*without_lateness(sides, population))[0].outcome != outcome
    ):
        outcome, open_ = "inconclusive", [late, *open_]
    return outcome, (estimate,), [*open_, *needs]


def _repeated(sides: Sides, population: Population) -> bool:
    """Say whether two runs of the candidate are slower than their line: one alone may be its hour."""
    found = compare_with_line(population, sides, SEPARATE_MARGINS)
    return found is not None and any(facts["repeated"] for facts in found.facts.values())
