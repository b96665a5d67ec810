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
    height_pt,
    lower_first,
    name_colours,
    name_rows,
)
from stabkit.numbers import SPACE, percent
from stabkit.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CAUGHT_SHOWN", "CaughtMap"]

CAUGHT_SHOWN: Final = 24
_PARTS = (("caught", CANDIDATE), ("open", INCONCLUSIVE), ("missed", REGRESSED), ("within", NO_VALUE))
_INKS = {"caught": CANDIDATE, "open": INCONCLUSIVE_INK, "missed": REGRESSED_INK, "within": MUTE}
_WORDS = {"within": "in margin"}
_WIDE: Final = 0.86  # of a cell
_BAR_PT: Final = 6.0


@dataclass(frozen=True, eq=False)
class CaughtMap:
    """What became of planted changes, a row a condition and a column a change.

    Parameters
    ----------
    frame : DataFrame
        Long: ``name``, ``change`` (both in the order shown), and counts of pairs: ``caught``, ``open``, ``missed``
        (called stable, moved beyond the margin) and ``within`` (called stable, moved by less).
    of : str
        What was changed: "times".
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "times"

    def draw(self, axes: Axes) -> Axes:
        """Draw a bar a cell, its parts side by side, and above it the share that was caught."""
        frame = self._shown
        if frame.empty:
            return annotate_empty(axes)
        names, changes = (list(dict.fromkeys(frame[column])) for column in ("name", "change"))
        x = frame["change"].map(changes.index).to_numpy(dtype="float64") - _WIDE / 2
        y = frame["name"].map(names.index).to_numpy(dtype="float64")
        axes.grid(visible=False)
        name_rows(axes, names, 22)
        axes.set_xlim(-0.5, len(changes) - 0.5)
        axes.set_xticks(range(len(changes)), [change.replace(" ×", "\n×") for change in changes])
        row = height_pt(axes) / abs(np.subtract(*axes.get_ylim()))
        total = _totals(frame).to_numpy()
        legend = []
        for part, colour in _PARTS:
            wide = _WIDE * frame[part].to_numpy(dtype="float64") / total
            if wide.any():
                seen = wide > 0
                bars = np.stack([x, x + wide, y + 2 / row, y + (2 + _BAR_PT) / row], axis=1)[seen]
                draw_blocks(axes, bars, colour)
                legend.append((f"■ {_WORDS.get(part, part)}", _INKS[part]))
                x = x + wide
        shares = frame["caught"].to_numpy(dtype="float64") / total
        for column, place, share in zip(frame["change"].map(changes.index), y, shares, strict=True):
            axes.annotate(
                f"{100 * share:.0f}", (column, place), xytext=(0, 0), textcoords="offset points", ha="center",
                va="bottom", color=INK if share else MUTE,
            )  # fmt: skip
        name_colours(axes, legend)
        return axes

    def describe(self) -> Description:
        """Say what is caught at the largest change, and what is missed."""
        frame = self._shown
        if frame.empty:
            return Description(f"No change of {self.of} was planted", f"Empty map of planted changes of {self.of}")
        title = self._title()
        pairs = int(_totals(frame).max())
        caption = (
            f"Share of {count(pairs, 'pair')} with a planted change that came out regressed, in{SPACE}%; a bar a cell: "
            "caught, left open, called stable although moved beyond the margin (missed), or moved within it."
        )
        rows = self.frame["name"].nunique()
        caption += f" The first {CAUGHT_SHOWN} of {rows}." if rows > CAUGHT_SHOWN else ""
        alt = f"Map of planted changes of {self.of} by condition, where {lower_first(title)}"
        return Description(title, alt, caption)

    @property
    def _shown(self) -> pd.DataFrame:
        names = list(dict.fromkeys(self.frame["name"]))[:CAUGHT_SHOWN]
        return self.frame[self.frame["name"].isin(names)].reset_index(drop=True)

    def _title(self) -> str:
        frame = self.frame
        missed = frame[frame["missed"] > 0]
        sums = frame.groupby("change", sort=False)[[part for part, _ in _PARTS]].sum()
        shares = sums["caught"] / sums.sum(axis=1)
        told = f"{shares.index[-1]} is caught in {percent(float(shares.iloc[-1]), digits=2)}"
        if missed.empty:
            return f"Of {self.of}, {told}, and nothing beyond a margin is called stable"
        many = count(int(missed["missed"].sum()), "planted change")
        return f"Of {self.of}, {told}; {many} beyond a margin called stable"


def _totals(frame: pd.DataFrame) -> pd.Series:
    return frame[[part for part, _ in _PARTS]].sum(axis=1).clip(lower=1).astype("float64")
