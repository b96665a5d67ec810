"""Findings that are gone from a scan that did not look, or that looks away: not scanned or suppressed, never fixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stabkit.analyze import RunEvidence
from stabkit.analyze.findings import FindingComparison
from stabkit.analyze.findings.counterparts import scans_without_counterpart
from stabkit.analyze.findings.heads import changed_heads
from stabkit.analyze.gate.evaluation import evaluate_gate
from stabkit.config import Condition, Config
from stabkit.read import read_paths
from stabkit.schema import conform


def result(rule: str, path: str, line: int = 3, text: str = "bad", **other: Any) -> dict[str, Any]:
    region = {"startLine": line} | ({"snippet": {"text": other.pop("snippet")}} if "snippet" in other else {})
    place = {"physicalLocation": {"artifactLocation": {"uri": path}, "region": region}}
    return {"ruleId": rule, "level": "error", "message": {"text": text}, "locations": [place], **other}


def sarif_run(*results: dict[str, Any], rules: Any = ("R1", "R2", "R3"), name: str = "lint", **other: Any) -> Any:
    listed = [rule if isinstance(rule, dict) else {"id": rule} for rule in rules]
    return {"tool": {"driver": {"name": name, "version": "1", "rules": listed}}, "results": list(results), **other}


def log(*runs: Any) -> str:
    return json.dumps({"version": "2.1.0", "runs": list(runs)})


def bandit(lines: int, silenced: int = 0, skipped: int = 0, code: str = "eval(x)") -> str:
    found = [
        {"code": f"{n} {code}\n", "filename": "app/a.py", "issue_severity": "HIGH", "issue_text": "Use of eval"}
        | {"line_number": n, "line_range": [n], "test_id": "B307"}
        for n in range(10, 10 + lines)
    ]
    metrics = {"_totals": {}, "app/a.py": {"loc": 9, "nosec": silenced, "skipped_tests": skipped}}
    return json.dumps({"errors": [], "generated_at": "2026-01-05T10:00:00Z", "metrics": metrics, "results": found})


@pytest.fixture
def compared(tmp_path: Path) -> Any:
    def compare(before: str | dict[str, str], after: str | dict[str, str], **condition: Any) -> Any:
        sides = []
        for side, content in (("a", before), ("b", after)):
            files = {"s.json": content} if isinstance(content, str) else content
            for name, text in files.items():
                (tmp_path / side / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / side / name).write_text(text)
            facts = {"run_id": side, "label": side, "complete": True}
            sides.append(RunEvidence(facts, read_paths([tmp_path / side], root=tmp_path / side)))
        config = Config(condition=(Condition(name="f", kind="findings", **condition),)) if condition else Config()
        return evaluate_gate(config, *sides)

    return compare


def states(gate: Any) -> list[str]:
    (found,) = gate.compared(FindingComparison)
    return sorted(found.states["state"])


def reasons(gate: Any) -> set[str]:
    (found,) = gate.compared(FindingComparison)
    return set(found.states["reason"].dropna())


@pytest.mark.parametrize("ids", [("one/1", "two/1"), ("one/1", "two/2"), (None, None)])
def test_what_a_missing_run_found_is_not_fixed(compared: Any, ids: Any) -> None:
    one, two = ({"automationDetails": {"id": name}} if name else {} for name in ids)
    first, second = sarif_run(result("R1", "a.py"), **one), sarif_run(result("R2", "b.py"), **two)
    for kept in (first, second):
        gate = compared(log(first, second), log(kept))
        assert (gate.verdict, states(gate), reasons(gate)) == (
            "inconclusive",
            ["not_scanned", "persisting"],
            {"scan gone"},
        )


def test_another_category_is_not_the_same_scan(compared: Any) -> None:
    runs = [sarif_run(result("R1", f"{name}.py"), automationDetails={"id": f"{name}/1"}) for name in ("java", "python")]
    assert "fixed" not in states(compared(log(runs[0]), log(runs[1])))
    same = [sarif_run(result("R1", "a.py"), automationDetails={"id": f"java/{day}"}) for day in (1, 2)]
    assert compared(log(same[0]), log(same[1])).verdict == "stable"


def test_a_file_of_a_tool_that_is_gone_from_a_folder_is_no_clean_scan(compared: Any) -> None:
    whole = {"js/s.sarif": log(sarif_run(result("R1", "j.js"))), "py/s.sarif": log(sarif_run(result("R1", "p.py")))}
    gate = compared(whole, {"js/s.sarif": log(sarif_run())})
    assert (gate.verdict, states(gate)) == ("inconclusive", ["fixed", "not_scanned"])


@pytest.mark.parametrize(
    "after",
    [
        sarif_run(rules=["R2", "R3"]),
        sarif_run(rules=[{"id": "R1", "defaultConfiguration": {"enabled": False}}, "R2", "R3"]),
        sarif_run(
            result("R2", "b.py"),
            rules=["R2"],
            invocations=[
                {
                    "executionSuccessful": True,
                    "ruleConfigurationOverrides": [{"descriptor": {"id": "R1"}, "configuration": {"enabled": False}}],
                }
            ],
        ),
    ],
)  # fmt: skip
def test_a_rule_that_is_switched_off_fixes_nothing(compared: Any, after: Any) -> None:
    gate = compared(log(sarif_run(result("R1", "a.py"))), log(after))
    assert (gate.verdict != "stable", "rule off" in reasons(gate)) == (True, True)


@pytest.mark.parametrize(
    "invocation",
    [
        {
            "executionSuccessful": True,
            "toolExecutionNotifications": [{"level": "note", "message": {"text": f"{what} a.py"}}],
        }
        for what in ("Timeout when scanning", "Skipped file", "Could not parse", "only partially analyzed:")
    ]
    + [
        {"executionSuccessful": True, "toolConfigurationNotifications": [{"message": {"text": "no such rule"}}]},
        {"executionSuccessful": True, "exitSignalName": "SIGKILL"},
        {"executionSuccessful": False},
    ],
)
def test_whatever_the_level_what_was_left_out_is_not_fixed(compared: Any, invocation: Any) -> None:
    gate = compared(log(sarif_run(result("R1", "a.py"))), log(sarif_run(invocations=[invocation])))
    assert (gate.verdict, states(gate)) == ("inconclusive", ["not_scanned"])


def test_a_note_on_how_it_went_leaves_a_scan_whole(compared: Any) -> None:
    note = {"level": "none", "descriptor": {"id": "diagnostics/successfully-extracted-files"}, "message": {"text": ""}}
    run = sarif_run(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [note]}])
    assert states(compared(log(sarif_run(result("R1", "a.py"))), log(run))) == ["fixed"]


@pytest.mark.parametrize("counts", [{"silenced": 3}, {"skipped": 3}, {"silenced": 1}])
def test_lines_that_bandit_was_told_to_leave_out_are_suppressed(compared: Any, counts: dict[str, int]) -> None:
    gate = compared(bandit(3), bandit(0, **counts))
    assert (gate.verdict, gate.conditions[0].outcome, set(states(gate))) == ("stable", "stable", {"suppressed"})


def test_a_comment_that_is_gone_brings_its_findings_back(compared: Any) -> None:
    assert compared(bandit(0, silenced=3), bandit(3)).verdict == "regressed"
    assert states(compared(bandit(3, silenced=2), bandit(0, silenced=2))) == ["fixed"] * 3


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (result("R1", "v.yaml", 12, snippet="key-AAAA"), result("R1", "v.yaml", 88, snippet="tok-ZZZZ")),
        (result("R1", "v.yaml", 12, snippet="key-AAAA"), result("R1", "v.yaml", 12, snippet="tok-ZZZZ")),
        (result("R1", "p.lock", text="CVE-2024-1 in musl"), result("R1", "p.lock", text="CVE-2024-2 in musl")),
        (
            result("R1", "p.lock", text="GHSA-ab12-ef56"),
            result("R1", "p.lock", text="GHSA-ab12-ef57"),
        ),
        (result("R1", "x.tf", text="port 22 is open"), result("R1", "x.tf", text="port 3306 is open")),
        (
            result("R1", "a.py", text="`os.path` is unused"),
            result("R1", "a.py", text="`sys` is unused"),
        ),
    ],
)
def test_another_finding_in_equal_words_is_new(compared: Any, one: Any, two: Any) -> None:
    gate = compared(log(sarif_run(one)), log(sarif_run(two)))
    assert (gate.verdict, states(gate)) == ("regressed", ["fixed", "new"])


def test_bandit_shows_the_flagged_text(compared: Any) -> None:
    assert states(compared(bandit(1), bandit(1, code="eval(secret)"))) == ["fixed", "new"]
    assert states(compared(bandit(1), bandit(1, code="eval( x )"))) == ["persisting"]


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ("`f` is too complex (11 > 10)", "`f` is too complex (35 > 10)", "updated"),
        ("complexity of 11", "complexity of 35", "updated"),
        ("redefinition of `x` from line 12", "redefinition of `x` from line 15", "persisting"),
        ("musl 1.2.0 in image shop:1.4.0", "musl 1.2.1 in image shop:1.5.0", "persisting"),
    ],
)
def test_a_number_is_a_measure_or_moves_by_itself(compared: Any, before: str, after: str, state: str) -> None:
    gate = compared(*(log(sarif_run(result("R1", "a.py", text=text))) for text in (before, after)))
    assert states(gate) == [state]


def test_one_name_of_eighteen_is_none_of_them(compared: Any) -> None:
    def unused(names: list[str]) -> str:
        rows = [f"a.py:1:1: F401 [*] {name} imported but unused\n" for name in names]
        return "".join(rows) + f"Found {len(names)} errors.\n"

    for form in ("`{}`", "{}"):
        before = unused([form.format(f"pkg.{chr(97 + n)}") for n in range(18)])
        gate = compared(before, unused([form.format("pkg.z")]))
        assert states(gate) == ["fixed"] * 18 + ["new"]


HEADS = [
    ("shop-1.4.0.tar/lib/db", "shop-1.5.0.tar/lib/db"),
    ("shop:1.4.0", "shop:1.5.0"),
    ("shop@sha256:" + "a1" * 32 + "/etc/x", "shop@sha256:" + "b2" * 32 + "/etc/x"),
    ("/home/runner/work/123/shop/a.js", "/home/runner/work/124/shop/a.js"),
    ("C:\\agent\\_work\\17\\s\\a.cs", "C:\\agent\\_work\\18\\s\\a.cs"),
    ("/tmp/tmpab12/src/a.js", "/tmp/tmpzz/src/a.js"),
    ("/builds/t3Ab-x/0/shop/a.py", "/builds/Zz9/0/shop/a.py"),
    ("9f3ab2c1d/src/a.py", "0e1f2a3b4/src/a.py"),
]
OTHERS = [
    ("service-a/main.py", "service-b/main.py"),
    ("api/v1/a.py", "api/v2/a.py"),
    ("module-1/a.py", "module-2/a.py"),
    ("/builds/service-a/src/a.py", "/builds/service-b/src/a.py"),
    ("src/a.py", "src/b.py"),
]


def eslint(path: str) -> str:
    message = {"ruleId": "R1", "severity": 2, "message": f"bad in {path}", "line": 3}
    return json.dumps([{"filePath": path, "messages": [message], "suppressedMessages": []}])


def code_climate(path: str) -> str:
    issue = {"check_name": "R1", "description": "bad", "fingerprint": path, "severity": "major"}
    return json.dumps([{**issue, "location": {"path": path, "lines": {"begin": 3}}}])


def ruff(path: str) -> str:
    return json.dumps([{"code": "F401", "filename": path, "location": {"row": 3}, "message": "`os` is unused"}])


def sarif(path: str) -> str:
    return log(sarif_run(result("R1", path)))


@pytest.mark.parametrize("write", [sarif, eslint, code_climate, ruff])
@pytest.mark.parametrize(("one", "two"), HEADS)
def test_a_folder_that_machines_name_anew_is_the_same(compared: Any, write: Any, one: str, two: str) -> None:
    gate = compared(write(one), write(two))
    assert (gate.verdict, states(gate)) == ("stable", ["persisting"])


@pytest.mark.parametrize(("one", "two"), OTHERS)
def test_a_folder_that_people_named_is_another(one: str, two: str) -> None:
    assert changed_heads([one], [two]).changed == {}


def test_a_head_that_stands_on_both_sides_did_not_change() -> None:
    assert changed_heads(["shop-1.4.tar/a", "shop-1.5.tar/b"], ["shop-1.5.tar/a", "shop-1.5.tar/b"]).changed == {}


@pytest.mark.parametrize(
    ("severity", "verdict"), [("note", "stable"), ("none", "stable"), ("warning", "regressed"), ("error", "regressed")]
)
def test_new_notes_do_not_gate_and_are_counted(compared: Any, severity: str, verdict: str) -> None:
    gate = compared(log(sarif_run()), log(sarif_run({**result("R1", "a.py"), "level": severity})))
    below = gate.conditions[0].facts["below_floor"]
    assert (gate.verdict, below) == (verdict, int(verdict == "stable"))


@pytest.mark.parametrize(("score", "verdict"), [("0.0", "regressed"), ("3.1", "regressed"), (None, "stable")])
def test_a_note_on_security_gates_by_its_score(compared: Any, score: Any, verdict: str) -> None:
    rule = {"id": "CVE-1", "properties": {"security-severity": score} if score else {}}
    after = sarif_run({**result("CVE-1", "a"), "level": "note"}, rules=[rule, "R2"])
    assert compared(log(sarif_run(rules=[rule, "R2"])), log(after)).verdict == verdict


@pytest.mark.parametrize(("rule", "verdict"), [("E501", "stable"), ("D103", "stable"), ("F401", "regressed")])
def test_a_rule_of_style_does_not_gate_and_one_without_severity_does(compared: Any, rule: str, verdict: str) -> None:
    old, new = ({"code": c, "filename": "a.py", "location": {"row": 1}, "message": "m"} for c in ("F999", rule))
    assert compared(json.dumps([old]), json.dumps([old, new])).verdict == verdict
    assert compared(json.dumps([old]), json.dumps([old, new]), min_severity="note").verdict == "regressed"


def test_one_scan_in_two_formats_counts_once(compared: Any) -> None:
    found = [result("B307", "app/a.py", line, name="bandit") for line in (10, 11)]
    both = {"b.json": bandit(2), "b.sarif": log(sarif_run(*found, rules=["B307"], name="Bandit"))}
    gate = compared({"b.json": bandit(2)}, both)
    assert (gate.verdict, states(gate)) == ("stable", ["persisting"] * 2)


def test_each_other_location_of_an_issue_is_a_finding(compared: Any) -> None:
    def issue(*lines: int) -> str:
        places = [{"path": "a.py", "lines": {"begin": line}} for line in lines]
        found = {"check_name": "dup", "description": "same code", "fingerprint": "f", "location": places[0]}
        return json.dumps([{**found, "other_locations": places[1:]}])

    assert states(compared(issue(3), issue(3, 40, 80))) == ["new", "new", "persisting"]


def test_scans_without_an_id_are_counted() -> None:
    def scans(*names: str) -> pd.DataFrame:
        row = {"tool": "lint", "scope": "all", "complete": True}
        return conform("scans", pd.DataFrame([{"scan_id": name, **row} for name in names]))

    assert scans_without_counterpart(scans("a", "a#2"), scans("b", "b#2"), []) == (frozenset(), frozenset())
    assert scans_without_counterpart(scans("a", "a#2"), scans("b"), []) == (frozenset({"a", "a#2"}), frozenset({"b"}))
