"""Measured times by round: how arrays and frames of milliseconds are read and checked before they are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stabkit.errors import SchemaError

__all__ = ["FloatArray", "Rounds", "quantile_rank", "read_rounds"]

FloatArray = npt.NDArray[np.float64]


def quantile_rank(n: int, p: float) -> int:
    """Return the 1-based rank k = ceil(n p) of the p-quantile among n ordered values.

    Examples
    --------
    >>> quantile_rank(1000, 0.99), quantile_rank(3, 0.5), quantile_rank(1, 0.05)
    (990, 2, 1)
    """
    return max(1, math.ceil(n * p - 1e-9))  # 100 * 0.29 is 28.999999999999996, but also 1000 * 0.57 > 570


@dataclass(frozen=True, eq=False)
class Rounds:
    """The samples of one side, round after round, in time order within each.

    Attributes
    ----------
    values : array of float, shape (n,)
        Positive and finite, ms.
    starts : array of int, shape (rounds + 1,)
        Round i holds ``values[starts[i]:starts[i + 1]]``.
    labels : array, shape (rounds,)
        The round numbers, ascending.
    """

    values: FloatArray
    starts: npt.NDArray[np.intp]
    labels: npt.NDArray[Any]

    @property
    def n(self) -> int:
        """How many samples in all."""
        return int(self.values.size)

    @property
    def count(self) -> int:
        """How many rounds."""
        return int(self.labels.size)

    @cached_property
    def sizes(self) -> npt.NDArray[np.intp]:
        """Samples in each round."""
        return np.diff(self.starts)

    @cached_property
    def logs(self) -> FloatArray:
        """Natural logarithms of the values, same order."""
        return np.log(self.values)

    @cached_property
    def ordered(self) -> FloatArray:
        """The logarithms, ascending."""
        return np.sort(self.logs)

    @cached_property
    def tick(self) -> float:
        """The step of the clock that is visible in the values, ms; 0 if they hold no ties.

        The smallest distance between two different values. Where all are equal, one unit of the last decimal written
        (5 -> 1 ms, 5.25 -> 0.01 ms): nothing finer was observed.
        """
        steps = np.diff(np.exp(self.ordered)) if self.n < 2 else np.diff(np.sort(self.values))
        if steps.size == 0 or steps.min() > 0:
            return 0.0
        positive = steps[steps > 0]
        if positive.size:
            return float(positive.min())
        decimals = np.format_float_positional(self.values[0], trim="-").partition(".")[2]
        return float(10.0 ** -len(decimals))

    def log_quantiles(self, p: float) -> FloatArray:
        """Return the log of each round's p-quantile, shape (rounds,)."""
        sizes = self.sizes
        if np.all(sizes == sizes[0]):
            size = int(sizes[0])
            k = quantile_rank(size, p) - 1
            return np.partition(self.logs.reshape(self.count, size), k, axis=1)[:, k]
        parts = (self.logs[a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True))
        return np.array([np.sort(part)[quantile_rank(part.size, p) - 1] for part in parts])

    def round_index(self) -> npt.NDArray[np.intp]:
        """Return for each sample the index of its round, shape (n,)."""
        return np.repeat(np.arange(self.count), self.sizes)

    def take(self, labels: npt.NDArray[Any]) -> Rounds:
        """Return these rounds only, in ascending order."""
        keep = np.isin(self.labels, labels)
        if keep.all():
            return self
        return Rounds(
            self.values[np.repeat(keep, self.sizes)],
            np.concatenate([[0], np.cumsum(self.sizes[keep])]),
            self.labels[keep],
        )


def read_rounds(data: Any, *, where: str, column: str = "response_ms", positive: bool = True) -> Rounds:
    """Return the samples of an array (one round) or of a frame (its rounds).

    Parameters
    ----------
    data : array-like or DataFrame
        1-D numbers in time order: one round. Or a frame with the columns ``round`` and ``column``, rows of a round in
        time order; rounds may come in any order. Not changed. May be empty.
    where : str
        What this is, for error messages: ``baseline``, ``candidate``.
    column : str
        The column of a frame that is judged.
    positive : bool
        False lets values be 0 and below, as of a reading whose differences are judged.

    Raises
    ------
    SchemaError
        Not 1-D, not numbers, a column is missing, a round is null, or a value is null, infinite, zero or negative (a
        failed request has no response time: leave it out and count it as an error). Carries the failing rows.
    """
    if isinstance(data, pd.DataFrame):
        missing = [name for name in ("round", column) if name not in data.columns]
        if missing:
            raise SchemaError(
                f"Required columns are missing: {', '.join(missing)}.",
                where=where,
                hint=f"A frame needs the columns round and {column}; a plain array is one round.",
            )
        values = _numbers(data[column], where=where, name=column, positive=positive)
        return _grouped(values, _numbers(data["round"], where=where, name="round", positive=False))
    values = _numbers(data, where=where, name=column, positive=positive)
    return Rounds(values, np.array([0, values.size]), np.zeros(min(1, values.size)))


def _grouped(values: FloatArray, rounds: FloatArray) -> Rounds:
    if values.size == 0:
        return Rounds(values, np.array([0]), rounds)
    if np.any(rounds[1:] < rounds[:-1]):
        order = np.argsort(rounds, kind="stable")
        values, rounds = values[order], rounds[order]
    starts = np.concatenate([[0], np.flatnonzero(rounds[1:] != rounds[:-1]) + 1, [values.size]])
    return Rounds(values, starts, rounds[starts[:-1]])


def _numbers(data: Any, *, where: str, name: str, positive: bool = True) -> FloatArray:
    try:
        values = _floats(data)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"{name} does not hold plain numbers.", where=where, hint="Give milliseconds as integers or floats."
        ) from error
    if values.ndim != 1:
        raise SchemaError(
            f"{name} has {values.ndim} dimensions.",
            where=where,
            hint="Give a 1-D array of one round, or a frame with the columns round and response_ms.",
        )
    good = np.isfinite(values)
    if positive:
        good &= values > 0
    if not good.all():
        raise _bad_values(values, good, where=where, name=name, positive=positive)
    return values


def _floats(data: Any) -> FloatArray:
    """Return a copy as floats; truth values, texts and times are no numbers although numpy would convert them."""
    kind = getattr(getattr(data, "dtype", None), "kind", None) or np.asarray(data).dtype.kind
    if kind in "bSUMmc":
        raise TypeError(kind)
    if isinstance(data, pd.Series) and not isinstance(data.dtype, np.dtype):
        return np.array(data.to_numpy(dtype=np.float64, na_value=np.nan))
    if isinstance(data, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(data), np.nan, np.ma.getdata(data).astype(np.float64))
    return np.array(data, dtype=np.float64)


def _bad_values(
    values: FloatArray, good: npt.NDArray[np.bool_], *, where: str, name: str, positive: bool
) -> SchemaError:
    bad = np.flatnonzero(~good)
    expected = "a finite number above 0" if positive else "a number"
    rows = pd.DataFrame({"column": name, "row": bad, "value": values[bad], "expected": expected})
    return SchemaError(
        f"{bad.size} of {values.size} values of {name} cannot be judged; the first is {values[bad[0]]:g}, "
        f"expected {expected}.",
        where=f"{where}, row {bad[0]}",
        hint="Leave failed requests out: they have no time and count as errors. The error's .rows lists all.",
        rows=rows,
    )
