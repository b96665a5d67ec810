"""The numeric core against brute force and against the reference library."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stabkit.analyze.statistics.segments import (
    RANK_PENALTY,
    _by_ends,
    _by_rounds,
    _may_change,
    correlation,
    find_spikes,
    linear_cost,
    mean_boundaries,
    mean_cost,
    noise_scale,
    partition,
    rank_cost,
    vote,
)


def total(places, n, cost, penalty):
    edges = np.array([0, *places, n])
    return float(cost(edges[:-1], edges[1:]).sum()) + penalty * len(places)


def divided(n, origin):
    places = [int(origin[n])]
    while places[-1]:
        places.append(int(origin[places[-1]]))
    return places[-2::-1]


@pytest.mark.parametrize("make", [rank_cost, mean_cost, linear_cost])
@pytest.mark.parametrize("penalty", [0.5, 2.0, 8.0])
def test_partition_is_the_cheapest_of_all(make, penalty):
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=11)
        x[5:] += 2
        cost = make(x)
        allowed = [
            places
            for size in range(4)
            for places in itertools.combinations(range(1, 11), size)
            if min(np.diff([0, *places, 11])) >= 3
        ]
        best = min(allowed, key=lambda places: total(places, 11, cost, penalty))
        assert partition(11, cost, penalty, shortest=3) == list(best)


def test_blocks_join_seamlessly():
    for n in (400, 700):  # all pairs at once, and a block of ends at a time
        x = np.random.default_rng(1).normal(size=n)
        x[127:260] += 3
        assert partition(n, rank_cost(x), 3 * np.log(n)) == [127, 260]


@pytest.mark.parametrize("make", [rank_cost, mean_cost, linear_cost])
@pytest.mark.parametrize("shortest", [2, 3])
def test_rounds_and_ends_divide_alike(make, shortest):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(8, 140))
        x = rng.normal(size=n) + 2 * (rng.random(n).cumsum() % 7 > 3)
        cost, penalty = make(x), float(rng.uniform(0.5, 15))
        # Ranks tie: where two divisions cost the same, either may be taken.
        ends, rounds = (
            total(divided(n, origin), n, cost, penalty)
            for origin in (_by_ends(n, cost, penalty, shortest), _by_rounds(n, cost, penalty, shortest))
        )
        assert rounds == pytest.approx(ends, abs=1e-9)


def test_means_divide_where_the_level_moves_and_nowhere_else():
    x = np.random.default_rng(6).normal(size=120)
    assert mean_boundaries(x) == []
    x[70:90] += 3
    found = mean_boundaries(x)
    assert len(found) == 2
    assert found == pytest.approx([70, 90], abs=2)
    assert mean_boundaries(x, inflation=50) == []


def test_linear_cost_is_the_residual_sum_of_squares():
    x = np.random.default_rng(2).normal(size=30) + 1e4
    t = np.arange(4, 25)
    fit = np.polyval(np.polyfit(t - 14, x[4:25], 1), t - 14)
    assert linear_cost(x)(np.array([4]), np.array([25]))[0] == pytest.approx(np.sum((x[4:25] - fit) ** 2), rel=1e-6)


def test_ranks_and_lines_agree_with_skchange():
    detectors = pytest.importorskip("skchange.detectors")
    scorers = pytest.importorskip("skchange.interval_scorers")
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=40)
        x[18 + seed :] += 2.5
        theirs = detectors.PELT(scorers.RankCost(), penalty_scale=1.5).fit(x[:, None]).predict(x[:, None])
        assert partition(40, rank_cost(x), RANK_PENALTY * np.log(40)) == list(theirs)
        lines = detectors.PELT(scorers.LinearTrendCost()).fit(x[:, None]).predict(x[:, None])
        assert partition(40, linear_cost(x), 3 * np.log(40), shortest=3) == list(lines)


def test_the_shortcut_never_hides_a_boundary():
    skipped = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=int(rng.integers(8, 60)))
        x[len(x) // 2 :] += rng.uniform(0, 2)
        cost, penalty = rank_cost(x), RANK_PENALTY * float(np.log(len(x)))
        if not _may_change(len(x), cost, penalty):
            skipped += 1
            assert partition(len(x), cost, penalty) == []
    assert skipped > 20


def test_noise_scale_is_right_and_unmoved_by_steps_and_spikes():
    rng = np.random.default_rng(3)
    x = rng.normal(size=4000)
    assert noise_scale(x) == pytest.approx(1, abs=0.05)
    x[1000:] += 5
    x[::400] += 20
    assert noise_scale(x) == pytest.approx(1, abs=0.06)
    assert noise_scale(np.full(10, 3.0)) == 0


def test_only_lone_values_are_spikes():
    x = np.random.default_rng(4).normal(size=60)
    x[[0, 20, 59]] += 15
    x[40:42] += 15
    assert {0, 20, 59} <= set(find_spikes(x).tolist())
    assert not {40, 41} & set(find_spikes(x).tolist())
    assert not len(find_spikes(x[:6]))


def test_correlation_of_an_exact_fit_is_nothing():
    assert correlation(np.array([1e-16, 2e-16, 3e-16, 4e-16])) == 0
    assert correlation(np.repeat([1.0, -1.0], 20)) == pytest.approx(0.9)


def test_a_vote_needs_two():
    x = np.random.default_rng(5).normal(size=100)
    assert vote(x) == []
    x[50:] += 3
    assert vote(x) == [50]
