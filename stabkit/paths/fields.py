"""Fields of JSON documents by their dotted path, and JSON read as strictly as its standard asks (RFC 8259)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["MISSING", "find_field", "read_json"]

_INDEX: Final = re.compile(r"\[(\d+)\]")


class _Missing:
    """The absence of a field, which null is not."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; unlike Python's reader it refuses NaN and Infinity, which are not JSON.

    Raises
    ------
    ValueError
        Not JSON, or nested too deeply to be read.

    Examples
    --------
    >>> read_json('{"a": null}')
    {'a': None}
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a JSON value")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def find_field(payload: Any, path: str) -> Any:
    """Return the value at a dotted path, or MISSING; null is a value.

    A number addresses a list. A key that holds dots itself is found too. ``$.a[0].b`` is another way to write
    ``a.0.b``.

    Examples
    --------
    >>> find_field({"a": {"b": [None, 5]}}, "a.b.1")
    5
    >>> find_field({"a": {"b": [None, 5]}}, "a.b.0") is None
    True
    >>> find_field({"a": 1}, "a.b"), find_field({"a": [1, 2]}, "$.a[1]")
    (MISSING, 2)
    """
    if path.startswith("$."):
        path = _INDEX.sub(r".\1", path[2:])
    if isinstance(payload, Mapping) and path in payload:
        return payload[path]
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        head, rest = ".".join(parts[:length]), ".".join(parts[length:])
        inner = _step(payload, head)
        if inner is not MISSING:
            found = find_field(inner, rest)
            if found is not MISSING:
                return found
    return _step(payload, path)


def _step(payload: Any, key: str) -> Any:
    if isinstance(payload, Mapping):
        return payload.get(key, MISSING)
    if isinstance(payload, list) and key.isascii() and key.isdigit() and int(key) < len(payload):
        return payload[int(key)]
    return MISSING
