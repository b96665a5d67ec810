"""Slopes and trends, against those of scipy.stats."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from stabkit.analyze.statistics.slopes import mann_kendall_p, theil_sen

# Few different values, so that ties are common; or many.
VALUES = st.lists(
    st.one_of(st.integers(-3, 3), st.floats(-1e6, 1e6).map(lambda x: round(x, 3))), min_size=2, max_size=60
)


@given(VALUES, st.booleans())
@settings(max_examples=150, deadline=None)
def test_theil_sen_is_that_of_scipy(values, twice):
    assume(not twice or len(set(values)) > 1)  # there scipy takes the root of a negative variance
    y = np.array(values, dtype=float)
    t = np.arange(len(y), dtype=float) // (2 if twice and len(y) > 2 else 1)
    expected = stats.theilslopes(y, t, alpha=0.95)
    found = theil_sen(y, t, level=0.025)
    assert (found.slope, found.low, found.high, found.intercept) == pytest.approx(
        (expected.slope, expected.low_slope, expected.high_slope, expected.intercept), rel=1e-12, abs=1e-9
    )


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_mann_kendall_is_kendalls_tau_against_time(values):
    y = np.array(values, dtype=float)
    expected = stats.kendalltau(np.arange(len(y)), y).pvalue
    assert mann_kendall_p(y) == pytest.approx(1.0 if np.isnan(expected) else expected, rel=1e-12, abs=1e-15)
