"""The statistics of a run that are followed over a line, and how each is taken from its rounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.statistics import LEVEL, MIN_SAMPLES, Rounds, quantile_of, t_quantile

__all__ = ["STATISTICS", "run_value"]

STATISTICS: Final[Mapping[str, float]] = {"p50": 0.50, "p99": 0.99}
"""What is followed, by the names that estimates have; the first takes the margin, the second the tail margin."""

_FEWEST: Final = {"p50": MIN_SAMPLES, "p99": 100}  # with fewer a 99th percentile is merely the maximum


def run_value(side: Rounds, statistic: str) -> RunValue | None:
    """Return one statistic of a run's times, with the sampling variance that its rounds show; None of too few."""
    if side.n < _FEWEST[statistic]:
        return None
    found = quantile_of(side, STATISTICS[statistic])
    low, high = found.at(LEVEL)
    half = (high - low) / 2 / t_quantile(LEVEL, found.df)
    return RunValue(found.estimate, half * half, found.df, side.n, side.tick / math.exp(found.estimate) / math.sqrt(12))
