"""The words of a whole report: each condition is named once, and a step says what to do."""

from __future__ import annotations

import pytest

from stabkit.analyze import ConditionResult, Estimate, Gate, Need
from stabkit.case import Again
from stabkit.report.words import advice, summary_texts

SLOWER = Estimate("p50", "ms", "ratio", "regressed", change=1.3, low=1.2, high=1.4, margin=0.05)


def open_(name: str, *needs: Need, kind: str = "latency", estimates: tuple[Estimate, ...] = ()) -> ConditionResult:
    return ConditionResult(name, kind, "inconclusive", target=name, needs=needs, estimates=estimates)


def test_a_condition_that_is_both_the_largest_change_and_the_largest_doubt_is_named_once() -> None:
    late = open_("chat", Need(None, "rounds", "prober_late"), estimates=(SLOWER,))
    _, change, doubt = summary_texts(Gate("inconclusive", (late, open_("api", Need(8, "rounds", "wide_interval")))))
    assert change == "The largest change is chat, as the verdict above says."
    assert doubt == "It is the largest doubt too; 1 further condition is undecided."


@pytest.mark.parametrize(
    ("need", "kind", "task"),
    [
        (Need(8, "rounds", "wide_interval"), "latency", "measure longer for api"),
        (Need(8, "rounds", "wide_interval", decidable_margin=0.4), "latency", "take a quieter machine, or allow more"),
        (Need(700, "samples", "wide_interval", decidable_margin=0.4), "error_rate", "measure longer for api"),
        (Need(None, "rounds", "prober_late"), "latency", "measure on a quieter machine for api"),
        (Need(None, "evidence", "missing", "tests", ("api",)), "tests", "collect what is missing of api"),
        (Need(None, "scans", "not_comparable"), "findings", "make both sides comparable for api"),
        (Need(None, "checks", "not_checked", None, ("a",)), "checks", "make the checks of api"),
    ],
)
def test_a_step_says_what_to_do_about_what_is_open(need: Need, kind: str, task: str) -> None:
    first, step = advice(Gate("inconclusive", (open_("api", need, kind=kind),)), again=Again("v1.5"))[:2]
    assert first.because == "undecided: api", "what is open is named, and not counted again"
    assert step.what.startswith(task)


def test_what_many_conditions_lack_alike_is_one_step() -> None:
    gate = Gate("inconclusive", tuple(open_(f"t{i}", Need(8, "rounds", "wide_interval")) for i in range(9)))
    steps = [step.what for step in advice(gate, again=Again("v1.5"))]
    assert steps[1:] == ["measure longer for t0, t1, t2 and 6 more"]
