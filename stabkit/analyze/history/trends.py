"""Trends: where a history of runs changed, what was a mere spike, and whether it drifts.

The rows of histories come from ``histories``, ``flakiness`` and ``finding_history``; their functions are offered here
too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stabkit.analyze.findings import finding_ages, finding_history
from stabkit.analyze.history.change_points import Change, History, Note, Segment, Spike
from stabkit.analyze.history.drift import Drift, detect_drift, drift_of
from stabkit.analyze.history.times_over_runs import run_history
from stabkit.analyze.statistics import MIN_VALUES, Series, boundaries, prepare, read_values, settle
from stabkit.analyze.tests import flakiness, mass_failures, pass_history, test_run_map
from stabkit.errors import UsageError

__all__ = [
    "REPLAYS",
    "Change",
    "Drift",
    "History",
    "Note",
    "Segment",
    "Spike",
    "analyze_history",
    "detect_changes",
    "detect_drift",
    "finding_ages",
    "finding_history",
    "flakiness",
    "line_changes",
    "mass_failures",
    "pass_history",
    "replayed_changes",
    "run_history",
    "test_run_map",
]

Floats = NDArray[np.float64]

REPLAYS: Final = 3
"""Looks in a row that have to show a change before it is told, where each build is a look."""
_SAME: Final = 5  # builds between two looks at one change
_SETTLED: Final = 3e-5  # p-value of the newest of those looks
_A_SIDE: Final = 3
_NEIGHBOURS: Final = 30
_LEVEL: Final = 0.001
_FAR: Final = 4.0


def detect_changes(values: Sequence[float] | Any) -> list[Change]:
    """Return the confirmed changes of level in a history, in time order; no margin is applied.

    Parameters
    ----------
    values : sequence of float, shape (n,)
        One value a run in time order; nulls are gaps. Fewer than 8 values: no changes.

    Raises
    ------
    SchemaError
        A value is neither a finite number nor null.

    Notes
    -----
    Lone spikes are set aside; two of three detectors (ranks, means, straight lines) must agree within 3 builds;
    correlated builds raise the bar; Welch's test with at least 3 builds a side confirms. :func:`analyze_history` also
    tells of spikes, suspects and drift.

    Examples
    --------
    >>> [(c.index, c.before, c.after) for c in detect_changes([20, 21, 20, 22, 21, 20, 30, 31, 30, 29, 30, 31])]
    [(6, 20.5, 30.0)]
    """
    series = prepare(read_values(values))
    return list(_changes(series, *boundaries(series))[0])


def replayed_changes(values: Sequence[float] | Any, *, replays: int = REPLAYS) -> list[Change]:
    """Return the changes of a history that is looked at build by build; those not settled yet are ``suspect``.

    Parameters
    ----------
    values : sequence of float, shape (n,)
        As of :func:`detect_changes`.
    replays : int
        How many of the newest builds have to show a change, each by what was known when it was the newest; 1 asks for
        no more than the whole history shows.

    Notes
    -----
    Whoever looks after each build takes a look each, and correlated builds wander into a change that the next ones take
    back. What three looks in a row show, within 5 builds of the same place, and the newest at a p-value of 3e-5, is
    mostly there to stay: the level of many looks is that of a boundary which is wide early (O'Brien and Fleming 1979,
    doi:10.2307/2530245).

    Examples
    --------
    >>> values = [20, 21, 20, 22, 21, 20, 21, 20, 22, 30, 31, 30, 29, 30, 31, 30]
    >>> [(len(values[:n]), c.index, c.status, c.more_needed) for n in (13, 14) for c in replayed_changes(values[:n])]
    [(13, 9, 'suspect', 1), (14, 9, 'confirmed', 0)]
    """
    known = read_values(values)
    return list(_asked_again(known, detect_changes(known), replays))


def line_changes(frame: pd.DataFrame, column: str) -> list[Change]:
    """Return the changes of level within each line: where another begins, the runs differ by more than the system.

    Parameters
    ----------
    frame : DataFrame
        One row a run in time order, with ``line``, as :func:`run_history` returns it; and ``column``.

    Examples
    --------
    >>> frame = pd.DataFrame({"line": [1] * 20 + [2] * 8, "p95_ms": [20.0, 21] * 5 + [30.0, 31] * 5 + [90.0, 91] * 4})
    >>> [change.index for change in line_changes(frame, "p95_ms")]
    [10]
    """
    found: list[Change] = []
    for line in frame["line"].dropna().unique():
        places = np.flatnonzero(frame["line"] == line)
        changes = [change for change in replayed_changes(frame[column].iloc[places]) if change.confirmed]
        found += [replace(change, index=int(places[change.index])) for change in changes]
    return sorted(found, key=lambda change: change.index)


def _asked_again(values: Floats, changes: Sequence[Change], replays: int) -> tuple[Change, ...]:
    """Return the changes, those not shown by each of the newest builds as suspects."""
    if replays <= 1 or not changes:
        return tuple(changes)
    looks = dict.fromkeys(changes, 1)  # how many in a row show it, up to the newest
    going_on = list(changes)
    for end in np.flatnonzero(~np.isnan(values))[::-1][: replays - 1]:
        seen = [change.index for change in detect_changes(values[:end])]
        going_on = [change for change in going_on if any(abs(change.index - place) <= _SAME for place in seen)]
        if not going_on:
            break
        looks |= {change: looks[change] + 1 for change in going_on}
    return tuple(_settled(change, replays - looks[change]) for change in changes)


def _settled(change: Change, more: int) -> Change:
    doubtful = change.p_value is not None and change.p_value > _SETTLED
    more = max(more, int(doubtful))
    return change if more <= 0 else replace(change, status="suspect", more_needed=more)


def analyze_history(values: Sequence[float] | Any, *, margin: float | None = None, replays: int = 1) -> History:
    """Return everything a history tells: changes, suspects, spikes, segments, drift and notes.

    Parameters
    ----------
    values : sequence of float, shape (n,)
        One value a run in time order; nulls are gaps.
    margin : float, optional
        Allowed relative change, such as 0.05; it labels changes and tells when a drift reaches it. It hides none.
    replays : int
        How many of the newest builds have to show a change, as of :func:`replayed_changes`; what they do not show yet
        is a suspect.

    Raises
    ------
    SchemaError
        A value is neither a finite number nor null.
    UsageError
        The margin is not positive.
    """
    if margin is not None and not (np.isfinite(margin) and margin > 0):
        raise UsageError(f"The margin must be positive, not {margin}.", where="margin", hint="0.05 is 5 %.")
    series = prepare(read_values(values))
    places, r = boundaries(series)
    changes, blips = _changes(series, places, r, margin=margin)
    every = _asked_again(series.values, changes, replays)
    changes, unsettled = (tuple(c for c in every if c.confirmed is said) for said in (True, False))
    drift = drift_of(series, places, r, margin=margin)
    if drift.outcome == "drifting":
        changes = tuple(replace(change, flags=(*change.flags, "part_of_drift")) for change in changes)
    segments = _segments(series, changes)
    # On a slope the newest values always lie off the median before them.
    suspects = () if drift.outcome == "drifting" else unsettled or _suspects(series, segments, margin)
    waiting = {change.index for change in suspects}
    spikes = tuple(_spike(series, int(k)) for k in series.spikes if int(k) not in waiting)
    notes = _notes(series, spikes, blips, r)
    noise = series.noise if series.scale == "log" and len(series.y) > 1 else None
    return History(
        int((~np.isnan(series.values)).sum()), changes, suspects, spikes, segments, drift, notes, series.scale, noise, r
    )


def _changes(
    series: Series, places: list[int], r: float, *, margin: float | None = None
) -> tuple[tuple[Change, ...], list[int]]:
    """Confirm boundaries, the weakest given up first; return the changes, and the boundaries of too short sides."""
    places = list(places)
    blips: list[int] = []
    while places:
        edges = [0, *places, len(series.y)]
        short = [k for k in range(len(places)) if min(edges[k + 1] - edges[k], edges[k + 2] - edges[k + 1]) < _A_SIDE]
        p_values = [_welch(series, edges[k : k + 3], r) for k in range(len(places))]
        worst = max(short or range(len(places)), key=lambda k: p_values[k])
        if not short and p_values[worst] <= _LEVEL:
            break
        place = places.pop(worst)
        if short:
            blips.append(int(series.index[place]))
        places = settle(series.z, places)  # the neighbours of what is given up may fit better elsewhere
    edges = [0, *places, len(series.y)]
    changes = [_change(series, edges[k : k + 3], r, margin) for k in range(len(places))]
    return tuple(_went_away(series, changes, margin)), blips


def _welch(series: Series, edges: Sequence[int], r: float) -> float:
    """Two-sided p of Welch's test on the values next to the boundary, with the variance of correlated builds."""
    from scipy.special import stdtr

    left = series.z[max(edges[0], edges[1] - _NEIGHBOURS) : edges[1]]
    right = series.z[edges[1] : min(edges[2], edges[1] + _NEIGHBOURS)]
    if min(len(left), len(right)) < 2:
        return 1.0
    # The noise of rounding is 1/√12 of a tick and z is in units of at least that.
    floor = 1e-6
    parts = [max(float(side.var(ddof=1)), floor) * (1 + r) / (1 - r) / len(side) for side in (left, right)]
    t = abs(float(right.mean() - left.mean())) / np.sqrt(sum(parts))
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(left) - 1) + parts[1] ** 2 / (len(right) - 1))
    return float(2 * stdtr(freedom, -t))


