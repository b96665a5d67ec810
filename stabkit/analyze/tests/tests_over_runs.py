"""Test results over the runs: one row a run, in time order, gaps left as gaps.

Only comparable runs share a line: the column ``line`` numbers the stretch that may be drawn as one line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
import pandas as pd

from stabkit.analyze.statistics import wilson
from stabkit.analyze.tests.final_attempts import final_results
from stabkit.errors import UsageError
from stabkit.runs import order_runs
from stabkit.vocabulary import BAD, GOOD, STATUS_COUNTS

__all__ = ["pass_history", "test_run_map"]

_RUN: Final = ["run_id", "label", "started_at", "environment"]
_COUNTS: Final[Mapping[str, Collection[str]]] = {**STATUS_COUNTS, "good": GOOD, "bad": BAD}


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
        bounds ``low``, ``high``; ``common`` and ``common_rate`` over the tests judged in every run of the environment;
        ``line``; where a line breaks because other tests were judged than in the run before, how many were
        ``tests_added`` and how many ``tests_removed`` or skipped, else null; ``bad_removed``, how many of the removed
        or skipped failed in the run before, null in the first; ``change_same`` and ``change_other``, the
        change of the rate since the run before split into that of the same tests and that of the changed set. A run
        without results keeps its row with nulls.

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
            "tests_added": pd.Series(pd.NA, index=ordered.index, dtype="Int64"),
            "tests_removed": pd.Series(pd.NA, index=ordered.index, dtype="Int64"),
            "bad_removed": pd.Series(pd.NA, index=ordered.index, dtype="Int64"),
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
                    rows.loc[position, "tests_added"] = len(set(now) - set(before))
                    rows.loc[position, "tests_removed"] = len(set(before) - set(now))
                rows.loc[position, "common"] = len(common)
                rows.loc[position, "common_rate"] = _share(now, common)
                if before is not None:
                    rows.loc[position, "bad_removed"] = sum(
                        not good for test, good in before.items() if test not in now
                    )
                    same = set(now) & set(before)
                    moved = _share(now, same) - _share(before, same)
                    rows.loc[position, "change_same"] = moved
                    rows.loc[position, "change_other"] = _share(now, set(now)) - _share(before, set(before)) - moved
                before = now
            rows.loc[position, "line"] = line
    return rows


def _share(results: dict[str, bool], tests: set[str]) -> float:
    return sum(results[test] for test in tests) / len(tests) if tests else np.nan


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
