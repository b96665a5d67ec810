"""How much unchanged runs of one line differ: the noise that no interval within a run holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.history import detect_changes
from stabkit.analyze.statistics import FloatArray

__all__ = ["LineNoise", "line_noise"]

_LATELY: Final = 8  # runs
_GREW: Final = 0.01  # level of the test that noise grew


@dataclass(frozen=True)
class LineNoise:
    """How much unchanged runs differ.

    Attributes
    ----------
    sd : float
        Standard deviation of one run about the level of its segment.
    df : int
        Its degrees of freedom: runs less segments.
    starts : tuple of int
        Where each segment begins, ascending; the first is 0.
    grew : bool
        True if the last eight runs vary more than those before them, at a level of 1 %.
    """

    sd: float
    df: int
    starts: tuple[int, ...]
    grew: bool = False


def line_noise(runs: Sequence[RunValue]) -> LineNoise | None:
    """Return how much unchanged runs of a line differ; None where too few are left to say.

    Parameters
    ----------
    runs : sequence of RunValue
        Oldest first.

    Notes
    -----
    The runs are parted where their level changed (:func:`.detect_changes`; below eight runs nowhere) and where a level
    was accepted; the squares within the parts are pooled. From nine runs on the last eight may raise the estimate, and
    never lower it: noise that grew must not be called small for the quiet years before. A robust scale would be wrong
    here: runs far off are what the next run may be too.

    Examples
    --------
    >>> found = line_noise([RunValue(x) for x in (3.00, 3.02, 2.99, 3.01)])
    >>> round(found.sd, 4), found.df
    (0.0129, 3)
    """
    values = np.array([run.value for run in runs], dtype=np.float64)
    starts = _starts(values, runs)
    df = len(values) - len(starts)
    if df < 1:
        return None
    edges = (*starts, len(values))
    rest = np.concatenate([values[a:b] - values[a:b].mean() for a, b in pairwise(edges)])
    variance = float(rest @ rest) / df
    floor = max(run.floor for run in runs)
    if len(values) > _LATELY:
        variance = max(variance, float(rest[-_LATELY:].var(ddof=1)))
    return LineNoise(max(math.sqrt(variance), floor), df, starts, _grew(rest, df))


def _starts(values: FloatArray, runs: Sequence[RunValue]) -> tuple[int, ...]:
    # Changes are sought on the scale of times, where they are those that a trend shows.
    changes = detect_changes(np.exp(values - values.mean())) if len(values) else []
    accepted = (place for place, run in enumerate(runs) if run.accepted)
    return tuple(sorted({0, *(change.index for change in changes), *accepted}))


def _grew(rest: FloatArray, df: int) -> bool:
    before = df - _LATELY
    earlier, lately = (float(part @ part) for part in (rest[:-_LATELY], rest[-_LATELY:]))
    if before < _LATELY // 2 or earlier <= 0:
        return False
    from scipy.special import fdtrc

    return bool(fdtrc(_LATELY, before, lately / _LATELY / (earlier / before)) < _GREW)
