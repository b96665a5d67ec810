"""Whether errors and resources stayed the same: shares with exact-minded bounds, levels and growth over rounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.bounds import CONFIDENCE, LEVEL, level_of, smallest_level
from stabkit.analyze.outcome import Estimate, Need, Outcome
from stabkit.analyze.resources import compare_resource
from stabkit.errors import SchemaError, UsageError

__all__ = [
    "compare_failures",
    "compare_rates",
    "compare_resource",
    "count_bursts",
    "errors_in_bursts",
    "rate_interval",
]

_POWER2: Final = ((1.96 + 0.84) / 1.96) ** 2
_OUT_OF_PROPORTION: Final = 10


def rate_interval(failed: float, n: float, *, level: float = 2 * LEVEL) -> tuple[float, float]:
    """Return Wilson's interval of a failure rate, at every count, zero included.

    Parameters
    ----------
    failed, n : int
        Failures among n requests; an effective number may be fractional.
    level : float
        Two-sided error; 0.05 gives 95 %.

    Notes
    -----
    Wilson 1927, doi:10.1080/01621459.1927.10502953. At zero failures its upper bound z² / (n + z²) is a little above
    the exact one of Clopper and Pearson (3.84 against 3.69 in n), so it is kept there too: it is the bound that the
    comparison of two rates is made of. Without requests nothing is known: (0, 1).

    Examples
    --------
    >>> [round(bound, 4) for bound in rate_interval(0, 1000)]
    [0.0, 0.0038]
    >>> rate_interval(0, 0)
    (0.0, 1.0)
    """
    from statsmodels.stats.proportion import proportion_confint

    _check_counts(failed, n, "rate_interval")
    if n == 0:
        return 0.0, 1.0
    low, high = proportion_confint(failed, n, alpha=level, method="wilson")
    # At none or all failed the closed bound is exact; rounding must not leave 1e-19 there.
    return (0.0 if failed == 0 else float(low)), (1.0 if failed == n else float(high))


def compare_rates(
    failed_baseline: float,
    n_baseline: float,
    failed_candidate: float,
    n_candidate: float,
    *,
    margin: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Say whether the failure rate stayed within an absolute margin.

    Parameters
    ----------
    failed_baseline, n_baseline, failed_candidate, n_candidate : int
        Failures among requests of each side.
    margin : float
        Absolute: 0.005 allows half a percentage point more failures.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    Estimate
        On the ``difference`` scale, unit ``share``. Without requests on a side: ``inconclusive``.

    Notes
    -----
    Newcombe's hybrid score interval (method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I):
    safe where neither side failed at all.

    Examples
    --------
    >>> compare_rates(0, 765, 0, 765, margin=0.005).outcome, compare_rates(0, 600, 0, 600, margin=0.005).outcome
    ('stable', 'inconclusive')
    >>> compare_rates(0, 1000, 30, 1000, margin=0.005).outcome
    'regressed'
    """
    _check_counts(failed_baseline, n_baseline, "baseline")
    _check_counts(failed_candidate, n_candidate, "candidate")
    if not 0 < margin < 1:
        raise UsageError(
            f"margin is {margin!r}.", where="compare_rates", hint="Give a share between 0 and 1, such as 0.005."
        )
    shared: dict[str, Any] = {
        "name": "error rate", "unit": "share", "scale": "difference", "margin": margin,
        "n_baseline": int(n_baseline), "n_candidate": int(n_candidate),
    }  # fmt: skip
    if min(n_baseline, n_candidate) == 0:
        need = Need(_proving(margin), "samples", "missing", "no requests")
        return Estimate(outcome="inconclusive", need=need, **shared)
    b, c = failed_baseline / n_baseline, failed_candidate / n_candidate

    def bounds(level: float) -> tuple[float, float]:
        return _newcombe((failed_baseline, n_baseline), (failed_candidate, n_candidate), level)

    low, high = bounds(level_of(confidence))
    outcome = _outcome(low, high, margin)
    n = min(n_baseline, n_candidate)
    need = _need(c - b, low, high, n, margin, none=failed_baseline + failed_candidate == 0)
    return Estimate(
        outcome=outcome,
        baseline=b,
        candidate=c,
        change=c - b,
        low=low,
        high=high,
        p_worse=_p_worse(c - b, bounds),
        beyond_margin=low > margin,
        method="Newcombe, Wilson bounds",
        flags=("worse_within_margin",) if outcome == "stable" and low > 0 else (),
        need=need if outcome == "inconclusive" else None,
        **shared,
    )


def _newcombe(baseline: tuple[float, float], candidate: tuple[float, float], level: float) -> tuple[float, float]:
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(*candidate, *baseline, method="newcomb", compare="diff", alpha=2 * level)
    return float(low), float(high)


