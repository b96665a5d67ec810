"""What the clock or counter that wrote a history could tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from stabkit.analyze.history.change_points import Change
from stabkit.analyze.statistics import read_values

__all__ = ["beyond_resolution"]

_STEPS: Final = (1.0, 0.1, 0.01, 0.001)


def resolution(values: Sequence[float] | Any) -> float:
    """Return the step that all values are whole numbers of: 1, 0.1, 0.01 or 0.001; else 0.0.

    Parameters
    ----------
    values : sequence of float, shape (n,)
        In any unit; nulls are left out. No value: 0.0.

    Examples
    --------
    >>> resolution([0.004, 0.005, 0.012]), resolution([0.0041, 0.005]), resolution([1.5, 2.0])
    (0.001, 0.0, 0.1)
    """
    known = read_values(values)
    known = known[np.isfinite(known)]
    if not len(known):
        return 0.0
    for step in _STEPS:
        steps = known / step
        if np.abs(steps - np.round(steps)).max() < 1e-6:
            return step
    return 0.0


def beyond_resolution(changes: Iterable[Change], values: Sequence[float] | Any) -> Iterator[Change]:
    """Return the changes that are larger than one step of what the values were written with.

    Rounding alone moves a level from one step to the next, wherever it lies near the middle between them.

    Parameters
    ----------
    changes : iterable of Change
        Found in these values.
    values : sequence of float, shape (n,)
        The history.
    """
    step = resolution(values)
    return (change for change in changes if abs(change.difference) > step * (1 + 1e-6))
