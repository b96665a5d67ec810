"""What a gate would have caught: planted changes by their size, condition by condition."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    CANDIDATE,
    INCONCLUSIVE,
    INCONCLUSIVE_INK,
    INK,
    MUTE,
    NO_VALUE,
    REGRESSED,
    REGRESSED_INK,
    Description,
    annotate_empty,
    draw_blocks,
    escape_label,
    height_pt,
    lower_first,
    name_colours,
    width_pt,
)
from stabkit.numbers import SPACE
from stabkit.text import capital, count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CAUGHT_SHOWN", "RARE", "CaughtMap"]

CAUGHT_SHOWN: Final = 24
_PARTS = (("caught", CANDIDATE), ("open", INCONCLUSIVE), ("missed", REGRESSED), ("within", NO_VALUE))
_INKS = {"caught": CANDIDATE, "open": INCONCLUSIVE_INK, "missed": REGRESSED_INK, "within": MUTE}
_WORDS = {"open": "undecided", "missed": "called stable", "within": "as you allow"}
_WIDE: Final = 0.86  # of a cell
_BAR_PT: Final = 5.0
_BOLD_PT: Final = 7.2  # a wide bold letter
_MOSTLY: Final = 0.8

RARE: Final = "rare"
"""What the label of a change begins with that not all requests have."""


@dataclass(frozen=True, eq=False)
class CaughtMap:
    """What became of planted changes, a row a condition and a column a change.

    Parameters
    ----------
    frame : DataFrame
        Long: ``name``, ``change`` (both in the order shown), and counts of pairs: ``caught``, ``open``, ``missed``
        (called stable, moved beyond the margin) and ``within`` (called stable, moved by less).
    of : str
        What was planted: "slower responses".
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "slower responses"

    def draw(self, axes: Axes) -> Axes:
        """Draw a bar a cell, its parts side by side, and above it the share that was caught."""
        frame = self._shown
        if frame.empty:
            return annotate_empty(axes)
        names, changes = (list(dict.fromkeys(frame[column])) for column in ("name", "change"))
        column = frame["change"].map(changes.index).to_numpy(dtype="float64")
        x, y = column - _WIDE / 2, frame["name"].map(names.index).to_numpy(dtype="float64")
        axes.grid(visible=False)
        axes.set_yticks([])
        axes.set_ylim(len(names) - 0.25, -0.6)
        axes.set_xlim(-0.5, len(changes) - 0.5)
        axes.set_xticks(range(len(changes)), changes)
        row = height_pt(axes) / (len(names) + 0.35)
        total = _totals(frame).to_numpy()
        shares = frame["caught"].to_numpy(dtype="float64") / total
        legend = []
        for part, colour in _PARTS:
            wide = _WIDE * frame[part].to_numpy(dtype="float64") / total
            if wide.any():
                bars = np.stack([x, x + wide, y + 14 / row, y + (14 + _BAR_PT) / row], axis=1)[wide > 0]
                draw_blocks(axes, bars, colour)
                legend.append((f"■ {_WORDS.get(part, part)}", _INKS[part]))
                x = x + wide
        room = int(_WIDE * width_pt(axes) / _BOLD_PT)
        for place, name in enumerate(names):
            label = escape_label(name, room)
            axes.annotate(label, (-0.5 + (1 - _WIDE) / 2, place), va="bottom", color=INK, fontweight="bold")
        for at, place, share in zip(column, y, shares, strict=True):
            start = (at - _WIDE / 2, place + 12 / row)
            axes.annotate(f"{100 * share:.0f}{SPACE}%", start, va="bottom", color=INK if share else MUTE)
        name_colours(axes, legend)
        return axes

    def describe(self) -> Description:
        """Say what is caught at the largest change, and what is missed."""
        frame = self._shown
        if frame.empty:
            return Description(f"{capital(self.of)}: none was planted", f"Empty map of planted changes: {self.of}")
        title = self._title()
        caption = (
            "How often a planted change came out regressed. In each bar: caught, undecided, called stable although "
            "worse than you allow, or no worse than you allow."
        )
        caption += f" {capital(RARE)}: one request in 50." if frame["change"].str.startswith(RARE).any() else ""
        rows = self.frame["name"].nunique()
        caption += f" The first {CAUGHT_SHOWN} of {rows}." if rows > CAUGHT_SHOWN else ""
        alt = f"Map of planted changes by condition, where {lower_first(title)}"
        return Description(title, alt, caption)

    @property
    def _shown(self) -> pd.DataFrame:
        names = list(dict.fromkeys(self.frame["name"]))[:CAUGHT_SHOWN]
        return self.frame[self.frame["name"].isin(names)].reset_index(drop=True)

    def _title(self) -> str:
        frame = self.frame
        missed = frame[frame["missed"] > 0]
        even = frame[~frame["change"].str.startswith(RARE)]
        sums = even.groupby("change", sort=False)[[part for part, _ in _PARTS]].sum()
        enough = (sums["caught"] / sums.sum(axis=1) >= _MOSTLY)[::-1].cummin()
        least = enough[enough].index
        told = f"{least[-1]} and more is caught in 4 of 5 cases" if len(least) else "none is caught in 4 of 5 cases"
        if missed.empty:
            return f"{capital(self.of)}: {told}, none is called stable that is worse than you allow"
        many = count(int(missed["missed"].sum()), "planted change")
        return f"{capital(self.of)}: {told}; {many} worse than you allow called stable"


def _totals(frame: pd.DataFrame) -> pd.Series:
    return frame[[part for part, _ in _PARTS]].sum(axis=1).clip(lower=1).astype("float64")
