"""Which tests are to be expected, which are lost, and which disagree at one commit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stabkit.analyze.gate.evaluation import evaluate_gate
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.analyze.tests.compared_tests import compare_tests, disagreeing_tests, expected_tests, lost_tests
from stabkit.config import Config
from stabkit.report.words.gaps import detail_text
from stabkit.schema import Evidence, conform

CONFIG = Config.model_validate({"tests": {"unit": {"files": ["j.xml"]}}})


def rows_of(run: str, line: str) -> pd.DataFrame:
    """One letter a test: a passes, A fails."""
    rows = [
        {"run_id": run, "suite": "unit", "name": letter.lower(), "test_id": letter.lower(), "attempt": 1}
        | {"status": "fail" if letter.isupper() else "pass"}
        for letter in line
    ]
    return conform("tests", pd.DataFrame(rows))


def sides(lines: list[str], before: str, after: str, *, config: Config = CONFIG, **runs: Any) -> Sides:
    names = [f"r{number}" for number in range(len(lines))]
    facts = {"started_at": pd.date_range("2026-01-01", periods=len(lines), tz="UTC"), "complete": True, "branch": None}
    table = conform("runs", pd.DataFrame({"run_id": names, **facts, "commit": names, **runs}))
    history = Evidence.of(tests=pd.concat([rows_of(n, line) for n, line in zip(names, lines, strict=True)]))
    both = [
        RunEvidence(
            {"run_id": name, "environment": None, "branch": None, "complete": True, "commit": commit},
            Evidence.of(tests=rows_of(name, line)),
        )
        for name, line, commit in (("before", before, "b"), ("after", after, "c"))
    ]
    return Sides(config, both[0], both[1], history, history_runs=table)


def needs(given: Sides) -> list[str]:
    gate = evaluate_gate(
        given.config, given.baseline, given.candidate, history=given.history, history_runs=given.history_runs
    )
    return [detail_text(need) for result in gate.conditions if result.kind == "tests" for need in result.needs]


def test_what_most_of_the_last_five_complete_runs_hold_is_expected():
    # The last five are four of the history and the baseline.
    assert expected_tests(sides(["abz", "abcd", "abc", "abc", "ab"], "ab", "ab")) == {"a", "b", "c"}
    half = sides(["abz", "abcd", "abc", "abc", "ab"], "ab", "ab", complete=[True, True, True, False, False])
    assert expected_tests(half) == {"a", "b"}
    assert expected_tests(sides(["abc"], "ab", "ab")) == frozenset()
    assert expected_tests(sides(["abc"] * 5, "ab", "ab", branch="topic")) == frozenset()


def test_a_test_that_neither_side_holds_any_more_is_not_forgotten():
    given = sides(["abc"] * 5, "ab", "ab")
    assert lost_tests(given, compare_tests(given)) == ["c"]
    # Whoever judged the run that lost it was told; a later one, without any change of its own, is not held up by it.
    (judged,) = evaluate_gate(
        given.config, given.baseline, given.candidate, history=given.history, history_runs=given.history_runs
    ).conditions
    assert (judged.outcome, [item["what"] for item in judged.items if item["state"] == "lost"]) == ("stable", ["c"])
    assert not needs(given)
    assert needs(sides(["abc"] * 5, "abc", "abc")) == []


def test_a_baseline_that_ran_a_subset_is_not_the_whole():
    given = sides(["abcdefghij"] * 5, "abc", "abcdefghij")
    assert needs(given) == ["common tests: 3 of 10"]


def test_what_is_left_out_on_purpose_is_no_gap():
    config = Config.model_validate({"tests": {"unit": {"files": ["j.xml"], "left_out": ["c*", "d"]}}})
    given = sides(["abcd"] * 5, "abc", "ab", config=config)
    frame = compare_tests(given).set_index("test_id")
    assert frame.loc["c", ["transition", "explained_by"]].tolist() == ["disappeared", "left_out c*"]
    assert needs(given) == []
    assert needs(sides(["abcd"] * 5, "abc", "ab")) != []


def test_brackets_of_what_is_left_out_are_those_of_a_variant():
    config = Config.model_validate({"tests": {"unit": {"files": ["j.xml"], "left_out": ["c[1]"]}}})
    before, after = (rows_of(run, ids) for run, ids in (("before", ("a", "c[1]", "c1")), ("after", ("a",))))
    given = Sides(
        config,
        *(
            RunEvidence({"run_id": run, "complete": True}, Evidence.of(tests=rows))
            for run, rows in (("before", before), ("after", after))
        ),
    )
    left = compare_tests(given).set_index("test_id")["left_out"]
    assert left.notna().to_dict() == {"a": False, "c[1]": True, "c1": False}


def test_a_rename_keeps_what_is_expected():
    config = Config.model_validate({"tests": {"unit": {"files": ["j.xml"]}}, "test_aliases": {"c": "n"}})
    assert needs(sides(["abc"] * 5, "abc", "abn", config=config)) == []


def test_a_test_that_disagrees_at_the_commit_of_a_side_is_flaky_not_broken():
    given = sides(["aB", "ab"], "ab", "aB", commit=["c", "x"])
    assert disagreeing_tests(given, given.candidate) == frozenset()  # failed at that commit before, and fails now
    given = sides(["ab", "ab"], "ab", "AB", commit=["c", "x"])
    assert disagreeing_tests(given, given.candidate) == {"a", "b"}
    assert compare_tests(given)["transition"].tolist() == ["flaky", "flaky"]
    given = sides(["ab", "ab"], "ab", "AB", commit=["x", "y"])
    assert compare_tests(given)["transition"].tolist() == ["regressed", "regressed"]


def two_suites(before: dict[str, str], after: dict[str, str]) -> Sides:
    config = Config.model_validate(
        {
            "tests": {"old": {"files": ["o.xml"]}, "new": {"files": ["n.xml"], "left_out": ["d"]}},
            "test_aliases": {"x": "a"},
            "condition": [{"name": "tests", "kind": "tests"}],
        }
    )
    both = []
    for run, lines in (("before", before), ("after", after)):
        parts = [rows_of(run, line).assign(suite=suite) for suite, line in lines.items()]
        both.append(RunEvidence({"run_id": run, "complete": True}, Evidence.of(tests=pd.concat(parts))))
    return Sides(config, both[0], both[1])


def test_an_id_of_two_suites_is_two_tests():
    given = two_suites({"old": "abcd", "new": "Abcd"}, {"old": "Abc", "new": "abc"})
    found = compare_tests(given).set_index("test_id")["transition"].to_dict()
    assert (found["a [old]"], found["a [new]"], found["b [old]"]) == ("regressed", "fixed", "still_passing")
    assert needs(given)
    # The suite that left a test out explains its absence, the other does not.
    explained = compare_tests(given).set_index("test_id")["explained_by"]
    assert explained["d [new]"] == "left_out d [[]new]"
    assert pd.isna(explained["d [old]"])


def test_a_suite_that_is_gone_takes_its_tests_along():
    given = two_suites({"old": "abc", "new": "abc"}, {"new": "abc"})
    assert len(compare_tests(given)) == 6
    assert any("3 tests disappeared" in text for text in needs(given))
    assert set(compare_tests(two_suites({"old": "abc"}, {"new": "abc"}))["transition"]) == {"still_passing"}


def test_another_suite_at_the_same_commit_is_no_disagreement():
    given = sides(["ab", "ab"], "ab", "aB", commit=["c", "c"])
    assert given.history is not None
    other = Evidence.of(tests=pd.concat([given.history["tests"].assign(suite="other")]))
    assert disagreeing_tests(given, given.candidate, "unit") == {"b"}
    apart = Sides(given.config, given.baseline, given.candidate, other, history_runs=given.history_runs)
    assert disagreeing_tests(apart, apart.candidate, "unit") == frozenset()
