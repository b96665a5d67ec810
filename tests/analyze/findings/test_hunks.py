"""Stored hunks: used where they describe the way from the baseline to the candidate, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from stabkit.analyze.findings.hunks import stored_hunks
from stabkit.analyze.findings.matching import match_findings
from stabkit.analyze.gate.evaluation import RunEvidence, evaluate_gate
from stabkit.analyze.outcome import ConditionResult
from stabkit.config import Config
from stabkit.schema import Evidence, conform

BASE, HEAD = "b" * 40, "h" * 40


def changes(*rows: dict[str, Any]) -> pd.DataFrame:
    known = {"status": "modified", "added": 1, "deleted": 0, "base_commit": BASE, "head_commit": HEAD, "hunks": "[]"}
    return conform("changes", pd.DataFrame([{**known, **row} for row in rows]))


def side(run_id: str, line: int, commit: str | None, **tables: pd.DataFrame) -> RunEvidence:
    scan = {"scan_id": "lint", "tool": "lint", "version": "1", "scope": "all", "complete": True, "scope_sha256": "s"}
    found = {"scan_id": "lint", "tool": "lint", "rule": "R1", "severity": "error", "scope": "all", "suppressed": False}
    # The message holds the line, as some tools write it, and the fingerprint is made of both: neither pairs.
    found |= {"path": "a.py", "line": line, "message": f"see {chr(96 + line)}", "fingerprint": f"at-{line}"}
    frames = {"scans": pd.DataFrame([scan]).assign(rules_sha256="r"), "findings": pd.DataFrame([found]), **tables}
    return RunEvidence({"run_id": run_id, "commit": commit, "complete": True}, Evidence.of(**frames))


def judged(hunks: str | None, *, commit: str | None = BASE) -> ConditionResult:
    table = changes({"path": "a.py", "added": 2, "hunks": hunks})
    gate = evaluate_gate(Config(), side("one", 3, commit), side("two", 5, HEAD, changes=table))
    return next(condition for condition in gate.conditions if condition.kind == "findings")


def test_a_finding_below_added_lines_persists() -> None:
    result = judged("[[1, 0, 2, 2]]")
    assert (result.outcome, result.facts["persisting"], result.facts["updated"]) == ("stable", 0, 1)
    assert [item["matched_by"] for item in result.items] == ["git_line"]


def test_the_same_words_below_added_lines_persist_by_their_line() -> None:
    before, after = side("one", 3, BASE).evidence, side("two", 5, HEAD).evidence
    same = after["findings"].assign(message=before["findings"]["message"])
    hunks = stored_hunks(changes({"path": "a.py", "hunks": "[[1, 0, 2, 2]]"}), commits=(BASE, HEAD), paths=["a.py"])
    compared = match_findings(before["findings"], same, before["scans"], after["scans"], hunks=hunks)
    assert compared.states[["state", "matched_by"]].values.tolist() == [["persisting", "git_line"]]


@pytest.mark.parametrize(("hunks", "commit"), [(None, BASE), ("[[1, 0, 2, 2]]", "x" * 40), ("[[9, 0, 10, 2]]", BASE)])
def test_without_a_way_from_baseline_to_candidate_it_is_new(hunks: str | None, commit: str) -> None:
    result = judged(hunks, commit=commit)
    assert (result.outcome, result.facts["new"], result.facts["fixed"]) == ("regressed", 1, 1)


def test_unknown_commits_are_taken_to_be_those_of_the_range() -> None:
    assert judged("[[1, 0, 2, 2]]", commit=None).facts["new"] == 0


def test_a_file_without_text_has_no_line_to_follow() -> None:
    found = stored_hunks(changes({"path": "a.bin", "added": None, "hunks": None}), commits=(BASE, HEAD), paths=["b.py"])
    assert found == {"a.bin": [(1, 10**9, 1, 10**9)]}


@pytest.mark.parametrize("path", ["app.py", "candidate/src/app.py"])
def test_paths_that_start_elsewhere_are_not_taken_for_unchanged_files(path: str) -> None:
    table = changes({"path": "src/app.py", "hunks": "[[1, 0, 2, 1]]"})
    assert stored_hunks(table, commits=(BASE, HEAD), paths=[path]) is None
    assert stored_hunks(table, commits=(BASE, HEAD), paths=["src/app.py", "src/other.py"]) is not None


@pytest.mark.parametrize("text", ["", "[", "[[1]]", "[[1, 2, 3, 4, 5]]", '["a"]', "{}x", "7", "[[1, null, 2, 3]]"])
def test_hunks_that_are_none_are_not_believed(text: str) -> None:
    assert stored_hunks(changes({"path": "a.py", "hunks": text}), commits=(BASE, HEAD), paths=[]) is None


def test_stored_numbers_come_back_as_they_were() -> None:
    hunks = [(3, 0, 4, 2), (10, 1, 13, 1)]
    table = changes({"path": "a.py", "hunks": json.dumps(hunks)}, {"path": "same.py", "status": "renamed"})
    assert stored_hunks(table, commits=(BASE, None), paths=["a.py"]) == {"a.py": hunks, "same.py": []}
