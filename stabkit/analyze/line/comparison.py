"""Times of a run at another time than its baseline, judged by the runs of its line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from stabkit.analyze.earlier import EarlierRun, Measure, RunValue
from stabkit.analyze.latency import Population, load_facts
from stabkit.analyze.line.judging import FEWEST_RUNS, LineJudgement, judge_on_line, slower_versions
from stabkit.analyze.line.machines import same_machine
from stabkit.analyze.line.noise import line_noise
from stabkit.analyze.line.statistic import STATISTICS, run_value
from stabkit.analyze.line.summary import calibration_log, due_rates
from stabkit.analyze.outcome import Estimate, Need, Outcome, combine
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import RunNoise, as_ratio, holm_limit, level_of, read_rounds

__all__ = ["SEPARATE_MARGINS", "LineComparison", "compare_with_line", "left_out_of_line", "line_run_noise"]

SEPARATE_MARGINS: Final = (0.10, 0.20)
"""Of the median and the tail of runs at different times where none is declared: less takes rounds side by side."""

LeftOut = Literal["together", "machine", "rate", "load", "requests"]
"""Why a run is no history of another: the circumstance in which they differ."""

_OTHER_RATE: Final = 1.25  # times as many requests a second, or users
_OTHER_SIZE: Final = 2.0  # times as long, or as many requests


@dataclass(frozen=True)
class LineComparison:
    """A population of times, judged by the runs of its line.

    Attributes
    ----------
    outcome : str
    estimates : tuple of Estimate
        One a statistic, each with the interval that decides.
    needs : tuple of Need
        What would decide it; empty unless inconclusive.
    facts : mapping
        Statistic -> what it was judged by, as plain values: how many ``runs`` the line has; of the level that decides
        how many (``level_runs``), their ``first`` and ``last`` name, and whether it is the ``accepted`` one;
        ``differ_share``, what unchanged runs differ by; ``change_share``; whether the newest level is ``settled``, and
        whether the candidate looks ``slower``, repeated or not, and whether it is slower in two runs (``repeated``);
        and whether times were ``calibrated``, brought to the machine's pace in the candidate's run.
    """

    outcome: Outcome
    estimates: tuple[Estimate, ...]
    needs: tuple[Need, ...]
    facts: Mapping[str, Any]


def compare_with_line(population: Population, sides: Sides, margins: tuple[float, float]) -> LineComparison | None:
    """Return how a population stands to its line; None where rounds were interleaved, or the line is too short.

    Parameters
    ----------
    margins : tuple of float
        Of the median and of the tail.
    """
    error = level_of(sides.confidence)
    judged: dict[str, tuple[LineJudgement, Estimate]] = {}
    lines = list(zip(_lines(population, sides), margins, strict=False))
    # What one statistic shows to be slower is no measure of the others either.
    slower = {
        version for (_, line, _, _), margin in lines for version in slower_versions(line, math.log1p(margin), error)
    }
    for (statistic, history, repeats, candidate), margin in lines:
        if candidate is None:
            return None
        found = judge_on_line(history, candidate, math.log1p(margin), repeats=repeats, error=error, left_out=slower)
        if found is None:
            return None
        judged[statistic] = found, _estimate(statistic, found, candidate, population, margin)
    if len(judged) < len(STATISTICS):
        return None
    estimates = tuple(estimate for _, estimate in judged.values())
    outcome = _together(estimates, error)
    needs = _needs(estimates) if outcome == "inconclusive" else ()
    facts = {statistic: _facts(found) for statistic, (found, _) in judged.items()}
    return LineComparison(outcome, estimates, needs, facts)


def _needs(estimates: Sequence[Estimate]) -> tuple[Need, ...]:
    """Return what would decide, what looks slower first: one more run of the candidate tells all of those."""
    known = [e.need for e in estimates if e.need is not None]
    slower = [need for need in known if need.reason == "not_repeated"]
    others = [need for need in known if need.reason != "not_repeated"]
    largest = sorted(slower, key=lambda need: -dict(need.numbers)["slower_share"])[:1]
    return (*largest, *sorted(set(others), key=lambda need: -(need.amount or math.inf))[:1])


def line_run_noise(population: Population, sides: Sides) -> RunNoise | None:
    """Return what two separate runs of a line differ by, of the statistic that varies most; None of a short line."""
    known = [line_noise(history) for _, history, _, _ in _lines(population, sides) if len(history) >= FEWEST_RUNS]
    found = [noise for noise in known if noise is not None and noise.df >= FEWEST_RUNS - 1]
    widest = max(found, key=lambda noise: noise.sd, default=None)
    return None if widest is None else RunNoise(math.sqrt(2) * widest.sd, widest.df)


def left_out_of_line(population: Population, sides: Sides) -> dict[str, tuple[str, ...]]:
    """Return the runs of the line that say nothing of a candidate, by the circumstance in which they differ from it.

    Returns
    -------
    dict
        Circumstance -> the names of the runs, oldest first: ``together`` (its rounds were interleaved with another
        version's), ``machine``, ``rate`` (a quarter more or less requests a second), ``load`` (a quarter more or less
        users, or twice as long) and ``requests`` (twice as many as the newest run of the line, or half). A run that
        differs in several is named at the first. Empty where no line is asked.
    """
    column = population.times.column
    if sides.paired or column is None or not sides.line:
        return {}
    such = _Circumstances.of(population, sides)
    found: dict[str, list[str]] = {}
    alike = []
    for run in sides.line:
        differing = such.differing(run, population.target)
        if differing is None:
            alike.append(run)
        else:
            found.setdefault(differing, []).append(run.name)
    measures = [(*population.key, column, statistic) for statistic in STATISTICS]
    kept = {value.name for measure in measures for value in _of_equal_size(alike, measure)}
    measured = {run.values[measure].name for run in alike for measure in measures if measure in run.values}
    others = [run.name for run in alike if run.name in measured - kept]
    return {reason: tuple(names) for reason, names in found.items()} | ({"requests": tuple(others)} if others else {})


def _lines(
    population: Population, sides: Sides
) -> Iterator[tuple[str, list[RunValue], list[RunValue], RunValue | None]]:
    """Yield each statistic with its line, other runs of the candidate's version, and the candidate; None of too few."""
    column = population.times.column
    if sides.paired or column is None or not sides.line:
        return
    times = read_rounds(population.times.candidate, where="candidate")
    such = _Circumstances.of(population, sides)
    alike, again = (
        [run for run in runs if such.differing(run, population.target) is None] for runs in (sides.line, sides.repeats)
    )
    for statistic in STATISTICS:
        candidate = run_value(times, statistic)
        if candidate is not None:
            candidate = replace(candidate, calibration=calibration_log(sides.candidate))
        measure = (*population.key, column, statistic)
        yield statistic, _of_equal_size(alike, measure), _of_equal_size(again, measure), candidate


