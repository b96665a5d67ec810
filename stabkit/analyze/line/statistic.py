"""The statistics of a run that are followed over a line, and how each is taken from its rounds."""

from __future__ import annotations

import math
from typing import Final

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.statistics import (
    LEAST_TAIL,
    LEVEL,
    MEDIAN,
    MIN_SAMPLES,
    SLOWEST,
    Rounds,
    TailMean,
    quantile_of,
    t_quantile,
)

__all__ = ["STATISTICS", "run_value"]

STATISTICS: Final = ("p50", SLOWEST)
"""What is followed, by the names that estimates have; the first takes the margin, the second the tail margin."""


def run_value(side: Rounds, statistic: str) -> RunValue | None:
    """Return one statistic of a run's times, with the sampling variance that its rounds show; None of too few."""
    if side.n < MIN_SAMPLES:
        return None
    if statistic == SLOWEST:
        return _slowest(side)
    found = quantile_of(side, MEDIAN)
    low, high = found.at(LEVEL)
    half = (high - low) / 2 / t_quantile(LEVEL, found.df)
    return RunValue(found.estimate, half * half, found.df, side.n, _step(side, found.estimate))


def _slowest(side: Rounds) -> RunValue | None:
    blocks = side.blocks()
    if blocks.count < 2:
        return None
    found = TailMean(blocks)
    if found.size < LEAST_TAIL:
        return None
    return RunValue(found.estimate, found.variance, blocks.count - 1, side.n, _step(side, found.estimate))


def _step(side: Rounds, log_ms: float) -> float:
    """Return the standard deviation of rounding to the clock's step, relative."""
    return side.tick / math.exp(log_ms) / math.sqrt(12)
