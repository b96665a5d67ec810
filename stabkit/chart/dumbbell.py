"""Which targets or stages moved: baseline and candidate as two dots a row, with the candidate's interval."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    BASELINE,
    CANDIDATE,
    GLYPHS,
    GROUND,
    INCONCLUSIVE,
    MUTE,
    OUTCOME_INKS,
    REGRESSED,
    RULE,
    Description,
    annotate_empty,
    even_ticks,
    few_ticks,
    label_row,
    lower_first,
    name_rows,
    name_sides,
)
from stabkit.numbers import percent, significant
from stabkit.text import all_of, count, joined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TIMES_SHOWN", "DumbbellChart"]

TIMES_SHOWN: Final = 24
_SHAPES = {"regressed": REGRESSED, "inconclusive": INCONCLUSIVE, "improved": CANDIDATE, "stable": CANDIDATE}


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["baseline"].notna() | frame["candidate"].notna()].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class DumbbellChart:
    """Which targets or stages moved: baseline and candidate as two dots a row.

    Parameters
    ----------
    frame : DataFrame
        ``name``, ``baseline``, ``candidate``, ``low``, ``high`` (bounds of the candidate, all in ``unit``; null if
        unknown), ``outcome``.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "targets"
    unit: str = "ms"
    rounds: int | None = None

    def draw(self, axes: Axes) -> Axes:
        """Draw a row a target or stage, in the order given (least stable first), outcome and change at the right."""
        rows = _known(self.frame).head(TIMES_SHOWN)
        if rows.empty:
            return annotate_empty(axes)
        y = np.arange(len(rows))
        values = rows[["baseline", "candidate", "low", "high"]].astype("float64").replace(np.inf, np.nan)
        colours = [_SHAPES.get(str(outcome), MUTE) for outcome in rows["outcome"]]
        axes.hlines(y, values["baseline"], values["candidate"], color=MUTE, linewidth=1)
        axes.hlines(y, values["low"], values["high"], color=colours, linewidth=4.5, alpha=0.45, capstyle="round")
        axes.plot(values["baseline"], y, "o", color=BASELINE, markersize=7.5, markeredgecolor=GROUND, label="baseline")
        axes.scatter(values["candidate"], y, color=colours, s=60, edgecolor=GROUND, linewidth=1, zorder=3)
        name_rows(axes, rows["name"], 26)
        changes = _changes(rows)
        for i, outcome in enumerate(rows["outcome"]):
            words = f"{GLYPHS.get(str(outcome), '–')} {changes[i]}"
            label_row(axes, words, i, colour=OUTCOME_INKS.get(str(outcome), MUTE))
        _scale(axes, values)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x", color=RULE, linewidth=0.8)
        axes.set_xlabel(self.unit, color=MUTE)
        name_sides(axes)
        return axes

    def describe(self) -> Description:
        """Say which rows are slower and faster, or that none is."""
        rows = _known(self.frame)
        if rows.empty:
            empty = f"Empty dumbbell chart of {self.of}, where nothing was measured"
            return Description(f"No evidence on {self.of}", empty)
        names = rows["name"].astype(str)
        worse, better = (list(names[rows["outcome"] == word]) for word in ("regressed", "improved"))
        open_rows = int((rows["outcome"] == "inconclusive").sum())
        parts = [f"{joined(names, most=3)} regressed" for names in (worse,) if names]
        parts += [f"{joined(names, most=3)} improved" for names in (better,) if names]
        if open_rows:
            parts.append(f"{'no regression is shown, ' if not parts else ''}{open_rows} of {len(rows)} undecided")
        one = self.of.removesuffix("s")
        title = "; ".join(parts) or f"{all_of(len(rows), one)} stayed within what is allowed"
        title = title[:1].upper() + title[1:] if not worse and not better else title
        scale = "logarithmic" if _wide(rows.head(TIMES_SHOWN)) else "zero at the left"
        caption = (
            f"Before grey, now with its 95{chr(0x202F)}% interval, {self.unit}, {scale}; "
            "✗ regressed, ? undecided, + improved, ✓ stable"
        )
        caption += f"; {count(self.rounds, 'round')} a side." if self.rounds else "."
        caption += f" The {TIMES_SHOWN} least stable of {len(rows)}." if len(rows) > TIMES_SHOWN else ""
        return Description(title, f"Dumbbell chart of {self.of}, where {lower_first(title)}", caption)


def _changes(rows: pd.DataFrame) -> list[str]:
    ratios = (rows["candidate"].astype("float64") / rows["baseline"].astype("float64").replace(0, np.nan)).tolist()
    return [percent(ratio - 1, sign=True, digits=2) if np.isfinite(ratio) else "–" for ratio in ratios]


def _scale(axes: Axes, values: pd.DataFrame) -> None:
    """Start the axis at zero, unless small rows would vanish beside large ones; then equal ratios get equal room."""
    largest = float(np.nanmax(values.to_numpy()))
    least = float(np.nanmin(values[["baseline", "candidate"]].to_numpy()))
    if _wide(values):
        axes.set_xscale("log")
        axes.set_xlim(least * 0.7, largest * 1.4)
        first, last = math.ceil(math.log10(least * 0.7)), math.floor(math.log10(largest * 1.4))
        marks = [10.0**k for k in range(first, last + 1, 1 + (last - first) // 5)]
        axes.set_xticks(marks, [significant(mark, 1) for mark in marks])
        axes.set_xticks([], minor=True)
        return
    axes.set_xlim(0, largest * 1.08 or 1)
    few_ticks(axes.xaxis, 4)
    even_ticks(axes.xaxis)


def _wide(values: pd.DataFrame) -> bool:
    known = values[["baseline", "candidate"]].to_numpy(dtype="float64", na_value=np.nan)
    least = float(np.nanmin(known))
    return least > 0 and float(np.nanmax(known)) / least > 30
