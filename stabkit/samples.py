"""The table ``samples``: which rows count and which column is their time, for judges, figures, histories and the store.

A row counts if its request went well and was no warm-up. A request that failed is a failure, also while warming up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pandas as pd

__all__ = ["COUNTS", "TIME_COLUMNS", "TO_MS", "best_column", "counted", "failed", "milliseconds", "usual_fault"]

TIME_COLUMNS: Final = ("response_ms", "service_ms", "value")
"""Columns that may be a time, the best first: from the due time, from the send, or a reading with its unit."""

TO_MS: Final[Mapping[str, float]] = MappingProxyType({"ms": 1.0, "s": 1000.0, "us": 0.001, "ns": 1e-6})
"""Units of a reading that is a time, and how many milliseconds each is."""

COUNTS: Final = "ok AND NOT coalesce(warmup, false)"
""":func:`counted` in SQL."""


def counted(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that count; what is null about warm-up is none."""
    warmup = samples["warmup"].fillna(value=False).astype(bool)
    return samples[~failed(samples) & ~warmup]


def failed(samples: pd.DataFrame) -> pd.Series:
    """Return which rows are failures, warm-up or not."""
    return ~samples["ok"].fillna(value=False).astype(bool)


def usual_fault(samples: pd.DataFrame) -> str | None:
    """Return how most failed requests failed, in the words of whoever answered; None if none failed or none says how.

    Examples
    --------
    >>> lost = {"ok": [False, False, True], "status": [500, 500, 200], "error": [None, None, None]}
    >>> usual_fault(pd.DataFrame(lost))
    'HTTP 500'
    """
    lost = samples[failed(samples)]
    answered = lost["status"].map(lambda status: f"HTTP {int(status)}", na_action="ignore").astype(object)
    # Of a request that was answered, its status says more than what was expected instead.
    told = answered.where(answered.notna(), lost["error"].astype(object)).dropna()
    counts = told.value_counts()
    return None if counts.empty else str(min(counts.index, key=lambda text: (-int(counts[text]), str(text))))


def milliseconds(samples: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as ms; a reading of no unit, or of one that is no time, is null.

    Examples
    --------
    >>> milliseconds(pd.DataFrame({"value": [0.25, 64.0], "unit": ["s", "MB"]}), "value").tolist()
    [250.0, nan]
    """
    times = samples[column].astype("float64")
    return times if column != "value" else times * samples["unit"].map(TO_MS).astype("float64")


def best_column(parts: Sequence[pd.DataFrame]) -> str | None:
    """Return the one column that is the time of all parts: the sides of a comparison, the runs of a history.

    A column that all have whole goes before one that lacks some, the better one first; None if they have none in
    common. Mixing columns would compare what was timed differently.

    Examples
    --------
    >>> timed = pd.DataFrame({"response_ms": [9.0], "service_ms": [8.0], "value": [None], "unit": [None]})
    >>> best_column([timed, timed]), best_column([timed, timed.assign(response_ms=None)])
    ('response_ms', 'service_ms')
    """
    shared: list[str] = []
    for name in TIME_COLUMNS:
        known = [milliseconds(part, name).notna() for part in parts]
        if all(each.any() for each in known):
            if all(each.all() for each in known):
                return name
            shared.append(name)
    return shared[0] if shared else None
