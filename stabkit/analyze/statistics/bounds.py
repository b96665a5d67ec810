"""Bounds on quantiles and on their contrast between two sides: order statistics, MOVER, means over rounds.

Everything is on natural logarithms, so contrasts are log ratios. Every bound is a function of its one-sided error
level, so that a p-value is the smallest level at which a bound leaves zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, Protocol

import numpy as np

from stabkit.analyze.statistics.rounds import FloatArray, Rounds, mid_distribution, quantile_rank
from stabkit.errors import UsageError

__all__ = [
    "CONFIDENCE",
    "LEVEL",
    "MEDIAN",
    "Contrast",
    "MeanContrast",
    "QuantileBounds",
    "QuantileContrast",
    "RunNoise",
    "alike_rounds",
    "as_ratio",
    "bandwidth",
    "clustered_quantile",
    "holm_limit",
    "level_of",
    "long_run_variance",
    "neighbour_correlation",
    "one_sided_p",
    "p_worse",
    "paired_contrast",
    "quantile_of",
    "serial_quantile",
    "smallest_level",
    "t_quantile",
    "t_quantiles",
    "welch_contrast",
    "widening",
]

LEVEL: Final = 0.025
"""One-sided error of every bound shown: two-sided 95 %."""

MEDIAN: Final = 0.5

CONFIDENCE: Final = 0.95
"""Of the interval between both bounds, where nothing else is asked for."""

_FEWEST_NEIGHBOURS: Final = 8
_SMALLEST_P: Final = 1e-12


def level_of(confidence: float) -> float:
    """Return the one-sided error of each bound of an interval; never below 1e-12.

    Raises
    ------
    UsageError
        The confidence is not between 0 and 1.

    Examples
    --------
    >>> round(level_of(0.95), 6), level_of(1 - 1e-15)
    (0.025, 1e-12)
    """
    if not 0 < confidence < 1:
        raise UsageError(
            f"confidence is {confidence!r}.", where="analyze", hint="Give a number between 0 and 1, such as 0.95."
        )
    return LEVEL if confidence == CONFIDENCE else max(_SMALLEST_P, (1 - confidence) / 2)


def as_ratio(log: float) -> float:
    """Return e to the power of a log ratio; infinite where no float is large enough.

    Examples
    --------
    >>> as_ratio(0.0), as_ratio(5000.0), as_ratio(-math.inf)
    (1.0, inf, 0.0)
    """
    return math.exp(log) if log < 709 else math.inf


@lru_cache(maxsize=4096)  # both sides of a contrast ask for the same, and each p-value for dozens
def t_quantile(level: float, df: float) -> float:
    """Return the upper ``level`` point of Student's t with ``df`` degrees of freedom."""
    from scipy.special import stdtrit  # whoever compares tests and findings alone need not wait for it

    return float(-stdtrit(df, level))


def t_quantiles(level: float, df: FloatArray) -> FloatArray:
    """Return the upper ``level`` points of Student's t for several degrees of freedom, shape of ``df``."""
    from scipy.special import stdtrit

    found: FloatArray = -stdtrit(df, level)
    return found


@dataclass(frozen=True, eq=False)
class QuantileBounds:
    """One quantile of one side, with bounds from the ranks of its order statistics.

    Attributes
    ----------
    ordered : array of float, shape (n,)
        Log values, ascending.
    p : float
        Which quantile.
    rank_sd : float
        Standard error of the quantile's rank, in ranks.
    df : float
        Degrees of freedom of that standard error.
    tick : float
        Half a step of the clock, relative to the quantile: no bound is nearer than that.
    mid : bool
        True if it is the quantile of the mid-distribution: ties of a clock are then no floor.
    """

    ordered: FloatArray
    p: float
    rank_sd: float
    df: float
    tick: float = 0.0
    mid: bool = False

    @property
    def n(self) -> int:
        """How many samples."""
        return int(self.ordered.size)

    @cached_property
    def estimate(self) -> float:
        """The log quantile."""
        if self.mid:
            return self._at_share(self.p)
        return float(self.ordered[quantile_rank(self.n, self.p) - 1])

    @property
    def inflation(self) -> float:
        """How many samples carry as much as one independent sample would; at least 1."""
        return self.rank_sd**2 / (self.n * self.p * (1 - self.p))

    def at(self, level: float) -> tuple[float, float]:
        """Return the log bounds, each with one-sided error ``level``; infinite where no rank is left."""
        h = t_quantile(level, self.df) * self.rank_sd
        centre = self.n * self.p + 0.5
        lower, upper = math.floor(centre - h), math.ceil(centre + h)
        m = self.estimate
        low = min(self._ranked(lower), m - self.tick) if lower >= 1 else -math.inf
        high = max(self._ranked(upper), m + self.tick) if upper <= self.n else math.inf
        return min(low, m), max(high, m)

    def _ranked(self, rank: int) -> float:
        return self._at_share((rank - 0.5) / self.n) if self.mid else float(self.ordered[rank - 1])

    @cached_property
    def _distribution(self) -> tuple[FloatArray, FloatArray]:
        return mid_distribution(self.ordered)  # once: a p-value asks for dozens of bounds

    def _at_share(self, share: float) -> float:
        shares, values = self._distribution
        after = int(shares.searchsorted(share, "right"))
        if after in (0, shares.size):
            return float(values[max(0, after - 1)])
        # What np.interp computes of one number, at a fifth of its cost.
        before = after - 1
        slope = (values[after] - values[before]) / (shares[after] - shares[before])
        return float(slope * (share - shares[before]) + values[before])


