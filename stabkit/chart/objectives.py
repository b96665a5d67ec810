"""How close to the limit: an interval against each objective."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    CANDIDATE,
    GLYPHS,
    GROUND,
    INCONCLUSIVE,
    INK,
    MUTE,
    OUTCOME_INKS,
    REGRESSED,
    RULE,
    Description,
    annotate_empty,
    lower_first,
    name_rows,
    text_pt,
    width_pt,
)
from stabkit.numbers import measure, percent
from stabkit.text import all_of, count, joined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HeadroomChart"]

# Values beyond so many limits would press all others against the left.
FAR: Final = 3.0
_SHAPES = {"regressed": REGRESSED, "inconclusive": INCONCLUSIVE, "stable": CANDIDATE}


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["value"].notna() & (frame["limit"] > 0)].copy()
    rows["used"] = rows["high"].fillna(np.inf) / rows["limit"]
    # Least headroom first, counted to the bound, not to the estimate.
    return rows.sort_values("used", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False)
class HeadroomChart:
    """How close to its limit each objective is.

    Parameters
    ----------
    frame : DataFrame
        ``name``, ``value``, ``low``, ``high``, ``limit`` (one unit a row), ``unit``, and ``outcome`` if judged. A value
        above its limit misses the objective; an unknown upper bound reaches the edge.
    confidence : float
        Of the intervals, for the words.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    confidence: float = 0.95

    def draw(self, axes: Axes) -> Axes:
        """Draw each value with its interval as a share of its limit, the limits on one line."""
        rows = _known(self.frame)
        if rows.empty:
            return annotate_empty(axes)
        y = np.arange(len(rows))
        share = rows["value"] / rows["limit"]
        finite = rows["used"].replace(np.inf, np.nan)
        # Beyond three limits an arrow says that it goes on; the figures stand above each row.
        edge = min(max(1.15, float(np.nanmax([share.max(), finite.max()])) * 1.06), FAR)
        low = (rows["low"] / rows["limit"]).fillna(share).clip(upper=edge)
        high = rows["used"].clip(upper=edge)
        states = _states(rows)
        colours = [_SHAPES[state] for state in states]
        axes.hlines(y, 0, edge, color=RULE, linewidth=1)
        axes.hlines(y, low, high, color=colours, linewidth=5, capstyle="round")
        inside = (share <= edge).to_numpy()
        shapes = [colour for colour, seen in zip(colours, inside, strict=True) if seen]
        axes.scatter(share[inside], y[inside], color=shapes, s=62, edgecolor=GROUND, linewidth=1.2, zorder=3)
        for place in np.flatnonzero(rows["used"] > edge):
            axes.plot(edge, place, marker=">", markersize=9, color=colours[place], clip_on=False)
        axes.axvline(1, color=INK, linewidth=1.4)
        axes.text(1, -0.62, "limit", ha="center", va="bottom", color=INK, fontweight="bold")
        name_rows(axes, rows["name"], 26)
        axes.set_ylim(len(rows) - 0.5, -0.6)
        axes.set_xlim(0, edge)
        for i, state in enumerate(states):
            unit = rows["unit"][i]
            words = f"{GLYPHS[state]} {measure(rows['value'][i], unit)} of {measure(rows['limit'][i], unit)}"
            # Words stand before the limit, or behind it where it leaves them no room.
            start = 0 if text_pt(words) + 6 < width_pt(axes) / edge else 1
            axes.annotate(
                words, (start, i), xytext=(2 + 3 * start, 5), textcoords="offset points", va="bottom",
                color=MUTE if state == "stable" else OUTCOME_INKS[state],
            )  # fmt: skip
        axes.grid(visible=False)
        axes.xaxis.set_major_formatter(lambda value, _: percent(value))
        step = next((step for step in (0.25, 0.5) if step * width_pt(axes) / edge >= 36), 1.0)
        axes.set_xticks(np.arange(0, edge * 0.97, step))
        return axes

    def describe(self) -> Description:
        """Say which objectives are missed or unproven, or how much headroom the tightest has."""
        rows = _known(self.frame)
        if rows.empty:
            return Description("No objective was measured", "Empty headroom chart, where no objective was measured")
        states = pd.Series(_states(rows), index=rows.index)
        missed, unproven = rows[states == "regressed"], rows[states == "inconclusive"]
        parts = []
        if len(missed):
            verb = "misses its objective" if len(missed) == 1 else "miss their objectives"
            parts.append(f"{_names(missed)} {verb}")
        if len(unproven):
            whose = "its objective" if len(unproven) == 1 else "their objectives"
            # Where the interval is within the limit, something else is in doubt: how it was measured.
            doubt = f"{'is' if len(unproven) == 1 else 'are'} in doubt"
            parts.append(f"{_names(unproven)} {f'may miss {whose}' if (unproven['used'] > 1).any() else doubt}")
        if not parts:
            left = percent(1 - float(rows["used"].iloc[0]), digits=2)
            met = "is met, with" if len(rows) == 1 else "are met; the tightest leaves"
            parts = [f"{all_of(len(rows), 'objective')} {met} {left} headroom"]
        title = "; ".join(parts)
        caption = (
            f"Value and {percent(self.confidence)} interval as a share of the limit, least headroom first; "
            "headroom counts to the interval's upper bound."
        )
        caption += " An arrow: the interval goes on." if (rows["used"] > FAR).any() else ""
        alt = f"Intervals of {count(len(rows), 'objective')} against the limit, where {lower_first(title)}"
        return Description(title, alt, caption)


def _states(rows: pd.DataFrame) -> list[str]:
    """Return regressed where the interval lies beyond the limit, inconclusive where it may, or where it is doubted."""
    beyond, may = rows["low"] / rows["limit"] > 1, rows["used"] > 1
    judged = rows["outcome"] if "outcome" in rows else pd.Series("stable", index=rows.index)
    return list(np.select([beyond, may | (judged == "inconclusive")], ["regressed", "inconclusive"], "stable"))


def _names(rows: pd.DataFrame) -> str:
    return joined([str(name) for name in rows["name"]], most=2)
