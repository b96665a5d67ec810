"""Avro records and published JSON Schemas of both ends compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from stabkit.change.contracts.documents import Documents, line_of
from stabkit.change.contracts.schemas import compare_schemas
from stabkit.change.facts import Fact

__all__ = ["JSON_SCHEMA", "compare_avro", "compare_json_schema"]

JSON_SCHEMA: Final = re.compile(rb"""["']?\$schema["']?[ \t]*:[ \t]*["']?https?://json-schema\.org/""")
"""Finds a schema by what it says of itself."""

# What a reader of the second may be given by a writer of the first.
_PROMOTED: Final = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
_DEEPEST: Final = 30


def compare_json_schema(old: Documents, new: Documents, before: str, after: str) -> Iterator[Fact]:
    """Yield why a document that was valid need not be so any more, and what readers miss in a new one."""
    one, two = old.get(before), new.get(after)
    for found in compare_schemas((old, before, one), (new, after, two), "stored"):
        gone = found.after is None
        path, documents = (before, old) if gone else (after, new)
        what = ".".join(found.place) or str((two or {}).get("title") or "schema")
        line = line_of(documents.content(path), *found.place)
        yield Fact(path, line, what, found.change, "property", found.before, found.after, proven=found.proven)


def compare_avro(old: Documents, new: Documents, before: str, after: str) -> Iterator[Fact]:
    """Yield what readers of the old schema miss in new records, or readers of the new one in old records."""
    for what, change, was, now in _avro(old.get(before), new.get(after), (), _DEEPEST):
        gone = now is None
        path, documents = (before, old) if gone else (after, new)
        line = line_of(documents.content(path), *what[1:] or what)
        yield Fact(path, line, ".".join(what), change, "field", was, now)


_Found = Iterator[tuple[tuple[str, ...], str, str | None, str | None]]


def _avro(old: Any, new: Any, place: tuple[str, ...], depth: int) -> _Found:
    if depth < 0 or old == new:
        return
    if isinstance(old, dict) and old.get("type") == "record" and isinstance(new, dict) and new.get("type") == "record":
        yield from _record(old, new, place, depth)
        return
    if isinstance(old, dict) and isinstance(new, dict) and old.get("type") == new.get("type") == "enum":
        lost = [one for one in old.get("symbols") or () if one not in (new.get("symbols") or ())]
        if lost and "default" not in new:
            yield place or (str(old.get("name")),), "enum_narrowed", ", ".join(map(str, lost)), None
        return
    if (
        isinstance(old, dict)
        and isinstance(new, dict)
        and old.get("type") == new.get("type")
        and old.get("type") in ("array", "map")
    ):
        inner = "items" if old["type"] == "array" else "values"
        yield from _avro(old.get(inner), new.get(inner), place, depth - 1)
        return
    was, now = _branches(old), _branches(new)
    lost_types = {one for one in was if one not in now and not _PROMOTED.get(one, set()) & {*now}}
    if lost_types:
        yield place, "type_changed", " | ".join(was), " | ".join(now)
        return
    for name, branch in was.items():
        if name in now and isinstance(branch, dict):
            yield from _avro(branch, now[name], place, depth - 1)


def _record(old: Mapping[str, Any], new: Mapping[str, Any], place: tuple[str, ...], depth: int) -> _Found:
    name = _full(old)
    here = place or (str(old.get("name")),)
    if _full(new) != name and name not in _aliases(new) and str(old.get("name")) not in _aliases(new):
        yield here, "renamed", name, _full(new)
    fields = [
        {str(one.get("name")): one for one in side.get("fields") or () if isinstance(one, dict)} for side in (old, new)
    ]
    for field, stated in fields[0].items():
        other = fields[1].get(field) or next((one for one in fields[1].values() if field in _aliases(one)), None)
        if other is None:
            # A reader of the old schema fills it in where it has a default.
            if "default" not in stated:
                yield (*here, field), "removed", _shown(stated.get("type")), None
            continue
        yield from _avro(stated.get("type"), other.get("type"), (*here, field), depth - 1)
    for field, stated in fields[1].items():
        known = field in fields[0] or any(alias in fields[0] for alias in _aliases(stated))
        if not known and "default" not in stated:
            yield (*here, field), "required_added", None, _shown(stated.get("type"))


def _branches(schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in schema if isinstance(schema, list) else [schema]:
        if isinstance(one, dict):
            kind = one.get("type")
            if isinstance(kind, str | list) and set(one) - {"logicalType", "precision", "scale"} == {"type"}:
                found |= _branches(kind)
            else:
                found[str(one.get("name") or kind)] = one
        else:
            found[str(one)] = one
    return found


def _aliases(stated: Mapping[str, Any]) -> list[str]:
    listed = stated.get("aliases")
    return [str(one) for one in listed] if isinstance(listed, list) else []


def _full(record: Mapping[str, Any]) -> str:
    return ".".join(str(record[key]) for key in ("namespace", "name") if record.get(key))


def _shown(schema: Any) -> str:
    return " | ".join(_branches(schema))
