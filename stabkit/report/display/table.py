"""Rows that are read one by one, their values shown alike everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from stabkit.analyze import to_json
from stabkit.errors import UsageError
from stabkit.numbers import MINUS, amount_text, moment, significant
from stabkit.report.display.badges import badge
from stabkit.report.display.escape import markdown_text, plain_text
from stabkit.report.display.narrow import Layout, fold_line
from stabkit.report.display.piece import Piece

__all__ = ["Column", "Table"]

SHOWN_ROWS: Final = 200
SHORT: Final = 26
_AS_THEY_ARE: Final = frozenset({str, int, bool})


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        Name in the rows.
    label : str
        Heading; never empty.
    kind : {"text", "head", "number", "outcome", "code", "strip"}
        ``head`` is the row's name (a pair gives a second, quiet line); ``number`` is right-aligned; ``outcome`` is a
        word with glyph and colour; ``strip`` is a :class:`stabkit.chart.strip.Strip`.
    phone : bool
        False leaves the column out of the cards that rows become on a phone (never leave out what decides).
    """

    key: str
    label: str
    kind: Literal["text", "head", "number", "outcome", "code", "strip"] = "text"
    phone: bool = True

    def classes(self, value: object) -> str:
        """Return how a cell of the page looks: what is aligned, kept on one line, or left out on a phone."""
        bare = value is None and self.kind not in ("number", "head")
        told = {
            "num": self.kind == "number",
            "desk": bare or not self.phone,
            "short": self.kind == "text" and isinstance(value, str) and len(value) < SHORT,
            "badge": self.kind == "outcome",
            "picture": self.kind == "strip",
        }
        return " ".join(name for name, holds in told.items() if holds)


