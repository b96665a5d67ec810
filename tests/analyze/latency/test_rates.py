"""Failure rates, bursts and resources."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from stabkit.analyze.latency.rates import compare_failures, compare_rates
from stabkit.analyze.latency.resources import compare_resource
from stabkit.errors import SchemaError, UsageError


def test_newcombes_own_example():
    # Newcombe 1998, table II, contrast (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    found = compare_rates(48, 80, 56, 70, margin=0.05)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert (found.outcome, found.beyond_margin) == ("regressed", True)


def test_no_errors_prove_the_margin_from_a_known_size():
    assert compare_rates(0, 765, 0, 765, margin=0.005).outcome == "stable"
    open_ = compare_rates(0, 500, 0, 500, margin=0.005)
    assert (open_.outcome, open_.need.amount, open_.need.unit) == ("inconclusive", 265, "samples")
    assert compare_rates(0, 0, 0, 10, margin=0.005).need.reason == "missing"


counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=20, deadline=None)
@given(counts, counts, st.floats(0.001, 0.3), st.floats(1, 3))
def test_rates_mirror_and_a_wider_margin_never_loses_stable(b, c, margin, factor):
    there, back = compare_rates(*b, *c, margin=margin), compare_rates(*c, *b, margin=margin)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert there.p_worse + back.p_worse == pytest.approx(1)
    assert (there.outcome == "improved") == (back.outcome == "regressed")
    assert (there.need is None) == (there.outcome != "inconclusive")
    if there.outcome == "stable":
        assert compare_rates(*b, *c, margin=min(0.99, margin * factor)).outcome == "stable"


@pytest.mark.parametrize("bad", [(-1, 5), (6, 5), (math.nan, 5), (1, math.inf)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(SchemaError):
        compare_rates(0, 5, *bad, margin=0.01)
    with pytest.raises(UsageError):
        compare_rates(0, 5, 0, 5, margin=0)


def test_false_alarms_of_rates():
    rng = np.random.default_rng(7)
    drawn = rng.binomial(1000, 0.01, (120, 2))
    wrong = sum(compare_rates(b, 1000, c, 1000, margin=0.005).outcome == "regressed" for b, c in drawn.tolist())
    assert binomtest(wrong, 120, 0.03, alternative="greater").pvalue > 1e-4


def failing(ok, rounds=1):
    return pd.DataFrame({"round": np.repeat(np.arange(rounds), len(ok) // rounds), "ok": ok})


@pytest.mark.parametrize("rounds", [1, 4, 10])
def test_failures_of_one_incident_are_one_and_scattered_ones_are_many(rounds):
    fine = failing([True] * 1000, rounds)
    burst = failing([True] * 500 + [False] * 20 + [True] * 480, rounds)
    spread = failing(([True] * 19 + [False]) * 50, rounds)
    assert compare_failures(fine, spread, margin=0.005).outcome == "regressed"
    one, back = compare_failures(fine, burst, margin=0.005), compare_failures(burst, fine, margin=0.005)
    assert (one.outcome, one.candidate, one.need.unit) == ("inconclusive", 0.02, "samples")
    # The sides mirror each other, but for upper bounds: one more round like the worst may be to come.
    assert one.low >= -back.high - 1e-12
    assert one.high >= -back.low - 1e-12
    assert compare_failures(fine, fine.assign(ok=False), margin=0.005).outcome == "regressed"


@pytest.mark.parametrize("rounds", [1, 30])
def test_incidents_that_hit_either_side_by_chance_are_no_regression(rounds):
    rng = np.random.default_rng(7)

    def side():  # one stretch of time in ten loses three requests in ten
        bad = np.repeat(rng.random(30) < 0.1, 100)
        return failing(rng.random(3000) >= 0.3 * bad, rounds)

    outcomes = [compare_failures(side(), side(), margin=0.005).outcome for _ in range(150)]
    assert binomtest(outcomes.count("regressed"), 150, 0.03, alternative="greater").pvalue > 1e-3
    assert binomtest(outcomes.count("improved"), 150, 0.03, alternative="greater").pvalue > 1e-3


def test_rounds_of_one_side_only_still_count():
    fine = failing([True] * 1000, 10)
    more = pd.concat([fine, pd.DataFrame({"round": np.repeat([10, 11, 12, 13, 14], 100), "ok": False})])
    assert compare_failures(fine, more, margin=0.005).candidate == pytest.approx(1 / 3)


@pytest.mark.parametrize("n", [1, 2, 9])
def test_a_handful_of_requests_decides_nothing(n):
    found = compare_failures(failing([True] * n), failing([False] + [True] * (n - 1)), margin=0.005)
    assert found.outcome == "inconclusive"


def test_success_is_true_or_false():
    with pytest.raises(SchemaError):
        compare_failures(failing([True, True]), failing([True, None]), margin=0.005)
    with pytest.raises(UsageError):
        compare_failures(failing([True]), failing([True]), margin=0)
    assert compare_failures(failing([]), failing([True]), margin=0.005).need.reason == "missing"


def memory(seed, *, step=0.0, rounds=20, noise=0.3, wander=0.0):
    rng = np.random.default_rng(seed)
    value = 60 + step * np.arange(rounds) + rng.normal(0, noise, rounds) + np.cumsum(rng.normal(0, wander, rounds))
    return pd.DataFrame({"round": np.arange(rounds), "value": value})


@pytest.mark.parametrize("rounds", [15, 20])
def test_a_leak_is_named_as_growth(rounds):
    for seed in range(15):
        pair = memory(seed, rounds=rounds), memory(seed + 900, step=2, rounds=rounds)
        level, growth = compare_resource(*pair, metric="memory", margin=0.1)
        assert growth.outcome == "regressed"
        assert growth.change == pytest.approx(1.026, abs=0.01)
        assert growth.name == "growth per round"
        assert level.outcome != "stable"


def test_two_steady_processes_are_mostly_stable_and_rarely_alarm():
    outcomes = [
        [e.outcome for e in compare_resource(memory(s, wander=0.1), memory(s + 900, wander=0.1), metric="memory",
                                             margin=0.1)]
        for s in range(30)
    ]  # fmt: skip
    assert sum(pair == ["stable", "stable"] for pair in outcomes) >= 20
    assert sum("regressed" in pair for pair in outcomes) <= 4


def test_memory_that_wanders_is_no_leak():
    found = [compare_resource(memory(s, wander=0.5), memory(s + 900, wander=0.5), metric="memory", margin=0.1)[1]
             for s in range(40)]  # fmt: skip
    assert sum(e.outcome in ("regressed", "improved") for e in found) <= 4  # 9 by the trend line alone


def test_a_level_that_wanders_has_fewer_independent_rounds():
    wandering = [0, 1, 3, 2, 4, 5, 4, 6, 5, 3, 4, 2, 1, 2, 0, -1, -2, -1, -3, -2]
    orders = wandering, [wandering[i * 7 % 20] for i in range(20)]  # the same values, neighbours parted
    flat = pd.DataFrame({"round": range(20), "value": [60.0] * 20})
    widths = []
    for values in orders:
        moved = flat.assign(value=60 + np.array(values, dtype=float))
        level = compare_resource(flat, moved, metric="memory", margin=0.1)[0]
        widths.append(math.log(level.high / level.low))
    assert widths[0] > 1.5 * widths[1]


def test_constant_readings_and_few_rounds():
    flat = pd.DataFrame({"round": range(12), "value": [60.0] * 12})
    assert [e.outcome for e in compare_resource(flat, flat, metric="memory", margin=0.1)] == ["stable", "stable"]
    few = compare_resource(flat[:3], flat[:3], metric="memory", margin=0.1)
    assert [(e.outcome, e.need.amount) for e in few] == [("inconclusive", 2), ("inconclusive", 5)]
    none = compare_resource(flat[:0], flat, metric="memory", margin=0.1)
    assert {e.need.reason for e in none} == {"missing"}


def test_processor_time_may_be_zero_but_memory_may_not():
    idle = pd.DataFrame({"round": range(8), "value": [0.0] * 8})
    (level,) = compare_resource(idle, idle, metric="cpu", margin=0.1)
    assert level.outcome == "stable"
    assert "zero_readings" in level.flags
    with pytest.raises(SchemaError):
        compare_resource(idle, idle, metric="memory", margin=0.1)
    busy = idle.assign(value=2.0)
    assert compare_resource(busy, busy * [1, 1.5], metric="cpu", margin=0.1, paired=False)[0].outcome == "regressed"


def test_counts_may_be_zero():
    none = pd.DataFrame({"round": range(8), "value": [0.0] * 8})
    (level,) = compare_resource(none, none, metric="oom_kills", margin=0.1)
    assert (level.outcome, level.flags) == ("stable", ("zero_readings",))
    kills = none.assign(value=[1.0, 2.0] * 4)
    assert compare_resource(none, kills, metric="oom_kills", margin=0.1)[0].outcome == "regressed"


def test_requests_that_would_prove_it_are_more_where_more_certainty_is_asked_for():
    need = compare_rates(0, 500, 0, 500, margin=0.005, confidence=0.98).need
    enough = 500 + need.amount
    assert compare_rates(0, enough, 0, enough, margin=0.005, confidence=0.98).outcome == "stable"
    assert compare_rates(0, enough - 1, 0, enough - 1, margin=0.005, confidence=0.98).outcome == "inconclusive"


def test_growth_that_ten_times_the_rounds_leave_open_names_the_margin_within_reach():
    rng = np.random.default_rng(3)
    sides = [pd.DataFrame({"round": range(10), "value": 100 * np.exp(0.15 * rng.standard_normal(10))}) for _ in "bc"]
    need = compare_resource(*sides, metric="memory", margin=0.05)[1].need
    assert (need.amount > 90, need.reason) == (True, "smallest_margin")
    assert compare_resource(*sides, metric="memory", margin=need.decidable_margin * 1.01)[1].outcome == "stable"
