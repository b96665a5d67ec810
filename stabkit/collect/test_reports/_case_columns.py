"""The columns of a report's cases, in Arrow, a slice at a time: no Python string outlives its slice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from stabkit.collect.test_ids import UNNAMED, stable_ids

__all__ = ["SLICE", "CaseColumns", "constant", "mapped", "seconds"]

SLICE: Final = 1_000
"""Cases that are turned into Arrow together."""

_TEXT: Final = pa.large_string()
_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Attributes = Sequence[str]


def mapped(attributes: _Attributes) -> dict[str, str]:
    """Return attributes, which alternate between name and value, as a dictionary."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


class CaseColumns:
    """Name, class, test id and duration of each case, an entry a case, in file order.

    Attributes
    ----------
    rows : int
        Cases taken in so far.
    bad_times : int
        Durations that are none and became null, ``bad_time`` is the first of them.
    """

    def __init__(self, root: Path | None) -> None:
        self.rows = 0
        self.bad_times = 0
        self.bad_time: str | None = None
        self._root = root
        self._texts: dict[str, list[pa.Array]] = {"name": [], "class": [], "test_id": []}
        self._times: list[_Floats] = []
        self._hashes: list[np.ndarray[Any, np.dtype[np.int64]]] = []

    def extend(self, cases: Sequence[_Attributes]) -> Mapping[str, Sequence[str | None]]:
        """Take in some cases; return what they say, as columns by attribute."""
        columns = _by_name(cases)
        nothing: Sequence[str | None] = [None] * len(cases)
        names, groups, files = (columns.get(key, nothing) for key in ("name", "classname", "file"))
        names = _named(names)
        ids = stable_ids(files, groups, names, root=self._root)
        for key, values in (("name", names), ("class", _named(groups)), ("test_id", ids)):
            self._texts[key].append(pa.array(values, _TEXT))
        self._hashes.append(np.fromiter(map(hash, ids), "int64", count=len(ids)))
        self._times.append(self._read_times(columns.get("time", nothing)))
        self.rows += len(cases)
        return columns

    @property
    def distinct(self) -> int:
        """How many test ids differ at least."""
        hashes = np.sort(np.concatenate(self._hashes)) if self._hashes else np.empty(0)
        return min(len(hashes), 1) + int(np.count_nonzero(np.diff(hashes)))

    @property
    def time_s(self) -> _Floats:
        """The durations in seconds, NaN where there is none."""
        return np.concatenate(self._times) if self._times else np.empty(0)

    def text(self, key: str) -> pa.ChunkedArray:
        """Return one of ``name``, ``class`` and ``test_id``."""
        return pa.chunked_array(self._texts[key], _TEXT)

    def _read_times(self, times: Sequence[str | None]) -> _Floats:
        values = seconds(times)
        bad = np.isnan(values)
        absent = times.count(None)
        if bad.sum() > absent:
            self.bad_times += int(bad.sum()) - absent
            found = (text for text, is_bad in zip(times, bad, strict=True) if is_bad and text is not None)
            self.bad_time = self.bad_time or next(found)
        return values


def _by_name(cases: Sequence[_Attributes]) -> Mapping[str, Sequence[str | None]]:
    """Return the attributes as columns; the cases of one report mostly have the same attributes in the same order."""
    if len(set(map(len, cases))) == 1:
        columns = [list(map(itemgetter(place), cases)) for place in range(len(cases[0]))]
        if all(len(set(keys)) == 1 for keys in columns[::2]):
            return {keys[0]: values for keys, values in zip(columns[::2], columns[1::2], strict=True)}
    rows = [mapped(case) for case in cases]
    return {key: [row.get(key) for row in rows] for key in set[str]().union(*rows)}


def _named(values: Sequence[str | None]) -> Sequence[str]:
    return values if all(values) else [value or UNNAMED for value in values]  # type: ignore[return-value]


def seconds(times: Sequence[str | None]) -> _Floats:
    """Return durations in seconds; NaN for what is no duration, or absent."""
    try:
        # Python reads "1_0" as ten, which no reporter means.
        plain = "_" not in "".join(times)  # type: ignore[arg-type]  # an absent time is found by its failing
        values = np.fromiter(map(float if plain else _one_time, times), "float64", count=len(times))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        values = np.fromiter(map(_one_time, times), "float64", count=len(times))
    values[~np.isfinite(values) | (values < 0)] = np.nan
    return values


def _one_time(text: str | None) -> float:
    try:
        return float(text) if text is not None and "_" not in text else math.nan
    except ValueError:
        return math.nan


def constant(value: str, rows: int) -> pd.api.extensions.ExtensionArray:
    """Return a column of one text; its slices share the memory of one."""
    whole = pa.repeat(pa.scalar(value, _TEXT), min(rows, SLICE))
    slices = [whole.slice(0, min(SLICE, rows - start)) for start in range(0, rows, SLICE)]
    return pd.array(pa.chunked_array(slices, _TEXT), dtype="str")
