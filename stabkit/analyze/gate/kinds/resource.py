"""Judging the level and the growth of a resource."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stabkit.analyze.facts import Subject
from stabkit.analyze.gate.kinds.measured import (
    Compared,
    judge_populations,
    uncovered,
)
from stabkit.analyze.gate.kinds.windows import compare_windows, of_windows, usual_change
from stabkit.analyze.latency import (
    Population,
    apart,
    compare_resource,
    find_populations,
    worst_of,
)
from stabkit.analyze.outcome import ConditionResult, Need, combine
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.kinds import usual_margin
from stabkit.samples import counted
from stabkit.vocabulary import Worse, metric_of

__all__ = ["judge"]

_RESOURCES: Final = ("memory", "cpu")
_LOST: Final = 0.1  # share of rounds between others that may lack a reading: a process that was asked as it restarted


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge the level and the growth of a resource."""
    source = sides.config.prometheus.get(condition.target or "")
    whole = source is not None and source.window is not None
    found = find_populations(condition, sides, lambda name: whole or name in _RESOURCES)
    each = [
        part
        for population in found
        for part in ((population,) if of_windows(population) else apart(population) or (population,))
    ]
    result = judge_populations(condition, sides, each, _compare_resource)
    usual = [known for population in each if of_windows(population) and (known := usual_change(population))]
    return replace(result, facts={**result.facts, "without_deploy": usual}) if usual else result


def _compare_resource(condition: Condition, sides: Sides, population: Population) -> Compared:
    worse = _direction(condition, sides, population)
    if worse is None:
        return "inconclusive", (), (Need(None, "evidence", "undeclared", "direction", (population.measured,)),)
    if of_windows(population):
        return compare_windows(condition, sides, population, worse)
    if apart(population) is not None:
        return _compare_one(condition, sides, population, worse)
    amounts = tuple((side, float(getattr(population, side)["series"].nunique())) for side in ("baseline", "candidate"))
    mixed = Need(None, "evidence", "undeclared", "series", (population.measured,), amounts)
    worst = worst_of(population, worse)
    if worst is None:
        return "inconclusive", (), (mixed,)
    outcome, estimates, needs = _compare_one(condition, sides, worst, worse)
    return outcome if outcome == "regressed" else "inconclusive", estimates, (mixed, *needs)


def _direction(condition: Condition, sides: Sides, population: Population) -> Worse | None:
    """Return which way a reading gets worse: as the condition says, its source, or the metric's own name."""
    source = sides.config.prometheus.get(population.target)
    return condition.worse or (source.worse if source else None) or metric_of(population.metric).worse


def _without_reading(population: Population, paired: bool) -> list[Need]:  # noqa: FBT001
    """Return the rounds that lack a reading: holes, readings that end early, rounds that only the other side has.

    The first round may lack it, and of the other side's the last: no two clocks read at one moment. So may a tenth of
    those between, never the last ones: whatever ends early may have ended by what is looked for.
    """
    sides = {"baseline": population.baseline, "candidate": population.candidate}
    rounds = {name: set(rows["round"]) for name, rows in sides.items()}
    needs = []
    for name, rows in sides.items():
        read = set(counted(rows)["round"])
        if not read:
            continue  # nothing to compare says so itself
        asked = rounds[name] | set(range(int(min(read)), int(max(read))))
        if paired:
            others = rounds["baseline"] | rounds["candidate"]
            asked |= others - ({max(others)} if max(others) == max(rounds[name]) + 1 else set())
        lacking = asked - read - {min(asked)}
        if lacking and (max(lacking) > max(read) or len(lacking) > _LOST * len(asked)):
            numbers = (("rounds", float(len(lacking))), ("asked", float(len(asked))))
            needs.append(
                Need(None, "evidence", "partial", "without_reading", (population.measured,), numbers, side=name)
            )
    return needs


def _compare_one(condition: Condition, sides: Sides, population: Population, worse: Worse) -> Compared:
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
        worse=worse,
        absolute_margin=condition.absolute_margin,
        unit=next(iter(units[0]), ""),
    )
    outcome, open_ = combine([e.outcome for e in estimates]), [e.need for e in estimates if e.need is not None]
    if not condition.accept_single_run and any("run_noise_unknown" in e.flags for e in estimates):
        outcome, more = uncovered(outcome, estimates)
        open_ += more
    gaps = _without_reading(population, sides.paired)
    if gaps and outcome != "regressed":
        outcome = "inconclusive"
    return outcome, estimates, (*gaps, *open_)
