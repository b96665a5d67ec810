"""The first sentence of a report: what got worse or is open is named once, and whole."""

from __future__ import annotations

import pytest

from stabkit.analyze import ConditionResult, Estimate, Gate, Need
from stabkit.report.words import decision_text

LONG = "GET /api/v2/organizations/{organization_id}/projects/{project_id}/members/{member_id}/permissions-"


def slower(target: str, change: float = 1.3) -> ConditionResult:
    estimate = Estimate(
        "p50", "ms", "ratio", "regressed", change=change, low=change - 0.01, high=change + 0.01, margin=0.05,
        beyond_margin=True,
    )  # fmt: skip
    return ConditionResult(f"{target} times", "latency", "regressed", target=target, estimates=(estimate,))


def failing(target: str, fault: str | None = None) -> ConditionResult:
    items = ({"state": "fail", "what": "status", "fault": fault},) if fault else ({"state": "fail", "what": "status"},)
    return ConditionResult(f"{target} contract", "checks", "regressed", target=target, items=items)


def open_(name: str, *needs: Need, kind: str = "latency") -> ConditionResult:
    return ConditionResult(name, kind, "inconclusive", target=name, needs=needs)


def decided(verdict: str, *conditions: ConditionResult) -> str:
    return decision_text(Gate(verdict, conditions))


def test_what_slowed_alike_is_named_together() -> None:
    assert decided("regressed", slower("api"), slower("auth")) == (
        "Do not ship: api and auth slowed by six times what you allow."
    )


def test_long_names_are_shortened_and_none_is_lost() -> None:
    text = decided("regressed", *(slower(f"{LONG}{number:03}") for number in range(3)))
    assert text.count("permissions-00") == 3
    assert text.endswith("slowed by six times what you allow.")


def test_what_worsened_in_a_third_way_is_counted() -> None:
    text = decided("regressed", slower("api"), slower("auth", 1.1), failing("mail"), slower("chat", 1.15))
    assert text.startswith("Do not ship: ")
    assert text.endswith("; 2 further conditions regressed.")


def test_a_service_that_answers_with_faults_is_not_told_twice() -> None:
    lost = ConditionResult("api errors", "error_rate", "regressed", target="api", facts={"fault": "HTTP 500"})
    assert decided("regressed", failing("api", "HTTP 500"), lost) == (
        "Do not ship: api did not answer as agreed (HTTP 500)."
    )
    assert decided("regressed", lost) == "Do not ship: api failed more requests than before (HTTP 500)."


@pytest.mark.parametrize(
    ("need", "said"),
    [
        (Need(8, "rounds", "wide_interval"), "a slowdown of api and auth is not ruled out"),
        (Need(None, "rounds", "prober_late"), "the machine was too noisy to judge api and auth"),
        (Need(None, "evidence", "missing", "samples"), "api and auth were not measured on both sides"),
        (Need(None, "evidence", "missing", "disappeared"), "tests of api and auth disappeared"),
    ],
)
def test_what_is_open_for_one_cause_is_named_together_and_the_rest_counted(need: Need, said: str) -> None:
    scan = open_("ruff", Need(None, "scans", "not_comparable"), kind="findings")
    text = decided("inconclusive", open_("api", need), open_("auth", need), scan)
    assert text == f"Do not ship on this report: {said}; 1 further condition is undecided."
