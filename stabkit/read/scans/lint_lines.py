"""Lines of linters: mypy's ``a.py:3: error: text  [rule]``, flake8's ``a.py:3:80: E501 text``, ruff's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.scans._results import UNPARSED, Result, Scan, positive
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "lint-lines"
KIND: Final = "scan"

# A path may begin with a drive letter and its colon.
_PATH: Final = r"(?P<path>(?:[A-Za-z]:[\\/])?[^:\n]+)"
# Without a line where mypy speaks of the file as a whole.
_MYPY: Final = re.compile(
    _PATH + r":(?:(?P<line>\d+):(?:\d+:)?(?:\d+:\d+:)?)? (?P<severity>error|warning|note): (?P<text>.*?)"
    r"(?:  \[(?P<rule>[\w-]+)\])?$"
)
_FLAKE8: Final = re.compile(_PATH + r":(?P<line>\d+):(?:\d+:)? (?P<rule>[A-Z]{1,4}\d{1,4}) (?:\[\*\] )?(?P<text>.*)$")
_ENDED: Final = re.compile(r"(?P<text>.*?)  \[(?P<rule>[\w-]+)\]$")
_FOUND: Final = re.compile(r"Found (\d+) errors? in \d+ files? \((?:checked (\d+) source files?|errors prevented .*)\)")
_CLEAN: Final = re.compile(r"Success: no issues found in (\d+) source files?")
_RUFF: Final = re.compile(r"Found (\d+) errors?(?: \(\d+ fixed, \d+ remaining\))?\.$")
_STOPPED: Final = re.compile(r"errors prevented further checking|INTERNAL ERROR|Traceback \(most recent call last\)")
# Begins as a finding does: one that is not understood is no mere remark.
_PLACED: Final = re.compile(r"(?:[A-Za-z]:[\\/])?[^:\s][^:\n]*\.\w+:\d+:")
_SYNTAX: Final = "syntax"


def recognise(head: bytes) -> bool:
    """Say whether one of the first lines that say anything is of mypy or flake8; no line at all proves no scan."""
    lines = [line for line in head_lines(head)[:50] if line.strip()]
    return any(p.match(line) for line in lines[:5] for p in (_MYPY, _FLAKE8, _FOUND, _CLEAN))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the lines, the ``scans`` and the ``sources`` row.

    A note of mypy belongs to the error before it. A file that could not be parsed leaves the scan incomplete, and so
    does a tool that stopped, and mypy's output without its last line.

    Raises
    ------
    ReportError
        The file is refused.
    """
    lines = list(text_lines(path))
    if any(p.match(line) for line in lines for p in (_MYPY, _FOUND, _CLEAN)):
        scan = Scan("mypy")
        scan.results = list(_mypy(lines, scan))
        if not any(p.match(line) for line in lines for p in (_FOUND, _CLEAN)):
            # Whether lines before it are missing too, nobody can tell.
            scan.unread.append("mypy's last line, with its number of errors, is not here")
    else:
        claims = [found for line in lines if (found := _RUFF.match(line)) is not None]
        scan = Scan("ruff" if claims else "flake8")
        scan.results = list(_flake8(lines, scan))
        for found in claims:
            _compare(int(found.group(1)[:15]), len(scan.results), scan)
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _compare(claimed: int, listed: int, scan: Scan) -> None:
    """Take lines to be missing where fewer findings stand here than the tool counted."""
    seen = listed + len(scan.unread)
    if claimed > seen:
        scan.unread.append(f"{scan.tool} counted {claimed} errors, and {seen} stand here: lines are missing")


def _mypy(lines: list[str], scan: Scan) -> Iterator[Result]:
    open_: Result | None = None
    errors = 0
    for line in lines:
        found = _MYPY.match(line)
        if found is None:
            open_ = _continued(open_, line)
            _take_other(line, errors, scan)
            continue
        if found["severity"] == "note":
            if open_ is not None and open_.path == found["path"]:
                open_ = replace(open_, message=f"{open_.message}\nnote: {found['text']}")
            continue
        if open_ is not None:
            yield open_
        open_ = None
        if found["rule"] == _SYNTAX:
            scan.unread.append(f"{found['path']}: {found['text']}")
        else:
            errors += found["severity"] == "error"
            open_ = Result(found["rule"], found["path"], positive(found["line"]), found["text"], found["severity"])
    if open_ is not None:
        yield open_


def _continued(open_: Result | None, line: str) -> Result | None:
    """Return an error with the rest of its text, which ``--pretty`` wraps: the rule stands at the end of it."""
    if open_ is None or open_.rule is not None or not line.strip() or line.startswith((" ", "Found ", "Success:")):
        return open_
    ended = _ENDED.match(line)
    text, rule = (ended["text"], ended["rule"]) if ended is not None else (line, None)
    return replace(open_, message=f"{open_.message} {text}", rule=rule)


def _take_other(line: str, errors: int, scan: Scan) -> None:
    found, clean = _FOUND.match(line), _CLEAN.match(line)
    if clean is not None:
        scan.files_scanned = positive(clean.group(1))
    elif found is not None:
        scan.files_scanned = positive(found.group(2))
    if _STOPPED.search(line):
        scan.unread.append(line.strip()[:300])
    elif found is not None:
        _compare(int(found.group(1)[:15]), errors, scan)


def _flake8(lines: list[str], scan: Scan) -> Iterator[Result]:
    foreign = 0
    for line in lines:
        found = _FLAKE8.match(line)
        if found is None:
            if _PLACED.match(line) or _STOPPED.search(line):
                scan.unread.append(line.strip()[:300])
            else:
                foreign += bool(line.strip())
        elif found["rule"] in UNPARSED:
            scan.unread.append(f"{found['path']}: {found['text']}")
        else:
            yield Result(found["rule"], found["path"], positive(found["line"]), found["text"])
    if foreign:
        scan.warnings.append(amount(foreign, "line is no finding", "lines are no findings"))
