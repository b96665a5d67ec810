"""``dart test --reporter json`` and ``flutter test --machine``: one event a line, times on one clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.json_content import broken_events, json_line
from stabkit.read.json_shapes import mapped, text, whole
from stabkit.read.tests._parts.cases import Attempt, Case, Report
from stabkit.schema import Evidence
from stabkit.vocabulary import STATUSES

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "dart-test"
KIND: Final = "tests"

_STATUS: Final[Mapping[str, str]] = {"success": "pass", "failure": "fail", "error": "error"}


def recognise(head: bytes) -> bool:
    """Say whether any of the first lines begins dart's protocol."""
    return any("protocolVersion" in (json_line(line) or {}) for line in head_lines(head)[:200])


@dataclass
class _Test:
    """One test as the events tell it."""

    name: str | None
    suite: str | None
    started: int | None
    status: str = "no_result"
    ended: int | None = None
    hidden: bool = False
    platform: str | None = None
    said: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        if self.started is None or self.ended is None or self.ended < self.started:
            return None
        return (self.ended - self.started) / 1000

    def worsen(self, status: str) -> None:
        if self.status == "no_result" or STATUSES.index(status) > STATUSES.index(self.status):
            self.status = status


class _Events:
    """The events of a file, taken one by one; ids are those of a run, and runs may have been appended to one file."""

    def __init__(self) -> None:
        self.tests: list[_Test] = []
        self.latest: dict[int, _Test] = {}
        self.suites: dict[int, tuple[str | None, str | None]] = {}
        self.starts = self.ends = 0
        self.failed = False

    def take(self, event: Mapping[str, Any]) -> None:
        match event.get("type"):
            case "start":
                self.starts += 1
                self.suites, self.latest = {}, {}
            case "suite":
                found = mapped(event.get("suite"))
                self.suites[whole(found.get("id")) or 0] = text(found.get("path")), text(found.get("platform"))
            case "testStart":
                found = mapped(event.get("test"))
                path, platform = self.suites.get(whole(found.get("suiteID")) or 0, (None, None))
                self._add(
                    found.get("id"), _Test(text(found.get("name")), path, whole(event.get("time")), platform=platform)
                )
            case "error":
                _take_error(self._begun(event), event)
            case "testDone":
                _take_end(self._begun(event), event)
            case "done":
                self.ends += 1
                self.failed |= event.get("success") is not True

    def _add(self, number: object, test: _Test) -> _Test:
        self.latest[whole(number) or 0] = test
        self.tests.append(test)
        return test

    def _begun(self, event: Mapping[str, Any]) -> _Test:
        """Return the test that an event speaks of; its start may be missing, its end counts all the same."""
        number = event.get("testID")
        return self.latest.get(whole(number) or 0) or self._add(number, _Test(None, None, None))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the events and the ``sources`` row.

    Hidden successes (loading a file) are no cases, hidden failures are. An error after a test's end makes it a failure.
    A file without the final event is partial. Runs that were appended to one file all count.

    Raises
    ------
    ReportError
        The file is refused.
    """
    events = _Events()
    broken = 0
    for line in text_lines(path):
        event = json_line(line)
        if event is not None:
            events.take(event)
        else:
            broken += line.startswith('{"')
    report = Report(unread=broken_events(broken))
    for test in events.tests:
        if not (test.hidden and test.status == "pass"):
            attempt = Attempt(test.status, test.seconds, "\n".join(test.said) or None)
            report.cases.append(Case(test.name, [attempt], file=test.suite, variant=test.platform))
    if events.ends < max(events.starts, 1):
        report.unread = "the run never said that it is done"
    elif events.failed and not broken and not report.failing:
        report.unread = "the run was not successful, and no test says why"
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


def _take_error(test: _Test, event: Mapping[str, Any]) -> None:
    test.said += [part for part in (text(event.get("error")), text(event.get("stackTrace"))) if part]
    test.worsen("fail" if event.get("isFailure") is True else "error")


def _take_end(test: _Test, event: Mapping[str, Any]) -> None:
    test.ended, test.hidden = whole(event.get("time")), event.get("hidden") is True
    status = _STATUS.get(str(event.get("result")))
    if status is not None:
        test.worsen("skip" if event.get("skipped") is True and status == "pass" else status)
