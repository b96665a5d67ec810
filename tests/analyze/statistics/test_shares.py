"""Bounds on shares, against those of scipy.stats and statsmodels."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from stabkit.analyze.statistics.shares import clopper_pearson, sign_test, wilson_bounds

COUNTS = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.floats(1e-9, 0.4)


@given(COUNTS, LEVELS)
@settings(max_examples=100, deadline=None)
def test_wilson_is_that_of_statsmodels(counts, level):
    hits, n = counts
    expected = proportion_confint(hits, n, alpha=level, method="wilson")
    assert wilson_bounds(hits / n, n, stats.norm.isf(level / 2)) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_wilson_of_columns_keeps_what_is_unknown():
    low, high = wilson_bounds(pd.Series([0.0, 1.0, None]), pd.Series([7.0, 7.0, None]), 1.96)
    assert (low[0], high[1]) == (0, 1)
    assert low.isna().tolist() == high.isna().tolist() == [False, False, True]


@given(COUNTS, LEVELS)
@settings(max_examples=100, deadline=None)
def test_clopper_pearson_is_exact(counts, level):
    hits, n = counts
    low, high = clopper_pearson(hits, n, level)
    if hits:
        assert low == pytest.approx(stats.beta.ppf(level, hits, n - hits + 1), rel=1e-12)
    if hits < n:
        assert high == pytest.approx(stats.beta.isf(level, hits + 1, n - hits), rel=1e-12)
    assert clopper_pearson(0, 0, level) == (0, 1)


@given(st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_the_sign_test_is_the_binomial_test(first, second):
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert sign_test(first, second) == pytest.approx(expected, rel=1e-12)
