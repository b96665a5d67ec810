"""Frames read row by row as plain Python values, a column at a time: many times faster than asking each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pandas as pd

__all__ = ["records", "unique", "values"]

_SAMPLED: Final = 1_000
_ALL_BUT: Final = 0.9


def values(column: pd.Series) -> list[Any]:
    """Return the values of a column, null as None.

    Examples
    --------
    >>> values(pd.Series(["a", None], dtype="str")), values(pd.Series([1, None], dtype="Int64"))
    (['a', None], [1, None])
    """
    found: list[Any] = column.to_numpy(dtype=object, na_value=None).tolist()
    return found


def unique(column: pd.Series) -> bool:
    """Say whether no value stands twice in a column of texts; in a third of the time that pandas takes for it.

    Examples
    --------
    >>> unique(pd.Series(["a", "b"])), unique(pd.Series(["a", "a"]))
    (True, False)
    """
    return len(set(values(column))) == len(column)


def records(frame: pd.DataFrame, names: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a frame as dictionaries, null as None: of some columns, or of all.

    Examples
    --------
    >>> list(records(pd.DataFrame({"line": pd.Series([3, None], dtype="Int64"), "path": ["a.py", "b.py"]})))
    [{'line': 3, 'path': 'a.py'}, {'line': None, 'path': 'b.py'}]
    """
    wanted = list(frame.columns) if names is None else list(names)
    for row in zip(*(_shared(values(frame[name])) for name in wanted), strict=True):
        yield dict(zip(wanted, row, strict=True))


def _shared(found: list[Any]) -> list[Any]:
    """Return the same values, equal texts as one object where many are equal: a million times ``fail`` takes 50 MB."""
    some = found[:: max(1, len(found) // _SAMPLED)]
    if len(set(some)) > _ALL_BUT * len(some) or not any(isinstance(one, str) for one in some):
        return found
    held: dict[Any, Any] = {}
    return [held.setdefault(one, one) for one in found]
