"""Whatever a file holds, every reader answers with rows or an error; nothing that is not understood passes."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.read.readers import read_file
from stabkit.read.summary import source_summary

SEEDS = [
    '{"exitcode": 0, "root": "/", "summary": {}, "tests": [{"nodeid": "a.py::t", "outcome": "passed"}]}',
    '{"reportFormat": "CTRF", "results": {"tests": [{"name": "a", "status": "passed", "retryAttempts": []}]}}',
    '{"stats": {"suites": 1, "tests": 1}, "tests": [{"title": "a", "err": {}}], "passes": [], "failures": []}',
    '{"numTotalTests": 1, "testResults": [{"name": "x", "assertionResults": [{"title": "a", "status": "passed"}]}]}',
    '{"version": "3", "examples": [{"full_description": "a", "status": "passed"}], "summary": {"example_count": 1}}',
    '{"config": {}, "suites": [{"title": "a.ts", "specs": [{"title": "a", "tests": [{"projectName": "web", '
    '"expectedStatus": "passed", "status": "expected", "results": [{"status": "passed"}]}]}]}], "errors": [], '
    '"stats": {"expected": 1}}',
    '{"stats": {"testsRegistered": 1, "passes": 1}, "results": [{"title": "a", "tests": [{"title": "b", '
    '"state": "passed", "pass": true, "fail": false}], "suites": [], "beforeHooks": []}]}',
    '<robot><suite name="s"><test name="a"><status status="PASS" elapsed="0.1"/></test></suite></robot>',
    '{"Action": "run", "Package": "p", "Test": "T"}\n{"Action": "pass", "Package": "p", "Test": "T", "Elapsed": 1}\n',
    '{"type": "suite", "event": "started", "test_count": 1}\n{"type": "test", "event": "ok", "name": "a"}\n',
    '{"protocolVersion": "0.1.1", "type": "start"}\n{"type": "testDone", "testID": 1, "result": "success"}\n',
    "1..2\nok 1 - a\n    ok 1 - b\n    1..1\nnot ok 2 # TODO\n",
    '<testsuite name="s" tests="1"><testcase classname="c" name="a" status="passed"/></testsuite>',
    '<test-run><test-case name="a" result="Passed"/></test-run>',
    '<test-results><test-case name="a.b" result="Success"/></test-results>',
    '<assemblies><assembly name="a"><collection><test name="t" result="Pass"/></collection></assembly></assemblies>',
    '<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results></TestRun>',
    '<testng-results><class name="c"><test-method name="m" status="PASS"/></class></testng-results>',
]
STATUSES = {"pass", "fail", "error", "skip", "xfail", "xpass", "no_result"}


def check(path: Path) -> None:
    found = read_file(path)
    assert len(found["sources"]) == 1
    assert set(found["tests"]["status"]) <= STATUSES
    assert found["tests"]["time_s"].dropna().ge(0).all()
    if counts := source_summary(found)[0]["counts"]:
        assert counts["passed"] + counts["failed"] + counts["errors"] + counts["skipped"] == counts["cases"]
        assert counts["flaky"] <= counts["tests"] <= counts["cases"] <= len(found["tests"])


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_report_is_rows_or_an_error(tmp_path, seed, data):
    raw = bytearray(seed.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["cut", "byte", "drop", "twice"])):
            case "cut":
                raw = raw[: place + 1]
            case "byte":
                raw[place] = data.draw(st.integers(0, 255))
            case "drop":
                raw[place : place + data.draw(st.integers(1, 20))] = b" "
            case "twice":
                raw[place:place] = raw[place : place + 30]
    path = tmp_path / "report"
    path.write_bytes(bytes(raw))
    check(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["status", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed.startswith("{") and "\n" not in seed])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_of_other_shapes_are_rows_or_an_error(tmp_path, seed, data):
    report = json.loads(seed)
    holder = report
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        inner = holder[key]
        if isinstance(inner, (dict, list)) and inner and data.draw(st.booleans()):
            holder = inner
            continue
        holder[key] = data.draw(JSON)
        break
    path = tmp_path / "report"
    path.write_text(json.dumps(report))
    check(path)


@pytest.mark.parametrize("word", ["passed", "ok", "Passed", "Success", "Pass", "PASS", "success"])
@pytest.mark.parametrize("seed", [seed for seed in SEEDS if not seed.startswith("1..")])
def test_an_unknown_result_never_passes(tmp_path, seed, word):
    path = tmp_path / "report"
    path.write_text(seed.replace(f'"{word}"', '"Perhaps"'))
    if f'"{word}"' in seed:
        assert "pass" not in set(read_file(path)["tests"]["status"])
