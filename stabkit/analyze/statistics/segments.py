"""The numeric core of change detection: despiking, noise scale, three detectors and their vote.

Everything here takes plain arrays without nulls and returns indices into them. A boundary is the index of the first
value after the change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Costs",
    "correlation",
    "find_spikes",
    "linear_cost",
    "mean_boundaries",
    "mean_cost",
    "middle_of",
    "noise_scale",
    "partition",
    "rank_cost",
    "settle",
    "vote",
]

Floats = NDArray[np.float64]
Cost = Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]
"""Of the segments [start, end), for arrays that broadcast."""

RANK_PENALTY: Final = 3.0  # times ln n: 1.5 times the default of skchange's RankCost
MEAN_PENALTY: Final = 3.0  # times ln n
LINE_PENALTY: Final = 4.0  # times ln n; a segment has a slope, a level and a place
_MAD_TO_SD: Final = 1.4826
_BLOCK: Final = 128
_FEW: Final = 60  # values of which ranks may see too little
_TABLE: Final = 4 * _BLOCK  # values whose pairs are all held at once


def find_spikes(x: Floats, *, floor: float = 0.0, window: int = 7, limit: float = 4.0) -> NDArray[np.int64]:
    """Return the indices of lone values far from their neighbourhood (Hampel filter).

    Parameters
    ----------
    x : array of float, shape (n,)
        Values without nulls.
    floor : float
        Least scale, such as that of rounding.
    window, limit : int, float
        Width of the moving median, and the distance in robust standard deviations.

    Notes
    -----
    The scale is at least that of the first differences over √2, or a quiet stretch would turn its own noise into
    spikes. Two neighbours that are both far off on one side may be a step and stay. Hampel 1974,
    doi:10.1080/01621459.1974.10482962.
    """
    half = window // 2
    if len(x) < window:
        return np.empty(0, dtype=np.int64)
    # Mirrored ends: a padding with the end value would make the ends vote for themselves.
    padded = np.concatenate((x[half:0:-1], x, x[-2 : -half - 2 : -1]))
    windows = padded[np.arange(len(x))[:, None] + np.arange(window)]
    # Sorting seven columns is several times faster than np.median along an axis.
    middle = np.sort(windows, axis=1)[:, half]
    spread = _MAD_TO_SD * np.sort(np.abs(windows - middle[:, None]), axis=1)[:, half]
    steps = x[1:] - x[:-1]
    floor = max(floor, _MAD_TO_SD * middle_of(np.abs(steps - middle_of(steps))) / np.sqrt(2), 1e-12)
    far = np.where(np.abs(x - middle) > limit * np.maximum(spread, floor), np.sign(x - middle), 0)
    padded = np.concatenate(([0], far, [0]))
    lone = (far != 0) & (padded[:-2] != far) & (padded[2:] != far)
    return np.flatnonzero(lone).astype(np.int64)


def middle_of(x: Floats) -> float:
    """Return the median; of a hundred values several times faster than NumPy's."""
    ordered = np.sort(x)
    return float(ordered[(len(x) - 1) // 2] + ordered[len(x) // 2]) / 2


def noise_scale(x: Floats) -> float:
    """Return the standard deviation of the noise, from first differences, so that steps hardly touch it.

    The largest of the differences are trimmed: each step or spike adds one or two. 0 for a constant series.
    """
    squares = np.sort((x[1:] - x[:-1]) ** 2)
    keep = squares[: max(1, len(squares) - max(2, len(squares) // 20))]
    # Trimming 5 % of chi-square(1) values keeps 0.755 of their mean.
    return float(np.sqrt(keep.sum() / len(keep) / 0.755 / 2))


def correlation(residuals: Floats) -> float:
    """Return the lag-1 correlation of residuals in units of the noise, at most 0.9; 0 for an exact fit."""
    centred = residuals - residuals.mean()
    power = float(centred @ centred)
    # Residuals of an exact fit are rounding errors, which may well be "correlated".
    return min(0.9, float(centred[1:] @ centred[:-1]) / power) if power > 1e-9 * len(centred) else 0.0


class SumCost:
    """The cost of a segment by the square of its sum over its length: what its mean explains of the squares.

    Parameters
    ----------
    x : array of float, shape (n,)
        Values with mean 0.
    """

    def __init__(self, x: Floats) -> None:
        self._total = np.concatenate(([0.0], np.cumsum(x)))
        self._worth: Floats | None = None

    def __call__(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> Floats:
        """Return the cost of the segments [start, end)."""
        rise: Floats = self._total[end] - self._total[start]
        return -(rise * rise) / (end - start)

    @property
    def worth(self) -> Floats:
        """What each segment of two values and more explains, by the place of its last value and its start; else 0."""
        if self._worth is None:
            rise = self._total[1:, None] - self._total[None, :-1]
            rise *= rise
            rise *= _one_by_length(len(rise))
            self._worth = rise
        return self._worth


@lru_cache(maxsize=4)
def _one_by_length(n: int) -> Floats:
    length = np.arange(1, n + 1)[:, None] - np.arange(n)[None, :]
    return np.where(length >= 2, 1.0 / np.maximum(length, 1), 0.0)


@lru_cache(maxsize=4)
def _too_short(n: int, shortest: int) -> Floats:
    """Return infinity for the segments that are too short, by the place of their last value and their start; else 0."""
    length = np.arange(1, n + 1)[:, None] - np.arange(n)[None, :]
    return np.where(length < shortest, np.inf, 0.0)


def rank_cost(x: Floats) -> SumCost:
    """Return the cost of a segment by the mean of its ranks: robust, blind to the distribution.

    Notes
    -----
    Lung-Yut-Fong, Lévy-Leduc, Cappé 2015; equal to skchange's ``RankCost`` in one dimension (tested against it).
    """
    n = len(x)
    order = np.argsort(x)
    ordered = x[order]
    if (ordered[1:] == ordered[:-1]).any():
        ranks = (np.searchsorted(ordered, x, "left") + np.searchsorted(ordered, x, "right") + 1) / 2 - (n + 1) / 2
    else:
        ranks = np.empty(n)
        ranks[order] = np.arange(n) - (n - 1) / 2
    power = float(ranks @ ranks) / n
    return SumCost(ranks / np.sqrt(power) if power > 0 else ranks)


def mean_cost(x: Floats) -> SumCost:
    """Return the cost of a segment by its mean, of values with a noise of standard deviation 1."""
    return SumCost(x - x.mean())


class LineCost:
    """The cost of a segment by its residual sum of squares around its own straight line."""

    def __init__(self, x: Floats) -> None:
        self._middle = (len(x) - 1) / 2
        t = np.arange(len(x), dtype=np.float64) - self._middle
        # Centred values keep the prefix sums small, hence the differences exact enough.
        y = x - x.mean()
        self._sums = [np.concatenate(([0.0], np.cumsum(column))) for column in (y, t * y, y * y)]
        self._table: Floats | None = None

    def __call__(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> Floats:
        """Return the cost of the segments [start, end)."""
        size = (end - start).astype(np.float64)
        power = size * (size * size - 1) / 12
        by_power = np.divide(1.0, power, out=np.zeros_like(power), where=power > 0)
        return self._residual(start, end, (start + end - 1) / 2 - self._middle, 1 / size, by_power)

    @property
    def table(self) -> Floats:
        """The costs of all segments, by the place of the last value and the start."""
        if self._table is None:
            n = len(self._sums[0]) - 1
            starts, ends = np.arange(n)[None, :], np.arange(1, n + 1)[:, None]
            self._table = self._residual(starts, ends, *_line_weights(n))
        return self._table

    def _residual(
        self, start: NDArray[np.int64], end: NDArray[np.int64], middle: Floats, by_size: Floats, by_power: Floats
    ) -> Floats:
        sy, sty, syy = (total[end] - total[start] for total in self._sums)
        sty -= middle * sy
        rest: Floats = syy - sy * sy * by_size - sty * sty * by_power
        return np.maximum(rest, 0.0)


@lru_cache(maxsize=4)
def _line_weights(n: int) -> tuple[Floats, Floats, Floats]:
    """Return the middles of all segments, 1 over their lengths and over the squares of their times; 0 where none is."""
    starts, ends = np.arange(n)[None, :], np.arange(1, n + 1)[:, None]
    size = np.maximum(ends - starts, 1).astype(np.float64)
    power = size * (size * size - 1) / 12
    by_power = np.divide(1.0, power, out=np.zeros_like(power), where=power > 0)
    return (starts + ends - 1) / 2 - (n - 1) / 2, 1 / size, by_power


def linear_cost(x: Floats) -> LineCost:
    """Return the cost of a segment: its residual sum of squares around its own straight line."""
    return LineCost(x)


def partition(n: int, cost: Cost, penalty: float, *, shortest: int = 2) -> list[int]:
    """Return the boundaries of the cheapest division of n values into segments.

    Parameters
    ----------
    n : int
        Number of values.
    cost : callable
        Cost of the segments [start, end), for arrays that broadcast.
    penalty : float
        Price of each boundary.
    shortest : int
        Least length of a segment.

    Notes
    -----
    Optimal partitioning, Jackson et al. 2005, doi:10.1109/LSP.2001.838216: exact, n² time. Up to 512
    values all pairs are held at once; of more, columns are computed a block at a time, in n memory.
    """
    origin = _by_rounds(n, cost, penalty, shortest) if n <= _TABLE else _by_ends(n, cost, penalty, shortest)
    boundaries: list[int] = []
    place = int(origin[n])
    while place > 0:
        boundaries.append(place)
        place = int(origin[place])
    return boundaries[::-1]


def _by_rounds(n: int, cost: Cost, penalty: float, shortest: int) -> NDArray[np.int64]:
    """Return where the last segment begins in the cheapest division of each prefix; all prefixes at once.

    Each round allows one segment more; most histories have few, so that it takes a fraction of one step a value.
    """
    if isinstance(cost, LineCost):
        price = cost.table + penalty
    elif isinstance(cost, SumCost):
        price = penalty - cost.worth
    else:
        starts, ends = np.arange(n)[None, :], np.arange(1, n + 1)[:, None]
        price = cost(np.minimum(starts, ends - 1), ends) + penalty
    price += _too_short(n, shortest)
    best = price[:, 0] - penalty  # of the prefix that ends with each value
    before = np.empty(n)  # of the prefix that ends before it
    while True:
        before[0], before[1:] = -penalty, best[:-1]
        totals = price + before
        better = totals.min(axis=1)
        if np.array_equal(better, best):
            return np.concatenate(([0], totals.argmin(axis=1)))
        best = better


def _by_ends(n: int, cost: Cost, penalty: float, shortest: int) -> NDArray[np.int64]:
    """Return the same of a long history, a block of ends at a time."""
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    origin = np.zeros(n + 1, dtype=np.int64)
    for first in range(shortest, n + 1, _BLOCK):
        ends = np.arange(first, min(first + _BLOCK, n + 1))
        starts = np.arange(0, int(ends[-1]) - shortest + 1)
        # Pairs with start >= end are never looked at; the clip only keeps their arithmetic finite.
        columns = cost(np.minimum(starts[None, :], ends[:, None] - 1), ends[:, None]) + penalty
        for row, end in enumerate(ends.tolist()):
            usable = end - shortest + 1
            totals = best[:usable] + columns[row, :usable]
            place = int(totals.argmin())
            best[end] = totals[place]
            origin[end] = place
    return origin


def _may_change(n: int, cost: SumCost, penalty: float) -> bool:
    """Return False if no boundary can pay its price under a cost that is nowhere positive.

    Taking a boundary away raises the cost by at most what the best segment ending there and the best one starting there
    are worth. That settles most stable histories without dividing them.
    """
    if n > _TABLE:
        return True  # the table of all pairs would cost more memory than the division
    return bool((cost.worth.max(axis=1)[:-1] + cost.worth.max(axis=0)[1:]).max() >= penalty)


def _divided(n: int, cost: SumCost, penalty: float) -> list[int]:
    return partition(n, cost, penalty) if _may_change(n, cost, penalty) else []


def mean_boundaries(x: Floats, *, inflation: float = 1.0) -> list[int]:
    """Return the boundaries of the cheapest division by means, of values with a noise of standard deviation 1."""
    return _divided(len(x), mean_cost(x), MEAN_PENALTY * float(np.log(len(x))) * inflation)


class Costs:
    """The three costs of one history, each made once it is asked for; several votes share them."""

    def __init__(self, x: Floats) -> None:
        self._x = x

    @cached_property
    def ranks(self) -> SumCost:
        """By ranks."""
        return rank_cost(self._x)

    @cached_property
    def means(self) -> SumCost:
        """By means."""
        return mean_cost(self._x)

    @cached_property
    def lines(self) -> LineCost:
        """By straight lines."""
        return linear_cost(self._x)


def vote(x: Floats, *, inflation: float = 1.0, reach: int = 3, costs: Costs | None = None) -> list[int]:
    """Return the boundaries that at least two of the three detectors place within ``reach`` values of each other.

    Ranks and means vote first. Lines take the longest, and are asked only where those two do not agree on all places.

    Parameters
    ----------
    x : array of float, shape (n,)
        Values with a noise of standard deviation 1, no nulls.
    inflation : float
        (1 + r) / (1 - r) for a lag-1 correlation r: how much more a mean of correlated values varies.
    reach : int
        Largest distance of two votes for one change.
    costs : Costs, optional
        Those of ``x``, where another vote had them made.
    """
    n, costs = len(x), costs or Costs(x)
    price = float(np.log(n)) * inflation
    if n > _FEW and not _may_change(n, costs.ranks, RANK_PENALTY * price):
        return []  # most histories are stable, and what ranks see nothing of hardly ever gets two votes
    by_rank = _divided(n, costs.ranks, RANK_PENALTY * price)
    by_mean = _divided(n, costs.means, MEAN_PENALTY * price)
    if not by_mean and not by_rank:
        return []  # the third alone cannot carry a vote
    voters = [by_rank, by_mean]
    if len(by_rank) != len(by_mean) or any(abs(a - b) > reach for a, b in zip(by_rank, by_mean, strict=True)):
        voters.append(partition(n, costs.lines, LINE_PENALTY * price, shortest=3))
    backed = [
        (min(abs(place - other) for k, v in enumerate(voters) if k != number for other in [*v, n + place]), place)
        for number, boundaries in enumerate(voters)
        for place in boundaries
    ]
    agreed: list[int] = []
    # The closest agreement first: a stray vote must not take the place of a good one beside it.
    for distance, place in sorted(backed):
        if distance <= reach and all(abs(place - other) > reach for other in agreed):
            agreed.append(place)
    return settle(x, sorted(agreed), reach=reach)


def settle(x: Floats, boundaries: list[int], *, reach: int = 3) -> list[int]:
    """Return the boundaries moved, by at most ``reach``, to where two means fit their neighbourhood best."""
    edges = [0, *boundaries, len(x)]
    settled: list[int] = []
    for k in range(1, len(edges) - 1):
        left, right = edges[k - 1] if not settled else settled[-1], edges[k + 1]
        places = np.arange(max(left + 1, edges[k] - reach), min(right - 1, edges[k] + reach) + 1)
        if not len(places):
            continue
        total = np.concatenate(([0.0], np.cumsum(x[left:right])))
        before = total[places - left]
        after = total[-1] - before
        gain = before**2 / (places - left) + after**2 / (right - places)
        settled.append(int(places[int(gain.argmax())]))
    return settled
