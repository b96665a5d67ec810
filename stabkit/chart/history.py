"""How something developed run by run, with its changes; gaps left as gaps: a response time, or any one history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    CANDIDATE,
    FAINT,
    INCONCLUSIVE_INK,
    INK,
    MUTE,
    REGRESSED_INK,
    SAFE_BAND,
    Description,
    annotate_empty,
    escape_label,
    even_ticks,
    few_ticks,
    height_pt,
    label_end,
    label_runs,
    lower_first,
    mark_gaps,
    mark_releases,
    releases,
    run_name,
    say,
    spread,
    step_edges,
    text_pt,
    width_pt,
)
from stabkit.numbers import measure, percent
from stabkit.text import count, joined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HistoryLines", "LevelLines"]

# An objective beyond this many times the highest value is named instead of drawn.
FAR = 2.5
# Below so many values no change is looked for.
FEWEST = 8
_INKS = {"p50": MUTE, "p95": CANDIDATE}


@dataclass(frozen=True, eq=False)
class HistoryLines:
    """How the response time developed, run by run.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``p50_ms``, ``p95_ms``, ``low_ms``, ``high_ms`` (bounds of p50, ms), as from
        ``run_history``; and ``line``: runs of another line are not joined. ``sketched`` is true, if it is there, for
        percentiles that come from a sketch.
    changes : sequence of objects with ``index``, ``before``, ``after``
        Change points in ``changed``; ``index`` is the first row after the change.
    objective_ms : float, optional
        A limit to show, ms.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "response time"
    changes: Sequence[Any] = ()
    changed: str = "p95_ms"
    objective_ms: float | None = None

    def draw(self, axes: Axes) -> Axes:
        """Draw p50 (with its interval) and p95 as step lines, one place a run."""
        if self.frame[["p50_ms", "p95_ms"]].isna().all(axis=None):
            return annotate_empty(axes)
        rows = self.frame.reset_index(drop=True)
        lines = rows["line"].astype("object").fillna(0) if "line" in rows else pd.Series(0, index=rows.index)
        for line in dict.fromkeys(lines):
            mine = lines == line
            low, high = (step_edges(rows[name].where(mine))[1] for name in ("low_ms", "high_ms"))
            x, middle = step_edges(rows["p50_ms"].where(mine))
            axes.fill_between(x, low, high, color=SAFE_BAND, linewidth=0)
            axes.plot(x, middle, color=FAINT, linewidth=1.6)
            axes.plot(*step_edges(rows["p95_ms"].where(mine)), color=CANDIDATE, linewidth=1.8)
        top = float(np.nanmax(rows[["p50_ms", "p95_ms", "high_ms"]].to_numpy(dtype="float64", na_value=np.nan)))
        # A limit far above everything would press the history flat against the floor; then words say where it is.
        near = self.objective_ms is not None and self.objective_ms <= top * FAR
        top = max(top, self.objective_ms) if near and self.objective_ms is not None else top
        axes.set_ylim(0, top * 1.22 or 1.0)
        few_ticks(axes.yaxis, 6)
        even_ticks(axes.yaxis)
        _label_lines(axes, rows)
        label_runs(axes, rows)
        mark_releases(axes, rows)
        mark_gaps(axes, rows[["p50_ms", "p95_ms"]].isna().all(axis=1).to_numpy(), "no data", colour=INCONCLUSIVE_INK)
        _mark_changes(axes, rows, self.changes)
        if self.objective_ms is not None:
            _mark_objective(axes, self.objective_ms, near=near)
        say(axes, "ms")
        return axes

    def describe(self) -> Description:
        """Say where the history changed, or that no change was found, and how many runs are missing."""
        rows = self.frame.reset_index(drop=True)
        known = int(rows[["p50_ms", "p95_ms"]].notna().any(axis=1).sum())
        if not known:
            return Description(f"No history of {self.of}", f"Empty history of {self.of}, where no run measured it")
        name = self.changed.removesuffix("_ms")
        latest_first = sorted(self.changes, key=lambda change: -change.index)
        parts = [
            f"{'rose' if c.after > c.before else 'fell'} by {_size(c).lstrip('+−')} with {run_name(rows.iloc[c.index])}"
            for c in latest_first
        ]
        if parts:
            # A change in the history is a finding of its own; whether it counts today the verdict says.
            older = f", and {count(len(parts) - 2, 'earlier change')}" if len(parts) > 2 else ""
            title = f"{name} of {self.of} {' and '.join(parts[:2])}{older}"
        elif known < FEWEST:
            title = f"{self.of}: {count(known, 'run is', 'runs are')} too few to look for changes"
        else:
            title = f"No change found in {name} of {self.of} over {count(known, 'run')}"
        gaps = len(rows) - known
        caption = f"{count(known, 'run')}; zero at the bottom; band: 95{chr(0x202F)}% interval of p50 within the run."
        bare = int((rows["p50_ms"].notna() & rows["p95_ms"].isna()).sum())
        caption += f" {count(bare, 'run has', 'runs have')} too few samples for p95." if bare else ""
        caption += f" {count(gaps, 'run has', 'runs have')} no evidence." if gaps else ""
        old = int(rows["sketched"].sum()) if "sketched" in rows else 0
        if old:
            whose = count(old, "run without samples is", "runs without samples are")
            caption += f" {whose} drawn from sketches, within 1{chr(0x202F)}%, with no band."
        caption += " Rules mark change points." if parts else ""
        named = [run_name(rows.iloc[place]) for place in releases(rows)]
        caption += f" Triangles mark releases: {joined(named, most=4)}." if named else ""
        return Description(
            title, f"Step lines of p50 and p95 over {count(len(rows), 'run')}, where {lower_first(title)}", caption
        )