def long_run_variance(deviations: FloatArray, lags: int) -> float:
    """Return the Bartlett-weighted sum of autocovariances up to ``lags``.

    Parameters
    ----------
    deviations : array of float, shape (n,)
        In time order, mean zero.
    lags : int
        L; the weight of lag j is 1 - j / (L + 1).

    Notes
    -----
    The weighted sum equals the mean square of all moving sums of L + 1 values over the zero-padded series, divided by
    L + 1; with a running total it takes n steps for any L, and it is never negative.

    Examples
    --------
    >>> long_run_variance(np.array([1.0, -1.0, 1.0, -1.0]), 1)  # 1 + 2 * 0.5 * (-3/4)
    0.25
    """
    n = deviations.size
    total = np.zeros(n + 2 * lags + 2)
    np.cumsum(deviations, out=total[lags + 1 : lags + 1 + n])
    total[lags + 1 + n :] = total[lags + n]
    sums = total[lags + 1 :] - total[: -lags - 1]
    return float(sums @ sums) / (n * (lags + 1))


def serial_quantile(side: Rounds, p: float, *, tick: float = 0.0) -> QuantileBounds:
    """Return a quantile of one round of autocorrelated samples, with the long-run variance of its rank.

    Notes
    -----
    The indicator of "at most the quantile" is averaged over time; its long-run variance (Bartlett kernel, Newey and
    West 1987, doi:10.2307/1913610) has a bandwidth of 2.5 times the one for an AR(1) with the observed lag-1
    correlation (Andrews 1991, doi:10.2307/2938229), and at least 2 n^(1/3). It is never taken below the variance of
    independent samples. Degrees of freedom 1.5 n / L.
    """
    n = side.n
    q = side.ordered[quantile_rank(n, p) - 1]
    hits = (side.logs <= q).astype(np.float64)
    deviations = hits - hits.mean()
    variance = float(deviations @ deviations)
    r = max(0.0, float(deviations[1:] @ deviations[:-1]) / variance) if variance > 0 else 0.0
    r = min(0.97, r + (1 + 3 * r) / n)
    lags = bandwidth(n, r)
    spectral = long_run_variance(deviations, lags) / max(1 - (lags + 1) / n, 1 / n)
    sigma2 = max(spectral, p * (1 - p))
    return QuantileBounds(side.ordered, p, math.sqrt(n * sigma2), 1.5 * n / lags, _relative(tick, float(q)))


