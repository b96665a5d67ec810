"""What no condition speaks of is compared all the same, once, and shown beside what is judged."""

from __future__ import annotations

import pandas as pd

from stabkit.analyze import CheckComparison, RunEvidence, to_json, united_checks
from stabkit.analyze.findings import FindingComparison, united_findings
from stabkit.analyze.gate import evaluate_gate
from stabkit.analyze.tests import TestComparison, united_tests
from stabkit.config import Condition, Config
from stabkit.schema import Evidence


def run_of(label: str, *, broken: str = "", lines: tuple[int, ...] = (3,)) -> RunEvidence:
    """One run: suites unit and nightly with the same test, tools lint and audit, a check of two targets."""
    tests = [
        {"suite": suite, "class": "a", "name": "t", "test_id": "a::t", "attempt": 1, "time_s": 0.1}
        | {"status": "fail" if suite == broken else "pass", "fresh_process": True}
        for suite in ("unit", "nightly")
    ]
    scans = [
        {"scan_id": tool, "tool": tool, "version": "1", "scope": "all", "files_scanned": 2, "complete": True}
        for tool in ("lint", "audit")
    ]
    findings = [
        {"scan_id": tool, "tool": tool, "rule": "E1", "severity": "error", "scope": "all", "path": "a.py"}
        | {"line": line, "message": "broken", "fingerprint": f"{tool}-{line}", "suppressed": False}
        for tool in ("lint", "audit")
        for line in lines
    ]
    checks = [
        {"target": target, "check": "status", "outcome": "fail" if target == broken else "pass"}
        for target in ("api", "cli")
    ]
    tables = {"tests": tests, "scans": scans, "findings": findings, "checks": checks}
    return RunEvidence(
        {"run_id": label, "complete": True}, Evidence.of(**{name: pd.DataFrame(rows) for name, rows in tables.items()})
    )


def gate_of(*conditions: Condition):
    return evaluate_gate(Config(condition=conditions), run_of("v1"), run_of("v2", broken="nightly", lines=(3, 9)))


JUDGED = (
    Condition(name="unit tests", kind="tests", target="unit"),
    Condition(name="lint findings", kind="findings", target="lint"),
    Condition(name="api contract", kind="checks", target="api"),
)
ALL = tuple(Condition(name=f"all {kind}", kind=kind) for kind in ("tests", "findings", "checks"))


def test_what_is_not_judged_is_compared_and_decides_nothing() -> None:
    gate = gate_of(*JUDGED)
    assert {c.name: c.outcome for c in gate.conditions}["unit tests"] == "stable"
    assert [type(found) for found in gate.others] == [TestComparison, FindingComparison, CheckComparison]
    tests = united_tests(gate.compared(TestComparison))
    assert tests is not None
    assert dict(zip(tests["test_id"], tests["transition"], strict=True)) == {
        "a::t [nightly]": "regressed",
        "a::t [unit]": "still_passing",
    }
    findings = united_findings(gate.compared(FindingComparison))
    assert findings is not None
    assert (findings.open_before, findings.open_after) == (2, 4)
    assert findings.states.loc[findings.states["state"] == "new", "tool"].tolist() == ["audit", "lint"]
    checks = united_checks(gate.compared(CheckComparison))
    assert checks is not None
    assert checks.candidate["target"].tolist() == ["api", "cli"]


def test_conditions_of_all_leave_nothing_and_each_thing_is_shown_once() -> None:
    assert gate_of(*ALL).others == ()
    gate = gate_of(*ALL, *JUDGED)
    assert gate.others == ()
    tests = united_tests(gate.compared(TestComparison))
    assert tests is not None
    assert sorted(tests["suite"]) == ["nightly", "unit"]
    findings = united_findings(gate.compared(FindingComparison))
    assert findings is not None
    assert findings.states["state"].tolist() == ["new", "new", "persisting", "persisting"]


def test_comparisons_are_no_part_of_the_json() -> None:
    document = to_json(gate_of(*JUDGED))
    assert "others" not in document
    assert all("comparison" not in condition for condition in document["conditions"])


def test_nothing_to_compare_is_none() -> None:
    assert united_tests([]) is united_findings([]) is united_checks([]) is None
