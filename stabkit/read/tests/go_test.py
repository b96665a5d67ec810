"""``go test -json`` (test2json): one event a line, mixed with what the build prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.json_content import broken_events, json_line
from stabkit.read.json_shapes import text
from stabkit.read.tests._parts.cases import TEXT_LIMIT, Attempt, Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "go-test"
KIND: Final = "tests"

_RESULTS: Final[Mapping[str, str]] = {"pass": "pass", "fail": "fail", "skip": "skip"}
_ACTIONS: Final = (
    *_RESULTS,
    *("start", "run", "pause", "cont", "bench", "output", "build-output", "build-fail", "attr", "artifacts"),
)


def recognise(head: bytes) -> bool:
    """Say whether any of the first lines is an event of test2json."""
    return any(_is_event(json_line(line)) for line in head_lines(head)[:200])


def _is_event(event: Mapping[str, Any] | None) -> bool:
    return event is not None and event.get("Action") in _ACTIONS and ("Package" in event or "ImportPath" in event)


@dataclass
class _Running:
    """A test or a package that began; its output until its result."""

    output: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, line: str) -> None:
        if self.size <= TEXT_LIMIT:
            self.output.append(line)
            self.size += len(line)

    @property
    def message(self) -> str | None:
        return "".join(self.output).strip() or None


@dataclass
class _Package:
    """What is known of one package."""

    running: dict[str, _Running] = field(default_factory=dict)
    printed: _Running = field(default_factory=_Running)
    failed_test: bool = False
    result: str | None = None


class _Events:
    """The events of a file, taken one by one."""

    def __init__(self) -> None:
        self.report = Report()
        self.packages: dict[str, _Package] = {}
        self.builds: dict[str, _Running] = {}
        self.failed_builds: dict[str, None] = {}
        self.others = self.broken = 0

    def take(self, event: Mapping[str, Any]) -> None:
        action, name = event.get("Action"), event.get("Package")
        if action in ("build-output", "build-fail"):
            place = str(event.get("ImportPath"))
            self.builds.setdefault(place, _Running()).add(str(event.get("Output", "")))
            if action == "build-fail":
                self.failed_builds[place] = None
            return
        if not isinstance(name, str):
            return
        package = self.packages.setdefault(name, _Package())
        test = text(event.get("Test"))
        if test is not None:
            self._take_test(name, package, test, event)
        elif action == "output":
            package.printed.add(str(event.get("Output", "")))
            if "(cached)" in str(event.get("Output", "")):
                self.report.warnings.append("results are cached: not every package was run afresh")
        elif action in _RESULTS:
            package.result = str(action)
            self._close(name, package, event)

    def _take_test(self, name: str, package: _Package, test: str, event: Mapping[str, Any]) -> None:
        action = event.get("Action")
        if action == "run":
            if test in package.running:  # run again before it ended
                self._add(name, test, Attempt("no_result", None, package.running[test].message))
            package.running[test] = _Running()
        elif action == "output":
            package.running.setdefault(test, _Running()).add(str(event.get("Output", "")))
        elif action in _RESULTS:
            running = package.running.pop(test, _Running())
            status = _RESULTS[str(action)]
            package.failed_test |= status == "fail"
            message = running.message if status != "pass" else None
            self._add(name, test, Attempt(status, number(event.get("Elapsed")), message))

    def _add(self, package: str, test: str, attempt: Attempt) -> None:
        self.report.cases.append(Case(test, [attempt], group=package, suite=package))

    def _close(self, name: str, package: _Package, event: Mapping[str, Any]) -> None:
        for test, running in package.running.items():
            # A benchmark that passes has no event of its own for that (golang/go#61767).
            good = package.result == "pass" and test.startswith("Benchmark")
            package.failed_test |= not good
            self._add(name, test, Attempt("pass") if good else Attempt("no_result", None, running.message))
        package.running = {}
        if package.result == "fail":
            self.failed_builds.pop(str(event.get("FailedBuild")), None)
        if package.result == "fail" and not package.failed_test:
            build = self.builds.get(str(event.get("FailedBuild")), _Running())
            self.report.add_uncarried(name, build.message or package.printed.message, group=name, suite=name)

    def finish(self) -> Report:
        open_ = [name for name, package in self.packages.items() if package.result is None]
        for name in open_:
            for test, running in self.packages[name].running.items():
                self._add(name, test, Attempt("no_result", None, running.message))
        self.report.unread = broken_events(self.broken)
        if open_:
            more = f" and {len(open_) - 1} more" if len(open_) > 1 else ""
            self.report.unread = f"package {open_[0][:200]}{more} never ended"
        for name in self.failed_builds if self.packages else self.builds:  # no package says that its build failed
            self.report.add_uncarried(name, self.builds[name].message, group=name, suite=name)
        if self.others:
            self.report.warnings.append(f"{self.others} lines are no events: output of the build, or cut")
        return self.report


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the events and the ``sources`` row.

    Each test of a package is a case, parents of subtests too; one that began and never ended has ``no_result``. A
    package that failed without a failing test (it did not build, or ``TestMain`` ended it) is a case in error.

    Raises
    ------
    ReportError
        The file is refused.
    """
    events = _Events()
    for line in text_lines(path):
        event = json_line(line)
        if event is not None and _is_event(event):
            events.take(event)
        elif event is None and line.startswith('{"'):
            events.broken += 1
        elif line.strip():
            events.others += 1
    return events.finish().evidence(path, form=FORMAT, suite=suite, root=root)
