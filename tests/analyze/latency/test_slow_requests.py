"""The share of slow requests: known truth, rounds that are alike, limits that are estimates, hostile input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from stabkit.analyze.latency.slow_requests import MARGIN, compare_slow_requests, default_margin
from stabkit.analyze.outcome import Estimate, Need
from stabkit.errors import SchemaError, UsageError


def side(
    rng: np.random.Generator, *, rounds: int = 15, each: int = 60, noise: float = 0.0, **worse: Any
) -> pd.DataFrame:
    """Return rounds of response times; a share ``slowed`` takes ``factor`` times as long."""
    times = 20 * np.exp(0.1 * rng.standard_normal((rounds, each)) + noise * rng.standard_normal((rounds, 1)))
    slow = rng.random(times.shape) < worse.get("slowed", 0.0)
    times = np.where(slow, times * worse.get("factor", 3.0), times) * worse.get("ratio", 1.0)
    return pd.DataFrame({"round": np.repeat(np.arange(rounds), each), "response_ms": times.ravel()})


def compared(seed: int, noise: float = 0.0, rounds: int = 15, each: int = 60, **worse: Any) -> Estimate:
    rng = np.random.default_rng(seed)
    before = side(rng, noise=noise, rounds=rounds, each=each)
    return compare_slow_requests(before, side(rng, noise=noise, rounds=rounds, each=each, **worse))[0]


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_nothing_changed_is_seldom_called_worse(noise: float) -> None:
    worse = sum(compared(seed, noise).outcome == "regressed" for seed in range(100))
    assert binomtest(worse, 100, 0.03, alternative="greater").pvalue > 1e-4


def test_the_usual_size_of_the_demo_decides() -> None:
    same = [compared(seed).outcome for seed in range(40)]
    assert binomtest(same.count("stable"), 40, 0.9, alternative="less").pvalue > 1e-4
    tail = [compared(seed, slowed=0.05) for seed in range(40)]
    outcomes = [estimate.outcome for estimate in tail]
    assert "stable" not in outcomes
    assert binomtest(outcomes.count("regressed"), 40, 0.97, alternative="less").pvalue > 1e-4
    strong = sum((estimate.p_worse or 1) <= 0.025 / 16 for estimate in tail)
    assert strong >= 20  # most also stand as the smallest of sixteen


def test_rounds_that_differ_widen_the_interval() -> None:
    even, uneven = compared(3), compared(3, noise=0.2)
    widths = [estimate.high - estimate.low for estimate in (even, uneven) if estimate.high and estimate.low]
    assert widths[1] > 2 * widths[0]
    assert uneven.need is not None
    assert uneven.need.unit == "rounds"


def test_a_stated_limit_is_taken_as_it_is() -> None:
    rng = np.random.default_rng(1)
    before, after = side(rng), side(rng, slowed=0.05)
    worse, limit = compare_slow_requests(before, after, slower_than_ms=40.0)
    assert (worse.outcome, limit, worse.baseline) == ("regressed", 40.0, 0.0)
    assert worse.candidate == (after["response_ms"] > 40).mean()
    none, _ = compare_slow_requests(before, before, slower_than_ms=1e6)
    assert (none.outcome, none.change, none.low is not None and none.low < 0) == ("stable", 0.0, True)
    few = compare_slow_requests(before.head(60), after.head(60), slower_than_ms=1e6)[0]
    assert few.outcome == "inconclusive"  # none of sixty is no proof of less than four in a hundred


def test_the_limit_is_the_baselines_own_p95() -> None:
    rng = np.random.default_rng(2)
    before, after = side(rng), side(rng)
    estimate, limit = compare_slow_requests(before, after)
    assert limit == pytest.approx(np.sort(before["response_ms"])[854])  # rank 855 of 900
    assert estimate.baseline == pytest.approx(45 / 900)
    assert (estimate.margin, estimate.rounds, estimate.n_candidate) == (MARGIN, 15, 900)


@pytest.mark.parametrize(("n", "reason"), [(0, "missing"), (1, "one_sample"), (9, "too_few_samples")])
def test_too_few_requests_decide_nothing(n: int, reason: str) -> None:
    estimate, _ = compare_slow_requests(np.full(n, 20.0), np.full(n, 20.0))
    assert (estimate.outcome, estimate.change, estimate.need and estimate.need.reason) == ("inconclusive", None, reason)


def needed(amount: int) -> Need:
    return Need(amount, "rounds", "wide_interval")


def test_few_rounds_are_never_stable_and_rounds_of_one_side_are_left_out() -> None:
    rng = np.random.default_rng(4)
    few = compare_slow_requests(side(rng, rounds=4, each=5000), side(rng, rounds=4, each=5000))[0]
    assert (few.outcome, few.flags) == ("inconclusive", ("few_rounds",))
    assert few.need == needed(1)
    long = compare_slow_requests(side(rng, rounds=20), side(rng, rounds=15))[0]
    assert (long.rounds, long.n_baseline, long.flags) == (15, 900, ())
    apart = compare_slow_requests(side(rng), side(rng), paired=False)[0]
    assert apart.flags == ("run_noise_unknown",)


def test_a_coarse_clock_does_not_feign_certainty() -> None:
    rng = np.random.default_rng(5)
    coarse = [
        frame.assign(response_ms=frame["response_ms"].round(-1).clip(lower=10)) for frame in (side(rng), side(rng))
    ]
    estimate = compare_slow_requests(*coarse)[0]
    assert estimate.outcome in ("stable", "inconclusive")
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.high - estimate.low > 0.005


@pytest.mark.parametrize("values", [[20.0, float("nan")] * 10, [-1.0] * 20, ["a"] * 20])
def test_what_is_no_time_is_refused(values: list[Any]) -> None:
    with pytest.raises(SchemaError):
        compare_slow_requests(values, [20.0] * 20)


@pytest.mark.parametrize(
    "options", [{"margin": 0}, {"margin": 1.5}, {"slower_than_ms": 0}, {"slower_than_ms": math.inf}]
)
def test_wrong_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        compare_slow_requests([20.0] * 20, [20.0] * 20, **options)


def test_the_usual_margin_keeps_within_the_objective() -> None:
    assert (default_margin(None), default_margin(0.95), default_margin(0.5)) == (MARGIN, MARGIN, MARGIN)
    assert default_margin(0.999) == pytest.approx(0.001)


# Two times a few ulp apart are told apart in one unit and not in another: nobody measures picoseconds.
TIMES = st.floats(0.1, 1e4).map(lambda ms: round(ms, 3))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(TIMES, min_size=10, max_size=80),
    st.lists(TIMES, min_size=10, max_size=80),
    st.sampled_from([0.25, 4.0, 1024.0]),
    st.booleans(),
)
def test_bounds_enclose_the_change_and_units_do_not_matter(
    before: list[float],
    after: list[float],
    unit: float,
    stated: bool,
) -> None:
    limit = 100.0 if stated else None
    estimate, at = compare_slow_requests(before, after, slower_than_ms=limit)
    assert estimate.change is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert -1 <= estimate.low <= estimate.change <= estimate.high <= 2
    if stated:
        swapped = compare_slow_requests(after, before, slower_than_ms=limit)[0]
        assert (swapped.low, swapped.high) == (pytest.approx(-estimate.high), pytest.approx(-estimate.low))
    wide = compare_slow_requests(before, after, slower_than_ms=limit, confidence=0.999)[0]
    assert wide.low is not None
    assert wide.high is not None
    assert wide.low <= estimate.low + 1e-9
    assert wide.high >= estimate.high - 1e-9
    assert at is not None
    scaled = [np.array(values) * unit for values in (before, after)]
    other, there = compare_slow_requests(*scaled, slower_than_ms=limit and limit * unit)
    assert (other.change, there) == (estimate.change, pytest.approx(at * unit))
