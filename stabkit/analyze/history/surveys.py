"""Many histories at once: which of them moved, the most surprising first, and how many would by chance alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stabkit.analyze.history.change_points import Change, History
from stabkit.analyze.history.trends import REPLAYS, analyze_history, detect_changes
from stabkit.analyze.statistics import MIN_VALUES, read_values

__all__ = ["FALSE_SHARE", "Moved", "Survey", "adjusted_p", "merged_surveys", "shift_p", "survey"]

Floats = NDArray[np.float64]

FALSE_SHARE: Final = 0.05
"""Of the histories that are told to have moved, the share that may be chance."""


@dataclass(frozen=True)
class Moved:
    """One history that moved.

    Attributes
    ----------
    about : mapping
        What the history is of, as given.
    p_value : float
        How likely such a history is if nothing changed, of any place: see :func:`survey`.
    adjusted : float
        Its p-value among all histories; at most 0.05 where no more than 5 % of those told are chance.
    values : array of float, shape (n,)
        The history itself, NaN where a run has no value.
    size : float
        Largest change (else the whole drift) in standard deviations between neighbouring builds.
    """

    about: Mapping[str, Any]
    p_value: float
    history: History
    values: Floats = field(repr=False, compare=False)
    size: float
    adjusted: float = 1.0

    @property
    def change(self) -> Change | None:
        """The newest change that did not go away, else the newest; None where it is a drift, or nothing named."""
        if self.history.drift.outcome == "drifting":
            return None
        every = _known_changes(self.history)
        stayed = [change for change in every if change.went_away_at is None]
        return next(reversed(stayed or every), None)


@dataclass(frozen=True)
class Survey:
    """What many histories tell.

    Attributes
    ----------
    moved : tuple of Moved
        The most surprising first: by p-value, then by size.
    histories, too_short : int
        How many were looked at, and how many of these have fewer than 8 values.
    unplaced : int
        Histories that are no chance either, but show no change or drift that could be named.
    """

    moved: tuple[Moved, ...]
    histories: int
    too_short: int = 0
    unplaced: int = 0


def survey(histories: Sequence[tuple[Mapping[str, Any], Sequence[float] | Any]]) -> Survey:
    """Return which histories may have moved, before they are held against each other: all with a p-value up to 0.05.

    Parameters
    ----------
    histories : sequence of (mapping, values)
        What each is of, and one value a run in time order, shape (n,); nulls are gaps.

    Notes
    -----
    The p-value of a history is three times the smallest of three, as any may tell: Pettitt's test, which sees long
    shifts by their ranks (:func:`shift_p`); Welch's test at the clearest change, times the number of values, each of
    which might have been its place, which sees a step of a few runs; and of a drift its Mann-Kendall test. One value
    far off is no surprise to any. The whole analysis is made only where the first two find something. Give the result
    to :func:`merged_surveys`.

    Examples
    --------
    >>> noise = [20 + (7 * run % 5) / 10 for run in range(60)]
    >>> moved = survey([({"of": "a"}, noise), ({"of": "b"}, noise[:55] + [value + 3 for value in noise[55:]])]).moved
    >>> [(one.about["of"], one.change.index) for one in moved]
    [('b', 55)]
    """
    found, short = [], 0
    for about, given in histories:
        values = read_values(given)
        n = int(np.isfinite(values).sum())
        short += n < MIN_VALUES
        if _p_value(n, shift_p(values), detect_changes(values)) <= FALSE_SHARE:  # no other can pass among many
            history = analyze_history(values, replays=REPLAYS)
            shift = shift_p(values, correlation=history.correlation)
            p_value = _p_value(n, shift, _known_changes(history), trend=_trend(history))
            found.append(Moved(about, p_value, history, values, _size(history)))
    return Survey(tuple(found), len(histories), short)


def _p_value(n: int, shift: float, changes: Sequence[Change], *, trend: float = 1.0) -> float:
    steps = [change.p_value for change in changes if change.p_value is not None]
    return min(1.0, 3 * min(shift, trend, n * min(steps, default=1.0)))


def _trend(history: History) -> float:
    p_value = history.drift.p_value if history.drift.outcome == "drifting" else None
    return 1.0 if p_value is None else p_value


def _known_changes(history: History) -> list[Change]:
    """Return the changes, those included that not enough looks show yet; a lone value far off is none."""
    waiting = [change for change in history.suspects if change.p_value is not None]
    return sorted([*history.changes, *waiting], key=lambda change: change.index)


def merged_surveys(parts: Sequence[Survey]) -> Survey:
    """Return several surveys as one, in which at most 5 % of the histories that are told are chance.

    Notes
    -----
    Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x: holds for independent histories and, by
    Benjamini and Yekutieli 2001, doi:10.1214/aos/1013699998, for those that go up and down together, such as the
    percentiles of one target.
    """
    candidates = [one for part in parts for one in part.moved]
    total = sum(part.histories for part in parts)
    shares = adjusted_p([one.p_value for one in candidates], total)
    told = [replace(one, adjusted=share) for one, share in zip(candidates, shares, strict=True) if share <= FALSE_SHARE]
    placed = [one for one in told if one.change is not None or one.history.drift.outcome == "drifting"]
    placed.sort(key=lambda one: (one.p_value, -one.size))
    return Survey(tuple(placed), total, sum(part.too_short for part in parts), len(told) - len(placed))


def shift_p(values: Floats, *, correlation: float = 0.0) -> float:
    """Return the p-value that values in time order have one level: Pettitt's rank test for one shift at any place.

    Parameters
    ----------
    values : array of float, shape (n,)
        Nulls as NaN; they are left out. Fewer than 8 values, or all equal: 1.0.
    correlation : float
        Lag-1 correlation of neighbouring values around their level, in [0, 1); it makes the p-value larger.

    Notes
    -----
    Pettitt 1979, doi:10.2307/2346729, with his bound 2 exp(-6 K² / (n³ + n²)), which errs on the safe side for few
    values. Correlated values spread K² by (1 + r) / (1 - r).

    Examples
    --------
    >>> flat, step = np.array([3.0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2]), np.repeat([1.0, 2.0], 20)
    >>> shift_p(flat) > 0.5, shift_p(step) < 1e-6
    (True, True)
    """
    kept = values[~np.isnan(values)]
    n = len(kept)
    if n < MIN_VALUES:
        return 1.0
    ordered = np.sort(kept)
    if ordered[0] == ordered[-1]:
        return 1.0
    # Mid-ranks, centred: their running sum is half of Pettitt's statistic at each place.
    ranks = (np.searchsorted(ordered, kept, "left") + np.searchsorted(ordered, kept, "right") + 1 - (n + 1)) / 2
    largest = 2 * float(np.abs(np.cumsum(ranks)).max())
    spread = (1 + correlation) / (1 - correlation)
    return min(1.0, 2 * float(np.exp(-6 * largest**2 / (n**3 + n**2) / spread)))


def adjusted_p(p_values: Sequence[float], total: int) -> list[float]:
    """Return the p-values by Benjamini and Hochberg, among ``total`` of which only the smallest are given.

    Examples
    --------
    >>> adjusted_p([0.01, 0.04, 0.02], 4)
    [0.04, 0.05333333333333334, 0.04]
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values, dtype=np.float64)[order] * total / np.arange(1, len(order) + 1)
    least = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    result = np.empty(len(order))
    result[order] = least
    return [float(one) for one in result]


def _size(history: History) -> float:
    """Return how far a history moved, in standard deviations between neighbouring builds."""
    if history.drift.outcome == "drifting" and history.drift.share_per_run is not None:
        way = abs(history.drift.share_per_run) * history.n
    else:
        ratios = [change.ratio for change in _known_changes(history) if change.ratio]
        way = max((abs(float(np.log(ratio))) for ratio in ratios), default=0.0)
    return way / history.noise if history.noise else way
