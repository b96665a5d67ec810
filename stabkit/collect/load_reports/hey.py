"""hey's CSV: a row a request, seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.collect.load_reports._requests import Load, milliseconds
from stabkit.collect.table_content import first_fields, read_table
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "hey"
KIND: Final = "load"


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is hey's CSV."""
    return {"response-time", "status-code"} <= set(first_fields(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the requests and the ``sources`` row; hey names no endpoint and leaves failures out.

    Raises
    ------
    ReportError
        Not a table.
    """
    table = read_table(path)
    code = pd.to_numeric(table["status-code"], errors="coerce")
    ok = code.between(200, 399)
    if "offset" in table:  # seconds since the start
        order = pd.to_numeric(table["offset"], errors="coerce").argsort(kind="stable")
        table, code, ok = (part.iloc[order].reset_index(drop=True) for part in (table, code, ok))

    def times(name: str) -> pd.Series:
        values = table[name] if name in table else pd.Series(None, index=table.index, dtype="str")
        return pd.Series(milliseconds(values, 1000), index=table.index, dtype="float64")

    columns: dict[str, Any] = {
        "target": ["all requests"] * len(table),
        "service_ms": times("response-time"),
        "first_byte_ms": times("Response-delay"),
        "transfer_ms": times("Response-read"),
        "ok": ok,
        "status": code.where(code.between(100, 999)),
        "error": ("status " + table["status-code"].fillna("unknown")).where(~ok),
    }
    load = Load(columns, resolution_ms=0.1)
    load.warnings.append("hey writes no row for a request without an answer: errors may be missing")
    return load.evidence(path, form=FORMAT, suite=suite)
