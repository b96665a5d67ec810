"""How bad the tail is: the share of requests slower than x."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    BASELINE,
    CANDIDATE,
    INK,
    MUTE,
    Description,
    Sizes,
    annotate_empty,
    few_ticks,
    height_pt,
    name_sides,
    say,
    sizes_text,
    text_pt,
    width_pt,
)
from stabkit.numbers import measure, percent, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SHARES", "TailCurve"]

_SIDES: Final = (("baseline", BASELINE), ("candidate", CANDIDATE))
# An objective beyond this many times the slowest value is named, not drawn: it would leave no room for the curves.
FAR: Final = 2.5
# Shares at which a title may cut the tail, and how many requests must lie beyond on either side.
SHARES: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)
ENOUGH_BEYOND: Final = 10


def _side(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    mine = frame[(frame["side"] == side) & (frame["share_slower"] > 0) & frame["response_ms"].notna()]
    return mine.sort_values("response_ms", ignore_index=True)


@dataclass(frozen=True, eq=False)
class TailCurve:
    """How bad the tail of both sides is.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``response_ms`` (ms), ``share_slower`` (0 to 1): the share that takes this long
        or longer, thus the share slower than anything between this time and the one before. Any order.
    of : str
        What was measured, for the words.
    objective_ms : float, optional
        The limit, ms.
    sizes : mapping, optional
        Samples and rounds of each side, for the caption.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "response time"
    objective_ms: float | None = None
    sizes: Sizes | None = None

    def draw(self, axes: Axes) -> Axes:
        """Draw the share of requests slower than x, a step line a side, logarithmic, with the objective as a line."""
        curves = {name: _side(self.frame, name) for name, _ in _SIDES}
        drawn = [rows for rows in curves.values() if len(rows)]
        if not drawn:
            return annotate_empty(axes)
        floor = max(min(float(rows["share_slower"].min()) for rows in drawn), 1e-4)
        slowest = max(float(rows.loc[rows["share_slower"] >= floor, "response_ms"].max()) for rows in drawn)
        fastest = min(float(rows["response_ms"].min()) for rows in drawn)
        near = self.objective_ms is not None and self.objective_ms <= slowest * FAR
        right = max(slowest, self.objective_ms) if near and self.objective_ms is not None else slowest
        axes.set_yscale("log")
        # The slowest request of all is seen only above the axis.
        floor = floor if floor <= 1e-4 else floor * 0.8
        if fastest > 0 and right / fastest > 12:
            axes.set_xscale("log")
        for name, colour in _SIDES:
            if len(curves[name]):
                x, y = curves[name]["response_ms"].to_numpy(), curves[name]["share_slower"].to_numpy()
                # Down to nothing after the slowest: the axis ends the line.
                x, y = np.append(x, x[-1]), np.append(y, floor / 10)
                axes.plot(x, y, color=colour, linewidth=2, drawstyle="steps-pre", label=name)
        axes.set_ylim(floor, 1.25)
        axes.set_xlim(
            fastest * 0.97 if right > fastest else fastest * 0.5,
            right * 1.04 if right > fastest else right * 1.5 + 1e-9,
        )
        _ticks(axes, floor, fastest, right)
        if self.objective_ms is not None:
            _mark_objective(axes, drawn, self.objective_ms, near=near)
        axes.set_xlabel(f"{self.of}, ms".replace("$", r"\$") if len(self.of) < 40 else "ms", color=MUTE, fontsize=10)
        say(axes, "share slower than x")
        name_sides(axes, "—")
        return axes

    def describe(self) -> Description:
        """Say how many requests miss the objective on each side, or how the slowest hundredth compares."""
        baseline, candidate = _side(self.frame, "baseline"), _side(self.frame, "candidate")
        if candidate.empty:
            empty = f"Empty tail curve of {self.of}, where nothing was measured now"
            return Description(f"No evidence on {self.of}", empty)
        finding = (
            _missed(baseline, candidate, f"the {measure(self.objective_ms, 'ms')} objective", self.objective_ms)
            if self.objective_ms is not None
            else _slowest(baseline, candidate)
        )
        title = f"{self.of}: {finding}"
        caption = f"Share of requests slower than x, logarithmic{sizes_text(self.sizes)}."
        return Description(title, f"Tail curve of {self.of}, where {finding}", caption)


