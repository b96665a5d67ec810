"""Memory and CPU round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import measure, plural
from stabkit.chart.style import BASELINE, CANDIDATE, MUTE, annotate_empty, even_ticks, few_ticks, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_resources", "plot_resources"]

_SIDES = (("baseline", BASELINE), ("candidate", CANDIDATE))


def _chosen(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    rows = frame[(frame["metric"] == metric) & frame["value"].notna()]
    return rows.groupby(["side", "round"], as_index=False).agg(value=("value", "median"), unit=("unit", "first"))


def plot_resources(frame: pd.DataFrame, *, axes: Axes, metric: str = "memory", of: str = "") -> Axes:  # noqa: ARG001
    """Draw one resource round by round, a line a side.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``round``, ``metric``, ``value``, ``unit``; several readings of a round: median.
    metric : str
        ``memory`` or ``cpu``, of the process or its container.
    of : str
        Whose, for the words.
    """
    rows = _chosen(frame, metric)
    if rows.empty:
        return annotate_empty(axes)
    ends = []
    for side, colour in _SIDES:
        mine = rows[rows["side"] == side].sort_values("round")
        if mine.empty:
            continue
        rounds = mine["round"].to_numpy(dtype="float64")
        values = mine["value"].to_numpy(dtype="float64")
        # A missing round breaks the line: nothing is drawn where nothing was read.
        breaks = np.flatnonzero(np.diff(rounds) > 1) + 1
        axes.plot(
            np.insert(rounds, breaks, np.nan),
            np.insert(values, breaks, np.nan),
            color=colour,
            linewidth=2,
            marker="o",
            markersize=4,
        )
        ends.append((rounds[-1], values[-1], side, colour))
    top = float(rows["value"].max()) * 1.25 or 1.0
    ends.sort(key=lambda end: end[1])
    for i, (x, y, side, colour) in enumerate(ends):
        apart = len(ends) == 2 and abs(ends[1][1] - ends[0][1]) < top * 0.09
        axes.annotate(
            side,
            (x, y),
            xytext=(0, (9 if i else -9) if apart or i else -9),
            textcoords="offset points",
            ha="right",
            va="bottom" if i else "top",
            color=MUTE if side == "baseline" else colour,
            fontweight="bold",
        )
    axes.set_ylim(0, top)
    even_ticks(axes.yaxis)
    few_ticks(axes.xaxis, 6, whole=True)
    axes.set_xlabel("round", color=MUTE)
    say(axes, f"{metric.replace('_', ' ')}, {rows['unit'].iloc[0]}".replace("$", r"\$"))
    return axes


def describe_resources(frame: pd.DataFrame, *, metric: str = "memory", of: str = "") -> Description:
    """Say the candidate's last level against its first, and the baseline's median against the candidate's."""
    rows = _chosen(frame, metric)
    candidate = rows[rows["side"] == "candidate"].sort_values("round")
    word = metric.replace("_", " ").replace("cpu", "CPU")
    name = f"{of} {word}" if of else word[0].upper() + word[1:]
    if candidate.empty:
        return Description(f"No evidence on {word}", f"Empty line chart of {word}, where the candidate has no reading")
    unit = str(candidate["unit"].iloc[0])
    title = f"{name} at a median of {measure(float(candidate['value'].median()), unit)}"
    baseline = rows[rows["side"] == "baseline"]
    if len(baseline):
        title += f"; {measure(float(baseline['value'].median()), unit)} before"
    rounds = len(candidate)
    if rounds > 1:
        step = float(candidate["value"].iloc[-1] - candidate["value"].iloc[0])
        way = "above" if step > 0 else "below"
        growth = f"ends {measure(abs(step), unit)} {way} its first reading" if step else "ends at its first reading"
        caption = f"{plural(rounds, 'round')}; the candidate {growth}."
    else:
        caption = "One reading: no growth can be told."
    finding = title if of or word == "CPU" else title[0].lower() + title[1:]
    return Description(title, f"Lines of {metric} by round, where {finding}", caption)
