"""A change between two windows against days without one: its interval, its power, what it needs."""

import math

import numpy as np
import pytest

from stabkit.analyze.outcome import outcome_within
from stabkit.analyze.statistics import MOST_PLACEBOS, PlaceboContrast, cosine_variance

STEPS = 80


def day(rng, shift=0.0, slope=0.0, mood=0.0):
    level = np.linspace(0, slope, 2 * STEPS) + np.repeat([0.0, shift + rng.normal(0, mood)], STEPS)
    values = level + rng.normal(0, 0.03, 2 * STEPS)
    return values[:STEPS], values[STEPS:]


def contrast(seed, days, **own):
    rng = np.random.default_rng(seed)
    shared = {key: value for key, value in own.items() if key != "shift"}
    return PlaceboContrast(*day(rng, **own), [day(rng, **shared) for _ in range(days)])


def test_the_variance_of_a_mean_is_right_for_independent_and_for_wandering_values():
    rng = np.random.default_rng(3)
    white = [rng.normal(0, 1, 200) for _ in range(2000)]
    assert np.mean([cosine_variance(values) for values in white]) == pytest.approx(1 / 200, rel=0.1)
    wandering = []
    for _ in range(2000):
        shocks = rng.normal(0, 1, 300)
        walk = [0.0]
        for shock in shocks:
            walk.append(0.8 * walk[-1] + shock)
        wandering.append(np.array(walk[100:]))
    true = np.var([values.mean() for values in wandering])
    assert np.mean([cosine_variance(values) for values in wandering]) == pytest.approx(true, rel=0.25)
    assert np.mean([values.var() / values.size for values in wandering]) < 0.25 * true


@pytest.mark.parametrize("days", [7, 28])
def test_what_happens_every_day_is_taken_off_and_errors_keep_their_level(days):
    g = math.log1p(0.05)
    found = [contrast(seed, days, slope=0.2, mood=0.01) for seed in range(600)]
    changed = [contrast(seed, days, slope=0.2, mood=0.01, shift=g) for seed in range(600)]
    same = [outcome_within(*one.at(0.025), g) for one in found]
    moved = [outcome_within(*one.at(0.025), g) for one in changed]
    assert same.count("regressed") / 600 < 0.045
    assert moved.count("stable") / 600 < 0.045
    assert same.count("stable") / 600 > 0.65
    assert sum(one.p_worse <= 0.025 for one in found) == sum(one.at(0.025)[0] >= 0 for one in found)


def test_what_is_needed_is_fewer_the_wider_the_margin_and_has_an_end():
    one = contrast(1, 3, mood=0.02)
    wanted = [one.days_needed(math.log1p(margin)) for margin in (0.001, 0.06, 0.08, 0.2)]
    assert wanted[0] is None
    known = [days for days in wanted if days is not None]
    assert known == sorted(known, reverse=True)
    assert all(3 < days <= MOST_PLACEBOS for days in known)
    assert one.reachable() > one.at(0.025)[1] - 1e-12


def test_need_that_is_followed_decides_in_four_of_five():
    g = math.log1p(0.06)
    decided = []
    for seed in range(300):
        days = contrast(seed, 7, mood=0.02).days_needed(g)
        if days is not None:
            decided.append(outcome_within(*contrast(seed + 5000, days, mood=0.02).at(0.025), g) == "stable")
    assert len(decided) > 100
    assert np.mean(decided) > 0.6


def test_below_three_days_only_the_windows_speak():
    one = contrast(2, 2)
    assert one.spread is None
    assert not one.by_days
    assert contrast(2, 0).days_needed(0.2) is not None


def test_values_that_never_change_are_no_change():
    flat = np.zeros(20)
    one = PlaceboContrast(flat, flat, [(flat, flat)] * 3)
    assert one.at(0.025) == (0.0, 0.0)
    assert one.p_worse == 0.5
