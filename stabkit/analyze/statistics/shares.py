"""A share of a count: its bounds, and whether one half explains it.

Written out here, tested against scipy.stats and statsmodels: to import those takes longer than to judge a run.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

__all__ = ["clopper_pearson", "fisher_exact", "sign_test", "wilson", "wilson_bounds"]

_Z95: Final = 1.959963984540054


def wilson_bounds(share: Any, n: Any, z: float) -> tuple[Any, Any]:
    """Return Wilson's bounds of a share, within 0 and 1.

    Parameters
    ----------
    share : float or Series
        Hits over ``n``, 0 to 1.
    n : float or Series
        Above 0; an effective number may be fractional.
    z : float
        Upper point of the normal or of Student's t distribution: 1.96 for two-sided 95 %.

    Returns
    -------
    tuple of float or Series
        Low and high; exactly 0 where nothing, exactly 1 where everything is a hit.

    Notes
    -----
    Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(float(bound), 3) for bound in wilson_bounds(15 / 17, 17, 1.959964)]
    [0.657, 0.967]
    """
    shrink = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = abs(z) * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / shrink
    # The share is within its bounds: at none or all, rounding must not leave 1e-19 between them.
    return np.minimum(np.maximum(centre - half, 0.0), share), np.maximum(np.minimum(centre + half, 1.0), share)


def clopper_pearson(hits: int, n: int, level: float) -> tuple[float, float]:
    """Return exact bounds of a share, each with one-sided error ``level``; without trials nothing is known: (0, 1).

    Notes
    -----
    Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> [round(bound, 3) for bound in clopper_pearson(0, 20, 0.025)]
    [0.0, 0.168]
    """
    from scipy.special import betainccinv, betaincinv

    low = float(betaincinv(hits, n - hits + 1, level)) if hits else 0.0
    return low, float(betainccinv(hits + 1, n - hits, level)) if hits < n else 1.0


def sign_test(first: int, second: int) -> float:
    """Return the two-sided exact p-value that two counts come from even chances; 1.0 if both are 0.

    Examples
    --------
    >>> sign_test(5, 5), sign_test(0, 5)
    (1.0, 0.0625)
    """
    n, ways, tail = first + second, 1, 0
    for hits in range(min(first, second) + 1):
        tail += ways
        ways = ways * (n - hits) // (hits + 1)  # exact: the binomial coefficients, each from the one before
    return min(1.0, float(2 * tail / 2**n))


def fisher_exact(first: int, n_first: int, second: int, n_second: int) -> float:
    """Return the one-sided exact p-value that the second share is as much larger by chance; 1.0 if nothing was hit.

    Parameters
    ----------
    first, n_first, second, n_second : int
        Hits among the trials of each.

    Notes
    -----
    Fisher 1935, doi:10.2307/2342435: with all hits given, those of the second are hypergeometric. The tail is summed
    from its first term, each from the one before, in logarithms: counts of millions neither overflow nor take time.

    Examples
    --------
    >>> round(fisher_exact(0, 2000, 6, 2000), 4), round(fisher_exact(0, 2000, 5, 2000), 4), fisher_exact(1, 9, 0, 9)
    (0.0156, 0.0312, 1.0)
    """
    hits, most = first + second, min(first + second, n_second)
    if second <= max(0, hits - n_first):
        return 1.0

    def log_ways(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    start = log_ways(n_second, second) + log_ways(n_first, first) - log_ways(n_first + n_second, hits)
    seen = np.arange(second, most, dtype="float64")
    steps = np.log((hits - seen) / (seen + 1) * (n_second - seen) / (n_first - hits + seen + 1))
    return min(1.0, math.exp(start) * float(np.exp(np.concatenate(([0.0], np.cumsum(steps)))).sum()))


def wilson(hits: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the Wilson 95 % bounds of ``hits / n``, null where n is 0 or null.

    Notes
    -----
    Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> low, high = wilson(pd.Series([15]), pd.Series([17]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.657, 0.967)
    """
    total = n.astype("float64").where(n.astype("float64") > 0)
    share = hits.astype("float64") / total
    return wilson_bounds(share, total, _Z95)
