"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.analyze.outcome import Estimate
from stabkit.numbers import SPACE, amount_text, duration, interval, moment, pair, percent, significant
from stabkit.report.words.estimates import change_text, margin_text
from stabkit.text import joined


def plain(text: str) -> str:
    return text.replace(SPACE, " ").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (118.24, "118"),
        (0.2, "0.200"),
        (12408, "12,408"),
        (-0.0001, "−0.000100"),
        (0, "0"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
    ],
)
def test_significant(value: float | None, shown: str) -> None:
    assert plain(significant(value)) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.99996, "99.996 %"), (1.0, "100 %"), (0.0, "0 %"), (0.5, "50 %"), (0.00001, "0.001 %")]
)
def test_percent_never_rounds_to_all_or_nothing(share: float, shown: str) -> None:
    assert plain(percent(share)) == shown


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True).filter(lambda x: 1e-6 < x < 1 - 1e-9))
def test_percent_of_some_is_neither_0_nor_100(share: float) -> None:
    assert plain(percent(share)) not in ("0 %", "100 %")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_significant_never_writes_an_ascii_minus_or_exponent(value: float) -> None:
    text = significant(value, sign=True)
    assert "-" not in text
    assert "e" not in text


def test_change_states_unit_and_interval() -> None:
    ratio = Estimate("p99", "ms", "ratio", "regressed", change=1.31, low=1.24, high=1.45)
    assert plain(change_text(ratio)) == "+31 % (likely +24 to +45)"
    unknown = Estimate("p50", "ms", "ratio", "inconclusive", change=1.008)
    assert plain(change_text(unknown)) == "+0.8 %"
    unbounded = Estimate("p50", "ms", "ratio", "inconclusive", change=1.008, low=-math.inf, high=math.inf)
    assert plain(change_text(unbounded)) == "+0.8 % (likely range not known)"
    assert change_text(Estimate("p50", "ms", "ratio", "inconclusive")) == "–"


def test_margin_and_pair() -> None:
    assert plain(margin_text(Estimate("rate", "share", "difference", "stable", margin=0.005))) == "0.5 points"
    assert margin_text(Estimate("rate", "share", "difference", "stable")) == ""
    assert [plain(side) for side in pair(15_000, 16_500, "ms")] == ["15.0 s", "16.5 s"]


def test_words() -> None:
    assert interval(0.5, -0.25) == "[+0.50, −0.25]"
    assert amount_text(None) == "–"
    assert joined(["a"], most=5) == "a"
    assert plain(duration(-90)) == "−1 min 30 s"
    assert plain(moment("2025-09-14T14:24:00+02:00")) == "14 Sep 2025, 12:24 UTC"
    assert moment(None) == "–"
    assert moment("not a time") == "not a time"
