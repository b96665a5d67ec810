"""When the events of WebSocket conversations arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import count, listing, measure, plural
from stabkit.chart.style import (
    BASELINE,
    CANDIDATE,
    MUTE,
    RULE,
    annotate_empty,
    even_ticks,
    few_ticks,
    name_rows,
    name_sides,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_events", "plot_events"]

_SIDES = (("baseline", BASELINE, -0.17), ("candidate", CANDIDATE, 0.17))


def _order(frame: pd.DataFrame, expected: tuple[str, ...]) -> list[str]:
    middle = frame.groupby("event")["value_ms"].median().sort_values(kind="stable")
    return [*middle.index, *(name for name in expected if name not in middle.index)]


def plot_events(frame: pd.DataFrame, *, axes: Axes, expected: tuple[str, ...] = ()) -> Axes:
    """Draw each event's arrivals: a tick each, a bar over the middle 90 % and a dot at the median, a side each.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``event``, ``value_ms`` (after connect, ms).
    expected : tuple of str
        Events that should have been seen; a missing one keeps its row.
    """
    rows = frame[frame["value_ms"].notna()]
    names = _order(rows, expected)
    if not names:
        return annotate_empty(axes)
    for side, colour, offset in _SIDES:
        mine = rows[rows["side"] == side]
        for i, name in enumerate(names):
            times = np.sort(mine.loc[mine["event"] == name, "value_ms"].to_numpy())
            if not len(times):
                continue
            low, middle, high = np.quantile(times, (0.05, 0.5, 0.95))
            axes.plot([low, high], [i + offset] * 2, color=colour, linewidth=4.5, alpha=0.4, solid_capstyle="round")
            # Sixty evenly ranked arrivals show the spread; more would be a black bar and a large file.
            ticks = times[np.unique(np.linspace(0, len(times) - 1, min(60, len(times))).astype(int))]
            # One broken line instead of a mark each: a twentieth of the bytes.
            x = np.repeat(ticks, 3)
            y = np.tile([i + offset - 0.11, i + offset + 0.11, np.nan], len(ticks))
            axes.plot(x, y, color=colour, linewidth=0.8, alpha=0.6)
            axes.plot([middle], [i + offset], "o", color=colour, markersize=5.5)
    for i, name in enumerate(names):
        if name not in set(rows.loc[rows["side"] == "candidate", "event"]):
            axes.annotate(
                "never seen",
                (0, i),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color="#a84300",
                fontweight="bold",
            )
    name_rows(axes, names)
    axes.set_xlim(0, max(float(rows["value_ms"].max()) * 1.05, 1) if len(rows) else 1)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.8)
    few_ticks(axes.xaxis, 6)
    even_ticks(axes.xaxis)
    axes.set_xlabel("ms after connect", color=MUTE)
    name_sides(axes)
    return axes


def describe_events(frame: pd.DataFrame, *, expected: tuple[str, ...] = ()) -> Description:
    """Say which expected events never came, or how late the last one comes."""
    rows = frame[frame["value_ms"].notna()]
    candidate = rows[rows["side"] == "candidate"]
    names = _order(rows, expected)
    if not names:
        return Description("No events were recorded", "Empty event timeline, where no event was recorded")
    missing = [name for name in names if name not in set(candidate["event"])]
    if missing:
        title = f"{listing(missing, 3)} never arrived in the candidate"
    else:
        last = names[-1]
        title = f"All {plural(len(names), 'event')} arrived; the last, {last}, at {_middle(candidate, last)}"
        if len(rows[rows["side"] == "baseline"]):
            title += f" ({_middle(rows[rows['side'] == 'baseline'], last)} before)"
    key = f"ticks are messages, bars the middle 90{chr(0x202F)}%, dots medians"
    caption = f"Arrival after connect: {key}; {count(len(rows))} messages."
    return Description(
        title, f"Event timeline of {plural(len(names), 'event')}, where {title[0].lower()}{title[1:]}", caption
    )


def _middle(rows: pd.DataFrame, event: str) -> str:
    times = rows.loc[rows["event"] == event, "value_ms"]
    return measure(float(times.median()), "ms") if len(times) else "no time"
