"""What leaves a condition open is said once, with the run that lacks it and a command that can be pasted."""

from __future__ import annotations

from typing import Any

import pytest

from stabkit.analyze.outcome import ConditionResult, Estimate, Need
from stabkit.report.needs import doubts, need_command, need_text


def opened(*needs: Need, **fields: Any) -> ConditionResult:
    estimate = Estimate("p50", "ms", "ratio", "inconclusive", n_baseline=500, n_candidate=500, rounds=10)
    return ConditionResult(
        "x", "latency", "inconclusive", target="backend", estimates=(estimate,), needs=needs, **fields
    )


def test_what_both_runs_lack_alike_is_said_once():
    lost = [
        Need(None, "evidence", "partial", "collection was not completed", side=side)
        for side in ("baseline", "candidate")
    ]
    assert doubts(opened(*lost)) == ("each run's collection was not completed",)


def test_what_the_runs_lack_differently_is_said_for_each():
    needs = [
        Need(None, "evidence", "missing", f"no {what}", side=side) for what, side in (("a", "baseline"), ("b", None))
    ]
    assert doubts(opened(*needs)) == ("no a in the baseline", "no b")


def test_a_decided_condition_has_no_doubts():
    assert doubts(ConditionResult("x", "latency", "regressed", needs=(Need(1, "rounds", "wide_interval"),))) == ()


@pytest.mark.parametrize(("kind", "unit"), [("latency", "%"), ("slow_requests", "pp"), ("error_rate", "pp")])
def test_a_margin_is_in_the_unit_of_its_condition(kind, unit):
    need = Need(250_000, "samples", "smallest_margin", decidable_margin=0.114)
    result = ConditionResult("x", kind, "inconclusive", needs=(need,))
    assert doubts(result) == (f"this margin is out of reach: the evidence could decide one of 11.4 {unit}",)


def test_more_rounds_are_counted_from_those_there_are():
    assert need_command(opened(), Need(8, "rounds", "wide_interval")) == "stabkit collect --rounds 18 --only backend"


def test_samples_become_whole_rounds():
    assert need_command(opened(), Need(51, "samples", "wide_interval")) == "stabkit collect --rounds 12 --only backend"


def test_unknown_reasons_are_said_not_dropped():
    assert need_text(Need(2, "runs", "moon_phase", "waxing")) == "moon phase: waxing; 2 more runs would decide"


def test_a_hostile_target_cannot_break_out_of_the_command():
    result = ConditionResult("x", "tests", "inconclusive", target="a; rm -rf $HOME `id`")
    assert need_command(result, None) == "stabkit collect --only 'a; rm -rf $HOME `id`'"
