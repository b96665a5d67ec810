"""Memory and CPU round by round."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    BASELINE,
    CANDIDATE,
    MUTE,
    SIDE_NAMES,
    Description,
    annotate_empty,
    even_ticks,
    few_ticks,
    height_pt,
    label_end,
    lower_first,
    say,
    spread,
)
from stabkit.numbers import measure, one_unit
from stabkit.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ResourceLines"]

# A line is said to rise or fall from so many rounds on, by so much, and if its ranks follow the rounds this closely.
STEADY_FROM: Final = 5
MOVED: Final = 0.05
ONE_WAY: Final = 0.8
# More rounds than these read better as a line alone.
MARKED: Final = 60

_SIDES = (("baseline", BASELINE), ("candidate", CANDIDATE))


def _chosen(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    rows = frame[(frame["metric"] == metric) & frame["value"].notna()]
    return rows.groupby(["side", "round"], as_index=False).agg(value=("value", "median"), unit=("unit", "first"))


@dataclass(frozen=True, eq=False)
class ResourceLines:
    """One resource round by round, a line a side.

    Parameters
    ----------
    frame : DataFrame
        ``side`` (baseline, candidate), ``round``, ``metric``, ``value``, ``unit``; several readings of a round: median.
    metric : str
        ``memory`` or ``cpu``, of the process or its container.
    of : str
        Whose, for the words.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    metric: str = "memory"
    of: str = ""

    def draw(self, axes: Axes) -> Axes:
        """Draw one resource round by round, a line a side."""
        rows = _chosen(self.frame, self.metric)
        if rows.empty:
            return annotate_empty(axes)
        factor, unit = _unit(rows)
        ends: list[tuple[float, str, str]] = []
        for side, colour in _SIDES:
            mine = rows[rows["side"] == side].sort_values("round")
            if mine.empty:
                continue
            rounds = mine["round"].to_numpy(dtype="float64")
            values = mine["value"].to_numpy(dtype="float64") * factor
            # A missing round breaks the line: nothing is drawn where nothing was read.
            breaks = np.flatnonzero(np.diff(rounds) > 1) + 1
            marker = "o" if len(rounds) <= MARKED else ""
            x, y = np.insert(rounds, breaks, np.nan), np.insert(values, breaks, np.nan)
            axes.plot(x, y, color=colour, linewidth=2, marker=marker, markersize=4)
            ends.append((float(values[-1]), side, MUTE if side == "baseline" else colour))
        axes.set_ylim(0, float(rows["value"].max()) * factor * 1.15 or 1.0)
        first, last = float(rows["round"].min()), float(rows["round"].max())
        spare = max(0.5, (last - first) * 0.03)
        axes.set_xlim(first - spare, last + spare)
        tall = height_pt(axes) / axes.get_ylim()[1]
        places = spread([height * tall for height, _, _ in ends], 12, 6, height_pt(axes))
        for (height, side, colour), place in zip(ends, places, strict=True):
            label_end(
                axes, SIDE_NAMES[side], (last + spare, height), colour=colour, bold=True, lift=place - height * tall
            )
        few_ticks(axes.yaxis, 6)
        even_ticks(axes.yaxis)
        few_ticks(axes.xaxis, 6, whole=True)
        axes.set_xlabel("round", color=MUTE)
        say(axes, f"{_word(self.metric)}, {unit}".replace("$", r"\$"))
        return axes

    def describe(self) -> Description:
        """Say whether each side rises, falls, or what its median is."""
        rows = _chosen(self.frame, self.metric)
        candidate = rows[rows["side"] == "candidate"].sort_values("round")
        word = _word(self.metric)
        name = f"{self.of} {word}" if self.of else f"{word[0].upper()}{word[1:]}"
        if candidate.empty:
            empty = f"Empty line chart of {word}, where there is no reading now"
            return Description(f"No evidence on {word}", empty)
        unit = str(candidate["unit"].iloc[0]) if candidate["unit"].notna().any() else ""
        baseline = rows[rows["side"] == "baseline"].sort_values("round")
        way, course = _course(candidate, unit)
        finding = f"{name} {way} {course}"
        if len(baseline):
            its_way, its_course = _course(baseline, unit)
            both = way == its_way == _STEADY
            finding += (
                f", {its_course.removeprefix('of ')} before" if both else f"; it {_WAS[its_way]} {its_course} before"
            )
        rounds = len(candidate)
        gaps = int(candidate["round"].max() - candidate["round"].min()) + 1 - rounds
        caption = f"{count(rounds, 'round')}, one reading or the median of a round; zero at the bottom."
        caption += f" {count(gaps, 'round has', 'rounds have')} no reading." if gaps else ""
        caption += " One reading: no growth can be told." if rounds == 1 else ""
        return Description(finding, f"Lines of {word} by round, where {lower_first(finding)}", caption)


def _unit(rows: pd.DataFrame) -> tuple[float, str]:
    """Return the factor and the unit in which the largest value reads well."""
    given = rows["unit"].dropna()
    unit = str(given.iloc[0]) if len(given) else ""
    largest = float(rows["value"].max())
    (scaled,), shown = one_unit([largest], unit)
    return (float(scaled or 0.0) / largest if largest else 1.0), shown


def _word(metric: str) -> str:
    return metric.replace("_", " ").replace("cpu", "CPU")


_STEADY: Final = "has a median"
_WAS: Final = {_STEADY: "had a median", "rises": "rose", "falls": "fell"}


def _course(side: pd.DataFrame, unit: str) -> tuple[str, str]:
    """Return which way a line goes, with its first and last value; its median if it goes none."""
    values = side["value"].to_numpy(dtype="float64")
    first, last = float(values[0]), float(values[-1])
    if len(values) >= STEADY_FROM and first and abs(last / first - 1) >= MOVED:
        ranks = values.argsort().argsort()
        if abs(float(np.corrcoef(ranks, np.arange(len(values)))[0, 1])) >= ONE_WAY:
            return "rises" if last > first else "falls", f"from {measure(first, unit)} to {measure(last, unit)}"
    return _STEADY, f"of {measure(float(np.median(values)), unit)}"
