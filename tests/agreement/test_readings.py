"""Readings of memory and CPU, and checks of a contract: as many of them everywhere, with the same outcomes."""

from __future__ import annotations

import re
from statistics import median
from typing import Any

import pytest

SIDES = ("baseline", "candidate")
METRICS = {"memory": "memory", "cpu": "CPU time"}


def level(asked: Any, metric: str) -> Any:
    return next(e for e in asked.conditions[f"api {metric}"]["estimates"] if e["name"] == "level")


@pytest.mark.parametrize("metric", METRICS)
def test_the_table_of_readings_holds_those_that_were_judged(ask, doors, metric):
    asked = ask("memory_and_cpu")
    rows = [row for table in doors.tables(asked.piece("resources")) for row in table["rows"] if "median" in row]
    for side in SIDES:
        (row,) = (r for r in rows if r["target"][0] == f"api {METRICS[metric]}" and r["target"][1].startswith(side))
        assert int(re.sub(r"\D", "", row["target"][1])) == level(asked, metric)[f"n_{side}"]


@pytest.mark.parametrize("metric", METRICS)
def test_the_lines_of_readings_hold_those_that_were_judged(ask, doors, metric):
    asked = ask("memory_and_cpu")
    (figure,) = (
        figure
        for figure in doors.figures(asked.piece("resources"))
        if {row["metric"] for row in figure["data"]["rows"]} == {metric}
    )
    for side in SIDES:
        values = [row["value"] for row in figure["data"]["rows"] if row["side"] == side and row["value"] is not None]
        assert len(values) == level(asked, metric)[f"n_{side}"]
        assert median(values) == pytest.approx(level(asked, metric)[side], rel=0.01)


def test_the_lead_counts_resource_conditions_as_they_came_out(ask, doors):
    asked = ask("memory_and_cpu")
    assert [asked.conditions[f"api {metric}"]["outcome"] for metric in METRICS] == ["regressed", "stable"]
    assert doors.sentences(asked.piece("resources"))[0] == "1 resource condition regressed, 1 is stable."


def test_the_section_counts_the_checks_that_were_judged(ask, doors):
    asked = ask("contract_broken_now_and_then")
    facts = asked.conditions["api contract"]["facts"]
    lead = doors.sentences(asked.piece("availability"))[0]
    assert f"{facts['passed']} of {facts['total']} checks passed" in lead


def test_a_check_that_failed_once_is_listed_as_failed_alone(ask, doors):
    asked = ask("contract_broken_now_and_then")
    items = asked.conditions["api contract"]["items"]
    failed = {item["what"] for item in items if item["state"] in ("fail", "known_failure")}
    assert failed == {"id", "old"}
    rows = [row for table in doors.tables(asked.piece("availability")) for row in table["rows"] if "check" in row]
    assert {row["check"] for row in rows if row["outcome"] == "fail"} == failed
    assert not {row["check"] for row in rows if row["outcome"] == "pass"} & failed


@pytest.mark.parametrize("scene", ["contract_broken_now_and_then", "checks_without_a_probe"])
def test_the_section_that_a_reason_points_to_shows_its_checks(ask, doors, scene):
    asked = ask(scene)
    titles = {"Service availability": "availability", "WebSocket validation": "websocket"}
    assert asked.gate["reasons"]
    for reason in asked.gate["reasons"]:
        shown = doors.tables(asked.piece(titles[reason["section"]]))
        rows = {
            (row["target"], row["check"]): row["outcome"] for table in shown for row in table["rows"] if "check" in row
        }
        for item in asked.conditions[reason["subject"]]["items"]:
            state = {"known_failure": "fail"}.get(item["state"], item["state"])
            assert rows[item["target"], item["check"]] == state


def test_a_section_without_requests_says_so_and_counts_its_checks(ask, doors):
    asked = ask("checks_without_a_probe")
    assert doors.sentences(asked.piece("availability")) == [
        "No request of the candidate was measured; 1 of 2 checks passed, failed: version."
    ]
    assert doors.sentences(asked.piece("websocket")) == [
        "No session was measured; 1 of 2 checks passed, failed: event done."
    ]


def test_explain_lists_the_checks_that_gate_lists(ask):
    asked = ask("contract_broken_now_and_then")
    lines = asked.explained("api contract", "text").splitlines()
    for item in asked.conditions["api contract"]["items"]:
        assert any(item["what"] in line and item["state"].replace("_", " ") in line for line in lines)
