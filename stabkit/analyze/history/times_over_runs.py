"""Response times over the runs: one row a run, in time order, gaps left as gaps.

Only comparable runs share a line: the column ``line`` numbers the stretch that may be drawn as one line.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from stabkit.analyze.statistics import (
    LEVEL,
    MIN_ROUNDS,
    MIN_SAMPLES,
    clustered_quantile,
    quantile_rank,
    read_rounds,
    serial_quantile,
)
from stabkit.errors import UsageError, nearest
from stabkit.runs import order_runs
from stabkit.samples import TIME_COLUMNS, TO_MS, best_column, counted, failed, milliseconds
from stabkit.schema import conform

__all__ = ["run_history"]

_RUN: Final = ["run_id", "label", "started_at", "environment"]


def run_history(
    samples: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    target: str,
    metric: str = "response_time",
    sketches: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the latency of one target, run by run.

    Parameters
    ----------
    samples, runs : DataFrame
        Tables ``samples`` and ``runs``; times are those of the samples that count (:mod:`stabkit.samples`).
    target, metric : str
        Which samples. A metric that is no time (``memory``) is refused.
    sketches : DataFrame, optional
        Percentiles of runs without samples: ``run_id``, ``target``, ``connection``, ``unit``, ``n``, ``failed``,
        ``p50``, ``p95``, ``p99``, as from ``Store.quantiles``.

    Returns
    -------
    DataFrame
        One row a run, oldest first: ``run_id``, ``label``, ``started_at``, ``environment``, ``p50_ms``, ``p95_ms``,
        ``p99_ms`` (ms, nearest rank; null below 20 and 100 samples, where it would merely be the maximum), ``n``,
        ``failed`` (samples that failed, on any connection, warm-up too; null if nothing was measured), ``rounds``,
        ``low_ms`` and ``high_ms`` (95 % interval of p50; null below 10 samples and where no order statistic bounds it),
        ``connection`` (``fresh`` or ``reused``, null where there is no such difference), ``line`` (one number an
        environment and connection). A run without samples keeps its row, with n = 0 and null values; given sketches,
        ``sketched`` is true where the values come from one, whose rounds and interval are not known.

    Raises
    ------
    UsageError
        No sample and no sketch has this target and metric, or its unit is no time.

    Notes
    -----
    Fresh and reused connections are two populations: each run shows the one that most samples of the history belong to,
    or its own where it has none of that. All are read from one column, the best that all runs have; where they have
    none in common, the newest run's, and runs without it show no times. The interval takes neighbouring samples to be
    alike (one to four rounds: the long-run variance of the ranks; more: their variance between rounds). It speaks of
    this run alone and does not cover the noise between runs.
    """
    ordered = order_runs(runs)
    sketched = pd.DataFrame(columns=_SKETCH) if sketches is None else sketches[sketches["target"] == target]
    chosen = _choose(conform("samples", samples), sketched, target, metric)
    sketched = sketched[(sketched["n"] > 0) & ~sketched["run_id"].isin(chosen["run_id"])]
    rows_that_count = counted(chosen)
    main = _main_connection(rows_that_count, sketched)
    usable = _timed(_main_population(rows_that_count, main), ordered["run_id"])
    rows = [_summary(*measured) for measured in _times_by_run(usable, ordered["run_id"])]
    result = pd.concat([ordered[_RUN], pd.DataFrame(rows, columns=_SUMMARY)], axis=1)
    counts = chosen.groupby("run_id")
    result["failed"] = ordered["run_id"].map(failed(chosen).groupby(chosen["run_id"]).sum()).astype("Int64")
    result["rounds"] = ordered["run_id"].map(usable.groupby("run_id")["round"].nunique()).fillna(0).astype("Int64")
    result.loc[~result["run_id"].isin(list(counts.groups)), "failed"] = pd.NA
    result["n"] = result["n"].astype("Int64")
    result["connection"] = ordered["run_id"].map(usable.groupby("run_id")["connection"].first()).astype("str")
    columns = ["p50_ms", "p95_ms", "p99_ms", "n", "failed", "rounds", "low_ms", "high_ms", "connection", "line"]
    if sketches is not None:
        result = _with_sketches(result, sketched, main)
        columns.append("sketched")
    result["line"] = _line_numbers(result)
    return result[[*_RUN, *columns]]


_SUMMARY: Final = ["p50_ms", "p95_ms", "p99_ms", "n", "low_ms", "high_ms"]
_AT_LEAST: Final = {"p50_ms": 1, "p95_ms": 20, "p99_ms": 100}
_SKETCH: Final = ["run_id", "target", "connection", "unit", "n", "failed", "p50", "p95", "p99"]
_SMALLEST_MS: Final = 1e-9


def _choose(samples: pd.DataFrame, sketches: pd.DataFrame, target: str, metric: str) -> pd.DataFrame:
    for column, word in (("target", target), ("metric", metric)):
        known = sorted(samples[column].unique())
        if word not in known and known and sketches.empty:
            if column == "metric":
                what = f"No sample of {target!r} has the metric {word!r}."
                raise UsageError(what, where="table samples", hint=f"Name another metric: {', '.join(known)}.")
            guess = nearest(word, known)
            hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known)}."
            raise UsageError(f"No sample has the {column} {word!r}.", where="table samples", hint=hint)
        samples = samples[samples[column] == word]
    units = {*samples["unit"].dropna(), *sketches["unit"].dropna()} - set(TO_MS)
    if units:
        raise UsageError(
            f"The metric {metric!r} is measured in {sorted(units)[0]!r}, which is no time.",
            where="table samples",
            hint="In Python: stabkit.detect_changes(values).",
        )
    return samples


