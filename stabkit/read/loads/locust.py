"""Locust's ``_stats.csv``: counts and percentiles of each endpoint, whole milliseconds, no requests."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.read.loads._requests import Load, Percentiles, milliseconds
from stabkit.read.table_content import first_fields, read_table
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "locust"
KIND: Final = "load"
_TOTAL: Final = "Aggregated"


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is a table of Locust's statistics."""
    return {"Type", "Name", "Request Count", "Failure Count"} <= set(first_fields(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the percentiles that the table states, as claims of the ``sources`` row; its total is no endpoint.

    Raises
    ------
    ReportError
        Not a table.
    """
    table = read_table(path)
    rows = table.to_dict("records")
    found = [_percentiles(row) for row in rows if row.get("Name") != _TOTAL]
    total = next((_percentiles(row) for row in rows if row.get("Name") == _TOTAL), None)
    largest = max((time or 0.0 for p in found for time in (p.p50_ms, p.p95_ms, p.p99_ms)), default=0.0)
    load = Load(percentiles=found, total=total, resolution_ms=_step(largest), method="Locust, rounded to two digits")
    return load.evidence(path, form=FORMAT, suite=suite)


def _percentiles(row: Mapping[Hashable, object]) -> Percentiles:
    p50, p95, p99, mean = milliseconds(
        [row.get("50%"), row.get("95%"), row.get("99%"), row.get("Average Response Time")]
    )
    return Percentiles(
        " ".join(part for part in (row.get("Type"), row.get("Name")) if isinstance(part, str)) or "(?)",
        _count(row.get("Request Count")),
        _count(row.get("Failure Count")),
        p50,
        p95,
        p99,
        mean,
    )


def _step(largest_ms: float) -> float:
    """Return the step of Locust's rounding, ms: whole ones below 100, tens below 1,000, hundreds above."""
    return 1.0 if largest_ms < 100 else 10.0 if largest_ms < 1000 else 100.0


def _count(value: object) -> int | None:
    number = pd.to_numeric(value, errors="coerce") if isinstance(value, str) else None
    return int(number) if number is not None and 0 <= number < 1e15 else None
