import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.analyze.tests.confirmation import FlakeBasis, attempts_to_confirm, chance_of_flakes, past_results


@pytest.mark.parametrize(("passes", "at_risk", "attempts"), [(20, 1_000, 4), (60, 1_000, 3), (20, 1, 2)])
def test_a_long_clean_history_needs_few_attempts(passes: int, at_risk: int, attempts: int) -> None:
    assert attempts_to_confirm(FlakeBasis(0, passes, 0, at_risk)) == attempts


@pytest.mark.parametrize("at_risk", [1, 17, 1_000, 200_000])
def test_without_history_five_attempts_do_whatever_the_size_of_the_suite(at_risk: int) -> None:
    assert attempts_to_confirm(FlakeBasis(0, 1, 0, at_risk)) in range(2, 6)


def test_flaky_neighbours_ask_for_more() -> None:
    assert attempts_to_confirm(FlakeBasis(0, 1, 1, 1_000)) == 8


def test_a_test_known_to_fail_often_cannot_be_confirmed() -> None:
    assert attempts_to_confirm(FlakeBasis(60, 2, 0, 1_000_000)) is None


def test_the_model_without_history_is_honest() -> None:
    # One hidden flaky test of any rate, passing once: how often would five failures in a row confirm it falsely?
    rate = np.random.default_rng(3).uniform(size=400_000)
    passed = np.random.default_rng(4).uniform(size=rate.size) > rate
    false_alarms = (rate[passed] ** 5).mean()
    assert false_alarms == pytest.approx(1_000 * chance_of_flakes(FlakeBasis(0, 1, 0, 1_000), 5)[0], abs=2e-3)
    assert false_alarms <= 0.05


@given(st.integers(0, 30), st.integers(0, 200), st.integers(0, 20), st.integers(1, 10_000), st.integers(2, 30))
@settings(max_examples=60, deadline=None)
def test_more_failures_make_a_flake_less_likely(f: int, p: int, seen: int, risk: int, k: int) -> None:
    basis = FlakeBasis(f, p, seen, risk)
    assert chance_of_flakes(basis, k + 1)[0] < chance_of_flakes(basis, k)[0] <= 1
    assert chance_of_flakes(FlakeBasis(f, p + 1, seen, risk), k)[0] <= chance_of_flakes(basis, k)[0] + 1e-15


def test_a_run_in_which_all_fails_teaches_nothing_about_its_tests() -> None:
    broken = pd.DataFrame({"run_id": "r1", "test_id": list("abcdef"), "status": "fail"})
    sound = pd.DataFrame({"run_id": "r2", "test_id": list("abcdef"), "status": ["fail", *["pass"] * 5]})
    past = past_results(pd.concat([broken, sound]))
    assert set(past["run_id"]) == {"r2"}
    assert past["failed"].sum() == 1
