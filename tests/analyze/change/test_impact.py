"""Risk levels, the checklist and what follows: every level by its rule, no tick without a check."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.analyze.change.impact import LEVELS, area_coincidence, assess_changes, readiness
from stabkit.analyze.outcome import ConditionResult, Gate, Need
from stabkit.config import Area, ChecklistLine, Config, TestSuite
from stabkit.schema import conform, empty

BASE: dict[str, Any] = {
    "path": "app/core.py",
    "status": "modified",
    "added": 3,
    "deleted": 1,
    "category": "internal",
    "area": "app",
    "importers": 4,
    "churn_percentile": 50.0,
}


def changes(*rows: dict[str, Any]) -> pd.DataFrame:
    return conform("changes", pd.DataFrame([BASE | row for row in rows]))


def named_tests(name: str, *statuses: str) -> pd.DataFrame:
    rows = [
        {"suite": "unit", "name": name, "test_id": f"tests/{name}.py::test_a", "attempt": number, "status": status}
        for number, status in enumerate(statuses, 1)
    ]
    return conform("tests", pd.DataFrame(rows))


def checks(**outcomes: str) -> pd.DataFrame:
    rows = [
        {
            "target": "changes",
            "check": name.replace("_", " "),
            "outcome": outcome,
            "observed": "2 found",
            "detail": "app/core.py:3: + X; examined 1",
        }
        for name, outcome in outcomes.items()
    ]
    return conform("checks", pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("row", "tests", "refused", "level"),
    [
        ({"category": "doc"}, None, False, "NONE"),
        ({"category": "test"}, None, False, "NONE"),
        ({"docs_only": True}, None, False, "NONE"),
        ({"docs_only": False}, None, False, "MEDIUM"),
        ({"category": "ci"}, None, False, "MINIMAL"),
        ({"importers": 0, "deleted": 0}, None, False, "MINIMAL"),
        ({"importers": 0, "deleted": 1}, None, False, "MEDIUM"),
        ({"importers": None, "deleted": 0}, None, False, "MEDIUM"),
        ({}, named_tests("test_core", "pass"), False, "LOW"),
        ({}, named_tests("test_core", "fail", "pass"), False, "MEDIUM"),
        ({}, named_tests("test_core", "skip"), False, "MEDIUM"),
        ({}, named_tests("test_core_other", "pass"), False, "MEDIUM"),
        ({}, None, False, "MEDIUM"),
        ({"churn_percentile": 90.0}, named_tests("test_core", "pass"), False, "MEDIUM"),
        ({"churn_percentile": 89.9}, named_tests("test_core", "pass"), False, "LOW"),
        ({"churn_percentile": 95.0, "criticality": "critical"}, None, False, "HIGH"),
        ({"churn_percentile": 95.0, "criticality": "low"}, None, False, "MEDIUM"),
        ({"category": "migration"}, None, False, "MEDIUM"),
        ({}, named_tests("test_core", "pass"), True, "HIGH"),
    ],
)
def test_each_level_by_its_rule(row: dict[str, Any], tests: pd.DataFrame | None, refused: bool, level: str) -> None:
    given_checks = checks(no_environment_variable_change="fail") if refused else None
    lines = '["no environment variable change"]' if refused else None
    found = assess_changes(changes(row | {"refused": lines}), tests=tests, checks=given_checks)
    assert found.loc[0, "level"] == level
    assert found.loc[0, "reasons"]


def test_of_equal_files_all_are_of_one_level_however_many() -> None:
    rows = [{"path": f"app/m{number}.py", "refused": '["no schema change"]'} for number in range(30)]
    found = assess_changes(changes(*rows), checks=checks(no_schema_change="fail"))
    assert set(found["level"]) == {"HIGH"}
    older = assess_changes(changes({}), tests=named_tests("test_core", "pass"), checks=checks(no_schema_change="fail"))
    assert older.loc[0, "level"] == "MEDIUM", "a run that did not record it is never taken for harmless"


def test_riskiest_first_and_arguments_untouched() -> None:
    frame = changes({"path": "a.md", "category": "doc", "added": 900}, {"path": "b.py"}, {"path": "c.py", "added": 50})
    copy = frame.copy()
    assert assess_changes(frame)["path"].tolist() == ["c.py", "b.py", "a.md"]
    pd.testing.assert_frame_equal(frame, copy)


def test_criticality_from_configuration_raises_a_fired_rule() -> None:
    config = Config(areas={"core": Area(paths=("app/",), owner="team", criticality="high", value="money")})
    found = assess_changes(changes({"churn_percentile": 99.0}), config=config)
    assert found.loc[0, ["level", "owner", "value"]].tolist() == ["HIGH", "team", "money"]


@given(st.sampled_from(["doc", "test", "ci", "internal", "api", "config", "migration"]), st.booleans())
def test_taking_evidence_away_never_lowers_a_level_below_low(category: str, tested: bool) -> None:
    row = changes({"category": category})
    known = assess_changes(row, tests=named_tests("test_core", "pass") if tested else None).loc[0, "level"]
    unknown = assess_changes(row).loc[0, "level"]
    assert LEVELS.index(unknown) >= LEVELS.index(known)


def test_nothing_changed_is_nothing_assessed() -> None:
    assessed = assess_changes(empty("changes"))
    assert assessed.empty
    assert area_coincidence(empty("changes"), Gate("regressed", (REGRESSED,))).empty


REGRESSED = ConditionResult("api response time", "latency", "regressed", target="api", metric="response_time")
STABLE = ConditionResult("api errors", "error_rate", "stable", target="api")


def test_a_regression_coincides_with_runtime_areas_only() -> None:
    frame = changes({}, {"path": "docs/a.md", "category": "doc", "area": "docs"})
    found = area_coincidence(frame, Gate("regressed", (REGRESSED, STABLE)))
    assert found[["condition", "area", "files", "added"]].to_numpy().tolist() == [["api response time", "app", 1, 3]]


def test_without_evidence_every_line_is_not_checked() -> None:
    for gate in (None, Gate("inconclusive")):
        lines = readiness(empty("checks"), gate, Config())
        assert set(lines["answer"]) == {"not_checked"}
        assert lines["because"].str.len().gt(0).all()


def answers(lines: pd.DataFrame) -> dict[str, str]:
    return dict(zip(lines["line"], lines["answer"], strict=True))


def test_each_answer_has_its_check() -> None:
    rows = pd.concat(
        [
            checks(no_API_break="pass", no_schema_change="fail", rollback_possible="not_checked"),
            conform("checks", pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})),
        ]
    )
    found = answers(readiness(rows, None, Config()))
    assert found["services healthy"] == "yes"
    assert found["no API break"] == "yes"
    assert found["no schema change"] == "no"
    assert found["backward compatible"] == "no"
    assert found["rollback possible"] == "not_checked"
    assert found["no dependency change"] == "not_checked"


@pytest.mark.parametrize(("outcome", "answer"), [("pass", "yes"), ("fail", "no"), ("not_checked", "not_checked")])
def test_one_bad_probe_decides_services_healthy(outcome: str, answer: str) -> None:
    rows = pd.DataFrame({"target": ["a", "b"], "check": ["status"] * 2, "outcome": ["pass", outcome]})
    assert answers(readiness(conform("checks", rows), None))["services healthy"] == answer


def test_compatible_is_never_concluded_from_signatures_alone() -> None:
    found = answers(readiness(checks(no_API_break="pass", no_schema_change="pass"), None))
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
    assert found["test infrastructure: no test vanished"] == "no"
    assert (found["fast"], found["typo"], found["audit done"]) == ("yes", "not_checked", "not_checked")
    partial = ConditionResult(
        "flow tests", "tests", "inconclusive", target="flow", needs=(Need(None, "evidence", "missing"),)
    )
    found = answers(readiness(empty("checks"), Gate("inconclusive", (partial,)), config))
    assert found["test infrastructure: no test vanished"] == "not_checked"
    other = ConditionResult("unit tests", "tests", "stable", target="unit")
    found = answers(readiness(empty("checks"), Gate("stable", (other,)), config))
    assert found["mission-critical tests keep their results"] == "not_checked"
