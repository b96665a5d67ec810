"""How close to the limit: an interval against each objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import listing, measure, percent, plural
from stabkit.chart.style import (
    CANDIDATE,
    GROUND,
    INCONCLUSIVE,
    INK,
    MUTE,
    REGRESSED,
    RULE,
    annotate_empty,
    name_rows,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_objectives", "plot_objectives"]


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["value"].notna() & (frame["limit"] > 0)].copy()
    rows["used"] = rows["high"].fillna(np.inf) / rows["limit"]
    # Least headroom first, counted to the bound, not to the estimate.
    return rows.sort_values("used", ascending=False, kind="stable", ignore_index=True)


def plot_objectives(frame: pd.DataFrame, *, axes: Axes, confidence: float = 0.95) -> Axes:  # noqa: ARG001
    """Draw each value with its interval as a share of its limit, the limits on one line.

    Parameters
    ----------
    frame : DataFrame
        ``name``, ``value``, ``low``, ``high``, ``limit`` (one unit a row), ``unit``. A value above its limit misses the
        objective; an unknown upper bound reaches the edge.
    confidence : float
        Of the intervals, for the words.
    """
    rows = _known(frame)
    if rows.empty:
        return annotate_empty(axes)
    y = np.arange(len(rows))
    share = rows["value"] / rows["limit"]
    finite = rows["used"].replace(np.inf, np.nan)
    edge = max(1.15, float(np.nanmax([share.max(), finite.max()])) * 1.06)
    low = (rows["low"] / rows["limit"]).fillna(share)
    high = rows["used"].clip(upper=edge)
    colours = [_colour(a, b) for a, b in zip(low, rows["used"], strict=True)]
    axes.hlines(y, 0, edge, color=RULE, linewidth=1)
    axes.hlines(y, low, high, color=colours, linewidth=5, capstyle="round")
    axes.scatter(share, y, color=colours, s=62, edgecolor=GROUND, linewidth=1.2, zorder=3)
    axes.axvline(1, color=INK, linewidth=1.4)
    axes.text(1, -0.62, "limit", ha="center", va="bottom", color=INK, fontweight="bold")
    for i, row in rows.iterrows():
        axes.annotate(
            f"{measure(row['value'], row['unit'])} of {measure(row['limit'], row['unit'])}",
            (0, i),
            xytext=(2, 5),
            textcoords="offset points",
            va="bottom",
            color=MUTE,
            fontsize=9,
        )
    name_rows(axes, rows["name"], 26)
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_xlim(0, edge)
    axes.grid(visible=False)
    axes.xaxis.set_major_formatter(lambda value, _: percent(value))
    axes.set_xticks(
        [t for t in (0, 0.25, 0.5, 0.75, 1.0, 1.5, 2, 3, 5) if t <= edge and (edge < 2 or t not in (0.25, 0.75))]
    )
    return axes


def _colour(low: float, high: float) -> str:
    return REGRESSED if low > 1 else INCONCLUSIVE if high > 1 else CANDIDATE


def describe_objectives(frame: pd.DataFrame, *, confidence: float = 0.95) -> Description:
    """Say which objectives are missed or unproven, or how much headroom the tightest has."""
    rows = _known(frame)
    if rows.empty:
        return Description("No objective was measured", "Empty headroom chart, where no objective was measured")
    missed = rows[(rows["low"] / rows["limit"]) > 1]
    unproven = rows[(rows["used"] > 1) & ~rows.index.isin(missed.index)]
    if len(missed):
        verb = "misses its objective" if len(missed) == 1 else "miss their objectives"
        title = f"{listing([str(name) for name in missed['name']], 2)} {verb}"
    elif len(unproven):
        whose = "its objective" if len(unproven) == 1 else "their objectives"
        title = f"{listing([str(name) for name in unproven['name']], 2)} may miss {whose}"
    else:
        left = percent(1 - float(rows["used"].iloc[0]), digits=2)
        title = f"{plural(len(rows), 'objective is', 'objectives are')} met; the tightest leaves {left} headroom"
    caption = (
        f"Value and {percent(confidence)} interval as a share of the limit, least headroom first; "
        "headroom counts to the interval's upper bound."
    )
    return Description(
        title, f"Intervals of {plural(len(rows), 'objective')} against the limit, where {title}", caption
    )
