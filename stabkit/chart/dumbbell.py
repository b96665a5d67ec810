"""Which targets or stages moved: baseline and candidate as two dots a row, with the candidate's interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import listing, plural
from stabkit.chart.style import (
    BASELINE,
    CANDIDATE,
    GROUND,
    MUTE,
    OUTCOME_COLOURS,
    REGRESSED,
    annotate_empty,
    even_ticks,
    few_ticks,
    name_rows,
    name_sides,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_dumbbell", "plot_dumbbell"]


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["baseline"].notna() | frame["candidate"].notna()].reset_index(drop=True)


def plot_dumbbell(frame: pd.DataFrame, *, axes: Axes, of: str = "targets", unit: str = "ms") -> Axes:  # noqa: ARG001
    """Draw one row a target or stage, in the order given (least stable first).

    Parameters
    ----------
    frame : DataFrame
        ``name``, ``baseline``, ``candidate``, ``low``, ``high`` (bounds of the candidate, all in ``unit``; null if
        unknown), ``outcome``.
    """
    rows = _known(frame)
    if rows.empty:
        return annotate_empty(axes)
    y = np.arange(len(rows))
    colours = [_colour(outcome) for outcome in rows["outcome"]]
    axes.hlines(y, rows["baseline"], rows["candidate"], color=MUTE, linewidth=1)
    axes.hlines(y, rows["low"], rows["high"], color=colours, linewidth=4.5, alpha=0.45, capstyle="round")
    axes.plot(rows["baseline"], y, "o", color=BASELINE, markersize=7.5, markeredgecolor=GROUND, label="baseline")
    axes.scatter(rows["candidate"], y, color=colours, s=60, edgecolor=GROUND, linewidth=1, zorder=3)
    name_rows(axes, rows["name"], 26)
    largest = float(
        np.nanmax(
            rows[["baseline", "candidate", "high"]].replace(np.inf, np.nan).to_numpy(dtype="float64", na_value=np.nan)
        )
    )
    axes.set_xlim(0, largest * 1.08 or 1)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color="#e3e6ea", linewidth=0.8)
    few_ticks(axes.xaxis, 6)
    even_ticks(axes.xaxis)
    axes.set_xlabel(unit, color=MUTE)
    name_sides(axes)
    return axes


def _colour(outcome: object) -> str:
    return REGRESSED if outcome == "regressed" else CANDIDATE if outcome in OUTCOME_COLOURS else MUTE


def describe_dumbbell(frame: pd.DataFrame, *, of: str = "targets", unit: str = "ms") -> Description:
    """Say which rows are slower and faster, or that none is."""
    rows = _known(frame)
    if rows.empty:
        return Description(f"No evidence on {of}", f"Empty dumbbell chart of {of}, where nothing was measured")
    worse, better = (list(rows.loc[rows["outcome"] == word, "name"].astype(str)) for word in ("regressed", "improved"))
    open_rows = int((rows["outcome"] == "inconclusive").sum())
    parts = [f"{listing(names, 3)} regressed" for names in (worse,) if names]
    parts += [f"{listing(names, 3)} improved" for names in (better,) if names]
    if not parts and open_rows:
        parts = [f"No regression is shown; {open_rows} of {len(rows)} {of} inconclusive"]
    title = "; ".join(parts) or f"None of the {plural(len(rows), of.removesuffix('s'))} moved beyond its margin"
    caption = f"Baseline grey, candidate with its 95{chr(0x202F)}% interval, {unit}; zero at the left."
    return Description(title, f"Dumbbell chart of {of}, where {title}", caption)
