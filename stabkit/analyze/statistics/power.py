"""How much more evidence would decide a comparison: samples, rounds, or the margin that is within reach."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from stabkit.analyze.facts import Need, NeedReason
from stabkit.analyze.statistics.bounds import (
    LEVEL,
    Contrast,
    QuantileBounds,
    QuantileContrast,
    as_ratio,
    bandwidth,
    t_quantile,
    t_quantiles,
)

__all__ = [
    "MIN_ROUNDS",
    "MIN_SAMPLES",
    "OUT_OF_PROPORTION",
    "START",
    "bounded_from",
    "more_samples",
    "need_for",
    "with_power",
]

MIN_SAMPLES: Final = 10
MIN_ROUNDS: Final = 5
START: Final = (30, 100)
"""Rounds, and samples in each, that decide a usual service within 5 %: what to collect where nothing is known."""

OUT_OF_PROPORTION: Final = 10
"""Times what is there; beyond it the smallest margin within reach is named instead of a number to collect."""

_RESERVE: Final = 1.2
"""Of samples beyond the square-root law: followed once, that decided 78-80 % of medians, this 85 % (simulated)."""


def need_for(contrast: Contrast, *, n: int, rounds: int, by_rounds: bool, g: float, level: float = LEVEL) -> Need:
    """Return what would decide an open comparison.

    Parameters
    ----------
    contrast : Contrast
        The comparison as it stands.
    n, rounds : int
        Present samples and rounds, of the smaller side.
    by_rounds : bool
        True if rounds are what narrows the interval, else samples.
    g : float
        ln(1 + margin).
    level : float
        One-sided error of the bounds that decide.

    Notes
    -----
    Planned for 80 % power, for ``stable`` if nothing changed as for ``regressed`` at 1 + margin. Where that much is
    there already and chance left it open, planned for an interval narrower than the margin, which cannot hold both 1
    and 1 + margin. Beyond ten times what is there, the smallest margin that the present evidence decides is named.
    """
    have = rounds if by_rounds else n
    low, high = contrast.at(level)
    delta = contrast.candidate - contrast.baseline
    if not (math.isfinite(high) and math.isfinite(low)):
        samples = _samples_until_bounded(contrast, n, level)
        more = math.ceil(samples / max(1.0, n / rounds)) - rounds if by_rounds else samples - n
        return Need(max(1, more), "rounds" if by_rounds else "samples", "tail_unbounded")
    wide = high - delta
    power = with_power(level)
    reachable = max(as_ratio(power * wide) - 1, as_ratio(high) - 1)
    goal = (g / power) ** 2 - contrast.fixed**2
    if goal <= 0:
        return Need(None, "rounds", "smallest_margin", "noise_alone", decidable_margin=reachable)
    variable = max(wide**2 - contrast.fixed**2, 0.0)
    total = (
        _rounds(contrast, have, variable, g, goal=goal, level=level)
        if by_rounds
        else math.ceil(_RESERVE * have * variable / goal)
    )
    if total <= have:
        total = max(have + 1, math.ceil(have * ((high - low) / g) ** 2))
    if total > OUT_OF_PROPORTION * have:
        return Need(total - have, "rounds" if by_rounds else "samples", "smallest_margin", decidable_margin=reachable)
    return Need(total - have, "rounds" if by_rounds else "samples", "wide_interval")


def more_samples(have: int) -> Need:
    """Return what to collect where there are too few samples for any bound.

    Examples
    --------
    >>> more_samples(1).reason, more_samples(9).amount
    ('one_sample', 30)
    """
    rounds, each = START
    reason: NeedReason = "missing" if have == 0 else "one_sample" if have == 1 else "too_few_samples"
    return Need(rounds, "rounds", reason, "round_size", numbers=(("samples", each),))


def with_power(level: float = LEVEL) -> float:
    """Return how many half-widths of an interval a margin must be for it to decide in four cases of five.

    Parameters
    ----------
    level : float
        One-sided error of each of its bounds.

    Examples
    --------
    >>> round(with_power(), 3)
    1.429
    """
    return 1 + 0.84 / t_quantile(level, math.inf)


def _rounds(contrast: Contrast, have: int, variable: float, g: float, *, goal: float, level: float) -> int:
    if isinstance(contrast, QuantileContrast) or contrast.fixed > 0:
        return max(MIN_ROUNDS, math.ceil(have * variable / goal))
    sd = math.sqrt(variable * have) / t_quantile(level, have - 1)
    # Student's t rewards further rounds twice while there are few, so the smallest sufficient count is searched.
    counts = np.arange(MIN_ROUNDS, MIN_ROUNDS + 20 * have + 20)
    df = (counts - 1).astype(np.float64)
    half = (t_quantiles(level, df) + t_quantiles(0.20, df)) * sd / np.sqrt(counts)
    enough = np.flatnonzero(half <= g)
    return int(counts[enough[0]]) if enough.size else math.ceil(have * variable / goal)


def _samples_until_bounded(contrast: Contrast, n: int, level: float) -> int:
    """Return the samples a side from which both quantiles have bounds on both sides."""
    assert isinstance(contrast, QuantileContrast)
    return max(bounded_from(side, n, level) for side in contrast.sides)


def bounded_from(side: QuantileBounds, n: int, level: float = LEVEL) -> int:
    """Return how many samples a quantile like this needs until it has an upper and a lower bound."""
    p, inflation = side.p, side.inflation
    r = max(0.0, (inflation - 1) / (inflation + 1))  # of the AR(1) with this inflation
    serial = side.df != round(side.df) or side.df > n
    count = max(n, MIN_SAMPLES)
    for _ in range(200):
        df = 1.5 * count / bandwidth(count, min(0.97, r)) if serial else side.df * count / n
        half = t_quantile(level, df) * math.sqrt(count * p * (1 - p) * inflation)
        if count * min(p, 1 - p) >= half + 1:
            return count
        count = math.ceil(count * 1.05) + 1
    return count
