"""Of every scene, every door gives the same verdict, and the same outcome of each condition and estimate."""

from __future__ import annotations

from collections import Counter
from typing import Any

OPEN = ("regressed", "inconclusive")
EXIT_CODES = {"stable": 0, "regressed": 1, "inconclusive": 3}
# A condition is undecided; INCONCLUSIVE is a verdict.
SHOWN = {"inconclusive": "undecided"}
ANSWERS = {"stable": "yes", "improved": "yes", "regressed": "no", "inconclusive": "not_checked"}


def test_the_exit_code_of_gate_is_that_of_the_verdict(each):
    word = each.gate["word"]
    assert each.gate["gate"]["verdict"] == word
    assert each.gate["ended_with"] == each.gate["exit_code"] == EXIT_CODES[word]


def test_gate_and_report_hold_the_same_conditions(each):
    assert each.piece("verdict")["gate"] == each.gate["gate"]
    assert each.piece("verdict")["word"] == each.gate["word"]


def test_explain_holds_of_each_condition_what_gate_holds(each):
    for name, condition in each.conditions.items():
        explained = each.explained(name)
        assert explained["condition"] == condition
        assert explained["verdict"] == each.gate["word"]


def test_explain_opens_with_the_outcome_in_words(each):
    for name, condition in each.conditions.items():
        for form in ("text", "markdown"):
            first = each.explained(name, form).splitlines()[0]
            assert first.lower().startswith(f"{name}: {SHOWN.get(condition['outcome'], condition['outcome'])};")


def test_each_open_condition_is_a_reason_in_every_form(each):
    open_ = {name: c["outcome"] for name, c in each.conditions.items() if c["gating"] and c["outcome"] in OPEN}
    assert {reason["subject"]: reason["outcome"] for reason in each.gate["reasons"]} == open_
    markdown, text = each.gate_in("markdown"), each.gate_in("text")
    for name, outcome in open_.items():
        assert f"{SHOWN.get(outcome, outcome)}: **{name}**" in markdown
        assert f"{name}: " in text
    for name in each.conditions.keys() - open_.keys():
        assert f"**{name}**" not in markdown
    assert markdown.splitlines()[0].split("**")[1].split()[-1] == each.gate["word"].upper()


def test_the_risks_of_report_and_change_impact_are_the_open_conditions(each, doors):
    open_ = {name: c["outcome"] for name, c in each.conditions.items() if c["outcome"] in OPEN}
    for of in ("report", "impact"):
        rows = [row for table in doors.tables(each.piece("risks", of)) for row in table["rows"]]
        assert {row["risk"][0]: row["state"] for row in rows if row["risk"][1].startswith("condition")} == open_


def test_summary_and_conclusion_open_with_the_verdict(each, doors):
    for section in ("executive_summary", "conclusion"):
        assert doors.sentences(each.piece(section))[0].startswith(f"{each.gate['word'].capitalize()}: ")


def test_every_estimate_is_shown_as_it_was_judged(each, doors):
    judged = {(name, e["name"]): e for name, c in each.conditions.items() for e in c["estimates"]}
    shown = {}
    for of, section in [("report", name) for name in doors.SECTIONS] + [("deltas", name) for name in doors.DELTAS]:
        rows = [row for table in doors.tables(each.piece(section, of)) for row in table["rows"]]
        for row in (row for row in rows if {"condition", "name", "outcome"} <= row.keys()):
            estimate = judged[row["condition"], row["name"]]
            assert _facts(row) == _facts(estimate)
            # A doubt may leave an estimate open; nothing makes it more certain than its judge was.
            doubted = each.conditions[row["condition"]]["outcome"] == "inconclusive"
            assert row["outcome"] in ([estimate["outcome"], "inconclusive"] if doubted else [estimate["outcome"]])
            shown[section, row["condition"], row["name"]] = row
    assert {key[1:] for key in shown if key[0] == "key_metrics"} == judged.keys()


def _facts(row: Any) -> dict[str, Any]:
    names = ("unit", "scale", "baseline", "candidate", "change", "low", "high", "margin", "n_baseline", "n_candidate")
    return {name: row[name] for name in names}


def test_compare_shows_the_key_metrics_of_the_report(each, doors):
    code, out, _ = each.say("compare", *each.sides, "--format", "json")
    assert code == 0
    rows = [table["rows"] for table in doors.tables(doors.read(out))]
    assert rows == [table["rows"] for table in doors.tables(each.piece("key_metrics"))]


def test_latency_deltas_opens_with_the_outcome_of_each_time(each, doors):
    said = doors.sentences(each.piece("headline", "deltas"))
    judged = {name: c["outcome"] for name, c in each.conditions.items() if c["kind"] == "latency"}
    for name, outcome in judged.items():
        assert any(line.lower().startswith(f"{name}: {SHOWN.get(outcome, outcome)},") for line in said)
    assert len(said) == max(1, len(judged)) + (len(judged) > 1)
    if len(judged) > 1:  # of several, their number comes first
        counted = Counter(SHOWN.get(outcome, outcome) for outcome in judged.values())
        parts = [part.split() for part in said[0].rstrip(".").split(", ")]
        assert {part[-1]: int(part[0]) for part in parts} == counted


def test_journeys_and_checklist_answer_as_their_conditions_came_out(ask, doors):
    asked = ask("retried_tests_of_two_suites")
    outcomes = {name: condition["outcome"] for name, condition in asked.conditions.items()}
    assert outcomes == {"unit tests": "regressed", "nightly tests": "stable"}
    rows = [row for table in doors.tables(asked.piece("business_value")) for row in table["rows"]]
    assert {row["journey"][0]: row["state"] for row in rows} == {"order": "regressed", "nights": "protected"}
    for of, section in (("report", "readiness"), ("impact", "checklist")):
        answers = {item["what"].lower(): item["outcome"] for item in asked.piece(section, of)["items"]}
        for suite in ("unit", "nightly"):
            assert answers[f"{suite} is whole"] == ANSWERS[outcomes[f"{suite} tests"]]
