"""One order of arguments: the runs first, the store and everything else by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from stabkit.case import is_store
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.redact import redact_text
from stabkit.runs import as_text
from stabkit.text import plain

__all__ = ["store_by_name"]

P = ParamSpec("P")
R = TypeVar("R")


def store_by_name(*former: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse a call that gives the store by its place, and name the call that is meant; take texts as texts.

    Parameters
    ----------
    former : str
        The arguments beside the store, in the order in which they stood behind it.
    """

    def checked(function: Callable[P, R]) -> Callable[P, R]:
        known = signature(function).parameters
        sides = [name for name, one in known.items() if one.kind is not Parameter.KEYWORD_ONLY]

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            if len(args) > len(sides) or (args and _is_store(args[0])):
                name = function.__name__
                raise UsageError(
                    "The runs come first, and the store is given by name." if sides else "The store is given by name.",
                    where=name,
                    hint=f"Call it so: {name}({_meant(sides, former, args, kwargs)})",
                )
            given = {**dict(zip(sides, args, strict=False)), **kwargs}
            taken = {name: _taken(name, value, known[name]) for name, value in given.items() if name in known}
            return cast("Callable[..., R]", function)(**{**given, **taken})

        return called

    return checked


def _taken(name: str, value: Any, parameter: Parameter) -> Any:
    """Return a value as its parameter needs it: papermill makes numbers of words that look like numbers.

    Raises
    ------
    UsageError
        It is of another kind.
    """
    kind = str(parameter.annotation)
    if value is None or isinstance(value, (str, Path)) is kind.startswith("str"):
        return value
    if kind.startswith("str"):
        return value if isinstance(value, Config) and "Config" in kind else as_text(value, name)
    if kind.startswith("int") and (isinstance(value, bool) or not isinstance(value, int)):
        raise UsageError(
            f"A whole number is needed here, and this arrived: {plain(value)}.",
            where=f"parameter {name}",
            hint="Such as: 10",
        )
    return value


def _is_store(value: object) -> bool:
    return isinstance(value, (str, Path)) and is_store(value)


def _meant(sides: list[str], former: tuple[str, ...], args: tuple[Any, ...], named: dict[str, Any]) -> str:
    place = next((number for number, value in enumerate(args) if _is_store(value)), 0)
    others = dict(zip(former, args[:place] + args[place + 1 :], strict=False))
    given = {"data": args[place], **others, **named}
    words = [_word(given[side]) for side in sides if side in given]
    words += [f"{name}={_word(value)}" for name, value in given.items() if name not in sides]
    return ", ".join(words)


def _word(value: Any) -> str:
    return json.dumps(redact_text(str(value))) if isinstance(value, (str, Path)) else repr(value)
