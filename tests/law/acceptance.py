"""Reports of browsers, features and tasks in words, as the law sees them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.law.notations import Notation, Result, counted, edited

__all__ = ["ACCEPTANCE"]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _count(found: Sequence[Result], *statuses: str) -> int:
    return sum(result.status in statuses for result in found)


def _groups(found: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    names = dict.fromkeys(result.group for result in found)
    return [(name, [result for result in found if result.group == name]) for name in names]


def _playwright(found: Sequence[Result]) -> str:
    words = {"pass": ("passed", "expected"), "fail": ("failed", "unexpected"), "skip": ("skipped", "skipped")}

    def spec(one: Result) -> dict[str, Any]:
        status, verdict = words[one.status]
        errors = [{"message": "m"}] if one.status == "fail" else []
        results = [{"status": status, "duration": 100, "errors": errors, "retry": 0}]
        test = {
            "expectedStatus": "skipped" if one.status == "skip" else "passed",
            "projectName": "chromium",
            "results": results,
            "status": verdict,
        }
        return {"title": one.name, "ok": one.status != "fail", "tests": [test], "file": f"{one.group}.spec.ts"}

    suites = [{"title": f"{name}.spec.ts", "specs": [spec(one) for one in inner]} for name, inner in _groups(found)]
    stats = {
        "startTime": "2026-01-02T03:04:05Z",
        "duration": 1.5,
        "expected": _count(found, "pass"),
        "skipped": _count(found, "skip"),
        "unexpected": _count(found, "fail"),
        "flaky": 0,
    }
    config = {"rootDir": "/b", "projects": [{"name": "chromium"}]}
    return _json({"config": config, "suites": suites, "errors": [], "stats": stats})


def _features(found: Sequence[Result]) -> str:
    words = {"pass": "passed", "fail": "failed", "skip": "skipped"}

    def scenario(one: Result) -> dict[str, Any]:
        error = {"error_message": "m"} if one.status == "fail" else {}
        step = {
            "keyword": "Then ",
            "name": "it holds",
            "result": {"status": words[one.status], "duration": 1_000_000, **error},
        }
        return {"keyword": "Scenario", "name": one.name, "type": "scenario", "steps": [step]}

    return _json(
        [
            {"keyword": "Feature", "name": name, "uri": f"{name}.feature", "elements": [scenario(one) for one in inner]}
            for name, inner in _groups(found)
        ]
    )


def _robot(found: Sequence[Result]) -> str:
    words = {"pass": "PASS", "fail": "FAIL", "skip": "SKIP"}

    def stat(of: Sequence[Result], name: str) -> str:
        counts = {key: _count(of, key) for key in words}
        return f'<stat pass="{counts["pass"]}" fail="{counts["fail"]}" skip="{counts["skip"]}">{name}</stat>'

    def status(word: str) -> str:
        return f'<status status="{word}" start="2026-01-02T03:04:05" elapsed="0.1"/>'

    suites = [
        f'<suite name="{name}">'
        + "".join(f'<test name="{one.name}">{status(words[one.status])}</test>' for one in inner)
        + f"{status('FAIL' if _count(inner, 'fail') else 'PASS')}</suite>"
        for name, inner in _groups(found)
    ]
    return (
        f'<robot generator="Robot 7" generated="2026-01-02T03:04:05"><suite name="All">{"".join(suites)}'
        f"{status('FAIL' if _count(found, 'fail') else 'PASS')}</suite>"
        f"<statistics><total>{stat(found, 'All Tests')}</total></statistics><errors/></robot>"
    )


def _mochawesome(found: Sequence[Result]) -> str:
    words = {"pass": "passed", "fail": "failed", "skip": "pending"}

    def test(one: Result) -> dict[str, Any]:
        state = words[one.status]
        flags = {word: state == words[word] for word in ("pass", "fail")}
        error = {"message": "m"} if one.status == "fail" else {}
        return {"title": one.name, "state": state, "duration": 1, **flags, "skipped": False, "err": error}

    results = [
        {"title": name, "file": f"/{name}.js", "beforeHooks": [], "tests": [test(one) for one in inner], "suites": []}
        for name, inner in _groups(found)
    ]
    stats = {
        "suites": len(results),
        "tests": len(found),
        "passes": _count(found, "pass"),
        "pending": _count(found, "skip"),
        "failures": _count(found, "fail"),
        "testsRegistered": len(found),
        "start": "2026-01-02T03:04:05Z",
    }
    return _json({"stats": stats, "results": results})


_THREE = ("pass", "fail", "skip")
ACCEPTANCE = (
    Notation(
        "playwright",
        "json",
        _playwright,
        r'"title": "(case_\d+)", "ok": \w+, "tests": \[\{[^\]]*"results": \[\{"status": "',
        statuses=_THREE,
        failures={
            "unexpected claimed": counted("unexpected", shape="json"),
            "expected claimed": counted("expected", shape="json"),
            "flaky claimed": counted("flaky", shape="json"),
            "an error of a file": edited(r'"errors": \[\](?=, "stats")', '"errors": [{"message": "m"}]'),
            "a spec that is not ok": edited(r'"ok": true', '"ok": false'),
            "a test that went otherwise than expected": edited('"status": "expected"', '"status": "unexpected"'),
            "a result that came too late": edited('"status": "passed"', '"status": "timedOut"'),
            "a step that did not run": edited('"status": "passed"', '"status": "skipped"'),
        },
    ),
    Notation(
        "cucumber",
        "json",
        _features,
        r'"name": "(case_\d+)", "type": "scenario", "steps": \[\{[^\]]*"result": \{"status": "',
        statuses=_THREE,
        failures={
            "a step that nobody wrote": edited('"status": "passed"', '"status": "undefined"'),
            "a step that is still to do": edited('"status": "passed"', '"status": "pending"'),
            "a hook that failed": edited(
                r'("type": "scenario", )("steps": \[\{"keyword": "Then ", "name": "it holds", "result": '
                r'\{"status": "passed")',
                r'\1"after": [{"result": {"status": "failed"}}], \2',
            ),
            "a background that failed": edited(
                r'(\{"keyword": "Scenario", "name": "\w+", "type": "scenario", "steps": \[\{"keyword": "Then ", '
                r'"name": "it holds", "result": \{"status": "passed")',
                r'{"type": "background", "keyword": "Background", "steps": [{"name": "b", "result": '
                r'{"status": "failed"}}]}, \1',
            ),
        },
    ),
    Notation(
        "robot",
        "xml",
        _robot,
        r'<test name="(case_\d+)"><status [^>]*status=',
        statuses=_THREE,
        failures={
            "failures claimed": counted("fail"),
            "tests claimed": counted("pass"),
            "a tear-down of all that failed": edited(
                r"(</suite><statistics>)", r'<kw name="Close" type="TEARDOWN"><status status="FAIL">m</status></kw>\1'
            ),
            "a suite that was not parsed": edited(
                r"<errors */>", "<errors><msg level=\"ERROR\">Parsing 'a.robot' failed: no tests</msg></errors>"
            ),
            "a test that did not run": edited(r'(<test name="\w+"><status [^>]*status=")PASS', r"\1NOT RUN"),
        },
    ),
    Notation(
        "mochawesome",
        "json",
        _mochawesome,
        r'"title": "(case_\d+)", "state": "',
        statuses=_THREE,
        failures={
            "failures claimed": counted("failures", shape="json"),
            "tests registered": counted("testsRegistered", shape="json"),
            "a hook that failed": edited(
                r'"beforeHooks": \[', '"beforeHooks": [{"title": "before all", "state": "failed", "fail": true}'
            ),
            "a test that never ran": edited(
                r'"state": "passed"(.*?)"skipped": false', r'"state": null\1"skipped": true'
            ),
        },
    ),
)
