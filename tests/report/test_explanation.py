"""What is said of how a condition came out agrees with its numbers."""

import math

import pytest

from stabkit.analyze.facts import Difference
from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, Need
from stabkit.case.again import Again
from stabkit.errors import UsageError
from stabkit.report.explanation import explain, explanation_document, find_condition


def estimate(outcome, **values):
    given = {"baseline": 10.0, "candidate": 11.0, "change": 1.1, "low": 1.05, "high": 1.15, "margin": 0.2}
    given |= {"n_baseline": 50, "n_candidate": 50}
    return Estimate("p50", "ms", "ratio", outcome, **(given | values))


def condition(outcome, *estimates, **values):
    return ConditionResult(
        "api response time", values.pop("kind", "latency"), outcome, target="api", estimates=estimates, **values
    )


def gate(*conditions, verdict="inconclusive"):
    return Gate(verdict, conditions)


@pytest.mark.parametrize(
    ("outcome", "values", "words"),
    [
        ("stable", {}, "the 95 % interval ends below the margin"),
        ("regressed", {"beyond_margin": True}, "begins above no change, and beyond the margin as a whole"),
        ("improved", {"low": 0.8, "high": 0.9}, "ends below no change"),
        ("inconclusive", {"high": 1.4}, "reaches beyond the margin, but not far enough to show a worsening"),
        ("inconclusive", {"high": math.inf, "low": 0.0}, "has no upper end yet"),
    ],
)
def test_the_rule_that_decided_is_named(outcome, values, words):
    found = condition(outcome, estimate(outcome, **values))
    assert words in repr(explain(gate(found), found)).replace("\u202f", " ").replace("\xa0", " ")


def test_a_doubt_outside_the_estimate_is_the_rule():
    found = condition("inconclusive", estimate("regressed"), needs=(Need(None, "rounds", "many_metrics"),))
    assert "regressed by itself, but a doubt outside it leaves it open" in repr(explain(gate(found), found))


@pytest.mark.parametrize(
    ("outcome", "words"), [("regressed", "begins above the limit"), ("inconclusive", "the limit lies within")]
)
def test_an_objective_has_a_limit_and_no_margin(outcome, words):
    found = condition(outcome, estimate(outcome), kind="objective", facts={"below_ms": 150.0, "quantile": 0.95})
    shown = repr(explain(gate(found), found))
    assert words in shown
    assert "below the margin" not in shown


def test_what_moved_and_what_is_missing_are_listed_harmlessly():
    items = tuple({"state": "regressed", "what": f"tests.a::t{n}\x1b[31m"} for n in range(30))
    need = Need(3, "reruns", "not_rerun", "unconfirmed", ("tests.a::t1",))
    found = condition("inconclusive", kind="tests", items=items, needs=(need,))
    shown = repr(explain(gate(found), found))
    assert "What moved or blocks: 30 items" in shown
    assert "\x1b" not in shown
    assert "Open: " in shown


def test_a_condition_is_found_by_its_name_or_the_nearest_is_named():
    found = condition("stable", estimate("stable"))
    assert find_condition(gate(found), "API response TIME") is found
    with pytest.raises(UsageError, match="no condition") as error:
        find_condition(gate(found), "api respons time")
    assert "Did you mean 'api response time'?" in str(error.value.hint)
    with pytest.raises(UsageError) as error:
        find_condition(gate(), "x")
    assert str(error.value.hint) == "Conditions: none."


def test_the_document_holds_every_number_and_no_infinity():
    found = condition("inconclusive", estimate("inconclusive", high=math.inf))
    document = explanation_document(gate(found), found)
    assert document["condition"]["estimates"][0]["high"] is None
    assert (document["verdict"], document["condition"]["outcome"]) == ("inconclusive", "inconclusive")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"low": None, "high": None}, "too little evidence for an interval"),
        ({"n_baseline": 1, "n_candidate": 1}, "one sample has no interval"),
        ({"low": 0.9, "high": 1.1}, "but of too few rounds to be trusted"),
    ],
)
def test_an_open_estimate_says_why_it_is_open(values, words):
    found = condition("inconclusive", estimate("inconclusive", **values), kind="resource")
    assert words in repr(explain(gate(found), found))


def test_the_numbers_stand_beside_the_rule():
    found = condition("stable", estimate("stable", rounds=5, p_worse=1e-9, flags=("slower_within_margin", "odd_thing")))
    shown = repr(explain(gate(found), found)).replace("\u202f", " ")
    for words in (
        "n 50 in 5 rounds",
        "11 ms",
        "+10 % (likely +5 to +15)",
        "20 %",
        "< 0.0001",
        "by less than the margin and odd thing",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("kind", "facts", "item", "words"),
    [
        (
            "tests",
            {"total": 9, "baseline_tests": 8, "common": 7, "baseline_pass": 7, "candidate_pass": 6, "mcnemar_p": 0.5},
            {"state": "unconfirmed", "what": "t", "baseline_status": "pass", "candidate_status": "fail", "attempts": 2,
             "failures": 2, "need_reruns": 4, "flake_rate": 0.1, "flake_basis": "suite"},
            ["9 tests in the candidate, 8 in the baseline, 7 judged in both; 7 → 6 pass; McNemar's p 0.50",
             "pass → fail; failed 2 of 2 attempts; 4 more reruns would tell; flake rate 10 %, suite"],
        ),
        (
            "findings",
            {"total": 3, "new": 1, "persisting": 2, "gating": 1, "comparable": False,
             "why": [Difference("rules", "ruff")]},
            {"state": "new", "what": "F401 a.py:1", "severity": "high", "gates": True, "detail": "unused"},
            ["3 findings in both runs together; 1 new and 2 persisting; 1 gating; the scans cannot be compared: the",
             "high; gates; unused"],
        ),
        (
            "checks",
            {"total": 3, "passed": 2, "common": 3},
            {"state": "fail", "what": "status", "expected": "200", "observed": "500", "failed": 3, "times": 5},
            ["3 checks, 3 of them in the baseline too; 2 pass", "expected 200, observed 500; failed 3 of 5 times"],
        ),
    ],
)  # fmt: skip
def test_what_is_judged_one_by_one_shows_its_numbers(kind, facts, item, words):
    found = condition("inconclusive", kind=kind, facts=facts, items=(item,))
    shown = repr(explain(gate(found), found)).replace("\u202f", " ")
    for part in (*words, "Rule: nothing is proven worse, but something is not known"):
        assert part in shown


def test_the_command_collects_the_same_runs_again():
    found = condition("inconclusive", estimate("inconclusive", rounds=5), needs=(Need(3, "rounds", "wide_interval"),))
    again = Again("v1.5", "v1.4", together=True)
    assert "stabkit collect --label v1.5 --baseline-label v1.4 --rounds 8" in repr(explain(gate(found), found, again))
