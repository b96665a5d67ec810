"""Quantiles to look at: how far each is shifted between two sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from stabkit.analyze.statistics import LEVEL, FloatArray, Rounds, read_rounds, t_quantile
from stabkit.errors import UsageError

__all__ = ["quantile_shift", "tail_shares"]

QUANTILES: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)
_BEYOND: Final = 5  # samples beyond a quantile; with fewer a resampled quantile only repeats the extremes
_MIN_BLOCKS: Final = 5
_TAIL_POINTS: Final = 150


def quantile_shift(
    baseline: Any,
    candidate: Any,
    quantiles: Sequence[float] = QUANTILES,
    *,
    paired: bool = True,
    resamples: int = 500,
    seed: int = 1,
) -> pd.DataFrame:
    """Return how far each quantile moved, in ms, with a 95 % band that holds for all of them at once.

    Parameters
    ----------
    baseline, candidate : array-like or DataFrame
        As for ``compare_latency``.
    quantiles : sequence of float
        Each above 0 and below 1.
    paired : bool
        True if equal round numbers were measured next to each other; rounds of one side only are then left out.
    resamples, seed : int
        Of the bootstrap; the same seed gives the same frame.

    Returns
    -------
    DataFrame
        ``quantile, baseline_ms, candidate_ms, difference_ms, low_ms, high_ms``, in the order asked for.
        Bounds are null where fewer than five samples lie beyond the quantile, or there are fewer than five rounds
        (for one round: blocks of time). Without samples on a side: no rows.

    Notes
    -----
    Whole rounds are resampled, of both sides together where they are paired, which keeps what they share. The band is
    the sup-t band of Montiel Olea and Plagborg-Møller (2019, doi:10.1002/jae.2656): each quantile's standard error
    times one critical value, that of the largest deviation among the quantiles drawn. Few rounds know their standard
    errors badly: the critical value is that of Student's t at the level where the normal has it. No bound is nearer
    than half a step of both clocks.

    Where nothing changed, the whole band held 0 in 95.5, 95.6 and 95.2 % of 1500 pairs (10 rounds of 100, run noise
    2 %, paired; correlation of neighbours 0, 0.5 and 0.8); at a correlation of 0.5 in 94.8 % of 750 with 30 rounds of
    100, 95.3 % with 5 of 200, and 94.0 % of single rounds of 1000: ``benchmarks/latency.py``. Intervals of each
    quantile by itself all held 0 in 70 to 76 %.
    """
    if not all(0 < p < 1 for p in quantiles) or resamples < 50:
        raise UsageError("quantiles must lie between 0 and 1, resamples be at least 50.", where="quantile_shift")
    sides = [read_rounds(baseline, where="baseline"), read_rounds(candidate, where="candidate")]
    columns = ["quantile", "baseline_ms", "candidate_ms", "difference_ms", "low_ms", "high_ms"]
    if min(side.n for side in sides) == 0:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in columns})
    common = np.intersect1d(sides[0].labels, sides[1].labels) if paired else np.empty(0)
    if common.size >= 2:
        sides = [side.take(common) for side in sides]
    blocks = [side.blocks() for side in sides]
    rng = np.random.default_rng(seed)
    drawn = [_draws(block.count, resamples, rng) for block in blocks]
    if common.size >= 2:
        drawn[1] = drawn[0]
    p = np.asarray(quantiles, dtype=np.float64)
    point_b, point_c = (_weighted(block, np.ones((1, block.count)), p)[0] for block in blocks)
    difference = point_c - point_b
    moved = _weighted(blocks[1], drawn[1], p) - _weighted(blocks[0], drawn[0], p)
    count = min(block.count for block in blocks)
    bounded = min(side.n for side in sides) * np.minimum(p, 1 - p) >= _BEYOND - 1e-9
    half = np.full(p.size, math.nan)
    if count >= _MIN_BLOCKS and bounded.any():
        half[bounded] = np.maximum(_band(moved[:, bounded], count), sum(side.tick for side in sides) / 2)
    found = (p, point_b, point_c, difference, difference - half, difference + half)
    return pd.DataFrame(dict(zip(columns, found, strict=True)))


def tail_shares(
    baseline: pd.DataFrame,
    candidate: pd.DataFrame,
    *,
    objective_ms: float | None = None,
    named: Sequence[float] = (),
) -> pd.DataFrame:
    """Return how large a share of each side takes a time or longer, as few points as show its curve whole.

    Parameters
    ----------
    baseline, candidate : DataFrame
        With ``response_ms``, ms.
    objective_ms : float, optional
        The next time beyond it is kept exactly.
    named : sequence of float
        Shares that are kept exactly.

    Returns
    -------
    DataFrame
        ``side`` (baseline, candidate), ``response_ms`` ascending, ``share_slower`` (0 to 1).

    Examples
    --------
    >>> side = pd.DataFrame({"response_ms": [3.0, 1.0, 2.0, 4.0]})
    >>> tail_shares(side, side)["share_slower"].tolist()[:4]
    [1.0, 0.75, 0.5, 0.25]
    """
    sides = {"baseline": baseline, "candidate": candidate}
    parts = [_tail(side, name, objective_ms, named) for name, side in sides.items()]
    return pd.concat(parts, ignore_index=True)


def _tail(sample: pd.DataFrame, side: str, objective_ms: float | None, shares: Sequence[float]) -> pd.DataFrame:
    ordered = np.sort(sample["response_ms"].to_numpy(dtype="float64"))
    n = len(ordered)
    # Even steps in log share keep the tail whole and the file small; what a title names is kept exactly.
    exact = [math.ceil(n * (1 - share) - 1e-9) - 1 for share in shares]
    beyond = [] if objective_ms is None else [int(np.searchsorted(ordered, objective_ms, side="right"))]
    steps = n - np.geomspace(1, max(n, 1), _TAIL_POINTS).round().astype(int)
    ranks = np.unique(np.array([rank for rank in (0, *steps, *exact, *beyond) if 0 <= rank < n], dtype=int))
    return pd.DataFrame({"side": side, "response_ms": ordered[ranks], "share_slower": (n - ranks) / n})


def _band(moved: FloatArray, count: int) -> FloatArray:
    """Return the half-width of the band at each quantile, from resampled differences, shape (draws, quantiles)."""
    away = np.abs(moved - moved.mean(axis=0))
    error = moved.std(axis=0)
    largest = np.divide(away, error, out=np.zeros_like(away), where=error > 0).max(axis=1)
    critical = max(float(np.quantile(largest, 1 - 2 * LEVEL)), -float(ndtri(LEVEL)))
    # A resample of R rounds varies by (R - 1) / R of what a new one does.
    half: FloatArray = error * math.sqrt(count / (count - 1)) * t_quantile(float(ndtr(-critical)), count - 1)
    return half


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
