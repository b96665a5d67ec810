"""What judges of measured populations share: each population compared, and the doubts outside its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stabkit.analyze.facts import About, Measured
from stabkit.analyze.latency import (
    JudgedPopulation,
    Population,
    StatedRequests,
    cold_start,
    compare_failures,
    find_populations,
)
from stabkit.analyze.line import different_machine
from stabkit.analyze.outcome import ConditionResult, Estimate, Need, Outcome, combine, result_of
from stabkit.analyze.sides import Sides
from stabkit.config import Condition, Objective
from stabkit.errors import SchemaError
from stabkit.kinds import KINDS, usual_margin
from stabkit.vocabulary import is_time

__all__ = [
    "Compared",
    "judge_populations",
    "no_samples",
    "objective_of",
    "uncovered",
    "unjudged_failures",
]

Compared = tuple[Outcome, Sequence[Estimate], Sequence[Need]]


def judge_populations(
    condition: Condition, sides: Sides, populations: Sequence[Population | StatedRequests], compare: Any
) -> ConditionResult:
    """Compare each population a condition speaks of, and return what they amount to together."""
    facts = {"populations": len(populations), "paired": sides.paired}
    missing = sides.no_baseline(condition)
    if not populations:
        return result_of(condition, "inconclusive", needs=(no_samples(condition),), facts=facts)
    if missing is not None:
        return result_of(condition, "inconclusive", needs=(missing,), facts=facts)
    stop = _incomparable(sides) or _elsewhere(condition, sides)
    outcomes: list[Outcome] = []
    estimates: list[Estimate] = []
    needs: list[Need] = []
    kept: list[JudgedPopulation] = []
    for population in populations:
        absent = [n for n in ("baseline", "candidate") if getattr(population, n).empty]
        if absent:
            needs += [
                Need(None, "evidence", "missing", "samples", (population.measured,), side=side) for side in absent
            ]
            outcomes.append("inconclusive")
            kept += _kept(population)
            continue
        try:
            outcome, found, open_ = compare(condition, sides, population)
        except SchemaError as error:
            outcome, found, open_ = "inconclusive", (), (Need(None, "evidence", "missing", "unusable", (error.what,)),)
        address = sides.same_address(population.target) if KINDS[condition.kind].compares else None
        if address is not None:
            outcome, open_ = "inconclusive", (Need(None, "evidence", "same_address", "same_address", (address,)),)
        elif (
            outcome == "inconclusive" and KINDS[condition.kind].judges == "times" and isinstance(population, Population)
        ):
            open_ = (*cold_start(population), *open_)
        named = found if len(populations) == 1 else [replace(e, name=f"{population.name}, {e.name}") for e in found]
        outcomes.append(outcome)
        estimates += named
        needs += open_
        kept += _kept(population, tuple(named), tuple(e.name for e in found))
    if stop is not None:
        outcomes, needs = ["inconclusive"], [stop, *needs]
    parts = {"estimates": tuple(estimates), "needs": tuple(needs), "facts": facts, "comparison": tuple(kept)}
    return result_of(condition, combine(outcomes), **parts)


def _kept(
    population: Population | StatedRequests, estimates: tuple[Estimate, ...] = (), quantities: tuple[str, ...] = ()
) -> list[JudgedPopulation]:
    """Return what is kept of a population to be drawn; of counts there is nothing to draw."""
    if isinstance(population, StatedRequests):
        return []
    return [JudgedPopulation(population, estimates, quantities)]


def no_samples(condition: Condition, *, side: str | None = None) -> Need:
    """Return the need for samples where a condition finds none, on one side or on either."""
    known = Measured(condition.target, condition.metric) if condition.target or condition.metric else condition.kind
    about: About = "samples" if side else "samples_on_either_side"
    return Need(None, "evidence", "missing", about, (known,), side=side)


def _incomparable(sides: Sides) -> Need | None:
    """Return why measured figures of the two runs cannot be set against each other at all."""
    if sides.baseline is None:
        return None
    if sides.other_environment is not None:
        return sides.other_environment
    ids = [side.fact("run_id") for _, side in sides.named]
    if ids[0] is not None and ids[0] == ids[1]:
        return Need(None, "runs", "not_comparable", "same_run")
    return None


def _elsewhere(condition: Condition, sides: Sides) -> Need | None:
    """Return why times compare nothing: they were measured from another machine."""
    kind = KINDS[condition.kind]
    return different_machine(sides) if kind.judges == "times" and kind.compares else None


def unjudged_failures(condition: Condition, sides: Sides) -> tuple[Need, ...]:
    """Return why times say too little: more requests failed than before, and no condition judges failures.

    The times of failed requests are unknown. Those that are left may be as fast as before because the slow ones gave
    no answer at all.
    """
    if KINDS[condition.kind].judges != "times":
        return ()
    judged = {rule.target for rule in sides.config.conditions if KINDS[rule.kind].judges == "failures" and rule.gating}
    if not sides.config.conditions or judged & {None, condition.target or ""}:
        return ()  # the conditions that follow from the evidence judge the failures of every target
    needs = []
    for population in find_populations(condition, sides, is_time, split=False):
        before, after = population.baseline, population.candidate
        if population.target in judged or before.empty or after["ok"].all():
            continue
        rate = compare_failures(before, after, margin=usual_margin("error_rate"), paired=sides.paired)
        if rate.outcome in ("regressed", "inconclusive") and (rate.change or 0.0) > 0:
            shares = (("baseline_share", rate.baseline or 0.0), ("candidate_share", rate.candidate or 0.0))
            seen = (population.measured,)
            needs.append(Need(None, "evidence", "not_checked", "failures", seen, shares, side="candidate"))
    return tuple(needs)


def uncovered(outcome: Outcome, estimates: Sequence[Estimate]) -> tuple[Outcome, list[Need]]:
    """Doubt what separate runs say: the noise between runs is in no interval computed within them.

    ``stable`` never stands then; ``regressed`` and ``improved`` stand only beyond the margin.
    """
    if outcome == "inconclusive":
        return outcome, []
    if outcome == "regressed" and any(e.outcome == "regressed" and e.beyond_margin for e in estimates):
        return outcome, []
    if outcome == "improved" and all(_far_better(e) for e in estimates):
        return outcome, []
    return "inconclusive", [Need(None, "rounds", "run_noise_unknown")]


def _far_better(estimate: Estimate) -> bool:
    """Say whether an estimate is better by more than its margin, as surely as one beyond the margin is worse."""
    if estimate.worst is None or estimate.margin is None:
        return False
    if estimate.scale == "difference":
        return estimate.worst < -estimate.margin
    if estimate.worse == "lower":
        return estimate.worst < 1 - 1 / (1 - estimate.margin)
    return estimate.worst < 1 / (1 + estimate.margin) - 1


def objective_of(condition: Condition, sides: Sides) -> Objective | None:
    """Return the stated objective, else the target's own, which speaks of response time or connect time only."""
    if condition.objective is not None or condition.target is None:
        return condition.objective
    if condition.metric not in (None, "response_time", "connect_time"):
        return None
    target = sides.config.http.get(condition.target) or sides.config.websocket.get(condition.target)
    return None if target is None else target.objective
