"""Whether tests keep passing: how many there are, what did not pass, and the map of the least stable tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stabkit.chart.drawing import (
    GROUND,
    INCONCLUSIVE,
    INCONCLUSIVE_INK,
    INK,
    MUTE,
    NO_VALUE,
    REGRESSED,
    REGRESSED_INK,
    SAFE_BAND,
    Description,
    annotate_empty,
    draw_bars,
    even_ticks,
    few_ticks,
    height_pt,
    label_runs,
    lower_first,
    mark_gaps,
    name_colours,
    name_rows,
    run_name,
    say,
    width_pt,
)
from stabkit.numbers import amount_text
from stabkit.text import count, joined, verb
from stabkit.vocabulary import BAD, STATUS_COUNTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NotPassingBars", "StatusMap", "SuiteBars"]

# More runs than these would leave no room for a glyph in a cell.
_RUNS = 60
_PARTS = (("failed", REGRESSED), ("flaky", INCONCLUSIVE), ("skipped", NO_VALUE))
_INKS = {"failed": REGRESSED_INK, "flaky": INCONCLUSIVE_INK, "skipped": MUTE}


def _counts(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.reset_index(drop=True)
    failed = rows["failed"].astype("Float64") + rows["errors"].astype("Float64")
    return pd.DataFrame(
        {"failed": failed, "flaky": rows["flaky"].astype("Float64"), "skipped": rows["skipped"].astype("Float64")}
    )


@dataclass(frozen=True, eq=False)
class NotPassingBars:
    """What did not pass, run by run.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``failed``, ``errors``, ``skipped``, ``flaky`` (counts, null where nothing ran), as from
        ``pass_history``.
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw failed (with errors), flaky and skipped tests as stacked counts, one bar a run."""
        counts = _counts(self.frame)
        if counts["failed"].isna().all():
            return annotate_empty(axes)
        base = np.zeros(len(counts))
        legend = []
        for name, colour in _PARTS:
            heights = counts[name].fillna(0).to_numpy(dtype="float64")
            if heights.any():
                draw_bars(axes, heights, colour, base=base)
                legend.append((f"■ {name}", _INKS[name]))
                base += heights
        axes.set_ylim(0, max(base.max() * 1.15, 1))
        label_runs(axes, self.frame)
        mark_gaps(axes, counts["failed"].isna().to_numpy(), "no data")
        few_ticks(axes.yaxis, 5, whole=True)
        even_ticks(axes.yaxis)
        say(axes, "tests not passing")
        name_colours(axes, legend or [("none in any run", MUTE)])
        return axes

    def describe(self) -> Description:
        """Say how the number of failing tests changed between the last run and those before."""
        counts = _counts(self.frame)
        known = counts["failed"].dropna()
        if known.empty:
            return Description("No test history", "Empty bar chart of test results, where no run has results")
        now = int(known.iloc[-1])
        title = _failing(known, now, self.frame.reset_index(drop=True))
        gaps = len(counts) - len(known)
        caption = f"{count(len(known), 'run')}; failed includes errors; flaky passed on a retry within the run."
        caption += f" {count(gaps, 'run has', 'runs have')} no evidence." if gaps else ""
        return Description(
            title,
            f"Stacked bars of tests not passing over {count(len(counts), 'run')}, where {lower_first(title)}",
            caption,
        )


def _failing(known: pd.Series, now: int, rows: pd.DataFrame) -> str:
    if len(known) == 1:
        return f"{count(now, 'test')} failed in the only run" if now else "No test failed in the only run"
    values = known.astype(int).to_list()
    since = len(values) - 1
    while since > 0 and values[since - 1] == now:
        since -= 1
    if since == 0:
        return f"{count(now, 'test')} failed in every run" if now else f"No test failed in {count(len(values), 'run')}"
    turn = rows.loc[known.index[since]]
    gone = turn.get("bad_removed")
    if now < values[since - 1] and pd.notna(gone) and int(gone):
        # A test that is not run any more was not mended.
        left = f"{count(int(gone), 'failing test')} {verb('was', int(gone))} removed or skipped with {run_name(turn)}"
        return f"{left}; {count(now, 'test fails', 'tests fail')} now" if now else f"{left}; none fails now"
    way = "rose" if now > values[since - 1] else "fell"
    return f"Failing tests {way} from {values[since - 1]} to {now} with {run_name(turn)}"


_SIZE_PARTS: Final = (("passed", "good", SAFE_BAND), ("failed", "bad", REGRESSED), ("skipped", "skipped", NO_VALUE))


@dataclass(frozen=True, eq=False)
class SuiteBars:
    """How many tests there are, run by run.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``good``, ``bad``, ``skipped`` (counts, null where nothing ran), as from
        ``pass_history``.
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw passed, failed and skipped tests as stacked counts, one bar a run."""
        rows = self.frame.reset_index(drop=True)
        if rows["good"].isna().all():
            return annotate_empty(axes)
        base, legend = np.zeros(len(rows)), []
        for word, name, colour in _SIZE_PARTS:
            heights = rows[name].astype("Float64").fillna(0).to_numpy(dtype="float64")
            if heights.any():
                draw_bars(axes, heights, colour, base=base)
                legend += [(f"■ {word}", _INKS[word])] if word in _INKS else []  # so pale no word can be
                base += heights
        axes.set_ylim(0, max(base.max() * 1.15, 1))
        label_runs(axes, rows)
        mark_gaps(axes, rows["good"].isna().to_numpy(), "no data")
        few_ticks(axes.yaxis, 5, whole=True)
        even_ticks(axes.yaxis)
        say(axes, "tests")
        name_colours(axes, legend)
        return axes

    def describe(self) -> Description:
        """Say whether the suite grew or shrank from its first run to its last, and where it did so most."""
        rows = self.frame.reset_index(drop=True)
        sizes = (rows["good"] + rows["bad"] + rows["skipped"]).dropna().astype(int)
        if sizes.empty:
            return Description("No tests", "Empty bar chart of the number of tests, where no run has results")
        first, last = int(sizes.iloc[0]), int(sizes.iloc[-1])
        ends = f"from {run_name(rows.loc[sizes.index[0]])} to {run_name(rows.loc[sizes.index[-1]])}"
        if len(sizes) == 1:
            title = f"{count(last, 'test')} in the only run"
        elif len(sizes.unique()) == 1:
            title = f"{count(last, 'test')} in every run"
        elif first == last:
            title = f"{count(last, 'test')} as in the first run, {sizes.min()} to {sizes.max()} between"
        else:
            title = f"The suite {'grew' if last > first else 'shrank'} from {first} to {count(last, 'test')}, {ends}"
        steps = sizes.diff().dropna()
        caption = f"{count(len(sizes), 'run')}; blue: passed; zero at the bottom."
        if steps.any():
            most = steps.abs().idxmax()
            way = "more" if steps[most] > 0 else "fewer"
            caption += f" Largest step: {abs(int(steps[most]))} {way} with {run_name(rows.loc[most])}."
        gaps = len(rows) - len(sizes)
        caption += f" {count(gaps, 'run has', 'runs have')} no evidence." if gaps else ""
        runs = count(len(rows), "run")
        return Description(
            title, f"Stacked bars of the number of tests over {runs}, where {lower_first(title)}", caption
        )


@dataclass(frozen=True, eq=False)
class StatusMap:
    """The least stable tests, run by run.

    Parameters
    ----------
    frame : DataFrame
        Long: ``test_id``, ``run_id``, ``label``, ``status``, ``recovered`` (optional), as from ``test_run_map``: tests
        by rank, runs in time order; a null status means that the test was absent.
    """

    frame: pd.DataFrame

    def draw(self, axes: Axes) -> Axes:
        """Draw one row a test and one cell a run, a glyph in every cell that did not simply pass."""
        frame = self.frame
        if frame.empty:
            return annotate_empty(axes, "no unstable test")
        tests = {test: i for i, test in enumerate(dict.fromkeys(frame["test_id"]))}
        runs = frame.drop_duplicates("run_id")[["run_id", "label"]].reset_index(drop=True)
        runs = runs.tail(_RUNS).reset_index(drop=True)
        places = {run: i for i, run in enumerate(runs["run_id"])}
        recovered = (
            frame["recovered"].astype("boolean").fillna(value=False)
            if "recovered" in frame
            else pd.Series(data=False, index=frame.index)
        )
        cells: dict[str, list[tuple[int, int]]] = {}
        for test, run, status, again in zip(frame["test_id"], frame["run_id"], frame["status"], recovered, strict=True):
            kind = _kind(status, recovered=bool(again))
            if kind and run in places:
                cells.setdefault(kind, []).append((places[run], tests[test]))
        axes.grid(visible=False)
        name_rows(axes, [str(test).rpartition("::")[2] or test for test in tests])
        label_runs(axes, runs)
        for kind, where in cells.items():
            _draw_cells(axes, kind, np.array(where, dtype="float64"))
        _part_runs(axes, len(runs), len(tests))
        return axes

    def describe(self) -> Description:
        """Say which tests fail in the last run and since when, or which were merely unstable."""
        frame = self.frame
        if frame.empty:
            return Description("No test was unstable", "Empty test by run map, where no test failed or recovered")
        runs = frame.drop_duplicates("run_id")[["run_id", "label"]].reset_index(drop=True)
        last = frame[frame["run_id"] == runs["run_id"].iloc[-1]]
        failing = list(last.loc[last["status"].isin(BAD), "test_id"])
        total = frame["test_id"].nunique()
        if failing:
            names = joined([str(test).rpartition("::")[2] or str(test) for test in failing], most=2)
            title = f"{count(len(failing), 'test fails', 'tests fail')} in {run_name(runs.iloc[-1])}: {names}"
        else:
            newest = run_name(runs.iloc[-1])
            gone = sum(status is None or pd.isna(status) for status in last["status"])
            whole = f"None of the {total} least stable tests" if total > 1 else "The one test that ever failed"
            title = f"{whole} {'fails' if total > 1 else 'does not fail'} in {newest}"
            which = f"{amount_text(gone)} of them {verb('is', gone)}" if total > 1 else "it is"
            title += f"; {which} not run any more" if gone else ""
        key = "× failed, ~ recovered by a retry, – skipped, empty: absent"
        over = count(len(runs), "run") if len(runs) <= _RUNS else f"the newest {_RUNS} of {count(len(runs), 'run')}"
        caption = f"Least stable first, {count(total, 'test')} over {over}: {key}."
        return Description(title, f"Test by run map of {count(total, 'test')}, where {lower_first(title)}", caption)


def _kind(status: object, *, recovered: bool) -> str | None:
    if status is None or pd.isna(status):
        return None
    if status in BAD:
        return "failed"
    if recovered:
        return "recovered"
    return "skipped" if status in STATUS_COUNTS["skipped"] else "passed"


_FILLS = {"failed": REGRESSED, "recovered": INCONCLUSIVE, "skipped": NO_VALUE, "passed": SAFE_BAND}
_GLYPH_INKS = {"failed": GROUND, "recovered": "#1f2329", "skipped": INK}
# Strokes of ×, ~ and – in points from the middle of a cell; NaN lifts the pen.
_GLYPHS = {
    "failed": ((-2.6, 2.6, np.nan, -2.6, 2.6), (-2.6, 2.6, np.nan, 2.6, -2.6)),
    "recovered": ((-3.0, -1.5, 0.0, 1.5, 3.0), (-1.3, 1.5, 0.0, -1.5, 1.3)),
    "skipped": ((-2.4, 2.4), (0.0, 0.0)),
}


def _draw_cells(axes: Axes, kind: str, where: np.ndarray) -> None:
    """Draw the cells of one kind as one path and their glyphs as another; one a cell would be 20 times the bytes."""
    from stabkit.chart.drawing import draw_blocks

    # Neighbours in a row are one block; the lines between runs part them.
    where = where[np.lexsort((where[:, 0], where[:, 1]))]
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(where[:, 1]) != 0) | (np.diff(where[:, 0]) != 1)]))
    ends = np.append(starts[1:], len(where)) - 1
    x, y = where.T
    draw_blocks(
        axes, np.stack([x[starts] - 0.5, x[ends] + 0.5, y[starts] - 0.39, y[starts] + 0.39], axis=1), _FILLS[kind]
    )
    if kind not in _GLYPHS:
        return
    # From points to places; across, a glyph shrinks with its cell.
    slot, row = (
        width_pt(axes) / abs(np.subtract(*axes.get_xlim())),
        height_pt(axes) / abs(np.subtract(*axes.get_ylim())),
    )
    pen = np.array(_GLYPHS[kind]).T * (min(1.0, 0.6 * slot / 6) / slot, 1 / row)
    lines = np.concatenate([[*(pen + place), (np.nan, np.nan)] for place in where])
    axes.plot(lines[:, 0], lines[:, 1], color=_GLYPH_INKS[kind], linewidth=1.1, solid_capstyle="round", zorder=3)


def _part_runs(axes: Axes, runs: int, tests: int) -> None:
    """Draw the lines between runs, where there is room for them."""
    if runs < 2:
        return
    x = np.repeat(np.arange(1, runs) - 0.5, 3)
    axes.plot(x, np.tile([-0.5, tests - 0.5, np.nan], runs - 1), color=GROUND, linewidth=1.0, zorder=2.5)
