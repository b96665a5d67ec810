"""The mean log time of the slowest requests, with bounds on its contrast between two sides.

One quantile is blind to what lies beyond it: a request in five hundred that takes fifty times as long moves no p99. The
mean of the whole tail sees both many requests that are a little slower and few that are much slower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from stabkit.analyze.statistics.bounds import (
    MeanContrast,
    RunNoise,
    one_sided_p,
    paired_contrast,
    t_quantile,
    welch_contrast,
)
from stabkit.analyze.statistics.rounds import FloatArray, Rounds

__all__ = ["LEAST_TAIL", "SLOWEST", "TAIL", "TailMean", "TailMeanContrast", "tail_means"]

TAIL: Final = 0.05
"""The share of all requests whose times the tail mean is of: the slowest one in twenty."""

SLOWEST: Final = "slowest 5 %"
"""What estimates of the tail mean are called."""

LEAST_TAIL: Final = 20
"""Requests in the tail, of 381 in all. Of fewer, one slow request in a hundred is easily (2.5 %) not seen at all."""


@dataclass(frozen=True, eq=False)
class TailMean:
    """The mean log time of the slowest requests of one side, all rounds together, and what it is without each round.

    Attributes
    ----------
    side : Rounds
        At least two rounds; one long round is cut into blocks of time before.
    share : float
        Of all requests that are the slowest.
    """

    side: Rounds
    share: float = TAIL

    @property
    def size(self) -> int:
        """How many requests are the slowest."""
        return math.ceil(self.side.n * self.share - 1e-9)

    @cached_property
    def _descending(self) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """The slowest that any leave-one-round-out mean may need, and the round of each."""
        deepest = min(self.side.n, self.size + int(self.side.sizes.max()))
        chosen = np.argpartition(self.side.logs, self.side.n - deepest)[self.side.n - deepest :]
        chosen = chosen[np.argsort(-self.side.logs[chosen], kind="stable")]
        return self.side.logs[chosen], self.side.round_index()[chosen]

    @cached_property
    def estimate(self) -> float:
        """The mean log time."""
        return float(self._descending[0][: self.size].mean())

    @cached_property
    def without(self) -> FloatArray:
        """The mean log time without each round in turn, shape (rounds,).

        Notes
        -----
        Of the requests in descending order, the one that is the j-th of its round and the i-th of all has i - j of
        other rounds before it. It lies among those that the mean without its round reaches over if these are fewer
        than that mean takes: so much is taken from the sum of the first ones, for all rounds at once.
        """
        logs, owner = self._descending
        left = np.ceil((self.side.n - self.side.sizes) * self.share - 1e-9).astype(np.intp)
        base = float(logs[-1])  # sums of small numbers lose fewer digits
        place = np.argsort(owner, kind="stable")
        owned, over = owner[place], logs[place] - base
        firsts = np.searchsorted(owned, np.arange(self.side.count))
        before = place - (np.arange(place.size) - firsts[owned])
        reached = before < left[owned]
        own = np.bincount(owned[reached], minlength=self.side.count)
        own_sum = np.bincount(owned[reached], weights=over[reached], minlength=self.side.count)
        sums = np.concatenate([[0.0], np.cumsum(logs - base)])
        found: FloatArray = base + (sums[left + own] - own_sum) / left
        return found

    @cached_property
    def independent_variance(self) -> float:
        """The variance of the mean if every request were independent.

        Notes
        -----
        Of the expected shortfall: (variance beyond the threshold + p (mean - threshold)²) / (n (1 - p)); Manistre and
        Hancock 2005, doi:10.1080/10920277.2005.10596207.
        """
        slowest = self._descending[0][: self.size]
        beyond = float(slowest.mean() - slowest[-1])
        return (float(slowest.var()) + (1 - self.share) * beyond**2) / self.size

    @property
    def variance(self) -> float:
        """The variance of the mean: that of the jackknife over rounds, never below that of independent requests."""
        return max(_jackknife(self.without), self.independent_variance)

    def half_width(self, level: float) -> float:
        """Return the half-width of its interval by itself, at one-sided error ``level``."""
        return t_quantile(level, self.side.count - 1) * math.sqrt(self.variance)


@dataclass(frozen=True, eq=False)
class TailMeanContrast:
    """The difference of two tail means, with bounds at every level.

    Attributes
    ----------
    means : MeanContrast
        Of the tail means: their standard error is that of the jackknife over rounds, or of independent requests where
        that is larger.
    excess : MeanContrast
        Of the mean log excess over one threshold of both sides together, round by round.
    sides : tuple of TailMean
        Baseline and candidate.
    """

    means: MeanContrast
    excess: MeanContrast
    sides: tuple[TailMean, TailMean]

    @property
    def baseline(self) -> float:
        """The baseline's tail mean, log."""
        return self.means.baseline

    @property
    def candidate(self) -> float:
        """The candidate's tail mean, log."""
        return self.means.candidate

    @property
    def fixed(self) -> float:
        """The part of the half-width at 95 % that more rounds of the same kind do not narrow."""
        return self.means.fixed

    def at(self, level: float) -> tuple[float, float]:
        """Return the log bounds, each with one-sided error ``level``."""
        return self.means.at(level)

    @cached_property
    def p_values(self) -> tuple[float, float]:
        """The p-values of "candidate worse" and "candidate better": each asks the means and the excess.

        Bad rounds of either side alone stretch its tail, not its share beyond one threshold of both.
        """
        means, excess = one_sided_p(self.means), one_sided_p(self.excess)
        if self.excess.se == 0 and self.excess.baseline == self.excess.candidate:
            return means  # nothing lies beyond the limit: times of a few values only
        return max(means[0], excess[0]), max(means[1], excess[1])


