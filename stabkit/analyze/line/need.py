"""How many more runs of a line would decide, or which margin is within its reach."""

from __future__ import annotations

import math
from typing import Final

from stabkit.analyze.facts import Need
from stabkit.analyze.line.baseline import MOST_RUNS, Level
from stabkit.analyze.line.noise import LineNoise
from stabkit.analyze.statistics import LEVEL, as_ratio, t_quantile

__all__ = ["line_need"]

_POWER: Final = 0.80
_FURTHEST: Final = 50  # runs; nobody waits for more, and the intervals hardly narrow after ten


def line_need(noise: LineNoise, level: Level, margin: float, *, error: float = LEVEL) -> Need:
    """Return the need of an open comparison of a line.

    Parameters
    ----------
    margin : float
        On the scale of the values: ln(1 + margin).
    error : float
        One-sided, of the bounds that decide.

    Notes
    -----
    The smallest number of further runs whose interval would lie inside the margin in four cases of five if nothing
    changed. No number of runs makes a run vary less: where none is enough, the margin that is within reach is named.

    Examples
    --------
    >>> level = Level(3.0, 0, 3, True, 0.0)
    >>> line_need(LineNoise(0.03, 2, (0,)), level, math.log1p(0.10)).amount
    12
    >>> found = line_need(LineNoise(0.10, 20, (0,)), level, math.log1p(0.10))
    >>> found.amount, round(found.decidable_margin, 2)
    (None, 0.35)
    """
    for more in range(1, _FURTHEST + 1):
        if _reach(noise, level, more, error) <= margin:
            return Need(more, "runs", "short_line")
    reach = _reach(noise, level, _FURTHEST, error)
    return Need(None, "rounds", "smallest_margin", "line_noise", decidable_margin=as_ratio(reach) - 1)


def _reach(noise: LineNoise, level: Level, more: int, error: float) -> float:
    df = noise.df + more
    width = t_quantile(error, df) + t_quantile(1 - _POWER, df)
    return width * noise.sd * math.sqrt(1 + 1 / min(MOST_RUNS, level.count + more))
