"""compare_latency and its neighbours: hand-derived values, properties, hostile input, and known truth."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import stdtrit
from scipy.stats import binomtest

from stabkit.analyze.latency.comparison import (
    RunNoise,
    compare_latency,
    objective_estimate,
    quantile_shift,
)
from stabkit.analyze.statistics.bounds import clustered_quantile, long_run_variance, serial_quantile
from stabkit.analyze.statistics.rounds import read_rounds
from stabkit.errors import SchemaError, UsageError


def times(n, seed, *, ms=20.0, sd=0.25, phi=0.0):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    for t in range(1, n) if phi else ():
        z[t] = phi * z[t - 1] + math.sqrt(1 - phi**2) * z[t]
    return ms * np.exp(sd * z)


def frame(rounds, each, seed, **how):
    return pd.DataFrame({"round": np.repeat(np.arange(rounds), each), "response_ms": times(rounds * each, seed, **how)})


# --- hand-derived values ---------------------------------------------------------------------------------------------


def test_the_long_run_variance_is_the_weighted_sum_of_autocovariances():
    d = np.random.default_rng(5).standard_normal(40)
    d -= d.mean()
    gamma = [float(d[j:] @ d[: 40 - j]) / 40 for j in range(8)]
    expected = gamma[0] + 2 * sum((1 - j / 8) * gamma[j] for j in range(1, 8))
    assert long_run_variance(d, 7) == pytest.approx(expected, rel=1e-12)


def test_ranks_of_one_round_of_independent_samples():
    # 100 values whose "at most the median" alternates: no positive correlation, so the variance is p (1 - p).
    values = np.where(np.arange(100) % 2 == 0, 1 + np.arange(100) / 1000, 2 + np.arange(100) / 1000)
    bounds = serial_quantile(read_rounds(values, where="x"), 0.5)
    assert bounds.rank_sd == pytest.approx(5.0)  # sqrt(100 * 0.25)
    assert bounds.df == pytest.approx(1.5 * 100 / 9)  # L = floor(2 * 100^(1/3))
    h = -stdtrit(150 / 9, 0.025) * 5
    ordered = np.log(np.sort(values))
    assert bounds.at(0.025) == (ordered[math.floor(50.5 - h) - 1], ordered[math.ceil(50.5 + h) - 1])


def test_clustered_variance_counts_rounds_not_samples():
    # Three rounds of two: shares at most the pooled median 3 are 1, 0.5 and 0.
    side = read_rounds(pd.DataFrame({"round": [0, 0, 1, 1, 2, 2], "response_ms": [1.0, 2, 3, 4, 5, 6]}), where="x")
    # 3/2 * 2^2 * (0.25 + 0 + 0.25) = 3, above 6 * 0.25
    assert clustered_quantile(side, 0.5).rank_sd == pytest.approx(math.sqrt(3))


def test_the_paired_interval_is_the_paired_t_of_logs():
    before, after = frame(6, 40, 1), frame(6, 40, 2)
    p50 = compare_latency(before, after).quantiles[0]
    logs = [
        np.array([np.median(np.log(g)) for _, g in side.groupby("round")["response_ms"]]) for side in (before, after)
    ]
    d = logs[1] - logs[0]
    half = float(stdtrit(5, 0.975)) * d.std(ddof=1) / math.sqrt(6)
    assert (p50.low, p50.high) == pytest.approx((math.exp(d.mean() - half), math.exp(d.mean() + half)))
    assert p50.candidate / p50.baseline == pytest.approx(p50.change)
    assert p50.method == "paired t over rounds"


def test_run_noise_widens_the_interval_by_its_own_t():
    before, after = times(800, 1), times(800, 2)
    plain = compare_latency(before, after).quantiles[0]
    noisy = compare_latency(before, after, run_noise=[0.02, -0.02, 0.02, -0.02]).quantiles[0]
    extra = float(stdtrit(4, 0.975)) * 0.02
    up = math.log(plain.high / plain.change)
    assert math.log(noisy.high / noisy.change) == pytest.approx(math.hypot(up, extra))
    same = compare_latency(before, after, run_noise=RunNoise(0.02, 4)).quantiles[0]
    assert same == noisy == compare_latency(before, after, run_noise=(0.02, 4)).quantiles[0]


# --- every state has its answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ([], [], "missing"),
        ([], [20.0] * 50, "missing"),
        ([125.0], [126.0], "one_sample"),
        ([125.0], times(1000, 1), "one_sample"),
        (times(9, 1), times(5000, 2), "too_few_samples"),
        (pd.DataFrame({"round": [], "response_ms": []}), frame(10, 100, 1), "missing"),
    ],
)
def test_too_little_is_inconclusive_with_need(before, after, reason):
    found = compare_latency(before, after)
    assert found.outcome == "inconclusive"
    assert (found.need.reason, found.need.unit, found.need.amount) == (reason, "rounds", 30)
    assert all(e.outcome == "inconclusive" and e.low is None and e.p_worse is None for e in found.quantiles)


def test_fewer_than_five_rounds_are_never_stable_and_say_how_many_are_missing():
    found = compare_latency(frame(4, 2000, 1, sd=0.01), frame(4, 2000, 2, sd=0.01))
    assert found.outcome == "inconclusive"
    assert found.need.unit == "rounds"
    assert found.need.amount == 1
    assert "few_rounds" in found.flags


def test_one_round_against_several_is_judged_and_flagged():
    found = compare_latency(times(1000, 1), frame(10, 100, 2))
    assert {"rounds_unequal", "run_noise_unknown"} <= set(found.flags)
    assert found.outcome != "regressed"


def test_rounds_of_one_side_only_are_left_out_and_flagged():
    before, after = frame(10, 100, 1), frame(12, 100, 2)
    found = compare_latency(before, after)
    assert "rounds_unpaired" in found.flags
    assert found.quantiles == compare_latency(before, after[after["round"] < 10]).quantiles


def test_separate_runs_know_no_noise_between_runs():
    before, after = frame(10, 100, 1), frame(10, 100, 2)
    assert "run_noise_unknown" in compare_latency(before, after, paired=False).flags
    assert compare_latency(before, after, paired=False).quantiles[0].method == "Welch over rounds"
    assert compare_latency(before, after, paired=False, run_noise=(0.01, 20)).flags == ()
    apart = after.assign(round=after["round"] + 100)
    assert set(compare_latency(before, apart).flags) == {"rounds_unpaired", "run_noise_unknown"}


def test_a_tail_without_upper_bound_gives_no_ratio_and_is_never_stable():
    found = compare_latency(times(200, 1), times(200, 2))
    p99 = found.quantiles[1]
    assert (p99.outcome, p99.change, p99.high) == ("inconclusive", None, math.inf)
    assert p99.need.reason == "tail_unbounded"
    assert 300 < p99.need.amount + 200 < 900


def test_rows_of_rounds_in_any_order_give_the_same():
    before, after = frame(8, 50, 1), frame(8, 50, 2)
    mixed = pd.concat([g for _, g in list(after.groupby("round"))[::-1]], ignore_index=True)
    assert compare_latency(before, mixed) == compare_latency(before, after)


def test_constants_are_as_fine_as_their_clock():
    same = compare_latency([100] * 1000, [100] * 1000)
    assert same.outcome == "stable"
    coarse = compare_latency([5] * 1000, [5] * 1000)  # 5 ms to the nearest ms may be 4.6 against 5.4
    assert coarse.outcome == "inconclusive"
    assert coarse.need.decidable_margin > 0.05
    assert "clock_tick" in coarse.flags
    assert compare_latency([100] * 1000, [120] * 1000).outcome == "regressed"
    assert compare_latency([120] * 1000, [100] * 1000).outcome == "improved"
    # 14.51 against 15.49 ms reads as 15 and 15, 20.49 against 20.51 ms as 20 and 21.
    assert compare_latency([15] * 1000, [15] * 1000).quantiles[0].high > 15.49 / 14.51
    assert compare_latency([20] * 1000, [21] * 1000).quantiles[0].low < 20.51 / 20.49


def test_rounding_is_no_chance_that_averages_out_over_rounds():
    def steady(ms):
        return pd.DataFrame({"round": np.repeat(np.arange(30), 50), "response_ms": np.full(1500, ms)})

    assert compare_latency(steady(15), steady(15)).outcome == "inconclusive"
    assert compare_latency(steady(20), steady(21)).quantiles[0].low < 20.51 / 20.49


def test_integers_with_ties_are_judged():
    before, after = np.round(times(5000, 1, ms=200)).astype(int), np.round(times(5000, 2, ms=200)).astype(int)
    assert compare_latency(before, after).outcome in ("stable", "inconclusive")
    assert compare_latency(before, (after * 1.5).astype(int)).outcome == "regressed"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_values_that_cannot_be_times_are_named(bad):
    values = times(50, 1)
    values[7] = bad
    with pytest.raises(SchemaError) as caught:
        compare_latency(times(50, 2), values)
    assert caught.value.where == "candidate, row 7"
    assert caught.value.hint
    assert list(caught.value.rows["row"]) == [7]


@pytest.mark.parametrize(
    "bad",
    [
        ["fast"] * 20, [True] * 20, np.ones((4, 5)), 5.0, None, pd.DataFrame({"response_ms": [1.0]}),
        pd.DataFrame({"round": [None, 1], "response_ms": [1.0, 2.0]}), pd.Series(pd.to_datetime(["2026-01-01"])),
        pd.Series([1, None], dtype="Int64"), np.ma.masked_array([1.0, 2.0], [True, False]),
    ],
)  # fmt: skip
def test_what_is_no_series_of_times_is_refused(bad):
    with pytest.raises(SchemaError) as caught:
        compare_latency(bad, times(50, 1))
    assert caught.value.hint


def test_wrong_options_are_refused():
    for wrong in ({"margin": 0}, {"tail_margin": math.nan}, {"run_noise": (-1.0, 3)}, {"run_noise": (0.1, 0)}):
        with pytest.raises(UsageError):
            compare_latency(times(50, 1), times(50, 2), **wrong)
    with pytest.raises(SchemaError):
        compare_latency(times(50, 1), times(50, 2), run_noise=["x"])
    assert compare_latency(times(50, 1), times(50, 2), run_noise=[]).flags == ("run_noise_unknown",)


def test_arguments_are_not_changed():
    before, after = frame(6, 20, 1).sample(frac=1, random_state=1), times(100, 2)
    copies = before.copy(), after.copy()
    compare_latency(before, after)
    quantile_shift(before, after)
    pd.testing.assert_frame_equal(before, copies[0])
    np.testing.assert_array_equal(after, copies[1])


# --- properties ------------------------------------------------------------------------------------------------------

samples = st.integers(2, 120).flatmap(lambda n: arrays(np.float64, n, elements=st.floats(0.1, 1e4)))
mirror = {"improved": "regressed", "regressed": "improved"}


@st.composite
def sides(draw):
    if draw(st.booleans()):
        return draw(samples), draw(samples)
    shape = draw(st.tuples(st.integers(2, 12), st.integers(1, 12)))
    pair = [draw(arrays(np.float64, shape, elements=st.floats(0.1, 1e4))) for _ in range(2)]
    return tuple(
        pd.DataFrame({"round": np.repeat(np.arange(shape[0]), shape[1]), "response_ms": side.ravel()}) for side in pair
    )


@settings(max_examples=30, deadline=None)
@given(sides())
def test_swapping_the_sides_mirrors(pair):
    there, back = compare_latency(*pair), compare_latency(*pair[::-1])
    for one, other in zip(there.quantiles, back.quantiles, strict=True):
        if one.low is None:
            assert other.low is None
            continue
        assert (one.low, one.high) == pytest.approx((1 / other.high if other.high else math.inf,
                                                     1 / other.low if other.low else math.inf))  # fmt: skip
        assert one.p_worse + other.p_worse == pytest.approx(1)
        if {one.outcome, other.outcome} & set(mirror) and "few_rounds" not in there.flags:
            assert other.outcome == mirror.get(one.outcome, other.outcome)
    assert (there.outcome, back.outcome) != ("regressed", "regressed")
    if there.outcome == "improved":
        assert back.outcome == "regressed"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.sampled_from([0.9, 1.0, 1.1]))
def test_the_unit_does_not_matter(seed, scale, ratio):
    before, after = times(700, seed), times(700, seed + 20_000, ms=20 * ratio)
    one, other = compare_latency(before, after), compare_latency(before * scale, after * scale)
    assert one.outcome == other.outcome
    for a, b in zip(one.quantiles, other.quantiles, strict=True):
        assert (a.low, a.high, a.p_worse) == pytest.approx((b.low, b.high, b.p_worse), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(sides(), st.floats(0.001, 2), st.floats(1, 10))
def test_a_wider_margin_never_loses_stable(pair, margin, factor):
    narrow = compare_latency(*pair, margin=margin, tail_margin=margin)
    wide = compare_latency(*pair, margin=margin * factor, tail_margin=margin * factor)
    for a, b in zip(narrow.quantiles, wide.quantiles, strict=True):
        if a.outcome == "stable":
            assert b.outcome == "stable"
    if narrow.outcome == "stable":
        assert wide.outcome == "stable"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(0, 9))
def test_taking_evidence_away_never_makes_stable(seed, rounds, each):
    whole = frame(10, 20, seed, sd=0.001)
    less = frame(10, 20, seed + 1, sd=0.001)
    assert compare_latency(whole, less[less["round"] < rounds]).outcome != "stable"
    assert compare_latency(whole["response_ms"], less["response_ms"][:each]).outcome == "inconclusive"


@settings(max_examples=30, deadline=None)
@given(sides())
def test_inconclusive_always_says_what_is_needed(pair):
    found = compare_latency(*pair)
    assert (found.need is not None) == (found.outcome == "inconclusive")
    if found.need is not None:
        assert found.need.amount >= 1
    assert all((e.need is not None) == (e.outcome == "inconclusive") for e in found.quantiles)


# --- known truth: bounds that a correct procedure breaks once in ten thousand runs ------------------------------------


def broken(count, trials, target):
    return binomtest(count, trials, target, alternative="greater").pvalue < 1e-4


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_false_alarms_keep_to_their_target(phi):
    found = [compare_latency(times(200, s, phi=phi), times(200, s + 5_000, phi=phi)).outcome for s in range(120)]
    assert not broken(found.count("regressed"), 120, 0.03)


@pytest.mark.parametrize("size", [(1, 30), (1, 300), (8, 50)])
def test_ten_per_cent_more_is_never_called_stable(size):
    found = [
        compare_latency(frame(*size, s), frame(*size, s + 5_000, ms=22.0)).outcome for s in range(80)
    ]  # fmt: skip
    assert not broken(found.count("stable") + found.count("improved"), 80, 0.01)


def test_thirty_rounds_of_a_hundred_prove_stable_and_find_ten_per_cent():
    same = [compare_latency(frame(30, 100, s), frame(30, 100, s + 5_000)).outcome for s in range(30)]
    slow = [compare_latency(frame(10, 100, s), frame(10, 100, s + 5_000, ms=22.0)).outcome for s in range(30)]
    assert not broken(30 - same.count("stable"), 30, 0.10)
    assert not broken(30 - slow.count("regressed"), 30, 0.10)


# --- the neighbours --------------------------------------------------------------------------------------------------


def test_an_objective_is_proven_by_the_bound_not_by_the_quantile():
    side = frame(20, 100, 1, ms=100, sd=0.1)
    value = objective_estimate(side, quantile=0.95, below_ms=150)
    assert value.outcome == "stable"
    assert value.low < value.candidate < value.high < value.margin == 150
    assert objective_estimate(side, quantile=0.95, below_ms=100).outcome == "regressed"
    near = objective_estimate(side, quantile=0.95, below_ms=value.candidate * 1.001)
    assert (near.outcome, near.need.unit) == ("inconclusive", "rounds")
    assert objective_estimate([], quantile=0.95, below_ms=150).need.reason == "missing"
    assert objective_estimate(times(20, 1), quantile=0.95, below_ms=1e9).need.reason == "tail_unbounded"
    with pytest.raises(UsageError):
        objective_estimate(side, quantile=95, below_ms=150)


def test_a_limit_far_away_is_met_though_rounds_differ():
    rounds = pd.DataFrame(
        {
            "round": np.repeat(np.arange(10), 10),
            "response_ms": np.concatenate([times(10, seed, ms=20 + 4 * seed) for seed in range(10)]),
        }
    )
    far = objective_estimate(rounds, quantile=0.95, below_ms=2_000)
    assert (far.outcome, far.high) == ("stable", min(far.high, 2_000))
    few = rounds[rounds["round"] < 4]
    assert objective_estimate(few, quantile=0.95, below_ms=2_000).outcome == "inconclusive"
    one_over = rounds.assign(response_ms=rounds["response_ms"].where(rounds.index != 5, 5_000.0))
    assert objective_estimate(one_over, quantile=0.95, below_ms=2_000).outcome == "inconclusive"


def test_the_shift_finds_where_it_moved_and_is_repeatable():
    before, after = frame(20, 100, 1, ms=100), frame(20, 100, 2, ms=120)
    shift = quantile_shift(before, after)
    assert list(shift["quantile"]) == sorted(shift["quantile"])
    assert (shift["low_ms"] > 0).sum() >= 10
    middle = shift.set_index("quantile").loc[0.5]
    assert middle["low_ms"] < middle["difference_ms"] < middle["high_ms"]
    pd.testing.assert_frame_equal(shift, quantile_shift(before, after))
    assert quantile_shift(times(40, 1), times(40, 2)).set_index("quantile").loc[0.99].isna()["low_ms"]
    assert len(quantile_shift([], times(40, 2))) == 0


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        compare_latency([1.0], [2.0]).outcome = "stable"


def test_bad_rounds_of_either_side_by_chance_are_no_change_of_the_tail():
    rng = np.random.default_rng(3)

    def side():  # one round in ten is half as slow again
        level = np.where(rng.random(15) < 0.1, 30.0, 20.0)
        spread = np.exp(0.25 * rng.standard_normal((15, 60)))
        return pd.DataFrame({"round": np.repeat(np.arange(15), 60), "response_ms": (level[:, None] * spread).ravel()})

    outcomes = [compare_latency(side(), side()).quantiles[1].outcome for _ in range(300)]
    changed = outcomes.count("regressed") + outcomes.count("improved")
    assert binomtest(changed, 300, 0.05, alternative="greater").pvalue > 1e-2  # 13 % with each side's own variance


def test_of_two_measures_of_a_worse_tail_the_surer_one_is_told():
    """One request in twenty takes three times as long: of 840 requests a 99th percentile is no proof, their mean is."""
    before, after = frame(14, 60, 1), frame(14, 60, 2)
    after["response_ms"] *= np.where(np.arange(840) % 20 == 7, 3.0, 1.0)
    found = compare_latency(before, after)
    median, tail = found.deciding
    assert (found.outcome, median.name, tail.name) == ("regressed", "p50", "slowest 5 %")
    assert tail.p_worse < min(1e-4, found.quantiles[1].p_worse)


def test_of_few_requests_no_mean_hides_the_slow_ones_that_were_not_seen():
    """Of 200 requests with one in eighty ten times slower, one pair in ten shows none of these."""
    outcomes = []
    for seed in range(60):
        before, after = frame(20, 10, seed), frame(20, 10, 1000 + seed)
        rare = np.random.default_rng(seed).random(200) < 0.012
        after["response_ms"] *= np.where(rare, 10.0, 1.0)
        outcomes.append(compare_latency(before, after).outcome)
    assert "stable" not in outcomes
