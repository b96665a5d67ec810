"""Judging what is measured: latency, slow requests, objectives, error rates, resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from stabkit.analyze.latency import (
    Population,
    compare_failures,
    compare_latency,
    compare_resource,
    compare_slow_requests,
    default_margin,
    find_populations,
    judged_rows,
    judged_times,
    measured_times,
    objective_estimate,
    prober_late,
    slow_by_prober,
    without_lateness,
)
from stabkit.analyze.outcome import ConditionResult, Estimate, Need, Outcome, combine, result_of
from stabkit.analyze.sides import Sides
from stabkit.config import Condition, Objective
from stabkit.errors import SchemaError
from stabkit.vocabulary import is_time

__all__ = [
    "MARGINS",
    "judge_error_rate",
    "judge_latency",
    "judge_objective",
    "judge_resource",
    "judge_slow_requests",
    "unjudged_failures",
]

_PROVEN_CHANGES: Final = ("regressed", "improved")
MARGINS: Final = {"latency": 0.05, "tail": 0.20, "error_rate": 0.005, "resource": 0.10}
_RESOURCES: Final = ("memory", "cpu")


def judge_latency(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge median and 99th percentile of every population the condition speaks of."""
    return _judge_populations(condition, sides, find_populations(condition, sides, is_time), _compare_latency)


