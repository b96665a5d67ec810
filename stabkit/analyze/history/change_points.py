"""What a history of runs tells: changes, spikes, segments, notes. Results, not rows: frozen and free of computation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stabkit.analyze.history.drift import Drift

__all__ = ["Change", "History", "Note", "Segment", "Spike"]


@dataclass(frozen=True)
class Change:
    """A change of level between two runs.

    Attributes
    ----------
    index : int
        Position, in the values as given, of the first value after the change.
    before, after : float
        Medians of the segments on both sides, spikes left out, in the unit of the values.
    difference : float
        after - before.
    ratio : float or None
        after / before; None if a value is not positive.
    status : str
        ``confirmed``, or ``suspect``: too few builds since that show it, ``more_needed`` of them would tell.
    p_value : float or None
        Welch's test of the neighbouring segments (30 builds at most). It was chosen as a change first and tested
        afterwards, so it is no false-alarm rate.
    superiority : float or None
        How often a value after lies above one before (ties half): 0 or 1 for clean steps.
    runs_before, runs_after : int
        Values in the two segments.
    went_away_at : int or None
        Position from which the level is back at the old one.
    beyond_margin : bool or None
        Whether the change exceeds the margin; None without a margin.
    flags : tuple of str
        ``bimodal`` (the two sides overlap widely), ``went_away``, ``part_of_drift``.
    """

    index: int
    before: float
    after: float
    difference: float
    ratio: float | None
    status: Literal["confirmed", "suspect"]
    p_value: float | None = None
    superiority: float | None = None
    runs_before: int = 0
    runs_after: int = 0
    more_needed: int = 0
    went_away_at: int | None = None
    beyond_margin: bool | None = None
    flags: tuple[str, ...] = ()

    @property
    def confirmed(self) -> bool:
        """True if enough builds on both sides show the change."""
        return self.status == "confirmed"


@dataclass(frozen=True)
class Spike:
    """A lone value set aside: its position, the value, and the median around it."""

    index: int
    value: float
    usual: float


@dataclass(frozen=True)
class Segment:
    """A stretch of one level: positions [start, end), its median and the number of values used."""

    start: int
    end: int
    median: float
    n: int


@dataclass(frozen=True)
class Note:
    """What to know about a history, as a word, with the position or the figure it speaks of.

    ``reason``: ``too_few_values``, ``constant``, ``spikes_set_aside``, ``correlated_builds``, ``short_blip``.
    """

    reason: str
    index: int | None = None
    figure: float | None = None


@dataclass(frozen=True)
class History:
    """All that a history tells.

    Attributes
    ----------
    changes : tuple of Change
        Confirmed ones, in time order.
    suspects : tuple of Change
        Changes that not enough builds in a row show yet; else at most one: the newest one or two values are far off,
        and nobody can tell yet whether that is a spike.
    noise : float or None
        Standard deviation between neighbouring builds: a share of the level on the ``log`` scale, else None.
    """

    n: int
    changes: tuple[Change, ...]
    suspects: tuple[Change, ...]
    spikes: tuple[Spike, ...]
    segments: tuple[Segment, ...]
    drift: Drift
    notes: tuple[Note, ...]
    scale: Literal["log", "linear"]
    noise: float | None
    correlation: float
