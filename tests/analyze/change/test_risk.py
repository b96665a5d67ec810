"""How risky a change is: every level by its rule, what raises it, and what only explains."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.analyze.change import RANK_LEVELS, ChangeRisk, assess_changes, change_risk
from stabkit.analyze.outcome import ConditionResult, Gate
from stabkit.schema import empty
from stabkit.vocabulary import GRAVE_FACTS, RISK_LEVELS
from tests.analyze.change.evidence import changes, checks, fact, named_tests

LEVEL_OF = dict(zip(RISK_LEVELS, range(len(RISK_LEVELS)), strict=True))
BROKEN = ConditionResult(
    "unit tests",
    "tests",
    "regressed",
    items=({"state": "new_failing", "what": "tests/test_core.py::test_a"},),
)
FOUND = ConditionResult(
    "scan", "findings", "regressed", items=({"state": "new", "what": "S101 in core", "path": "app/core.py"},)
)


def risk(frame: pd.DataFrame, gate: Gate | None = None, **found: Any) -> ChangeRisk:
    return change_risk(frame, checks(**found), gate)


@pytest.mark.parametrize(
    ("percentile", "level"),
    [
        (0.0, "MINIMAL"),
        (33.3, "MINIMAL"),
        (33.4, "LOW"),
        (66.6, "LOW"),
        (66.7, "MEDIUM"),
        (89.9, "MEDIUM"),
        (90.0, "HIGH"),
        (100.0, "HIGH"),
    ],
)
def test_code_by_its_rank(percentile: float, level: str) -> None:
    found = risk(changes(percentile=percentile))
    assert (found.level, found.percentile) == (level, percentile)
    assert [(reason.code, reason.value, reason.raises) for reason in found.reasons] == [("rank", percentile, False)]


@pytest.mark.parametrize(
    ("rows", "level", "reason"),
    [
        ([{"category": "doc"}], "NONE", "idle"),
        ([{"category": "test"}, {"docs_only": True}], "NONE", "idle"),
        ([{"category": "ci"}], "MINIMAL", "no_runtime"),
        ([{"category": "tooling"}, {"category": "doc"}], "MINIMAL", "no_runtime"),
        ([{"category": "doc"}, {}], "HIGH", "rank"),
        ([{"docs_only": False}], "HIGH", "rank"),
        ([{"docs_only": None}], "HIGH", "rank"),
    ],
)
def test_what_does_not_run_has_no_rank_to_fear(rows: list[dict[str, Any]], level: str, reason: str) -> None:
    found = risk(changes(*rows, percentile=99.0))
    assert (found.level, found.reasons[0].code) == (level, reason)


@pytest.mark.parametrize("percentile", [0.0, None])
def test_settings_without_code_are_minimal_whatever_the_history(percentile: float | None) -> None:
    found = risk(changes({"path": "uv.lock", "category": "dependency"}, percentile=percentile, files=0, lines_added=0))
    assert (found.level, found.reasons[0].code) == ("MINIMAL", "no_code")


@pytest.mark.parametrize(("percentile", "level"), [(0.0, "LOW"), (50.0, "LOW"), (70.0, "MEDIUM"), (95.0, "HIGH")])
def test_several_steps_are_never_minimal(percentile: float, level: str) -> None:
    assert risk(changes(percentile=percentile, steps=40)).level == level
    assert risk(changes({"category": "doc"}, percentile=percentile, steps=40)).level == "NONE"


def test_too_little_history_is_unknown_and_no_middle() -> None:
    found = risk(changes(percentile=None))
    assert (found.level, found.percentile, found.reasons[0].code) == (None, None, "no_rank")
    assert found.inputs["lines_added"] == 3


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "7", "[]", '"text"', "[" * 100_000, '{"percentile": "x", "steps": []}', '{"percentile": NaN}'],
)
def test_a_record_without_a_rank_is_unknown(text: str | None) -> None:
    found = risk(changes({"rank": text}))
    assert (found.level, dict(found.inputs)) == (None, {})


def test_nothing_changed_is_nothing_assessed() -> None:
    found = change_risk(empty("changes"), empty("checks"))
    assert (found.level, found.reasons[0].code) == (None, "no_change")
    assert assess_changes(empty("changes")).empty


@pytest.mark.parametrize("name", GRAVE_FACTS)
@pytest.mark.parametrize("percentile", [5.0, None])
def test_what_is_proven_to_take_something_away_raises_to_high(name: str, percentile: float | None) -> None:
    found = risk(changes(percentile=percentile), **{name: [fact(), fact(line=9)]})
    first = found.reasons[0]
    assert (found.level, first.code, first.names, first.value) == ("HIGH", "grave", (name, "app/core.py"), 2)
    assert first.raises


@pytest.mark.parametrize(
    "found",
    [
        {"dependency_change": [fact()]},
        {"environment_change": [fact()]},
        {"configuration_change": [fact()]},
        {"api_break": [fact(proven=False)]},
        {"secret_added": [fact(scope="development")]},
        {"api_break": "not_checked", "schema_change": "pass"},
        {"api_break": "fail"},
    ],
)
def test_a_no_by_itself_raises_nothing(found: dict[str, Any]) -> None:
    assert risk(changes(percentile=50.0), **found).level == "LOW"


def test_a_grave_fact_in_what_does_not_run_counts() -> None:
    frame = changes({"path": "ci.yml", "category": "ci"}, percentile=0.0, files=0)
    assert risk(frame, permission_widened=[fact("ci.yml", scope="ci")]).level == "HIGH"


@pytest.mark.parametrize(
    ("percentile", "criticality", "level"),
    [
        (5.0, "critical", "LOW"),
        (50.0, "high", "MEDIUM"),
        (80.0, "critical", "HIGH"),
        (99.0, "critical", "HIGH"),
        (50.0, "low", "LOW"),
        (50.0, None, "LOW"),
        (None, "critical", "MEDIUM"),
    ],
)
def test_a_critical_area_raises_by_one(percentile: float | None, criticality: str | None, level: str) -> None:
    found = risk(changes({"criticality": criticality}, percentile=percentile))
    assert found.level == level
    assert (found.reasons[0].code == "critical") is (criticality in ("critical", "high"))


def test_documents_of_a_critical_area_raise_nothing() -> None:
    frame = changes({"category": "doc", "criticality": "critical"}, {"area": "web"}, percentile=5.0)
    assert risk(frame).level == "MINIMAL"


def test_a_test_that_broke_and_a_new_finding_raise_where_they_are_near() -> None:
    near = {"tests_reaching": json.dumps({"tests/test_core.py": 1})}
    far = {"tests_reaching": json.dumps({"tests/test_core.py": 3})}
    gate = Gate("regressed", (BROKEN,))
    found = risk(changes(near, percentile=5.0), gate)
    assert (found.level, found.reasons[0].code) == ("HIGH", "tests_broken")
    assert found.reasons[0].names == ("tests/test_core.py::test_a",)
    assert risk(changes(far, percentile=5.0), gate).level == "MINIMAL"
    assert risk(changes({}, percentile=5.0), gate).level == "MINIMAL"
    found = risk(changes({}, percentile=5.0), Gate("regressed", (FOUND,)))
    assert (found.level, found.reasons[0].code) == ("HIGH", "findings_new")
    assert risk(changes({"path": "app/other.py"}, percentile=5.0), Gate("regressed", (FOUND,))).level == "MINIMAL"


@given(st.floats(0, 100), st.floats(0, 100), st.booleans(), st.sampled_from(["critical", None]))
def test_more_rank_and_more_reasons_never_lower_a_level(
    one: float, other: float, broken: bool, criticality: str | None
) -> None:
    low, high = sorted((one, other))
    plain = risk(changes(percentile=low)).level
    raised = risk(
        changes({"criticality": criticality}, percentile=high), **({"api_break": [fact()]} if broken else {})
    ).level
    assert plain is not None
    assert raised is not None
    assert LEVEL_OF[plain] <= LEVEL_OF[raised]


def test_rank_levels_cover_every_percentile_in_order() -> None:
    ends = [end for _, end in RANK_LEVELS]
    assert ends == sorted(ends)
    assert ends[-1] == 100.0
    assert [level for level, _ in RANK_LEVELS] == list(RISK_LEVELS[1:])


# What follows is the level of each file.


@pytest.mark.parametrize(
    ("row", "tests", "broken", "level"),
    [
        ({"category": "doc"}, None, False, "NONE"),
        ({"category": "test"}, None, False, "NONE"),
        ({"docs_only": True}, None, False, "NONE"),
        ({"docs_only": False}, None, False, "LOW"),
        ({"category": "ci"}, None, False, "MINIMAL"),
        ({"importers": 0, "deleted": 0}, None, False, "MINIMAL"),
        ({"importers": 0, "deleted": 1}, None, False, "LOW"),
        ({"importers": None, "deleted": 0}, None, False, "LOW"),
        ({}, named_tests("test_core", "pass"), False, "LOW"),
        ({}, named_tests("test_core", "fail", "pass"), False, "LOW"),
        ({}, named_tests("test_core", "skip"), False, "LOW"),
        ({}, named_tests("test_core_other", "pass"), False, "LOW"),
        ({}, None, False, "LOW"),
        ({"churn_percentile": 90.0}, named_tests("test_core", "pass"), False, "MEDIUM"),
        ({"churn_percentile": 89.9}, named_tests("test_core", "pass"), False, "LOW"),
        ({"churn_percentile": 95.0, "criticality": "critical"}, None, False, "HIGH"),
        ({"churn_percentile": 95.0, "criticality": "low"}, None, False, "MEDIUM"),
        ({"category": "migration"}, None, False, "MEDIUM"),
        ({}, named_tests("test_core", "pass"), True, "HIGH"),
    ],
)
def test_each_file_by_its_rule(row: dict[str, Any], tests: pd.DataFrame | None, broken: bool, level: str) -> None:
    found = assess_changes(changes(row), tests=tests, checks=checks(api_break=[fact()]) if broken else None)
    assert found.loc[0, "level"] == level
    assert found.loc[0, "reasons"]


@pytest.mark.parametrize(
    ("tests", "codes"),
    [
        (named_tests("test_core", "pass"), ["no_rule", "tests_passed"]),
        (named_tests("test_core", "fail", "pass"), ["no_rule", "tests_failed"]),
        (named_tests("test_core", "skip"), ["no_rule", "no_tests"]),
        (named_tests("test_core_other", "pass"), ["no_rule", "no_tests"]),
        (None, ["no_rule"]),
    ],
)
def test_tests_explain_and_none_recorded_say_nothing(tests: pd.DataFrame | None, codes: list[str]) -> None:
    (reasons,) = assess_changes(changes({}), tests=tests)["reasons"]
    assert [reason.code for reason in reasons] == codes
    assert not any(reason.raises for reason in reasons)


def test_of_equal_files_all_are_of_one_level_however_many() -> None:
    paths = [f"app/m{number}.py" for number in range(30)]
    found = assess_changes(
        changes(*({"path": path} for path in paths)), checks=checks(api_break=[fact(path) for path in paths])
    )
    assert set(found["level"]) == {"HIGH"}


def test_a_failed_check_without_values_is_never_taken_for_harmless() -> None:
    found = assess_changes(changes({}), tests=named_tests("test_core", "pass"), checks=checks(schema_change="fail"))
    assert found.loc[0, "level"] == "LOW"


def test_a_moved_file_has_the_facts_of_its_old_path() -> None:
    frame = changes({"path": "lib/core.py", "old_path": "app/core.py", "status": "renamed"})
    assert assess_changes(frame, checks=checks(api_break=[fact("app/core.py")])).loc[0, "level"] == "HIGH"


def test_a_file_beside_what_broke_is_high() -> None:
    frame = changes({}, {"path": "app/other.py"})
    found = assess_changes(frame, gate=Gate("regressed", (FOUND,))).set_index("path")
    assert found["level"].to_dict() == {"app/core.py": "HIGH", "app/other.py": "LOW"}


def test_riskiest_first_and_arguments_untouched() -> None:
    frame = changes({"path": "a.md", "category": "doc", "added": 900}, {"path": "b.py"}, {"path": "c.py", "added": 50})
    copy = frame.copy()
    assert assess_changes(frame)["path"].tolist() == ["c.py", "b.py", "a.md"]
    change_risk(frame, checks())
    pd.testing.assert_frame_equal(frame, copy)


def test_criticality_raises_a_fired_rule_and_is_told() -> None:
    row = {"churn_percentile": 99.0, "owner": "team", "criticality": "high", "value": "money"}
    found = assess_changes(changes(row))
    assert found.loc[0, ["level", "owner", "value"]].tolist() == ["HIGH", "team", "money"]


@given(st.sampled_from(["doc", "test", "ci", "internal", "api", "config", "migration"]), st.booleans())
def test_taking_evidence_away_never_lowers_a_level(category: str, tested: bool) -> None:
    row = changes({"category": category})
    known = assess_changes(row, tests=named_tests("test_core", "pass") if tested else None).loc[0, "level"]
    unknown = assess_changes(row).loc[0, "level"]
    assert LEVEL_OF[unknown] >= LEVEL_OF[known]
