"""What the machine took for a fixed piece of work in each run: what of a slower run is the machine's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.line.noise import LineNoise, line_noise
from stabkit.analyze.statistics import FloatArray, t_quantile

__all__ = ["FEWEST_CALIBRATED", "Calibration", "calibration_of"]

FEWEST_CALIBRATED: Final = 12
"""Runs with a calibration, below which a slope is no more than a guess."""

_LEAST_DF: Final = 3  # of the noise, of which the slope takes one

_SURE: Final = 0.01  # one-sided level at which values have to follow the calibration
_TOO_MUCH: Final = 2.0  # times the calibration: no machine slows a service by more than it slows plain work


@dataclass(frozen=True)
class Calibration:
    """How the values of a line follow the calibration of its runs.

    Attributes
    ----------
    slope : float
        Change of a value for a change of the calibration, both logarithms.
    center : float
        Calibration to which all values are brought: the mean of the runs.
    spread : float
        Sum of squares of the calibrations about the mean of their segment.
    noise : LineNoise
        Of the values once they are brought there; the slope takes one degree of freedom.
    """

    slope: float
    center: float
    spread: float
    noise: LineNoise

    def brought(self, run: RunValue) -> RunValue:
        """Return a run as it would be at the center."""
        return _at(run, self.slope, self.center)

    def leverage(self, candidate: RunValue, level_runs: Sequence[RunValue]) -> float:
        """Return what the slope's own error adds to a difference, in variances of one run."""
        if candidate.calibration is None:
            return math.inf
        apart = candidate.calibration - float(_calibrations(level_runs).mean())
        return apart * apart / self.spread


def calibration_of(runs: Sequence[RunValue]) -> Calibration | None:
    """Return how the values of a line follow their calibration; None where they do not, or it is not known.

    Notes
    -----
    Analysis of covariance (Cochran 1957, Biometrics 13:261-281, doi:10.2307/2527916): one slope within all segments of
    the line. Where the segments lie is not known before the slope is, for a machine that became slower looks like a
    step: the slope of the differences of neighbours tells it well enough, as a step of the service falls into one
    difference alone. Who follows nothing at a level of 1 % is not adjusted: it would only cost.

    Examples
    --------
    >>> pace = (0.0, 0.03, -0.02, 0.01, 0.05, -0.03, 0.02, -0.01, 0.04, 0.0, -0.04, 0.03)
    >>> runs = [RunValue(3.0 + x + 0.002 * (-1) ** i, calibration=x) for i, x in enumerate(pace)]
    >>> found = calibration_of(runs)
    >>> round(found.slope, 1), found.noise.sd < line_noise(runs).sd / 5
    (1.0, True)
    >>> calibration_of(runs[:8]) is None, calibration_of([RunValue(3.0), *runs[1:]]) is None
    (True, True)
    """
    if len(runs) < FEWEST_CALIBRATED or any(run.calibration is None for run in runs):
        return None
    values, paces = np.array([run.value for run in runs]), _calibrations(runs)
    rough = _slope(np.diff(values), np.diff(paces))
    noise = line_noise([_at(run, rough, 0.0) for run in runs])
    if noise is None or noise.df < _LEAST_DF:
        return None
    values, paces = (_within(column, noise.starts) for column in (values, paces))
    slope, spread, df = _slope(values, paces), float(paces @ paces), noise.df - 1
    rest = values - slope * paces
    error = math.sqrt(float(rest @ rest) / df / spread) if spread > 0 else math.inf
    if not t_quantile(_SURE, df) * error < slope <= _TOO_MUCH:
        return None
    center = float(_calibrations(runs).mean())
    noise = line_noise([_at(run, slope, center) for run in runs])
    if noise is None or noise.df < _LEAST_DF:
        return None
    widened = noise.sd * math.sqrt(noise.df / (noise.df - 1))  # the slope was chosen so that it is small
    return Calibration(slope, center, spread, replace(noise, sd=widened, df=noise.df - 1))


def _at(run: RunValue, slope: float, center: float) -> RunValue:
    return run if run.calibration is None else replace(run, value=run.value - slope * (run.calibration - center))


def _calibrations(runs: Sequence[RunValue]) -> FloatArray:
    return np.array([run.calibration for run in runs], dtype=np.float64)


def _slope(values: FloatArray, paces: FloatArray) -> float:
    spread = float(paces @ paces)
    return float(values @ paces) / spread if spread > 0 else 0.0


def _within(column: FloatArray, starts: Sequence[int]) -> FloatArray:
    """Return values about the mean of their segment."""
    return np.concatenate([column[a:b] - column[a:b].mean() for a, b in pairwise((*starts, len(column)))])
