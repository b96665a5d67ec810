"""Text in a terminal that is narrower than it: lines and cells fold, or each row of a table becomes a short block."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Layout", "fold_line"]

_GAP: Final = 2
_LEAST: Final = 14  # columns of text that are narrower than this read worse than blocks
_TALLEST: Final = 4  # lines of a folded row; a block is easier to read than more
_MARKED: Final = re.compile(r" *(?:[✓✗?!+–] )?")
_LABELLED: Final = re.compile(r"[A-Z][\w ]{1,24}: ")
# A command is pasted from the terminal: it stays in one piece.
_COMMAND: Final = re.compile(r"\bstabkit [a-z]+")


def fold_line(line: str, width: int) -> str:
    """Fold a line at its spaces; what follows is indented below its words. A line that shows a command stays whole."""
    if len(line) <= width or _COMMAND.search(line):
        return line
    mark = _MARKED.match(line)
    deep = (mark.end() if mark else 0) or (2 if _LABELLED.match(line) else 0)
    return "\n".join(_wrap(line, width, indent=" " * deep))


@dataclass(frozen=True)
class Layout:
    """The columns of a table in a terminal.

    Attributes
    ----------
    labels : sequence of str
    right : sequence of bool
        Which columns are aligned to the right.
    soft : sequence of bool
        Which columns may fold: those of words.
    head : int
        The column that names a row.
    """

    labels: Sequence[str]
    right: Sequence[bool]
    soft: Sequence[bool]
    head: int = 0

    def lines(self, rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
        """Return the lines of a table with these cells, none wider than ``width`` where that can be had."""
        grid = [list(self.labels), *(list(row) for row in rows)]
        widths = [max(len(row[i]) for row in grid) for i in range(len(self.labels))]
        if width is None or sum(widths) + _GAP * (len(widths) - 1) <= width:
            return [self._row(row, widths) for row in grid]
        fitting = self._fit(grid, widths, width)
        if fitting is None:
            return [line for row in rows for line in self._block(row, width)]
        folded = [self._folded(row, fitting) for row in grid]
        if max(len(row) for row in folded) > _TALLEST:
            return [line for row in rows for line in self._block(row, width)]
        return [line for row in folded for line in row]

    def _fit(self, grid: Sequence[Sequence[str]], widths: Sequence[int], width: int) -> list[int] | None:
        """Return narrower columns of words that make the table fit; None if they would break words or be slivers."""
        room = width - _GAP * (len(widths) - 1) - sum(w for w, soft in zip(widths, self.soft, strict=True) if not soft)
        wanted = [w for w, soft in zip(widths, self.soft, strict=True) if soft]
        cap = next((cap for cap in range(room, _LEAST - 1, -1) if sum(min(w, cap) for w in wanted) <= room), None)
        if cap is None or not wanted:
            return None
        words = (
            word for row in grid for cell, soft in zip(row, self.soft, strict=True) if soft for word in cell.split()
        )
        if max((len(word) for word in words), default=0) > cap:
            return None
        return [min(w, cap) if soft else w for w, soft in zip(widths, self.soft, strict=True)]

    def _row(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, self.right, strict=True)
        )
        return (" " * _GAP).join(aligned).rstrip()

    def _folded(self, cells: Sequence[str], widths: Sequence[int]) -> list[str]:
        parts = [_wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
        height = max(len(part) for part in parts)
        return [self._row([part[i] if i < len(part) else "" for part in parts], widths) for i in range(height)]

    def _block(self, cells: Sequence[str], width: int) -> list[str]:
        deep = max(len(label) for label in self.labels) + 2 * _GAP
        lines = _wrap(cells[self.head], width, indent=" " * _GAP)
        for i, (label, cell) in enumerate(zip(self.labels, cells, strict=True)):
            if i != self.head:
                lines += _wrap(f"{' ' * _GAP}{label}".ljust(deep) + cell, width, indent=" " * deep)
        return lines


def _wrap(text: str, width: int, *, indent: str = "") -> list[str]:
    # Spaces are kept as they are: alignment is made of them. A word stays whole even where it is too long.
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, replace_whitespace=False, expand_tabs=False,
    ) or [""]  # fmt: skip
