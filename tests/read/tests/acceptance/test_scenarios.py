"""Cucumber, behave, Robot Framework and mochawesome: what ends a scenario, a task or a test badly."""

# ruff: noqa: E501 - reports read best in one line

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def read(folder: Path, content: Any, encoding: str = "utf-8") -> Evidence:
    path = folder / "report"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode(encoding))
    return read_file(path)


def statuses(found: Evidence) -> list[str]:
    return list(found["tests"]["status"])


def source(found: Evidence) -> tuple[str, str]:
    row = found["sources"].iloc[0]
    return row["status"], str(row["message"])


def step(status: str | None = "passed", **more: Any) -> dict[str, Any]:
    result = {} if status is None else {"result": {"status": status, "duration": 2_000_000}}
    return {"keyword": "Then ", "name": "it holds", **result, **more}


def scenario(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"keyword": "Scenario", "type": "scenario", "name": "Adding", "steps": list(steps), **more}


def feature(*elements: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"keyword": "Feature", "name": "Cart", "uri": "cart.feature", "elements": list(elements), **more}]


BACKGROUND = {"type": "background", "keyword": "Background"}


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (scenario(step(), step()), "pass"),
        (scenario(step(), step("failed"), step("skipped")), "fail"),
        (scenario(step("undefined"), step("skipped")), "error"),
        (scenario(step("ambiguous")), "error"),
        (scenario(step("pending")), "error"),
        (scenario(step(), step("skipped")), "skip"),
        (scenario(step(), step("Passed!")), "no_result"),
        (scenario(step(), step(None)), "no_result"),
        (scenario(step("failed"), step(None)), "fail"),
        (scenario(), "no_result"),
        (scenario(before=[{"result": {"status": "passed"}}]), "no_result"),
        (scenario(step(), before=[{"result": {"status": "failed"}}]), "fail"),
        (scenario(step(), after=[{"result": {"status": "failed"}}]), "fail"),
        (scenario(step(after=[{"result": {"status": "failed"}}])), "fail"),
        (scenario(step(), status="hook_error"), "error"),
    ],
)
def test_a_scenario_ends_as_its_worst_step_or_hook(tmp_path, element, expected):
    assert statuses(read(tmp_path, feature(element))) == [expected]


def test_a_background_belongs_to_the_scenario_behind_it(tmp_path):
    failed = BACKGROUND | {"steps": [step("failed", name="an empty cart")]}
    found = read(tmp_path, feature(failed, scenario(step("skipped")), scenario(step())))
    assert statuses(found) == ["fail", "pass"]
    assert found["tests"]["message"].iloc[0] == "Then an empty cart: failed"
    # behave lists it once, without results
    assert statuses(read(tmp_path, feature(BACKGROUND | {"steps": [step(None)]}, scenario(step())))) == ["pass"]
    assert source(read(tmp_path, feature(scenario(step()), failed)))[0] == "partial"


def test_scenarios_are_known_by_file_feature_and_name(tmp_path):
    found = read(tmp_path, feature(scenario(step()), scenario(step("failed"))))
    assert list(found["tests"]["test_id"]) == ["cart.feature::Cart::Adding"] * 2
    assert "1 test id occurs more than once" in source(found)[1]
    assert list(found["tests"]["time_s"]) == [0.002, 0.002]
    behave = [{"keyword": "Feature", "name": "Cart", "location": "cart.feature:2", "elements": [scenario(
        {"keyword": "Then", "result": {"status": "passed", "duration": 0.25}})]}]  # fmt: skip
    assert read(tmp_path, behave)["tests"][["test_id", "time_s"]].to_numpy().tolist() == [
        ["cart.feature::Cart::Adding", 0.25]
    ]


def test_a_failed_feature_without_a_failed_scenario_is_partial(tmp_path):
    assert source(read(tmp_path, feature(scenario(step()), status="failed")))[0] == "partial"


def robot(*parts: str, total: str = "", errors: str = "") -> str:
    stat = f"<statistics><total>{total}</total></statistics>" if total else ""
    return f'<robot><suite name="Shop">{"".join(parts)}</suite>{stat}<errors>{errors}</errors></robot>'


def task(name: str, status: str = "PASS", text: str = "", times: str = 'elapsed="0.5"') -> str:
    return f'<test name="{name}"><kw name="k"><status status="FAIL"/></kw><status status="{status}" {times}>{text}</status></test>'


TEARDOWN = '<kw name="Close" type="TEARDOWN"><status status="FAIL">cannot close</status></kw>'