# More values than these read better as a line alone.
_DOTTED: Final = 150


@dataclass(frozen=True, eq=False)
class LevelLines:
    """One history: its values, and the level that it had between its changes.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``value``, and ``level``: what the values lie around, null where it has none; one row a
        run, in time order.
    title : str
        What happened, as the words beside it say.
    of : str
        What was followed.
    unit : str
        ``ms``, ``MB``, ...; ``share`` is drawn in per cent, ``count`` bare.
    changed : int, optional
        The first row after the change that is told; None where it drifts.
    worse : bool, optional
        Whether that change is for the worse; None where nobody can know.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    title: str
    of: str = "history"
    unit: str = "ms"
    changed: int | None = None
    worse: bool | None = None

    def draw(self, axes: Axes) -> Axes:
        """Draw values as points, levels as lines, and a rule at the change; the axis begins where the values do."""
        rows = self.frame.reset_index(drop=True)
        factor = 100.0 if self.unit == "share" else 1.0
        values = rows["value"].to_numpy(dtype="float64", na_value=np.nan) * factor
        if np.isnan(values).all():
            return annotate_empty(axes)
        places = np.arange(len(rows))
        few = len(rows) <= _DOTTED
        axes.plot(
            places, values, color=FAINT, linewidth=0 if few else 0.8, marker="o" if few else "", markersize=3.5,
            linestyle="none" if few else "-",
        )  # fmt: skip
        levels = rows["level"] * factor
        colour = {True: REGRESSED_INK, False: CANDIDATE, None: INK}[self.worse]
        axes.plot(*step_edges(levels), color=CANDIDATE if self.worse is not True else INK, linewidth=2)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        spare = (high - low) * 0.12 or abs(high) * 0.05 or 1.0
        axes.set_ylim(low - spare, high + spare)
        if self.changed is not None:
            axes.axvline(self.changed - 0.5, color=colour, linewidth=1.4)
        few_ticks(axes.yaxis, 4, whole=self.unit == "count")
        even_ticks(axes.yaxis)
        label_runs(axes, rows, most=3)
        mark_releases(axes, rows)
        mark_gaps(axes, np.isnan(values), "no data", colour=INCONCLUSIVE_INK)
        say(axes, {"share": "%", "count": self.of}.get(self.unit, self.unit).replace("$", r"\$"))
        return axes

    def describe(self) -> Description:
        """Say what happened, over how many runs."""
        known = int(self.frame["value"].notna().sum())
        if not known:
            return Description(self.title, f"Empty history of {self.of}, where no run has a value")
        gaps = len(self.frame) - known
        caption = f"{count(known, 'run')}; points: values, line: their level; the axis does not begin at zero."
        caption += f" {count(gaps, 'run has', 'runs have')} no value." if gaps else ""
        caption += " A rule marks the change that is told." if self.changed is not None else ""
        runs = count(len(self.frame), "run")
        return Description(self.title, f"Points and levels over {runs}, where {lower_first(self.title)}", caption)


def _label_lines(axes: Axes, rows: pd.DataFrame) -> None:
    ends = {name: rows[f"{name}_ms"].dropna() for name in ("p50", "p95")}
    ends = {name: known for name, known in ends.items() if len(known)}
    tall, heights = height_pt(axes) / axes.get_ylim()[1], [float(known.iloc[-1]) for known in ends.values()]
    places = spread([height * tall for height in heights], 12, 6, height_pt(axes))
    for name, height, place in zip(ends, heights, places, strict=True):
        at = (len(rows) - 0.5, height)
        label_end(axes, name, at, colour=_INKS[name], bold=True, lift=place - height * tall)


def _mark_objective(axes: Axes, objective_ms: float, *, near: bool) -> None:
    words = f"objective {measure(objective_ms, 'ms')}"
    if not near:
        say(axes, f"{words} is above", where="right", colour=INK)
        return
    axes.axhline(objective_ms, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
    axes.annotate(words, (-0.5, objective_ms), xytext=(2, 3), textcoords="offset points", color=INK)


def _mark_changes(axes: Axes, rows: pd.DataFrame, changes: Sequence[Any]) -> None:
    """Draw a rule at each change, and its words where there is room: the newest first, in three lines at most."""
    slot, end = width_pt(axes) / (len(rows) + 0.2), width_pt(axes)
    taken: list[list[tuple[float, float]]] = [[], [], []]
    for change in sorted(changes, key=lambda change: -change.index):
        colour = REGRESSED_INK if change.after > change.before else CANDIDATE
        axes.axvline(change.index - 0.5, color=colour, linewidth=1.3)
        words = f"{escape_label(run_name(rows.iloc[change.index]), 12)} {_size(change)}"
        place, room = (change.index + 0.1) * slot, text_pt(words) * 1.1 + 6
        sides = [(place - room, place), (place, place + room)]
        fitting = [
            (line, left)
            for line, others in enumerate(taken)
            for left, (first, last) in ((True, sides[0]), (False, sides[1]))
            if first >= 0 and last <= end and all(last < other[0] or first > other[1] for other in others)
        ]
        if not fitting:
            continue
        line, left = min(fitting)
        taken[line].append(sides[0 if left else 1])
        axes.annotate(
            words, (change.index - 0.5, axes.get_ylim()[1]), xytext=(-4 if left else 4, -3 - 13 * line),
            textcoords="offset points", ha="right" if left else "left", va="top", color=colour, fontweight="bold",
        )  # fmt: skip


def _size(change: Any) -> str:
    if not change.before:
        return measure(change.after - change.before, "ms", sign=True)
    return percent(change.after / change.before - 1, sign=True, digits=2)
