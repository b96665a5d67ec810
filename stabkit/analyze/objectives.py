"""Whether a quantile of response times keeps below a limit, in proven terms."""

from __future__ import annotations

import math
from typing import Any

from stabkit.analyze.bounds import CONFIDENCE, QuantileBounds, as_ratio, clustered_quantile, level_of, serial_quantile
from stabkit.analyze.needs import MIN_SAMPLES, START
from stabkit.analyze.outcome import Estimate, Need, Outcome
from stabkit.analyze.rounds import quantile_rank, read_rounds
from stabkit.config import Objective
from stabkit.errors import UsageError

__all__ = ["objective_estimate"]


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
        few for a bound: ``inconclusive`` with ``need``.

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
        reason = {0: "missing", 1: "one_sample"}.get(side.n, "too_few_samples")
        need = Need(START[0], "rounds", reason, f"{START[1]} samples a round")
        value = float(math.exp(side.ordered[quantile_rank(side.n, p) - 1])) if side.n else None
        return Estimate(outcome="inconclusive", candidate=value, change=value, need=need, **known)
    bounds = (serial_quantile if side.count == 1 else clustered_quantile)(side, p, tick=side.tick)
    level = level_of(confidence)
    low, high = bounds.at(level)
    outcome: Outcome = "stable" if high < math.log(limit) else "regressed" if low > math.log(limit) else "inconclusive"
    value = math.exp(bounds.estimate)
    return Estimate(
        outcome=outcome,
        candidate=value,
        change=value,
        low=as_ratio(low),
        high=as_ratio(high),
        p_worse=_p_above(bounds, math.log(limit)),
        method="order statistics, " + ("long-run variance" if side.count == 1 else "clustered variance"),
        need=_need(bounds, math.log(limit), side.count, level) if outcome == "inconclusive" else None,
        **known,
    )


def _p_above(bounds: QuantileBounds, limit: float) -> float:
    from stabkit.analyze.bounds import smallest_level

    if bounds.estimate <= limit:
        return 1 - smallest_level(lambda level: bounds.at(level)[1] < limit)
    return smallest_level(lambda level: bounds.at(level)[0] > limit)


def _need(bounds: QuantileBounds, limit: float, rounds: int, level: float) -> Need:
    from stabkit.analyze.needs import bounded_from

    low, high = bounds.at(level)
    below = bounds.estimate < limit
    wide = (high - bounds.estimate) if below else (bounds.estimate - low)
    if not math.isfinite(wide):
        total, reason = bounded_from(bounds, bounds.n, level), "tail_unbounded"
    else:
        room = max(abs(limit - bounds.estimate), 1e-3)  # nearer than 0.1 % no number of samples is worth it
        total, reason = math.ceil(bounds.n * 2.04 * (wide / room) ** 2), "wide_interval"
    more = max(1, total - bounds.n)
    if rounds == 1:
        return Need(more, "samples", reason)
    return Need(max(1, math.ceil(more * rounds / bounds.n)), "rounds", reason)
