"""Whether tests keep passing: what did not pass, run by run, and the map of the least stable tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stabkit.chart.description import Description
from stabkit.chart.numbers import listing, plural
from stabkit.chart.style import (
    FAINT,
    GROUND,
    INCONCLUSIVE,
    INCONCLUSIVE_INK,
    INK,
    MUTE,
    NO_VALUE,
    REGRESSED,
    REGRESSED_INK,
    SAFE_BAND,
    annotate_empty,
    few_ticks,
    name_colours,
    name_rows,
    say,
)
from stabkit.chart.timeline import label_runs, run_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["describe_not_passing", "describe_test_map", "plot_not_passing", "plot_test_map"]

_BAD = ("fail", "error", "no_result")
_PARTS = (("failed", REGRESSED), ("flaky", INCONCLUSIVE), ("skipped", NO_VALUE))
_INKS = {"failed": REGRESSED_INK, "flaky": INCONCLUSIVE_INK, "skipped": MUTE}


def _counts(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.reset_index(drop=True)
    failed = rows["failed"].astype("Float64") + rows["errors"].astype("Float64")
    return pd.DataFrame(
        {"failed": failed, "flaky": rows["flaky"].astype("Float64"), "skipped": rows["skipped"].astype("Float64")}
    )


def plot_not_passing(frame: pd.DataFrame, *, axes: Axes) -> Axes:
    """Draw failed (with errors), flaky and skipped tests as stacked counts, one bar a run.

    Parameters
    ----------
    frame : DataFrame
        ``run_id``, ``label``, ``failed``, ``errors``, ``skipped``, ``flaky`` (counts, null where nothing ran), as from
        ``pass_history``.
    """
    counts = _counts(frame)
    if counts["failed"].isna().all():
        return annotate_empty(axes)
    x = np.arange(len(counts))
    base = np.zeros(len(counts))
    legend = []
    for name, colour in _PARTS:
        heights = counts[name].fillna(0).to_numpy(dtype="float64")
        if heights.any():
            axes.bar(x, heights, bottom=base, color=colour, width=0.86, linewidth=0)
            legend.append((f"■ {name}", _INKS[name]))
            base += heights
    for i in np.flatnonzero(counts["failed"].isna()):
        axes.annotate(
            "no run",
            (i, 0),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=MUTE,
            rotation=90,
            fontsize=9,
        )
    label_runs(axes, frame)
    axes.set_ylim(0, max(base.max() * 1.15, 1))
    few_ticks(axes.yaxis, 5, whole=True)
    say(axes, "tests not passing")
    name_colours(axes, legend)
    return axes


def describe_not_passing(frame: pd.DataFrame) -> Description:
    """Say how the number of failing tests changed between the last run and those before."""
    counts = _counts(frame)
    known = counts["failed"].dropna()
    if known.empty:
        return Description("No test history", "Empty bar chart of test results, where no run has results")
    now = int(known.iloc[-1])
    title = _failing(known, now, frame.reset_index(drop=True))
    gaps = len(counts) - len(known)
    caption = f"{plural(len(known), 'run')}; failed includes errors; flaky passed on a retry within the run."
    caption += f" {plural(gaps, 'run has', 'runs have')} no evidence." if gaps else ""
    return Description(
        title,
        f"Stacked bars of tests not passing over {plural(len(counts), 'run')}, where {title[0].lower()}{title[1:]}",
        caption,
    )


def _failing(known: pd.Series, now: int, rows: pd.DataFrame) -> str:
    if len(known) == 1:
        return f"{plural(now, 'test')} failed in the only run" if now else "No test failed in the only run"
    values = known.astype(int).to_list()
    since = len(values) - 1
    while since > 0 and values[since - 1] == now:
        since -= 1
    if since == 0:
        return (
            f"{plural(now, 'test')} failed in every run" if now else f"No test failed in {plural(len(values), 'run')}"
        )
    name = run_name(rows.loc[known.index[since]])
    return (
        f"Failing tests {'rose' if now > values[since - 1] else 'fell'} from {values[since - 1]} to {now} with {name}"
    )


def plot_test_map(frame: pd.DataFrame, *, axes: Axes) -> Axes:
    """Draw one row a test and one cell a run, a glyph in every cell that did not simply pass.

    Parameters
    ----------
    frame : DataFrame
        Long: ``test_id``, ``run_id``, ``label``, ``status``, ``recovered`` (optional), as from ``test_run_map``: tests
        by rank, runs in time order; a null status means that the test was absent.
    """
    if frame.empty:
        return annotate_empty(axes, "no unstable test")
    tests = list(dict.fromkeys(frame["test_id"]))
    runs = frame.drop_duplicates("run_id")[["run_id", "label"]].reset_index(drop=True)
    place = {run: i for i, run in enumerate(runs["run_id"])}
    recovered = (
        frame["recovered"].astype("boolean").fillna(value=False)
        if "recovered" in frame
        else pd.Series(data=False, index=frame.index)
    )
    size = 8 if len(runs) <= 40 else 6
    for test, run, status, again in zip(frame["test_id"], frame["run_id"], frame["status"], recovered, strict=True):
        x, y = place[run], tests.index(test)
        fill, glyph, ink = _cell(status, recovered=bool(again))
        axes.bar(x, 0.78, bottom=y - 0.39, width=0.84, color=fill, linewidth=0)
        if glyph:
            axes.text(x, y, glyph, ha="center", va="center_baseline", color=ink, fontsize=size)
    axes.grid(visible=False)
    name_rows(axes, [test.rpartition("::")[2] or test for test in tests])
    label_runs(axes, runs)
    return axes


def _cell(status: object, *, recovered: bool) -> tuple[str, str, str]:
    if status is None or pd.isna(status):
        return GROUND, "", MUTE
    if status in _BAD:
        return REGRESSED, "×", GROUND
    if recovered:
        return INCONCLUSIVE, "~", "#1f2329"
    if status in ("skip", "xfail"):
        return NO_VALUE, "–", INK
    return SAFE_BAND, "", FAINT


def describe_test_map(frame: pd.DataFrame) -> Description:
    """Say which tests fail in the last run and since when, or which were merely unstable."""
    if frame.empty:
        return Description("No test was unstable", "Empty test by run map, where no test failed or recovered")
    runs = frame.drop_duplicates("run_id")[["run_id", "label"]].reset_index(drop=True)
    last = frame[frame["run_id"] == runs["run_id"].iloc[-1]]
    failing = list(last.loc[last["status"].isin(_BAD), "test_id"])
    total = frame["test_id"].nunique()
    if failing:
        names = listing([str(test).rpartition("::")[2] or str(test) for test in failing], 2)
        title = f"{plural(len(failing), 'test fails', 'tests fail')} in {run_name(runs.iloc[-1])}: {names}"
    else:
        title = (
            f"None of the {plural(total, 'unstable test')} fails in {run_name(runs.iloc[-1])}"
            if total > 1
            else f"The one unstable test does not fail in {run_name(runs.iloc[-1])}"
        )
    key = "× failed, ~ recovered by a retry, – skipped, empty: absent"
    caption = f"Least stable first, {plural(total, 'test')} over {plural(len(runs), 'run')}: {key}."
    return Description(
        title, f"Test by run map of {plural(total, 'test')}, where {title[0].lower()}{title[1:]}", caption
    )
