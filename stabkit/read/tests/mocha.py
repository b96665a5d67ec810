"""mocha's JSON reporter: ``stats``, ``tests``, and lists of those that failed, passed or are pending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "mocha"
KIND: Final = "tests"

_CLAIMS: Final = {"tests": "tests", "passed": "passes", "failed": "failures"}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is mocha's JSON."""
    return {"stats", "tests"} <= set(json_keys(head)) and b'"suites"' in head


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A failed hook stands only among ``failures``: it becomes a case in error. Retries that mocha counts but does not
    describe are failed attempts without a text.

    Raises
    ------
    ReportError
        Not JSON, cut off, or refused.
    """
    content = load_json(path)
    value = mapped(content.value)
    stats = mapped(value.get("stats"))
    report = Report(
        warnings=list(content.warnings),
        claimed={ours: whole(stats.get(theirs)) for ours, theirs in _CLAIMS.items()},
    )
    lists = {name: listed(value.get(name, []), name) for name in ("tests", "passes", "pending", "failures")}
    passed, pending = ({_key(test) for test in lists[name]} for name in ("passes", "pending"))
    # Several tests may bear one name: of those without an error as many failed as failures are left for them.
    failed = Counter(map(_key, lists["failures"]))
    failed.subtract(Counter(_key(test) for test in lists["tests"] if mapped(test.get("err"))))
    for test in lists["tests"]:
        key = _key(test)
        status = "no_result"
        if mapped(test.get("err")):
            status = "fail"
        elif failed[key] > 0:
            status = "fail"
            failed[key] -= 1
        elif key in pending:
            status = "skip"
        elif key in passed:
            status = "pass"
        report.cases.append(_case(test, status))
    known = {_key(test) for test in lists["tests"]}
    for failure in lists["failures"]:
        if _key(failure) not in known:
            report.cases.append(_case(failure, "error"))
            report.uncarried += 1
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _key(test: Mapping[str, Any]) -> tuple[str, str]:
    return str(test.get("file")), str(test.get("fullTitle") or test.get("title"))


def _case(test: Mapping[str, Any], status: str) -> Case:
    title, full = text(test.get("title")), text(test.get("fullTitle"))
    group = full.removesuffix(title).strip() if full and title else None
    error = mapped(test.get("err"))
    said = text(error.get("stack")) or text(error.get("message"))
    retries = [Attempt("fail")] * min(whole(test.get("currentRetry")) or 0, 100)
    last = Attempt(status, number(test.get("duration"), scale=0.001), said)
    return Case(title or full, [*retries, last], group=group or None, file=text(test.get("file")))
