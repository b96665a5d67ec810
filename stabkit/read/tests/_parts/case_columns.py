"""The columns of a report's cases, in Arrow, a slice at a time: no Python string outlives its slice."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stabkit.read.test_ids import UNNAMED, stable_ids

__all__ = ["SLICE", "TEXT", "CaseColumns", "by_attribute", "constant", "lean_memory", "mapped", "seconds"]

SLICE: Final = 1_000
"""Rows of one stretch of memory, where a column is built from several."""

TEXT: Final = pa.large_string()
_Floats = np.ndarray[Any, np.dtype[np.float64]]


def mapped(attributes: Sequence[str]) -> dict[str, str]:
    """Return attributes, which alternate between name and value, as a dictionary."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def by_attribute(cases: Sequence[Sequence[str]]) -> dict[str, pa.Array]:
    """Return the attributes of some cases as columns by name; null where a case lacks one.

    The cases of one report mostly have the same attributes in the same order.
    """
    width = len(cases[0])
    if set(map(len, cases)) == {width}:
        flat = list(chain.from_iterable(cases))
        if all(flat[place::width].count(flat[place]) == len(cases) for place in range(0, width, 2)):
            return {flat[place]: pa.array(flat[place + 1 :: width], TEXT) for place in range(0, width, 2)}
    rows = [mapped(case) for case in cases]
    return {key: pa.array([row.get(key) for row in rows], TEXT) for key in dict.fromkeys(chain.from_iterable(rows))}


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

    def extend(self, said: Mapping[str, pa.Array], count: int) -> None:
        """Take in so many cases that say this of themselves, by attribute."""
        nothing = pa.nulls(count, TEXT)
        names, groups, files, times = (said.get(key, nothing) for key in ("name", "classname", "file", "time"))
        names = _named(names)
        ids = stable_ids(files, groups, names, root=self._root)
        for key, values in (("name", names), ("class", _named(groups)), ("test_id", ids)):
            self._texts[key].append(values)
        self._hashes.append(np.fromiter(map(hash, ids.to_pylist()), "int64", count=count))
        self._times.append(self._read_times(times))
        self.rows += count

    @property
    def distinct(self) -> int:
        """How many test ids differ at least."""
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0)
        hashes.sort()
        return min(len(hashes), 1) + int(np.count_nonzero(np.diff(hashes)))

    @property
    def time_s(self) -> _Floats:
        """The durations in seconds, NaN where there is none."""
        return np.concatenate(self._times) if self._times else np.empty(0)

    def text(self, key: str) -> pa.ChunkedArray:
        """Return one of ``name``, ``class`` and ``test_id``."""
        return pa.chunked_array(self._texts[key], TEXT)

    def _read_times(self, times: pa.Array) -> _Floats:
        values = seconds(times)
        bad = np.isnan(values)
        if (count := int(bad.sum()) - times.null_count) > 0:
            self.bad_times += count
            self.bad_time = self.bad_time or times.filter(pa.array(bad)).drop_null()[0].as_py()
        return values


def _named(values: pa.Array) -> pa.Array:
    if values.null_count or pc.min(pc.binary_length(values)).as_py() == 0:
        return pc.if_else(pc.equal(values, "").fill_null(True), UNNAMED, values)  # noqa: FBT003
    return values


def seconds(times: pa.Array) -> _Floats:
    """Return durations in seconds; NaN for what is no duration, or absent."""
    values: _Floats
    try:
        values = times.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    except pa.ArrowInvalid:
        values = np.fromiter(map(_one_time, times.to_pylist()), "float64", count=len(times))
    values[~np.isfinite(values) | (values < 0)] = np.nan
    return values


def _one_time(text: str | None) -> float:
    # Python reads "1_0" as ten, which no reporter means.
    try:
        return float(text) if text is not None and "_" not in text else math.nan
    except ValueError:
        return math.nan


@contextlib.contextmanager
def lean_memory() -> Iterator[None]:
    """Let Arrow take its memory from the system: its own allocator keeps a third more of what a reader gave back."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def constant(value: str, rows: int) -> pd.api.extensions.ExtensionArray:
    """Return a column of one text; its slices share the memory of one."""
    whole = pa.repeat(pa.scalar(value, TEXT), min(rows, SLICE))
    slices = [whole.slice(0, min(SLICE, rows - start)) for start in range(0, rows, SLICE)]
    return pd.array(pa.chunked_array(slices, TEXT), dtype="str")
