"""Measured times by round: how arrays and frames of milliseconds are read and checked before they are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from stabkit.errors import SchemaError

__all__ = ["FloatArray", "Rounds", "mid_distribution", "mid_quantile", "quantile_rank", "read_rounds"]

FloatArray = npt.NDArray[np.float64]

_ONE_VALUE: Final = 0.80  # of the samples at one value: the clock is coarser than what it times


def quantile_rank(n: int, p: float) -> int:
    """Return the 1-based rank k = ceil(n p) of the p-quantile among n ordered values.

    Examples
    --------
    >>> quantile_rank(1000, 0.99), quantile_rank(3, 0.5), quantile_rank(1, 0.05)
    (990, 2, 1)
    """
    return max(1, math.ceil(n * p - 1e-9))  # 100 * 0.29 is 28.999999999999996, but also 1000 * 0.57 > 570


def mid_quantile(ordered: FloatArray, p: float) -> float:
    """Return the p-quantile of the mid-distribution, which values on the grid of a coarse clock move smoothly.

    Parameters
    ----------
    ordered : array of float, shape (n,)
        Ascending, n at least 1; equal values are what a clock could not tell apart.
    p : float
        Between 0 and 1.

    Notes
    -----
    Each value stands at the share below it and half of its own; between values the quantile is linear: Ma, Genton and
    Parzen 2011, doi:10.1007/s10463-009-0252-8. Without ties it is the quantile of Hazen, whose bias does not depend on
    how many samples there are, as that of a rank does.

    Examples
    --------
    >>> mid_quantile(np.array([1.0, 2.0, 3.0, 4.0]), 0.5), mid_quantile(np.array([6.0, 6.0, 6.0, 7.0]), 0.5)
    (2.5, 6.25)
    """
    return float(np.interp(p, *mid_distribution(ordered)))


def mid_distribution(ordered: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where each distinct value stands, as a share of all, and the values; the quantile is linear between."""
    n = ordered.size
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [n]])
    return (starts + ends) / (2 * n), ordered[starts]


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

    @cached_property
    def coarse(self) -> bool:
        """Whether the clock shows hardly more than one value, so that no quantile between its steps can be told."""
        if self.tick == 0.0:
            return False
        _, counts = np.unique(self.values, return_counts=True)
        return bool(counts.max() > _ONE_VALUE * self.n)

    def log_quantiles(self, p: float) -> FloatArray:
        """Return the log of each round's p-quantile, as :func:`mid_quantile` has it, shape (rounds,)."""
        size = int(self.sizes[0])
        place = size * p - 0.5
        if self.tick == 0.0 and np.all(self.sizes == size) and 0 <= place < size - 1:
            low = math.floor(place)
            parts = np.partition(self.logs.reshape(self.count, size), (low, low + 1), axis=1)
            found: FloatArray = parts[:, low] + (place - low) * (parts[:, low + 1] - parts[:, low])
            return found
        rounds = (self.logs[a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True))
        return np.array([mid_quantile(np.sort(one), p) for one in rounds])

    def blocks(self) -> Rounds:
        """Return one long round cut into blocks of time, longer than the usual autocorrelation; several as they are."""
        if self.count != 1:
            return self
        length = max(1, math.ceil(2 * self.n ** (1 / 3)))
        starts = np.append(np.arange(0, max(1, self.n - length // 2), length), self.n)
        return Rounds(self.values, starts, np.arange(starts.size - 1, dtype=np.float64))

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


def read_rounds(
    data: Any, *, where: str, column: str = "response_ms", positive: bool = True, rounds: Any = None
) -> Rounds:
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
    rounds : array-like, optional
        The round of each number of an array, which then holds several.

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
    if rounds is not None:
        return _grouped(values, _numbers(rounds, where=where, name="round", positive=False))
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
