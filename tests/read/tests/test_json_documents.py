"""pytest-json-report, CTRF, mocha, jest, RSpec: one JSON document a run, each with traps of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def evidence(folder: Path, report: dict[str, Any]) -> Evidence:
    path = folder / "report.json"
    path.write_text(json.dumps(report))
    return read_file(path)


def source(found: Evidence) -> dict[str, Any]:
    return found["sources"].to_dict("records")[0]


def rows(found: Evidence) -> list[tuple[str, int, str]]:
    tests = found["tests"]
    return list(zip(tests["test_id"], tests["attempt"], tests["status"], strict=True))


def stage(outcome: str = "passed", **more: Any) -> dict[str, Any]:
    return {"duration": 0.25, "outcome": outcome, **more}


def item(nodeid: str, outcome: str, **stages: Any) -> dict[str, Any]:
    return {"nodeid": nodeid, "outcome": outcome, **({"setup": stage(), "call": stage(), "teardown": stage()} | stages)}


def pytest_report(*tests: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"created": 1.0, "exitcode": 1, "root": "/build", "summary": {}, "tests": list(tests), **more}


def test_pytest_ids_are_those_of_its_junit_report(tmp_path):
    junit = tmp_path / "junit.xml"
    junit.write_text(
        '<testsuite><testcase classname="tests.test_a.TestB" name="test_c[x::y]"/>'
        '<testcase classname="tests.test_a" name="test_d"/></testsuite>'
    )
    found = evidence(
        tmp_path,
        pytest_report(
            item("tests/test_a.py::TestB::test_c[x::y]", "passed"), item("tests/test_a.py::test_d", "passed")
        ),
    )
    assert list(found["tests"]["test_id"]) == list(read_file(junit)["tests"]["test_id"])
    assert list(found["tests"]["time_s"]) == [0.75, 0.75]


def test_pytest_outcomes_and_stages(tmp_path):
    crash = {"crash": {"message": "boom"}}
    found = evidence(
        tmp_path,
        pytest_report(
            item("a.py::t1", "failed", call=stage("failed", longrepr="assert 1 == 2")),
            item("a.py::t2", "error", setup=stage("failed", **crash)),
            item("a.py::t3", "passed", teardown=stage("failed", longrepr="late")),
            item("a.py::t4", "xfailed"),
            item("a.py::t5", "xpassed"),
            item("a.py::t6", "skipped"),
            item("a.py::t7", "strange"),
            collectors=[{"nodeid": "tests/test_gone.py", "outcome": "failed", "longrepr": "ImportError"}],
        ),
    )
    assert [status for _, _, status in rows(found)] == [
        *("error", "fail", "error", "error", "xfail", "xpass", "skip", "no_result")
    ]
    assert found["tests"]["name"].iloc[0] == "tests.test_gone"
    assert list(found["tests"]["message"].iloc[:4]) == ["ImportError", "assert 1 == 2", "boom", "late"]


def test_pytest_reruns_are_attempts(tmp_path):
    again = item("a.py::t", "rerun", call=stage("failed", longrepr="once"))
    found = evidence(tmp_path, pytest_report(again, item("a.py::t", "passed")))
    assert rows(found) == [("a::t", 1, "fail"), ("a::t", 2, "pass")]
    # As the plugin writes it: one entry, with the stages of the last attempt.
    alone = evidence(tmp_path, pytest_report(item("a.py::t", "rerun"), item("a.py::u", "passed")))
    assert rows(alone) == [("a::t", 1, "fail"), ("a::t", 2, "pass"), ("a::u", 1, "pass")]
    lost = evidence(tmp_path, pytest_report(again))
    assert source(lost)["status"] == "partial"
    assert rows(lost)[-1][2] == "no_result"


@pytest.mark.parametrize(("code", "status"), [(0, "ok"), (1, "partial"), (2, "partial"), (3, "partial")])
def test_pytest_exit_codes_that_leave_tests_out(tmp_path, code, status):
    found = evidence(tmp_path, pytest_report(item("a.py::t", "passed"), exitcode=code))
    assert source(found)["status"] == status


def test_pytest_summary_without_its_tests_is_partial(tmp_path):
    for tests in ({}, {"tests": []}):
        found = evidence(tmp_path, {"exitcode": 0, "root": "/", "summary": {"passed": 3}} | tests)
        assert source(found)["status"] == "partial"
        assert json.loads(source(found)["claimed"]) == {"passed": 3}


def test_pytest_header_that_lies_is_shown(tmp_path):
    found = evidence(tmp_path, pytest_report(item("a.py::t", "passed"), summary={"passed": 7}))
    assert "passed 7 (counted 1)" in source(found)["message"]


def ctrf(*tests: dict[str, Any], **summary: int) -> dict[str, Any]:
    return {"reportFormat": "CTRF", "results": {"tool": {"name": "x"}, "summary": summary, "tests": list(tests)}}


def test_ctrf_statuses_attempts_and_times(tmp_path):
    tries = [{"attempt": 1, "status": "failed", "duration": 10, "message": "no"}]
    found = evidence(
        tmp_path,
        ctrf(
            {"name": "a", "status": "passed", "duration": 250, "suite": ["s", "t"], "filePath": "x.ts"},
            {"name": "b", "status": "passed", "duration": 1, "retryAttempts": tries},
            {"name": "c", "status": "passed", "duration": 1, "retries": 1},
            {"name": "d", "status": "pending", "duration": 0},
            {"name": "e", "status": "other", "duration": 0},
            {"name": "f", "status": "failed", "duration": -1, "message": "m", "trace": "t"},
            tests=6,
            failed=1,
        ),
    )
    assert source(found)["status"] == "ok"
    assert rows(found) == [
        ("x.ts::s > t::a", 1, "pass"),
        *[("(?)::b", 1, "fail"), ("(?)::b", 2, "pass")],
        *[("(?)::c", 1, "fail"), ("(?)::c", 2, "pass")],
        *[("(?)::d", 1, "skip"), ("(?)::e", 1, "no_result"), ("(?)::f", 1, "fail")],
    ]
    assert found["tests"]["time_s"].iloc[0] == 0.25
    assert found["tests"]["message"].iloc[-1] == "m\nt"
    assert found["tests"]["time_s"].isna().iloc[-1]


def mocha(**lists: list[dict[str, Any]]) -> dict[str, Any]:
    every = {"stats": {"suites": 1, "tests": len(lists.get("tests", [])), "passes": len(lists.get("passes", []))}}
    return every | {"tests": [], "passes": [], "pending": [], "failures": []} | lists


def test_mocha_hooks_fail_outside_of_the_tests(tmp_path):
    good = {
        "title": "adds",
        "fullTitle": "cart adds",
        "file": "/b/cart.js",
        "duration": 4,
        "currentRetry": 1,
        "err": {},
    }
    wait = {"title": "waits", "fullTitle": "cart waits", "file": "/b/cart.js", "currentRetry": 0, "err": {}}
    hook = {"title": '"before all" hook', "fullTitle": 'cart "before all" hook', "err": {"stack": "Error: db"}}
    lost = {"title": "lost", "fullTitle": "cart lost", "err": {}}
    found = evidence(tmp_path, mocha(tests=[good, wait, lost], passes=[good], pending=[wait], failures=[hook]))
    assert rows(found) == [
        ("cart::adds", 1, "fail"),
        ("cart::adds", 2, "pass"),
        ("cart::waits", 1, "skip"),
        ("cart::lost", 1, "no_result"),
        ('cart::"before all" hook', 1, "error"),
    ]
    assert found["tests"]["time_s"].iloc[1] == pytest.approx(0.004)


def jest_file(*assertions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "/b/src/cart.test.ts",
        "status": "passed",
        "message": "",
        "assertionResults": list(assertions),
    } | more


def test_jest_files_that_failed_to_load_and_retries(tmp_path):
    again = {
        "ancestorTitles": ["cart"],
        "title": "adds",
        "status": "passed",
        "invocations": 2,
        "retryReasons": ["flaked"],
    }
    todo = {"ancestorTitles": [], "title": "later", "status": "todo", "failureMessages": []}
    broken = jest_file(name="/b/src/gone.test.ts", status="failed", message="Cannot find module")
    report = {"numTotalTests": 2, "success": False, "testResults": [jest_file(again, todo), broken]}
    found = evidence(tmp_path, report)
    assert source(found)["status"] == "ok"
    assert rows(found) == [
        *[("cart.test.ts::cart::adds", 1, "fail"), ("cart.test.ts::cart::adds", 2, "pass")],
        ("cart.test.ts::later", 1, "skip"),
        ("gone.test.ts::/b/src/gone.test.ts", 1, "error"),
    ]
    assert found["tests"]["message"].iloc[-1] == "Cannot find module"


@pytest.mark.parametrize("more", [{"wasInterrupted": True}, {"success": False}])
def test_jest_runs_that_say_more_should_follow(tmp_path, more):
    good = {"ancestorTitles": [], "title": "a", "status": "passed", "duration": 1}
    found = evidence(tmp_path, {"numTotalTests": 1, "testResults": [jest_file(good)], "success": True} | more)
    assert source(found)["status"] == "partial"


def test_jest_results_as_a_reporter_is_handed_them(tmp_path):
    titles = {"ancestorTitles": ["cart"], "title": "adds"}
    cart = {
        "testFilePath": "/b/src/cart.test.ts",
        "testResults": [
            {**titles, "status": "passed", "duration": 250},
            {**titles, "title": "pays", "status": "failed"},
        ],
    }
    gone = {"testFilePath": "/b/src/gone.test.ts", "testResults": [], "testExecError": {"message": "gone"}}
    gone |= {"failureMessage": "Cannot find module"}
    found = evidence(tmp_path, {"numTotalTests": 2, "success": False, "testResults": [cart, gone]})
    assert source(found)["status"] == "ok"
    assert [(test_id, status) for test_id, _, status in rows(found)] == [
        *[("cart.test.ts::cart::adds", "pass"), ("cart.test.ts::cart::pays", "fail")],
        ("gone.test.ts::/b/src/gone.test.ts", "error"),
    ]
    assert found["tests"]["message"].iloc[-1] == "Cannot find module"


def test_jest_file_without_a_list_of_results_is_not_read_as_empty(tmp_path):
    found = evidence(tmp_path, {"numTotalTests": 0, "success": True, "testResults": [{"name": "/b/src/cart.test.ts"}]})
    assert source(found)["status"] == "partial"


def test_rspec_examples_and_what_fails_outside_of_them(tmp_path):
    def example(status: str, **more: Any) -> dict[str, Any]:
        return {"full_description": f"Cart {status}", "status": status, "file_path": "./spec/cart_spec.rb", **more}

    found = evidence(
        tmp_path,
        {
            "version": "3.13",
            "messages": ["LoadError: no such file"],
            "examples": [
                example("passed", run_time=0.5),
                example("failed", exception={"class": "E", "message": "m"}),
                example("pending", pending_message="later", exception={"class": "E", "message": "as expected"}),
            ],
            "summary": {"example_count": 3, "failure_count": 1, "errors_outside_of_examples_count": 1},
        },
    )
    assert source(found)["status"] == "partial"
    assert [status for _, _, status in rows(found)] == ["pass", "fail", "xfail", "error"]
    assert rows(found)[0][0] == "spec/cart_spec.rb::Cart passed"
    assert found["tests"]["message"].iloc[-1] == "LoadError: no such file"


@pytest.mark.parametrize(
    "report",
    [
        pytest_report() | {"tests": {}},
        {"reportFormat": "CTRF", "results": {}},
        ctrf() | {"results": {"tests": [1]}},
        mocha() | {"tests": 4},
        {"numTotalTests": 1, "testResults": None},
        {"version": "3", "examples": "none"},
    ],
)
def test_other_shapes_are_errors_not_empty_reports(tmp_path, report):
    found = evidence(tmp_path, report)
    assert source(found)["status"] == "error"
    assert not len(found["tests"])


@pytest.mark.parametrize("report", [pytest_report(), ctrf(), mocha(), {"numTotalTests": 0, "testResults": []}])
def test_a_report_without_tests_says_so(tmp_path, report):
    assert "it holds no test" in source(evidence(tmp_path, report))["message"]


def test_a_lone_surrogate_is_a_question_mark(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(
        r'{"reportFormat": "CTRF", "results": {"tests": [{"name": "a\ud800\ud83d\ude00", "status": "passed"}]}}'
    )
    assert read_file(path)["tests"]["name"].tolist() == ["a?\U0001f600"]
