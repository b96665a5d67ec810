"""Rust's libtest JSON lines, as cargo test and cargo-nextest write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.json_content import broken_events, json_line
from stabkit.read.json_shapes import text, whole
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "libtest"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"ok": "pass", "failed": "fail", "ignored": "skip"}
_KINDS: Final = ("suite", "test", "bench")
_EVENTS: Final = ("started", "discovered", "completed", "timeout", *_STATUS)


def recognise(head: bytes) -> bool:
    """Say whether any of the first lines is an event of libtest."""
    return any(_is_event(json_line(line)) for line in head_lines(head)[:200])


def _is_event(event: Mapping[str, Any] | None) -> bool:
    return event is not None and event.get("type") in _KINDS and event.get("event") in _EVENTS


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the events and the ``sources`` row.

    A test that began and never ended, or ended in a way that is not understood, has ``no_result``; a suite that never
    ended, or failed without a failing test, leaves the source partial. nextest's retries (``name#2``) are attempts of
    one test; a name that two binaries share stands for two tests.

    Raises
    ------
    ReportError
        The file is refused.
    """
    report = Report()
    tests: list[tuple[str, list[Attempt]]] = []
    latest: dict[str, list[Attempt]] = {}
    slow: set[int] = set()
    suites, ended, announced, failed, broken, stated = 0, 0, 0, 0, 0, 0
    for line in text_lines(path):
        event = json_line(line)
        if event is None or event.get("type") not in _KINDS:
            broken += event is None and line.startswith('{"')  # other lines are output of the tests
            continue
        kind, what = event["type"], str(event.get("event"))
        if kind == "suite":
            suites += what == "started"
            ended += what in ("ok", "failed")
            failed += what == "failed"
            stated += max(whole(event.get("failed")) or 0, what == "failed")
            announced += (whole(event.get("test_count")) or 0) if what == "started" else 0
        elif kind == "test" and (name := text(event.get("name"))) is not None:
            test = _without_retry(name)
            # Only nextest numbers its tries: a plain name that comes again stands in another binary.
            again = test == name and (what == "started" or bool(latest.get(test)))
            if test not in latest or again:
                latest[test] = []
                tests.append((test, latest[test]))
            if what == "timeout":  # it takes long: its end may follow all the same
                slow.add(id(latest[test]))
            elif what in _STATUS or what not in _EVENTS:
                said = [part for part in (text(event.get("message")), text(event.get("stdout"))) if part]
                status = _STATUS.get(what, "no_result")
                latest[test].append(Attempt(status, number(event.get("exec_time")), "\n".join(said) or None))
    for test, tries in tests:
        group, separator, name = test.rpartition("::")
        place = group.replace("$", "::") or None
        unended = Attempt("error" if id(tries) in slow else "no_result")
        report.cases.append(Case(name if separator else test, tries or [unended], group=place))
    report.claimed = {"tests": announced or None}
    report.unread = broken_events(broken)
    report.told.append(stated)
    if suites > ended:
        report.unread = f"{suites - ended} of {suites} suites never ended"
    elif failed and not broken and not report.failing:
        report.unread = "a suite failed, and no test says why"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _without_retry(name: str) -> str:
    head, mark, number_ = name.rpartition("#")
    return head if mark and number_.isdecimal() else name