def _of_equal_size(runs: Sequence[EarlierRun], measure: Measure) -> list[RunValue]:
    found = [run.values[measure] for run in runs if measure in run.values]
    return [value for value in found if not _apart(value.n, found[-1].n, _OTHER_SIZE)]


@dataclass(frozen=True)
class _Circumstances:
    """How a candidate was measured: its runs of the line were measured so too."""

    together: bool
    machine: str | None
    rate: float | None
    load: tuple[float | None, float | None]

    @classmethod
    def of(cls, population: Population, sides: Sides) -> _Circumstances:
        """Return how the candidate of a population was measured."""
        candidate, target = sides.candidate, population.target
        samples = candidate.evidence["samples"]
        rate = due_rates(samples[samples["target"] == target]).get(target)
        return cls(candidate.fact("collection_id") is not None, candidate.fact("machine"), rate, load_facts(candidate))

    def differing(self, run: EarlierRun, target: str) -> LeftOut | None:
        """Return in what a run was measured otherwise; None where machine and load were such."""
        rate = run.rates.get(target)
        if run.together != self.together:
            return "together"
        if not same_machine(run.machine, self.machine):
            return "machine"
        if (rate is None) != (self.rate is None) or _apart(rate, self.rate, _OTHER_RATE):
            return "rate"
        factors = (_OTHER_RATE, _OTHER_SIZE)
        loads = zip(run.load, self.load, factors, strict=True)
        return "load" if any(_apart(one, other, factor) for one, other, factor in loads) else None


def _apart(one: float | None, other: float | None, factor: float) -> bool:
    if one is None or other is None:
        return False
    low, high = sorted((one, other))
    return high > factor * low


def _estimate(
    statistic: str, found: LineJudgement, candidate: RunValue, population: Population, margin: float
) -> Estimate:
    leading = found.leading
    low, high = leading.at(found.error)
    flags = {
        "slower_within_margin": found.outcome == "stable" and low > 0,
        "learnt_from_history": True,
        "small_steps": found.in_small_steps,
        "accepted_level": found.crept and not found.in_small_steps,
        "level_unsettled": not found.recent.settled,
        "noise_grew": found.noise.grew,
        "fewer_requests": leading.extra > 0,
        "calibrated": found.calibrated,
    }
    return Estimate(
        name=statistic,
        unit="ms",
        scale="ratio",
        outcome=found.outcome,
        baseline=math.exp(candidate.value - leading.change),  # at the candidate's pace where that is known
        candidate=math.exp(candidate.value),
        change=as_ratio(leading.change),
        low=as_ratio(low),
        high=as_ratio(high),
        margin=margin,
        p_worse=leading.p_worse,
        beyond_margin=low > math.log1p(margin),
        n_baseline=sum(run.n for run in found.level_runs),
        n_candidate=candidate.n,
        rounds=int(population.times.candidate["round"].nunique()),
        method=f"prediction from {len(found.runs)} runs of the line",
        flags=tuple(flag for flag, holds in flags.items() if holds),
        need=found.need,
    )


def _together(estimates: Sequence[Estimate], error: float) -> Outcome:
    """Return the outcome of all statistics: one that is worse by Holm's procedure, else the least certain."""
    limit = holm_limit([e.p_worse for e in estimates if e.p_worse is not None], error)
    if any(e.outcome == "regressed" and e.p_worse is not None and e.p_worse <= limit for e in estimates):
        return "regressed"
    outcome = combine([e.outcome for e in estimates])
    return "inconclusive" if outcome == "regressed" else outcome


def _facts(found: LineJudgement) -> dict[str, Any]:
    runs = found.level_runs
    return {
        "runs": len(found.runs),
        "level_runs": len(runs),
        "first": runs[0].name,
        "last": runs[-1].name,
        "differ_share": math.expm1(found.noise.sd),
        "change_share": as_ratio(found.leading.change) - 1,
        "accepted": found.crept,
        "settled": found.recent.settled,
        "slower": found.slower,
        "repeated": found.repeated,
        "calibrated": found.calibrated,
    }
