"""Flakiness per test: strong and weak evidence apart, mass failures set aside."""

from __future__ import annotations

import pandas as pd
import pytest

from stabkit.analyze.tests.flaky import flakiness, mass_failures
from stabkit.schema import empty


def make_runs(n: int, **columns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "run_id": [f"r{k:03}" for k in range(n)],
            "started_at": pd.date_range("2026-01-01", periods=n, tz="UTC"),
            "branch": "main",
            "environment": "ci",
            "complete": True,
        }
    )
    return frame.assign(**columns)


def make_tests(**lines: str) -> pd.DataFrame:
    """One letter a run: p pass, f fail, s skip, r recovered, - absent."""
    words = {"p": ["pass"], "f": ["fail"], "s": ["skip"], "r": ["fail", "pass"], "-": []}
    return pd.DataFrame(
        [
            {"run_id": f"r{k:03}", "suite": "u", "name": t, "test_id": t, "attempt": a, "status": status}
            for t, line in lines.items()
            for k, letter in enumerate(line)
            for a, status in enumerate(words[letter], start=1)
        ]
    )


def row_of(frame: pd.DataFrame, test: str) -> pd.Series:
    return frame.set_index("test_id").loc[test]


def test_flips_are_counted_over_neighbours_without_skips():
    found = row_of(flakiness(make_tests(t="pfsfp-pppppp"), make_runs(12)), "t")
    assert (found["n"], found["runs"], found["flips"]) == (10, 9, 2)
    assert found["flip_rate"] == pytest.approx(2 / 9)
    assert found["flip_low"] < 2 / 9 < found["flip_high"]
    assert found["enough"]


def test_below_ten_results_it_says_too_few():
    found = row_of(flakiness(make_tests(t="pfpfpfpfp"), make_runs(9)), "t")
    assert not found["enough"]


def test_one_result_has_no_rates():
    found = row_of(flakiness(make_tests(t="f"), make_runs(1)), "t")
    assert found[["flip_rate", "flip_low", "disagreement", "entropy"]].isna().all()


def test_old_flips_age_out():
    frame = flakiness(make_tests(old="pfpfppppppppp", new="pppppppppfpfp"), make_runs(13))
    assert row_of(frame, "old")["flip_rate"] == row_of(frame, "new")["flip_rate"]
    assert row_of(frame, "old")["smoothed"] < row_of(frame, "new")["smoothed"]
    # e = 0.2 flip + 0.8 e, by hand
    e = 0.0
    for flip in [1, 1, 1, 1] + [0] * 8:
        e = 0.2 * flip + 0.8 * e
    assert row_of(frame, "old")["smoothed"] == pytest.approx(e)


def test_branches_and_environments_do_not_flip_against_each_other():
    tests = make_tests(t="pfpfpfpf")
    assert row_of(flakiness(tests, make_runs(8, branch=["main", "topic"] * 4)), "t")["flips"] == 0
    assert row_of(flakiness(tests, make_runs(8, environment=["ci", None] * 4)), "t")["flips"] == 0
    assert row_of(flakiness(tests, make_runs(8)), "t")["flips"] == 7


def test_disagreement_and_entropy_are_per_commit():
    runs = make_runs(8, commit=["a", "a", "b", "b", "c", "c", "d", None])
    found = row_of(flakiness(make_tests(t="pfppfffp"), runs), "t")
    assert (found["commits"], found["disagreements"]) == (3, 1)
    assert found["disagreement"] == pytest.approx(1 / 3)
    assert found["entropy"] == pytest.approx(1 / 3)  # one bit, mean of three commits


def test_recovery_is_its_own_measure():
    found = row_of(flakiness(make_tests(t="rpprpppppp"), make_runs(10)), "t")
    assert (found["recoveries"], found["flips"], found["recovery"]) == (2, 0, 0.2)


def test_mass_failures_are_listed_and_left_out():
    lines = {f"t{k}": "pppfpppppppp" for k in range(10)}
    tests, runs = make_tests(**lines), make_runs(12)
    listed = mass_failures(tests, runs)
    assert listed[["run_id", "suite", "bad", "judged", "share"]].values.tolist() == [["r003", "u", 10, 10, 1.0]]
    frame = flakiness(tests, runs)
    assert frame["flips"].sum() == 0
    assert (frame["n"] == 11).all()


def test_one_broken_test_alone_is_no_mass():
    tests, runs = make_tests(t="pfpfpfpfpfpf"), make_runs(12)
    assert mass_failures(tests, runs).empty
    assert row_of(flakiness(tests, runs), "t")["flips"] == 11


def test_runs_that_are_not_asked_for_do_not_count():
    assert row_of(flakiness(make_tests(t="pfpfpfpf"), make_runs(4)), "t")["n"] == 4


def test_nothing_gives_nothing():
    assert flakiness(empty("tests"), make_runs(3)).empty
    assert mass_failures(empty("tests"), make_runs(3)).empty
    assert flakiness(make_tests(t="sss"), make_runs(3)).empty
    assert flakiness(empty("tests"), empty("runs")).empty
