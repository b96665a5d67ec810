"""What a range's checks recorded, read back: line by line, never greener than what was written."""

import json

import pandas as pd
import pytest

from stabkit.analyze.change import grave_facts, lines, missing_commits
from stabkit.schema import conform, empty
from stabkit.vocabulary import CHANGE_FACTS, CHANGE_LINES, MISSING_COMMIT

FACT = {"path": "a.py", "line": 3, "what": "f", "change": "removed", "noun": "function", "proven": True}


def table(*rows):
    told = [
        {"target": "changes", "check": check, "outcome": outcome, "facts": None if facts is None else json.dumps(facts)}
        for check, outcome, facts in rows
    ]
    return conform("checks", pd.DataFrame(told))


def line(name, *rows):
    return next(found for found in lines(table(*rows)) if found.line == name)


def test_every_line_is_there_whatever_was_recorded():
    found = lines(empty("checks"))
    assert [one.line for one in found] == list(CHANGE_LINES)
    assert {(one.answer, one.recorded) for one in found} == {("not_checked", False)}


@pytest.mark.parametrize(
    ("signatures", "modules", "answer"),
    [
        ("pass", "pass", "yes"),
        ("pass", "fail", "no"),
        ("not_checked", "pass", "not_checked"),
        ("not_checked", "fail", "no"),
    ],
)
def test_a_line_of_several_checks_has_the_worst_answer(signatures, modules, answer):
    told = {"examined": 2, "facts": []}
    doubt = told | ({"open": "a.py cannot be parsed"} if signatures == "not_checked" else {})
    gone = told | ({"facts": [FACT]} if modules == "fail" else {})
    found = line("api", (CHANGE_FACTS["api_break"], signatures, doubt), (CHANGE_FACTS["deleted_module"], modules, gone))
    assert found.answer == answer
    assert len(found.items) == (modules == "fail")


def test_what_has_nothing_to_look_at_takes_no_yes_away():
    settled = {"examined": 0, "open": None, "why": "no package is published here", "facts": []}
    rows = (
        (CHANGE_FACTS["api_break"], "not_checked", settled),
        (CHANGE_FACTS["deleted_module"], "pass", {"examined": 5, "facts": []}),
    )
    assert line("api", *rows).answer == "yes"
    alone = line("rollback", (CHANGE_FACTS["irreversible_migration"], "not_checked", settled))
    assert (alone.answer, alone.settled, alone.why) == ("not_checked", True, "no package is published here")


@pytest.mark.parametrize("facts", ["", "[]", "no JSON", '{"facts": 3, "examined": "many"}', "[" * 9_000])
def test_values_that_nobody_wrote_are_no_values(facts):
    row = {"target": "changes", "check": "no secret added", "outcome": "fail", "facts": facts}
    found = next(one for one in lines(conform("checks", pd.DataFrame([row]))) if one.line == "secrets")
    assert (found.answer, found.items, found.examined) == ("no", (), 0)


def test_grave_is_only_what_is_proven_and_reaches_somebody():
    facts = [
        FACT,
        FACT | {"what": "guessed", "proven": False},
        FACT | {"what": "of a test", "scope": "development"},
        FACT | {"what": "of nowhere", "scope": "elsewhere"},
    ]
    found = grave_facts(table((CHANGE_FACTS["api_break"], "fail", {"examined": 1, "facts": facts})))
    assert [one["what"] for one in found] == ["f", "of nowhere"]


def test_missing_commits_are_told_in_order():
    facts = [{"what": subject, "before": commit, "proven": True} for subject, commit in (("new", "b"), ("old", "a"))]
    found = missing_commits(table((MISSING_COMMIT, "fail", {"facts": facts})))
    assert found == ({"commit": "b", "subject": "new"}, {"commit": "a", "subject": "old"})
    assert missing_commits(empty("checks")) == ()
