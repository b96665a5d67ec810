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
)
