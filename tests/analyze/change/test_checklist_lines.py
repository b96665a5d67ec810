"""The checklist: no tick without a check."""

from __future__ import annotations

import pandas as pd
import pytest

from stabkit.analyze.change import readiness
from stabkit.analyze.outcome import ConditionResult, Gate, Need
from stabkit.config import ChecklistLine, Config, TestSuite
from stabkit.schema import conform, empty
from stabkit.vocabulary import CHANGE_LINES
from tests.analyze.change.evidence import checks, fact

STABLE = ConditionResult("api errors", "error_rate", "stable", target="api")


def answers(lines: pd.DataFrame) -> dict[str, str]:
    return dict(zip(lines["line"], lines["answer"], strict=True))


def test_without_evidence_every_line_is_not_checked() -> None:
    for gate in (None, Gate("inconclusive")):
        lines = readiness(empty("checks"), gate, Config())
        assert set(lines["answer"]) == {"not_checked"}
        told = lines["found"].notna() | lines["because"].str.len().gt(0)
        assert told.all()


def test_each_answer_has_its_check() -> None:
    rows = pd.concat(
        [
            checks(api_break="pass", schema_change=[fact()], irreversible_migration="not_checked"),
            conform("checks", pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})),
        ]
    )
    found = answers(readiness(rows, None, Config()))
    assert found["services healthy"] == "yes"
    assert found["api"] == "yes"
    assert found["schema"] == "no"
    assert found["rollback"] == "not_checked"
    assert found["dependencies"] == "not_checked"
    assert set(CHANGE_LINES) <= set(found)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("api_break", "no"),
        ("deleted_module", "no"),
        ("contract_break", "no"),
        ("entry_point_removed", "no"),
        ("breaking_migration", "no"),
        ("schema_change", "not_checked"),
        ("dependency_change", "not_checked"),
    ],
)
def test_what_breaks_those_who_rely_on_it_is_not_compatible(name: str, answer: str) -> None:
    assert answers(readiness(checks(**{name: [fact()]}), None))["backward compatible"] == answer


@pytest.mark.parametrize(("outcome", "answer"), [("pass", "yes"), ("fail", "no"), ("not_checked", "not_checked")])
def test_one_bad_probe_decides_services_healthy(outcome: str, answer: str) -> None:
    rows = pd.DataFrame({"target": ["a", "b"], "check": ["status"] * 2, "outcome": ["pass", outcome]})
    assert answers(readiness(conform("checks", rows), None))["services healthy"] == answer


def test_compatible_is_never_concluded_from_signatures_alone() -> None:
    found = answers(readiness(checks(api_break="pass", schema_change="pass"), None))
    assert found["backward compatible"] == "not_checked"


def test_conditions_answer_their_lines() -> None:
    config = Config(
        tests={"flow": TestSuite(files=("a.xml",), mission_critical=True)},
        checklist=(
            ChecklistLine(line="fast", condition="api errors"),
            ChecklistLine(line="typo", condition="api erors"),
            ChecklistLine(line="audit done"),
        ),
    )
    lost = ConditionResult(
        "flow tests", "tests", "inconclusive", target="flow", items=({"state": "disappeared", "what": "t::a"},)
    )
    found = answers(readiness(empty("checks"), Gate("inconclusive", (STABLE, lost)), config))
    assert found["mission-critical tests keep their results"] == "not_checked"
    assert found["test infrastructure: all tests kept"] == "no"
    assert (found["fast"], found["typo"], found["audit done"]) == ("yes", "not_checked", "not_checked")
    partial = ConditionResult(
        "flow tests", "tests", "inconclusive", target="flow", needs=(Need(None, "evidence", "missing"),)
    )
    found = answers(readiness(empty("checks"), Gate("inconclusive", (partial,)), config))
    assert found["test infrastructure: all tests kept"] == "not_checked"
    other = ConditionResult("unit tests", "tests", "stable", target="unit")
    found = answers(readiness(empty("checks"), Gate("stable", (other,)), config))
    assert found["mission-critical tests keep their results"] == "not_checked"
