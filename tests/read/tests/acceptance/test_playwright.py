"""Playwright's JSON: projects, retries, what was expected to fail, what did not run, errors outside of tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence


def result(status: str = "passed", **more: Any) -> dict[str, Any]:
    return {"status": status, "duration": 250, "errors": [], "retry": 0, **more}


def in_project(
    *results: dict[str, Any], status: str = "expected", expected: str = "passed", project: str = "chromium"
) -> Any:
    return {"expectedStatus": expected, "projectName": project, "status": status, "results": list(results)}


def spec(title: str, *tests: Any, ok: bool = True) -> dict[str, Any]:
    return {"title": title, "ok": ok, "file": "cart.spec.ts", "line": 3, "tests": list(tests)}


def evidence(folder: Path, *specs: Any, stats: Any = None, errors: Any = (), encoding: str = "utf-8") -> Evidence:
    inner = {"title": "cart", "file": "cart.spec.ts", "specs": list(specs)}
    report = {
        "config": {"rootDir": "/build", "projects": []},
        "suites": [{"title": "cart.spec.ts", "file": "cart.spec.ts", "specs": [], "suites": [inner]}],
        "errors": list(errors),
        **({} if stats is None else {"stats": stats}),
    }
    path = folder / "report"
    path.write_bytes(json.dumps(report).encode(encoding))
    return read_file(path)


def statuses(found: Evidence) -> list[str]:
    return list(found["tests"]["status"])


def test_a_test_is_known_by_file_blocks_title_and_project(tmp_path):
    found = evidence(tmp_path, spec("adds", in_project(result()), in_project(result(), project="webkit")))["tests"]
    assert list(found["test_id"]) == ["cart.spec.ts::cart::adds"] * 2
    assert list(found["variant"]) == ["chromium", "webkit"]
    assert list(found["time_s"]) == [0.25, 0.25]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (in_project(result("failed"), result()), ["fail", "pass"]),
        (in_project(result("failed"), expected="failed"), ["xfail"]),
        (in_project(result(), expected="failed", status="unexpected"), ["fail"]),
        (in_project(result("timedOut"), status="unexpected"), ["fail"]),
        (in_project(result("interrupted"), status="skipped"), ["no_result"]),
        (in_project(result("skipped"), expected="skipped", status="skipped"), ["skip"]),
        (in_project(status="skipped", expected="skipped"), ["skip"]),
        # in a series of steps of which an earlier one failed, in every retry
        (in_project(result("skipped"), result("skipped"), status="skipped"), ["no_result"]),
        (in_project(status="skipped"), ["no_result"]),
        (in_project(result("Passed")), ["no_result"]),
        (in_project(result(), status="unexpected"), ["fail"]),
        (in_project(result(), status="flaky"), ["fail", "pass"]),
        ({}, ["no_result"]),
    ],
)
def test_a_result_is_what_playwright_says_of_it(tmp_path, one, expected):
    assert statuses(evidence(tmp_path, spec("adds", one))) == expected


def test_a_spec_without_tests_has_no_result(tmp_path):
    assert statuses(evidence(tmp_path, spec("adds"))) == ["no_result"]


def test_a_spec_that_is_not_ok_and_an_error_of_a_file_are_failures(tmp_path):
    error = {"message": "cannot load", "location": {"file": "/build/cart.spec.ts"}}
    found = evidence(tmp_path, spec("adds", in_project(result()), ok=False), errors=[error])
    assert statuses(found) == ["pass", "error", "error"]
    assert found["tests"]["name"].iloc[2] == "/build/cart.spec.ts"
    assert "2 failures that no case carries" in found["sources"]["message"].item()


@pytest.mark.parametrize(
    ("stats", "words"),
    [
        ({"expected": 2, "unexpected": 0}, "counts 2 tests, it holds 1"),
        ({"expected": 0, "unexpected": 1}, "counts 1 failure, its cases carry 0"),
        ({"expected": 0, "flaky": 1}, "count 1 flaky test, its tests 0"),
    ],
)
def test_totals_that_say_more_leave_it_open(tmp_path, stats, words):
    found = evidence(tmp_path, spec("adds", in_project(result())), stats=stats)["sources"]
    assert found["status"].item() == "partial"
    assert words in found["message"].item()


def test_errors_are_told_without_colours(tmp_path):
    failed = result("failed", errors=[{"message": "\x1b[31mno\x1b[39m", "stack": "\x1b[31mno\x1b[39m\n at a.ts:1"}])
    found = evidence(tmp_path, spec("adds", in_project(failed, status="unexpected")))["tests"]
    assert found["message"].item() == "no\n at a.ts:1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_are_no_hindrance(tmp_path, encoding):
    assert statuses(evidence(tmp_path, spec("adds", in_project(result())), encoding=encoding)) == ["pass"]


def test_results_of_one_project_that_share_an_id_are_told(tmp_path):
    found = evidence(tmp_path, spec("adds", in_project(result()), in_project(result("failed"), status="unexpected")))
    assert statuses(found) == ["pass", "fail"]
    assert "1 test id occurs more than once" in found["sources"]["message"].item()


def test_suites_a_thousand_deep_are_read_or_refused(tmp_path):
    deep: Any = {"title": "s", "specs": [spec("adds", in_project(result()))]}
    for _ in range(400):
        deep = {"title": "s", "suites": [deep]}
    path = tmp_path / "report"
    path.write_text(json.dumps({"config": {"projects": []}, "suites": [deep]}))
    assert statuses(read_file(path)) == ["pass"]
    path.write_text('{"config": {}, "suites": [' + '{"suites": [' * 60_000)
    assert read_file(path)["sources"]["status"].item() == "error"
