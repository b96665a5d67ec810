"""Pieces of a JSON Schema: values, lists, and objects whose keys are all known; types are taken from dataclasses.

Source: JSON Schema, draft 2020-12.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

__all__ = ["Schema", "closed", "either", "fields_of", "listed", "maybe", "open_object", "value", "word"]

Schema = dict[str, Any]

_PLAIN: Final[Mapping[Any, Schema]] = types.MappingProxyType(
    {
        str: {"type": "string"},
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        # What is not finite is written as null.
        float: {"type": ["number", "null"]},
        type(None): {"type": "null"},
    }
)


def value(kind: str | Sequence[str], description: str, **more: Any) -> Schema:
    """Return the schema of a plain value; ``kind`` is a type of JSON, or several."""
    return {"description": description, "type": kind if isinstance(kind, str) else list(kind), **more}


def word(description: str, known: Iterable[str], *, null: bool = False) -> Schema:
    """Return the schema of one of some words."""
    return {"description": description, "enum": [*known, *([None] if null else [])]}


def maybe(schema: Schema) -> Schema:
    """Return the schema of what may be null, with the description outside."""
    inner = {key: told for key, told in schema.items() if key != "description"}
    return {"description": schema.get("description", ""), "anyOf": [inner, {"type": "null"}]}


def listed(items: Schema, description: str, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"description": description, "type": "array", "items": items, **more}


def either(description: str, *schemas: Schema) -> Schema:
    """Return the schema of one of several."""
    return {"description": description, "anyOf": list(schemas)}


def open_object(description: str, of: Schema | None = None) -> Schema:
    """Return the schema of an object whose keys are names of evidence, or differ from kind to kind."""
    return {"description": description, "type": "object", "additionalProperties": True if of is None else of}


def closed(description: str, properties: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    """Return the schema of an object with just these keys; all are there but the optional ones."""
    spared = set(optional)
    return {
        "description": description,
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in spared],
        "additionalProperties": False,
    }


def fields_of(
    kind: type, told: Mapping[str, str], given: Mapping[str, Schema] = types.MappingProxyType({})
) -> dict[str, Schema]:
    """Return the properties of a dataclass as its JSON has them: types from its fields, words from ``told``.

    Parameters
    ----------
    told : mapping
        Field -> what it is. Every field that is part of the JSON has to be told.
    given : mapping
        Field -> its schema, where its type does not say it.

    Raises
    ------
    KeyError
        A field is not told.
    """
    hints = typing.get_type_hints(kind)
    found = {}
    for one in dataclasses.fields(kind):
        if one.repr:
            found[one.name] = (
                given[one.name] if one.name in given else {"description": told[one.name]} | _of(hints[one.name])
            )
    return found


def _of(hint: Any) -> Schema:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (typing.Union, types.UnionType):
        inner = [_of(part) for part in parts]
        kinds = [
            kind for one in inner for kind in (one["type"] if isinstance(one.get("type"), list) else [one.get("type")])
        ]
        if all(set(one) == {"type"} for one in inner):
            return {"type": list(dict.fromkeys(kinds))}
        return {"anyOf": inner}
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        return {"type": "array", "items": _of(parts[0])}
    raise TypeError(f"no schema for {hint}")
