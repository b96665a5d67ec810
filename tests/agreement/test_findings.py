"""A finding has one state, wherever it is shown: by gate, explain, section, page and history."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import Any

import pytest

STATES = ("new", "reopened", "updated", "moved", "not_scanned", "suppressed", "fixed", "persisting")
EXPECTED = {
    "moved_lines": {"E1 app/a.py:10": "new", "W9 app/gone.py:3": "fixed"},
    "finding_came_back": {"E7 app/b.py:7": "new", "E1 app/a.py:1": "reopened"},
    "renamed_file": {},  # both findings persist
}
SCENES = pytest.mark.parametrize("scene", list(EXPECTED))


def gate_states(asked: Any) -> dict[str, str]:
    """Return what the judge lists, by rule and place: everything but what persists."""
    (condition,) = (c for c in asked.conditions.values() if c["kind"] == "findings")
    return {item["what"]: item["state"] for item in condition["items"]}


def facts(asked: Any) -> Any:
    (condition,) = (c for c in asked.conditions.values() if c["kind"] == "findings")
    return condition["facts"]


def section_states(asked: Any, doors: Any) -> dict[str, str]:
    rows = [row for table in doors.tables(asked.piece("compliance")) for row in table["rows"]]
    return {f"{row['rule']} {row['path']}:{row['line']}": row["state"] for row in rows if "fingerprint" in row}


@SCENES
def test_gate_gives_each_finding_the_state_that_the_scene_was_made_for(ask, scene):
    assert gate_states(ask(scene)) == EXPECTED[scene]


@SCENES
def test_the_section_gives_each_finding_the_state_that_gate_gives_it(ask, doors, scene):
    asked = ask(scene)
    assert section_states(asked, doors) == gate_states(asked)


@SCENES
def test_explain_gives_each_finding_the_state_that_gate_gives_it(ask, scene):
    asked = ask(scene)
    lines = asked.explained("lint findings", "text").splitlines()
    for what, state in gate_states(asked).items():
        assert any(what in line and state in line for line in lines)


@SCENES
def test_markdown_and_html_of_the_section_give_each_finding_that_state(ask, scene):
    asked = ask(scene)
    shown = asked.shown("compliance")
    markdown = [line.replace("\\", "") for line in shown["text/markdown"].splitlines()]
    rows = re.findall(r"<tr.*?</tr>", shown["text/html"], re.DOTALL)
    words = [re.sub(r"\s+", " ", html.unescape(re.sub(r"<wbr>|</?(?:b|strong)>", "", row))) for row in rows]
    words = [re.sub(r"<[^>]*>", " ", row) for row in words]
    for what, state in gate_states(asked).items():
        rule, place = what.split()
        for form in (markdown, words):
            assert any(f" {state} " in line for line in form if rule in line and place in line), (what, state)


@SCENES
def test_the_table_by_severity_counts_the_states_that_gate_counts(ask, doors, scene):
    asked = ask(scene)
    (table,) = (t for t in doors.tables(asked.piece("compliance")) if t["columns"][0]["key"] == "severity")
    shown = {state: sum(int(row.get(state, 0)) for row in table["rows"]) for state in STATES}
    assert shown == {state: facts(asked)[state] for state in STATES}


@SCENES
def test_the_lead_of_the_section_tells_reopened_findings_from_new_ones(ask, doors, scene):
    asked = ask(scene)
    lead = doors.sentences(asked.piece("compliance"))[0]
    counts = Counter(gate_states(asked).values())
    for state, (one, many) in {"new": ("is new", "are new"), "reopened": ("is reopened", "are reopened")}.items():
        said = re.search(rf"(\d+) (?:{one}|{many})", lead)
        assert int(said[1] if said else 0) == counts[state]


@SCENES
def test_the_history_counts_what_came_went_and_is_open_as_gate_does(ask, doors, scene):
    asked, known = ask(scene), facts(ask(scene))
    came, went = known["new"] + known["reopened"], known["fixed"]
    headline = " ".join(doors.sentences(asked.piece("headline", "compliance")))
    assert f"{known['open']} findings open" in headline
    places = [("compliance", "report")]
    # Without a range of commits between two runs, nobody knows of a rename.
    if scene != "renamed_file":
        assert f"{came} new and {went} fixed since the scan before" in headline
        places.append(("new_and_fixed", "compliance"))
    for place in places:
        (last,) = (
            row
            for figure in doors.figures(asked.piece(*place))
            for row in figure["data"]["rows"]
            if "new and fixed" in figure["alt"].lower() and row["label"] == "v2"
        )
        assert (last["open"], last["new"], last["fixed"]) == (known["open"], came, went)


@SCENES
def test_diff_gives_each_finding_the_state_that_gate_gives_it(ask, scene):
    asked = ask(scene)
    shown = {
        f"{finding['rule']} {finding['path']}:{finding['line']}": state
        for state, findings in asked.differing()["states"].items()
        for finding in findings
        if state != "persisting"
    }
    assert shown == gate_states(asked)
