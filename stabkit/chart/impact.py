"""Where the change is: changed lines by area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    BASELINE,
    CANDIDATE,
    INK,
    MUTE,
    Description,
    annotate_empty,
    few_ticks,
    label_row,
    lower_first,
    name_colours,
    name_rows,
)
from stabkit.numbers import amount_text, percent
from stabkit.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AREAS_SHOWN", "ImpactBars"]

AREAS_SHOWN = 10


def _areas(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.assign(area=frame["area"].fillna("no area"))
    rows[["added", "deleted"]] = rows[["added", "deleted"]].astype("Float64").fillna(0)
    areas = rows.groupby("area", as_index=False).agg(
        added=("added", "sum"), deleted=("deleted", "sum"), files=("area", "size")
    )
    areas["lines"] = areas["added"] + areas["deleted"]
    return areas.sort_values(["lines", "files", "area"], ascending=[False, False, True], ignore_index=True)


@dataclass(frozen=True, eq=False)
class ImpactBars:
    """Where the change is: changed lines by area.

    Parameters
    ----------
    frame : DataFrame
        ``area``, ``added``, ``deleted`` (lines; null for binary files), one row a changed file.
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw lines added to the right and deleted to the left, one bar an area, the largest first, ten at most."""
        areas = _areas(self.frame).head(AREAS_SHOWN)
        if areas.empty:
            return annotate_empty(axes, "no changed files")
        y = np.arange(len(areas))
        added, deleted = (areas[name].to_numpy(dtype="float64") for name in ("added", "deleted"))
        axes.barh(y, added, color=CANDIDATE, height=0.62, linewidth=0)
        axes.barh(y, -deleted, color=BASELINE, height=0.62, linewidth=0)
        axes.axvline(0, color=INK, linewidth=1)
        for i, row in areas.iterrows():
            label_row(axes, count(int(row["files"]), "file"), int(str(i)), colour=MUTE)
        name_rows(axes, areas["area"])
        reach = max(added.max() + deleted.max(), 1)
        axes.set_xlim(-max(deleted.max() * 1.08, reach * 0.04), max(added.max() * 1.08, reach * 0.04))
        axes.grid(visible=False)
        if areas["lines"].any():
            few_ticks(axes.xaxis, 4, whole=True)
        else:
            axes.set_xticks([0])
        axes.xaxis.set_major_formatter(lambda value, _: amount_text(abs(value)))
        axes.set_xlabel("lines", color=MUTE)
        name_colours(axes, [("■ deleted", MUTE), ("■ added", CANDIDATE)])
        return axes

    def describe(self) -> Description:
        """Say where most changed lines are."""
        areas = _areas(self.frame)
        if areas.empty:
            return Description("No file changed", "Empty bar chart of changed lines, where no file changed")
        total = float(areas["lines"].sum())
        first = areas.iloc[0]
        files = count(len(self.frame), "file")
        if total == 0:
            title = f"{files} changed, none by lines of text"
        elif len(areas) == 1:
            title = f"All {amount_text(total)} changed lines are in {first['area']}"
        else:
            share = percent(float(first["lines"]) / total, digits=2)
            title = f"{share} of {amount_text(total)} changed lines are in {first['area']}"
        caption = f"{files} in {count(len(areas), 'area')}: lines added right, deleted left."
        caption += f" The {AREAS_SHOWN} largest areas." if len(areas) > AREAS_SHOWN else ""
        return Description(title, f"Bars of changed lines by area, where {lower_first(title)}", caption)
