"""A slope that outliers do not move, and whether values rise or fall at all.

Written out here, tested against scipy.stats: to import that takes longer than to judge a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Slope", "mann_kendall_p", "theil_sen"]

Floats = NDArray[np.float64]

_EXACT: Final = 33  # values, up to which the exact distribution is taken


@dataclass(frozen=True)
class Slope:
    """A slope with its bounds, and the level at time 0, in the units of the values."""

    slope: float
    low: float
    high: float
    intercept: float


def theil_sen(values: Floats, times: Floats, *, level: float) -> Slope:
    """Return the median of the slopes between all pairs of values, each bound with one-sided error ``level``.

    Parameters
    ----------
    values, times : array of float, shape (n,)
        At least two different times. The work grows with n².

    Notes
    -----
    Sen 1968, doi:10.1080/01621459.1968.10480934: ranks of the slopes by the variance of Kendall's statistic, which
    equal values and equal times make smaller.

    Examples
    --------
    >>> theil_sen(np.array([1.0, 2.0, 9.0, 4.0]), np.arange(4.0), level=0.025)
    Slope(slope=1.0, low=-5.0, high=7.0, intercept=1.5)
    """
    apart = times[:, np.newaxis] - times
    later = apart > 0
    slopes = np.sort((values[:, np.newaxis] - values)[later] / apart[later])
    spread = -float(ndtri(level)) * math.sqrt(max(0.0, _variance(len(values), values, times)))
    low = max(round((len(slopes) - spread) / 2) - 1, 0)
    high = min(round((len(slopes) + spread) / 2), len(slopes) - 1)
    middle = float(np.median(slopes))
    intercept = float(np.median(values)) - middle * float(np.median(times))
    return Slope(middle, float(slopes[low]), float(slopes[high]), intercept)


def mann_kendall_p(values: Floats) -> float:
    """Return the two-sided p-value that values in time order have no trend; 1.0 if all are equal.

    Notes
    -----
    Mann 1945, doi:10.2307/1907187: Kendall's statistic against time. Exact for up to 33 different values, else by the
    normal distribution, with the variance that equal values leave.

    Examples
    --------
    >>> round(mann_kendall_p(np.arange(8.0)), 6)
    5e-05
    """
    n = len(values)
    pairs = n * (n - 1) // 2
    signs = np.sign(values - values[:, np.newaxis])[np.triu_indices(n, 1)]
    balance = abs(int(signs.sum()))
    if balance == 0:
        return 1.0
    if n <= _EXACT and not (signs == 0).any():
        return min(1.0, 2 * float(_inversions(n)[: (pairs - balance) // 2 + 1].sum()))
    return 2 * float(ndtr(-balance / math.sqrt(_variance(n, values))))


def _variance(n: int, *tied: Floats) -> float:
    """Return the variance of Kendall's statistic, less what equal values take away."""
    found = n * (n - 1) * (2 * n + 5)
    for values in tied:
        _, counts = np.unique(values, return_counts=True)
        found -= int((counts * (counts - 1) * (2 * counts + 5)).sum())
    return found / 18


def _inversions(n: int) -> Floats:
    """Return the probability of each number of inversions in an order of n values."""
    found = np.ones(1)
    for size in range(2, n + 1):
        found = np.convolve(found, np.full(size, 1 / size))
    return found
