"""Many histories at once: what moved is found, wherever; what is told is hardly ever chance; parts add up."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from stabkit.analyze.history import merged_surveys, survey
from stabkit.analyze.history.surveys import adjusted_p, shift_p


def histories(number, moved, seed=7, runs=60):
    """Histories with 2 % noise; each of ``moved`` is (number, function of the values)."""
    rng = np.random.default_rng(seed)
    values = 20 * np.exp(0.02 * rng.normal(size=(number, runs)))
    for place, change in moved:
        change(values[place])
    return [({"of": place}, row) for place, row in enumerate(values)]


def step(start, factor):
    def change(row):
        row[start:] *= factor

    return change


def drift(row):
    row *= np.linspace(1, 1.15, len(row))


def test_what_moved_is_told_the_most_surprising_first():
    given = histories(200, [(3, step(30, 1.1)), (50, step(54, 1.3)), (120, drift), (7, step(30, 1.3))])
    told = merged_surveys([survey(given)])
    assert (told.histories, told.too_short) == (200, 0)
    assert {one.about["of"] for one in told.moved} == {3, 7, 50, 120}
    p_values = [one.p_value for one in told.moved]
    assert p_values == sorted(p_values)
    by_number = {one.about["of"]: one for one in told.moved}
    assert by_number[7].size > 2 * by_number[3].size
    assert by_number[120].change is None
    assert by_number[120].history.drift.outcome == "drifting"
    assert by_number[50].change.index == 54
    assert all(one.adjusted <= 0.05 for one in told.moved)


def test_a_change_of_the_newest_runs_is_told_as_suspected():
    (one,) = merged_surveys([survey(histories(20, [(4, step(56, 1.3))]))]).moved
    assert (one.about["of"], one.change.index, one.change.confirmed, one.change.more_needed > 0) == (4, 56, False, True)


def test_parts_are_held_against_all_histories_together():
    given = histories(90, [(3, step(30, 1.1)), (70, drift)])
    whole = merged_surveys([survey(given)])
    parts = merged_surveys([survey(given[:40]), survey(given[40:41]), survey(given[41:])])
    assert parts == whole
    alone = merged_surveys([survey(given[3:4])])
    assert alone.moved[0].adjusted < whole.moved[0].adjusted or whole.moved[0].about["of"] != 3


def test_of_stable_histories_hardly_any_is_told_and_lone_spikes_never():
    told = [len(merged_surveys([survey(histories(100, [], seed=seed))]).moved) for seed in range(10)]
    assert sum(told) <= 1

    def spike(row):
        row[17] *= 5

    assert merged_surveys([survey(histories(20, [(1, spike)]))]).moved == ()


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 7, [3.0] * 50, [None] * 20])
def test_too_few_or_equal_values_tell_nothing(values):
    told = merged_surveys([survey([({}, np.array(values, dtype="float64"))])])
    assert told.moved == ()
    assert told.too_short == (np.isfinite(np.array(values, dtype="float64")).sum() < 8)


def test_adjusted_p_values_are_those_of_scipy():
    rng = np.random.default_rng(1)
    p_values = rng.random(40) ** 3
    assert adjusted_p(list(p_values), 40) == pytest.approx(false_discovery_control(p_values))


def test_the_test_for_a_shift_keeps_its_level_and_gaps_change_nothing():
    rng = np.random.default_rng(5)
    for runs in (12, 60):
        share = np.mean([shift_p(rng.normal(size=runs)) <= 0.05 for _ in range(2000)])
        assert share <= 0.06
    values = rng.normal(size=30)
    with_gaps = np.insert(values, [3, 9, 9], np.nan)
    assert shift_p(values) == shift_p(with_gaps) == pytest.approx(shift_p(np.exp(values)))
    assert shift_p(values, correlation=0.5) >= shift_p(values)
