"""A verdict in JUnit XML, SARIF and OpenMetrics, each read again by a reader that knows the form."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from stabkit.analyze.findings import FindingComparison
from stabkit.case import Case
from stabkit.read import read_file
from stabkit.report import gate_junit, gate_log, gate_metrics
from tests.report.states import STATES

STATE_NAMES = sorted(STATES)


def families_of(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def cases(history: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    found = {}
    for name in STATE_NAMES:
        folder = tmp_path_factory.mktemp("state")
        with contextlib.chdir(folder):
            found[name] = STATES[name](history, folder).case
    return found


@pytest.mark.parametrize("name", STATE_NAMES)
def test_junit_is_green_only_where_the_verdict_is(cases: dict[str, Case], name: str, tmp_path: Path) -> None:
    case = cases[name]
    root = ElementTree.fromstring(gate_junit(case))
    told = {(one.get("classname"), one.get("name")): [child.tag for child in one] for one in root.iter("testcase")}
    word = {"stable": "system-out", "regressed": "failure", "inconclusive": "error"}[case.gate.verdict]
    assert told["stabkit", "verdict"] == [word]
    assert len(told) == len(case.gate.conditions) + 1 == int(root.get("tests", "0"))
    bad = sum("failure" in tags for tags in told.values()), sum("error" in tags for tags in told.values())
    assert bad == (int(root.get("failures", "0")), int(root.get("errors", "0")))
    for condition in case.gate.conditions:
        (tags,) = [tags for (_, called), tags in told.items() if called == condition.name]
        if condition.outcome in ("stable", "improved"):
            assert tags == ["system-out"]
        elif condition.gating:
            assert tags == ["failure" if condition.outcome == "regressed" else "error"]
        else:
            assert tags == ["skipped"]
    path = tmp_path / "gate.xml"
    path.write_text(gate_junit(case), encoding="utf-8")
    read = read_file(path)["tests"]
    assert len(read) == len(told)
    assert (read["status"].isin(["fail", "error"]).any()) == (case.gate.verdict != "stable")


def test_what_may_pass_undecided_is_skipped_and_not_passed(cases: dict[str, Case]) -> None:
    case = next(case for case in cases.values() if case.gate.verdict == "inconclusive")
    root = ElementTree.fromstring(gate_junit(case, lenient=True))
    assert root.get("errors") == "0"
    assert int(root.get("skipped", "0")) > 0


@pytest.mark.parametrize("name", STATE_NAMES)
def test_metrics_tell_verdict_outcomes_and_estimates(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    families = families_of(gate_metrics(case))
    (verdict,) = [s.labels["stabkit_verdict"] for s in families["stabkit_verdict"].samples if s.value == 1]
    assert verdict == case.gate.verdict
    assert [s.value for s in families["stabkit_exit_code"].samples] == [case.gate.exit_code]
    outcomes = {
        sample.labels["condition"]: sample.labels["stabkit_condition"]
        for sample in families["stabkit_condition"].samples
        if sample.value == 1
    }
    assert outcomes == {condition.name: condition.outcome for condition in case.gate.conditions}
    known = [e.change for c in case.gate.conditions for e in c.estimates if e.change is not None]
    assert len(families["stabkit_change"].samples) == sum(map(math.isfinite, known))


@pytest.mark.parametrize("name", STATE_NAMES)
def test_sarif_lists_what_keeps_the_verdict_from_stable(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    own, *scanners = gate_log(case)["runs"]
    assert [(one["ruleId"], one["level"]) for one in own["results"]] == [
        (condition.kind, "error" if condition.outcome == "regressed" else "warning") for condition in case.gate.reasons
    ]
    assert own["invocations"][0]["executionSuccessful"] == (case.gate.verdict != "inconclusive")
    new = sum(len(run["results"]) for run in scanners)
    states = [found.states for found in case.gate.compared(FindingComparison)]
    assert new == sum(int(state["state"].isin(["new", "reopened"]).sum()) for state in states[:1])


def test_hostile_names_stay_names(cases: dict[str, Case]) -> None:
    case = next(iter(cases.values()))
    name = 'a"\\\n# EOF\x1b[31m]]><x>\u202e\x00'
    conditions = (replace(case.gate.conditions[0], name=name), *case.gate.conditions[1:])
    hostile = replace(case, gate=replace(case.gate, conditions=conditions))
    names = [one.get("name") for one in ElementTree.fromstring(gate_junit(hostile)).iter("testcase")]
    assert names[1] == 'a"\\ # EOF [31m]]><x>'
    families = families_of(gate_metrics(hostile))
    assert families["stabkit_condition"].samples[0].labels["condition"] == 'a"\\ # EOF [31m]]><x>'
