"""Quantiles to look at: how far each is shifted between two sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.outcome import outcome_within
from stabkit.analyze.statistics import LEVEL, FloatArray, Rounds, read_rounds, t_quantile
from stabkit.errors import UsageError

__all__ = ["quantile_shift"]

_QUANTILES: Final = (0.05, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 0.95, 0.99)
_BEYOND: Final = 5  # samples beyond a quantile; with fewer a resampled quantile only repeats the extremes
_MIN_BLOCKS: Final = 5


def quantile_shift(
    baseline: Any,
    candidate: Any,
    quantiles: Sequence[float] = _QUANTILES,
    *,
    margin: float = 0.05,
    tail_margin: float = 0.20,
    resamples: int = 500,
    seed: int = 1,
) -> pd.DataFrame:
    """Return how far each quantile moved, in ms, with 95 % intervals that resample whole rounds.

    Parameters
    ----------
    baseline, candidate : array-like or DataFrame
        As for ``compare_latency``.
    quantiles : sequence of float
        Each above 0 and below 1.
    margin, tail_margin : float
        Relative to the baseline's quantile; the tail's from 0.9 upwards.
    resamples, seed : int
        Of the bootstrap; the same seed gives the same frame.

    Returns
    -------
    DataFrame
        ``quantile, baseline_ms, candidate_ms, difference_ms, low_ms, high_ms, outcome``, in the order asked for.
        Intervals are null where fewer than five samples lie beyond the quantile, or there are fewer than five rounds
        (for one round: blocks of time). Without samples on a side: no rows.

    Notes
    -----
    Equal sets of rounds are resampled together, which keeps what they share. The percentile interval is stretched by
    t / 1.96 · √(R / (R - 1)), since it is too short for few rounds. For the eye: not adjusted for many quantiles.
    """
    if not all(0 < p < 1 for p in quantiles) or resamples < 50:
        raise UsageError("quantiles must lie between 0 and 1, resamples be at least 50.", where="quantile_shift")
    sides = read_rounds(baseline, where="baseline"), read_rounds(candidate, where="candidate")
    columns = ["quantile", "baseline_ms", "candidate_ms", "difference_ms", "low_ms", "high_ms", "outcome"]
    if min(side.n for side in sides) == 0:
        return pd.DataFrame({name: pd.Series(dtype="str" if name == "outcome" else "float64") for name in columns})
    together = np.array_equal(sides[0].labels, sides[1].labels) and sides[0].count > 1
    blocks = [side if side.count > 1 else _time_blocks(side) for side in sides]
    rng = np.random.default_rng(seed)
    drawn = [_draws(block.count, resamples, rng) for block in blocks]
    if together:
        drawn[1] = drawn[0]
    p = np.asarray(quantiles, dtype=np.float64)
    point_b, point_c = (_weighted(block, np.ones((1, block.count)), p)[0] for block in blocks)
    difference = point_c - point_b
    moved = _weighted(blocks[1], drawn[1], p) - _weighted(blocks[0], drawn[0], p)
    count = min(block.count for block in blocks)
    stretch = t_quantile(LEVEL, count - 1) / 1.96 * math.sqrt(count / (count - 1)) if count > 1 else math.nan
    low = difference - (difference - np.quantile(moved, LEVEL, axis=0)).clip(min=0) * stretch
    high = difference + (np.quantile(moved, 1 - LEVEL, axis=0) - difference).clip(min=0) * stretch
    few = min(side.n for side in sides) * np.minimum(p, 1 - p) < _BEYOND - 1e-9
    low[few | (count < _MIN_BLOCKS)] = high[few | (count < _MIN_BLOCKS)] = math.nan
    allowed = np.where(p < 0.9, margin, tail_margin) * point_b
    outcomes = [outcome_within(*bounds) for bounds in zip(low, high, allowed, strict=True)]
    return pd.DataFrame(dict(zip(columns, (p, point_b, point_c, difference, low, high, outcomes), strict=True)))


def _time_blocks(side: Rounds) -> Rounds:
    """Cut one round into blocks of time of about 2 n^(1/3) samples, longer than the usual autocorrelation."""
    length = max(1, math.ceil(2 * side.n ** (1 / 3)))
    starts = np.append(np.arange(0, max(1, side.n - length // 2), length), side.n)
    return Rounds(side.values, starts, np.arange(starts.size - 1, dtype=np.float64))


def _draws(count: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(np.float64)


def _weighted(side: Rounds, weights: FloatArray, p: FloatArray) -> FloatArray:
    """Return the quantiles of the samples with each row's weights of rounds, shape (rows, quantiles)."""
    order = np.argsort(side.values, kind="stable")
    ordered, owner = side.values[order], side.round_index()[order]
    found = np.empty((len(weights), p.size))
    for row, weight in enumerate(weights):
        total = np.cumsum(weight[owner])
        found[row] = ordered[np.searchsorted(total, p * total[-1] - 1e-9)]
    return found
