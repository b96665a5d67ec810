"""How flaky each test is: recovery and disagreement are strong evidence, flips are weak, and never one figure."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from stabkit.analyze.statistics import wilson
from stabkit.analyze.tests.final_attempts import final_results
from stabkit.runs import order_runs
from stabkit.vocabulary import BAD, GOOD

__all__ = ["flakiness", "mass_failures"]

# Fewer results than this say nothing about a rate: the interval of 0 of 9 still reaches 30 %.
MIN_RUNS: Final = 10
MASS_SHARE: Final = 0.8
SMOOTHING: Final = 0.2

_KEY: Final = ["suite", "test_id"]
_COLUMNS: Final = [
    *_KEY, "n", "runs", "flips", "flip_rate", "flip_low", "flip_high", "smoothed", "commits", "disagreements",
    "disagreement", "disagreement_low", "disagreement_high", "entropy", "recoveries", "recovery", "recovery_low",
    "recovery_high", "enough",
]  # fmt: skip


def mass_failures(tests: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs in which more than 80 % of a suite's judged tests were bad; they are left out of flakiness.

    Parameters
    ----------
    tests, runs : DataFrame
        Tables ``tests`` and ``runs``.

    Returns
    -------
    DataFrame
        ``run_id``, ``label``, ``started_at``, ``suite``, ``bad``, ``judged``, ``share``, oldest first. A suite with
        fewer than 5 judged tests is never set aside: there one broken test would be a mass.
    """
    ordered = order_runs(runs)
    judged = _judged(tests, ordered)
    counted = judged.groupby(["time", "suite"], as_index=False).agg(bad=("bad", "sum"), judged=("bad", "size"))
    counted["share"] = counted["bad"] / counted["judged"]
    mass = counted[(counted["share"] > MASS_SHARE) & (counted["judged"] >= 5)]
    frame = mass.merge(ordered[["run_id", "label", "started_at"]], left_on="time", right_index=True, how="left")
    return frame[["run_id", "label", "started_at", "suite", "bad", "judged", "share"]].reset_index(drop=True)


def flakiness(tests: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the measures of flakiness of every test, each with n and its Wilson 95 % bounds.

    Parameters
    ----------
    tests, runs : DataFrame
        Tables ``tests`` and ``runs``. Tests of runs that are not in ``runs`` do not count; skips neither.

    Returns
    -------
    DataFrame
        One row a test, the most flaky first:

        - ``n``: judged results; ``runs``: the pairs of neighbours that could flip, within one branch and environment;
        - ``flips``, ``flip_rate`` with ``flip_low``, ``flip_high`` (weak: real breaks flip too), ``smoothed``
          (exponentially weighted, 0.2 a result, so old flips age out);
        - ``commits`` with at least 2 results in one environment, ``disagreements`` among them (good and bad at one
          commit), ``disagreement`` with bounds, ``entropy`` (bits, mean over those commits): strong;
        - ``recoveries`` (a bad attempt, then a good last one), ``recovery`` per result, with bounds: strong;
        - ``enough``: n >= 10; fewer say nothing about a rate. Rates without a denominator are null.

    Notes
    -----
    Runs listed by :func:`mass_failures` are set aside for that suite: a full disk fails all and tells of no test.
    """
    ordered = order_runs(runs)
    judged = _judged(tests, ordered)
    mass = mass_failures(tests, runs)
    if len(mass):
        aside = pd.MultiIndex.from_frame(mass[["run_id", "suite"]])
        judged = judged[~pd.MultiIndex.from_frame(judged[["run_id", "suite"]]).isin(aside)]
    result = judged.groupby(_KEY, as_index=False).agg(n=("bad", "size"), recoveries=("recovered", "sum"))
    for part in (_flips(judged), _commits(judged)):
        result = result.merge(part, on=_KEY, how="left")
    for hits, total, rate, stem in (
        ("flips", "runs", "flip_rate", "flip"),
        ("disagreements", "commits", "disagreement", "disagreement"),
        ("recoveries", "n", "recovery", "recovery"),
    ):
        result[[hits, total]] = result[[hits, total]].fillna(0).astype("int64")
        result[rate] = result[hits] / result[total].where(result[total] > 0)
        result[f"{stem}_low"], result[f"{stem}_high"] = wilson(result[hits], result[total])
    result["enough"] = result["n"] >= MIN_RUNS
    order = ["recoveries", "disagreements", "smoothed", *_KEY]
    return result[_COLUMNS].sort_values(order, ascending=[False] * 3 + [True] * 2, kind="stable", ignore_index=True)


def _judged(tests: pd.DataFrame, ordered: pd.DataFrame) -> pd.DataFrame:
    """Good and bad results of known runs, in time order within each test, branch and environment."""
    results = final_results(tests)
    results = results[results["status"].isin(GOOD | BAD)]
    about = ordered[["run_id", "branch", "environment", "commit"]].assign(time=ordered.index)
    judged = results.merge(about, on="run_id", how="inner")
    judged["bad"] = judged["status"].isin(BAD)
    # Runs that state no branch are alike in that; a null would drop out of every grouping.
    judged["group"] = pd.factorize(judged["branch"].fillna("") + "\x00" + judged["environment"].fillna(""), sort=True)[
        0
    ]
    return judged.sort_values([*_KEY, "group", "time"], kind="stable", ignore_index=True)


def _flips(judged: pd.DataFrame) -> pd.DataFrame:
    same = pd.Series(data=True, index=judged.index)
    for column in (*_KEY, "group"):
        same &= judged[column] == judged[column].shift()
    pairs = judged.loc[same, [*_KEY, "time"]].copy()
    pairs["flip"] = (judged["bad"] != judged["bad"].shift())[same].astype("float64")
    pairs = pairs.sort_values([*_KEY, "time"], kind="stable")
    grouped = pairs.groupby(_KEY)
    age = grouped.cumcount(ascending=False)
    # e = a flip + (1 - a) e from e = 0, written as a weighted sum.
    pairs["weighted"] = pairs["flip"] * SMOOTHING * (1 - SMOOTHING) ** age
    return pairs.groupby(_KEY, as_index=False).agg(
        flips=("flip", "sum"), runs=("flip", "size"), smoothed=("weighted", "sum")
    )


def _commits(judged: pd.DataFrame) -> pd.DataFrame:
    known = judged[judged["commit"].notna()].copy()
    known["environment"] = known["environment"].fillna("")
    each = known.groupby([*_KEY, "environment", "commit"], as_index=False).agg(n=("bad", "size"), bad=("bad", "sum"))
    each = each[each["n"] >= 2]
    share = (each["bad"] / each["n"]).astype("float64")
    each["disagrees"] = (share > 0) & (share < 1)
    inner = share.where(each["disagrees"], 0.5)
    each["entropy"] = (-inner * np.log2(inner) - (1 - inner) * np.log2(1 - inner)).where(each["disagrees"], 0.0)
    return each.groupby(_KEY, as_index=False).agg(
        commits=("n", "size"), disagreements=("disagrees", "sum"), entropy=("entropy", "mean")
    )
