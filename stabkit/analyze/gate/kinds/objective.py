"""Judging a quantile against its limit."""

from __future__ import annotations

from typing import Any

from stabkit.analyze.gate.kinds.measured import (
    no_samples,
    objective_of,
)
from stabkit.analyze.latency import (
    JudgedPopulation,
    find_populations,
    objective_estimate,
    own_times,
)
from stabkit.analyze.outcome import ConditionResult, Estimate, Need, Outcome, combine, result_of
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.errors import SchemaError
from stabkit.vocabulary import is_time

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the candidate's quantile against its limit; one that the baseline missed as well is a known failure.

    Proven or not: of two identical systems a little beyond the limit, one is proven to be and the other not in a
    quarter of all pairs.
    """
    objective = objective_of(condition, sides)
    populations = find_populations(condition, sides, is_time)
    if objective is None:
        need = Need(None, "evidence", "missing", "objective")
        return result_of(condition, "inconclusive", needs=(need,))
    facts: dict[str, Any] = {"below_ms": objective.below_ms, "quantile": objective.quantile}
    if not populations:
        return result_of(condition, "inconclusive", needs=(no_samples(condition, side="candidate"),), facts=facts)
    outcomes: list[Outcome] = []
    estimates: list[Estimate] = []
    needs: list[Need] = []
    kept: list[JudgedPopulation] = []
    for population in populations:
        after = own_times(population.candidate)
        if after.empty:
            outcomes.append("inconclusive")
            needs.append(Need(None, "evidence", "missing", "good_requests", (population.measured,), side="candidate"))
            continue
        before = own_times(population.baseline)
        try:
            estimate = objective_estimate(after, objective, confidence=sides.confidence)
            known = (objective_estimate(before, objective).candidate or 0.0) > objective.below_ms
        except SchemaError as error:
            outcomes.append("inconclusive")
            needs.append(Need(None, "evidence", "missing", "unusable", (error.what,)))
            continue
        estimates.append(estimate)
        kept.append(JudgedPopulation(population, (estimate,), (estimate.name,)))
        if known and estimate.outcome == "regressed":
            outcomes.append("inconclusive")
            needs.append(Need(None, "evidence", "failing_on_both_sides", "missed_before", (population.measured,)))
            continue
        outcomes.append(estimate.outcome)
        needs += [estimate.need] if estimate.need is not None and estimate.outcome == "inconclusive" else []
    parts = {"estimates": tuple(estimates), "needs": tuple(needs), "facts": facts, "comparison": tuple(kept)}
    return result_of(condition, combine(outcomes), **parts)
