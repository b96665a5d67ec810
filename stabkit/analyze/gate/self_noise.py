"""What comparing a system with itself shows: how often a verdict is wrong here, and how much identical runs differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from stabkit.analyze.latency import LatencyComparison, Population, compare_latency, find_populations
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.analyze.statistics import (
    LEVEL,
    FloatArray,
    MetricNoise,
    Rounds,
    clopper_pearson,
    clustered_quantile,
    read_rounds,
    serial_quantile,
    with_power,
)
from stabkit.config import Condition, Config, times_condition
from stabkit.kinds import usual_margin
from stabkit.vocabulary import OUTCOMES, is_time

__all__ = ["SelfPair", "alarm_bounds", "measure_noise"]

_QUANTILES: Final = ("p50", "p99")


@dataclass(frozen=True, eq=False)
class SelfPair:
    """Two runs of the same system, their rounds interleaved.

    Attributes
    ----------
    sitting : str
        Equal for the pairs of one A/A collection: nothing was changed between them.
    """

    sitting: str
    first: RunEvidence
    second: RunEvidence


def alarm_bounds(alarms: int, pairs: int) -> tuple[float, float]:
    """Return exact 95 % bounds on the rate of alarms; without pairs nothing is known.

    Notes
    -----
    Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> [round(alarm_bounds(0, n)[1], 3) for n in (0, 20, 100)]
    [1.0, 0.168, 0.036]
    """
    return clopper_pearson(alarms, pairs, LEVEL)


def measure_noise(pairs: Sequence[SelfPair], config: Config | None = None) -> tuple[MetricNoise, ...]:
    """Return what A/A pairs show, for every target, metric and kind of connection, in that order.

    Parameters
    ----------
    pairs : sequence of SelfPair
        Of one environment. A pair with an interrupted or failed run is left out.
    config : Config, optional
        Whose latency conditions say the margins; else the usual ones.

    Returns
    -------
    tuple of MetricNoise
        Empty without pairs.

    Notes
    -----
    Each pair is judged as a real comparison is. Interleaving takes away what both runs share, so that the ratios
    within pairs say nothing of separate runs; what those differ by is seen between the pairs of a sitting, of each
    side: sd² is twice the variance of a run's log quantile. Where several sittings were held, the spread over all of
    them counts if it is larger: a change of the system then makes the noise too large, which leaves comparisons open
    and never makes them stable. What only a restart or another day adds is not seen within one sitting.
    """
    settings = config or Config()
    found: dict[tuple[str, str, str | None], list[_Compared]] = {}
    for pair in pairs:
        if not (pair.first.complete and pair.second.complete):
            continue
        for key, compared in _compare(pair, settings):
            found.setdefault(key, []).append(compared)
    ordered = sorted(found.items(), key=lambda item: tuple(part or "" for part in item[0]))
    return tuple(_summary(key, compared) for key, compared in ordered)


@dataclass(frozen=True, eq=False)
class _Compared:
    """One population of one pair."""

    sitting: str
    comparison: LatencyComparison
    margins: tuple[float, float]
    sides: tuple[Rounds, Rounds]

    def levels(self, quantile: str) -> tuple[float, float] | None:
        """Return the log quantile of each side; None where there are too few samples for it."""
        estimate = next(e for e in self.comparison.quantiles if e.name == quantile)
        if estimate.baseline is None or estimate.candidate is None or not estimate.method.startswith(_JUDGED):
            return None
        return math.log(estimate.baseline), math.log(estimate.candidate)


_JUDGED: Final = ("paired", "Welch", "order")  # methods with bounds; a median of a handful of samples has none


def _compare(pair: SelfPair, config: Config) -> list[tuple[tuple[str, str, str | None], _Compared]]:
    every = Condition(name="A/A", kind="latency")
    sides = Sides(config, pair.first, pair.second)
    compared = []
    for population in find_populations(every, sides, is_time):
        times = population.times
        if times.column is None:
            continue  # no good request on a side: its failures are the error rate's matter
        margins = _margins(population, config)
        comparison = compare_latency(times.baseline, times.candidate, margin=margins[0], tail_margin=margins[1])
        rounds = (read_rounds(times.baseline, where="first run"), read_rounds(times.candidate, where="second run"))
        key = (population.target, population.metric, population.connection)
        compared.append((key, _Compared(pair.sitting, comparison, margins, rounds)))
    return compared


def _margins(population: Population, config: Config) -> tuple[float, float]:
    """Return the margins of the first latency condition that speaks of a population; the usual ones without any."""
    usual = usual_margin("latency"), usual_margin("latency", tail=True)
    condition = times_condition(config, population.target, population.metric)
    return usual if condition is None else (condition.margin or usual[0], condition.tail_margin or usual[1])


def _summary(key: tuple[str, str, str | None], compared: Sequence[_Compared]) -> MetricNoise:
    outcomes = [one.comparison.outcome for one in compared]
    counts = {word: outcomes.count(word) for word in OUTCOMES}
    low, high = alarm_bounds(counts["regressed"] + counts["improved"], len(outcomes))
    (run_sd, run_df), (tail_run_sd, tail_df) = (_between(compared, quantile) for quantile in _QUANTILES)
    both = [side for one in compared for side in one.sides]
    return MetricNoise(
        *key,
        margin=compared[-1].margins[0],
        tail_margin=compared[-1].margins[1],
        pairs=len(compared),
        rounds=float(np.median([side.count for side in both])),
        samples=float(np.median([side.n for side in both])),
        stable=counts["stable"],
        improved=counts["improved"],
        regressed=counts["regressed"],
        inconclusive=counts["inconclusive"],
        alarms_low=low,
        alarms_high=high,
        pair_sd=_within(compared, "p50"),
        tail_pair_sd=_within(compared, "p99"),
        run_sd=run_sd,
        tail_run_sd=tail_run_sd,
        run_df=min(run_df, tail_df) if tail_run_sd is not None else run_df,
        lag1=_median([_lag1(side) for side in both]),
        effective_n=_median([_effective_n(side) for side in both]),
        decidable_margin=_median([_decidable(one) for one in compared]),
    )


def _within(compared: Sequence[_Compared], quantile: str) -> float | None:
    """Return the root mean square of the log ratios, whose mean is known: identical runs differ by nothing."""
    levels = [found for one in compared if (found := one.levels(quantile)) is not None]
    return math.sqrt(math.fsum((b - a) ** 2 for a, b in levels) / len(levels)) if levels else None


def _between(compared: Sequence[_Compared], quantile: str) -> tuple[float | None, int]:
    """Return the standard deviation of the log ratio of separate runs, and its degrees of freedom."""
    known = [(one.sitting, found) for one in compared if (found := one.levels(quantile)) is not None]
    known.sort(key=lambda entry: entry[0])
    sittings = [np.array([levels for _, levels in group]) for _, group in groupby(known, key=lambda entry: entry[0])]
    df = sum(len(levels) - 1 for levels in sittings)
    if df < 1:
        return None, 0
    # The sum over both sides estimates the variance of a difference; sides of a pair are alike, so they add no freedom.
    within = sum(_squares(levels) for levels in sittings) / df
    every = np.concatenate(sittings)
    return math.sqrt(max(within, _squares(every) / (len(every) - 1))), df


def _squares(levels: FloatArray) -> float:
    return float(((levels - levels.mean(axis=0)) ** 2).sum())


def _lag1(side: Rounds) -> float | None:
    """Return the correlation of neighbours, over all rounds of three samples or more, each about its own mean."""
    products, squares = 0.0, 0.0
    for start, end in zip(side.starts[:-1], side.starts[1:], strict=True):
        logs = side.logs[start:end]
        if logs.size >= 3:
            rest = logs - logs.mean()
            products += float(rest[1:] @ rest[:-1])
            squares += float(rest @ rest)
    return products / squares if squares > 0 else None


def _effective_n(side: Rounds) -> float | None:
    if side.n < 10:
        return None
    if side.count == 1:
        return side.n / serial_quantile(side, 0.5).inflation
    # A few rounds may look more alike than they are; what neighbours have in common is seen within each.
    r = min(0.97, max(0.0, _lag1(side) or 0.0))
    return side.n / max(clustered_quantile(side, 0.5).inflation, (1 + r) / (1 - r))


def _decidable(one: _Compared) -> float | None:
    estimate = one.comparison.quantiles[0]
    if estimate.change is None or estimate.high is None or not math.isfinite(estimate.high):
        return None
    return math.expm1(with_power() * math.log(estimate.high / estimate.change))


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