def _change(series: Series, edges: Sequence[int], r: float, margin: float | None) -> Change:
    left, right = series.kept[edges[0] : edges[1]], series.kept[edges[1] : edges[2]]
    before, after = float(np.median(left)), float(np.median(right))
    ratio = after / before if series.scale == "log" else None
    above = float((right[None, :] > left[:, None]).mean() + (right[None, :] == left[:, None]).mean() / 2)
    return Change(
        index=int(series.index[edges[1]]),
        before=before,
        after=after,
        difference=after - before,
        ratio=ratio,
        status="confirmed",
        p_value=_welch(series, edges, r),
        superiority=above,
        runs_before=len(left),
        runs_after=len(right),
        beyond_margin=_beyond(ratio, margin),
        flags=("bimodal",) if 0.25 <= above <= 0.75 else (),
    )


def _beyond(ratio: float | None, margin: float | None) -> bool | None:
    return None if ratio is None or margin is None else bool(abs(np.log(ratio)) > np.log1p(margin))


def _went_away(series: Series, changes: list[Change], margin: float | None) -> list[Change]:
    """Mark changes whose level later comes back: within the margin, else within a quarter of the change."""
    result = []
    for k, change in enumerate(changes):
        for later in changes[k + 1 :]:
            allowed = abs(change.difference) / 4
            if margin is not None and series.scale == "log":
                allowed = min(abs(change.difference) / 2, abs(change.before) * margin)
            if abs(later.after - change.before) <= allowed:
                result.append(replace(change, went_away_at=later.index, flags=(*change.flags, "went_away")))
                break
        else:
            result.append(change)
    return result


