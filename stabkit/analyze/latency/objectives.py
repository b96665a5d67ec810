"""Whether a quantile of response times keeps below a limit, in proven terms."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from stabkit.analyze.facts import NeedReason
from stabkit.analyze.outcome import Estimate, Need, Outcome
from stabkit.analyze.statistics import (
    CONFIDENCE,
    MIN_ROUNDS,
    MIN_SAMPLES,
    QuantileBounds,
    Rounds,
    Share,
    as_ratio,
    level_of,
    more_samples,
    quantile_of,
    quantile_rank,
    read_rounds,
    smallest_level,
    t_quantile,
    wilson_bounds,
)
from stabkit.config import Objective
from stabkit.errors import UsageError

__all__ = ["objective_estimate"]

_FARTHEST: Final = 1e4  # times the present evidence; nearer to its limit a quantile is not worth deciding


def objective_estimate(
    frame: Any,
    objective: Objective | None = None,
    *,
    quantile: float | None = None,
    below_ms: float | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Say whether a quantile is proven below its limit (``stable``), proven above it (``regressed``), or neither.

    Parameters
    ----------
    frame : array-like or DataFrame
        As for ``compare_latency``: one round, or ``round`` and ``response_ms``.
    objective : Objective, optional
        The quantile and its limit; or give both as keywords.
    quantile : float
        Above 0 and below 1.
    below_ms : float
        The limit, ms.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    Estimate
        On the ``difference`` scale, measured from zero: ``candidate`` and ``change`` are the quantile, ``low`` and
        ``high`` its bounds, ``margin`` the limit, all in ms; there is no ``baseline``. The
        headroom is ``margin - high``. ``p_worse`` is the p-value of "above the limit". Fewer than ten samples, or too
        few to decide: ``inconclusive`` with ``need``.

    Notes
    -----
    "The 95th percentile is below the limit" and "fewer than 5 % of the requests are beyond it" are one statement. The
    second is judged: it can be proven with far fewer requests where the limit is far away. Where no request was beyond
    the limit, as many as prove it if they are independent (n with ``p ** n <= 0.025``: 72 for the 95th percentile), and
    rounds are alike enough that a further one would stay below it as a whole, that is proof too.

    Examples
    --------
    >>> import numpy as np
    >>> times = 100 * np.exp(0.1 * np.random.default_rng(1).standard_normal(500))
    >>> objective_estimate(times, quantile=0.95, below_ms=150).outcome
    'stable'
    >>> objective_estimate([126.0], quantile=0.95, below_ms=150).need.reason
    'one_sample'
    """
    p = objective.quantile if objective is not None else quantile
    limit = objective.below_ms if objective is not None else below_ms
    if p is None or limit is None or not (0 < p < 1 and 0 < limit < math.inf):
        raise UsageError(
            f"The objective is quantile {p!r} below {limit!r} ms.",
            where="objective_estimate",
            hint="Give a quantile between 0 and 1 and a limit above 0 ms.",
        )
    side = read_rounds(frame, where="objective")
    known: dict[str, Any] = {
        "name": f"p{100 * p:g}", "unit": "ms", "scale": "difference", "margin": limit, "n_candidate": side.n,
        "rounds": side.count,
    }  # fmt: skip
    if side.n < MIN_SAMPLES:
        need = more_samples(side.n)
        value = float(math.exp(side.ordered[quantile_rank(side.n, p) - 1])) if side.n else None
        return Estimate(outcome="inconclusive", candidate=value, change=value, need=need, **known)
    bounds = quantile_of(side, p)
    over = _share_over(side, math.log(limit), bounds)
    level = level_of(confidence)
    least, most = over.at(level)
    low, high = (as_ratio(bound) for bound in bounds.at(level))
    proven = most < 1 - p or _all_below(side, p, level) < math.log(limit)
    outcome: Outcome = "stable" if proven else "regressed" if least > 1 - p else "inconclusive"
    if outcome == "stable":
        # What proves one limit proves lower ones too: the lowest of them bounds the quantile, also where no rank does.
        high = min(high, limit, math.exp(_lowest_proven(side, p, bounds, level)))
    if outcome == "regressed":
        low = max(low, limit)
    value = math.exp(bounds.estimate)
    return Estimate(
        outcome=outcome,
        candidate=value,
        change=value,
        low=low,
        high=high,
        p_worse=_p_over(over, 1 - p),
        method="share beyond the limit, " + ("long-run variance" if side.count == 1 else "clustered variance"),
        need=_need(over, 1 - p, side, level, bounded=math.isfinite(high)) if outcome == "inconclusive" else None,
        **known,
    )


def _all_below(side: Rounds, p: float, level: float) -> float:
    """Return the log of a limit that a further round stays below as a whole; infinite where too little says so.

    Except with probability ``level``, or the share of requests that may be beyond it, if that is less: then at most
    that share of rounds holds any request beyond. Student's prediction bound on the logs of the rounds' maxima. Rounds
    of a handful of requests are alike although one request in twenty is slow: independent ones must prove it as well.
    """
    if side.count < MIN_ROUNDS or side.n * math.log(p) > math.log(level):
        return math.inf
    maxima = np.maximum.reduceat(side.logs, side.starts[:-1])
    spread = float(maxima.std(ddof=1)) * math.sqrt(1 + 1 / len(maxima))
    bound = float(maxima.mean()) + t_quantile(min(level, 1 - p), len(maxima) - 1) * spread
    return max(float(maxima.max()), bound)


def _lowest_proven(side: Rounds, p: float, bounds: QuantileBounds, level: float) -> float:
    """Return the log of the lowest limit that these samples prove; infinite if they prove none.

    The share beyond a limit changes at the observed times only, and falls with the limit: they are searched by halves.
    """
    times = np.unique(side.ordered)
    first, behind = 0, len(times)
    while first < behind:
        middle = (first + behind) // 2
        if _share_over(side, float(times[middle]), bounds).at(level)[1] < 1 - p:
            behind = middle
        else:
            first = middle + 1
    by_share = float(times[first]) if first < len(times) else math.inf
    return min(by_share, _all_below(side, p, level))


def _share_over(side: Rounds, limit: float, bounds: QuantileBounds) -> Share:
    """Return the share of requests beyond the limit, worth as many independent ones as the variance allows."""
    within = int((side.logs <= limit).sum()) / side.n
    # Requests beyond the limit may come in other clusters than those beyond the quantile: the worse of both counts.
    inflation = max(1.0, bounds.inflation, quantile_of(side, within).inflation if 0 < within < 1 else 1.0)
    return Share(1 - within, side.n / inflation, bounds.df)


def _p_over(over: Share, allowed: float) -> float:
    if over.share <= allowed:
        return 1 - smallest_level(lambda level: over.at(level)[1] < allowed)
    return smallest_level(lambda level: over.at(level)[0] > allowed)


def _need(over: Share, allowed: float, side: Rounds, level: float, *, bounded: bool) -> Need:
    """Return what decides it in four cases of five, if the share beyond the limit is what it seems."""
    reach = t_quantile(level, over.df) + 0.84
    factor = 1.0
    while factor < _FARTHEST:
        factor *= 1.05
        least, most = wilson_bounds(over.share, over.n * factor, reach)
        if not least <= allowed <= most:
            break
    more = math.ceil(side.n * (factor - 1))
    reason: NeedReason = "wide_interval" if bounded else "tail_unbounded"
    if side.count == 1:
        return Need(more, "samples", reason)
    return Need(max(1, math.ceil(more * side.count / side.n)), "rounds", reason)
