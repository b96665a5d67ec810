"""The levels that a candidate is judged against: of the newest runs alike, and of those when the line began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.line.noise import LineNoise
from stabkit.analyze.statistics import t_quantile

__all__ = ["MOST_RUNS", "Level", "accepted_level", "recent_level"]

MOST_RUNS: Final = 10
"""Of a level: more would narrow no interval by as much as a level that wanders would bias it."""

_UNSETTLED: Final = 2  # runs
_ALIKE: Final = 0.10  # one-sided level of the bound within which the next run back still belongs to the level


@dataclass(frozen=True)
class Level:
    """The mean of some neighbouring runs of a line.

    Attributes
    ----------
    mean : float
    first, count : int
        Place of its first run in the line, and how many they are.
    settled : bool
        False if they are but one or two, because the run before them, of the same segment, lies too far off.
    variance : float
        Mean of the sampling variances of its runs.
    """

    mean: float
    first: int
    count: int
    settled: bool
    variance: float


def recent_level(runs: Sequence[RunValue], noise: LineNoise) -> Level:
    """Return the level of the newest runs: from the last one back, as long as they are alike.

    Examples
    --------
    >>> level = recent_level([RunValue(x) for x in (3.0, 3.3, 3.01, 2.99)], LineNoise(0.01, 3, (0,)))
    >>> level.mean, level.first, level.count, level.settled
    (3.0, 2, 2, False)
    """
    begin = max(noise.starts[-1], len(runs) - MOST_RUNS)
    values = [run.value for run in runs]
    width = t_quantile(_ALIKE, noise.df) * noise.sd
    first = len(runs) - 1
    while first > begin:
        taken = values[first:]
        if abs(values[first - 1] - math.fsum(taken) / len(taken)) > width * math.sqrt(1 + 1 / len(taken)):
            return _level(runs, first, len(runs), settled=len(taken) > _UNSETTLED)
        first -= 1
    return _level(runs, first, len(runs))


def accepted_level(runs: Sequence[RunValue]) -> Level:
    """Return the level that was accepted: of the first ten runs of the line, or from the last accepted one on.

    It does not move with the line: ten steps of half a percent are five percent against it, and none against a level
    that follows them.

    Examples
    --------
    >>> runs = [RunValue(3.0), RunValue(3.0), RunValue(3.2, accepted=True), RunValue(3.2)]
    >>> accepted_level(runs).first, accepted_level(runs[:2]).mean
    (2, 3.0)
    """
    begin = max((place for place, run in enumerate(runs) if run.accepted), default=0)
    return _level(runs, begin, min(begin + MOST_RUNS, len(runs)))


def _level(runs: Sequence[RunValue], first: int, end: int, *, settled: bool = True) -> Level:
    taken = runs[first:end]
    variance = float(np.mean([run.variance for run in taken]))
    return Level(math.fsum(run.value for run in taken) / len(taken), first, len(taken), settled, variance)