def _ticks(axes: Axes, floor: float, fastest: float, right: float) -> None:
    decades = [10.0**k for k in range(int(np.floor(np.log10(floor))), 1) if 10.0**k >= floor]
    axes.set_yticks(decades, [percent(d) for d in decades])
    axes.set_yticks([], minor=True)
    axes.set_xticks([], minor=True)
    if axes.get_xscale() == "log":
        marks = [m * 10.0**k for k in range(-2, 7) for m in (1, 2, 5) if fastest <= m * 10.0**k <= right]
        # Whole decades where 1, 2, 5 would crowd: never 1, 20, 500.
        decades = [mark for mark in marks if f"{mark:e}".startswith("1.0")]
        axes.set_xticks(marks if len(marks) <= 8 else decades)
    else:
        few_ticks(axes.xaxis, 7)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value < 1000 else significant(value, 2))


def _mark_objective(axes: Axes, drawn: list[pd.DataFrame], objective_ms: float, *, near: bool) -> None:
    words = f"objective {measure(objective_ms, 'ms')}"
    if not near:
        axes.text(0.995, 0.93, f"{words} →", transform=axes.transAxes, ha="right", va="top", color=INK)
        return
    axes.axvline(objective_ms, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    left, height = _free_place(axes, drawn, objective_ms, text_pt(words))
    axes.annotate(
        words, (objective_ms, height), xycoords=("data", "axes fraction"), xytext=(-6 if left else 6, 0),
        textcoords="offset points", color=INK, ha="right" if left else "left", va="center",
    )  # fmt: skip


def _free_place(axes: Axes, drawn: list[pd.DataFrame], objective_ms: float, width: float) -> tuple[bool, float]:
    """Return where words beside the objective lie on the least of the curves: left of it or not, and how high."""
    box = (width_pt(axes), height_pt(axes))
    curves = []
    for rows in drawn:
        x, y = (
            axes.transLimits.transform(
                axes.transScale.transform(rows[["response_ms", "share_slower"]].to_numpy(dtype="float64"))
            ).T
            * np.array(box)[:, None]
        )
        curves.append((np.append(x, x[-1]), np.append(y, 0.0)))
    place = float(axes.transLimits.transform(axes.transScale.transform((objective_ms, 1.0)))[0]) * box[0]
    found = []
    for left in (False, True):
        first, end = (place - width - 6, place) if left else (place, place + width + 6)
        beyond = max(0.0, -first) + max(0.0, end - box[0])
        for down in (0, 6, 1, 5, 2, 4, 3):  # the corners first
            middle = box[1] - 9 - down * (box[1] - 18) / 6
            lies = sum(_passes(x, y, (first, end), (middle - 7, middle + 7)) for x, y in curves)
            found.append((beyond > 0, lies, left, middle / box[1]))
    best = min(found, key=lambda place: place[:2])
    return best[2], best[3]


def _passes(x: np.ndarray, y: np.ndarray, across: tuple[float, float], up: tuple[float, float]) -> int:
    """Return how many points of a step line lie in a box, one a point across."""
    places = np.arange(max(across[0], x[0]), min(across[1], x[-1]), 1.0)
    heights = y[np.searchsorted(x, places, side="left").clip(max=len(y) - 1)]
    return int(((heights >= up[0]) & (heights <= up[1])).sum())


def _slower_than(rows: pd.DataFrame, limit: float) -> float:
    beyond = rows[rows["response_ms"] > limit]
    return float(beyond["share_slower"].iloc[0]) if len(beyond) else 0.0


def _slowest(baseline: pd.DataFrame, candidate: pd.DataFrame) -> str:
    """Return the farthest quantile that enough requests of both sides lie beyond; a rarer one would be chance."""
    rarest = max(float(rows["share_slower"].min()) for rows in (baseline, candidate) if len(rows))
    share = next((share for share in SHARES if share >= ENOUGH_BEYOND * rarest - 1e-9), None)
    if share is None:
        return "too few requests to speak of a tail"
    finding = f"p{(1 - share) * 100:g} is {measure(_quantile(candidate, share), 'ms')}"
    return finding + (f", {measure(_quantile(baseline, share), 'ms')} before" if len(baseline) else "")


def _missed(baseline: pd.DataFrame, candidate: pd.DataFrame, limit: str, objective_ms: float) -> str:
    now = _slower_than(candidate, objective_ms)
    text = f"none misses {limit}" if now == 0 else f"{percent(now, digits=2)} miss {limit}"
    if baseline.empty:
        return text
    before = _slower_than(baseline, objective_ms)
    if not now and not before:
        return f"{text}, as before"
    return f"{text}; {percent(before, digits=2) if before else 'none'} did before"


def _quantile(rows: pd.DataFrame, share: float) -> float:
    # Nearest rank: the last of those that more than the share lie at or beyond.
    within = rows[rows["share_slower"] > share + 1e-9]
    return float((within if len(within) else rows)["response_ms"].iloc[-1 if len(within) else 0])
