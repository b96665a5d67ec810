"""Playwright's JSON reporter: suites of specs, each run in one project or several, each attempt with its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, text, whole
from stabkit.readers import Attempt, Case, Report, number
from stabkit.schema import Evidence
from stabkit.text import amount, without_colours

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "playwright"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {
    "passed": "pass",
    "failed": "fail",
    "timedOut": "fail",
    "skipped": "skip",
}
_COUNTED: Final = ("expected", "unexpected", "flaky", "skipped")
_KEPT_NO_ATTEMPT: Final = "the report calls this test flaky and keeps no failed attempt"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is Playwright's JSON."""
    keys = set(json_keys(head))
    return {"config", "suites"} <= keys or ("config" in keys and b'"projects"' in head and b'"rootDir"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A test runs once in each project, which is its variant; its results are its attempts. What was expected to fail
    and passed is a failure, as Playwright counts it; what was not expected to be skipped and was did not run. An error
    outside of the tests, as of a file that cannot be loaded, is a case in error.

    Raises
    ------
    ReportError
        Not JSON, cut off, refused, or without ``suites``.
    """
    content = load_json(path)
    value = mapped(content.value)
    stats = mapped(value.get("stats"))
    counts = [count for key in _COUNTED if (count := whole(stats.get(key))) is not None]
    report = Report(
        warnings=list(content.warnings),
        claimed={"tests": sum(counts) if counts else None, "failures": whole(stats.get("unexpected"))},
    )
    for spec, titles in _specs(listed(value.get("suites"), "suites")):
        tests = listed(spec.get("tests", []), "tests")
        found = [_case(spec, titles, test) for test in tests or [{}]]
        report.cases += found
        if spec.get("ok") is False and not any(case.status in ("fail", "error", "no_result") for case in found):
            report.add_uncarried(text(spec.get("title")), None, group=_group(titles), file=text(spec.get("file")))
    for error in listed(value.get("errors", []), "errors"):
        place = mapped(error.get("location"))
        report.add_uncarried(text(place.get("file")), _said(error))
    report.unread = _unread(report, stats, mapped(value.get("config")))
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _unread(report: Report, stats: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """Return why more should follow than stands here: flaky tests that the totals count; note which shard it is."""
    flaky = sum(len(case.attempts) > 1 and case.status in ("pass", "xfail") for case in report.cases)
    stated = whole(stats.get("flaky")) or 0
    if stated > flaky:
        return f"its totals count {amount(stated, 'flaky test', 'flaky tests')}, its tests {flaky}"
    shard = mapped(config.get("shard"))
    if shard:
        part, of = whole(shard.get("current")), whole(shard.get("total"))
        report.warnings.append(f"shard {part} of {of}")
    return None


def _specs(suites: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Yield each spec with the titles of the blocks that it stands in, the file's own left out, in document order."""
    stack: list[tuple[dict[str, Any], tuple[str, ...] | None]] = [(suite, None) for suite in reversed(suites)]
    while stack:
        suite, above = stack.pop()
        # The outermost suite is the file, which each spec names itself.
        titles = () if above is None else (*above, str(suite.get("title") or ""))
        for spec in listed(suite.get("specs", []), "specs"):
            yield spec, titles
        stack += [(inner, titles) for inner in reversed(listed(suite.get("suites", []), "suites"))]


def _group(titles: tuple[str, ...]) -> str | None:
    return " > ".join(title for title in titles if title) or None


def _case(spec: Mapping[str, Any], titles: tuple[str, ...], test: Mapping[str, Any]) -> Case:
    results = listed(test.get("results", []), "results")
    attempts = [_attempt(result, text(test.get("expectedStatus"))) for result in results]
    if attempts and all(attempt.status == "no_result" for attempt in attempts):
        attempts = attempts[-1:]  # skipped in each retry of others
    verdict = text(test.get("status"))
    last = attempts[-1].status if attempts else None
    if last is None:
        attempts = [Attempt("skip" if _left_out(test) else "no_result")]
    elif verdict == "unexpected" and last in ("pass", "xfail", "skip"):
        attempts[-1] = Attempt("fail", attempts[-1].time_s, "the report calls this result unexpected")
    elif verdict == "flaky" and len(attempts) == 1:
        attempts.insert(0, Attempt("fail", None, _KEPT_NO_ATTEMPT))
    return Case(
        text(spec.get("title")),
        attempts,
        group=_group(titles),
        file=text(spec.get("file")),
        variant=text(test.get("projectName")),
    )


def _left_out(test: Mapping[str, Any]) -> bool:
    """Say whether a test without a result was to be skipped."""
    return test.get("expectedStatus") == "skipped" and test.get("status") == "skipped"


def _attempt(result: Mapping[str, Any], expected: str | None) -> Attempt:
    took = number(result.get("duration"), scale=0.001)
    errors = [mapped(error) for error in entries(result.get("errors"))] or [mapped(result.get("error"))]
    said = "\n".join(filter(None, map(_said, errors))) or None
    status = _STATUS.get(str(result.get("status")), "no_result")
    if status == "skip" and expected != "skipped":
        return Attempt("no_result", took, said or "not expected to be skipped: it did not run")
    if expected == "failed" and status == "fail":
        return Attempt("xfail", took, said)
    if expected == "failed" and status == "pass":
        return Attempt("fail", took, said or "expected to fail, but passed")
    return Attempt(status, took, said)


def _said(error: Mapping[str, Any]) -> str | None:
    found = text(error.get("stack")) or text(error.get("message")) or text(error.get("value"))
    return without_colours(found) if found else None
