"""Runs over time: response times and test results, one row a run, in time order, gaps left as gaps.

Only comparable runs share a line: the column ``line`` numbers the stretch that may be drawn as one line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
import pandas as pd

from stabkit.analyze.bounds import LEVEL, clustered_quantile, serial_quantile
from stabkit.analyze.confirmation import BAD, GOOD
from stabkit.analyze.final_attempts import deciding_attempts
from stabkit.analyze.needs import MIN_ROUNDS, MIN_SAMPLES
from stabkit.analyze.rounds import quantile_rank, read_rounds
from stabkit.analyze.shares import wilson_bounds
from stabkit.errors import SchemaError, UsageError, nearest
from stabkit.schema import conform

__all__ = ["final_results", "order_runs", "pass_history", "run_history", "test_run_map", "wilson"]

_Z95: Final = 1.959963984540054
_RUN: Final = ["run_id", "label", "started_at", "environment"]


def order_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs in time order, one row each.

    Parameters
    ----------
    runs : DataFrame
        Table ``runs`` in any order.

    Raises
    ------
    SchemaError
        The frame breaks the table's contract, or a run id occurs twice.
    """
    known = conform("runs", runs)
    twice = known["run_id"][known["run_id"].duplicated()]
    if len(twice):
        raise SchemaError(f"Run id {twice.iloc[0]!r} occurs twice.", where="table runs", hint="Give each run one row.")
    return known.sort_values(["started_at", "run_id"], kind="stable", ignore_index=True)


