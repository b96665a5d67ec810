"""One statistic of one run, as a point of the line that the runs of a system make over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["RunValue"]


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
    """

    value: float
    variance: float = 0.0
    df: float = math.inf
    n: int = 0
    floor: float = 0.0
    version: str | None = None
    accepted: bool = False
    name: str = ""
