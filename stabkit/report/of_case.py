"""Sections as methods: what shows a case becomes the method of an object that has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from stabkit.case import Case

__all__ = ["of_case"]

P = ParamSpec("P")
R = TypeVar("R")


def of_case(section: Callable[Concatenate[Case, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Return a section as a method that shows ``self.case``, with the section's own docstring and arguments."""

    @wraps(section)
    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return section(self.case, *args, **kwargs)

    return method
