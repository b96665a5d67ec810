"""Histories of latency and of test results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from stabkit.analyze.history.times_over_runs import run_history
from stabkit.analyze.statistics.shares import wilson
from stabkit.analyze.tests import transitions
from stabkit.analyze.tests.final_attempts import final_results
from stabkit.analyze.tests.tests_over_runs import pass_history, test_run_map
from stabkit.errors import SchemaError, UsageError
from stabkit.runs import order_runs
from stabkit.schema import conform, empty


def make_runs(n: int, **columns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "run_id": [f"r{k:03}" for k in range(n)],
            "label": [f"v1.{k}" for k in range(n)],
            "environment": "staging",
            "started_at": pd.date_range("2026-01-01", periods=n, tz="UTC"),
            "complete": True,
        }
    )
    return frame.assign(**columns)


def make_tests(results: dict[str, dict[str, str]], suite: str = "unit") -> pd.DataFrame:
    """run -> test -> statuses of its attempts, separated by blanks."""
    return pd.DataFrame(
        [
            {"run_id": run, "suite": suite, "name": t, "test_id": t, "attempt": k, "status": status}
            for run, tests in results.items()
            for t, attempts in tests.items()
            for k, status in enumerate(attempts.split(), start=1)
        ]
    )


def make_samples(times: dict[str, list[float]], **columns) -> pd.DataFrame:
    rows = [
        {"run_id": run, "target": "api", "metric": "response_time", "round": k % 2, "sequence": k, "response_ms": ms}
        for run, values in times.items()
        for k, ms in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(ok=True, warmup=False, **columns)


def test_runs_come_in_time_order_and_gaps_stay_gaps():
    runs = make_runs(4).iloc[[2, 0, 3, 1]]
    history = run_history(make_samples({"r000": [1.0, 2, 3], "r003": [4.0] * 100}), runs, target="api")
    assert history["run_id"].tolist() == ["r000", "r001", "r002", "r003"]
    assert history["p50_ms"].isna().tolist() == [False, True, True, False]
    assert history["n"].tolist() == [3, 0, 0, 100]
    assert history["rounds"].tolist() == [2, 0, 0, 2]
    assert history["failed"].isna().tolist() == [False, True, True, False]
    assert history["line"].tolist() == [1, 1, 1, 1]


def test_percentiles_are_nearest_ranks_and_null_where_they_would_be_the_maximum():
    history = run_history(
        make_samples({"r000": [*range(1, 101)], "r001": [*range(1, 100)], "r002": [*range(1, 20)], "r003": [7.0]}),
        make_runs(4),
        target="api",
    )
    assert history["p50_ms"].tolist() == [50, 50, 10, 7]
    assert history["p95_ms"].fillna(-1).tolist() == [95, 95, -1, -1]
    assert history["p99_ms"].fillna(-1).tolist() == [99, -1, -1, -1]
    assert history["low_ms"].fillna(-1).tolist()[3] == -1


def test_the_interval_of_the_median_covers_it():
    rng = np.random.default_rng(1)
    for n in (15, 40):
        samples = make_samples({f"r{k:03}": list(rng.exponential(size=n)) for k in range(300)})
        history = run_history(samples, make_runs(300), target="api").dropna(subset=["low_ms", "high_ms"])
        covered = (history["low_ms"] <= np.log(2)) & (np.log(2) <= history["high_ms"])
        assert len(history) > 200
        assert covered.mean() >= 0.91  # at a true 95 %, three standard errors below
    assert (history["low_ms"] <= history["p50_ms"]).all()


@pytest.mark.parametrize("rounds", [1, 8])
def test_the_interval_of_the_median_allows_for_neighbours_that_are_alike(rounds):
    rng = np.random.default_rng(2)
    times = {}
    for k in range(200):
        z = rng.standard_normal(160)
        for i in range(1, 160):  # an AR(1) of correlation 0.8; independent samples would cover in 46 %
            z[i] = 0.8 * z[i - 1] + 0.6 * z[i]
        times[f"r{k:03}"] = list(20 * np.exp(0.25 * z))
    samples = make_samples(times)
    samples["round"] = samples["sequence"] * rounds // 160
    history = run_history(samples, make_runs(200), target="api")
    covered = (history["low_ms"] <= 20) & (history["high_ms"] >= 20)
    assert covered.mean() >= 0.89
    assert (history["high_ms"] / history["low_ms"]).median() < 1.6


def test_one_kind_of_connection_is_shown_and_two_share_no_line():
    samples = make_samples({"r000": [10.0] * 30, "r001": [10.0] * 40, "r003": [90.0] * 30}, connection="reused")
    fresh = samples[samples["run_id"] != "r001"].assign(connection="fresh", response_ms=90.0)
    samples = pd.concat([samples[samples["run_id"] != "r003"], fresh])
    history = run_history(samples, make_runs(4), target="api")
    assert history["connection"].fillna("").tolist() == ["reused", "reused", "", "fresh"]
    assert history["p50_ms"].fillna(-1).tolist() == [10, 10, -1, 90]
    assert history["n"].tolist() == [30, 40, 0, 30]
    assert history["line"].tolist() == [1, 1, 1, 2]


def test_times_of_zero_keep_their_rank():
    history = run_history(make_samples({"r000": [0.0] * 20 + [1.0] * 20}), make_runs(1), target="api")
    assert history.loc[0, "p50_ms"] == 0
    assert history.loc[0, "low_ms"] <= 1e-8


def test_warm_up_and_failures_are_no_latencies():
    samples = make_samples({"r000": [5.0, 6.0, 900.0]})
    samples["warmup"] = [False, False, True]
    failed = samples.iloc[[0]].assign(sequence=9, ok=False, response_ms=None)
    history = run_history(pd.concat([samples, failed]), make_runs(1), target="api")
    assert history.loc[0, ["p50_ms", "n", "failed"]].tolist() == [5.0, 2, 1]


def test_readings_in_seconds_become_milliseconds_and_megabytes_are_refused():
    samples = make_samples({"r000": [None] * 3}, value=0.25, unit="s").assign(metric="event:done")
    assert run_history(samples, make_runs(1), target="api", metric="event:done")["p50_ms"].tolist() == [250]
    with pytest.raises(UsageError, match="no time"):
        run_history(samples.assign(unit="MB"), make_runs(1), target="api", metric="event:done")


def test_an_unknown_target_or_metric_says_which_there_are():
    samples = make_samples({"r000": [1.0]})
    with pytest.raises(UsageError, match="Did you mean 'api'"):
        run_history(samples, make_runs(1), target="apj")
    with pytest.raises(UsageError, match="response_time"):
        run_history(samples, make_runs(1), target="api", metric="memory")


def test_runs_without_samples_are_told_from_their_sketches():
    sketches = pd.DataFrame(
        {
            "run_id": ["r000", "r000", "r001", "r003"],
            "target": ["api", "api", "api", "other"],
            "connection": ["fresh", "reused", "reused", "reused"],
            "unit": ["ms", "ms", "s", "ms"],
            "n": [10, 50, 19, 50],
            "failed": [1, 2, 0, 0],
            "p50": [9.0, 3.0, 0.004, 9.0],
            "p95": [9.0, 5.0, 0.006, 9.0],
            "p99": [9.0, 6.0, 0.007, 9.0],
        }
    )
    samples = make_samples({"r002": [1.0, 2, 3]}, connection="reused")
    history = run_history(samples, make_runs(4), target="api", sketches=sketches)
    assert history["sketched"].tolist() == [True, True, False, False]
    assert history["p50_ms"].tolist()[:3] == [3.0, 4.0, 2.0]
    assert history["p95_ms"].notna().tolist() == [True, False, False, False]
    assert history["p99_ms"].isna().all()
    assert history["n"].tolist() == [50, 19, 3, 0]
    assert history["failed"].tolist()[:3] == [3, 0, 0]
    assert history["rounds"].isna().tolist() == [True, True, False, False]
    assert set(history["line"]) == {1}
    alone = run_history(samples.head(0), make_runs(4), target="api", sketches=sketches)
    assert alone["connection"].tolist()[:2] == ["reused", "reused"]


def test_environments_do_not_share_a_line():
    runs = make_runs(4, environment=["staging", "prod", "staging", None])
    history = run_history(empty("samples"), runs, target="api")
    assert history["line"].tolist() == [1, 2, 1, 3]
    assert pass_history(empty("tests"), runs)["line"].tolist() == [1, 2, 1, 3]


def test_a_run_id_occurs_once():
    with pytest.raises(SchemaError, match="r000"):
        order_runs(pd.concat([make_runs(1), make_runs(1)]))


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=60, deadline=None)
def test_wilson_agrees_with_statsmodels(pair):
    hits, n = pair
    low, high = wilson(pd.Series([hits]), pd.Series([n]))
    assert (low[0], high[0]) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-9)


def test_wilson_of_nothing_is_null():
    low, high = wilson(pd.Series([0, None], dtype="Int64"), pd.Series([0, None], dtype="Int64"))
    assert low.isna().all()
    assert high.isna().all()


def test_the_last_attempt_decides_and_the_worst_report_of_it():
    tests = make_tests({"r000": {"a": "fail pass", "b": "pass fail", "c": "pass"}})
    twice = tests[tests["test_id"] == "c"].assign(status="error")
    final = final_results(pd.concat([twice, tests])).set_index("test_id")
    assert final["status"].to_dict() == {"a": "pass", "b": "fail", "c": "error"}
    assert final["recovered"].to_dict() == {"a": True, "b": False, "c": False}
    assert final.loc["a", "attempts"] == 2


def test_the_final_status_agrees_with_the_comparison_of_two_runs():
    rng = np.random.default_rng(1)
    words = ["pass", "fail", "error", "skip", "xfail", "xpass", "no_result"]
    rows = {"t" + str(k): " ".join(rng.choice(words, size=rng.integers(1, 4))) for k in range(300)}
    tests = conform("tests", make_tests({"r000": rows}))
    tests.loc[rng.choice(len(tests), 100), "attempt"] = 1
    ours = final_results(tests).set_index("test_id").sort_index()
    theirs = transitions.test_results(tests).set_index("test_id").sort_index()
    assert ours["status"].to_dict() == theirs["status"].to_dict()
    # There "recovered" also covers good, then bad: disagreement within the run. Here the last attempt must be good.
    good_at_last = theirs["recovered"] & theirs["status"].isin(["pass", "xfail", "xpass"])
    assert (ours["recovered"] >= good_at_last).all()


def test_counts_and_rate_of_a_run():
    statuses = ["pass", "xpass", "xfail", "skip", "fail", "error", "no_result", "fail pass"]
    tests = make_tests({"r000": {f"t{k}": status for k, status in enumerate(statuses)}})
    row = pass_history(tests, make_runs(2)).iloc[0]
    assert row[["passed", "failed", "errors", "skipped", "flaky", "good", "bad"]].tolist() == [3, 1, 2, 2, 1, 4, 3]
    assert row["rate"] == pytest.approx(4 / 7)
    assert row["low"] < row["rate"] < row["high"]


def test_a_run_without_results_is_null_not_zero():
    row = pass_history(make_tests({"r000": {"a": "pass"}}), make_runs(2)).iloc[1]
    assert row[["passed", "bad", "rate", "low", "common", "tests_added", "tests_removed"]].isna().all()
    assert row["line"] == 1


def test_the_line_breaks_where_the_set_changes_and_a_gap_does_not_break_it():
    tests = make_tests(
        {
            "r000": {"a": "pass", "b": "fail"},
            "r002": {"a": "pass", "b": "fail"},
            "r003": {"a": "pass", "b": "skip"},
            "r004": {"a": "pass", "c": "pass", "d": "fail"},
        }
    )
    history = pass_history(tests, make_runs(5))
    assert history["line"].tolist() == [1, 1, 1, 2, 3]
    assert history[["tests_added", "tests_removed"]].dropna().values.tolist() == [[0, 1], [2, 0]]
    # Skipping the broken test lifts the rate by half; the same tests did not change at all.
    assert history.loc[3, ["rate", "change_same", "change_other"]].tolist() == [1.0, 0.0, 0.5]
    assert history["common"].dropna().tolist() == [1, 1, 1, 1]
    assert history["common_rate"].dropna().tolist() == [1, 1, 1, 1]


def test_a_suite_is_told_apart():
    tests = pd.concat([make_tests({"r000": {"a": "pass"}}), make_tests({"r000": {"a": "fail"}}, suite="e2e")])
    assert pass_history(tests, make_runs(1)).loc[0, ["passed", "failed"]].tolist() == [1, 1]
    assert pass_history(tests, make_runs(1), suite="e2e").loc[0, ["passed", "failed"]].tolist() == [0, 1]
    with pytest.raises(UsageError, match="Did you mean 'unit'"):
        pass_history(tests, make_runs(1), suite="unti")


@given(st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_is_irrelevant(random):
    tests = make_tests({"r000": {"a": "fail pass", "b": "fail"}, "r001": {"a": "pass", "b": "pass", "c": "error"}})
    order = list(range(len(tests)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        pass_history(tests, make_runs(3)), pass_history(tests.iloc[order], make_runs(3).iloc[[2, 0, 1]])
    )


def test_the_map_shows_the_least_stable_tests_and_leaves_holes():
    tests = make_tests(
        {
            "r000": {"good": "pass", "turns": "pass", "broken": "fail"},
            "r001": {"good": "pass", "turns": "fail", "broken": "fail"},
            "r003": {"good": "pass", "turns": "fail pass", "broken": "fail"},
        }
    )
    chart = test_run_map(tests, make_runs(4))
    assert chart["test_id"].drop_duplicates().tolist() == ["turns", "broken"]
    assert len(chart) == 8
    turns = chart[chart["test_id"] == "turns"]
    assert turns["status"].fillna("-").tolist() == ["pass", "fail", "-", "pass"]
    assert turns["recovered"].fillna(value=False).tolist() == [False, False, False, True]
    assert test_run_map(tests, make_runs(4), limit=1)["test_id"].unique().tolist() == ["turns"]
    assert test_run_map(empty("tests"), make_runs(4)).empty
    with pytest.raises(UsageError):
        test_run_map(tests, make_runs(4), limit=0)


def test_arguments_are_not_changed():
    tests, runs = make_tests({"r001": {"a": "fail pass"}}), make_runs(2).iloc[[1, 0]]
    before = tests.copy(), runs.copy()
    pass_history(tests, runs)
    test_run_map(tests, runs)
    pd.testing.assert_frame_equal(tests, before[0])
    pd.testing.assert_frame_equal(runs, before[1])