def _main_connection(usable: pd.DataFrame, sketches: pd.DataFrame) -> str:
    """Return the kind of connection that most measured times belong to; empty where there is no such difference."""
    sketched = sketches["n"].groupby(sketches["connection"].fillna("")).sum()
    counts = usable["connection"].fillna("").value_counts().add(sketched, fill_value=0).sort_index()
    return str(counts.idxmax()) if len(counts) else ""


def _main_population(usable: pd.DataFrame, main: str) -> pd.DataFrame:
    """Return the samples that are shown, one kind of connection a run."""
    kinds = usable["connection"].fillna("")
    if (kinds == main).all():
        return usable
    by_run = kinds.groupby(usable["run_id"])
    shown = by_run.agg(lambda own: main if (own == main).any() else own.value_counts().sort_index().idxmax())
    return usable[kinds == usable["run_id"].map(shown)]


def _timed(rows: pd.DataFrame, run_ids: pd.Series) -> pd.DataFrame:
    """Return the rows that have a time, with it as ``_ms``, in time order within the rounds."""
    times = rows[[*TIME_COLUMNS, "unit"]]
    column = best_column([times])
    if column is None or milliseconds(times, column).isna().any():  # no column is whole in all runs: look at each
        by_run = dict(iter(times.groupby(rows["run_id"])))
        parts = [by_run[run] for run in run_ids if run in by_run]
        column = best_column(parts) or best_column(parts[-1:])
    timed = rows.iloc[:0].assign(_ms=0.0) if column is None else rows.assign(_ms=milliseconds(rows, column))
    return timed[timed["_ms"].notna()].sort_values(["round", "sequence"], kind="stable")


def _with_sketches(history: pd.DataFrame, sketches: pd.DataFrame, main: str) -> pd.DataFrame:
    """Fill the runs that have sketches: with the main kind of connection, or with what most of their times have."""
    ranked = sketches.assign(main=sketches["connection"].fillna("") == main).sort_values(["main", "n"], ascending=False)
    shown = ranked.drop_duplicates("run_id").set_index("run_id")
    filled = history.assign(sketched=history["run_id"].isin(shown.index))
    ids = filled.loc[filled["sketched"], "run_id"]
    scale = shown["unit"].map(TO_MS).astype("float64").fillna(1.0)
    values = {
        "n": shown["n"],
        "failed": sketches.groupby("run_id")["failed"].sum(),
        "rounds": pd.Series(pd.NA, index=shown.index, dtype="Int64"),
        "connection": shown["connection"],
        **{name: (shown[name[:3]] * scale).where(shown["n"] >= least) for name, least in _AT_LEAST.items()},
    }
    for name, known in values.items():
        filled.loc[filled["sketched"], name] = ids.map(known).astype(filled[name].dtype)
    return filled


def _times_by_run(usable: pd.DataFrame, run_ids: pd.Series) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the times and the rounds of each run, in time order within the rounds."""
    times, rounds = usable["_ms"].to_numpy(), usable["round"].to_numpy("float64")
    found = {run: (times[at], rounds[at]) for run, at in usable.groupby("run_id").indices.items()}
    return [found.get(run, (np.empty(0), np.empty(0))) for run in run_ids]


def _summary(times: np.ndarray, rounds: np.ndarray) -> list[float]:
    n, ms = len(times), np.sort(times)

    shares = (0.5, 0.95, 0.99)
    known = [
        float(ms[quantile_rank(n, share) - 1]) if n >= least else np.nan
        for share, least in zip(shares, _AT_LEAST.values(), strict=True)
    ]
    low, high = _median_interval(times, rounds) if n >= MIN_SAMPLES else (np.nan, np.nan)
    return [*known, n, low, high]


def _median_interval(times: np.ndarray, rounds: np.ndarray) -> tuple[float, float]:
    # Other tools write 0 ms for what was faster than their clock; the bounds are order statistics, whatever the scale.
    side = read_rounds(np.maximum(times, _SMALLEST_MS), where="history", rounds=rounds)
    if side.count < MIN_ROUNDS:
        side = read_rounds(side.values, where="history")
    tick = 0.0 if (times <= 0).any() else side.tick  # relative to the median, which may be 0 here
    bounds = (serial_quantile if side.count == 1 else clustered_quantile)(side, 0.5, tick=tick).at(LEVEL)
    low, high = (float(np.exp(bound)) if np.isfinite(bound) else np.nan for bound in bounds)
    return low, high


def _line_numbers(history: pd.DataFrame) -> pd.Series:
    """Return the number of each run's line; one without samples continues the line of its environment."""
    codes = _environment_numbers(history)
    known = history["connection"].groupby(codes).transform(lambda kinds: kinds.ffill().bfill())
    pairs, _ = pd.factorize(codes.astype("str") + " " + known.fillna(""))
    return pd.Series(pairs + 1, index=history.index, dtype="Int64")


def _environment_numbers(runs: pd.DataFrame) -> pd.Series:
    codes, _ = pd.factorize(runs["environment"], use_na_sentinel=False)
    return pd.Series(codes + 1, index=runs.index, dtype="Int64")
