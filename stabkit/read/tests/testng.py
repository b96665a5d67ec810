"""TestNG: ``testng-results`` with suites, tests, classes and methods; configuration methods are no tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stabkit.read.content import xml_root
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.read.xml_tree import Element, joined_text, read_tree
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "testng"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"pass": "pass", "fail": "fail", "skip": "skip"}
_ROOT: Final = "testng-results"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a TestNG report, by its root element."""
    return xml_root(head) == _ROOT


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A test method runs once in each ``<test>`` of the suite, which is where browsers and devices stand: the variant.
    A configuration method (``is-config``) counts only if it failed: a case in error. A skip with ``retried="true"`` is
    a failed attempt of the next result of that test.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = Report.of(sound)
    retried: dict[tuple[str | None, ...], list[Attempt]] = {}
    for suite_name, test, group, method in _methods(tree):
        attempt = _attempt(method)
        name = _name(method)
        key = (suite_name, test, group, name)
        if (method.get("is-config") or "").lower() == "true":
            if attempt.status not in ("pass", "skip"):
                report.add_uncarried(name, attempt.message, group=group, suite=suite_name, variant=test)
        elif (method.get("retried") or "").lower() == "true":
            earlier = Attempt("fail", attempt.time_s, attempt.message)
            retried.setdefault(key, []).append(earlier)
        else:
            tries = [*retried.pop(key, []), attempt]
            report.cases.append(Case(name, tries, group=group, suite=suite_name, variant=test))
    report.claimed["failed"] = tree.count("failed")
    total, methods = tree.count("total"), sum(1 for _ in _methods(tree))
    # Some versions count the configuration methods and each attempt, others do not.
    if total is not None and total > methods + (tree.count("ignored") or 0):
        report.claimed["tests"] = total
    for (suite_name, test, group, name), tries in retried.items():
        report.unread = "a test was to run again, and no result follows"
        report.cases.append(Case(name, [*tries, Attempt("no_result")], group=group, suite=suite_name, variant=test))
    report.note_foreign(tree, "suite", "reporter-output", "groups")
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _methods(tree: Element) -> Iterator[tuple[str | None, str | None, str | None, Element]]:
    suite = test = group = None
    for element in tree.walk():  # document order: a method belongs to the suite, test and class that began last
        if element.name == "suite":
            suite, test = element.get("name"), None
        elif element.name == "test":
            test = element.get("name") or None
        elif element.name == "class":
            group = element.get("name")
        elif element.name == "test-method":
            yield suite, test, group, element


def _name(method: Element) -> str | None:
    values = [value.text or "" for param in method.named("param") for value in param.children if value.name == "value"]
    name = method.get("name")
    return f"{name}[{', '.join(values)}]" if name and values else name


def _attempt(method: Element) -> Attempt:
    error = method.child("exception")
    message = joined_text(error.child("message"), error.child("full-stacktrace")) if error else None
    status = _STATUS.get((method.get("status") or "").lower(), "fail" if error else "no_result")
    return Attempt(status, number(method.get("duration-ms"), scale=0.001), message)
