"""One history made ready for analysis: checked, without nulls and spikes, on a log scale where that exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stabkit.analyze.statistics.segments import Costs, correlation, find_spikes, middle_of, noise_scale, vote
from stabkit.errors import SchemaError

__all__ = ["MIN_VALUES", "Series", "boundaries", "fit_levels", "prepare", "read_values"]

Floats = NDArray[np.float64]

MIN_VALUES: Final = 8
MAX_VALUES: Final = 20_000  # time grows with the square: 10 s and more


@dataclass(frozen=True)
class Series:
    """A history ready for analysis.

    Attributes
    ----------
    values : array
        As given, floats, nulls as NaN.
    index : array of int, shape (n,)
        Positions in ``values`` of what is analysed: neither null nor spike.
    y : array, shape (n,)
        The analysed values: logs if all are positive, else divided by the largest magnitude.
    z : array, shape (n,)
        ``y`` with median 0 and noise of standard deviation 1; all 0 if constant.
    noise : float
        Standard deviation of the noise of ``y``; on logs a share of the level.
    """

    values: Floats
    index: NDArray[np.int64]
    spikes: NDArray[np.int64]
    y: Floats
    z: Floats
    noise: float
    scale: Literal["log", "linear"]

    @property
    def kept(self) -> Floats:
        """The analysed values in their own unit."""
        return self.values[self.index]


def read_values(values: Any) -> Floats:
    """Return a history as floats, nulls as NaN.

    Raises
    ------
    SchemaError
        Not one-dimensional, not numbers, or infinite; carries the failing rows. More than 20 000 values.
    """
    if isinstance(values, (str, bytes)) or not (isinstance(values, Sequence) or hasattr(values, "__array__")):
        raise SchemaError("A history must be a sequence of numbers.", where="values", hint="Give a list or a column.")
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iuf":
        plain: Floats = values.astype(np.float64)
        _check_length(plain)
        if not np.isinf(plain).any():
            return plain  # the common case, without the cost of building a column
    try:
        given = values if isinstance(values, pd.Series) else pd.Series(values)
    except (ValueError, TypeError) as error:
        raise SchemaError(
            f"A history must be one-dimensional: {error}.", where="values", hint="Give one column."
        ) from error
    given = given.reset_index(drop=True)
    if given.dtype.kind in "iuf":
        result: Floats = given.to_numpy(dtype="float64", na_value=np.nan)
    else:
        wrong = given[[not (_null(value) or _real(value)) for value in given]]
        if len(wrong):
            raise _refuse(wrong, "a number or null")
        result = np.array([np.nan if _null(v) else float(v) for v in given], dtype=np.float64)
    _check_length(result)
    infinite = np.isinf(result)
    if infinite.any():
        raise _refuse(given[infinite], "a finite number or null")
    return result


def _check_length(values: Floats) -> None:
    if len(values) > MAX_VALUES:
        raise SchemaError(
            f"{len(values)} values are too many for one history; the most is {MAX_VALUES}.",
            where="values",
            hint="Give the median of each day or week.",
        )


def _null(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value))


def _real(value: object) -> bool:
    return bool(pd.api.types.is_number(value)) and not isinstance(value, (bool, np.bool_, complex))


def _refuse(rows: pd.Series, expected: str) -> SchemaError:
    frame = pd.DataFrame({"column": "values", "row": rows.index, "value": rows.astype("object"), "expected": expected})
    return SchemaError(
        f"{len(rows)} of the values are not allowed, first {rows.iloc[0]!r} at position {rows.index[0]}.",
        where="values",
        hint=f"Each must be {expected}.",
        rows=frame.reset_index(drop=True),
    )


def prepare(values: Floats) -> Series:
    """Return a history without nulls and spikes, transformed and standardised.

    The noise is never taken as smaller than rounding alone would make it: a tick over √12.
    """
    present = np.flatnonzero(~np.isnan(values)).astype(np.int64)
    kept = values[present]
    scale: Literal["log", "linear"] = "log" if len(kept) and kept.min() > 0 else "linear"
    if scale == "log":
        y = np.log(kept)
    else:
        largest = float(np.abs(kept).max()) if len(kept) else 0.0
        y = kept / largest if largest > 0 else kept
    tick = _tick(y)
    spikes = find_spikes(y, floor=tick) if len(y) >= MIN_VALUES else np.empty(0, dtype=np.int64)
    stay = np.ones(len(y), dtype=bool)
    stay[spikes] = False
    y = y[stay]
    noise = max(noise_scale(y), tick) if len(y) > 1 else 0.0
    z = (y - middle_of(y)) / noise if noise > 0 else np.zeros_like(y)
    return Series(values, present[stay], present[spikes], y, z, noise, scale)


def _tick(y: Floats) -> float:
    """Return the noise of rounding to the smallest distance of two unlike values."""
    steps = np.diff(np.sort(y))
    # Differences at the level of rounding in the logarithm are no ticks.
    steps = steps[steps > 1e-12]
    return float(steps.min()) / np.sqrt(12) if len(steps) else 0.0


def fit_levels(x: Floats, places: Sequence[int]) -> Floats:
    """Return the mean of each segment, repeated over its length."""
    edges = [0, *places, len(x)]
    return np.concatenate([np.full(b - a, x[a:b].mean()) for a, b in pairwise(edges)])


def boundaries(series: Series) -> tuple[list[int], float]:
    """Return the voted boundaries in ``z`` and the lag-1 correlation of the residuals (0 if nothing was voted).

    Positively correlated builds wander; the vote is then repeated with penalties raised to their long-run variance.
    """
    if len(series.z) < MIN_VALUES or series.noise <= 0:
        return [], 0.0
    costs = Costs(series.z)
    places = vote(series.z, costs=costs)
    if not places:
        return [], 0.0
    r = correlation(series.z - fit_levels(series.z, places))
    if r > 0:
        places = vote(series.z, inflation=(1 + r) / (1 - r), costs=costs)
    return places, max(r, 0.0)