def judge_slow_requests(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the share of requests slower than the objective, without one than the baseline's own 95th percentile.

    The fact ``slower_than_ms`` holds the limit of each population, ``limit`` says what it is.
    """
    limits: dict[str, float] = {}
    objective = _objective(condition, sides)

    def compare(_: Condition, __: Sides, population: Population) -> _Compared:
        return _compare_slow(condition, sides, population, objective, limits)

    result = _judge_populations(condition, sides, find_populations(condition, sides, is_time), compare)
    facts = {"limit": "baseline p95" if objective is None else "objective", "slower_than_ms": limits}
    return replace(result, facts={**result.facts, **facts})


def judge_resource(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the level and the growth of a resource."""
    return _judge_populations(
        condition, sides, find_populations(condition, sides, lambda name: name in _RESOURCES), _compare_resource
    )


def judge_error_rate(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the share of failed requests; warm-up counts, since a failed warm-up request is a failure."""
    found = find_populations(condition, sides, lambda name: name in ("response_time", "connect_time"), split=False)
    return _judge_populations(condition, sides, found, _compare_rates)


def _judge_populations(
    condition: Condition, sides: Sides, populations: Sequence[Population], compare: Any
) -> ConditionResult:
    facts = {"populations": len(populations), "paired": sides.paired}
    missing = sides.no_baseline(condition)
    if not populations:
        return result_of(condition, "inconclusive", needs=(_no_samples(condition, "on either side"),), facts=facts)
    if missing is not None:
        return result_of(condition, "inconclusive", needs=(missing,), facts=facts)
    stop = _incomparable(sides)
    outcomes: list[Outcome] = []
    estimates: list[Estimate] = []
    needs: list[Need] = []
    for population in populations:
        absent = [n for n in ("baseline", "candidate") if getattr(population, n).empty]
        if absent:
            needs += [
                Need(None, "evidence", "missing", f"no samples of {population.name}", side=side) for side in absent
            ]
            outcomes.append("inconclusive")
            continue
        try:
            outcome, found, open_ = compare(condition, sides, population)
        except SchemaError as error:
            outcome, found, open_ = "inconclusive", (), (Need(None, "evidence", "missing", error.what),)
        named = found if len(populations) == 1 else [replace(e, name=f"{population.name}, {e.name}") for e in found]
        outcomes.append(outcome)
        estimates += named
        needs += open_
    if stop is not None:
        return result_of(condition, "inconclusive", estimates=tuple(estimates), needs=(stop, *needs), facts=facts)
    return result_of(condition, combine(outcomes), estimates=tuple(estimates), needs=tuple(needs), facts=facts)


def _no_samples(condition: Condition, where: str) -> Need:
    what = " ".join(part for part in (condition.target, condition.metric) if part) or condition.kind
    return Need(None, "evidence", "missing", f"no samples of {what} {where}")


def _incomparable(sides: Sides) -> Need | None:
    """Return why measured figures of the two runs cannot be set against each other at all."""
    if sides.baseline is None:
        return None
    places = [side.fact("environment") for _, side in sides.named]
    if None not in places and places[0] != places[1]:
        return Need(None, "runs", "not_comparable", f"environment {places[0]} against {places[1]}")
    ids = [side.fact("run_id") for _, side in sides.named]
    if ids[0] is not None and ids[0] == ids[1]:
        return Need(None, "runs", "not_comparable", "the baseline and the candidate are the same run")
    return None


_Compared = tuple[Outcome, Sequence[Estimate], Sequence[Need]]


def _compare_latency(condition: Condition, sides: Sides, population: Population) -> _Compared:
    before, after, column = judged_times(population)
    if column is None:
        return "inconclusive", (), (Need(None, "evidence", "missing", f"no good request of {population.name}"),)
    margin = condition.margin or MARGINS["latency"]
    tail_margin = condition.tail_margin or MARGINS["tail"]
    noise = sides.noise_of(population.target, population.metric, population.connection)
    compare = partial(
        compare_latency,
        margin=margin,
        tail_margin=tail_margin,
        paired=sides.paired,
        run_noise=noise.run_noise if noise is not None else None,
        confidence=sides.confidence,
    )
    compared = compare(before, after)
    needs = [compared.need] if compared.need is not None and compared.outcome == "inconclusive" else []
    covered = condition.accept_single_run or "run_noise_unknown" not in compared.flags
    outcome, open_ = (compared.outcome, []) if covered else _uncovered(compared.outcome, compared.quantiles)
    needs += open_
    if noise is not None and noise.unfit:
        unfit = Need(None, "evidence", "false_alarms", noise.alarms)
        return "inconclusive", compared.quantiles, (unfit, *needs)
    on_schedule = column == "response_ms"
    late = prober_late(sides, population, before["response_ms"], (margin, tail_margin)) if on_schedule else None
    if late is not None and not (
        outcome in _PROVEN_CHANGES and compare(*without_lateness(sides, population, before, after)).outcome == outcome
    ):
        return "inconclusive", compared.quantiles, (late, *needs)
    return outcome, compared.quantiles, needs


def _compare_slow(
    condition: Condition, sides: Sides, population: Population, objective: Objective | None, limits: dict[str, float]
) -> _Compared:
    before, after, column = judged_times(population)
    if column is None:
        return "inconclusive", (), (Need(None, "evidence", "missing", f"no good request of {population.name}"),)
    margin = condition.margin or default_margin(objective.quantile if objective else None)
    noise = sides.noise_of(population.target, population.metric, population.connection)
    known = noise.run_noise if noise is not None else None
    compare = partial(
        compare_slow_requests,
        margin=margin,
        slower_than_ms=objective.below_ms if objective else None,
        paired=sides.paired,
        run_noise=max(known.values(), key=lambda found: found.sd) if known else None,
        confidence=sides.confidence,
    )
    estimate, limit = compare(before, after)
    needs = [estimate.need] if estimate.need is not None else []
    if limit is None:
        return "inconclusive", (estimate,), needs
    limits[population.name] = limit
    covered = condition.accept_single_run or "run_noise_unknown" not in estimate.flags
    outcome, open_ = (estimate.outcome, []) if covered else _uncovered(estimate.outcome, (estimate,))
    if noise is not None and noise.unfit:
        open_ = [Need(None, "evidence", "false_alarms", noise.alarms), *open_]
        outcome = "inconclusive"
    late = slow_by_prober(sides, population, limit, margin) if column == "response_ms" else None
    if late is not None and not (
        outcome in _PROVEN_CHANGES
        and compare(*without_lateness(sides, population, before, after))[0].outcome == outcome
    ):
        outcome, open_ = "inconclusive", [late, *open_]
    return outcome, (estimate,), [*open_, *needs]


def _compare_resource(condition: Condition, sides: Sides, population: Population) -> _Compared:
    units = [set(rows["unit"].dropna()) for rows in (population.baseline, population.candidate)]
    if units[0] != units[1] or len(units[0]) > 1:
        said = " against ".join(", ".join(sorted(side)) or "no unit" for side in units)
        return "inconclusive", (), (Need(None, "evidence", "not_comparable", f"{population.name} in {said}"),)
    estimates = compare_resource(
        judged_rows(population.baseline),
        judged_rows(population.candidate),
        metric=population.metric,
        margin=condition.margin or MARGINS["resource"],
        paired=sides.paired,
        confidence=sides.confidence,
    )
    outcome, open_ = combine([e.outcome for e in estimates]), [e.need for e in estimates if e.need is not None]
    if not condition.accept_single_run and any("run_noise_unknown" in e.flags for e in estimates):
        outcome, more = _uncovered(outcome, estimates)
        open_ += more
    return outcome, estimates, open_


def _compare_rates(condition: Condition, sides: Sides, population: Population) -> _Compared:
    margin = condition.margin or MARGINS["error_rate"]
    estimate = compare_failures(
        population.baseline, population.candidate, margin=margin, paired=sides.paired, confidence=sides.confidence
    )
    return estimate.outcome, (estimate,), [estimate.need] if estimate.need is not None else []


def unjudged_failures(condition: Condition, sides: Sides) -> tuple[Need, ...]:
    """Return why times say too little: more requests failed than before, and no condition judges failures.

    The times of failed requests are unknown. Those that are left may be as fast as before because the slow ones gave
    no answer at all.
    """
    if condition.kind not in ("latency", "slow_requests", "objective"):
        return ()
    judged = {rule.target for rule in sides.config.conditions if rule.kind == "error_rate" and rule.gating}
    if not sides.config.conditions or judged & {None, condition.target or ""}:
        return ()  # the conditions that follow from the evidence judge the failures of every target
    needs = []
    for population in find_populations(condition, sides, is_time, split=False):
        before, after = population.baseline, population.candidate
        if population.target in judged or before.empty or after["ok"].all():
            continue
        rate = compare_failures(before, after, margin=MARGINS["error_rate"], paired=sides.paired)
        if rate.outcome in ("regressed", "inconclusive") and (rate.change or 0.0) > 0:
            shares = [f"{100 * (share or 0.0):.2g} %" for share in (rate.candidate, rate.baseline)]
            detail = f"{shares[0]} of {population.name} failed, {shares[1]} before, and no condition judges failures"
            needs.append(Need(None, "evidence", "not_checked", detail, side="candidate"))
    return tuple(needs)


def _uncovered(outcome: Outcome, estimates: Sequence[Estimate]) -> tuple[Outcome, list[Need]]:
    """Doubt what separate runs say: the noise between runs is in no interval computed within them.

    ``stable`` never stands then; ``regressed`` and ``improved`` stand only beyond the margin.
    """
    if outcome == "inconclusive":
        return outcome, []
    if outcome == "regressed" and any(e.outcome == "regressed" and e.beyond_margin for e in estimates):
        return outcome, []
    if outcome == "improved" and all(_far_better(e) for e in estimates):
        return outcome, []
    return "inconclusive", [
        Need(None, "rounds", "run_noise_unknown", "the rounds of the two sides were not interleaved")
    ]


def _far_better(estimate: Estimate) -> bool:
    if estimate.high is None or estimate.margin is None or estimate.scale != "ratio":
        return False
    return estimate.high < 1 / (1 + estimate.margin)


def judge_objective(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the candidate's quantile against its limit; one that the baseline missed as well is a known failure.

    Proven or not: of two identical systems a little beyond the limit, one is proven to be and the other not in a
    quarter of all pairs.
    """
    objective = _objective(condition, sides)
    populations = find_populations(condition, sides, is_time)
    if objective is None:
        need = Need(None, "evidence", "missing", "no objective is stated")
        return result_of(condition, "inconclusive", needs=(need,))
    facts: dict[str, Any] = {"below_ms": objective.below_ms, "quantile": objective.quantile}
    if not populations:
        return result_of(condition, "inconclusive", needs=(_no_samples(condition, "in the candidate"),), facts=facts)
    outcomes: list[Outcome] = []
    estimates: list[Estimate] = []
    needs: list[Need] = []
    for population in populations:
        after = measured_times(population.candidate)
        if after.empty:
            outcomes.append("inconclusive")
            needs.append(Need(None, "evidence", "missing", f"no good request of {population.name}", side="candidate"))
            continue
        before = measured_times(population.baseline)
        try:
            estimate = objective_estimate(after, objective, confidence=sides.confidence)
            known = (objective_estimate(before, objective).candidate or 0.0) > objective.below_ms
        except SchemaError as error:
            outcomes.append("inconclusive")
            needs.append(Need(None, "evidence", "missing", error.what))
            continue
        estimates.append(estimate)
        if known and estimate.outcome == "regressed":
            outcomes.append("inconclusive")
            needs.append(Need(None, "evidence", "failing_on_both_sides", f"{population.name} missed it before as well"))
            continue
        outcomes.append(estimate.outcome)
        needs += [estimate.need] if estimate.need is not None and estimate.outcome == "inconclusive" else []
    return result_of(condition, combine(outcomes), estimates=tuple(estimates), needs=tuple(needs), facts=facts)


def _objective(condition: Condition, sides: Sides) -> Objective | None:
    """Return the stated objective, else the target's own, which speaks of response time or connect time only."""
    if condition.objective is not None or condition.target is None:
        return condition.objective
    if condition.metric not in (None, "response_time", "connect_time"):
        return None
    target = sides.config.http.get(condition.target) or sides.config.websocket.get(condition.target)
    return None if target is None else target.objective
