"""Covered lines as a reader finds them, file by file, and the ``coverage`` rows that they become."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import ReportError, normalise_path
from stabkit.read.test_ids import UNNAMED
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import Status, source_evidence
from stabkit.text import amount

__all__ = ["CoverageReport", "FileLines", "ranges"]

_MOST_LINES: Final = 20_000_000
_LAST_LINE: Final = 10_000_000


@dataclass
class FileLines:
    """What a report says of one file: lines that ran, lines that did not, and totals that stand beside them."""

    covered: set[int] = field(default_factory=set)
    missed: set[int] = field(default_factory=set)
    stated: int = 0
    stated_covered: int = 0

    @property
    def lines(self) -> int:
        """How many lines can run, as listed."""
        return len(self.covered | self.missed)


@dataclass
class CoverageReport:
    """What one coverage report holds.

    Attributes
    ----------
    claimed : dict
        Totals of its header: ``lines`` and ``covered``.
    unread : list of str
        Why more should follow than the file holds; the source is then partial.
    """

    files: dict[str, FileLines] = field(default_factory=dict)
    claimed: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    status: Status = "ok"
    line: int | None = None
    column: int | None = None

    def file(self, path: str | None) -> FileLines:
        """Return the lines of a file, those that an earlier part of the report told included."""
        return self.files.setdefault(path or UNNAMED, FileLines())

    def tell(self, path: str | None, line: int | None, *, ran: bool) -> None:
        """Add what is said of one line; said several times, it ran if it ever did.

        A line without a number, or beyond ten million, is no line: the source is partial.
        """
        if line is None or line > _LAST_LINE:
            self.unread.append(f"{path or UNNAMED}: a line without a number")
            return
        own = self.file(path)
        (own.covered if ran else own.missed).add(line)

    def evidence(self, path: Path, *, form: str, suite: str | None, root: Path | None) -> Evidence:
        """Return the rows of ``coverage`` and the ``sources`` row."""
        if sum(own.lines for own in self.files.values()) > _MOST_LINES:
            raise ReportError(f"refused: more than {_MOST_LINES:,} lines")
        unread, warnings = list(dict.fromkeys(self.unread)), list(self.warnings)
        rows: dict[str, dict[str, Any]] = {}
        for name, own in self.files.items():
            place = normalise_path(redact_text(name), root=root) or UNNAMED
            missed = own.missed - own.covered
            if own.stated > own.lines or own.stated - own.stated_covered > len(missed):
                unread.append(f"{place}: more lines are counted than stand here")
            rows[place] = {
                "report": suite or redact_text(str(path)),
                "path": place,
                "lines": own.lines,
                "covered": len(own.covered),
                "covered_lines": json.dumps(ranges(own.covered)),
                "missed_lines": json.dumps(ranges(missed)),
            }
        listed = sum(row["lines"] for row in rows.values())
        hit = sum(row["covered"] for row in rows.values())
        stated, stated_hit = self.claimed.get("lines"), self.claimed.get("covered")
        if isinstance(stated, int) and stated > listed:
            unread.append(f"its totals count {amount(stated, 'line', 'lines')}, its files {listed:,}")
        elif isinstance(stated, int) and isinstance(stated_hit, int) and stated - stated_hit > listed - hit:
            unread.append(
                f"its totals count {stated - stated_hit:,} lines that did not run, its files {listed - hit:,}"
            )
        if len(rows) < len(self.files):
            warnings.append("names of files that differ in form alone were taken for one")
        if not listed and self.status != "error":
            unread.append("it holds no line that can run")
        status: Status = "partial" if unread and self.status in ("ok", "repaired") else self.status
        said = unread[:1] + ([f"and {len(unread) - 1:,} more of the kind"] if len(unread) > 1 else [])
        return source_evidence(
            {"coverage": pd.DataFrame(list(rows.values()))},
            kind="coverage",
            path=path,
            form=form,
            status=status,
            messages=[*said, *warnings],
            line=self.line,
            column=self.column,
            claimed={key: value for key, value in self.claimed.items() if value is not None},
        )


def ranges(lines: Iterable[int]) -> list[list[int]]:
    """Return line numbers as stretches, each by its first and last.

    Examples
    --------
    >>> ranges([3, 1, 2, 7])
    [[1, 3], [7, 7]]
    """
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return found
