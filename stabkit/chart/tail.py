"""How bad the tail is: the share of requests slower than x."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from stabkit.chart.description import Description
from stabkit.chart.numbers import count, measure, percent, significant
from stabkit.chart.style import BASELINE, CANDIDATE, INK, MUTE, annotate_empty, say

__all__ = ["describe_tail", "plot_tail"]

_SIDES = (("baseline", BASELINE, MUTE), ("candidate", CANDIDATE, CANDIDATE))


def _side(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    mine = frame[(frame["side"] == side) & (frame["share_slower"] > 0) & frame["response_ms"].notna()]
    return mine.sort_values("response_ms", ignore_index=True)


def plot_tail(
    frame: pd.DataFrame,
    *,
    axes: Axes,
    of: str = "response time",  # noqa: ARG001
    objective_ms: float | None = None,
) -> Axes:
    """Draw the share of requests slower than x for both sides, logarithmic, with the objective as a line.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``response_ms`` (ms), ``share_slower`` (0 to 1), any order.
    objective_ms : float, optional
        The limit, ms.
    """
    sides = [(name, *colours, _side(frame, name)) for name, *colours in _SIDES]
    if all(rows.empty for *_, rows in sides):
        return annotate_empty(axes)
    lowest = min(float(rows["share_slower"].min()) for *_, rows in sides if len(rows))
    floor = max(lowest, 1e-4)
    slowest = max(
        float(rows.loc[rows["share_slower"] >= floor, "response_ms"].max()) for *_, rows in sides if len(rows)
    )
    fastest = min(float(rows["response_ms"].min()) for *_, rows in sides if len(rows))
    axes.set_yscale("log")
    if fastest > 0 and slowest / fastest > 12:
        axes.set_xscale("log")
    for name, colour, ink, rows in sides:
        if rows.empty:
            continue
        axes.plot(rows["response_ms"], rows["share_slower"], color=colour, linewidth=2, label=name)
        # Labels stand beside the lines where these have parted: well below the median.
        place = rows.iloc[
            (rows["share_slower"] - (max(floor * 4, 0.002) if name == "baseline" else 0.02)).abs().argmin()
        ]
        left = name == "baseline"
        axes.annotate(
            name, (place["response_ms"], place["share_slower"]), xytext=(-8 if left else 9, -2 if left else 3),
            textcoords="offset points", color=ink, ha="right" if left else "left", fontweight="bold",
        )  # fmt: skip
    if objective_ms is not None:
        axes.axvline(objective_ms, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            f"objective {measure(objective_ms, 'ms')}", (objective_ms, 1.0), xytext=(6, 2), textcoords="offset points",
            color=INK, va="top",
        )  # fmt: skip
    axes.set_ylim(floor, 1.25)
    decades = [10.0**k for k in range(int(np.floor(np.log10(floor))), 1) if 10.0**k >= floor]
    axes.set_yticks(decades, [percent(d) for d in decades])
    axes.set_yticks([], minor=True)
    right = max(slowest, objective_ms or 0)
    axes.set_xlim(fastest * 0.97, right * 1.04)
    axes.set_xticks([], minor=True)
    if axes.get_xscale() == "log":
        marks = [m * 10.0**k for k in range(-2, 7) for m in (1, 2, 5) if fastest <= m * 10.0**k <= right]
        axes.set_xticks(marks[:: max(1, len(marks) // 6)])
    axes.xaxis.set_major_formatter(lambda value, _: significant(value, 2))
    axes.set_xlabel("response time, ms", color=MUTE, fontsize=10)
    say(axes, "share of requests slower than x")
    return axes


def _slower_than(rows: pd.DataFrame, limit: float) -> float:
    # A survival curve: the value at the last step at or before the limit; everything is slower than the fastest.
    before = rows[rows["response_ms"] <= limit]
    return float(before["share_slower"].iloc[-1]) if len(before) else 1.0


def describe_tail(frame: pd.DataFrame, *, of: str = "response time", objective_ms: float | None = None) -> Description:
    """Say how many requests miss the objective on each side, or how the slowest hundredth compares."""
    baseline, candidate = _side(frame, "baseline"), _side(frame, "candidate")
    if candidate.empty:
        return Description(f"No evidence on {of}", f"Empty tail curve of {of}, where the candidate was not measured")
    if objective_ms is not None:
        now = _slower_than(candidate, objective_ms) if objective_ms < candidate["response_ms"].max() else 0.0
        limit = f"the {measure(objective_ms, 'ms')} objective"
        title = f"No request misses {limit}" if now == 0 else f"{percent(now)} of requests miss {limit}"
        if len(baseline):
            before = _slower_than(baseline, objective_ms) if objective_ms < baseline["response_ms"].max() else 0.0
            title += f"; {percent(before) if before else 'none'} did before" if (now or before) else ", as before"
    else:
        now = _quantile(candidate, 0.01)
        title = f"One request in a hundred takes longer than {measure(now, 'ms')}"
        if len(baseline):
            title += f"; {measure(_quantile(baseline, 0.01), 'ms')} before"
    alt = f"Tail curve of {of}, where {title[0].lower()}{title[1:]}"
    caption = f"Share of requests slower than x, logarithmic; {count(len(candidate))} points of the candidate's curve."
    return Description(title, alt, caption)


def _quantile(rows: pd.DataFrame, share: float) -> float:
    beyond = rows[rows["share_slower"] <= share]
    return float((beyond if len(beyond) else rows.tail(1))["response_ms"].iloc[0])
