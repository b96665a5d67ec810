"""What comparing a system with itself shows: how often a verdict is wrong here, and how much identical runs differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from stabkit.analyze.bounds import LEVEL, RunNoise, clustered_quantile, serial_quantile
from stabkit.analyze.latency import LatencyComparison, compare_latency
from stabkit.analyze.measured_conditions import MARGINS
from stabkit.analyze.needs import with_power
from stabkit.analyze.outcome import Outcome
from stabkit.analyze.populations import Population, find_populations, is_latency, judged_times
from stabkit.analyze.rounds import FloatArray, Rounds, read_rounds
from stabkit.analyze.shares import clopper_pearson
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.config import Condition, Config

__all__ = ["MAX_ALARMS", "MetricNoise", "SelfPair", "alarm_bounds", "measure_noise"]

MAX_ALARMS: Final = 0.05
"""Where more A/A pairs than this are proven to come out as a change, measured times cannot be judged."""

_OUTCOMES: Final[tuple[Outcome, ...]] = ("stable", "improved", "regressed", "inconclusive")
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


@dataclass(frozen=True)
class MetricNoise:
    """What A/A pairs show of one target's metric.

    Attributes
    ----------
    connection : str or None
        ``fresh`` or ``reused``; None where there is no such difference.
    margin, tail_margin : float
        The margins that the pairs were judged with.
    pairs : int
        How many were compared.
    rounds, samples : float
        Of one run, their medians over the pairs.
    stable, improved, regressed, inconclusive : int
        How many pairs came out so.
    alarms_low, alarms_high : float
        Exact 95 % bounds on the share of false alarms: pairs that come out ``regressed`` or ``improved``. Which side
        is called first is chance, so both are equally wrong.
    pair_sd, tail_pair_sd : float or None
        Standard deviation of the log ratio of two interleaved runs, of the median and of the 99th percentile.
    run_sd, tail_run_sd : float or None
        The same of two runs at different times: what separate runs differ by. None below two pairs of a sitting.
    run_df : int
        Degrees of freedom of ``run_sd``.
    lag1 : float or None
        Correlation of neighbouring samples within a round, of their logs.
    effective_n : float or None
        Independent samples that one run's median is worth.
    decidable_margin : float or None
        Smallest margin that a pair of such runs decides in four cases of five, for the median.
    """

    target: str
    metric: str
    connection: str | None
    margin: float
    tail_margin: float
    pairs: int
    rounds: float
    samples: float
    stable: int
    improved: int
    regressed: int
    inconclusive: int
    alarms_low: float
    alarms_high: float
    pair_sd: float | None = None
    tail_pair_sd: float | None = None
    run_sd: float | None = None
    tail_run_sd: float | None = None
    run_df: int = 0
    lag1: float | None = None
    effective_n: float | None = None
    decidable_margin: float | None = None

    @property
    def false_alarms(self) -> int:
        """How many pairs came out as a change that is none."""
        return self.regressed + self.improved

    @property
    def unfit(self) -> bool:
        """True if identical systems are proven to come out as a change too often here."""
        return self.alarms_low > MAX_ALARMS

    @property
    def run_noise(self) -> Mapping[str, RunNoise] | None:
        """What separate runs differ by, by quantile, as ``compare_latency`` takes it; None if it is not known."""
        if self.run_sd is None or self.tail_run_sd is None or self.run_df < 1:
            return None
        return dict(zip(_QUANTILES, (RunNoise(sd, self.run_df) for sd in (self.run_sd, self.tail_run_sd)), strict=True))

    @property
    def alarms(self) -> str:
        """The alarms in figures, with the lower bound."""
        least = f"at least {100 * self.alarms_low:.3g} %"
        return f"{self.false_alarms} of {self.pairs} A/A pairs came out as a change, {least}"


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
    for population in find_populations(every, sides, is_latency):
        before, after, column = judged_times(population)
        if column is None:
            continue  # no good request on a side: its failures are the error rate's matter
        margins = _margins(population, config)
        comparison = compare_latency(before, after, margin=margins[0], tail_margin=margins[1])
        rounds = (read_rounds(before, where="first run"), read_rounds(after, where="second run"))
        key = (population.target, population.metric, population.connection)
        compared.append((key, _Compared(pair.sitting, comparison, margins, rounds)))
    return compared


def _margins(population: Population, config: Config) -> tuple[float, float]:
    """Return the margins of the first latency condition that speaks of a population; the usual ones without any."""
    for condition in config.conditions:
        if condition.kind == "latency" and (
            condition.target in (None, population.target) and condition.metric in (None, population.metric)
        ):
            return condition.margin or MARGINS["latency"], condition.tail_margin or MARGINS["tail"]
    return MARGINS["latency"], MARGINS["tail"]


def _summary(key: tuple[str, str, str | None], compared: Sequence[_Compared]) -> MetricNoise:
    outcomes = [one.comparison.outcome for one in compared]
    counts = {word: outcomes.count(word) for word in _OUTCOMES}
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
