"""What is said of how a condition came out agrees with its numbers."""

import math

import pytest

from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, Need
from stabkit.errors import UsageError
from stabkit.report.explanation import explain, explanation_document, find_condition


def estimate(outcome, **values):
    given = {"baseline": 10.0, "candidate": 11.0, "change": 1.1, "low": 1.05, "high": 1.15, "margin": 0.2}
    return Estimate("p50", "ms", "ratio", outcome, n_baseline=50, n_candidate=50, **(given | values))


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
    need = Need(3, "reruns", "unconfirmed", detail="tests.a::t1")
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
