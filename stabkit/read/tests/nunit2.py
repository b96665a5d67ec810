"""NUnit 2: ``test-results`` with nested suites, each case named in full."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stabkit.read.content import xml_root
from stabkit.read.tests._parts.cases import Case, Report, number
from stabkit.read.xml_tree import Element, failed_alone, failure_text, read_tree
from stabkit.schema import Evidence
from stabkit.vocabulary import BAD

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "nunit2"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {
    "success": "pass",
    "failure": "fail",
    "error": "error",
    "cancelled": "error",
    "notrunnable": "error",
    "invalid": "error",
    "ignored": "skip",
    "skipped": "skip",
    "inconclusive": "skip",
}
_ROOT: Final = "test-results"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is an NUnit 2 report, by its root element."""
    return xml_root(head) == _ROOT


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A suite that failed without a failing case is a case in error.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = Report.of(sound)
    report.claimed = {key: tree.count(key) for key in ("failures", "errors")}
    report.cases = [_case(element) for element in tree.named("test-case")]
    total = tree.count("total")
    if total is not None and total > len(report.cases):  # it leaves out what did not run, and may well be less
        report.claimed["tests"] = total
    for element in failed_alone(tree, suite=_failed_suite, case=_bad_case):
        report.add_uncarried(element.get("name"), failure_text(element))
    report.note_foreign(tree, "test-suite", "test-case", "environment", "culture-info")
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _failed_suite(element: Element) -> bool:
    return element.name == "test-suite" and (element.get("result") or "").lower() in ("failure", "error")


def _bad_case(element: Element) -> bool:
    return element.name == "test-case" and _status(element) in BAD


def _status(element: Element) -> str:
    result = (element.get("result") or "").lower()
    if result in _STATUS:
        return _STATUS[result]
    # Older writers say it in two attributes, those who imitate them by an element.
    if (element.get("executed") or "").lower() == "false":
        return "skip"
    without = "no_result" if element.child("failure") is None else "fail"
    return {"true": "pass", "false": "fail"}.get((element.get("success") or "").lower(), without)


def _case(element: Element) -> Case:
    full = element.get("name") or ""
    bare, bracket, parameters = full.partition("(")
    group, _, name = bare.rpartition(".")
    return Case.of(
        f"{name}{bracket}{parameters}" or None,
        _status(element),
        time_s=number(element.get("time")),
        message=failure_text(element, element.child("reason", "message")),
        group=group or None,
    )
