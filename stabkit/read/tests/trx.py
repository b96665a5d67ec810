"""TRX, Visual Studio's test results: outcomes joined to their definitions by id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stabkit.read.content import xml_root
from stabkit.read.tests._parts.cases import Case, Report, assembly_name
from stabkit.read.xml_tree import Element, failed_alone, joined_text, read_tree
from stabkit.schema import Evidence
from stabkit.vocabulary import BAD

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "trx"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {
    "passed": "pass",
    "warning": "pass",
    "passedbutrunaborted": "pass",
    "failed": "fail",
    "notexecuted": "skip",
    "inconclusive": "skip",
}
_CLOCK: Final = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$", re.ASCII)
_UNFINISHED: Final = ("aborted", "timeout", "disconnected")
_ROOT: Final = "TestRun"
# What adapters note of a test that failed; any other error that is noted is the run's own.
_NOTES_OF_TESTS: Final = (
    re.compile(r"\[xUnit\.net [^\]]*\]\s+(?P<name>.+) \[FAIL\]", re.DOTALL),
    re.compile(r"Exit code indicates failure: '2'\..*", re.DOTALL),  # Microsoft.Testing.Platform: a test failed
)
_PARTS: Final = (
    *("Results", "TestDefinitions", "TestEntries", "TestLists", "ResultSummary", "Times", "TestSettings"),
    *("TestRunConfiguration", "Build"),
)
_RESULT: Final = re.compile(r"\w*TestResult")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a TRX report, by its root element."""
    return xml_root(head) == _ROOT


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    An outcome that is missing, unknown, or says that the test was broken off is an error. Of a data-driven test its
    inner results are the cases, and it is one itself where it failed and none of them did. A run that failed without a
    failing test is a case in error. Errors that the run notes leave the source partial, but for those that only repeat
    which test failed.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = Report.of(sound)
    groups: dict[str | None, str | None] = {}
    built: dict[str | None, str] = {}
    for definition in tree.named("UnitTest"):
        method = definition.child("TestMethod")
        group = (method.get("className") or "").partition(",")[0].strip() if method else ""
        groups[definition.get("id")] = group or None
        built[definition.get("id")] = assembly_name(definition.get("storage") or "")
    if len(set(built.values())) < 2:
        built = {}  # one assembly tells no two results apart, but the machines that ran it may
    results = [element for element in tree.walk() if _RESULT.fullmatch(element.name)]
    report.cases = [
        _case(result, groups.get(result.get("testId")), built.get(result.get("testId")))
        for result in results
        if not _inner(result)
    ]
    for result in failed_alone(tree, suite=_failed, case=lambda element: _failed(element) and not _inner(element)):
        report.cases.append(_case(result, groups.get(result.get("testId")), built.get(result.get("testId"))))
    summary = tree.child("ResultSummary")
    outcome = ((summary.get("outcome") if summary else None) or "").lower()
    counters = summary.child("Counters") if summary else None
    if counters and len(results) == len(report.cases):
        report.claimed = {"tests": counters.count("total"), "failures": counters.count("failed")}
        stated = [count for name in ("error", *_UNFINISHED) if (count := counters.count(name)) is not None]
        report.claimed["errors"] = sum(stated) if stated else None
    if outcome in _UNFINISHED:
        report.unread = f"the run was {outcome}"
    elif summary and any(_own_error(info, report) for info in summary.named("RunInfo")):
        report.unread = "the run reports an error of its own"
    if outcome in ("failed", "error", *_UNFINISHED) and not report.failing:
        told = [info for info in (summary.named("Text") if summary else ()) if info.text]
        report.add_uncarried(tree.get("name") or "test run", joined_text(*told))
    report.note_foreign(tree, *_PARTS)
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _own_error(info: Element, report: Report) -> bool:
    """Say whether a note of the run tells of an error that no failing test carries."""
    if (info.get("outcome") or "").lower() != "error":
        return False
    note = info.child("Text")
    said = (note.text or "").strip() if note else ""
    found = next((match for pattern in _NOTES_OF_TESTS if (match := pattern.fullmatch(said))), None)
    if found is None:
        return True
    name = found.groupdict().get("name")
    bad = [case.name for case in report.cases if case.status in BAD and case.name]
    return not (any(name.endswith(one) for one in bad) if name else bad)


def _inner(result: Element) -> bool:
    inner = result.child("InnerResults")
    return inner is not None and any(_RESULT.fullmatch(child.name) for child in inner.children)


def _failed(element: Element) -> bool:
    return _RESULT.fullmatch(element.name) is not None and _status(element) in ("fail", "error")


def _status(result: Element) -> str:
    return _STATUS.get((result.get("outcome") or "").lower(), "error")


def _case(result: Element, group: str | None, built: str | None) -> Case:
    info = result.child("Output", "ErrorInfo")
    message = joined_text(info.child("Message"), info.child("StackTrace")) if info else None
    name = result.get("testName")
    if name and group:
        name = name.removeprefix(f"{group}.")
    return Case.of(
        name,
        _status(result),
        time_s=_seconds(result.get("duration")),
        message=message,
        group=group,
        variant=built or result.get("computerName"),
    )


def _seconds(clock: str | None) -> float | None:
    """Return the seconds of ``[days.]hours:minutes:seconds``; None for anything else."""
    found = _CLOCK.match(clock or "")
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