def _segments(series: Series, changes: Sequence[Change]) -> tuple[Segment, ...]:
    if not len(series.index):
        return ()
    edges = [0, *(change.index for change in changes), len(series.values)]
    result = []
    for start, end in pairwise(edges):
        inside = series.values[series.index[(series.index >= start) & (series.index < end)]]
        result.append(Segment(start, end, float(np.median(inside)), len(inside)))
    return tuple(result)


def _suspects(series: Series, segments: Sequence[Segment], margin: float | None) -> tuple[Change, ...]:
    """Return the newest one or two values if they lie far off the last level on one side."""
    present = np.flatnonzero(~np.isnan(series.values))
    if len(present) < MIN_VALUES or series.noise <= 0:
        return ()
    last = segments[-1]
    for count in (_A_SIDE - 1, 1):
        tail = present[-count:]
        usual = series.index[(series.index >= last.start) & (series.index < tail[0])]
        if len(usual) < _A_SIDE:
            continue
        before = float(np.median(series.values[usual]))
        after = float(np.median(series.values[tail]))
        if series.scale == "log":
            away = np.log(series.values[tail] / before) / series.noise
        else:
            away = (series.values[tail] - before) / (series.noise * float(np.nanmax(np.abs(series.values))))
        if np.abs(away).min() > _FAR and len(set(np.sign(away))) == 1:
            ratio = after / before if series.scale == "log" else None
            return (
                Change(
                    index=int(tail[0]),
                    before=before,
                    after=after,
                    difference=after - before,
                    ratio=ratio,
                    status="suspect",
                    runs_before=len(usual),
                    runs_after=count,
                    more_needed=_A_SIDE - count,
                    beyond_margin=_beyond(ratio, margin),
                ),
            )
    return ()


def _spike(series: Series, index: int) -> Spike:
    near = series.index[np.argsort(np.abs(series.index - index), kind="stable")[:6]]
    return Spike(index, float(series.values[index]), float(np.median(series.values[near])))


def _notes(series: Series, spikes: Sequence[Spike], blips: Sequence[int], r: float) -> tuple[Note, ...]:
    notes = []
    present = int((~np.isnan(series.values)).sum())
    if present < MIN_VALUES:
        notes.append(Note("too_few_values", figure=float(MIN_VALUES - present)))
    elif series.noise <= 0:
        notes.append(Note("constant"))
    if spikes:
        notes.append(Note("spikes_set_aside", figure=float(len(spikes))))
    if r > 0.2:
        notes.append(Note("correlated_builds", figure=r))
    notes += [Note("short_blip", index=index) for index in sorted(blips)]
    return tuple(notes)
