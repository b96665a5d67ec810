"""TAP, the Test Anything Protocol, versions 12 to 14: plans, points, subtests, directives, YAML blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.tests._parts.cases import TEXT_LIMIT, Attempt, Case, Report, number
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "tap"
KIND: Final = "tests"

_VERSION: Final = re.compile(r"TAP version \d+", re.IGNORECASE)
_PLAN: Final = re.compile(r"1\.\.(\d{1,9})(?:\s*#\s*(.*))?$")
_POINT: Final = re.compile(r"(not )?ok\b(?:[ \t]+(\d{1,9}))?[ \t]*(?:-[ \t]+)?(.*)$")
_DIRECTIVE: Final = re.compile(r"(?<!\\)#\s*(TODO\b|SKIP\w*)[ \t]*:?[ \t]*(.*)$", re.IGNORECASE)
_BAIL: Final = re.compile(r"Bail out!(.*)", re.IGNORECASE)
_DURATION: Final = re.compile(r"^\s*duration_ms:\s*([\d.]+)\s*$", re.MULTILINE)
_DEEPEST: Final = 100


def recognise(head: bytes) -> bool:
    """Say whether the first lines that say anything are TAP's."""
    for line in head_lines(head)[:200]:
        if _VERSION.match(line) or _PLAN.match(line):
            return True
        if re.match(r"(not )?ok \d", line):
            return True
        if line.strip() and not line.startswith(("#", " ")):
            return False
    return False


@dataclass
class _Level:
    """The points of one depth since the last point above them."""

    cases: list[Case] = field(default_factory=list)
    plan: int | None = None
    points: int = 0
    numbers: dict[int, bool] = field(default_factory=dict)
    twice: set[int] = field(default_factory=set)

    def count(self, number: str | None, *, good: bool) -> None:
        """Take one point's number into account; a point without one has its place."""
        self.points += 1
        found = int(number) if number else self.points
        if found in self.numbers:
            self.twice.add(found)
        self.numbers[found] = good and self.numbers.get(found, True)

    @property
    def short(self) -> str | None:
        """Why points are missing; None if none are."""
        if self.plan is None:
            return "a plan is missing" if self.points else None
        if self.plan != self.points:
            return f"the plan says {self.plan}, {self.points} came"
        # mocha gives the failure of a hook the number of the point that comes next; what passes has one of its own.
        if (twice := next((number for number in sorted(self.twice) if self.numbers[number]), None)) is not None:
            return f"point {twice} came twice, so another never came"
        if self.twice:
            return None
        return f"point {max(self.numbers)} is beyond the plan" if max(self.numbers, default=0) > self.plan else None


