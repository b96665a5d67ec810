"""Classes that a call creates: ``namedtuple("Point", "x y")``, ``TypedDict("T", {"a": int})``, ``Enum("E", "A B")``."""

from __future__ import annotations

import ast
from typing import Any, Final

from stabkit.change.api.signatures import Found
from stabkit.change.python_code import dotted

__all__ = ["created", "lost_fields"]

_TUPLES: Final = ("namedtuple", "NamedTuple")
_OTHERS: Final = ("TypedDict", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")


def created(value: Any) -> tuple[str, tuple[str, ...]] | None:
    """Return what a value creates, and the names of its fields; None for any other value.

    Examples
    --------
    >>> created("collections.namedtuple('Point', 'x, y')")
    ('namedtuple', ('x', 'y'))
    """
    text = str(value)
    if value is None or not any(name in text for name in (*_TUPLES, *_OTHERS)):
        return None
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(call, ast.Call) or len(call.args) < 2:
        return None
    kind = dotted(call.func).rpartition(".")[2]
    fields = _fields(call.args[1]) if kind in (*_TUPLES, *_OTHERS) else None
    return None if fields is None else (kind, fields)


def _fields(given: ast.expr) -> tuple[str, ...] | None:
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return tuple(given.value.replace(",", " ").split())
    if isinstance(given, ast.Dict):
        names: list[ast.expr | None] = list(given.keys)
    elif isinstance(given, ast.List | ast.Tuple):
        names = [one.elts[0] if isinstance(one, ast.Tuple | ast.List) and one.elts else one for one in given.elts]
    else:
        return None
    found = [one.value for one in names if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return tuple(found) if len(found) == len(names) else None


def lost_fields(old: tuple[str, tuple[str, ...]], new: tuple[str, tuple[str, ...]]) -> Found | None:
    """Return what breaks those who use such a class; one more member of an enumeration breaks nobody."""
    before, after = old[1], new[1]
    broken = before != after if old[0] in _TUPLES else bool({*before} - {*after})
    return Found("fields_changed", None, ", ".join(before), ", ".join(after)) if broken else None
