"""Where the change is, changed lines by area, and how large among earlier changes."""

from __future__ import annotations

from collections.abc import Sequence
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

__all__ = ["AREAS_SHOWN", "ImpactBars", "RankStrip"]

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


@dataclass(frozen=True, eq=False)
class RankStrip:
    """How large a change is among the earlier ones of its repository.

    Parameters
    ----------
    percentile : float
        Where it ranks, 0 to 100.
    compared : int
        How many earlier changes it was ranked among.
    zones : sequence of (str, float)
        Names of the levels, each with the percentile where it ends, in order.
    """

    percentile: float
    compared: int
    zones: Sequence[tuple[str, float]]

    def draw(self, axes: Axes) -> Axes:
        """Draw the levels side by side along the percentiles, and a mark where the change stands."""
        start = 0.0
        for number, (name, end) in enumerate(self.zones):
            inside = self._zone() == name
            shade = CANDIDATE if inside else BASELINE
            axes.barh(0, end - start, left=start, height=0.5, color=shade, alpha=1.0 if inside else 0.25 + 0.1 * number)
            axes.text((start + end) / 2, -0.42, name.lower(), ha="center", va="top", color=INK if inside else MUTE)
            start = end
        axes.plot([self.percentile], [0.38], marker="v", markersize=9, color=INK, clip_on=False)
        axes.set_xlim(0, 100)
        axes.set_ylim(-0.9, 0.7)
        axes.set_yticks([])
        axes.set_xticks([])
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    @property
    def frame(self) -> pd.DataFrame:
        """The levels with the percentiles where they begin and end, and the change among them."""
        ends = [end for _, end in self.zones]
        names = [name for name, _ in self.zones]
        here = [self.percentile if name == self._zone() else None for name in names]
        return pd.DataFrame({"level": names, "from": [0.0, *ends[:-1]], "to": ends, "this_change": here})

    def _zone(self) -> str:
        return next((name for name, end in self.zones if self.percentile < end), self.zones[-1][0])

    def describe(self) -> Description:
        """Say what share of earlier changes is smaller."""
        title = f"Larger than {percent(self.percentile / 100, digits=2)} of {count(self.compared, 'earlier change')}"
        caption = "Ranked in its own history: code lines added, then files, folders and how new its authors are."
        return Description(title, f"Strip of levels by rank, where the change is {lower_first(title)}", caption)
