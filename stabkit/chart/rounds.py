"""The medians of both sides round by round: whether a difference is everywhere, or made by a few rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    BASELINE,
    CANDIDATE,
    MUTE,
    Description,
    annotate_empty,
    even_ticks,
    few_ticks,
    judged_text,
    lower_first,
    name_sides,
    say,
)
from stabkit.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RoundLines"]

# More rounds than these read better as a line alone.
MARKED: Final = 40
_SIDES: Final = (("baseline", BASELINE), ("candidate", CANDIDATE))


@dataclass(frozen=True, eq=False)
class RoundLines:
    """The median of each round, a line a side.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``round``, ``median_ms`` (ms), ``n``; one row a round and side.
    of : str
        What was measured, for the words.
    judged : mapping, optional
        The outcome of each judged quantile ("p50": "stable"), for title and caption.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "response time"
    judged: Mapping[str, str] | None = None

    def draw(self, axes: Axes) -> Axes:
        """Draw the medians of both sides over the rounds; the axis begins where the values do."""
        rows = self.frame[self.frame["median_ms"].notna()]
        if rows.empty:
            return annotate_empty(axes)
        for side, colour in _SIDES:
            mine = rows[rows["side"] == side].sort_values("round")
            rounds, values = (mine[name].to_numpy(dtype="float64") for name in ("round", "median_ms"))
            # A missing round breaks the line: nothing is drawn where nothing was measured.
            breaks = np.flatnonzero(np.diff(rounds) > 1) + 1
            marker = "o" if len(rounds) <= MARKED else ""
            x, y = np.insert(rounds, breaks, np.nan), np.insert(values, breaks, np.nan)
            axes.plot(x, y, color=colour, linewidth=1.6, marker=marker, markersize=4)
        low, high = float(rows["median_ms"].min()), float(rows["median_ms"].max())
        spare = (high - low) * 0.1 or abs(high) * 0.05 or 1.0
        axes.set_ylim(low - spare, high + spare)
        first, last = float(rows["round"].min()), float(rows["round"].max())
        edge = max(0.5, (last - first) * 0.03)
        axes.set_xlim(first - edge, last + edge)
        few_ticks(axes.yaxis, 5)
        even_ticks(axes.yaxis)
        few_ticks(axes.xaxis, 6, whole=True)
        axes.set_xlabel("round", color=MUTE)
        say(axes, "median, ms")
        name_sides(axes)
        return axes

    def describe(self) -> Description:
        """Say in how many rounds the median is higher and in how many lower; whether that counts is judged.

        Slower or faster is only what its judge calls so, or what nobody judges at all, as in a shift plot.
        """
        wide = self.frame.pivot_table(index="round", columns="side", values="median_ms").reindex(
            columns=["baseline", "candidate"]
        )
        both = wide.dropna()
        if wide.empty:
            empty = f"Empty line chart of {self.of} by round, where nothing was measured"
            return Description(f"No rounds of {self.of}", empty)
        if both.empty:
            title = f"{self.of}: no round measured both sides"
        else:
            more = int((both["candidate"] > both["baseline"]).sum())
            less = int((both["candidate"] < both["baseline"]).sum())
            outcome = (self.judged or {}).get("p50")
            claimed = not self.judged or outcome in ("regressed", "improved")
            up, down = ("slower", "faster") if claimed else ("median higher", "lower")
            title = f"{self.of}: {up} in {more} of {count(len(both), 'round')}, {down} in {less}"
            title += "" if claimed else f"; {judged_text({'p50': outcome}) if outcome else 'median is not judged'}"
        amounts = sorted(set(self.frame["n"].dropna().astype(int)))
        each = f"; n {amounts[0]}{f' to {amounts[-1]}' if len(amounts) > 1 else ''} a round and side" if amounts else ""
        alone = len(wide) - len(both)
        caption = f"Median of each round{each}; the axis does not begin at zero."
        caption += f" {count(alone, 'round has', 'rounds have')} one side only." if alone else ""
        caption += f" Judged over all rounds: {judged_text(self.judged)}." if self.judged else ""
        return Description(title, f"Lines of the median by round, where {lower_first(title)}", caption)
