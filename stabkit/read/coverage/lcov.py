"""lcov's tracefile: records of lines that begin with a word, one record a source file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.coverage._parts.covered_files import CoverageReport
from stabkit.read.json_shapes import positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "lcov"
KIND: Final = "coverage"
_RECORD: Final = re.compile(r"(?:TN|SF):")
_HITS: Final = re.compile(r"-?\d{1,30}")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a tracefile."""
    first = next((line for line in head_lines(head) if line.strip()), "")
    return _RECORD.match(first) is not None


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``coverage`` of the tracefile and its ``sources`` row.

    A source file may have a record for each test: its line ran if it did in any. A record without its end is cut off.

    Raises
    ------
    ReportError
        An unresolved merge conflict, or a line beyond the limit.
    """
    report = CoverageReport()
    record: _Record | None = None
    negative = False
    for line in text_lines(path):
        word, _, rest = line.strip().partition(":")
        if word == "SF":
            _close(report, record, "its record does not end")
            record = _Record(rest)
            report.file(rest)
        elif word == "DA":
            number, _, more = rest.partition(",")
            hits = more.split(",")[0].strip()
            known = _HITS.fullmatch(hits) is not None
            if not known or record is None:
                report.unread.append(f"{record.path if record else '(?)'}: a line that does not say whether it ran")
            negative = negative or hits.startswith("-")
            ran = known and not hits.startswith("-") and bool(hits.strip("0"))
            report.tell(record.path if record else None, positive(number), ran=ran)
            if record is not None:
                record.contradicts = record.contradicts or record.ran.setdefault(number, ran) != ran
        elif word in ("LF", "LH") and rest.isdecimal() and len(rest) < 10 and record is not None:
            record.stated[word] = int(rest)
        elif word in ("LF", "LH"):
            report.unread.append(f"{record.path if record else '(?)'}: {word} belongs to no file")
        elif word == "end_of_record":
            _close(report, record, None)
            record = None
    _close(report, record, "its record does not end: the file may be cut")
    if negative:
        report.warnings.append("counts below zero stand for lines that did not run")
    return report.evidence(path, form=FORMAT, suite=suite, root=root)


@dataclass
class _Record:
    """The record of one source file, and what it counts."""

    path: str
    ran: dict[str, bool] = field(default_factory=dict)
    stated: dict[str, int] = field(default_factory=dict)
    contradicts: bool = False


def _close(report: CoverageReport, record: _Record | None, why: str | None) -> None:
    if record is None:
        return
    lines, hit = len(record.ran), sum(record.ran.values())
    if len(record.stated) == 1:
        why = why or "one of its two totals is missing"
    elif record.stated and (record.stated["LF"] > lines or record.stated["LF"] - record.stated["LH"] > lines - hit):
        why = why or "more lines are counted than stand here"
    elif record.contradicts:
        why = why or "a line is told twice, as one that ran and as one that did not"
    if why is not None:
        report.unread.append(f"{record.path}: {why}")
