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

__all__ = ["first_fields", "read_table"]

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
            return pd.read_csv(
                text, dtype="str", header=0 if header is None else None, names=header, keep_default_na=False,
                na_values=[""], on_bad_lines="error", index_col=False,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError) as error:
        raise ReportError(f"not a table that can be read: {' '.join(str(error).split())[:200]}") from error
