"""Any confidence for every measured estimate, and noise given for each quantile."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from stabkit.analyze.latency.comparison import compare_latency
from stabkit.analyze.latency.objectives import objective_estimate
from stabkit.analyze.latency.rates import compare_failures, compare_rates
from stabkit.analyze.latency.resources import compare_resource
from stabkit.analyze.outcome import Estimate
from stabkit.analyze.statistics.bounds import RunNoise
from stabkit.errors import UsageError

RNG = np.random.default_rng(5)


def times(factor: float = 1.0, rounds: int = 20) -> pd.DataFrame:
    ms = 20 * factor * np.exp(0.1 * RNG.standard_normal(rounds * 100))
    return pd.DataFrame({"round": np.repeat(np.arange(rounds), 100), "response_ms": ms})


def memory(rounds: int = 20) -> pd.DataFrame:
    return pd.DataFrame({"round": np.arange(rounds), "value": 60 + RNG.normal(0, 0.5, rounds)})


def answers(good: int, failed: int) -> pd.DataFrame:
    return pd.DataFrame({"round": 0, "ok": [True] * good + [False] * failed})


SIDES = times(), times()
USED = memory(), memory()
WAYS: dict[str, Callable[[float], tuple[Estimate, ...]]] = {
    "paired": lambda c: compare_latency(*SIDES, confidence=c).quantiles,
    "separate": lambda c: compare_latency(*SIDES, paired=False, run_noise=(0.01, 10), confidence=c).quantiles,
    "one round": lambda c: compare_latency(*(s["response_ms"].to_numpy() for s in SIDES), confidence=c).quantiles,
    "rates": lambda c: (compare_rates(3, 1000, 5, 1000, margin=0.01, confidence=c),),
    "failures": lambda c: (compare_failures(answers(900, 1), answers(950, 0), margin=0.01, confidence=c),),
    "resource": lambda c: compare_resource(*USED, metric="memory", margin=0.1, confidence=c),
    "objective": lambda c: (objective_estimate(SIDES[0], quantile=0.95, below_ms=40, confidence=c),),
}


@pytest.mark.parametrize("way", WAYS)
def test_more_confidence_never_narrows(way: str) -> None:
    levels = [0.5, 0.9, 0.95, 0.98, 0.9981, 0.99999, 1 - 1e-12]
    for before, after in pairwise(levels):
        for narrow, wide in zip(WAYS[way](before), WAYS[way](after), strict=True):
            assert narrow.low is not None
            assert narrow.high is not None
            assert wide.low is not None
            assert wide.high is not None
            assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("way", WAYS)
def test_95_percent_is_what_is_used_without_saying(way: str) -> None:
    plain = {
        "paired": lambda: compare_latency(*SIDES).quantiles,
        "rates": lambda: (compare_rates(3, 1000, 5, 1000, margin=0.01),),
        "resource": lambda: compare_resource(*USED, metric="memory", margin=0.1),
        "objective": lambda: (objective_estimate(SIDES[0], quantile=0.95, below_ms=40),),
    }
    if way in plain:
        assert plain[way]() == WAYS[way](0.95)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, 95.0, float("nan")])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_confidence_is_refused(way: str, confidence: float) -> None:
    with pytest.raises(UsageError, match="confidence"):
        WAYS[way](confidence)


def test_a_regression_at_95_percent_may_be_open_at_a_look() -> None:
    rng = np.random.default_rng(8)
    before, after = (
        pd.DataFrame({"round": np.repeat(np.arange(8), 100), "response_ms": 20 * factor * np.exp(noise)})
        for factor, noise in ((1.0, 0.1 * rng.standard_normal(800)), (1.09, 0.1 * rng.standard_normal(800)))
    )
    assert compare_latency(before, after).outcome == "regressed"
    strict = compare_latency(before, after, confidence=1 - 1e-9)
    assert strict.outcome == "inconclusive"
    assert strict.need is not None


def test_each_quantile_takes_its_own_noise() -> None:
    known = {"p50": RunNoise(0.001, 20), "p99": RunNoise(0.2, 20)}
    found = compare_latency(*SIDES, paired=False, run_noise=known)
    same = compare_latency(*SIDES, paired=False, run_noise=(0.001, 20))
    assert found.quantiles[0] == same.quantiles[0]
    assert found.quantiles[1].high is not None
    assert same.quantiles[1].high is not None
    assert found.quantiles[1].high > 1.1 * same.quantiles[1].high
    assert "run_noise_unknown" not in found.flags


@pytest.mark.parametrize("known", [{"p50": (0.01, 9)}, {"p99": (0.01, 9)}, {"p50": (0.01, 9), "p95": (0.01, 9)}])
def test_noise_that_one_quantile_lacks_is_refused(known: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(UsageError, match="run_noise is given for"):
        compare_latency(*SIDES, paired=False, run_noise=known)


def test_no_noise_at_all_is_not_knowing() -> None:
    for nothing in ({}, {"p50": [], "p99": []}, None):
        assert "run_noise_unknown" in compare_latency(*SIDES, paired=False, run_noise=nothing).flags
