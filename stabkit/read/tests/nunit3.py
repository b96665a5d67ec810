"""NUnit 3: ``test-run`` with nested suites; the result has a label that says more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stabkit.read.content import xml_root
from stabkit.read.tests._parts.cases import Case, Report, assembly_name, number
from stabkit.read.xml_tree import Element, deepest_total, failed_alone, failure_text, read_tree
from stabkit.schema import Evidence
from stabkit.vocabulary import BAD

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "nunit3"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {
    "passed": "pass",
    "warning": "pass",
    "failed": "fail",
    "skipped": "skip",
    "inconclusive": "skip",
}
_ERRORS: Final = ("error", "invalid", "cancelled")
_ROOT: Final = "test-run"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is an NUnit 3 report, by its root element."""
    return xml_root(head) == _ROOT


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A warning passes, an inconclusive test is skipped. A suite that failed without a failing case (in its set-up, or as
    an assembly that did not load) is a case in error.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = Report.of(sound)
    report.claimed = {"tests": tree.count("total"), "passed": tree.count("passed"), "failed": tree.count("failed")}
    # Warnings are neither passed nor failed in the header; here they pass.
    if report.claimed["passed"] is not None:
        report.claimed["passed"] += sum(case.get("result") == "Warning" for case in tree.named("test-case"))
    report.told.append(deepest_total(tree, ["test-suite"], "failed"))
    report.cases = [_case(element, variant) for element, variant in _cases(tree)]
    for element in failed_alone(tree, suite=_failed_suite, case=_bad_case):
        report.add_uncarried(element.get("fullname") or element.get("name"), failure_text(element))
    report.note_foreign(tree, "test-suite", "test-case", "command-line", "filter", "environment", "settings")
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _failed_suite(element: Element) -> bool:
    return element.name in ("test-suite", _ROOT) and (element.get("result") or "").lower() == "failed"


def _bad_case(element: Element) -> bool:
    return element.name == "test-case" and _status(element) in BAD


def _status(element: Element) -> str:
    without = "no_result" if element.child("failure") is None else "fail"
    status = _STATUS.get((element.get("result") or "").lower(), without)
    return "error" if status == "fail" and (element.get("label") or "").lower() in _ERRORS else status


def _cases(tree: Element) -> Iterator[tuple[Element, str | None]]:
    """Yield each case with what tells it from others of its name: its assembly, and the arguments of its fixture."""
    stack: list[tuple[Element, str | None, str | None]] = [(tree, None, None)]
    while stack:
        element, assembly, fixture = stack.pop()
        if element.name == "test-case":
            yield element, " ".join(part for part in (assembly, fixture) if part) or None
            continue
        if _is(element, "Assembly"):
            assembly = assembly_name(element.get("fullname") or element.get("name") or "")
        elif _is(element, "TestFixture"):
            _, bracket, arguments = (element.get("name") or "").partition("(")
            fixture = bracket + arguments or None
        stack += [(child, assembly, fixture) for child in reversed(element.children)]


def _is(element: Element, kind: str) -> bool:
    return element.name == "test-suite" and element.get("type") == kind


def _case(element: Element, variant: str | None) -> Case:
    message = failure_text(element, element.child("reason", "message"))
    name, group = element.get("name"), element.get("classname")
    if group is None and name is not None:
        full = element.get("fullname") or ""
        group = full.removesuffix(name).rstrip(".") or None
    took = number(element.get("duration"))
    return Case.of(name, _status(element), time_s=took, message=message, group=group, variant=variant)
