"""When the events of WebSocket conversations arrive."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    BASELINE,
    CANDIDATE,
    MUTE,
    REGRESSED_INK,
    RULE,
    SIDE_NAMES,
    Description,
    annotate_empty,
    even_ticks,
    few_ticks,
    lower_first,
    name_rows,
    name_sides,
)
from stabkit.numbers import amount_text, measure
from stabkit.text import all_of, count, joined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EVENTS_SHOWN", "EventTimeline"]

EVENTS_SHOWN: Final = 16
# Arrivals beyond this many times the latest usual one (its 95th percentile) are named at the edge.
FAR: Final = 2.5

_SIDES = (("baseline", BASELINE, -0.17), ("candidate", CANDIDATE, 0.17))


def _order(frame: pd.DataFrame, expected: tuple[str, ...]) -> list[str]:
    middle = frame.groupby("event")["value_ms"].median().sort_values(kind="stable")
    return [*middle.index, *(name for name in expected if name not in middle.index)]


@dataclass(frozen=True, eq=False)
class EventTimeline:
    """When the events of WebSocket conversations arrive, a side each.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``event``, ``value_ms`` (after connect, ms).
    expected : tuple of str
        Events that should have been seen; a missing one keeps its row.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    expected: tuple[str, ...] = ()

    def draw(self, axes: Axes) -> Axes:
        """Draw each event's arrivals: a tick each, a bar over the middle 90 % and a dot at the median, a side each."""
        rows = self.frame[self.frame["value_ms"].notna()]
        names = _order(rows, self.expected)
        if not names:
            return annotate_empty(axes)
        shown = names[:EVENTS_SHOWN]
        rows = rows[rows["event"].isin(shown)]
        edge, far = _reach(rows)
        for side, colour, offset in _SIDES:
            mine = rows[rows["side"] == side]
            for i, name in enumerate(shown):
                times = np.sort(mine.loc[mine["event"] == name, "value_ms"].to_numpy(dtype="float64"))
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
                if times[-1] > edge:
                    _mark_late(axes, times[times > edge], (edge, i + offset), colour=colour, above=side == "baseline")
        seen = set(rows.loc[rows["side"] == "candidate", "event"])
        for i, name in enumerate(shown):
            if name not in seen:
                axes.annotate(
                    "✗ never seen", (0, i + 0.17), xytext=(4, 0), textcoords="offset points", va="center",
                    color=REGRESSED_INK, fontweight="bold",
                )  # fmt: skip
        name_rows(axes, shown)
        axes.set_xlim(0, edge * 1.12 if far else edge * 1.05)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x", color=RULE, linewidth=0.8)
        few_ticks(axes.xaxis, 6)
        even_ticks(axes.xaxis)
        axes.set_xlabel("ms after connect", color=MUTE)
        name_sides(axes)
        return axes

    def describe(self) -> Description:
        """Say which expected events never came, or how late the last one comes."""
        rows = self.frame[self.frame["value_ms"].notna()]
        candidate = rows[rows["side"] == "candidate"]
        names = _order(rows, self.expected)
        if not names:
            return Description("No events were recorded", "Empty event timeline, where no event was recorded")
        missing = [name for name in names if name not in set(candidate["event"])]
        baseline = rows[rows["side"] == "baseline"]
        if missing:
            title = f"{joined(missing, most=3)} never arrives now"
        else:
            last = names[-1]
            several = f"{all_of(len(names), 'event type')} arrived; the last, {last},"
            title = several if len(names) > 1 else f"{last} arrived,"
            title += f" at a median of {_middle(candidate, last)}"
            if len(baseline):
                title += f" ({_middle(baseline, last)} before)"
        key = f"ticks are messages, bars the middle 90{chr(0x202F)}%, dots medians"
        parts = (("baseline", baseline), ("candidate", candidate))
        sides = [f"{amount_text(len(part))} {SIDE_NAMES[side]}" for side, part in parts]
        caption = f"Arrival after connect: {key}; messages: {' and '.join(sides)}."
        caption += " Arrows: later arrivals." if _reach(rows)[1] else ""
        caption += f" The first {EVENTS_SHOWN} of {len(names)} event types." if len(names) > EVENTS_SHOWN else ""
        return Description(
            title, f"Event timeline of {count(len(names), 'event type')}, where {lower_first(title)}", caption
        )


def _reach(rows: pd.DataFrame) -> tuple[float, bool]:
    """Return how far the axis goes, ms, and whether a few arrivals lie beyond, so that they press no others flat."""
    if rows.empty:
        return 1.0, False
    latest = float(rows["value_ms"].max())
    usual = float(rows.groupby(["side", "event"])["value_ms"].quantile(0.95).max())
    return (usual * 1.5, True) if latest > FAR * usual else (max(latest, 1.0), False)


def _mark_late(axes: Axes, late: np.ndarray, at: tuple[float, float], *, colour: str, above: bool) -> None:
    axes.plot(*at, marker=">", markersize=7, color=colour)
    words = (
        f"{measure(float(late[-1]), 'ms')}"
        if len(late) == 1
        else f"{amount_text(len(late))} up to {measure(float(late[-1]), 'ms')}"
    )
    axes.annotate(
        words, at, xytext=(-7, 0), textcoords="offset points", ha="right", va="bottom" if above else "top",
        color=MUTE if above else colour,
    )  # fmt: skip


def _middle(rows: pd.DataFrame, event: str) -> str:
    times = rows.loc[rows["event"] == event, "value_ms"]
    return measure(float(times.median()), "ms") if len(times) else "no time"
