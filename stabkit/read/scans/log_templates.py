"""The log of a program: its error lines, by what they say once numbers, names and times are left out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.fingerprints import sha256_of
from stabkit.read.json_content import json_line
from stabkit.read.json_shapes import text
from stabkit.read.scans._results import Result, Scan
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.text import amount, without_colours

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "log"
KIND: Final = "scan"

_MOST: Final = 5_000
"""Templates of one log; where there are more, what tells lines apart is data."""
_LONGEST: Final = 240
_LOOKED_AT: Final = 50  # lines of the beginning
_SEARCHED: Final = 400  # characters of a line
_LEVELS: Final[Mapping[str, str]] = {
    "trace": "", "debug": "", "info": "", "notice": "", "warn": "", "warning": "",
    "error": "error", "err": "error", "severe": "error",
    "critical": "critical", "crit": "critical", "fatal": "critical", "panic": "critical", "alert": "critical",
    "emerg": "critical", "emergency": "critical",
}  # fmt: skip
_WORDS: Final = "|".join(_LEVELS)
_STAMP: Final = re.compile(
    r"\W{0,3}(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d\d:\d\d:\d\d"
    r"|\d{1,2}[./-](?:\d\d|[A-Z][a-z]{2})[./-]\d{4}\W\d\d:\d\d)"
)
_LEVEL: Final = re.compile(
    rf"\b(?:level|lvl|severity)=[\"']?(?P<named>{_WORDS})\b|\[(?P<small>{_WORDS})\]"
    rf"|(?<![\w-])(?P<large>{_WORDS.upper()})(?![\w-])"
)
_PLAIN: Final = re.compile(r"(?P<large>DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.-]{1,200}:")
_SAID: Final = re.compile(r"\b(?:msg|message|event)=(?:\"((?:[^\"\\]|\\.)*+)\"|(\S+))")
_EXCEPTION: Final = re.compile(
    r"(?:Caused by: )?(?P<type>(?:\w+\.){0,20}\w{0,80}(?:Error|Exception|Interrupt|Exit))(?::|\s*$)"
)
_TRACE: Final = ("Traceback (most recent call last):", "Exception in thread ")

# In this order: what holds others comes first.
_MASKS: Final = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+\b"), "<address>"),
    (re.compile(r"\"[^\"\n]{0,500}\"|(?<!\w)'[^'\n]{0,500}'(?!\w)|`[^`\n]{0,500}`"), "<text>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[a-f]*\d)[0-9a-f]{12,}\b"), "<id>"),
    # What is drawn at random, and what should never have been written down: keys and tokens.
    (re.compile(r"\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}\b"), "<id>"),
    (re.compile(r"(?<![A-Za-z_])\d++(?:[.,:T/-]\d++)*+"), "<n>"),
)
_KEYS: Final = (
    ("level", "severity", "levelname", "lvl", "log.level"),
    ("message", "msg", "event"),
    ("logger", "name", "module"),
)
_PINO: Final = {50: "error", 60: "critical"}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a log: lines with a time and a level."""
    lines = [line for line in head_lines(head) if line.strip()][:_LOOKED_AT]
    found = sum(_record(without_colours(line)) is not None for line in lines)
    return 0 < len(lines) <= 10 * found


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return a finding for each template of error lines, the ``scans`` row and the ``sources`` row.

    Numbers, ids, addresses and quoted texts are left out, so that a line says the same whatever it speaks of; the type
    of an exception below a line belongs to it. A line that is a warning or less is none. The template is what a
    finding is known by, in whichever line it stands.

    Raises
    ------
    ReportError
        An unresolved merge conflict, or a line beyond the limit.
    """
    log = _Log()
    for number, line in enumerate(text_lines(path), start=1):
        log.take(number, without_colours(line[: 4 * _SEARCHED]))
    log.close()
    scan = Scan("log")
    for (level, template), (first, _) in log.found.items():
        own = sha256_of([level, template])
        scan.results.append(Result(template, None, first, template, level, own))
    errors = sum(times for _, times in log.found.values())
    scan.warnings.append(f"{amount(errors, 'error line', 'error lines')} of {amount(log.lines, 'line', 'lines')}")
    if not _ends(path):
        scan.unread.append("its last line does not end: the file may be cut")
    if log.beyond:
        scan.unread.append(f"more than {_MOST:,} templates of error lines")
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


@dataclass
class _Log:
    """What was read of a log so far: template -> its first line and how often it stands there."""

    found: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    lines: int = 0
    beyond: bool = False
    open: tuple[int, str, str] | None = None
    exception: str | None = None

    def take(self, number: int, line: str) -> None:
        self.lines += 1
        record = _record(line)
        if record is not None:
            self.close()
            level, said = record
            self.open = (number, level, said) if level else None
        elif line.startswith(_TRACE) and self.open is None:
            self.open = (number, "error", "uncaught")
        elif self.open is not None and (known := _EXCEPTION.match(line)) is not None:
            self.exception = known["type"]

    def close(self) -> None:
        """End the record that is open: nothing more belongs to it."""
        if self.open is not None:
            number, level, said = self.open
            known = f"{said} [{self.exception}]" if self.exception and self.exception not in said else said
            key = (level, _template(known))
            if key in self.found or len(self.found) < _MOST:
                first, times = self.found.get(key, (number, 0))
                self.found[key] = (first, times + 1)
            else:
                self.beyond = True
        self.open = self.exception = None


def _record(line: str) -> tuple[str, str] | None:
    """Return severity and words of a line that begins a record, the severity empty below an error; None of others."""
    if line.startswith("{"):
        event = json_line(line)
        return None if event is None else _event(event)
    found = _PLAIN.match(line)
    if found is None:
        found = _LEVEL.search(line[:_SEARCHED]) if _STAMP.match(line) or line.startswith(("time=", "ts=")) else None
    if found is None:
        return None
    word = next(word for word in found.groupdict().values() if word is not None).lower()
    said = _SAID.search(line)
    message = (said[1] or said[2] or "") if said is not None else line[found.end() :]
    return _LEVELS[word], message.strip(" \t:|-]")


def _event(event: Mapping[str, Any]) -> tuple[str, str] | None:
    levels, messages, loggers = ([event[key] for key in keys if key in event] for keys in _KEYS)
    if not levels or not messages:
        return None
    word = str(levels[0]).lower()
    if isinstance(levels[0], int) and not isinstance(levels[0], bool):
        level = _PINO.get(levels[0], "")
    elif word in _LEVELS:
        level = _LEVELS[word]
    else:
        return None
    said = next((found for value in messages if (found := text(value)) is not None), "")
    who = next((found for value in loggers if (found := text(value)) is not None), None)
    return level, f"{who}: {said}" if who else said


def _ends(path: Path) -> bool:
    """Say whether the last line of a file has its end; of a packed one nothing is said."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(-2, os.SEEK_END)
        return packed or b"\n" in file.read(2)


def _template(said: str) -> str:
    known = redact_text(said)
    for pattern, mask in _MASKS:
        known = pattern.sub(mask, known)
    return " ".join(known.split())[:_LONGEST] or "(nothing said)"
