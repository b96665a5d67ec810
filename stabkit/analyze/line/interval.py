"""Where a new run of a line would lie if nothing changed: a prediction interval about a level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.line.baseline import Level
from stabkit.analyze.line.noise import LineNoise
from stabkit.analyze.statistics import p_worse, t_quantile

__all__ = ["Difference", "extra_variance"]

_FEWER: Final = 0.9  # of the samples that the runs of the line have


@dataclass(frozen=True)
class Difference:
    """A candidate against a level.

    Attributes
    ----------
    change : float
        Candidate less level.
    se : float
        Standard error of that if nothing changed; sampling error is inside it, since the runs of the line have it too.
    df : float
        Its degrees of freedom.
    extra, extra_df : float
        Variance that the candidate has beyond that of the runs of the line, because it has fewer samples.
    """

    change: float
    se: float
    df: float
    extra: float = 0.0
    extra_df: float = math.inf

    @classmethod
    def of(
        cls, candidate: RunValue, level: Level, noise: LineNoise, extra: float = 0.0, leverage: float = 0.0
    ) -> Difference:
        """Return a candidate against a level of its line; ``leverage`` is that of a slope, in variances of a run."""
        se = noise.sd * math.sqrt(1 + 1 / level.count + leverage)
        return cls(candidate.value - level.mean, se, noise.df, extra, candidate.df)

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds of the change, each with one-sided error ``level``."""
        half = t_quantile(level, self.df) * self.se
        if self.extra > 0:
            half = math.hypot(half, t_quantile(level, self.extra_df) * math.sqrt(self.extra))
        return self.change - half, self.change + half

    @property
    def p_worse(self) -> float:
        """The one-sided p-value of "slower"."""
        return p_worse(self.change, self.at)


def extra_variance(candidate: RunValue, runs: Sequence[RunValue], level: Level) -> float:
    """Return the sampling variance that a candidate of fewer samples has beyond that of the runs of the line.

    Examples
    --------
    >>> line = [RunValue(3.0, variance=1e-4, n=1000)] * 5
    >>> level = Level(3.0, 0, 5, True, 1e-4)
    >>> extra_variance(RunValue(3.0, variance=1e-3, n=100), line, level)
    0.0009
    >>> extra_variance(RunValue(3.0, variance=1e-3, n=1000), line, level)
    0.0
    """
    if candidate.n >= _FEWER * float(np.median([run.n for run in runs])):
        return 0.0
    if not (math.isfinite(candidate.variance) and math.isfinite(level.variance)):
        return math.inf
    return max(0.0, candidate.variance - level.variance)
