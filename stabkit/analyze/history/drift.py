"""Slow drift: a trend that no step explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from stabkit.analyze.statistics import (
    LEVEL,
    MIN_VALUES,
    Series,
    boundaries,
    fit_levels,
    mann_kendall_p,
    prepare,
    read_values,
    theil_sen,
)
from stabkit.errors import UsageError

__all__ = ["Drift", "detect_drift", "drift_of"]

Floats = NDArray[np.float64]

_BLOCK: Final = 5
_BLOCKS: Final = 8  # below 7 blocks no order of them has a p under 0.001
_LEVEL: Final = 0.001
_KNOTS: Final = 24
_MOST_POINTS: Final = 1000


@dataclass(frozen=True)
class Drift:
    """Whether a history drifts, and how fast.

    Attributes
    ----------
    outcome : str
        ``drifting``: a trend that a line or ramp explains better than steps. ``none``: no such trend was found, which
        is no proof of stability: ``low`` and ``high`` say what remains possible. ``inconclusive``: fewer than 8
        values.
    reason : str
        ``line``, ``ramp``, ``no_trend``, ``steps`` (there is a trend, but steps explain it better), ``too_few_values``.
    slope_per_run : float or None
        Theil-Sen slope over the whole history, in the unit of the values per run.
    low, high : float or None
        Its 95 % bounds, widened for correlated builds.
    share_per_run : float or None
        Slope over the median level; None if a value is not positive.
    p_value : float or None
        Mann-Kendall, two-sided, on medians of up to 5 builds.
    reaches_margin_in : tuple of (int, int or None) or None
        The least and most runs until the value has grown (or shrunk) by the margin from its present level; None for
        the most if the slow bound never gets there. None without a margin or a drift.
    start, end : int or None
        For a ramp, the positions where it begins and ends.
    n : int
        Values that are neither null nor spike.
    """

    outcome: Literal["drifting", "none", "inconclusive"]
    reason: str
    slope_per_run: float | None = None
    low: float | None = None
    high: float | None = None
    share_per_run: float | None = None
    p_value: float | None = None
    reaches_margin_in: tuple[int, int | None] | None = None
    start: int | None = None
    end: int | None = None
    n: int = 0


def detect_drift(values: Sequence[float] | Any, *, margin: float | None = None) -> Drift:
    """Say whether a history drifts, how fast, and when it reaches the margin.

    Parameters
    ----------
    values : sequence of float, shape (n,)
        One value a run in time order; nulls are gaps.
    margin : float, optional
        Allowed relative change, such as 0.05.

    Raises
    ------
    SchemaError
        A value is neither a finite number nor null.
    UsageError
        The margin is not positive.

    Notes
    -----
    Mann-Kendall on block medians fires on most steps too; hence a line (2 parameters) or a ramp (4) must beat the steps
    (1 + 2 a change) on BIC = n ln(RSS/n) + k ln n. Theil-Sen slope: Sen 1968, doi:10.1080/01621459.1968.10480934.

    Examples
    --------
    >>> detect_drift([20 + 0.1 * run + (run % 3) / 10 for run in range(60)]).outcome
    'drifting'
    """
    if margin is not None and not (np.isfinite(margin) and margin > 0):
        raise UsageError(f"The margin must be positive, not {margin}.", where="margin", hint="0.05 is 5 %.")
    series = prepare(read_values(values))
    return drift_of(series, *boundaries(series), margin=margin)


def drift_of(series: Series, places: list[int], r: float, *, margin: float | None = None) -> Drift:
    """Return the drift of a prepared series whose voted boundaries and correlation are known."""
    n = len(series.y)
    if n < MIN_VALUES:
        return Drift("inconclusive", "too_few_values", n=n)
    if series.noise <= 0:
        return Drift("none", "no_trend", 0.0, 0.0, 0.0, share_per_run=0.0, p_value=1.0, n=n)
    slope, low, high = _slope(series, r)
    share = slope / float(np.median(series.kept)) if series.scale == "log" else None
    p_value = _trend_p(series)
    outcome: Literal["drifting", "none"] = "none"
    reason, start, end = "no_trend", None, None
    if p_value < _LEVEL:
        reason, knots = _explain(series, places)
        if reason != "steps":
            outcome = "drifting"
        if knots is not None:
            start, end = (int(series.index[k]) for k in knots)
    found = Drift(outcome, reason, slope, low, high, share, p_value, None, start, end, n)
    if outcome == "none" or margin is None or series.scale != "log":
        return found
    return replace(found, reaches_margin_in=_reaches(series, found, margin))


def _slope(series: Series, r: float) -> tuple[float, float, float]:
    y, t = series.kept, series.index.astype(np.float64)
    if len(y) > _MOST_POINTS:
        # All pairs of a long history would take gigabytes; medians of blocks keep the slope and most of its precision.
        size = -(-len(y) // _MOST_POINTS)
        y, t = (np.median(a[len(a) % size :].reshape(-1, size), axis=1) for a in (y, t))
    found = theil_sen(y, t, level=LEVEL)
    slope = found.slope
    widen = float(np.sqrt((1 + r) / (1 - r)))
    low, high = slope - widen * (slope - found.low), slope + widen * (found.high - slope)
    return slope, low, high


def _trend_p(series: Series) -> float:
    size = max(1, min(_BLOCK, len(series.y) // _BLOCKS))
    blocks = len(series.y) // size
    # The newest builds count; what does not fill a block is left out at the old end.
    medians = np.median(series.y[len(series.y) - blocks * size :].reshape(blocks, size), axis=1)
    return mann_kendall_p(medians)


def _bic(rss: float, parameters: int, n: int, least: float) -> float:
    return n * float(np.log(max(rss / n, least))) + parameters * float(np.log(n))


def _explain(series: Series, places: list[int]) -> tuple[str, tuple[int, int] | None]:
    """Return which of line, ramp and steps has the least BIC, with the knots of a ramp."""
    y, n = series.z, len(series.z)
    # An exact fit would have -inf: rounding sets the least variance that means anything.
    least = 1e-6
    t = series.index.astype(np.float64)
    line = np.polyfit(t, y, 1)
    fits: dict[str, float] = {"line": _bic(float(np.sum((y - np.polyval(line, t)) ** 2)), 2, n, least)}
    ramp_rss, knots = _ramp(y)
    fits["ramp"] = _bic(ramp_rss, 4, n, least)
    steps = [_bic(float(np.sum((y - fit_levels(y, places)) ** 2)), 1 + 2 * len(places), n, least)]
    steps.append(_bic(_one_step(y), 3, n, least))
    fits["steps"] = min(steps)
    best = min(fits, key=lambda name: fits[name])
    return best, knots if best == "ramp" else None


def _ramp(y: Floats) -> tuple[float, tuple[int, int]]:
    """Return the least residual sum of squares of level, straight rise, level, and the two knots."""
    n = len(y)
    grid = np.unique(np.linspace(0, n - 1, min(n, _KNOTS)).round().astype(np.int64))
    first, second = (grid[k] for k in np.triu_indices(len(grid), 1))
    # A rise within fewer than 5 builds is a step, whatever draws it.
    long = second - first >= 5
    first, second = first[long], second[long]
    shape = np.clip((np.arange(n)[None, :] - first[:, None]) / (second - first)[:, None], 0, 1)
    shape = shape - shape.mean(axis=1, keepdims=True)
    centred = y - y.mean()
    gain = (shape @ centred) ** 2 / (shape**2).sum(axis=1)
    best = int(gain.argmax())
    return float(centred @ centred - gain[best]), (int(first[best]), int(second[best]))


def _one_step(y: Floats) -> float:
    n = len(y)
    centred = y - y.mean()
    before = np.cumsum(centred)[:-1]
    size = np.arange(1, n)
    return float(centred @ centred - (before**2 * (1 / size + 1 / (n - size))).max())


def _reaches(series: Series, drift: Drift, margin: float) -> tuple[int, int | None] | None:
    """Count the runs until the present level (median of the last builds) has moved by the margin, by both bounds."""
    if drift.slope_per_run is None or drift.low is None or drift.high is None or drift.slope_per_run == 0:
        return None
    level = float(np.median(series.kept[-_BLOCK:]))
    up = drift.slope_per_run > 0
    way = level * margin if up else level * (1 - 1 / (1 + margin))
    fast, slow = (drift.high, drift.low) if up else (-drift.low, -drift.high)
    least = int(np.ceil(way / fast))
    return least, int(np.ceil(way / slow)) if slow > 0 else None
