"""Planned looks: what they spend, what they remember, and when waiting is in vain."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from stabkit.analyze.gate.looks import (
    Look,
    alpha_spent,
    look_confidence,
    look_verdict,
    read_looks,
    stated_confidence,
    undecided,
    write_looks,
)
from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, Need
from stabkit.errors import SchemaError, UsageError


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=40, unique=True))
def test_all_looks_together_spend_no_more_than_one(shares: list[float]) -> None:
    """A process without drift that is seen at every look, by simulation beside the integral that found the bounds."""
    shares = sorted(shares)
    bounds = -ndtri((1 - np.array([look_confidence(shares[:end]) for end in range(1, len(shares) + 1)])) / 2)
    steps = np.random.default_rng(1).standard_normal((20_000, len(shares))) * np.sqrt(np.diff([0.0, *shares]))
    outside = np.abs(np.cumsum(steps, axis=1)) > bounds * np.sqrt(shares)
    assert outside.any(axis=1).mean() == pytest.approx(alpha_spent(max(shares)), abs=4 * math.sqrt(0.05 / 20_000))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=40, unique=True))
def test_the_exact_bounds_are_never_wider_than_those_that_add_up_all_errors(shares: list[float]) -> None:
    shares = sorted(shares)
    for end, (before, now) in enumerate(pairwise([0.0, *shares]), start=1):
        alone = 1 - max(1e-12, alpha_spent(now) - alpha_spent(before))
        assert look_confidence(shares[:end]) <= alone + 1e-9


def test_five_looks_are_those_of_the_literature() -> None:
    """Lan and DeMets 1983, O'Brien-Fleming shape, two-sided 5 % spent as 2 - 2 Φ(1.96 / √t)."""
    fifths = (0.2, 0.4, 0.6, 0.8, 1.0)
    found = [-float(ndtri((1 - look_confidence(fifths[:end])) / 2)) for end in range(1, 6)]
    assert found[0] == pytest.approx(1.959964 / math.sqrt(0.2), abs=1e-3)
    assert found == sorted(found, reverse=True)
    assert 1.96 < found[-1] < 2.07


def test_the_whole_budget_at_once_is_a_plain_95_percent() -> None:
    assert look_confidence([1]) == pytest.approx(0.95, abs=1e-12)


@pytest.mark.parametrize(("before", "now"), [(0.5, 0.5), (0.6, 0.4), (0.1, 1.5)])
def test_looks_go_forward_and_end_with_the_budget(before: float, now: float) -> None:
    with pytest.raises(UsageError):
        look_confidence([before, now])


def test_looks_are_read_as_they_were_written() -> None:
    looks = (Look(8, 0.2, 0.99999, "inconclusive"), Look(16, 0.4, 0.9981))
    assert read_looks(write_looks(looks)) == looks
    assert stated_confidence(write_looks(looks)) == 0.9981


def test_evidence_may_ask_for_more_certainty_and_not_for_less() -> None:
    assert stated_confidence(write_looks([Look(8, 1.0, 0.1)])) == 0.95
    assert stated_confidence("[]") == 0.95


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}x", "3", '"looks"', "[3]", "[null]", '[{"rounds": 1}]', '[{"rounds": 1, "share": 1, "confidence": 1}]',
     '[{"rounds": -1, "share": 1, "confidence": 0.95}]', '[{"rounds": 1, "share": NaN, "confidence": 0.95}]',
     '[{"rounds": 1, "share": 2, "confidence": 0.95}]', '[{"rounds": "x", "share": 1, "confidence": 0.95}]'],
)  # fmt: skip
def test_looks_that_cannot_be_read_are_no_licence(text: str) -> None:
    with pytest.raises(SchemaError, match="looks of the run"):
        stated_confidence(text)


def condition(outcome: str, *reasons: str, gating: bool = True, measured: bool = True) -> ConditionResult:
    estimates = (Estimate("p50", "ms", "ratio", outcome),) if measured else ()  # type: ignore[arg-type]
    needs = tuple(Need(1, "rounds", reason) for reason in reasons)
    return ConditionResult("c", "latency", outcome, gating=gating, estimates=estimates, needs=needs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conditions", "waiting"),
    [
        ([condition("stable"), condition("inconclusive", "wide_interval")], 1),
        ([condition("stable"), condition("improved")], 0),
        ([condition("inconclusive", "wide_interval", gating=False)], 0),
        ([condition("inconclusive", "missing", measured=False)], 0),
        ([condition("inconclusive", "partial")], 0),
        ([condition("inconclusive", "partial", "wide_interval")], 1),
    ],
)
def test_what_further_rounds_could_decide(conditions: list[ConditionResult], waiting: int) -> None:
    assert len(undecided(Gate("inconclusive", tuple(conditions)))) == waiting


def test_a_regression_ends_the_waiting() -> None:
    gate = Gate("regressed", (condition("regressed"), condition("inconclusive", "wide_interval")))
    assert undecided(gate) == ()
    assert look_verdict(gate) == "regressed"


def test_a_look_without_any_measurement_proves_nothing() -> None:
    assert look_verdict(Gate("inconclusive", (condition("inconclusive", measured=False),))) == "inconclusive"
    unscanned = (condition("stable"), condition("inconclusive", "missing", measured=False))
    assert look_verdict(Gate("inconclusive", unscanned)) == "stable", "tests and scans come after the rounds"
