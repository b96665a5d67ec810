"""Locust's ``_failures.csv`` and ``_exceptions.csv``: which requests failed, and errors of the script itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.read.loads._parts.requests import Load, ToolCheck
from stabkit.read.table_content import first_fields, read_table
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "locust-faults"
KIND: Final = "load"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes lists failures or exceptions of Locust."""
    fields = set(first_fields(head))
    return {"Method", "Name", "Error", "Occurrences"} <= fields or {"Count", "Message", "Traceback", "Nodes"} <= fields


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return whether the script went without exceptions, as a check, and the ``sources`` row.

    How many requests there were is not said here: a list of failures without ``_stats.csv`` leaves the source partial.

    Raises
    ------
    ReportError
        Not a table.
    """
    table = read_table(path)
    load = Load()
    if "Occurrences" in table:
        failed = _sum(table["Occurrences"])
        listed = amount(failed, "failed request", "failed requests")
        load.unread = f"it lists {listed}, and not how many requests there were"
    else:
        failed, first = _sum(table["Count"]), table["Message"].dropna()
        why = first.iloc[0] if len(first) else None
        load.checks.append(ToolCheck("locust", "no exception in the script", int(not failed), failed, observed=why))
    return load.evidence(path, form=FORMAT, suite=suite)


def _sum(counts: pd.Series) -> int:
    """Return the sum of counts; a row that states none is one."""
    numbers = pd.to_numeric(counts, errors="coerce")
    return int(numbers.where(numbers.between(1, 1e12), 1).sum())
