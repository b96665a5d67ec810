"""A test of a suite has one history: what became of it, how often it failed, whether it recovered."""

from __future__ import annotations

import re
from typing import Any

SCENE = "retried_tests_of_two_suites"
EXPECTED = {
    "test_00": "regressed",
    "test_01": "flaky",
    "test_02": "flaky",
    "test_03": "newly_skipped",
    "test_known": "still_failing",
    "test_repaired": "fixed",
}
COUNTED = ("regressed", "fixed", "disappeared", "newly_skipped", "flaky", "still_failing")


def judged(asked: Any) -> dict[str, Any]:
    """Return the conditions of tests by their suites."""
    return {c["target"]: c for c in asked.conditions.values() if c["kind"] == "tests"}


def gate_transitions(asked: Any) -> dict[tuple[str, str], str]:
    listed = [(suite, item) for suite, condition in judged(asked).items() for item in condition["items"]]
    return {(suite, item["what"].rpartition("::")[2]): item["state"] for suite, item in listed}


def section_rows(asked: Any, doors: Any) -> dict[tuple[str, str], Any]:
    rows = [row for table in doors.tables(asked.piece("test_results")) for row in table["rows"]]
    # Of several suites together an id may bear its suite's name behind it.
    return {(row["suite"], _name(row["test_id"])): row for row in rows if "transition" in row}


def _name(test_id: str) -> str:
    return test_id.partition(" [")[0].rpartition("::")[2]


def test_gate_gives_each_test_what_the_scene_was_made_for(ask):
    assert gate_transitions(ask(SCENE)) == {("unit", name): word for name, word in EXPECTED.items()}


def test_the_section_says_of_each_test_what_gate_says(ask, doors):
    asked = ask(SCENE)
    shown = {key: row["transition"] for key, row in section_rows(asked, doors).items()}
    assert shown.pop(("unit", "test_added")) == "added"  # it passes: nothing to judge
    assert shown == gate_transitions(asked)


def test_the_section_counts_attempts_and_failures_as_gate_does(ask, doors):
    asked = ask(SCENE)
    rows = section_rows(asked, doors)
    for suite, condition in judged(asked).items():
        for item in condition["items"]:
            row = rows[suite, _name(item["what"])]
            for name in ("attempts", "failures", "confirmed", "baseline_status", "candidate_status"):
                assert row[name] == item[name]


def test_explain_says_of_each_test_what_gate_says(ask):
    asked = ask(SCENE)
    for (suite, name), state in gate_transitions(asked).items():
        lines = asked.explained(f"{suite} tests", "text").splitlines()
        assert any(f"::{name} " in line and state.replace("_", " ") in line for line in lines)


def test_the_suites_count_as_their_conditions_do(ask, doors):
    asked = ask(SCENE)
    (table,) = (t for t in doors.tables(asked.piece("test_results")) if "baseline_pass" in t["rows"][0])
    rows = {row["suite"]: row for row in table["rows"]}
    assert rows.keys() == judged(asked).keys()
    for suite, condition in judged(asked).items():
        facts = condition["facts"]
        for name in (*COUNTED, "baseline_pass", "candidate_pass", "common", "baseline_tests", "candidate_tests"):
            assert rows[suite][name] == facts[name], name


def test_the_history_of_the_tests_counts_the_candidate_as_gate_does(ask, doors):
    asked = ask(SCENE)
    passes = [tuple(map(int, c["facts"]["candidate_pass"].split("/"))) for c in judged(asked).values()]
    good, all_ = (sum(part) for part in zip(*passes, strict=True))
    headline = " ".join(doors.sentences(asked.piece("headline", "trends")))
    assert f"{good} of {all_} tests passed in v2" in headline
    rows = {row["run"][0]: row for table in doors.tables(asked.piece("history", "trends")) for row in table["rows"]}
    flaky = sum(condition["facts"]["flaky"] for condition in judged(asked).values())
    assert rows["v2"]["passed"] == f"{good}/{all_}"
    assert (rows["v2"]["failed"], rows["v2"]["flaky"]) == (str(all_ - good), str(flaky))


def test_the_figures_of_the_tests_count_the_candidate_as_gate_does(ask, doors):
    asked = ask(SCENE)
    broken = [key for key, state in gate_transitions(asked).items() if state in ("regressed", "still_failing")]
    for place in (("test_results", "report"), ("not_passing", "trends"), ("map", "trends")):
        for figure in doors.figures(asked.piece(*place)):
            rows = [row for row in figure["data"]["rows"] if row["label"] == "v2"]
            if "bad" in rows[0]:
                assert rows[0]["bad"] == len(broken)
            else:
                bad = [(row["suite"], _name(row["test_id"])) for row in rows if row["status"] in ("fail", "error")]
                assert sorted(bad) == sorted(broken)


def test_recovered_tests_of_the_candidate_are_those_that_gate_calls_flaky(ask, doors):
    asked = ask(SCENE)
    flaky = {key for key, state in gate_transitions(asked).items() if state == "flaky"}
    rows = [row for table in doors.tables(asked.piece("flakiness", "trends")) for row in table["rows"]]
    assert {(row["suite"], _name(row["test_id"])) for row in rows if row["recoveries"]} == flaky
    headline = " ".join(doors.sentences(asked.piece("headline", "trends")))
    named = re.search(r"unstable: (.*)\.", headline)
    assert named
    assert {name for name in EXPECTED if f"::{name}" in named[1]} == {name for _, name in flaky}


def test_diff_says_of_each_test_what_gate_says(ask):
    asked = ask(SCENE)
    shown = {
        _name(test_id): word
        for word, ids in asked.differing()["transitions"].items()
        for test_id in ids
        if word != "added"
    }
    assert shown == {name: state for (_, name), state in gate_transitions(asked).items()}
