"""The x axis that all histories share: one place a run, in time order, labelled where there is room."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing.palette import MUTE
from stabkit.chart.drawing.style import escape_label, text_pt, width_in, width_pt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["label_runs", "mark_gaps", "mark_releases", "releases", "run_name", "step_edges"]

_LINE_PT: Final = 11
_VERSION: Final = re.compile(r"v?\d+(\.\d+)+([-.+_]?[a-z]*\.?\d+)?", re.IGNORECASE)


def run_name(row: pd.Series) -> str:
    """Return a run's label, or its id if it has none."""
    label = row.get("label")
    return str(row["run_id"]) if label is None or pd.isna(label) else str(label)


def releases(runs: pd.DataFrame) -> list[int]:
    """Return the rows of the runs that are labelled as a version; nothing where all are, since none then stands out.

    Examples
    --------
    >>> releases(pd.DataFrame({"run_id": list("abcd"), "label": ["nightly-1", "v1.4", "2.0-rc1", None]}))
    [1, 2]
    """
    found = [i for i, (_, row) in enumerate(runs.iterrows()) if _VERSION.fullmatch(run_name(row).strip())]
    return found if len(found) < len(runs) else []


def mark_releases(axes: Axes, runs: pd.DataFrame) -> None:
    """Point at each release from the floor of the axes."""
    for place in releases(runs):
        axes.plot(place, 0, marker="^", markersize=6, color=MUTE, clip_on=False, transform=axes.get_xaxis_transform())


def label_runs(axes: Axes, runs: pd.DataFrame, *, most: int = 5) -> None:
    """Label at most that many runs, fewer where there is no room: the first, the last, releases, some between.

    Parameters
    ----------
    runs : DataFrame
        ``run_id`` and ``label``, one row a run, in order; the run at row i stands at x = i.
    """
    n = len(runs)
    names = [escape_label(run_name(row), 12) for _, row in runs.iterrows()]
    room = width_pt(axes) / (max(map(text_pt, names)) + 12)
    amount = max(1, min(most, n, int(room)))
    even = np.linspace(0, n - 1, amount).round().astype(int)
    apart = n / (room + 1)  # so many runs lie under one label
    # Where a long last name would leave the picture it ends under its run, and reaches further to the left.
    margin = width_in(axes) * 72 * (1 - axes.get_position().x1) + width_pt(axes) * 0.6 / n
    last_ends = text_pt(names[-1]) / 2 > margin
    places: list[int] = []
    for place in [0, n - 1, *reversed(releases(runs)), *even]:
        needed = (apart * (1.5 if last_ends and n - 1 in (place, other) else 1) for other in places)
        if len(places) < amount and all(abs(place - o) >= least for o, least in zip(places, needed, strict=True)):
            places.append(int(place))
    places.sort()
    axes.set_xticks(places, [names[i] for i in places])
    axes.tick_params(axis="x", pad=7)
    axes.set_xlim(-0.6, n - 0.4)
    if last_ends and places[-1] == n - 1:
        axes.get_xticklabels()[-1].set_horizontalalignment("right")


def mark_gaps(axes: Axes, missing: np.ndarray, word: str, *, colour: str = MUTE) -> None:
    """Say at the floor where runs have no evidence: in words where there is room, else with the glyph of no value."""
    slot = width_pt(axes) / len(missing)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(int)))
    for first, end in edges.reshape(-1, 2):
        room = (end - first) * slot
        level = room >= text_pt(word) + 4
        upright = not level and room >= _LINE_PT
        axes.annotate(
            word if level or upright else "–", ((first + end - 1) / 2, 0), xytext=(0, 4), textcoords="offset points",
            ha="center", color=colour, rotation=90 if upright else 0,
        )  # fmt: skip


def step_edges(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of a step line whose steps are centred on the runs; a missing value breaks it.

    Examples
    --------
    >>> x, y = step_edges(pd.Series([1.0, 2.0]))
    >>> x.tolist(), y.tolist()
    ([-0.5, 0.5, 0.5, 1.5], [1.0, 1.0, 2.0, 2.0])
    """
    n = len(values)
    x = np.repeat(np.arange(n + 1) - 0.5, 2)[1:-1]
    return x, np.repeat(values.to_numpy(dtype="float64", na_value=np.nan), 2)
