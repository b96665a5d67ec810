"""How bad the tail is: the share of requests slower than x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.description import Description, Sizes, sizes_text
from stabkit.chart.numbers import measure, percent, significant
from stabkit.chart.style import BASELINE, CANDIDATE, INK, MUTE, annotate_empty, name_sides, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_tail", "plot_tail"]

_SIDES: Final = (("baseline", BASELINE), ("candidate", CANDIDATE))
# An objective beyond this many times the slowest value is named, not drawn: it would leave no room for the curves.
FAR: Final = 2.5


def _side(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    mine = frame[(frame["side"] == side) & (frame["share_slower"] > 0) & frame["response_ms"].notna()]
    return mine.sort_values("response_ms", ignore_index=True)


def plot_tail(
    frame: pd.DataFrame,
    *,
    axes: Axes,
    of: str = "response time",
    objective_ms: float | None = None,
    sizes: Sizes | None = None,  # noqa: ARG001
) -> Axes:
    """Draw the share of requests slower than x for both sides, logarithmic, with the objective as a line.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``response_ms`` (ms), ``share_slower`` (0 to 1), any order.
    of : str
        What was measured, for the words.
    objective_ms : float, optional
        The limit, ms.
    sizes : mapping, optional
        Samples and rounds of each side, for the caption.
    """
    curves = {name: _side(frame, name) for name, _ in _SIDES}
    drawn = [rows for rows in curves.values() if len(rows)]
    if not drawn:
        return annotate_empty(axes)
    floor = max(min(float(rows["share_slower"].min()) for rows in drawn), 1e-4)
    slowest = max(float(rows.loc[rows["share_slower"] >= floor, "response_ms"].max()) for rows in drawn)
    fastest = min(float(rows["response_ms"].min()) for rows in drawn)
    near = objective_ms is not None and objective_ms <= slowest * FAR
    right = max(slowest, objective_ms) if near and objective_ms is not None else slowest
    axes.set_yscale("log")
    if fastest > 0 and right / fastest > 12:
        axes.set_xscale("log")
    for name, colour in _SIDES:
        if len(curves[name]):
            axes.plot(curves[name]["response_ms"], curves[name]["share_slower"], color=colour, linewidth=2, label=name)
    axes.set_ylim(floor, 1.25)
    axes.set_xlim(fastest * 0.97, right * 1.04 if right > fastest else right * 1.5 + 1e-9)
    _ticks(axes, floor, fastest, right)
    if objective_ms is not None:
        _mark_objective(axes, drawn, objective_ms, near=near)
    axes.set_xlabel(f"{of}, ms".replace("$", r"\$") if len(of) < 40 else "ms", color=MUTE, fontsize=10)
    say(axes, "share slower than x")
    name_sides(axes, "—")
    return axes


def _ticks(axes: Axes, floor: float, fastest: float, right: float) -> None:
    decades = [10.0**k for k in range(int(np.floor(np.log10(floor))), 1) if 10.0**k >= floor]
    axes.set_yticks(decades, [percent(d) for d in decades])
    axes.set_yticks([], minor=True)
    axes.set_xticks([], minor=True)
    if axes.get_xscale() == "log":
        marks = [m * 10.0**k for k in range(-2, 7) for m in (1, 2, 5) if fastest <= m * 10.0**k <= right]
        axes.set_xticks(marks[:: max(1, len(marks) // 6)])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value < 1000 else significant(value, 2))


def _mark_objective(axes: Axes, drawn: list[pd.DataFrame], objective_ms: float, *, near: bool) -> None:
    words = f"objective {measure(objective_ms, 'ms')}"
    if not near:
        axes.text(0.995, 0.93, f"{words} →", transform=axes.transAxes, ha="right", va="top", color=INK)
        return
    axes.axvline(objective_ms, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    place = axes.transData.transform((objective_ms, 1.0))[0]
    box = axes.get_window_extent()
    left = place > (box.x0 + box.x1) / 2
    # The words keep out of the curves: below where these are still high beside the line, above where they are low.
    high = max(_slower_than(rows, objective_ms / (1.6 if left else 1)) for rows in drawn) > 0.2
    axes.annotate(
        words, (objective_ms, axes.get_ylim()[0] * 1.25 if high else 1.0), xytext=(-6 if left else 6, 0),
        textcoords="offset points", color=INK, ha="right" if left else "left", va="bottom" if high else "top",
    )  # fmt: skip


def _slower_than(rows: pd.DataFrame, limit: float) -> float:
    # A survival curve: the value at the last step at or before the limit; everything is slower than the fastest.
    if limit >= float(rows["response_ms"].max()):
        return 0.0
    before = rows[rows["response_ms"] <= limit]
    return float(before["share_slower"].iloc[-1]) if len(before) else 1.0


def describe_tail(
    frame: pd.DataFrame,
    *,
    of: str = "response time",
    objective_ms: float | None = None,
    sizes: Sizes | None = None,
) -> Description:
    """Say how many requests miss the objective on each side, or how the slowest hundredth compares."""
    baseline, candidate = _side(frame, "baseline"), _side(frame, "candidate")
    if candidate.empty:
        return Description(f"No evidence on {of}", f"Empty tail curve of {of}, where the candidate was not measured")
    if objective_ms is not None:
        finding = _missed(baseline, candidate, f"the {measure(objective_ms, 'ms')} objective", objective_ms)
    else:
        finding = f"1{chr(0x202F)}% take longer than {measure(_quantile(candidate, 0.01), 'ms')}"
        if len(baseline):
            finding += f"; {measure(_quantile(baseline, 0.01), 'ms')} before"
    title = f"{of}: {finding}"
    caption = f"Share of requests slower than x, logarithmic{sizes_text(sizes)}."
    return Description(title, f"Tail curve of {of}, where {finding}", caption)


def _missed(baseline: pd.DataFrame, candidate: pd.DataFrame, limit: str, objective_ms: float) -> str:
    now = _slower_than(candidate, objective_ms)
    text = f"none misses {limit}" if now == 0 else f"{percent(now)} miss {limit}"
    if baseline.empty:
        return text
    before = _slower_than(baseline, objective_ms)
    if not now and not before:
        return f"{text}, as before"
    return f"{text}; {percent(before) if before else 'none'} did before"


def _quantile(rows: pd.DataFrame, share: float) -> float:
    beyond = rows[rows["share_slower"] <= share]
    return float((beyond if len(beyond) else rows.tail(1))["response_ms"].iloc[0])
