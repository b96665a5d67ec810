"""Quantiles of the mid-distribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.analyze.statistics.rounds import mid_quantile


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60, unique=True), st.floats(0.05, 0.95))
def test_without_ties_the_mid_quantile_is_hazens(values, p):
    ordered = np.sort(np.array(values))
    assert mid_quantile(ordered, p) == pytest.approx(float(np.quantile(ordered, p, method="hazen")))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(1, 4))
def test_the_mid_quantile_forgets_how_often_a_sample_is_repeated(values, times):
    ordered = np.sort(np.array(values, dtype=np.float64))
    assert mid_quantile(np.repeat(ordered, times), 0.5) == pytest.approx(mid_quantile(ordered, 0.5))


def test_a_coarse_clock_moves_the_mid_quantile_smoothly():
    rng = np.random.default_rng(1)
    times = 3 * np.exp(0.25 * rng.standard_normal(20_000))
    medians = [mid_quantile(np.sort(np.round(times * factor)), 0.5) for factor in (1.0, 1.02, 1.05, 1.1)]
    assert np.divide(medians, medians[0]) == pytest.approx([1.0, 1.02, 1.05, 1.1], abs=0.012)
