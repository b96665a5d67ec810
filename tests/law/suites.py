"""Every format of test reports, as the law sees it."""

# ruff: noqa: E501 - notations read best in one line

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from xml.sax.saxutils import quoteattr

from tests.law.notations import BAD, Notation, Result, counted, edited

__all__ = ["SUITES"]

Groups = list[tuple[str, list[Result]]]


def _groups(found: Sequence[Result]) -> Groups:
    return [(name, list(inner)) for name, inner in groupby(found, key=lambda result: result.group)]


def _count(found: Sequence[Result], *statuses: str) -> int:
    return sum(result.status in statuses for result in found)


def _tag(name: str, inner: str = "", /, **attributes: object) -> str:
    said = "".join(f" {key.replace('_', '-')}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{said}>{inner}</{name}>" if inner else f"<{name}{said}/>"


def _junit(found: Sequence[Result]) -> str:
    marks = {"fail": '<failure message="m">t</failure>', "error": '<error message="m">t</error>', "skip": "<skipped/>"}
    suites = [
        _tag(
            "testsuite",
            "<properties><property name='a' value='b'/></properties>"
            + "".join(
                _tag("testcase", marks.get(one.status, ""), classname=name, name=one.name, time=0.1) for one in inner
            ),
            name=name, tests=len(inner), failures=_count(inner, "fail"), errors=_count(inner, "error"),
            skipped=_count(inner, "skip"),
        )
        for name, inner in _groups(found)
    ]  # fmt: skip
    return _tag(
        "testsuites", "".join(suites), tests=len(found), failures=_count(found, "fail"),
        errors=_count(found, "error"), skipped=_count(found, "skip"),
    )  # fmt: skip


def _nunit3(found: Sequence[Result]) -> str:
    words = {"pass": "Passed", "fail": "Failed", "error": "Failed", "skip": "Skipped"}
    suites = []
    for name, inner in _groups(found):
        cases = [
            _tag(
                "test-case",
                "<failure><message>m</message></failure>" if one.status in BAD else "",
                name=one.name, fullname=f"{name}.{one.name}", classname=name, result=words[one.status], duration=0.1,
                **({"label": "Error"} if one.status == "error" else {}),
            )
            for one in inner
        ]  # fmt: skip
        bad = _count(inner, *BAD)
        suites.append(
            _tag(
                "test-suite", "".join(cases), type="TestFixture", name=name, fullname=name, total=len(inner),
                result="Failed" if bad else "Passed", passed=_count(inner, "pass"), failed=bad,
                skipped=_count(inner, "skip"),
            )
        )  # fmt: skip
    bad = _count(found, *BAD)
    return _tag(
        "test-run", "".join(suites), id=2, total=len(found), passed=_count(found, "pass"), failed=bad,
        skipped=_count(found, "skip"), result="Failed" if bad else "Passed", duration=0.3,
    )  # fmt: skip


def _nunit2(found: Sequence[Result]) -> str:
    words = {"pass": "Success", "fail": "Failure", "error": "Error", "skip": "Ignored"}
    suites = []
    for name, inner in _groups(found):
        cases = [
            _tag(
                "test-case",
                "<failure><message>m</message></failure>" if one.status in BAD else "",
                name=f"{name}.{one.name}", executed=one.status != "skip", result=words[one.status],
                **({} if one.status == "skip" else {"success": one.status == "pass", "time": 0.1}),
            )
            for one in inner
        ]  # fmt: skip
        bad = _count(inner, *BAD)
        suites.append(
            _tag("test-suite", _tag("results", "".join(cases)), type="TestFixture", name=name, executed="True",
                 result="Failure" if bad else "Success", success=not bad)
        )  # fmt: skip
    return _tag(
        "test-results", "".join(suites), name="a.dll", total=len(found) - _count(found, "skip"),
        errors=_count(found, "error"), failures=_count(found, "fail"), ignored=_count(found, "skip"),
    ).replace("not-run", "not-run")  # fmt: skip


def _xunit(found: Sequence[Result]) -> str:
    words = {"pass": "Pass", "fail": "Fail", "skip": "Skip"}
    assemblies = [
        _tag(
            "assembly",
            "<errors/>"
            + _tag(
                "collection",
                "".join(
                    _tag(
                        "test",
                        "<failure><message>m</message></failure>" if one.status == "fail" else "",
                        name=f"{name}.{one.name}", type=name, method=one.name, time=0.1, result=words[one.status],
                    )
                    for one in inner
                ),
                name=name, total=len(inner), passed=_count(inner, "pass"), failed=_count(inner, "fail"),
                skipped=_count(inner, "skip"),
            ),
            name=f"{name}.dll", total=len(inner), passed=_count(inner, "pass"), failed=_count(inner, "fail"),
            skipped=_count(inner, "skip"), errors=0,
        )
        for name, inner in _groups(found)
    ]  # fmt: skip
    return _tag("assemblies", "".join(assemblies), timestamp="01/02/2026 03:04:05")


def _trx(found: Sequence[Result]) -> str:
    words = {"pass": "Passed", "fail": "Failed", "error": "Error", "skip": "NotExecuted"}
    info = "<Output><ErrorInfo><Message>m</Message></ErrorInfo></Output>"
    rows = [
        _tag("UnitTestResult", info if one.status in BAD else "", testId=f"id-{number}", testName=one.name,
             duration="00:00:00.1", outcome=words[one.status])
        for number, one in enumerate(found)
    ]  # fmt: skip
    definitions = [
        _tag("UnitTest", _tag("TestMethod", className=f"{one.group}, a.dll", name=one.name), id=f"id-{number}")
        for number, one in enumerate(found)
    ]
    counters = _tag(
        "Counters", total=len(found), executed=len(found) - _count(found, "skip"), passed=_count(found, "pass"),
        failed=_count(found, "fail"), error=_count(found, "error"),
    )  # fmt: skip
    summary = _tag("ResultSummary", counters, outcome="Failed" if _count(found, *BAD) else "Completed")
    return _tag("TestRun", _tag("Results", "".join(rows)) + _tag("TestDefinitions", "".join(definitions)) + summary)


def _testng(found: Sequence[Result]) -> str:
    words = {"pass": "PASS", "fail": "FAIL", "skip": "SKIP"}
    classes = [
        _tag(
            "class",
            "".join(
                _tag(
                    "test-method",
                    '<exception class="E"><message>m</message></exception>' if one.status == "fail" else "",
                    status=words[one.status], name=one.name, duration_ms=100,
                )
                for one in inner
            ),
            name=name,
        )
        for name, inner in _groups(found)
    ]  # fmt: skip
    return _tag(
        "testng-results",
        _tag("suite", _tag("test", "".join(classes), name="t"), name="s"),
        ignored=0, total=len(found), passed=_count(found, "pass"), failed=_count(found, "fail"),
        skipped=_count(found, "skip"),
    )  # fmt: skip


def _ctrf(found: Sequence[Result]) -> str:
    words = {"pass": "passed", "fail": "failed", "skip": "skipped"}
    summary = {
        "tests": len(found), "passed": _count(found, "pass"), "failed": _count(found, "fail"),
        "skipped": _count(found, "skip"), "pending": 0, "other": 0, "start": 1, "stop": 2,
    }  # fmt: skip
    tests = [{"name": one.name, "status": words[one.status], "duration": 100, "suite": [one.group]} for one in found]
    return _json({"reportFormat": "CTRF", "results": {"tool": {"name": "t"}, "summary": summary, "tests": tests}})


def _json(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _mocha(found: Sequence[Result]) -> str:
    def entry(one: Result) -> dict[str, Any]:
        error = {"message": "m", "stack": "s"} if one.status == "fail" else {}
        return {"title": one.name, "fullTitle": f"{one.group} {one.name}", "file": "a.js", "duration": 1, "err": error}

    lists = {
        "tests": found,
        "pending": [one for one in found if one.status == "skip"],
        "failures": [one for one in found if one.status == "fail"],
        "passes": [one for one in found if one.status == "pass"],
    }
    stats = {
        "suites": len(_groups(found)), "tests": len(found), "passes": _count(found, "pass"),
        "pending": _count(found, "skip"), "failures": _count(found, "fail"),
    }  # fmt: skip
    return _json({"stats": stats, **{name: [entry(one) for one in ones] for name, ones in lists.items()}})


def _jest(found: Sequence[Result]) -> str:
    words = {"pass": "passed", "fail": "failed", "skip": "pending"}
    files = [
        {
            "assertionResults": [
                {"title": one.name, "status": words[one.status], "ancestorTitles": [name], "duration": 1,
                 "fullName": f"{name} {one.name}", "failureMessages": ["m"] if one.status == "fail" else []}
                for one in inner
            ],
            "name": f"/b/{name}.js",
            "status": "failed" if _count(inner, "fail") else "passed",
            "message": "",
        }
        for name, inner in _groups(found)
    ]  # fmt: skip
    bad = _count(found, "fail")
    return _json(
        {"numTotalTests": len(found), "numPassedTests": _count(found, "pass"), "numFailedTests": bad,
         "numPendingTests": _count(found, "skip"), "numFailedTestSuites": 0, "numRuntimeErrorTestSuites": 0,
         "success": not bad, "wasInterrupted": False, "testResults": files}
    )  # fmt: skip


def _rspec(found: Sequence[Result]) -> str:
    words = {"pass": "passed", "fail": "failed", "skip": "pending"}
    examples = [
        {"id": f"./{one.group}_spec.rb[1:{number}]", "full_description": f"{one.group} {one.name}",
         "status": words[one.status], "file_path": f"./{one.group}_spec.rb", "run_time": 0.1,
         **({"exception": {"class": "E", "message": "m"}} if one.status == "fail" else {})}
        for number, one in enumerate(found)
    ]  # fmt: skip
    summary = {
        "duration": 1.0, "example_count": len(found), "failure_count": _count(found, "fail"),
        "pending_count": _count(found, "skip"), "errors_outside_of_examples_count": 0,
    }  # fmt: skip
    return _json({"version": "3.13", "examples": examples, "summary": summary, "summary_line": "all"})


def _pytest(found: Sequence[Result]) -> str:
    words = {"pass": "passed", "fail": "failed", "error": "error", "skip": "skipped"}
    tests = []
    for one in found:
        inner = {"pass": "passed", "fail": "failed", "skip": "skipped"}.get(one.status)
        stages = {
            "setup": {"duration": 0.1, "outcome": "failed" if one.status == "error" else "passed"},
            **({"call": {"duration": 0.1, "outcome": inner}} if inner else {}),
            "teardown": {"duration": 0.1, "outcome": "passed"},
        }
        tests.append({"nodeid": f"{one.group}.py::{one.name}", "outcome": words[one.status], **stages})
    named = {"passed": "pass", "failed": "fail", "error": "error", "skipped": "skip"}
    summary = {word: _count(found, status) for word, status in named.items() if _count(found, status)}
    return _json(
        {"created": 1.0, "duration": 1.0, "exitcode": int(_count(found, *BAD) > 0), "root": "/b", "environment": {},
         "summary": {**summary, "total": len(found), "collected": len(found)}, "tests": tests}
    )  # fmt: skip


def _lines(events: Iterator[dict[str, Any]]) -> str:
    return "".join(f"{_json(event)}\n" for event in events)


def _go(found: Sequence[Result]) -> str:
    def events() -> Iterator[dict[str, Any]]:
        for name, inner in _groups(found):
            yield {"Action": "start", "Package": name}
            for one in inner:
                test = {"Package": name, "Test": one.name}
                yield {"Action": "run", **test}
                yield {"Action": "output", **test, "Output": f"=== RUN {one.name}\n"}
                yield {"Action": one.status, **test, "Elapsed": 0.1}
            yield {"Action": "fail" if _count(inner, "fail") else "pass", "Package": name, "Elapsed": 1}

    return _lines(events())


def _libtest(found: Sequence[Result]) -> str:
    words = {"pass": "ok", "fail": "failed", "skip": "ignored"}

    def events() -> Iterator[dict[str, Any]]:
        for name, inner in _groups(found):
            yield {"type": "suite", "event": "started", "test_count": len(inner)}
            for one in inner:
                yield {"type": "test", "event": "started", "name": f"{name}::{one.name}"}
                yield {"type": "test", "name": f"{name}::{one.name}", "event": words[one.status], "exec_time": 0.1}
            yield {
                "type": "suite", "event": "failed" if _count(inner, "fail") else "ok", "passed": _count(inner, "pass"),
                "failed": _count(inner, "fail"), "ignored": _count(inner, "skip"), "exec_time": 0.1,
            }  # fmt: skip

    return _lines(events())


def _dart(found: Sequence[Result]) -> str:
    def events() -> Iterator[dict[str, Any]]:
        yield {"protocolVersion": "0.1.1", "type": "start", "time": 0}
        yield {"count": len(_groups(found)), "time": 0, "type": "allSuites"}
        number = 0
        for place, (name, inner) in enumerate(_groups(found)):
            yield {"suite": {"id": place, "platform": "vm", "path": f"{name}.dart"}, "type": "suite", "time": 0}
            for one in inner:
                number += 1
                test = {"id": number, "name": one.name, "suiteID": place}
                yield {"test": test, "type": "testStart", "time": number}
                if one.status in BAD:
                    yield {"testID": number, "error": "m", "stackTrace": "s", "isFailure": one.status == "fail",
                           "type": "error", "time": number}  # fmt: skip
                word = {"fail": "failure", "error": "error"}.get(one.status, "success")
                yield {"testID": number, "result": word, "skipped": one.status == "skip", "hidden": False,
                       "type": "testDone", "time": number + 1}  # fmt: skip
        yield {"success": not _count(found, *BAD), "type": "done", "time": 99}

    return _lines(events())


def _tap(found: Sequence[Result]) -> str:
    lines = ["TAP version 13", f"1..{len(found)}"]
    for number, one in enumerate(found, start=1):
        word = "not ok" if one.status == "fail" else "ok"
        lines.append(f"{word} {number} - {one.group} {one.name}" + (" # SKIP why" if one.status == "skip" else ""))
    return "\n".join([*lines, ""])


def _tap_subtests(found: Sequence[Result]) -> str:
    """Return subtests in the form of node and of TAP 14, each with its plan at the end."""
    lines = ["TAP version 14"]
    for place, (name, inner) in enumerate(_groups(found), start=1):
        lines.append(f"# Subtest: {name}")
        for number, one in enumerate(inner, start=1):
            word = "not ok" if one.status == "fail" else "ok"
            lines.append(f"    {word} {number} - {one.name}" + (" # SKIP why" if one.status == "skip" else ""))
        lines += [f"    1..{len(inner)}", f"{'not ok' if _count(inner, 'fail') else 'ok'} {place} - {name}"]
    return "\n".join([*lines, f"1..{len(_groups(found))}", ""])


_THREE = ("pass", "fail", "skip")
SUITES = (
    Notation(
        "junit", "xml", _junit, r'<testcase [^>]*\bname="(case_\d+)"',
        failures={
            "failures claimed": counted("failures"), "errors claimed": counted("errors"),
            "failures of a suite claimed": counted("failures", last=True),
            "an error of a suite": edited(r"</testsuite>", '<error message="set-up"/></testsuite>'),
            "a failure of a suite": edited(r"</testsuite>", '<failure message="set-up"/></testsuite>'),
            "a suite that failed": edited(r"</testsuites>", r'<testsuite name="new" tests="1" failures="1"/></testsuites>'),
        },
    ),
    Notation(
        "nunit3", "xml", _nunit3, r"<test-case (?=[^>]*result=)[^>]*?(case_\d+)",
        failures={
            "failed claimed": counted("failed"), "a suite's failed claimed": counted("failed", last=True),
            "a suite that failed": edited(r'(<test-suite [^>]*result=")Passed', r"\1Failed"),
            "a run that failed": edited(r'(<test-run [^>]*result=")Passed', r"\1Failed"),
            "an error of an assembly": edited(r"</test-suite>", '</test-suite><test-suite type="Assembly" name="b" '
                                              'result="Failed" label="Invalid"/>'),
            "total claimed": counted("total"),
        },
    ),
    Notation(
        "nunit2", "xml", _nunit2, r'<test-case [^>]*name="\w+\.(case_\d+)"',
        failures={
            "failures claimed": counted("failures"), "errors claimed": counted("errors"),
            "a suite that failed": edited(r'(<test-suite [^>]*result=")Success', r"\1Failure"),
            "total claimed": edited(r' total="\d+"', ' total="99"'),
        },
    ),
    Notation(
        "xunit", "xml", _xunit, r"<test (?=[^>]*result=)[^>]*?(case_\d+)", statuses=_THREE,
        failures={
            "failed claimed": counted("failed"), "errors claimed": counted("errors"), "total claimed": counted("total"),
            "failed of the last claimed": counted("failed", last=True),
            "an error outside of tests": edited(
                "<errors */>", '<errors><error type="assembly-cleanup"><failure><message>m</message></failure></error></errors>'
            ),
            "failed of a collection claimed": edited(
                r'(<collection [^>]*failed=")(\d+)', lambda m: f"{m[1]}{int(m[2]) + 1}"
            ),
        },
    ),
    Notation(
        "trx", "xml", _trx, r'<UnitTestResult [^>]*testName="(case_\d+)"[^>]*outcome=',
        failures={
            "failed claimed": counted("failed"), "error claimed": counted("error"), "total claimed": counted("total"),
            "a run that failed": edited('outcome="Completed"', 'outcome="Failed"'),
            "a run that was aborted": edited('outcome="Completed"', 'outcome="Aborted"'),
            "an error of the run": edited(
                "</ResultSummary>", '<RunInfos><RunInfo outcome="Error"><Text>m</Text></RunInfo></RunInfos></ResultSummary>'
            ),
            "aborted claimed": edited("<Counters ", '<Counters aborted="1" '),
            "timeout claimed": edited("<Counters ", '<Counters timeout="1" '),
        },
    ),
    Notation(
        "testng", "xml", _testng, r'<test-method [^>]*status="[^>]*name="(case_\d+)"', statuses=_THREE,
        failures={
            "failed claimed": counted("failed"), "total claimed": counted("total"),
            "a configuration that failed": edited(
                "</class>", '<test-method is-config="true" status="FAIL" name="setUp"/></class>'
            ),
        },
    ),
    Notation(
        "ctrf", "json", _ctrf, r'"name": "(case_\d+)", "status": "', statuses=_THREE,
        failures={
            "failed claimed": counted("failed", shape="json"), "tests claimed": counted("tests", shape="json"),
            "other claimed": counted("other", shape="json"),
        },
    ),
    Notation(
        "mocha", "json", _mocha, r'(case_\d+)"(?!, "fullTitle)', statuses=_THREE,
        failures={
            "failures claimed": counted("failures", shape="json"), "tests claimed": counted("tests", shape="json"),
            "a hook that failed": edited(
                r'"failures": \[', '"failures": [{"title": "\\"before each\\" hook", "fullTitle": "h", "err": '
                '{"message": "m"}}, '
            ),
        },
    ),
    Notation(
        "jest", "json", _jest, r'"title": "(case_\d+)", "status": "', statuses=_THREE,
        failures={
            "failed claimed": counted("numFailedTests", shape="json"),
            "total claimed": counted("numTotalTests", shape="json"),
            # Where a test fails already, this is where: vitest counts each describe as a suite.
            "failed files claimed": edited(r'"numFailedTestSuites": 0(?=.*"success": true)', '"numFailedTestSuites": 1'),
            "files with errors claimed": edited(
                r'"numRuntimeErrorTestSuites": 0(?=.*"success": true)', '"numRuntimeErrorTestSuites": 1'
            ),
            "no success": edited('"success": true', '"success": false'),
            "interrupted": edited('"wasInterrupted": false', '"wasInterrupted": true'),
            "a file that failed": edited(r'("name": "/b/\w+.js", "status": ")passed', r"\1failed"),
        },
    ),
    Notation(
        "rspec", "json", _rspec, r'"full_description": "\w+ (case_\d+)", "status": "', statuses=_THREE,
        failures={
            "failures claimed": counted("failure_count", shape="json"),
            "examples claimed": counted("example_count", shape="json"),
            "errors outside of examples": counted("errors_outside_of_examples_count", shape="json"),
        },
    ),
    Notation(
        "pytest-json-report", "json", _pytest, r'"nodeid": "\w+\.py::(case_\d+)", "outcome": "',
        failures={
            "failed claimed": edited(r'("summary": \{)("failed": \d+, )?', r'\1"failed": 9, '),
            "error claimed": edited(r'("total": )', r'"error": 9, \1'),
            "total claimed": counted("total", shape="json"), "collected claimed": counted("collected", shape="json"),
            "exit code 1": edited('"exitcode": 0', '"exitcode": 1'),
            "exit code 2": edited(r'"exitcode": \d', '"exitcode": 2'),
            "exit code 5": edited(r'"exitcode": \d', '"exitcode": 5'),
            "a module not collected": edited(
                '"tests": ', '"collectors": [{"nodeid": "x.py", "outcome": "failed", "longrepr": "m"}], "tests": '
            ),
            "a tear-down that failed": edited(
                # Behind a failed call it is the error of a test that fails already, one result to pytest as well.
                r'("call": \{"duration": 0.1, "outcome": "passed"\}, "teardown": \{"duration": 0.1, "outcome": ")passed',
                r"\1failed",
            ),
        },
    ),
    Notation(
        "go-test", "lines", _go, r'"Action": "\w+", "Package": "\w+", "Test": "(case_\d+)", "Elapsed"', statuses=_THREE,
        failures={
            "a package that failed": edited(r'("Action": ")pass(", "Package": "\w+", "Elapsed")', r"\1fail\2"),
            "a build that failed": edited(r"\Z", '{"ImportPath": "x", "Action": "build-fail"}\n'),
            "a package that began": edited(r"\Z", '{"Action": "start", "Package": "x"}\n'),
            "a test that began": edited(r"\A", '{"Action": "run", "Package": "group_0", "Test": "new"}\n'),
        },
    ),
    Notation(
        "libtest", "lines", _libtest, r'"name": "\w+::(case_\d+)", "event": "', statuses=_THREE,
        failures={
            "a suite that failed": edited('("type": "suite", "event": ")ok"', r'\1failed"'),
            "tests announced": counted("test_count", shape="json"),
            "failed claimed": counted("failed", shape="json"),
            "a suite that began": edited(r"\Z", '{"type": "suite", "event": "started", "test_count": 1}\n'),
            "a test that took too long": edited(r'(\{"type": "suite", "event": "\w+", "passed)',
                                                r'{"type": "test", "event": "timeout", "name": "new"}' "\n" r"\1"),
        },
    ),
    Notation(
        "dart-test", "lines", _dart, r'"name": "(case_\d+)", "suiteID"',
        failures={
            "no success": edited('"success": true', '"success": false'),
            "an error after the end": edited(
                r'\{"testID": (\d+), "result": "success", "skipped": false[^\n]*\n',
                r'\g<0>{"testID": \1, "error": "m", "isFailure": false, "type": "error", "time": 9}' "\n"
            ),
            "a hidden failure": edited(
                r'(\{"success")',
                r'{"test": {"id": 90, "name": "loading x", "suiteID": 0}, "type": "testStart", "time": 9}' "\n"
                r'{"testID": 90, "result": "error", "hidden": true, "type": "testDone", "time": 9}' "\n" r"\1",
            ),
        },
    ),
    Notation(
        "tap", "lines", _tap, r"ok \d+ - \w+ (case_\d+)", statuses=_THREE,
        failures={
            "bail out": edited(r"\Z", "Bail out! no disk\n"),
            "planned": edited(r"1\.\.(\d+)", lambda match: f"1..{int(match[1]) + 1}"),
        },
        open_end=True,
    ),
    Notation(
        "tap", "lines", _tap_subtests, r" ok \d+ - (case_\d+)", statuses=_THREE,
        failures={
            "bail out": edited(r"\Z", "Bail out! no disk\n"),
            "planned": edited(r"1\.\.(\d+)", lambda match: f"1..{int(match[1]) + 1}", last=True),
            "a subtest's plan": edited(r" 1\.\.(\d+)", lambda match: f" 1..{int(match[1]) + 1}"),
            "a parent that failed": edited(r"\nok (\d+ - group)", r"\nnot ok \1"),
        },
    ),
)  # fmt: skip
