"""Rust's libtest JSON lines, as cargo test and cargo-nextest write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.collect.content import head_lines, text_lines
from stabkit.collect.json_content import json_line
from stabkit.collect.json_shapes import text, whole
from stabkit.collect.test_reports._cases import Attempt, Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "libtest"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"ok": "pass", "failed": "fail", "ignored": "skip", "timeout": "error"}
_EVENTS: Final = ("started", "discovered", "completed", *_STATUS)


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether any of the first lines is an event of libtest."""
    return any(_is_event(json_line(line)) for line in head_lines(head)[:200])


def _is_event(event: Mapping[str, Any] | None) -> bool:
    return event is not None and event.get("type") in ("suite", "test", "bench") and event.get("event") in _EVENTS


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the events and the ``sources`` row.

    A test that began and never ended has ``no_result``; a suite that never ended, or failed without a failing test,
    leaves the source partial. nextest's retries (``name#2``) are attempts of one test.

    Raises
    ------
    ReportError
        The file is refused.
    """
    report = Report()
    started: dict[str, None] = {}
    attempts: dict[str, list[Attempt]] = {}
    suites, ended, announced, failed = 0, 0, 0, False
    for line in text_lines(path):
        event = json_line(line)
        if event is None or not _is_event(event):
            continue
        kind, what = event["type"], event["event"]
        if kind == "suite":
            suites += what == "started"
            ended += what in ("ok", "failed")
            failed |= what == "failed"
            announced += (whole(event.get("test_count")) or 0) if what == "started" else 0
        elif kind == "test" and (name := text(event.get("name"))) is not None:
            test = _without_retry(name)
            started[test] = None
            if what in _STATUS:
                said = [part for part in (text(event.get("message")), text(event.get("stdout"))) if part]
                attempt = Attempt(_STATUS[what], number(event.get("exec_time")), "\n".join(said) or None)
                attempts.setdefault(test, []).append(attempt)
    for test in started:
        group, separator, name = test.rpartition("::")
        tries = attempts.get(test, [Attempt("no_result")])
        # Only nextest numbers its tries; a test that ends twice otherwise stands in two binaries of one name.
        report.cases.append(Case(name if separator else test, tries, group=group.replace("$", "::") or None))
    report.claimed = {"tests": announced or None}
    if suites > ended:
        report.unread = f"{suites - ended} of {suites} suites never ended"
    elif failed and not report.failing:
        report.unread = "a suite failed, and no test says why"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _without_retry(name: str) -> str:
    head, mark, number_ = name.rpartition("#")
    return head if mark and number_.isdecimal() else name
