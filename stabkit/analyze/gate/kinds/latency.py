"""Judging times: median and slowest requests of every population."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from stabkit.analyze.gate.kinds.measured import (
    Compared,
    judge_populations,
    uncovered,
)
from stabkit.analyze.latency import (
    Population,
    compare_latency,
    find_populations,
    prober_late,
    without_lateness,
)
from stabkit.analyze.line import SEPARATE_MARGINS, compare_with_line, left_out_of_line, line_run_noise
from stabkit.analyze.outcome import ConditionResult, Need
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.kinds import usual_margin
from stabkit.vocabulary import is_time

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge median and slowest requests of every population the condition speaks of."""
    lines: dict[str, Any] = {}
    left_out: dict[str, Any] = {}

    def compare(_: Condition, __: Sides, population: Population) -> Compared:
        if others := left_out_of_line(population, sides):
            left_out[population.name] = others
        return _on_its_line(condition, sides, population, lines) or _compare_latency(condition, sides, population)

    result = judge_populations(condition, sides, find_populations(condition, sides, is_time), compare)
    apart = any(need.about in ("machines", "machine_unknown") for need in result.needs)
    facts = {name: told for name, told in (("line", lines), ("left_out_of_line", left_out)) if told and not apart}
    return replace(result, facts={**result.facts, **facts})


def _on_its_line(condition: Condition, sides: Sides, population: Population, lines: dict[str, Any]) -> Compared | None:
    """Judge separate runs by the history of their line, which is kept by the name of the population; None if short."""
    usual = SEPARATE_MARGINS
    margins = condition.margin or usual[0], condition.tail_margin or usual[1]
    found = compare_with_line(population, sides, margins)
    if found is None:
        return None
    lines[population.name] = found.facts
    noise = sides.noise_of(population.target, population.metric, population.connection)
    doubts = [noise.alarms] if noise is not None and noise.unfit else []
    late = prober_late(sides, population, margins)
    doubts += [late] if late is not None else []
    return "inconclusive" if doubts else found.outcome, found.estimates, (*doubts, *found.needs)


def _compare_latency(condition: Condition, sides: Sides, population: Population) -> Compared:
    times = population.times
    if times.column is None:
        return "inconclusive", (), (Need(None, "evidence", "missing", "good_requests", (population.measured,)),)
    noise = sides.noise_of(population.target, population.metric, population.connection)
    # A candidate that its line cannot judge, as of too few requests, is no surer for it: runs differ all the same.
    learnt = line_run_noise(population, sides)
    usual = (usual_margin("latency"), usual_margin("latency", tail=True)) if learnt is None else SEPARATE_MARGINS
    margin, tail_margin = condition.margin or usual[0], condition.tail_margin or usual[1]
    known = noise.run_noise if noise is not None else None
    compare = partial(
        compare_latency,
        margin=margin,
        tail_margin=tail_margin,
        paired=sides.paired,
        run_noise=known if learnt is None else learnt,
        confidence=sides.confidence,
    )
    compared = compare(times.baseline, times.candidate)
    needs = [compared.need] if compared.need is not None and compared.outcome == "inconclusive" else []
    covered = condition.accept_single_run or "run_noise_unknown" not in compared.flags
    if learnt is not None and compared.outcome == "regressed":
        covered = False  # one run alone: only what is beyond the margin, with all that runs differ by
    outcome, open_ = (compared.outcome, []) if covered else uncovered(compared.outcome, compared.deciding)
    needs += open_
    if noise is not None and noise.unfit:
        return "inconclusive", compared.deciding, (noise.alarms, *needs)
    late = prober_late(sides, population, (margin, tail_margin))
    # What is said of the times with the lateness and of those without it is said of the target.
    if late is not None and (
        outcome == "inconclusive" or compare(*without_lateness(sides, population)).outcome != outcome
    ):
        return "inconclusive", compared.deciding, (late, *needs)
    return outcome, compared.deciding, needs
