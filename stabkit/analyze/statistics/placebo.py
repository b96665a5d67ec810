"""A change between two windows of one series, measured by what the same two windows do where nothing changed.

What a service's figures do within an hour, and from one hour to the next, is no independent noise: they wander, rise
with the traffic of the morning, and burst. Days without a change show all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from stabkit.analyze.statistics.bounds import LEVEL, t_quantile
from stabkit.analyze.statistics.rounds import FloatArray

__all__ = ["COSINES", "LEAST_PLACEBOS", "LEAST_VALUES", "MOST_PLACEBOS", "PlaceboContrast", "cosine_variance"]

COSINES: Final = 8
"""Projections that the variance of a window's mean rests on: its degrees of freedom."""

LEAST_VALUES: Final = 2 * COSINES
"""Values of a window below which its cosines tell nothing of slow movements."""

LEAST_PLACEBOS: Final = 3
"""Days below which their spread is no measure of anything."""

MOST_PLACEBOS: Final = 28
"""Days beyond which a service is another one."""

_POWER: Final = 0.20  # what is needed is planned to decide in four of five cases


def cosine_variance(values: FloatArray) -> float:
    """Return the variance of the mean of a series whose values are correlated and change their spread.

    Notes
    -----
    The mean square of the projections on eight cosines, each of which is orthogonal to a constant; it has eight degrees
    of freedom whatever the correlation at short range (Müller 2007, doi:10.1016/j.jeconom.2007.01.019; Lazarus, Lewis,
    Stock and Watson 2018, doi:10.1080/07350015.2018.1506926).

    Examples
    --------
    >>> white = np.random.default_rng(1).normal(0, 3, 400)
    >>> 0.2 < cosine_variance(white) / (9 / 400) < 3
    True
    """
    n = values.size
    times = (np.arange(n) + 0.5) / n
    basis = np.sqrt(2 / n) * np.cos(np.pi * np.outer(np.arange(1, COSINES + 1), times))
    return float(((basis @ values) ** 2).mean()) / n


@dataclass(frozen=True, eq=False)
class PlaceboContrast:
    """What a change did to the mean of a series, beyond what the windows do by themselves.

    Attributes
    ----------
    before, after : array of float
        The values of the two windows, in order of time.
    placebos : sequence of pairs of array
        The same two windows on other days.

    Notes
    -----
    The effect is the difference of the two means less the mean of that difference over the placebo days; its half-width
    is the greater of two: Student's t of the spread of those days (a prediction of one more), and Welch's with the
    long-run variance of each window. The first knows what differs from day to day, the second what a burst of this very
    day hides. Below three days only the second is there.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> day = lambda shift: (rng.normal(0, 1, 60), rng.normal(shift, 1, 60))
    >>> found = PlaceboContrast(*day(2), [day(0.5) for _ in range(7)])
    >>> low, high = found.at(0.025)
    >>> low < 1.5 < high, found.p_worse < 0.025
    (True, True)
    """

    before: FloatArray
    after: FloatArray
    placebos: Sequence[tuple[FloatArray, FloatArray]]

    @property
    def days(self) -> int:
        """How many placebo days there are."""
        return len(self.placebos)

    @cached_property
    def differences(self) -> FloatArray:
        """The difference of means of each placebo day."""
        return np.array([after.mean() - before.mean() for before, after in self.placebos])

    @cached_property
    def effect(self) -> float:
        """What the change did."""
        own = float(self.after.mean() - self.before.mean())
        return own - float(self.differences.mean()) if self.days else own

    @cached_property
    def spread(self) -> float | None:
        """The standard deviation of the placebo days; None where there are too few."""
        return float(self.differences.std(ddof=1)) if self.days >= LEAST_PLACEBOS else None

    @cached_property
    def _parts(self) -> tuple[tuple[float, float], ...]:
        """Standard error and degrees of freedom of each half-width."""
        own = [cosine_variance(self.before), cosine_variance(self.after)]
        others = [cosine_variance(values) / self.days**2 for pair in self.placebos for values in pair]
        variance = sum([*own, *others])
        squares = sum(v**2 for v in (*own, *others)) / COSINES
        found = [(math.sqrt(variance), variance**2 / squares if squares > 0 else float(COSINES))]
        if self.spread is not None:
            found.append((self.spread * math.sqrt(1 + 1 / self.days), self.days - 1))
        return tuple(found)

    @property
    def by_days(self) -> bool:
        """True if the placebo days, and not the windows themselves, make the interval as wide as it is."""
        return len(self._parts) > 1 and self._widths(LEVEL)[1] >= self._widths(LEVEL)[0]

    def _widths(self, level: float) -> list[float]:
        return [t_quantile(level, df) * error for error, df in self._parts]

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds, each with one-sided error ``level``."""
        half = max(self._widths(level))
        return self.effect - half, self.effect + half

    @property
    def p_worse(self) -> float:
        """The smallest level at which the lower bound leaves zero."""
        from scipy.special import stdtr

        return max(float(stdtr(df, -self.effect / error)) if error > 0 else 0.5 for error, df in self._parts)

    def days_needed(self, g: float, level: float = LEVEL) -> int | None:
        """Return how many placebo days decide a margin ``g`` in four of five cases; None if at most 28 do not.

        Below three days their spread is not known, and what the windows tell by themselves stands for it.
        """
        error, df = self._parts[0]
        if (t_quantile(level, df) + t_quantile(_POWER, df)) * error > g:
            return None
        spread = self.spread if self.spread is not None else error
        for days in range(max(self.days + 1, LEAST_PLACEBOS), MOST_PLACEBOS + 1):
            factor = t_quantile(level, days - 1) + t_quantile(_POWER, days - 1)
            if factor * spread * math.sqrt(1 + 1 / days) <= g:
                return days
        return None

    def reachable(self, level: float = LEVEL) -> float:
        """Return the smallest margin, as a difference, that evidence of this size decides in four of five cases."""
        widths = [(t_quantile(level, df) + t_quantile(_POWER, df)) * error for error, df in self._parts]
        return max(*widths, self.at(level)[1]) if len(widths) > 1 else max(widths[0], self.at(level)[1])