def test_robot_statuses_names_and_times(tmp_path):
    times = 'starttime="20260102 03:04:05.100" endtime="20260102 03:04:05.350"'
    inner = f'<suite name="Cart">{task("a", "FAIL", "1 != 2", times)}{task("b", "SKIP")}{task("c", "NOT RUN")}</suite>'
    found = read(tmp_path, robot(inner, task("d"), '<test name="e"/>'))["tests"]
    assert list(found["status"]) == ["fail", "skip", "no_result", "pass", "no_result"]
    assert list(found["test_id"])[:4] == ["Shop.Cart::a", "Shop.Cart::b", "Shop.Cart::c", "Shop::d"]
    assert list(found["time_s"].fillna(-1)) == [0.25, 0.5, 0.5, 0.5, -1]
    assert found["message"].iloc[0] == "1 != 2"


def test_a_failed_teardown_of_a_suite_fails_what_is_beneath_it_alone(tmp_path):
    suites = f'<suite name="A">{task("a")}{TEARDOWN}</suite><suite name="B">{task("b")}</suite>'
    found = read(tmp_path, robot(suites, total='<stat pass="1" fail="1" skip="0">All Tests</stat>'))
    assert statuses(found) == ["fail", "pass"]
    assert found["tests"]["message"].iloc[0] == "parent suite teardown failed: cannot close"
    assert source(found) == ("ok", "nan")
    assert statuses(read(tmp_path, robot(task("a"), TEARDOWN.lower().replace("fail", "FAIL")))) == ["fail"]


def test_what_robot_counts_and_does_not_list_is_a_gap(tmp_path):
    total = '<stat pass="0" fail="0">Critical Tests</stat><stat pass="2" fail="1">All Tests</stat>'
    assert "counts 1 failure" in source(read(tmp_path, robot(task("a"), total=total)))[1]
    parsing = "<msg level=\"ERROR\">Parsing 'b.robot' failed: File has no tests.</msg>"
    assert source(read(tmp_path, robot(task("a"), errors=parsing)))[0] == "partial"
    other = '<msg level="ERROR">Error in a.robot: no setting X</msg>'
    assert source(read(tmp_path, robot(task("a"), errors=other))) == ("ok", "Error in a.robot: no setting X")
    assert source(read(tmp_path, robot(task("a"))[:-30]))[0] == "error"


def block(**more: Any) -> dict[str, Any]:
    return {
        "title": "cart",
        "file": "/test/a.js",
        "tests": [],
        "suites": [],
        "beforeHooks": [],
        "afterHooks": [],
    } | more


def mochawesome(*blocks: Any, **stats: Any) -> dict[str, Any]:
    return {
        "stats": {"testsRegistered": 1, **stats},
        "results": list(blocks),
        "meta": {"mochawesome": {"version": "8"}},
    }


def one(state: str | None, **more: Any) -> dict[str, Any]:
    return {"title": "adds", "state": state, "duration": 250, "err": {}, **more}


def test_mochawesome_states_hooks_and_nesting(tmp_path):
    inner = block(title="inner", file="", tests=[one("failed", err={"estack": "at a.js:1"}), one(None, skipped=True)])
    hook = {"title": "after all", "state": "failed", "fail": True, "err": {"message": "m"}}
    found = read(tmp_path, mochawesome(block(tests=[one("passed"), one("pending")], suites=[inner], afterHooks=[hook])))
    assert statuses(found) == ["pass", "skip", "error", "fail", "no_result"]
    rows = found["tests"]
    assert rows["test_id"].iloc[0] == "test/a.js::cart::adds"
    assert rows["test_id"].iloc[3] == "test/a.js::cart > inner::adds"
    assert list(rows["message"])[2:] == ["m", "at a.js:1", "it never ran"]


@pytest.mark.parametrize("stats", [{"testsRegistered": 2}, {"failures": 1}])
def test_what_mochawesome_counts_and_does_not_list_is_a_gap(tmp_path, stats):
    assert source(read(tmp_path, mochawesome(block(tests=[one("passed")]), **stats)))[0] == "partial"


@pytest.mark.parametrize(
    "content", [feature(scenario(step())), robot(task("a")), mochawesome(block(tests=[one("passed")]))]
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_are_no_hindrance(tmp_path, content, encoding):
    assert statuses(read(tmp_path, content, encoding)) == ["pass"]


@pytest.mark.parametrize(
    "content",
    [
        '[{"keyword": "Feature", "elements": [{"steps": ' + "[" * 100_000,
        '[{"keyword": "Feature", "elements": {"steps": 1}}]',
        '[{"keyword": "Feature", "elements": [{"type": "scenario", "name": "a", "name": "b", "steps": []}]}]',
        "<robot>" + "<suite>" * 60_000,
        '<!DOCTYPE robot [<!ENTITY a "b">]><robot>&a;</robot>',
        '{"stats": {"testsRegistered": 1}, "results": {}}',
        '{"stats": {"testsRegistered": 1}, "results": [{"suites": [' + '{"suites": [' * 60_000,
    ],
    ids=["deep list", "elements", "a key twice", "deep suites", "entities", "results", "deep blocks"],
)
def test_what_cannot_be_believed_is_an_error(tmp_path, content):
    assert source(read(tmp_path, content))[0] == "error"
