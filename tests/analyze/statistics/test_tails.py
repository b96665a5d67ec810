"""The mean log time of the slowest requests."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.analyze.statistics import LEAST_TAIL, TAIL, Rounds, TailMean, tail_means


def rounds(seed: int, count: int = 20, each: int = 60, sd: float = 0.2, noise: float = 0.0) -> Rounds:
    rng = np.random.default_rng(seed)
    level = noise * rng.standard_normal((count, 1))
    times = 20 * np.exp(sd * rng.standard_normal((count, each)) + level)
    return Rounds(times.ravel(), np.arange(0, count * each + 1, each), np.arange(count, dtype=float))


def scaled(side: Rounds, factor: float) -> Rounds:
    return Rounds(side.values * factor, side.starts, side.labels)


def test_it_is_the_mean_of_the_logs_of_the_slowest_twentieth():
    side = rounds(1)
    slowest = np.sort(side.logs)[-60:]
    found = TailMean(side)
    assert (found.size, found.estimate) == (60, pytest.approx(slowest.mean()))


def test_without_a_round_it_is_what_the_others_give():
    side = rounds(2, count=6)
    left = side.logs.reshape(6, 60)
    for index, found in enumerate(TailMean(side).without):
        others = np.sort(np.delete(left, index, axis=0).ravel())
        assert found == pytest.approx(others[-math.ceil(TAIL * others.size) :].mean())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 90), min_size=2, max_size=30),
    st.integers(0, 10_000),
    st.sampled_from([0.01, TAIL, 0.3]),
    st.sampled_from([None, 0, 1]),
)
def test_without_each_round_it_is_the_mean_of_the_slowest_others(sizes, seed, share, digits):
    """Rounds of any size, and clocks so coarse that many times are equal."""
    rng = np.random.default_rng(seed)
    times = 20 * np.exp(0.5 * rng.standard_normal(sum(sizes)))
    times = times if digits is None else np.round(times, digits) + 1
    side = Rounds(times, np.concatenate([[0], np.cumsum(sizes)]), np.arange(len(sizes), dtype=float))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    found = TailMean(side, share).without
    for index, size in enumerate(sizes):
        left = math.ceil((side.n - size) * share - 1e-9)
        others = np.sort(side.logs[owner != index])[::-1]
        assert found[index] == pytest.approx(others[:left].sum() / left, rel=0, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 5.0))
def test_a_factor_moves_it_by_its_logarithm(seed, factor):
    before, after = rounds(seed), scaled(rounds(seed + 1), factor)
    plain, moved = (tail_means(before, side, paired=True) for side in (rounds(seed + 1), after))
    assert moved.candidate - plain.candidate == pytest.approx(math.log(factor))
    assert np.subtract(moved.at(0.025), plain.at(0.025)) == pytest.approx(math.log(factor))


def test_sides_mirror_each_other():
    before, after = rounds(3), rounds(4)
    one, back = tail_means(before, after, paired=True), tail_means(after, before, paired=True)
    assert one.at(0.025) == pytest.approx(tuple(-bound for bound in back.at(0.025)[::-1]))
    assert one.p_values == pytest.approx(back.p_values[::-1])


def test_the_variance_is_never_below_that_of_independent_requests():
    alike = rounds(5, count=1, each=60)
    side = Rounds(
        np.tile(alike.values, 20), np.arange(0, 1201, 60), np.arange(20, dtype=float)
    )  # rounds differ by nothing
    found = TailMean(side)
    assert found.without == pytest.approx(found.without[0])
    assert found.variance == found.independent_variance > 0


def test_few_requests_have_no_tail_mean():
    short, enough = rounds(6, count=2, each=190), rounds(6, count=2, each=191)
    assert TailMean(enough).size == LEAST_TAIL
    assert tail_means(short, short, paired=True) is None
    assert tail_means(enough, enough, paired=True) is not None


def test_bad_rounds_of_one_side_are_no_proof_that_its_tail_is_longer():
    """One round in ten is half as slow again, on both sides alike; chance puts more of them on one side."""
    red = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        sides = []
        for number in range(2):
            side = rounds(2 * seed + number, count=30)
            factors = np.where(rng.random(30) < 0.1, 1.5, 1.0)
            sides.append(Rounds(side.values * np.repeat(factors, 60), side.starts, side.labels))
        red += tail_means(*sides, paired=True).p_values[0] <= 0.025
    assert red <= 8


def test_one_request_in_two_hundred_that_takes_ten_times_as_long_is_seen():
    found = missed = 0
    for seed in range(30):
        before, after = rounds(seed, 30, 100), rounds(seed + 500, 30, 100)
        rare = np.random.default_rng(seed).random(after.n) < 1 / 200
        slower = Rounds(after.values * np.where(rare, 10, 1), after.starts, after.labels)
        contrast = tail_means(before, slower, paired=True)
        missed += contrast.at(0.025)[1] < math.log(1.15)  # shown to be inside the margin, which it is not
        found += contrast.p_values[0] <= 0.025
    assert found >= 20
    assert missed <= 2