@dataclass(frozen=True, repr=False)
class Table(Piece):
    """Rows that are read one by one; they fold into cards on a phone.

    Parameters
    ----------
    columns : tuple of Column
    rows : tuple of mappings
        Cells as shown: text, or None for no value, shown "–"; a pair of texts for a quiet second line.
    caption : str
        What the rows are; also the name of the box for those who do not see it.
    records : tuple of mappings, optional
        The values behind the rows, for the JSON result; the rows themselves if not given.
    limit : int
        Rows shown in HTML, Markdown and text; the rest is counted ("and 7 more"). The JSON result has all.
    left_out : int
        Further rows of which only the number is kept: counted as the rest is, and as ``more`` in the JSON result.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    caption: str
    records: tuple[Mapping[str, Any], ...] | None = None
    limit: int = SHOWN_ROWS
    left_out: int = 0

    def __post_init__(self) -> None:
        if not self.caption.strip() or not all(column.label.strip() for column in self.columns):
            raise UsageError("A table needs a caption, and each column a label.")

    @classmethod
    def of(
        cls, frame: Any, columns: Sequence[Column] | None = None, caption: str = "", *, limit: int = SHOWN_ROWS
    ) -> Table:
        """Return a table of a frame, its numbers shown with three significant digits: some columns, or all.

        Examples
        --------
        >>> import pandas as pd
        >>> import stabkit
        >>> stabkit.Table.of(pd.DataFrame({"target": ["api"], "time_ms": [12.3456]}), caption="Slowest requests")
        Slowest requests
        target  time, ms
        api         12.3
        """
        columns = columns or [_guess_column(name, frame[name]) for name in frame.columns]
        keys = [column.key for column in columns]
        unknown = [key for key in keys if key not in frame.columns]
        if unknown:
            raise UsageError(f"No column {unknown[0]!r}.", hint=f"Known: {', '.join(map(str, frame.columns))}.")
        records = tuple(frame[keys].to_dict("records"))
        rows = tuple({key: _shown(value) for key, value in record.items()} for record in records)
        return cls(
            tuple(columns), rows, caption, records=tuple(to_json(_plain(record)) for record in records), limit=limit
        )

    @property
    def filled(self) -> tuple[Column, ...]:
        """The columns of the page: a column of words in which no row says anything is left out."""
        return tuple(
            column
            for column in self.columns
            if column.kind not in ("text", "code", "strip") or any(row.get(column.key) is not None for row in self.rows)
        )

    @property
    def shown(self) -> tuple[Mapping[str, Any], ...]:
        """The rows that are shown."""
        return self.rows[: self.limit]

    @property
    def more(self) -> str:
        """Return "and 7 more", or nothing."""
        left = max(0, len(self.rows) - self.limit) + self.left_out
        return f"and {amount_text(left)} more" if left > 0 else ""

    def __repr__(self) -> str:
        return self.text()

    def text(self, width: int | None = None) -> str:
        """Return the content as plain text; in a terminal of that many columns cells fold, or rows become blocks."""
        head = next((i for i, column in enumerate(self.columns) if column.kind == "head"), 0)
        layout = Layout(
            labels=[column.label for column in self.columns],
            right=[column.kind == "number" for column in self.columns],
            soft=[column.kind in ("text", "head", "strip") for column in self.columns],
            head=head,
        )
        cells = [[_cell_text(row.get(column.key), column) for column in self.columns] for row in self.shown]
        after = [*([self.more] if self.more else []), *(["no rows"] if not self.rows else [])]
        caption = plain_text(self.caption)
        return "\n".join([caption if width is None else fold_line(caption, width), *layout.lines(cells, width), *after])

    def markdown(self) -> str:
        """Return the content as a Markdown table."""
        if not self.rows:
            return f"{markdown_text(self.caption)}: no rows"
        columns = self.columns
        head = "| " + " | ".join(markdown_text(column.label) for column in columns) + " |"
        rule = "|" + "|".join("--:" if column.kind == "number" else "---" for column in columns) + "|"
        body = [
            "| " + " | ".join(markdown_text(_cell_text(row.get(column.key), column)) for column in columns) + " |"
            for row in self.shown
        ]
        return "\n".join(
            [f"{markdown_text(self.caption)}", "", head, rule, *body, *(["", self.more] if self.more else [])]
        )

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        records = self.records
        if records is None:
            keys = [column.key for column in self.columns if column.kind != "strip"]
            records = tuple({key: row.get(key) for key in keys} for row in self.rows)
        columns = [{"key": c.key, "label": c.label} for c in self.columns if c.kind != "strip"]
        more = {"more": self.left_out} if self.left_out else {}
        return {"caption": self.caption, "columns": columns, "rows": [_plain(record) for record in records], **more}


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    # Missing values of any kind become null, times ISO 8601 text.
    plain: dict[str, Any] = {}
    for key, value in record.items():
        if type(value) in _AS_THEY_ARE:
            plain[str(key)] = value
        elif value is None or (not isinstance(value, (list, tuple, dict)) and value != value):  # noqa: PLR0124
            plain[str(key)] = None
        elif hasattr(value, "isoformat"):
            plain[str(key)] = value.isoformat()
        else:
            plain[str(key)] = None if type(value).__name__ in ("NAType", "NaTType") else value
    return plain


def _shown(value: Any) -> Any:
    # A number gets three significant digits; text stays; a truth value reads yes or no.
    value = _plain({"": value})[""] if type(value) not in _AS_THEY_ARE else value
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T":
        return moment(value)
    if hasattr(value, "__float__") and not isinstance(value, str):
        number = float(value)
        if number.is_integer():
            return amount_text(number)
        short = f"{number:.3g}"
        exact = "." in short and "e" not in short and math.isclose(float(short), number, rel_tol=1e-9)
        return short.replace("-", MINUS) if exact else significant(number)  # 0.05 is no 0.0500
    return value


def _cell_text(value: Any, column: Column) -> str:
    if value is None:
        return "–"
    if column.kind == "outcome":
        glyph, _, word = badge(value)
        return f"{glyph} {word}"
    if column.kind == "strip":
        return plain_text(value.alt)
    if isinstance(value, tuple):
        return " · ".join(plain_text(part) for part in value if part)
    return plain_text(value)


def _guess_column(name: str, values: Any) -> Column:
    number = values.dtype.kind in "iuf"
    words = set(map(str, values.dropna().unique()[:20])) if values.dtype.kind not in "iufbM" else set()
    outcome = bool(words) and words <= {"stable", "improved", "regressed", "inconclusive"}
    label = str(name)
    for unit in ("ms", "s", "mb"):
        label = f"{label[: -len(unit) - 1]}, {unit}" if label.endswith(f"_{unit}") else label
    return Column(
        str(name), label.replace("_", " ").strip() or "value", "number" if number else "outcome" if outcome else "text"
    )
