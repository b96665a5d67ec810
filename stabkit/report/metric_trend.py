"""How one metric developed over the runs: its changes, its drift, what lies off, and the runs themselves."""

from __future__ import annotations

from typing import Any, Final, Literal

import pandas as pd

from stabkit.analyze.history import REPLAYS, Change, Drift, History, analyze_history, run_history
from stabkit.chart.drawing import run_name
from stabkit.config import Config, times_condition
from stabkit.errors import UsageError
from stabkit.numbers import amount_text, interval, measure, moment, percent
from stabkit.report.display import Column, Group, Statement, Table
from stabkit.report.words import metric_words, sentence
from stabkit.text import count, joined, plain

__all__ = ["Quantile", "margin_of", "trend"]

Quantile = Literal["p50", "p95", "p99"]
_ENOUGH: Final = 8
_COLUMNS: Final = (
    Column("run", "Run", "head"),
    Column("p50", "p50, ms", "number"),
    Column("p95", "p95, ms", "number"),
    Column("p99", "p99, ms", "number"),
    Column("n", "n", "number"),
    Column("failed", "Failed", "number"),
    Column("what", "What happened"),
)


def trend(
    samples: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    target: str,
    metric: str = "response_time",
    quantile: Quantile | None = "p95",
    margin: float | None = None,
    limit: int = 20,
    sketches: pd.DataFrame | None = None,
) -> Group:
    """Return the history of one metric in words and as a table of its runs, the newest first.

    Parameters
    ----------
    samples, runs : DataFrame
        Tables ``samples`` and ``runs``.
    target, metric : str
        What was measured; a metric that is no time is refused.
    quantile : {"p50", "p95", "p99"}, optional
        Which value of each run is the history. None: p95, or p50 where no run has enough values for that.
    margin : float, optional
        Allowed relative change; 0.05 is 5 %. It says which changes matter and when a drift reaches it.
    limit : int
        Runs in the table.
    sketches : DataFrame, optional
        Percentiles of runs that keep no samples, as ``run_history`` takes them.

    Raises
    ------
    UsageError
        No usable sample and no sketch has that target and metric, or it is no time.

    Notes
    -----
    Only runs like the newest one are a history: of its environment and, where that is known, its kind of connection.
    """
    every = run_history(samples, runs, target=target, metric=metric, sketches=sketches)
    measured = every.loc[every["n"] > 0, "line"]
    if measured.empty:
        raise UsageError(
            f"No stored run has a time of {target!r}: none was measured, or all failed.",
            hint="Collect it first: stabkit collect. What is stored: stabkit runs",
        )
    line = measured.iloc[-1]
    frame = every[every["line"] == line].reset_index(drop=True)
    if quantile is None:
        quantile = "p95" if frame["p95_ms"].notna().any() else "p50"
    history = analyze_history(frame[f"{quantile}_ms"], margin=margin, replays=REPLAYS)
    of = f"{plain(target)} {metric_words(metric)}, {quantile}"
    said = [_lead(of, frame, history), *_changes(frame, history), _drift(history.drift), *_doubts(frame, history)]
    bare = int(frame["sketched"].sum()) if "sketched" in frame else 0
    if bare:
        said.append(sentence(f"{count(bare, 'run')} without samples told from sketches, within {percent(0.01)}"))
    apart = len(every) - len(frame)
    if apart:
        said.append(sentence(f"{count(apart, 'run')} of another environment or kind of connection left out"))
    return Group((Statement(tuple(text for text in said if text)), _table(frame, history, of, limit)))


def margin_of(config: Config | None, target: str, metric: str, quantile: Quantile) -> float | None:
    """Return the margin that a latency condition sets for this quantile of a metric; None if no condition does."""
    condition = times_condition(config, target, metric) if config else None
    margins = {"p50": condition.margin, "p99": condition.tail_margin} if condition else {}
    return margins.get(quantile)