def bandwidth(n: int, r: float) -> int:
    """Return the number of lags for n samples with bias-corrected lag-1 correlation r."""
    plug_in: float = 2.5 * 1.1447 * (4 * r * r * n / ((1 - r) ** 2 * (1 + r) ** 2)) ** (1 / 3)
    lags = math.floor(max(2 * math.cbrt(n), plug_in))
    return max(1, min(lags, n // 3))


def clustered_quantile(side: Rounds, p: float, *, tick: float = 0.0) -> QuantileBounds:
    """Return a quantile of all samples of at least two rounds, with the variance of its rank between rounds.

    Notes
    -----
    Woodruff's inversion (doi:10.1080/01621459.1952.10483443) with a variance over clusters: each round's share at most
    the quantile against the share over all, R - 1 degrees of freedom; never below that of independent samples.
    """
    q = side.ordered[quantile_rank(side.n, p) - 1]
    below = np.add.reduceat((side.logs <= q).astype(np.float64), side.starts[:-1])
    excess = below - side.sizes * (below.sum() / side.n)
    between = side.count / (side.count - 1) * float(excess @ excess)
    spread = math.sqrt(max(between, side.n * p * (1 - p)))
    return QuantileBounds(side.ordered, p, spread, side.count - 1, _relative(tick, float(q)))


def quantile_of(side: Rounds, p: float) -> QuantileBounds:
    """Return a quantile with bounds: of one round by its long-run variance, of several by that between rounds."""
    found = (serial_quantile if side.count == 1 else clustered_quantile)(side, p, tick=side.tick)
    # Far out in a tail the values are few and far between: there a step of the clock stays the floor of each bound.
    return replace(found, tick=0.0, mid=True) if p == MEDIAN and not side.coarse else found


def _relative(tick: float, log_quantile: float) -> float:
    return tick / 2 / math.exp(log_quantile)


class Contrast(Protocol):
    """A log ratio candidate / baseline whose bounds are known at every level."""

    @property
    def baseline(self) -> float:
        """The baseline's log quantile."""

    @property
    def candidate(self) -> float:
        """The candidate's log quantile."""

    @property
    def fixed(self) -> float:
        """The part of the half-width at 95 % that more samples of the same kind do not narrow."""

    def at(self, level: float) -> tuple[float, float]:
        """Return the log bounds, each with one-sided error ``level``."""


@dataclass(frozen=True)
class RunNoise:
    """How much the log ratio of two identical runs varies in one environment.

    Attributes
    ----------
    sd : float
        Standard deviation of the log ratio of identical pairs.
    df : float
        How many pairs it rests on.
    """

    sd: float
    df: float

    def at(self, level: float) -> float:
        """Return the half-width at one-sided error ``level``."""
        return t_quantile(level, self.df) * self.sd


def _widened(delta: float, low: float, high: float, extra: float) -> tuple[float, float]:
    return delta - math.hypot(delta - low, extra), delta + math.hypot(high - delta, extra)


@dataclass(frozen=True, eq=False)
class QuantileContrast:
    """The difference of two log quantiles, by MOVER: each side's variance is recovered from its own bounds.

    Notes
    -----
    Method of variance estimates recovery, Zou and Donner 2008, doi:10.1002/sim.3095. Swapping the sides changes signs
    and nothing else.
    """

    sides: tuple[QuantileBounds, QuantileBounds]
    noise: RunNoise | None = None

    @property
    def baseline(self) -> float:
        """The baseline's log quantile."""
        return self.sides[0].estimate

    @property
    def candidate(self) -> float:
        """The candidate's log quantile."""
        return self.sides[1].estimate

    @property
    def fixed(self) -> float:
        """The half-width from run noise and the clock."""
        return max(self._tick, self.noise.at(LEVEL) if self.noise else 0.0)

    @property
    def _tick(self) -> float:
        """Half a step of either clock: rounding is no chance that could cancel, so both add up."""
        return self.sides[0].tick + self.sides[1].tick

    def at(self, level: float) -> tuple[float, float]:
        """Return the log bounds, each with one-sided error ``level``."""
        b, c = self.sides
        (l_b, u_b), (l_c, u_c) = b.at(level), c.at(level)
        m_b, m_c = b.estimate, c.estimate
        delta = m_c - m_b
        low = delta - max(self._tick, math.hypot(m_c - l_c, u_b - m_b))
        high = delta + max(self._tick, math.hypot(u_c - m_c, m_b - l_b))
        return _widened(delta, low, high, self.noise.at(level)) if self.noise else (low, high)


@dataclass(frozen=True)
class MeanContrast:
    """The difference of two means of log quantiles over rounds, by Student's t."""

    baseline: float
    candidate: float
    se: float
    df: float
    tick: float = 0.0
    noise: RunNoise | None = None

    @property
    def fixed(self) -> float:
        """The half-width from run noise and the clock."""
        return max(self.tick, self.noise.at(LEVEL) if self.noise else 0.0)

    def at(self, level: float) -> tuple[float, float]:
        """Return the log bounds, each with one-sided error ``level``."""
        delta = self.candidate - self.baseline
        half = max(t_quantile(level, self.df) * self.se, self.tick)
        if self.noise:
            half = math.hypot(half, self.noise.at(level))
        return delta - half, delta + half


def paired_contrast(baseline: FloatArray, candidate: FloatArray, *, tick: float = 0.0) -> MeanContrast:
    """Return the paired t contrast of two sides' values per round, shape (rounds,) each, in the same order."""
    difference = candidate - baseline
    se = float(difference.std(ddof=1)) / math.sqrt(difference.size)
    return MeanContrast(float(baseline.mean()), float(candidate.mean()), se, difference.size - 1, tick)


def alike_rounds(contrast: MeanContrast, *series: FloatArray) -> MeanContrast:
    """Return a mean over rounds with the error it has where neighbouring rounds are alike.

    Of a few rounds no correlation can be told: below eight the mean stays as it is.
    """
    if min(values.size for values in series) < _FEWEST_NEIGHBOURS:
        return contrast
    return replace(contrast, se=contrast.se * max(widening(neighbour_correlation(values)) for values in series))


def neighbour_correlation(values: FloatArray) -> float:
    """Return the lag-1 correlation of values about a straight line, corrected for its bias; from 0 to 0.9."""
    time = np.arange(values.size) - (values.size - 1) / 2
    rest = values - values.mean()
    rest = rest - time * float(time @ rest) / float(time @ time)
    spread = float(rest @ rest)
    if spread <= 1e-20:
        return 0.0
    r = float(rest[1:] @ rest[:-1]) / spread
    corrected: float = r + (2 + 4 * max(0.0, r)) / rest.size
    return min(0.9, max(0.0, corrected))


def widening(r: float) -> float:
    """Return how much wider a mean or a slope spreads than of independent values.

    Examples
    --------
    >>> round(widening(0.0), 3), round(widening(0.8), 3)
    (1.0, 3.0)
    """
    return math.sqrt((1 + r) / (1 - r))


def welch_contrast(
    baseline: FloatArray, candidate: FloatArray, *, tick: float = 0.0, noise: RunNoise | None = None
) -> MeanContrast:
    """Return Welch's contrast of two sides' values per round; the rounds need not correspond."""
    v_b, v_c = (float(side.var(ddof=1)) / side.size for side in (baseline, candidate))
    spread = v_b**2 / (baseline.size - 1) + v_c**2 / (candidate.size - 1)
    df = (v_b + v_c) ** 2 / spread if spread > 0 else float(min(baseline.size, candidate.size) - 1)
    return MeanContrast(float(baseline.mean()), float(candidate.mean()), math.sqrt(v_b + v_c), df, tick, noise)


def one_sided_p(contrast: Contrast) -> tuple[float, float]:
    """Return the p-values of "candidate worse" and "candidate better": smallest levels with a bound beyond zero.

    The one against the observed direction is the complement of the other. Never below 1e-12.
    """
    delta = contrast.candidate - contrast.baseline
    if delta == 0:
        return 0.5, 0.5
    worse = delta > 0
    if isinstance(contrast, MeanContrast) and contrast.fixed == 0 and contrast.se > 0:
        from scipy.special import stdtr

        p = max(_SMALLEST_P, float(stdtr(contrast.df, -abs(delta) / contrast.se)))
        return (p, 1 - p) if worse else (1 - p, p)

    def beyond(level: float) -> bool:
        low, high = contrast.at(level)
        return low > 0 if worse else high < 0

    p = smallest_level(beyond)
    return (p, 1 - p) if worse else (1 - p, p)


def p_worse(change: float, bounds: Callable[[float], tuple[float, float]]) -> float:
    """Return the one-sided p-value of "worse" for a difference with bounds at every level."""
    if change == 0:
        return 0.5
    if change > 0:
        return smallest_level(lambda level: bounds(level)[0] > 0)
    return 1 - smallest_level(lambda level: bounds(level)[1] < 0)


def holm_limit(p_values: Sequence[float], level: float) -> float:
    """Return the largest of several p-values that Holm's step-down procedure rejects; negative if none.

    Notes
    -----
    Holm 1979, Scandinavian Journal of Statistics 6:65-70: whatever the p-values have in common, the chance that any
    true hypothesis is rejected is at most ``level``.

    Examples
    --------
    >>> holm_limit([0.02, 0.3, 0.001], 0.05), holm_limit([0.02, 0.3, 0.3], 0.05)
    (0.02, -1.0)
    """
    limit = -1.0
    for rank, p in enumerate(sorted(p_values)):
        if p > level / (len(p_values) - rank):
            break
        limit = p
    return limit


def smallest_level(beyond: Callable[[float], bool]) -> float:
    """Return the smallest one-sided level, 1e-12 to 0.5, at which a bound is beyond its mark; 0.5 if it never is."""
    if not beyond(0.5):
        return 0.5
    if beyond(_SMALLEST_P):
        return _SMALLEST_P
    shut, open_ = math.log(_SMALLEST_P), math.log(0.5)
    for _ in range(16):  # 27 log units / 2^16: p to 0.04 %
        middle = (shut + open_) / 2
        if beyond(math.exp(middle)):
            open_ = middle
        else:
            shut = middle
    return math.exp(open_)
