"""What earlier runs leave behind for a candidate of another time: one value a statistic, and where it is from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["EarlierRun", "Measure", "RunValue"]

Measure = tuple[str, str, str | None, str, str]
"""Target, metric and kind of connection, the column that its times are from, and the statistic of them."""


@dataclass(frozen=True)
class RunValue:
    """One statistic of one run.

    Attributes
    ----------
    value : float
        On a scale where margins are differences: a log time.
    variance : float
        Of its sampling error alone, as the rounds of the run show it; infinite where they cannot.
    df : float
        Degrees of freedom of that variance.
    n : int
        Samples that it is of.
    floor : float
        What the clock alone leaves open, as a standard deviation on the scale of the value.
    version : str or None
        Equal for runs of one version of the system; None where that is not known.
    accepted : bool
        True if the level of this run was accepted: what came before is no measure of what comes after.
    name : str
        What people call the run.
    calibration : float or None
        Log time that a fixed piece of work took on the machine during the run; None where it was not measured.
    """

    value: float
    variance: float = 0.0
    df: float = math.inf
    n: int = 0
    floor: float = 0.0
    version: str | None = None
    accepted: bool = False
    name: str = ""
    calibration: float | None = None


@dataclass(frozen=True)
class EarlierRun:
    """A complete run of the same environment, before the candidate, as far as times at another moment rest on it.

    Attributes
    ----------
    name : str
        What people call it.
    version : str or None
        Equal for runs of one version of the system.
    machine : str or None
        Where the prober ran, as the run says it.
    together : bool
        True if its rounds were interleaved with those of another version, which the machine carried too.
    values : mapping
        Each statistic of its times.
    rates : mapping
        Target -> requests a second as they were due, where they were.
    load : tuple of float or None
        Users and seconds of the load tools together, null what they do not say.
    """

    name: str
    version: str | None
    machine: str | None
    together: bool
    values: Mapping[Measure, RunValue] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    load: tuple[float | None, float | None] = (None, None)

    def accepted(self) -> EarlierRun:
        """Return the same run as one whose level of times was accepted."""
        return replace(self, values={measure: replace(value, accepted=True) for measure, value in self.values.items()})