def _lead(of: str, frame: pd.DataFrame, history: History) -> str:
    known = count(history.n, "run")
    gaps = len(frame) - history.n
    missing = f"; {count(gaps, 'run')} without it" if gaps else ""
    if history.n < _ENOUGH:
        return sentence(f"{of}: {known} with a value{missing}; {_ENOUGH} show whether it changes or drifts")
    if history.drift.outcome == "drifting":
        return sentence(f"{of}: a drift in {known}{missing}")
    level = measure(history.segments[-1].median, "ms")
    found = count(len(history.changes), "change") if history.changes else "no change found"
    return sentence(f"{of}: {found} in {known}{missing}; its level is {level}")


def _changes(frame: pd.DataFrame, history: History) -> list[str]:
    """Say each change, the newest first."""
    return [sentence(_change(frame, change)) for change in reversed(history.changes)]


def _change(frame: pd.DataFrame, change: Change) -> str:
    way = "rose" if change.difference > 0 else "fell"
    size = measure(abs(change.difference), "ms") if change.ratio is None else percent(abs(change.ratio - 1))
    levels = f"from {measure(change.before, 'ms')} to {measure(change.after, 'ms')}"
    beyond = {True: ", beyond the margin", False: ", within the margin", None: ""}[change.beyond_margin]
    back = "" if change.went_away_at is None else f", and was gone with {_name(frame, change.went_away_at)}"
    part = ", as part of a drift" if "part_of_drift" in change.flags else ""
    return f"It {way} by {size} with {_name(frame, change.index)}, {levels}{beyond}{part}{back}"


def _drift(drift: Drift) -> str:
    if drift.slope_per_run is None or drift.low is None or drift.high is None:
        return ""
    bounds = interval(drift.low, drift.high)
    if drift.outcome != "drifting":
        return sentence(f"no drift found; {bounds} ms a run remain possible")
    way = "up" if drift.slope_per_run > 0 else "down"
    soon = ""
    if drift.reaches_margin_in is not None:
        least, most = drift.reaches_margin_in
        when = (
            f"{amount_text(least)} runs or more"
            if most is None
            else f"{amount_text(least)} to {amount_text(most)} runs"
        )
        soon = f"; at that pace it has moved by the margin in {when}"
    return sentence(f"it drifts {way} by {measure(abs(drift.slope_per_run), 'ms')} a run {bounds}{soon}")


def _doubts(frame: pd.DataFrame, history: History) -> list[str]:
    said = []
    for change in history.suspects:
        off = f"{measure(change.after, 'ms')} instead of {measure(change.before, 'ms')}"
        what = "a spike" if change.p_value is None else "chance"
        need = f"{count(change.more_needed, 'more run')} would tell a change from {what}"
        said.append(sentence(f"since {_name(frame, change.index)} it lies at {off}; {need}"))
    if history.spikes:
        names = joined([_name(frame, spike.index) for spike in history.spikes])
        said.append(sentence(f"{count(len(history.spikes), 'spike')} set aside: {names}"))
    return said


def _name(frame: pd.DataFrame, index: int) -> str:
    return plain(run_name(frame.iloc[index]))


def _table(frame: pd.DataFrame, history: History, of: str, limit: int) -> Table:
    events = _events(history)
    rows: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    for index in reversed(range(len(frame))):
        run = frame.iloc[index]
        quantiles = {name: run[f"{name}_ms"] for name in ("p50", "p95", "p99")}
        shown = {name: None if pd.isna(value) else measure(value, "").strip() for name, value in quantiles.items()}
        failed = None if pd.isna(run["failed"]) else amount_text(run["failed"])
        name = (plain(run_name(run)), moment(run["started_at"]))
        rows.append({"run": name, **shown, "n": amount_text(run["n"]), "failed": failed, "what": events.get(index)})
        records.append({**run.to_dict(), "what": events.get(index)})
    return Table(_COLUMNS, tuple(rows), f"Runs, the newest first: {of}", records=tuple(records), limit=limit)


def _events(history: History) -> dict[int, str]:
    """Return what happened at each place: one word or two."""
    places = {spike.index: "spike" for spike in history.spikes}
    for change in (*history.changes, *history.suspects):
        way = "rose" if change.difference > 0 else "fell"
        size = measure(abs(change.difference), "ms") if change.ratio is None else percent(abs(change.ratio - 1))
        places[change.index] = f"{way} by {size}" + ("" if change.confirmed else ", suspected")
    return places
