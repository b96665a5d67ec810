"""How the response time developed: p50 and p95 run by run, with change points, and gaps left as gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import listing, measure, percent, plural
from stabkit.chart.style import (
    CANDIDATE,
    FAINT,
    INCONCLUSIVE_INK,
    INK,
    MUTE,
    REGRESSED_INK,
    SAFE_BAND,
    annotate_empty,
    escape_label,
    even_ticks,
    label_end,
    say,
)
from stabkit.chart.timeline import label_runs, mark_releases, releases, run_name, step_edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_history", "plot_history"]

# An objective beyond this many times the highest value is named instead of drawn.
FAR = 2.5


def plot_history(
    frame: pd.DataFrame, *, axes: Axes, of: str = "response time", changes: Sequence[Any] = (), changed: str = "p95_ms",  # noqa: ARG001
    objective_ms: float | None = None,
) -> Axes:  # fmt: skip
    """Draw p50 (with its interval) and p95 as step lines, one place a run.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``p50_ms``, ``p95_ms``, ``low_ms``, ``high_ms`` (bounds of p50, ms), as from
        ``run_history``; and ``line``: runs of another line are not joined.
    changes : sequence of objects with ``index``, ``before``, ``after``
        Change points in ``changed``; ``index`` is the first row after the change.
    objective_ms : float, optional
        A limit to show, ms.
    """
    if frame[["p50_ms", "p95_ms"]].isna().all(axis=None):
        return annotate_empty(axes)
    rows = frame.reset_index(drop=True)
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
    near = objective_ms is not None and objective_ms <= top * FAR
    top = max(top, objective_ms) if near and objective_ms is not None else top
    label_runs(axes, rows)
    mark_releases(axes, rows)
    axes.set_ylim(0, top * 1.22)
    even_ticks(axes.yaxis)
    _label_lines(axes, rows)
    _mark_changes(axes, rows, changes)
    for i in np.flatnonzero(rows["p50_ms"].isna()):
        axes.annotate(
            "no run",
            (i, 0),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=INCONCLUSIVE_INK,
            rotation=90,
            fontsize=9,
        )
    if objective_ms is not None:
        _mark_objective(axes, objective_ms, near=near)
    say(axes, "ms")
    return axes


def _label_lines(axes: Axes, rows: pd.DataFrame) -> None:
    ends = {name: rows[f"{name}_ms"].dropna() for name in ("p50", "p95")}
    heights = {name: float(known.iloc[-1]) for name, known in ends.items() if len(known)}
    box: Any = axes.get_position()
    figure: Any = axes.get_figure(root=True)
    tall = box.height * figure.get_size_inches()[1] * 72 / axes.get_ylim()[1]
    apart = abs(heights.get("p95", np.inf) - heights.get("p50", 0)) * tall
    # Words of 10 pt need 12 pt between them.
    lift = max(0.0, (12 - apart) / 2) if len(heights) == 2 else 0.0
    for name, colour, way in (("p50", MUTE, -1), ("p95", CANDIDATE, 1)):
        if name in heights:
            label_end(axes, name, (len(rows) - 0.5, heights[name]), colour=colour, bold=True, lift=way * lift)


def _mark_objective(axes: Axes, objective_ms: float, *, near: bool) -> None:
    words = f"objective {measure(objective_ms, 'ms')}"
    if not near:
        say(axes, f"{words} is above", where="right", colour=INK)
        return
    axes.axhline(objective_ms, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
    axes.annotate(words, (-0.5, objective_ms), xytext=(2, 3), textcoords="offset points", color=INK)


def _mark_changes(axes: Axes, rows: pd.DataFrame, changes: Sequence[Any]) -> None:
    for i, change in enumerate(sorted(changes, key=lambda change: change.index)):
        worse = change.after > change.before
        colour = REGRESSED_INK if worse else CANDIDATE
        axes.axvline(change.index - 0.5, color=colour, linewidth=1.3)
        size = _size(change)
        name = escape_label(run_name(rows.iloc[change.index]), 12)
        right = change.index > len(rows) / 2
        axes.annotate(
            f"{name} {size}", (change.index - 0.5, axes.get_ylim()[1]), xytext=(-4 if right else 4, -3 - 14 * (i % 2)),
            textcoords="offset points", ha="right" if right else "left", va="top", color=colour, fontweight="bold",
        )  # fmt: skip


def _size(change: Any) -> str:
    if not change.before:
        return measure(change.after - change.before, "ms", sign=True)
    return percent(change.after / change.before - 1, sign=True, digits=2)


def describe_history(
    frame: pd.DataFrame, *, of: str = "response time", changes: Sequence[Any] = (), changed: str = "p95_ms",
    objective_ms: float | None = None,  # noqa: ARG001
) -> Description:  # fmt: skip
    """Say where the history changed, or that no change was found, and how many runs are missing."""
    rows = frame.reset_index(drop=True)
    known = int(rows["p50_ms"].notna().sum())
    if not known:
        return Description(f"No history of {of}", f"Empty history of {of}, where no run measured it")
    name = changed.removesuffix("_ms")
    latest_first = sorted(changes, key=lambda change: -change.index)
    parts = [
        f"{'rose' if c.after > c.before else 'fell'} by {_size(c).lstrip('+−')} with {run_name(rows.iloc[c.index])}"
        for c in latest_first
    ]
    if parts:
        title = f"{name} of {of} {listing(parts, 2)}"
    elif known < 8:
        title = f"{plural(known, 'run')}: too few to look for changes in {name} of {of}"
    else:
        title = f"No change found in {name} of {of} over {plural(known, 'run')}"
    gaps = len(rows) - known
    caption = f"{plural(known, 'run')}; band: 95{chr(0x202F)}% interval of p50 within the run."
    caption += f" {plural(gaps, 'run has', 'runs have')} no evidence." if gaps else ""
    caption += " Rules mark change points." if parts else ""
    named = [run_name(rows.iloc[place]) for place in releases(rows)]
    caption += f" Triangles mark releases: {listing(named, 4)}." if named else ""
    return Description(title, f"Step lines of p50 and p95 over {plural(len(rows), 'run')}, where {title}", caption)
