"""Where the change is: changed lines by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import count, percent, plural
from stabkit.chart.style import BASELINE, CANDIDATE, INK, MUTE, annotate_empty, few_ticks, name_rows, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_impact", "plot_impact"]

_SHOWN = 10


def _areas(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.assign(area=frame["area"].fillna("no area"))
    rows[["added", "deleted"]] = rows[["added", "deleted"]].astype("Float64").fillna(0)
    areas = rows.groupby("area", as_index=False).agg(
        added=("added", "sum"), deleted=("deleted", "sum"), files=("area", "size")
    )
    areas["lines"] = areas["added"] + areas["deleted"]
    return areas.sort_values(["lines", "files", "area"], ascending=[False, False, True], ignore_index=True)


def plot_impact(frame: pd.DataFrame, *, axes: Axes) -> Axes:
    """Draw lines added to the right and deleted to the left, one bar an area, the largest first, ten at most.

    Parameters
    ----------
    frame : DataFrame
        ``area``, ``added``, ``deleted`` (lines; null for binary files), one row a changed file.
    """
    areas = _areas(frame).head(_SHOWN)
    if areas.empty:
        return annotate_empty(axes, "no changed files")
    y = np.arange(len(areas))
    added, deleted = (areas[name].to_numpy(dtype="float64") for name in ("added", "deleted"))
    axes.barh(y, added, color=CANDIDATE, height=0.62, linewidth=0)
    axes.barh(y, -deleted, color=BASELINE, height=0.62, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1)
    for i, row in areas.iterrows():
        axes.annotate(
            plural(int(row["files"]), "file"),
            (added[i], i),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=MUTE,
            fontsize=9,
        )
    name_rows(axes, areas["area"])
    reach = max(added.max(), deleted.max(), 1)
    axes.set_xlim(-max(deleted.max() * 1.08, reach * 0.06), max(added.max(), reach * 0.1) * 1.25)
    axes.grid(visible=False)
    few_ticks(axes.xaxis, 5, whole=True)
    axes.xaxis.set_major_formatter(lambda value, _: count(abs(value)))
    say(axes, "lines deleted, added")
    return axes


def describe_impact(frame: pd.DataFrame) -> Description:
    """Say where most changed lines are."""
    areas = _areas(frame)
    if areas.empty:
        return Description("No file changed", "Empty bar chart of changed lines, where no file changed")
    total = float(areas["lines"].sum())
    first = areas.iloc[0]
    files = plural(len(frame), "file")
    if total == 0:
        title = f"{files} changed, none by lines of text"
    elif len(areas) == 1:
        title = f"All {count(total)} changed lines are in {first['area']}"
    else:
        title = (
            f"{percent(float(first['lines']) / total, digits=2)} of {count(total)} changed lines are in {first['area']}"
        )
    caption = f"{files} in {plural(len(areas), 'area')}: lines added right, deleted left."
    caption += f" The {_SHOWN} largest areas." if len(areas) > _SHOWN else ""
    return Description(title, f"Bars of changed lines by area, where {title[0].lower()}{title[1:]}", caption)
