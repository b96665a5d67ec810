"""Where two latency distributions differ: the shift plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    CANDIDATE,
    FAINT,
    GROUND,
    INK,
    OUTCOME_INKS,
    REGRESSED,
    Description,
    Sizes,
    annotate_empty,
    even_ticks,
    few_ticks,
    judged_text,
    lower_first,
    say,
    sizes_text,
)
from stabkit.numbers import measure, significant
from stabkit.text import count, verb

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ShiftPlot"]


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.sort_values("quantile", ignore_index=True)
    return rows[rows["difference_ms"].notna()].reset_index(drop=True)


def _direction(rows: pd.DataFrame) -> pd.Series:
    # Coloured only where the interval excludes zero; one without a bound is no interval yet.
    known = ~_unbounded(rows)
    slower, faster = known & (rows["low_ms"] > 0), known & (rows["high_ms"] < 0)
    return pd.Series(np.select([slower, faster], [1, -1], 0), index=rows.index)


def _unbounded(rows: pd.DataFrame) -> pd.Series:
    """Percentiles whose interval has no bound on a side: too few samples reach them."""
    return ~(np.isfinite(rows["low_ms"].astype("float64")) & np.isfinite(rows["high_ms"].astype("float64")))


def _name(quantile: float) -> str:
    return f"p{quantile * 100:g}"


@dataclass(frozen=True, eq=False)
class ShiftPlot:
    """Where two latency distributions differ.

    Parameters
    ----------
    frame : DataFrame
        ``quantile`` (0 to 1), ``difference_ms``, ``low_ms``, ``high_ms`` (ms), as from ``quantile_shift``.
    of : str
        What was measured, for the words.
    sizes : mapping, optional
        Samples and rounds of each side, for the caption.
    judged : mapping, optional
        The outcome of each judged quantile ("p50": "stable"), for the title; empty if no condition compares any.
    """

    frame: pd.DataFrame
    _: KW_ONLY
    of: str = "response time"
    sizes: Sizes | None = None
    judged: Mapping[str, str] | None = None

    def draw(self, axes: Axes) -> Axes:
        """Draw candidate - baseline at each percentile with the 95 % band, around a line at zero."""
        rows = _known(self.frame)
        if rows.empty:
            return annotate_empty(axes)
        x = np.arange(len(rows))
        direction = _direction(rows)
        low, high = _bounds(rows)
        largest, threshold = _reach(rows)
        if _logarithmic(rows):
            axes.set_yscale("symlog", linthresh=threshold, linscale=1.0)
        for way, colour in ((0, FAINT), (1, REGRESSED), (-1, CANDIDATE)):
            mine = direction == way
            axes.vlines(x[mine], low[mine], high[mine], color=colour, linewidth=2.4, capstyle="round")
            axes.plot(x[mine], rows["difference_ms"][mine], "o", color=colour, markersize=7, markeredgecolor=GROUND)
        bare = _unbounded(rows)
        axes.plot(x[bare], rows["difference_ms"][bare], "o", color=GROUND, markersize=6, markeredgecolor=FAINT)
        axes.axhline(0, color=INK, linewidth=1.0)
        axes.set_xlim(-0.8, len(rows) - 0.2)
        floor, ceiling = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
        if axes.get_yscale() == "symlog":
            axes.set_ylim(min(floor * 1.4, -threshold / 4), max(ceiling * 1.4, threshold / 4))
        else:
            spare = (ceiling - floor) * 0.08 or 1.0
            axes.set_ylim(floor - spare, ceiling + spare)
        _label(axes, rows, direction, x)
        _ticks(axes, largest)
        say(axes, "now − before, ms")
        return axes

    def describe(self) -> Description:
        """Say which percentiles moved, which way and by how much at most, and what is judged of them.

        A percentile may move and stay inside its margin, so its movement alone must not read like a verdict.
        """
        rows = _known(self.frame)
        if rows.empty:
            empty = f"Empty shift plot of {self.of}, where nothing was measured"
            return Description(f"No evidence on {self.of}", empty)
        subject, finding = _finding(rows, _direction(rows), self.of, self.judged)
        caption = (
            f"Now − before at {len(rows)} percentiles, with a 95{chr(0x202F)}% band for all of them at once; "
            f"coloured where the band excludes 0{sizes_text(self.sizes)}."
        )
        bare = int(_unbounded(rows).sum())
        caption += f" {count(bare, 'percentile has', 'percentiles have')} no interval yet (hollow)." if bare else ""
        caption += " Away from 0 the axis is logarithmic." if _logarithmic(rows) else ""
        return Description(
            subject + finding, f"Shift plot of {self.of} by percentile, where {lower_first(finding)}", caption
        )


def _bounds(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the ends of the bars: an unknown or infinite bound ends at the difference."""
    low = rows["low_ms"].replace(-np.inf, np.nan).fillna(rows["difference_ms"])
    return low, rows["high_ms"].replace(np.inf, np.nan).fillna(rows["difference_ms"])


