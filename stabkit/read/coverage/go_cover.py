"""The profile of ``go test -coverprofile``: a line for each block of statements, with how often it ran."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from stabkit.read.content import head_lines, text_lines
from stabkit.read.coverage._parts.covered_files import CoverageReport
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "go-cover"
KIND: Final = "coverage"
_MODE: Final = re.compile(r"mode: (?:set|count|atomic)\s*")
_BLOCK: Final = re.compile(r"(.+):(\d{1,7})\.\d{1,9},(\d{1,7})\.\d{1,9} (\d{1,9}) (\d{1,20})")
_LONGEST: Final = 1_000_000


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a profile."""
    first = next((line for line in head_lines(head) if line.strip()), "")
    return _MODE.fullmatch(first) is not None


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``coverage`` of the profile and its ``sources`` row.

    Go counts statements in blocks; here each line from the first of a block to its last counts, and ran if any block
    on it did. The statements stand in ``claimed``.

    Raises
    ------
    ReportError
        An unresolved merge conflict, or a line beyond the limit.
    """
    report = CoverageReport()
    blocks: dict[tuple[str, ...], tuple[int, bool]] = {}
    foreign = 0
    for line in text_lines(path):
        if not line.strip() or _MODE.fullmatch(line):
            continue
        found = _BLOCK.fullmatch(line.rstrip())
        if found is None or not 0 < int(found[2]) <= int(found[3]) < int(found[2]) + _LONGEST:
            foreign += 1
            continue
        ran = bool(found[5].strip("0"))
        # A block stands once for each package whose tests reach it.
        before = blocks.get((found[1], line.partition(" ")[0]), (0, False))[1]
        blocks[found[1], line.partition(" ")[0]] = (int(found[4]), ran or before)
        if int(found[4]):
            for number in range(int(found[2]), int(found[3]) + 1):
                report.tell(found[1], number, ran=ran)
    if foreign:
        report.unread.append(
            amount(foreign, "line is no block: the file may be cut", "lines are no blocks: the file may be cut")
        )
    report.claimed = {
        "statements": sum(count for count, _ in blocks.values()),
        "covered_statements": sum(count for count, ran in blocks.values() if ran),
    }
    return report.evidence(path, form=FORMAT, suite=suite, root=root)
