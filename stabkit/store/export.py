"""Tables of a store as plain files for other tools: one Parquet or CSV file a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.errors import StoreError
from stabkit.lines import shown_line
from stabkit.store.batches import arrow_schema

__all__ = ["EXPORT_FORMATS", "harmless", "write_tables"]

EXPORT_FORMATS: Final = ("parquet", "csv")
# A spreadsheet takes these for the beginning of a formula.
_FORMULA: Final = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path, form: str) -> list[Path]:
    """Write each table that has rows to ``<folder>/<table>.<form>``, and return the files.

    Raises
    ------
    StoreError
        A file exists already, or the folder cannot be written. Nothing is overwritten.
    """
    files = {name: folder / f"{name}.{form}" for name, frame in tables.items() if len(frame)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = [path for path in files.values() if path.exists()]
        if present:
            raise StoreError("The file exists already.", where=str(present[0]), hint="Export into an empty folder.")
        for name, path in files.items():
            _write(tables[name], name, path, form)
    except OSError as error:
        raise StoreError(
            f"The export cannot be written: {error.strerror or error}.",
            where=str(error.filename or folder),
            hint="Choose another folder.",
        ) from error
    return list(files.values())


def _write(frame: pd.DataFrame, name: str, path: Path, form: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if form == "csv":
        texts = frame.select_dtypes("str").columns
        frame.assign(**{column: frame[column].map(harmless, na_action="ignore") for column in texts}).to_csv(
            path, index=False
        )
        return
    table = pa.Table.from_pandas(frame, schema=arrow_schema(name), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, in one line and with what cannot be seen escaped.

    An apostrophe stands before what looks like a formula. Parquet holds the texts as they were.

    Source: OWASP, CSV Injection.

    Examples
    --------
    >>> harmless("=1+1"), harmless("-5"), harmless("plain")
    ("'=1+1", "'-5", 'plain')
    """
    line = shown_line(text)
    return f"'{line}" if _FORMULA.match(line) or _FORMULA.match(text) else line
