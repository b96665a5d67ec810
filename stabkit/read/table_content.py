"""CSV files: read whole as text, refused where rows are broken."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.read.content import ReportError, chunks, conflict_line, head_lines, text_encoding
from stabkit.text import amount

__all__ = ["broken_rows", "first_fields", "read_table"]

TABLE_LIMIT: Final = 1024**3


def first_fields(head: bytes) -> list[str]:
    r"""Return the fields of the first line that says anything.

    Examples
    --------
    >>> first_fields(b"timeStamp,elapsed\n1,2\n")
    ['timeStamp', 'elapsed']
    """
    line = next((line for line in head_lines(head) if line.strip()), "")
    return next(csv.reader([line]), [])


def read_table(path: Path, *, header: Sequence[str] | None = None) -> pd.DataFrame:
    """Return every cell as text, null where it is empty; columns by the first line, or as named.

    Rows with fewer cells than there are columns are cut, or are none: they are left out, and :func:`broken_rows` says
    so.

    Raises
    ------
    ReportError
        A row has more cells than the header, a quote never ends, or a merge conflict is unresolved.
    """
    if (marker := conflict_line(path)) is not None:
        raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1)
    data = b"".join(chunks(path, limit=TABLE_LIMIT))
    text = io.StringIO(data.decode(text_encoding(data), "replace").replace("\0", ""))
    try:
        with warnings.catch_warnings():
            # Cells beyond the header would be dropped with a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Every column as text: a tool that writes "-" for a missing time must not turn the others into text.
            table = pd.read_csv(
                text, dtype="str", header=0 if header is None else None, names=header, keep_default_na=False,
                na_values=[""], on_bad_lines="error", index_col=False,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError) as error:
        raise ReportError(f"not a table that can be read: {' '.join(str(error).split())[:200]}") from error
    return _without_short(table, text, named=header is not None)


def _without_short(table: pd.DataFrame, text: io.StringIO, *, named: bool) -> pd.DataFrame:
    # A short row has no last cell; where every row has one, none has to be counted.
    if len(table.columns) < 2 or table.iloc[:, -1].notna().all():
        return table
    records = csv.reader(io.StringIO(text.getvalue(), newline=None))  # any line end, as pandas takes it
    try:
        sizes = [len(row) for row in records if row and (len(row) > 1 or row[0].strip())][0 if named else 1 :]
    except csv.Error:  # a cell longer than csv takes
        return table
    short = [row for row, size in enumerate(sizes) if size < len(table.columns)] if len(sizes) == len(table) else []
    table = table.drop(index=short).reset_index(drop=True)
    table.attrs["broken_rows"] = len(short)
    return table


def broken_rows(table: pd.DataFrame) -> str | None:
    """Return what is said of the rows that :func:`read_table` left out; None if there were none."""
    number = int(table.attrs.get("broken_rows", 0))
    words = ("row has too few cells: the file may be cut", "rows have too few cells: the file may be cut")
    return amount(number, *words) if number else None
