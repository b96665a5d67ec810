"""Histories run by run: the times of a target, and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from stabkit.analyze.history import line_changes, run_history
from stabkit.analyze.tests import pass_history, test_run_map
from stabkit.chart import HistoryLines, NotPassingBars, StatusMap
from stabkit.chart.drawing import draw_in
from stabkit.errors import SchemaError, UsageError
from stabkit.plot.sources import one_of, tables_of
from stabkit.text import joined, plain
from stabkit.vocabulary import metric_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["heatmap", "history", "not_passing"]


def history(
    source: Any,
    ax: Axes | None = None,
    *,
    target: str | None = None,
    metric: str = "response_time",
    objective_ms: float | None = None,
) -> Axes:
    """Draw the times of one target over the runs, p50 and p95, with the changes of level.

    Parameters
    ----------
    source : Store or DataFrame
        The store; or a frame with a row a run, in time order: ``run_id`` or ``label``, ``p50`` and ``p95`` in ms, such
        as ``store.quantiles(by=("target", "run_id"))``.
    ax : Axes, optional
        None: a new figure.
    target : str, optional
        Which; needed where there are several.
    metric : str
        Which time, of a store.
    objective_ms : float, optional
        A limit to show, ms.

    Raises
    ------
    UsageError
        No such target, or several and none was named.
    SchemaError
        The frame lacks a column.

    Examples
    --------
    >>> import stabkit
    >>> ax = stabkit.plot.history(stabkit.open("data/sample"), target="backend")
    """
    if hasattr(source, "samples") and hasattr(source, "runs"):
        samples = source.samples()
        mine = samples[samples["metric"] == metric]
        target = one_of(mine["target"], target, "target", f"with {metric}", "plot.history")
        frame = run_history(mine[mine["target"] == target], source.runs(), target=target, metric=metric)
    else:
        frame, target = _history_frame(source, target)
    changed = "p95_ms" if frame["p95_ms"].notna().sum() >= 3 else "p50_ms"
    of = " ".join(part for part in (plain(target) if target else "", plain(metric_of(metric).words)) if part)
    changes = line_changes(frame, changed)
    return draw_in(HistoryLines(frame, of=of, changes=changes, changed=changed, objective_ms=objective_ms), ax)


def heatmap(source: Any, ax: Axes | None = None, *, runs: pd.DataFrame | None = None, limit: int = 20) -> Axes:
    """Draw the least stable tests run by run: one row a test, one cell a run.

    Parameters
    ----------
    source : Store, FlakinessResult or DataFrame
        The store, what :func:`stabkit.flakiness` returned, or the table ``tests``.
    ax : Axes, optional
        None: a new figure.
    runs : DataFrame, optional
        The table ``runs``; needed with the table ``tests``.
    limit : int
        At most so many tests.

    Raises
    ------
    UsageError
        The table ``tests`` came without ``runs``.

    Examples
    --------
    >>> import stabkit
    >>> ax = stabkit.plot.heatmap(stabkit.open("data/sample"))
    """
    tests, known = tables_of(source, {"runs": runs}, ("tests", "runs"), "plot.heatmap")
    return draw_in(StatusMap(test_run_map(tests, known, limit=limit)), ax)


def not_passing(source: Any, ax: Axes | None = None, *, runs: pd.DataFrame | None = None) -> Axes:
    """Draw how many tests failed, were flaky or skipped, one bar a run.

    Parameters
    ----------
    source : Store, FlakinessResult or DataFrame
        As of :func:`heatmap`.
    ax : Axes, optional
        None: a new figure.
    runs : DataFrame, optional
        The table ``runs``; needed with the table ``tests``.

    Raises
    ------
    UsageError
        The table ``tests`` came without ``runs``.

    Examples
    --------
    >>> import stabkit
    >>> ax = stabkit.plot.not_passing(stabkit.open("data/sample"))
    """
    tests, known = tables_of(source, {"runs": runs}, ("tests", "runs"), "plot.not_passing")
    return draw_in(NotPassingBars(pass_history(tests, known)), ax)


def _history_frame(source: Any, target: str | None) -> tuple[pd.DataFrame, str | None]:
    """Return a row a run as a history has them, of a frame of percentiles, and whose they are."""
    if not isinstance(source, pd.DataFrame):
        raise UsageError(
            "This is neither a store nor a frame.", where="plot.history", hint="Give stabkit.open(), or a frame."
        )
    if "target" in source.columns:
        target = one_of(source["target"], target, "target", "in this frame", "plot.history")
        source = source[source["target"] == target]
    if "connection" in source.columns and len(source["connection"].dropna().unique()) > 1:
        raise UsageError(
            "The frame holds fresh and reused connections, which are two histories.",
            where="plot.history",
            hint="Choose one: frame[frame['connection'] == 'reused'].",
        )
    frame = source.rename(columns={name: f"{name}_ms" for name in ("p50", "p95", "p99")}).reset_index(drop=True)
    missing = [name for name in ("p50_ms", "p95_ms") if name not in frame.columns]
    missing += [] if {"run_id", "label", "day"} & set(frame.columns) else ["run_id"]
    if missing:
        raise SchemaError(f"Required columns are missing: {joined(missing)}.", where="plot.history",
                          hint="A row a run, with its run_id, p50 and p95, as store.quantiles gives it.")  # fmt: skip
    named = next(name for name in ("run_id", "label", "day") if name in frame.columns)
    usual = {"run_id": frame[named].astype(str), "label": frame[named].astype(str), "low_ms": None, "high_ms": None}
    frame = frame.assign(**{name: value for name, value in usual.items() if name not in frame.columns})
    bounds = {name: frame[name].astype("float64") for name in ("low_ms", "high_ms")}
    return frame.assign(**bounds, **({} if "line" in frame.columns else {"line": 0})), target
