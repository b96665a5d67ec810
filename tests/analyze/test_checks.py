"""Checks of many requests are shares: proven by Fisher's exact test, ruled out by a bound, or open."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze.checks import CheckComparison, check_states, worst_checks
from stabkit.analyze.statistics import fisher_exact


def counted(*checks: tuple[str, int, int], undecided: int | None = None) -> pd.DataFrame:
    """Checks by name, how often each failed, and how often it was made."""
    frame = pd.DataFrame(checks, columns=["check", "failed", "made"]).assign(target="api", detail=None)
    outcome = np.where(frame["failed"] > 0, "fail", "pass")
    frame = frame.assign(outcome=outcome, passed=frame["made"] - frame["failed"], undecided=undecided)
    return worst_checks(frame.drop(columns="made"))


def states(before: pd.DataFrame, after: pd.DataFrame, **options: Any) -> dict[str, str]:
    return {one.key[1]: one.state for one in check_states(CheckComparison(before, after), **options)}


@pytest.mark.parametrize("counts", [(0, 900, 6, 900), (3, 50, 9, 40), (1, 2000, 1, 2000), (7, 9, 9, 9), (0, 1, 1, 1)])
def test_the_exact_test_agrees_with_scipy(counts: tuple[int, int, int, int]) -> None:
    from scipy.stats import fisher_exact as other

    first, n_first, second, n_second = counts
    table = [[second, n_second - second], [first, n_first - first]]
    assert fisher_exact(*counts) == pytest.approx(other(table, alternative="greater").pvalue, rel=1e-9)


def test_counts_of_millions_neither_overflow_nor_take_time() -> None:
    assert fisher_exact(1_000_000, 4_000_000, 1_010_000, 4_000_000) < 1e-9
    assert fisher_exact(1_000_000, 4_000_000, 1_000_000, 4_000_000) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [
        ((0, 2000), (0, 2000), "kept"),
        ((0, 2000), (1, 2000), "rare"),
        ((1, 2000), (1, 2000), "rare"),
        ((0, 900), (1, 900), "unproven"),
        ((0, 2000), (5, 2000), "unproven"),
        ((0, 2000), (6, 2000), "fail"),
        ((1, 2000), (20, 2000), "fail"),
        ((0, 2000), (2000, 2000), "fail"),
        ((0, 1), (1, 1), "fail"),
        ((0, 2), (1, 2), "unproven"),
        ((3, 3), (3, 3), "known_failure"),
        ((3, 3), (1, 3), "known_failure"),
        ((1, 2000), (2000, 2000), "fail"),
        ((20, 2000), (0, 2000), "fixed"),
        ((1, 2000), (0, 2000), "kept"),
        ((2000, 2000), (0, 2000), "fixed"),
    ],
)
def test_a_check_is_proven_worse_ruled_out_or_open(before: Any, now: Any, state: str) -> None:
    assert states(counted(("status", *before)), counted(("status", *now))) == {"status": state}


def test_without_a_baseline_failures_can_be_proven_and_never_ruled_out() -> None:
    now = counted(("always", 5, 5), ("often", 20, 2000), ("once", 1, 200_000))
    assert states(counted(), now) == {"always": "fail", "often": "fail", "once": "unproven"}


def test_what_a_probe_could_not_tell_is_not_kept() -> None:
    one = counted(("schema", 1, 2000), undecided=7)
    assert states(one, one) == {"schema": "not_checked"}


def test_many_checks_that_fail_now_and_then_are_judged_together() -> None:
    names = [f"check {number}" for number in range(10)]
    before = counted(*((name, 100, 1000) for name in names))
    lone = counted(*((name, 128 if name == names[0] else 100, 1000) for name in names))
    assert fisher_exact(100, 1000, 128, 1000) < 0.03
    assert states(before, lone)[names[0]] == "unproven"
    broken = counted(*((name, 160 if name == names[0] else 100, 1000) for name in names))
    assert states(before, broken)[names[0]] == "fail"


def test_rows_that_nobody_counted_are_exact_until_they_are_many() -> None:
    def rows(*outcomes: str) -> pd.DataFrame:
        return worst_checks(pd.DataFrame({"target": "api", "check": "id", "outcome": list(outcomes), "detail": None}))

    assert states(rows("pass", "pass"), rows("pass", "fail")) == {"id": "fail"}
    many = ["pass"] * 1999
    assert states(rows(*many, "fail"), rows(*many, "fail")) == {"id": "rare"}


def test_one_failure_in_two_thousand_on_both_sides_is_no_regression() -> None:
    # 900 requests a side: 23 % of such pairs regressed while one new failure was enough.
    rng, n, pairs = np.random.default_rng(16), 900, 2000
    state = cache(lambda a, b: states(counted(("status", a, n)), counted(("status", b, n)))["status"])
    equal = [state(*map(int, pair)) for pair in rng.binomial(n, 1 / 2000, (pairs, 2))]
    assert equal.count("fail") / pairs <= 0.01
    worse = [state(0, int(failed)) for failed in rng.binomial(n, 0.01, pairs)]
    assert worse.count("fail") / pairs >= 0.85
    assert worse.count("rare") / pairs <= 0.01


def told(outcome: str, passed: int | None = None, failed: int | None = None, undecided: int | None = None) -> Any:
    row = {"target": "api", "check": ["id"], "outcome": outcome, "detail": None}
    counts = {"passed": passed, "failed": failed, "undecided": undecided}
    return worst_checks(pd.DataFrame(row | {name: pd.array([n], dtype="Int64") for name, n in counts.items()}))


@pytest.mark.parametrize(
    ("row", "outcome", "state"),
    [
        (("pass", 2000, 0), "pass", "kept"),
        (("pass", 2000, 0, 0), "pass", "kept"),
        (("pass", 0, 0), "not_checked", "not_checked"),
        (("pass", 0, 0, 0), "not_checked", "not_checked"),
        (("pass", 1, 0, 1999), "not_checked", "not_checked"),
        (("pass", 500, 1500), "fail", "fail"),
        (("not_checked", 500, 1500), "fail", "fail"),
        (("fail", 0, 0), "not_checked", "not_checked"),
        (("fail", 2000, 0), "not_checked", "not_checked"),
        (("not_checked", 2000, 0), "not_checked", "not_checked"),
        (("pass", None, 0), "not_checked", "not_checked"),
        (("pass", 2000, None), "pass", "kept"),
        (("pass", None, None, 7), "not_checked", "not_checked"),
        (("fail", 3, None), "fail", "fail"),
        (("fail", None, 4), "fail", "fail"),
        (("pass",), "pass", "kept"),
        (("fail",), "fail", "fail"),
    ],
)
def test_counts_outweigh_the_word_beside_them(row: Any, outcome: str, state: str) -> None:
    now = told(*row)
    assert now["outcome"].tolist() == [outcome]
    assert states(told("pass", 2000, 0, 0), now) == {"id": state}


def test_what_the_baseline_only_says_to_hold_is_no_share_to_compare_with() -> None:
    assert states(told("pass", 0, 0), told("fail", 1999, 1)) == {"id": "unproven"}
    assert states(told("pass", 1, 1999), told("pass", 2000, 0)) == {"id": "fixed"}


def test_an_open_check_that_looks_worse_says_how_often_it_has_to_be_made() -> None:
    before, now = counted(("status", 0, 900)), counted(("status", 5, 900))
    (found,) = check_states(CheckComparison(before, now))
    assert (found.state, found.more) == ("unproven", 900)
    shares = (0, 900 + found.more, 10, 900 + found.more)
    assert fisher_exact(*shares) <= 0.025
    # Among several such checks it takes more.
    names = [f"check {number}" for number in range(10)]
    many = [counted(*((name, failed, 900) for name in names)) for failed in (1, 6)]
    found = check_states(CheckComparison(*many))[0]
    assert found.state == "unproven"
    assert found.more is not None
    assert found.more >= 900