class _Points:
    """The lines of a report, taken one by one."""

    def __init__(self) -> None:
        self.report = Report()
        self.levels = [_Level()]

    def take(self, depth: int, line: str) -> Case | None:
        """Take one line; return the case that it begins, whose YAML block may follow."""
        if (bail := _BAIL.match(line)) is not None:
            self.report.unread = f"bailed out: {bail.group(1).strip()[:200]}".rstrip(": ")
        elif (plan := _PLAN.match(line)) is not None:
            self._level(depth).plan = int(plan.group(1))
            if plan.group(1) == "0" and depth == 0:
                self.report.warnings.append(f"everything was skipped: {(plan.group(2) or 'no reason')[:200]}")
        elif (point := _POINT.match(line)) is not None:
            return self._point(depth, point)
        return None

    def _level(self, depth: int) -> _Level:
        while len(self.levels) <= depth:
            self.levels.append(_Level())
        return self.levels[depth]

    def _point(self, depth: int, point: re.Match[str]) -> Case:
        good, said = point.group(1) is None, point.group(3)
        directive = _DIRECTIVE.search(said)
        word = directive.group(1).upper() if directive else ""
        word = "SKIP" if word.startswith("SKIP") else word  # "# Skipped: why" says so too
        name = (said[: directive.start()] if directive else said).strip().replace("\\#", "#").replace("\\\\", "\\")
        status = "pass" if good else "fail"
        if word == "SKIP" and good:  # nothing that was skipped can fail; perl's own harness reads it so too
            status = "skip"
        elif word == "TODO":
            status = "xpass" if good else "xfail"
        level = self._level(depth)
        level.count(point.group(2), good=good)
        reason = directive.group(2).strip() or None if directive else None
        case = Case.of(name or f"test {point.group(2) or level.points}", status, message=reason)
        inner = self._close(depth + 1)
        if not inner:  # no subtest, or one that skipped all of its points
            level.cases.append(case)
            return case
        for child in inner:
            child.group = f"{case.name} > {child.group}" if child.group else case.name
        if status == "fail" and not any(child.status in ("fail", "error") for child in inner):
            case.attempts = [Attempt("error", None, reason or "it failed, none of its subtests did")]
            inner.append(case)
        level.cases += inner
        return case

    def _close(self, depth: int) -> list[Case] | None:
        """Return the points below a point that has just come; None if there are none."""
        below, self.levels = self.levels[depth:], self.levels[:depth]
        found = [level for level in below if level.points or level.plan is not None]
        if not found:
            return None
        for level in found:
            if level.short and self.report.unread is None:
                self.report.unread = f"of a subtest {level.short}"
        return [case for level in found for case in level.cases]

    def finish(self) -> Report:
        top = self.levels[0]
        left = self._close(1) or []
        if left and self.report.unread is None:
            self.report.unread = "subtests came, and the point above them did not"
        if top.short and self.report.unread is None:
            self.report.unread = top.short
        self.report.cases = [*top.cases, *left]
        self.report.claimed = {} if any(case.group for case in self.report.cases) else {"tests": top.plan}
        return self.report


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``tests`` of the report and its ``sources`` row.

    The leaves of subtests are cases, grouped by the points above them; a point that failed though its subtests passed
    is a case in error. ``not ok # TODO`` is ``xfail``, ``ok # TODO`` ``xpass``. A plan that is not met, or a bail out,
    leaves the source partial.

    Raises
    ------
    ReportError
        The file is refused.
    """
    points = _Points()
    lines = text_lines(path)
    last: Case | None = None
    line = next(lines, None)
    while line is not None:
        body = line.lstrip(" ")
        if body.rstrip() == "---" and last is not None:
            block, line = _block(lines, len(line) - len(body))
            _describe(last, block)
        else:
            depth = min((len(line) - len(body)) // 4, _DEEPEST)
            last = points.take(depth, body.rstrip()) or last
            line = next(lines, None)
    return points.finish().evidence(path, form=FORMAT, suite=suite, root=root)


def _block(lines: Iterator[str], indent: int) -> tuple[str, str | None]:
    """Return the YAML block that has begun, as much of it as a message holds, and the first line after it.

    What stands further left and speaks to the harness ends a block that never says so.
    """
    kept: list[str] = []
    size = 0
    for line in lines:
        body = line.lstrip(" ")
        outside = len(line) - len(body) < indent
        if body.rstrip() == "..." and len(line) - len(body) <= indent:
            return "\n".join(kept), next(lines, None)
        if outside and (_BAIL.match(body) or _PLAN.match(body) or _POINT.match(body)):
            return "\n".join(kept), line
        if size <= TEXT_LIMIT:
            kept.append(line)
            size += len(line)
    return "\n".join(kept), None


def _describe(case: Case, block: str) -> None:
    """Give a case what its YAML block says: the duration, and the text if it did not pass."""
    last = case.attempts[-1]
    told = _DURATION.search(block)
    seconds = number(told.group(1), scale=0.001) if told else last.time_s
    message = last.message if last.status == "pass" else "\n".join(p for p in (last.message, block.strip()) if p)
    case.attempts[-1] = Attempt(last.status, seconds, message or None)