def wilson(hits: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the Wilson 95 % bounds of ``hits / n``, null where n is 0 or null.

    Notes
    -----
    Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> low, high = wilson(pd.Series([15]), pd.Series([17]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.657, 0.967)
    """
    total = n.astype("float64").where(n.astype("float64") > 0)
    share = hits.astype("float64") / total
    return wilson_bounds(share, total, _Z95)


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
        Tables ``samples`` and ``runs``; warm-up and failed samples are left out.
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
        ``failed`` (samples that failed, on any connection; null if nothing was measured), ``rounds``, ``low_ms`` and
        ``high_ms`` (95 % interval of p50; null below 10 samples and where no order statistic bounds it),
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
    or its own where it has none of that. The interval takes neighbouring samples to be alike (one to four rounds: the
    long-run variance of the ranks; more: their variance between rounds). It speaks of this run alone and does not cover
    the noise between runs.
    """
    ordered = order_runs(runs)
    sketched = pd.DataFrame(columns=_SKETCH) if sketches is None else sketches[sketches["target"] == target]
    chosen = _choose(conform("samples", samples), sketched, target, metric)
    sketched = sketched[(sketched["n"] > 0) & ~sketched["run_id"].isin(chosen["run_id"])]
    usable = chosen[_usable(chosen)]
    main = _main_connection(usable, sketched)
    usable, shown = _main_population(usable, main)
    rows = [_summary(*measured) for measured in _times_by_run(usable, ordered["run_id"])]
    result = pd.concat([ordered[_RUN], pd.DataFrame(rows, columns=_SUMMARY)], axis=1)
    counts = chosen.groupby("run_id")
    result["failed"] = ordered["run_id"].map((~chosen["ok"]).groupby(chosen["run_id"]).sum()).astype("Int64")
    result["rounds"] = ordered["run_id"].map(usable.groupby("run_id")["round"].nunique()).fillna(0).astype("Int64")
    result.loc[~result["run_id"].isin(list(counts.groups)), "failed"] = pd.NA
    result["n"] = result["n"].astype("Int64")
    result["connection"] = ordered["run_id"].map(shown).astype("str")
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
_TO_MS: Final = {"ms": 1.0, "s": 1000.0, "us": 0.001, "ns": 1e-6}


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
    units = {*samples["unit"].dropna(), *sketches["unit"].dropna()} - set(_TO_MS)
    if units:
        raise UsageError(
            f"The metric {metric!r} is measured in {sorted(units)[0]!r}, which is no time.",
            where="table samples",
            hint="In Python: stabkit.detect_changes(values).",
        )
    return samples[~samples["warmup"].fillna(value=False)]


def _usable(samples: pd.DataFrame) -> pd.Series:
    return samples["ok"] & _milliseconds(samples).notna()


def _milliseconds(samples: pd.DataFrame) -> pd.Series:
    reading = samples["value"] * samples["unit"].map(_TO_MS).astype("float64").fillna(1.0)
    return samples["response_ms"].fillna(reading)


def _main_connection(usable: pd.DataFrame, sketches: pd.DataFrame) -> str:
    """Return the kind of connection that most measured times belong to; empty where there is no such difference."""
    sketched = sketches["n"].groupby(sketches["connection"].fillna("")).sum()
    counts = usable["connection"].fillna("").value_counts().add(sketched, fill_value=0).sort_index()
    return str(counts.idxmax()) if len(counts) else ""


def _main_population(usable: pd.DataFrame, main: str) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Return the samples that are shown, one kind of connection a run, and which kind that is where one is known."""
    kinds = usable["connection"].fillna("")
    by_run = kinds.groupby(usable["run_id"])
    shown = by_run.agg(lambda own: main if (own == main).any() else own.value_counts().sort_index().idxmax())
    kept = usable[kinds == usable["run_id"].map(shown)]
    return kept, {str(run): kind for run, kind in shown.items() if kind}


def _with_sketches(history: pd.DataFrame, sketches: pd.DataFrame, main: str) -> pd.DataFrame:
    """Fill the runs that have sketches: with the main kind of connection, or with what most of their times have."""
    ranked = sketches.assign(main=sketches["connection"].fillna("") == main).sort_values(["main", "n"], ascending=False)
    shown = ranked.drop_duplicates("run_id").set_index("run_id")
    filled = history.assign(sketched=history["run_id"].isin(shown.index))
    ids = filled.loc[filled["sketched"], "run_id"]
    scale = shown["unit"].map(_TO_MS).astype("float64").fillna(1.0)
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
    order = usable.assign(_ms=_milliseconds(usable)).sort_values(["round", "sequence"], kind="stable")
    found = {run: (rows["_ms"].to_numpy(), rows["round"].to_numpy("float64")) for run, rows in order.groupby("run_id")}
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
    frame = pd.DataFrame({"round": rounds, "response_ms": np.maximum(times, _SMALLEST_MS)})
    side = read_rounds(frame, where="history")
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


def final_results(tests: pd.DataFrame, *, suite: str | None = None) -> pd.DataFrame:
    """Return one row for each test of each run: its last word, and whether it recovered on the way.

    Parameters
    ----------
    tests : DataFrame
        Table ``tests``; a row is an attempt.
    suite : str, optional
        Only this suite.

    Returns
    -------
    DataFrame
        ``run_id``, ``suite``, ``test_id``, ``status`` (of the last attempt; the most severe if several rows are
        the last of theirs), ``attempts``, ``recovered`` (a bad attempt, then a good last one).

    Raises
    ------
    UsageError
        There are tests, but none of that suite.
    """
    rows = conform("tests", tests)
    if suite is not None and len(rows):
        known = sorted(rows["suite"].unique())
        if suite not in known:
            guess = nearest(suite, known)
            hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known)}."
            raise UsageError(f"No test belongs to the suite {suite!r}.", where="table tests", hint=hint)
        rows = rows[rows["suite"] == suite]
    rows = rows[["run_id", "suite", "test_id", "attempt", "status"]].copy()
    rows["bad"] = rows["status"].isin(BAD)
    key = ["run_id", "suite", "test_id"]
    grouped = rows.groupby(key, sort=True, dropna=False)
    result = grouped.agg(attempts=("attempt", "max"), failed=("bad", "any")).reset_index()
    result["status"] = deciding_attempts(rows, key)["status"].to_numpy()  # in the same order
    result["recovered"] = result["failed"] & result["status"].isin(GOOD)
    return result[[*key, "status", "attempts", "recovered"]]


_COUNTS: Final[dict[str, Collection[str]]] = {
    "passed": ("pass", "xpass"),
    "failed": ("fail",),
    "errors": ("error", "no_result"),
    "skipped": ("skip", "xfail"),
    "good": GOOD,
    "bad": BAD,
}


def pass_history(tests: pd.DataFrame, runs: pd.DataFrame, *, suite: str | None = None) -> pd.DataFrame:
    """Return the test results run by run, with the pass rate and its bounds.

    Parameters
    ----------
    tests, runs : DataFrame
        Tables ``tests`` and ``runs``.
    suite : str, optional
        Only this suite; None takes all tests together.

    Returns
    -------
    DataFrame
        One row a run, oldest first: ``run_id``, ``label``, ``started_at``, ``environment``, the counts of tests by
        their last attempt ``passed`` (with xpass), ``failed``, ``errors`` (with no_result), ``skipped`` (with xfail),
        ``flaky`` (recovered), ``good``, ``bad``; ``rate`` = good / (good + bad), skips apart, with its Wilson 95 %
        bounds ``low``, ``high``; ``common`` and ``common_rate`` over the tests judged in every run of the
        environment; ``line``, and ``break_reason`` where a line breaks because other tests were judged than in the
        run before; ``change_same`` and ``change_other``, the change of the rate since the run before split into that
        of the same tests and that of the changed set. A run without results keeps its row with nulls.

    Notes
    -----
    A line holds one set of judged tests. A test that is skipped leaves the set: skipping the broken must not look
    like an improvement.
    """
    ordered = order_runs(runs)
    results = final_results(tests, suite=suite)
    counts = _count(results, ordered["run_id"])
    good, bad = counts["good"], counts["bad"]
    counts["rate"] = good.astype("float64") / (good + bad).astype("float64").where(good + bad > 0)
    counts["low"], counts["high"] = wilson(good, good + bad)
    result = pd.concat([ordered[_RUN], counts], axis=1)
    return pd.concat([result, _lines(results, ordered)], axis=1)


def _count(results: pd.DataFrame, run_ids: pd.Series) -> pd.DataFrame:
    present = run_ids.isin(results["run_id"])
    columns = {}
    for name, statuses in _COUNTS.items():
        hits = results["status"].isin(statuses).groupby(results["run_id"]).sum()
        columns[name] = run_ids.map(hits).astype("Int64")
    columns["flaky"] = run_ids.map(results["recovered"].groupby(results["run_id"]).sum()).astype("Int64")
    frame = pd.DataFrame(columns)[["passed", "failed", "errors", "skipped", "flaky", "good", "bad"]]
    return frame.where(present, axis=0)


def _lines(results: pd.DataFrame, ordered: pd.DataFrame) -> pd.DataFrame:
    """Walk each environment's runs and number the stretches in which the same tests were judged."""
    judged = results[results["status"].isin(GOOD | BAD)]
    names = judged["suite"] + "\x00" + judged["test_id"]
    is_good = judged["status"].isin(GOOD)
    sets = {
        run: dict(zip(names[index], is_good[index], strict=True))
        for run, index in judged.groupby("run_id").groups.items()
    }
    seen = set(results["run_id"])
    rows = pd.DataFrame(
        {
            "common": pd.Series(pd.NA, index=ordered.index, dtype="Int64"),
            "common_rate": np.nan,
            "line": pd.Series(pd.NA, index=ordered.index, dtype="Int64"),
            "break_reason": pd.Series(None, index=ordered.index, dtype="str"),
            "change_same": np.nan,
            "change_other": np.nan,
        }
    )
    line = 0
    for _, group in ordered.groupby("environment", sort=False, dropna=False):
        line += 1
        members = [sets.get(run, {}) for run in group["run_id"] if run in seen]
        common = set.intersection(*(set(m) for m in members)) if members else set()
        before: dict[str, bool] | None = None
        for position, run in group["run_id"].items():
            if run in seen:
                now = sets.get(run, {})
                if before is not None and set(now) != set(before):
                    line += 1
                    rows.loc[position, "break_reason"] = _set_change(set(before), set(now))
                rows.loc[position, "common"] = len(common)
                rows.loc[position, "common_rate"] = _share(now, common)
                if before is not None:
                    same = set(now) & set(before)
                    moved = _share(now, same) - _share(before, same)
                    rows.loc[position, "change_same"] = moved
                    rows.loc[position, "change_other"] = _share(now, set(now)) - _share(before, set(before)) - moved
                before = now
            rows.loc[position, "line"] = line
    return rows


def _share(results: dict[str, bool], tests: set[str]) -> float:
    return sum(results[test] for test in tests) / len(tests) if tests else np.nan


def _set_change(before: set[str], now: set[str]) -> str:
    parts = [(len(now - before), "added"), (len(before - now), "removed or skipped")]
    return ", ".join(f"{count} {'test' if count == 1 else 'tests'} {word}" for count, word in parts if count)


def test_run_map(tests: pd.DataFrame, runs: pd.DataFrame, *, limit: int = 40) -> pd.DataFrame:  # noqa: PT028
    """Return the statuses of the least stable tests, run by run, as a long frame.

    Parameters
    ----------
    tests, runs : DataFrame
        Tables ``tests`` and ``runs``.
    limit : int
        At most so many tests.

    Returns
    -------
    DataFrame
        ``test_id``, ``suite``, ``run_id``, ``label``, ``started_at``, ``status`` (null where the test is absent),
        ``recovered``, ``rank`` (from 1, least stable first: most flips and recoveries, then most bad results). Ordered
        by rank and time; every chosen test has a row for every run. Tests that were never bad are left out.
    """
    if limit < 1:
        raise UsageError(f"The limit must be at least 1, not {limit}.", where="test_run_map")
    ordered = order_runs(runs)
    results = final_results(tests)
    results = results[results["run_id"].isin(ordered["run_id"])].copy()
    results["time"] = results["run_id"].map(pd.Series(ordered.index, index=ordered["run_id"]))
    results = results.sort_values(["suite", "test_id", "time"], kind="stable")
    chosen = _least_stable(results).head(limit).reset_index(drop=True)
    chosen["rank"] = np.arange(1, len(chosen) + 1)
    grid = chosen[["test_id", "suite", "rank"]].merge(ordered[["run_id", "label", "started_at"]], how="cross")
    found = results[["test_id", "suite", "run_id", "status", "recovered"]]
    grid = grid.merge(found, on=["test_id", "suite", "run_id"], how="left")
    grid["recovered"] = grid["recovered"].astype("boolean")
    return grid[["test_id", "suite", "run_id", "label", "started_at", "status", "recovered", "rank"]]


test_run_map.__test__ = False  # type: ignore[attr-defined]  # a map of tests, not a test: pytest goes by the name


def _least_stable(results: pd.DataFrame) -> pd.DataFrame:
    judged = results[results["status"].isin(GOOD | BAD)]
    bad = judged["status"].isin(BAD)
    same = (judged["test_id"] == judged["test_id"].shift()) & (judged["suite"] == judged["suite"].shift())
    scored = judged[["suite", "test_id"]].assign(
        turns=(same & (bad != bad.shift())).astype("int64") + judged["recovered"].astype("int64"),
        bad=bad.astype("int64"),
    )
    totals = scored.groupby(["suite", "test_id"], as_index=False)[["turns", "bad"]].sum()
    totals = totals[(totals["turns"] > 0) | (totals["bad"] > 0)]
    return totals.sort_values(["turns", "bad", "suite", "test_id"], ascending=[False, False, True, True], kind="stable")
