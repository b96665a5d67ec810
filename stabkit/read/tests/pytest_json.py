"""pytest-json-report: one object with ``tests[].nodeid``; its ids are those of pytest's own JUnit report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "pytest-json-report"
KIND: Final = "tests"

_RERUN: Final = "the report says that it ran again and describes none of its failed attempts"
_STAGES: Final = ("setup", "call", "teardown")
_STATUS: Final[Mapping[str, str]] = {
    "passed": "pass",
    "failed": "fail",
    "error": "error",
    "skipped": "skip",
    "xfailed": "xfail",
    "xpassed": "xpass",
}
# pytest's exit codes after which tests are missing from the report.
_UNFINISHED: Final = {
    2: "the run was interrupted",
    3: "pytest had an internal error",
    4: "pytest was misused",
    5: "pytest collected no test",
}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a pytest-json-report."""
    return {"exitcode", "root"} <= set(json_keys(head)) or {"tests", "collectors"} <= set(json_keys(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    An item's result is the worst of set-up, call and teardown; a failed collector is an error of its module. A test
    that pytest-rerunfailures ran again has the outcome ``rerun`` and the stages of its last attempt; those before are
    not described. Where an entry of the same test follows it, it is an attempt of that.

    Raises
    ------
    ReportError
        Not JSON, cut off, or refused.
    """
    content = load_json(path)
    value = mapped(content.value)
    summary = mapped(value.get("summary"))
    report = Report(warnings=list(content.warnings), claimed=_claims(summary))
    report.cases += _collected(value)
    items = listed(value.get("tests", [] if summary else None), "tests")  # --json-report-summary leaves them out
    earlier: list[Attempt] = []
    for item, after in pairwise([*items, {}]):
        attempt, again = _attempt(item)
        follows = again and after.get("nodeid") == item.get("nodeid")
        if follows:
            attempt = replace(attempt, status="fail")
        elif again and attempt.status != "fail":
            earlier.append(Attempt("fail", None, _RERUN))
        elif again:
            report.unread = f"{text(item.get('nodeid')) or 'a test'} was to run again, and no result follows"
            earlier.append(attempt)
            attempt = Attempt("no_result")
        earlier.append(attempt)
        if not follows:
            report.cases.append(_case(text(item.get("nodeid")), earlier))
            earlier = []
    code = whole(value.get("exitcode"))
    report.unread = report.unread or (_UNFINISHED.get(code) if code is not None else None)
    left = (whole(summary.get("collected")) or 0) - (whole(summary.get("deselected")) or 0) - len(items)
    total = (whole(summary.get("total")) or 0) - len(items)
    if report.unread is None and items and max(left, total) > 0:
        report.unread = f"pytest counts {amount(max(left, total), 'test', 'tests')} more than stand here"
    if code == 1 and not report.failing:
        report.unread = report.unread or "pytest ended with exit code 1, and no test says why"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _claims(summary: Mapping[str, Any]) -> dict[str, Any]:
    names = {"passed": "passed", "failed": "failures", "error": "errors", "skipped": "skipped"}
    claims: dict[str, Any] = {ours: whole(summary.get(theirs)) for theirs, ours in names.items()}
    # Expected failures are skipped in our counting; unexpected passes, and those after a rerun, passed.
    for theirs, ours in (("xfailed", "skipped"), ("xpassed", "passed"), ("rerun", "passed")):
        if whole(summary.get(theirs)):
            claims[ours] = (claims[ours] or 0) + (whole(summary.get(theirs)) or 0)
    return claims


def _collected(report: Mapping[str, Any]) -> Iterator[Case]:
    """Yield each module that could not be collected, named as pytest names it in JUnit."""
    for collector in listed(report.get("collectors", []), "collectors"):
        if collector.get("outcome") == "failed":
            module = (text(collector.get("nodeid")) or "").removesuffix(".py").replace("/", ".")
            yield Case.of(module or None, "error", message=text(collector.get("longrepr")) or "collection failure")


def _attempt(item: Mapping[str, Any]) -> tuple[Attempt, bool]:
    """Return the attempt that an item describes, and whether it stands for a test that ran again."""
    outcome = item.get("outcome")
    stages = [mapped(item.get(stage)) for stage in _STAGES]
    times = [seconds for stage in stages if (seconds := number(stage.get("duration"))) is not None]
    failed = [stage for stage in stages if stage.get("outcome") == "failed"]
    told = next((said for stage in [*failed, *stages] if (said := _told(stage))), None)
    again = outcome == "rerun"
    status = _after_rerun(stages) if again else _STATUS.get(str(outcome), "no_result")
    if status in ("pass", "skip", "xpass") and failed:
        status = "error"
    return Attempt(status, sum(times) if times else None, told), again


def _after_rerun(stages: Sequence[Mapping[str, Any]]) -> str:
    """Return how the last attempt of a test that ran again came out; ``fail`` if it did not come out well."""
    outcomes = {str(stage.get("outcome")) for stage in stages if stage}
    if outcomes == {"passed"} and stages[1]:
        return "pass"
    return "skip" if outcomes and outcomes <= {"passed", "skipped"} else "fail"


def _told(stage: Mapping[str, Any]) -> str | None:
    whole_text = text(stage.get("longrepr"))
    return whole_text or text(mapped(stage.get("crash")).get("message"))


def _case(nodeid: str | None, attempts: list[Attempt]) -> Case:
    file, *parts = (nodeid or "").split("::")
    # Parameters may hold the separator: what follows the bracket belongs to the name.
    inside = next((i for i, part in enumerate(parts) if "[" in part), len(parts) - 1)
    name = "::".join(parts[inside:]) if parts else None
    group = ".".join([file.removesuffix(".py").replace("/", "."), *parts[: max(0, inside)]])
    return Case(name or text(nodeid), attempts, group=group or None)