def _p_worse(change: float, bounds: Callable[[float], tuple[float, float]]) -> float:
    if change == 0:
        return 0.5
    if change > 0:
        return smallest_level(lambda level: bounds(level)[0] > 0)
    return 1 - smallest_level(lambda level: bounds(level)[1] < 0)


def _outcome(low: float, high: float, margin: float) -> Outcome:
    if high < 0 and low <= -margin:
        return "improved"
    if high < margin:
        return "stable"
    return "regressed" if low > 0 else "inconclusive"


def _proving(margin: float) -> int:
    """Return the requests a side that prove the margin if none fails."""
    return math.floor(3.8415 * (1 / margin - 1)) + 1


def _need(change: float, low: float, high: float, n: float, margin: float, *, none: bool) -> Need:
    total: float = n * ((high - change) / margin) ** 2 * _POWER2
    if none:
        total = _proving(margin)
    if total <= n:
        total = max(n + 1, n * ((high - low) / margin) ** 2)
    more = math.ceil(total - n)
    if total > _OUT_OF_PROPORTION * n:
        return Need(more, "samples", "smallest_margin", None, max(high, (high - change) * math.sqrt(_POWER2)))
    return Need(more, "samples", "wide_interval")


def _check_counts(failed: float, n: float, where: str) -> None:
    if not (math.isfinite(failed) and math.isfinite(n) and 0 <= failed <= n):
        raise SchemaError(
            f"{failed} failures among {n} requests are no counts.",
            where=where,
            hint="Failures lie between 0 and the number of requests.",
        )


def _failures(ok: Any, where: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    series = pd.Series(ok, dtype=object)
    if series.isna().any() or not series.map(lambda value: isinstance(value, (bool, np.bool_))).all():
        raise SchemaError("ok holds a value that is neither true nor false.", where=where, hint="Give booleans.")
    failed: np.ndarray[Any, np.dtype[np.bool_]] = np.logical_not(series.to_numpy(dtype=np.bool_))
    return failed


def _burst_sizes(failed: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.intp]]:
    edges = np.diff(np.concatenate([[False], failed, [False]]).astype(np.int8))
    return np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)


def count_bursts(ok: Any) -> int:
    """Return how many runs of consecutive failures a series of successes and failures holds, in time order.

    Examples
    --------
    >>> count_bursts([True, False, False, True, False]), count_bursts([])
    (2, 0)
    """
    return int(_burst_sizes(_failures(ok, "count_bursts")).size)


def errors_in_bursts(ok: Any, *, level: float = 0.001) -> bool:
    """Return whether failures follow each other more closely than independent ones would.

    Notes
    -----
    Given f failures among n, the number of runs of failures of an independent series is hypergeometric (Wald and
    Wolfowitz 1940, doi:10.1214/aoms/1177731909); so few of them must have a probability of at most ``level``.

    Examples
    --------
    >>> errors_in_bursts([True] * 200 + [False] * 8 + [True] * 200)
    True
    """
    from scipy.stats import hypergeom

    failed = _failures(ok, "errors_in_bursts")
    n, f = failed.size, int(failed.sum())
    if f < 2 or f == n:
        return False
    return bool(hypergeom.cdf(_burst_sizes(failed).size, n, n - f + 1, f) <= level)


def compare_failures(baseline_ok: Any, candidate_ok: Any, *, margin: float, confidence: float = CONFIDENCE) -> Estimate:
    """Say whether the failure rate stayed within an absolute margin, counting bursts where errors come in bursts.

    Parameters
    ----------
    baseline_ok, candidate_ok : array-like of bool, shape (n,)
        In time order, true for a good request. Nulls are an error.
    margin, confidence : float
        As for :func:`compare_rates`.

    Notes
    -----
    A burst is one incident, not many independent failures. If either side shows bursts, counts and totals of both are
    divided by the mean burst size weighted by failures (Σ size² / Σ size): equal bursts are then counted as one each,
    while the rate stays what it is. Flag ``bursts``.
    """
    failed = [_failures(baseline_ok, "baseline"), _failures(candidate_ok, "candidate")]
    bursts = any(errors_in_bursts(~side) for side in failed)
    sizes = np.concatenate([_burst_sizes(side) for side in failed]).astype(np.float64)
    weight = float((sizes @ sizes) / sizes.sum()) if bursts else 1.0
    counts = [float(value) / weight for side in failed for value in (side.sum(), side.size)]
    estimate = compare_rates(counts[0], counts[1], counts[2], counts[3], margin=margin, confidence=confidence)
    if not bursts:
        return estimate
    from dataclasses import replace

    need = estimate.need
    if need is not None and need.amount is not None:
        need = replace(need, amount=math.ceil(need.amount * weight))
    return replace(
        estimate,
        n_baseline=failed[0].size,
        n_candidate=failed[1].size,
        method=f"{estimate.method}, bursts of {weight:.3g} counted as one",
        flags=(*estimate.flags, "bursts"),
        need=need,
    )
