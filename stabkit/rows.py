"""Frames read row by row as plain Python values, a column at a time: many times faster than asking each row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["records", "values"]


def values(column: pd.Series) -> list[Any]:
    """Return the values of a column, null as None.

    Examples
    --------
    >>> values(pd.Series(["a", None], dtype="str")), values(pd.Series([1, None], dtype="Int64"))
    (['a', None], [1, None])
    """
    found: list[Any] = column.to_numpy(dtype=object, na_value=None).tolist()
    return found


def records(frame: pd.DataFrame, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries, null as None: of some columns, or of all.

    Examples
    --------
    >>> records(pd.DataFrame({"line": pd.Series([3, None], dtype="Int64"), "path": ["a.py", "b.py"]}))
    [{'line': 3, 'path': 'a.py'}, {'line': None, 'path': 'b.py'}]
    """
    wanted = list(frame.columns) if names is None else list(names)
    rows = zip(*(values(frame[name]) for name in wanted), strict=True)
    return [dict(zip(wanted, row, strict=True)) for row in rows] if wanted else [{} for _ in range(len(frame))]