def tail_means(
    baseline: Rounds, candidate: Rounds, *, paired: bool, noise: RunNoise | None = None, share: float = TAIL
) -> TailMeanContrast | None:
    """Return the contrast of the slowest requests of both sides; None where the tail of either has too few.

    Parameters
    ----------
    baseline, candidate : Rounds
        At least two rounds each, the same ones if ``paired``.
    paired : bool
        Whether rounds of one number were measured next to each other.
    noise : RunNoise, optional
        How much the log ratio of the tail means of identical runs varies, where rounds do not hold it.

    Notes
    -----
    The tail mean is the expected shortfall (Acerbi and Tasche 2002, doi:10.1016/S0378-4266(02)00283-2) of log times,
    with the variance of the jackknife that leaves out one round at a time, of both sides where they are paired.

    Examples
    --------
    >>> from stabkit.analyze.statistics.rounds import Rounds
    >>> rng = np.random.default_rng(1)
    >>> def side():
    ...     return Rounds(20 * np.exp(0.1 * rng.standard_normal(2000)), np.arange(0, 2001, 100), np.arange(20))
    >>> low, high = tail_means(side(), side(), paired=True).at(0.025)
    >>> bool(-0.05 < low < 0 < high < 0.05)
    True
    """
    sides = TailMean(baseline, share), TailMean(candidate, share)
    if min(side.size for side in sides) < LEAST_TAIL:
        return None
    b, c = sides
    independent = b.independent_variance + c.independent_variance
    rounds = min(side.side.count for side in sides)
    if paired:
        between, df = _jackknife(c.without - b.without), rounds - 1.0
    else:
        parts = [_jackknife(side.without) for side in sides]
        between = sum(parts)
        spread = sum(part**2 / (side.side.count - 1) for part, side in zip(parts, sides, strict=True))
        df = between**2 / spread if spread > 0 else rounds - 1.0
    means = MeanContrast(b.estimate, c.estimate, math.sqrt(max(between, independent)), df, _step(b, c), noise)
    return TailMeanContrast(means, _excess(baseline, candidate, share, paired=paired), sides)


def _jackknife(values: FloatArray) -> float:
    count = values.size
    return (count - 1) / count * float(((values - values.mean()) ** 2).sum())


def _step(b: TailMean, c: TailMean) -> float:
    """Return half a step of both clocks, relative, where neither tail shows more than one value."""
    return sum(side.side.tick / 2 / math.exp(side.estimate) for side in (b, c) if side.independent_variance == 0)


def _excess(baseline: Rounds, candidate: Rounds, share: float, *, paired: bool) -> MeanContrast:
    both = np.concatenate([baseline.logs, candidate.logs])
    rank = both.size - math.ceil(both.size * share - 1e-9)
    threshold = float(np.partition(both, rank)[rank])
    per_round = [
        np.add.reduceat(np.maximum(side.logs - threshold, 0.0), side.starts[:-1]) / side.sizes
        for side in (baseline, candidate)
    ]
    return (paired_contrast if paired else welch_contrast)(*per_round)
