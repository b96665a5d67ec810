"""How compliance developed: open findings by severity, what is new and fixed, and how old the open ones are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    CANDIDATE,
    INK,
    MUTE,
    REGRESSED,
    REGRESSED_INK,
    SEVERITY,
    Description,
    annotate_empty,
    draw_bars,
    even_ticks,
    few_ticks,
    height_pt,
    label_end,
    label_runs,
    lower_first,
    mark_gaps,
    name_rows,
    run_name,
    say,
    spread,
)
from stabkit.numbers import amount_text
from stabkit.text import count
from stabkit.vocabulary import severity_rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AgeBars", "NewFixedBars", "OpenBars"]

_NAME = 26


def _severities(frame: pd.DataFrame) -> list[str]:
    known = [str(name) for name in frame.columns if str(name).startswith("open_")]
    return sorted(
        known, key=lambda name: (1 if (place := severity_rank(name.removeprefix("open_"))) is None else -place, name)
    )


@dataclass(frozen=True, eq=False)
class OpenBars:
    """Open findings run by run.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``open`` and ``open_<severity>`` (counts; null where not scanned), one row a run,
        one tool, as from ``finding_history``.
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw open findings run by run, stacked by severity, the most severe below, one hue."""
        rows = self.frame.reset_index(drop=True)
        if rows["open"].isna().all():
            return annotate_empty(axes)
        names = _severities(rows) or ["open"]
        base: Any = np.zeros(len(rows))
        # Words stand at the right, by the parts of the last scan.
        last, ends = int(np.flatnonzero(rows["open"].notna())[-1]), []
        for i, name in enumerate(names):
            heights = rows[name].astype("Float64").fillna(0).to_numpy(dtype="float64")
            draw_bars(axes, heights, SEVERITY[min(i, 4)], base=base)
            if heights[last]:
                middle = float(base[last] + heights[last] / 2)
                ends.append((name.removeprefix("open_"), middle, INK if i == 0 else MUTE))
            base += heights
        axes.set_ylim(0, max(base.max() * 1.12, 1))
        tall = height_pt(axes) / axes.get_ylim()[1]
        places = spread([middle * tall for _, middle, _ in ends], 12, 6, height_pt(axes))
        for (name, middle, colour), place in zip(ends, places, strict=True):
            label_end(axes, name, (len(rows) - 0.5, middle), colour=colour, lift=place - middle * tall)
        label_runs(axes, rows)
        mark_gaps(axes, rows["open"].isna().to_numpy(), "not scanned")
        few_ticks(axes.yaxis, 5, whole=True)
        even_ticks(axes.yaxis)
        say(axes, "open findings")
        if not base.any():
            say(axes, "none in any scan", where="right")
        return axes

    def describe(self) -> Description:
        """Say how the number of open findings developed."""
        rows = self.frame.reset_index(drop=True)
        seen = rows[rows["open"].notna()]
        known = seen["open"].astype(int).to_list()
        if not known:
            return Description("No scan history", "Empty bar chart of open findings, where no run was scanned")
        if len(known) == 1:
            title = f"{count(known[0], 'finding is', 'findings are')} open in the only scan"
        elif len(set(known)) == 1:
            title = f"Open findings stayed at {amount_text(known[0])} over {count(len(known), 'scan')}"
        elif known[0] == known[-1]:
            between = f"{amount_text(min(known))} to {amount_text(max(known))}"
            title = f"Open findings are back at {amount_text(known[-1])}, after {between}"
        else:
            way = "rose" if known[-1] > known[0] else "fell"
            since = f"from {run_name(seen.iloc[0])} to {run_name(seen.iloc[-1])}"
            title = f"Open findings {way} from {amount_text(known[0])} to {amount_text(known[-1])}, {since}"
        title = _of_tool(title, rows)
        gaps = len(rows) - len(known)
        caption = f"{count(len(known), 'scan')}, by severity, the most severe darkest." + (
            f" {count(gaps, 'run was', 'runs were')} not scanned." if gaps else ""
        )
        return Description(title, f"Stacked bars of open findings by severity, where {lower_first(title)}", caption)


def _of_tool(title: str, rows: pd.DataFrame) -> str:
    """Return the title with the tool before it, where the frame says which."""
    tools = list(rows["tool"].dropna().unique()) if "tool" in rows else []
    return f"{tools[0]}: {lower_first(title)}" if len(tools) == 1 else title


@dataclass(frozen=True, eq=False)
class NewFixedBars:
    """What came and went, scan by scan.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``new``, ``fixed`` (counts; null where there is nothing to compare).
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw new findings above and fixed ones below a line, one place a run."""
        rows = self.frame.reset_index(drop=True)
        if rows["new"].isna().all() and rows["fixed"].isna().all():
            return annotate_empty(axes)
        new, fixed = (rows[name].astype("Float64").fillna(0).to_numpy(dtype="float64") for name in ("new", "fixed"))
        draw_bars(axes, new, REGRESSED)
        draw_bars(axes, -fixed, CANDIDATE)
        axes.axhline(0, color=INK, linewidth=1)
        reach = max(new.max(), fixed.max(), 1) * 1.25
        axes.set_ylim(-reach, reach)
        few_ticks(axes.yaxis, 5, whole=True)
        axes.yaxis.set_major_formatter(lambda value, _: amount_text(abs(value)))
        for y, word, colour in ((reach * 0.5, "new", REGRESSED_INK), (-reach * 0.5, "fixed", CANDIDATE)):
            label_end(axes, word, (len(rows) - 0.5, y), colour=colour)
        label_runs(axes, rows)
        say(axes, "since the scan before")
        return axes

    def describe(self) -> Description:
        """Say what came and went in the last scan, and in all."""
        rows = self.frame.reset_index(drop=True)
        known = rows[rows["new"].notna() | rows["fixed"].notna()]
        if known.empty:
            return Description(
                "No two scans to compare", "Empty bar chart of new and fixed findings, where no two scans compare"
            )
        last = known.iloc[-1]
        new, fixed = (0 if pd.isna(last[name]) else int(last[name]) for name in ("new", "fixed"))
        name = run_name(last)
        if new and fixed:
            title = f"{amount_text(new)} new and {amount_text(fixed)} fixed in {name}"
        elif new or fixed:
            seen, other = ("new", "fixed") if new else ("fixed", "new")
            title = f"{count(new or fixed, 'finding')} {seen} in {name}, none {other}"
        else:
            title = f"No finding came or went in {name}"
        came, went = (int(known[name].fillna(0).sum()) for name in ("new", "fixed"))
        title = _of_tool(title, rows)
        totals = (
            f"{count(came, 'finding')} new and {amount_text(went)} fixed over {count(len(known), 'comparison')}, "
            "each with the scan before."
        )
        return Description(title, f"Bars of new and fixed findings per scan, where {lower_first(title)}", totals)


@dataclass(frozen=True, eq=False)
class AgeBars:
    """How old the open findings are.

    Parameters
    ----------
    frame : DataFrame
        ``rule``, ``path``, ``age_runs``, ``at_least``, as from ``finding_ages``; and ``severity``, if it is there.
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw the age of each open finding in scans, in their order, one bar a finding, twelve at most."""
        if self.frame.empty:
            return annotate_empty(axes, "nothing open")
        rows = self.frame.head(12).reset_index(drop=True)
        ages = rows["age_runs"].to_numpy(dtype="float64")
        colours = [_colour(word) for word in rows["severity"]] if "severity" in rows else SEVERITY[2]
        axes.barh(range(len(rows)), ages, color=colours, height=0.66, linewidth=0)
        for i, (age, more) in enumerate(zip(ages, rows["at_least"], strict=True)):
            axes.annotate(
                f"{'≥ ' if more else ''}{age:.0f}",
                (age, i),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=MUTE,
            )
        name_rows(axes, [_place(rule, path) for rule, path in zip(rows["rule"], rows["path"], strict=True)], _NAME)
        axes.set_xlim(0, max(ages.max() * 1.15, 1))
        few_ticks(axes.xaxis, 5, whole=True)
        axes.grid(visible=False)
        axes.set_xlabel("age, scans", color=MUTE)
        return axes

    def describe(self) -> Description:
        """Say how old the oldest open finding is."""
        if self.frame.empty:
            return Description("No finding is open", "Empty bar chart of finding ages, where no finding is open")
        oldest = self.frame.loc[self.frame["age_runs"].idxmax()]
        least = "at least " if bool(oldest["at_least"]) else ""
        known = len(self.frame)
        which = f"The oldest of {count(known, 'open finding')}" if known > 1 else "The one open finding"
        title = f"{which} is {least}{count(int(oldest['age_runs']), 'scan')} old"
        caption = "Age in scans since a finding was first seen." + (" The first 12." if known > 12 else "")
        if "severity" in self.frame and len(self.frame["severity"].unique()) > 1:
            caption += " The most severe first and darkest, of these the oldest."
        return Description(title, f"Bars of finding ages, where {lower_first(title)}", caption)


def _colour(severity: object) -> str:
    rank = severity_rank(None if pd.isna(severity) else str(severity))
    # The words of tools end in critical, 4; a word that is not known is drawn as the least.
    return SEVERITY[4 if rank is None else max(0, 4 - rank)]


def _place(rule: object, path: object) -> str:
    """Return rule and file, each short enough that the other is read too."""
    if pd.isna(path):
        return str(rule)
    name = str(path).rpartition("/")[2]
    last = str(rule).rpartition(".")[2] if len(str(rule)) > 14 else str(rule)
    short = last if len(last) <= 14 else f"…{last[-13:]}"
    room = _NAME - len(short) - 1
    return f"{short} {name}" if len(name) <= room else f"{short} …{name[1 - room :]}"
