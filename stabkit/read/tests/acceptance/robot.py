"""Robot Framework's output.xml: suites of tests, each with a status; what a failed tear-down undoes is undone here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.read.content import xml_root
from stabkit.read.xml_tree import Element, read_tree
from stabkit.readers import Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "robot"
KIND: Final = "tests"
_ROOT: Final = "robot"

_STATUS: Final[Mapping[str, str]] = {"pass": "pass", "fail": "fail", "skip": "skip"}
_TIME: Final = "%Y%m%d %H:%M:%S.%f"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is Robot Framework's output."""
    return xml_root(head) == _ROOT


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    A tear-down of a suite that fails is told once, and makes every test beneath it fail, as Robot Framework counts it.
    A suite that could not be parsed is missing from the report: the source is partial.

    Raises
    ------
    ReportError
        Malformed, refused, or cut off before its first element.
    """
    tree, sound = read_tree(path, _ROOT)
    report = Report.of(sound)
    for test, names, undone in _tests(tree):
        case = _case(test, names)
        if undone is not None and case.status == "pass":
            case = Case.of(case.name, "fail", time_s=case.attempts[-1].time_s, message=undone, group=case.group)
        report.cases.append(case)
    total = _total(tree)
    if total is not None:
        counts = {key: total.count(key) for key in ("pass", "fail", "skip")}
        known = [count for count in counts.values() if count is not None]
        report.claimed = {"tests": sum(known) if known else None, "failures": counts["fail"]}
    for message in (one for errors in tree.children if errors.name == "errors" for one in errors.named("msg")):
        said = message.text or ""
        if message.get("level") == "ERROR" and said.startswith("Parsing"):
            report.unread = report.unread or said[:300]
        elif message.get("level") == "ERROR":
            report.warnings.append(said[:300])
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _tests(tree: Element) -> Iterator[tuple[Element, tuple[str, ...], str | None]]:
    """Yield each test with the names of its suites, and why a tear-down above it failed; in document order."""
    stack: list[tuple[Element, tuple[str, ...], str | None]] = [(tree, (), None)]
    while stack:
        element, names, undone = stack.pop()
        if element.name == "test":
            yield element, names, undone
            continue
        if element.name == "suite":
            names = (*names, element.get("name") or "")
            undone = undone or _failed_teardown(element)
        stack += [(child, names, undone) for child in reversed(element.children) if child.name in ("suite", "test")]


def _failed_teardown(suite: Element) -> str | None:
    for keyword in suite.children:
        status = keyword.child("status")
        if (keyword.get("type") or "").lower() == "teardown" and status is not None and _word(status) == "fail":
            said = status.text or next((m.text for m in keyword.named("msg") if m.get("level") == "FAIL"), None)
            return f"parent suite teardown failed: {said or 'no message'}"
    return None


def _word(status: Element | None) -> str:
    return "" if status is None else (status.get("status") or "").lower()


def _case(test: Element, names: tuple[str, ...]) -> Case:
    status = test.child("status")
    message = None if status is None else status.text
    took = None if status is None else _seconds(status)
    word = _STATUS.get(_word(status), "no_result")
    return Case.of(test.get("name"), word, time_s=took, message=message, group=".".join(filter(None, names)) or None)


def _seconds(status: Element) -> float | None:
    """Return how long a test took; before version 7 two moments said it."""
    if (elapsed := status.get("elapsed")) is not None:
        return number(elapsed)
    moments = [pd.to_datetime(status.get(key), format=_TIME, errors="coerce") for key in ("starttime", "endtime")]
    return None if any(pd.isna(moment) for moment in moments) else number((moments[1] - moments[0]).total_seconds())


def _total(tree: Element) -> Element | None:
    """Return the statistics of all tests, which stand last where critical ones are counted apart."""
    totals = tree.child("statistics", "total")
    stats = [child for child in totals.children if child.name == "stat"] if totals is not None else []
    return stats[-1] if stats else None
