"""What is computed once of a frozen object, such as a side of a comparison, and asked for with every condition."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["once_for_each"]

Owner = TypeVar("Owner")
Result = TypeVar("Result")


def once_for_each(function: Callable[[Owner], Result]) -> Callable[[Owner], Result]:
    """Return a function of one frozen object that keeps its result for as long as there is the object.

    Parameters
    ----------
    function : callable
        Of an object that nobody changes and that is only equal to itself. Its result must not refer to the object,
        which would then never go, and is shared by all who ask: nobody may change it.

    Examples
    --------
    >>> class Side:
    ...     pass
    >>> @once_for_each
    ... def computed(side):
    ...     return [1]
    >>> side = Side()
    >>> computed(side) is computed(side), computed(side) is computed(Side())
    (True, False)
    """
    known: WeakKeyDictionary[Any, Result] = WeakKeyDictionary()

    @wraps(function)
    def of(owner: Owner) -> Result:
        try:
            return known[owner]
        except KeyError:
            return known.setdefault(owner, function(owner))

    return of
