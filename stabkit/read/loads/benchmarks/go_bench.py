"""The text of ``go test -bench``: a line for each run of each benchmark, package by package."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, text_lines
from stabkit.readers import Load, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "go-bench"
KIND: Final = "load"

_NAME: Final = r"Benchmark(?P<name>[^\s]{0,400}?)(?:-(?P<cores>\d{1,5}))?"
_NUMBERS: Final = r"\d{1,18}\s+(?P<value>[\d.]{1,40}(?:e[+-]\d{1,3})?) ns/op\b"
_LINE: Final = re.compile(rf"{_NAME}\s+{_NUMBERS}")
_BARE: Final = re.compile(rf"{_NAME}\s*")
_REST: Final = re.compile(rf"\s*{_NUMBERS}")
_FAILED: Final = re.compile(rf"--- FAIL: {_NAME}\s*")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is such a text."""
    lines = head_lines(head)[:2000]
    return any(_LINE.match(line) for line in lines) or (
        any(line.startswith("pkg: ") for line in lines) and any(line.startswith("Benchmark") for line in lines)
    )


@dataclass
class _Runs:
    """The runs so far: package and name, cores, time in ns or None where it failed."""

    rows: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    package: str = ""
    begun: tuple[str, str | None] | None = None
    ended: bool = True

    def add(self, name: str, cores: str | None, value: str | None) -> None:
        self.rows.append((self.package, name, cores, value))
        self.begun, self.ended = None, False


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample of ``run_time`` for each run, the time of one operation, and the ``sources`` row.

    The number of cores behind a name is no part of it where it is the same all along. A benchmark that failed is a
    failed sample; a package that failed, or does not end, leaves the source partial.

    Raises
    ------
    ReportError
        An unresolved merge conflict, or a line beyond the limit.
    """
    runs, unread, headed = _Runs(), None, False
    for line in text_lines(path):
        if line.startswith("pkg: "):
            headed, runs.package = True, line[5:].strip()
        elif (found := _LINE.match(line)) is not None:
            runs.add(found["name"], found["cores"], found["value"])
        elif (failed := _FAILED.fullmatch(line)) is not None:
            runs.add(failed["name"], failed["cores"], None)
        elif runs.begun is not None and (rest := _REST.match(line)) is not None:
            runs.add(*runs.begun, rest["value"])
        elif (bare := _BARE.fullmatch(line)) is not None:
            runs.begun, runs.ended = (bare["name"], bare["cores"]), False
        elif line.startswith(("ok ", "ok\t", "PASS")):
            runs.ended = True
        elif line.startswith(("FAIL", "panic:", "exit status")):
            runs.ended, unread = True, unread or f"a package failed: {line.strip()[:200]}"
    if headed and not runs.ended:
        unread = unread or "its last package does not end: the file may be cut"
    return _load(runs.rows, unread).evidence(path, form=FORMAT, suite=suite)


def _load(rows: Iterable[tuple[str, str, str | None, str | None]], unread: str | None) -> Load:
    rows = list(rows)
    alike = len({cores for _, _, cores, _ in rows}) == 1
    several = len({package for package, _, _, _ in rows}) > 1
    times = milliseconds([value for _, _, _, value in rows], 1e-6)
    targets = [
        f"{package}." * several + name + ("" if alike or cores is None else f"-{cores}")
        for package, name, cores, _ in rows
    ]
    columns = {"target": targets, "service_ms": times, "ok": [time is not None for time in times]}
    return Load(columns, unread=unread, metric="run_time")