def _reach(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the largest value drawn and the size up to which all is drawn in proportion, ms."""
    largest = float(np.nanmax(np.abs(np.concatenate([*_bounds(rows), rows["difference_ms"]]))))
    quiet = float(np.nanquantile(np.abs(rows["difference_ms"]), 0.5))
    return largest, max(quiet * 3, largest / 60, 1e-6)


def _logarithmic(rows: pd.DataFrame) -> bool:
    """Say whether large differences need a logarithm, so that quiet percentiles can be read beside them."""
    largest, threshold = _reach(rows)
    return largest > threshold * 6


def _label(axes: Axes, rows: pd.DataFrame, direction: pd.Series, x: Any) -> None:
    names = [_name(q) for q in rows["quantile"]]
    wanted = {"p5", "p25", "p50", "p75", "p90", "p99"} if len(rows) > 8 else set(names)
    shown = [i for i, name in enumerate(names) if name in wanted or i in (0, len(names) - 1)]
    axes.set_xticks([x[i] for i in shown], [names[i] for i in shown])
    moved = direction[direction != 0]
    if len(moved):
        i = int(rows.loc[moved.index, "difference_ms"].abs().idxmax())
        colour = OUTCOME_INKS["regressed" if direction[i] > 0 else "improved"]
        # Level with the axis name, above all bars: beside its own bar it would lie on the neighbours.
        say(axes, f"{names[i]} {measure(rows['difference_ms'][i], 'ms', sign=True)}", where="right", colour=colour)


def _ticks(axes: Axes, largest: float) -> None:
    if axes.get_yscale() != "symlog":
        few_ticks(axes.yaxis, 6)
        even_ticks(axes.yaxis, sign=True)
        return
    steps = [10.0**k * m for k in range(-3, 6) for m in (1, 5)]
    scale: Any = axes.yaxis.get_transform()
    threshold = scale.linthresh
    usable = [s for s in steps if threshold <= s <= largest * 1.2]
    low, high = axes.get_ylim()
    place = axes.yaxis.get_transform().transform
    room = float(np.ptp(place(np.array([low, high])))) / 9
    marks = [0.0]
    for mark in sorted((way * step for step in usable for way in (1, -1) if low <= way * step <= high), key=abs)[::-1]:
        if all(abs(float(place(np.array(mark)) - place(np.array(other)))) > room for other in marks):
            marks.append(mark)
    axes.set_yticks(sorted(marks), [significant(m, 1, sign=True) for m in sorted(marks)])
    axes.set_yticks([], minor=True)


def _finding(rows: pd.DataFrame, direction: pd.Series, of: str, judged: Mapping[str, str] | None) -> tuple[str, str]:
    """Return how a title begins that names what was measured; then what moved and what is judged of it.

    Slower or faster is only what its judge calls so, with the percentiles around it, or what nobody judges at all.
    Where the judged percentiles are stable or open, the others merely differ.
    """
    outcomes = set((judged or {}).values())
    said = judged_text(judged) if judged else ""
    parts = []
    for way, word, outcome in ((1, "slower", "regressed"), (-1, "faster", "improved")):
        claimed = not judged or outcome in outcomes
        mine = rows[(direction == way) & (claimed | ~rows["quantile"].map(_name).isin(list(judged or ())))]
        if mine.empty:
            continue
        parts.append(_moved(rows, mine, word if claimed else ""))
        if judged and claimed:
            said += ", the others are not judged"
    if judged == {} and parts:
        said = "no allowed change is set for it"
    tail = [said] if said else []
    if parts:
        return f"{of}: ", "; ".join([*parts, *tail])
    if _unbounded(rows).all():
        return f"{of}: ", "; ".join(["too few samples for an interval at any percentile", *tail])
    if direction.any() or outcomes & {"regressed", "improved"}:
        return f"{of}: ", said
    return "", "; ".join([f"No percentile of {of} is shown to have moved", *tail])


def _moved(rows: pd.DataFrame, mine: pd.DataFrame, word: str) -> str:
    """Return which percentiles moved and by how much; without a word for it they differ, and are not judged."""
    farthest = float(mine["difference_ms"].iloc[int(mine["difference_ms"].abs().argmax())])
    size = measure(abs(farthest) if word else farthest, "ms", sign=not word)
    moved = f"{verb('is', len(mine))} {word}," if word else verb("differs", len(mine))
    reach = f"by {'' if len(mine) == 1 else 'up to '}{size}"
    return f"{_span(rows, mine)} {moved} {reach}{'' if word else ', not judged'}"


def _span(rows: pd.DataFrame, mine: pd.DataFrame) -> str:
    if len(mine) == len(rows):
        return "all percentiles"
    first, last = int(mine.index[0]), int(mine.index[-1])
    names = [_name(q) for q in mine["quantile"]]
    if len(mine) == 1:
        return names[0]
    if last - first + 1 != len(mine):
        return f"{len(mine)} percentiles from {names[0]} to {names[-1]}"
    return f"{names[0]} and above" if last == len(rows) - 1 else f"{names[0]} to {names[-1]}"
