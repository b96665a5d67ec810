"""Two JSON Schemas of the same thing compared: what callers may send, what they get, or what both agreed on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from stabkit.change.contracts.documents import Documents

__all__ = ["Difference", "Side", "compare_schemas"]

Side = Literal["sent", "received", "stored"]
"""``sent``: callers write it; ``received``: they read it; ``stored``: what was valid must stay valid."""

_MOST: Final = 20_000
_DEEPEST: Final = 40
# A limit that grew tighter: True where a greater value is the tighter one.
_LIMITS: Final = {
    "minimum": True,
    "minLength": True,
    "minItems": True,
    "minProperties": True,
    "maximum": False,
    "maxLength": False,
    "maxItems": False,
    "maxProperties": False,
}
_SCALARS: Final = {"integer": {"number"}}


Anchor = tuple[str, str, int]


@dataclass(frozen=True)
class Difference:
    """One break in a schema: the place in it, what happened, how it was and is.

    ``anchors`` says where the innermost schema with a name of its own stands, at each end: the file, the name, and how
    much of the place leads there.
    """

    place: tuple[str, ...]
    change: str
    before: str | None = None
    after: str | None = None
    proven: bool = True
    anchors: tuple[Anchor, Anchor] | None = None


class _Walk:
    def __init__(self, old: Documents, new: Documents, side: Side) -> None:
        self.old, self.new, self.side = old, new, side
        self.seen: set[tuple[int, int]] = set()
        self.left = _MOST


def compare_schemas(
    old: tuple[Documents, str, Any], new: tuple[Documents, str, Any], side: Side
) -> Iterator[Difference]:
    """Yield what is no longer as it was, for whom the side is.

    Parameters
    ----------
    old, new : tuple
        The documents of an end, the file there, and the schema in it. References are followed, each pair once.
    side : str
        Who relies on it: see ``Side``.
    """
    walk = _Walk(old[0], new[0], side)
    yield from _compared(walk, old[1:], new[1:], ())


def _compared(walk: _Walk, old: tuple[str, Any], new: tuple[str, Any], place: tuple[str, ...]) -> Iterator[Difference]:
    ends = walk.old.resolve(*old), walk.new.resolve(*new)
    names = [
        str(one[1]["$ref"]).rpartition("/")[2] for one in (old, new) if isinstance(one[1], dict) and "$ref" in one[1]
    ]
    for found in _walked(walk, *ends, place):
        if found.anchors is None and len(names) == 2:
            anchors = (ends[0][0], names[0], len(place)), (ends[1][0], names[1], len(place))
            yield replace(found, anchors=anchors)
        else:
            yield found


def _walked(walk: _Walk, old: tuple[str, Any], new: tuple[str, Any], place: tuple[str, ...]) -> Iterator[Difference]:
    before, after = old[1], new[1]
    if (
        not isinstance(before, dict)
        or not isinstance(after, dict)
        or (before == after and "$ref" not in str(before)[:4000])
    ):
        return
    key = (id(before), id(after))
    walk.left -= 1
    if key in walk.seen or walk.left < 0 or len(place) > _DEEPEST:
        return
    walk.seen.add(key)
    before, after = _merged(walk.old, old), _merged(walk.new, new)
    types = _types(before), _types(after)
    yield from _changed_types(walk.side, *types, place)
    if types[0] and types[1] and not types[0] & types[1]:
        return
    yield from _values(walk.side, before, after, place)
    yield from _properties(walk, (old[0], before), (new[0], after), place)
    for name in ("items", "additionalProperties"):
        if isinstance(before.get(name), dict) and isinstance(after.get(name), dict):
            yield from _compared(walk, (old[0], before[name]), (new[0], after[name]), (*place, "[]"))
    for name in ("oneOf", "anyOf"):
        yield from _choices(walk, (old[0], before.get(name)), (new[0], after.get(name)), place)


def _changed_types(side: Side, old: set[str], new: set[str], place: tuple[str, ...]) -> Iterator[Difference]:
    if not old or not new:
        return
    wider, given = (new, old) if side != "received" else (old, new)
    lost = {one for one in given - wider if not _SCALARS.get(one, set()) & wider}
    if lost:
        change = "nullability_changed" if lost == {"null"} else "type_changed"
        yield Difference(place, change, " | ".join(sorted(old)), " | ".join(sorted(new)))


def _values(side: Side, old: Mapping[str, Any], new: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Difference]:
    before, after = _allowed(old), _allowed(new)
    if after is not None and side != "received":
        lost = sorted(before - after) if before is not None else None
        if lost or before is None:
            yield Difference(place, "enum_narrowed", ", ".join(lost) if lost else None, ", ".join(sorted(after)))
    elif before is not None and side == "received" and (after is None or after - before):
        shown = ", ".join(sorted(after - before)) if after is not None else None
        yield Difference(place, "enum_widened", ", ".join(sorted(before)), shown, proven=False)
    formats = old.get("format"), new.get("format")
    if formats[0] != formats[1] and all(isinstance(one, str) for one in formats):
        yield Difference(place, "format_changed", str(formats[0]), str(formats[1]), proven=False)
    if side == "received":
        return
    for name, greater in _LIMITS.items():
        was, now = (one.get(name) for one in (old, new))
        if not isinstance(now, int | float) or was == now:
            continue
        known = isinstance(was, int | float)
        if (now > was if greater else now < was) if isinstance(was, int | float) else now != 0:
            yield Difference(place, "limit_tightened", f"{name} {was}" if known else None, f"{name} {now}")
    if isinstance(new.get("pattern"), str) and old.get("pattern") != new["pattern"]:
        yield Difference(
            place, "pattern_changed", old.get("pattern") and str(old["pattern"]), new["pattern"], proven=False
        )


def _properties(
    walk: _Walk, old: tuple[str, Mapping[str, Any]], new: tuple[str, Mapping[str, Any]], place: tuple[str, ...]
) -> Iterator[Difference]:
    before, after = (_table(one[1].get("properties")) for one in (old, new))
    required = [_names(one[1].get("required")) for one in (old, new)]
    for name, inner in before.items():
        if name not in after:
            # What callers send and nobody reads any more may be passed over, or refused.
            yield Difference(
                (*place, name), "field_removed", _shown(walk.old, (old[0], inner)), None, proven=walk.side != "sent"
            )
            continue
        yield from _compared(walk, (old[0], inner), (new[0], after[name]), (*place, name))
        if walk.side == "received" and name in required[0] - required[1]:
            yield Difference((*place, name), "became_optional", "required", "optional")
    if walk.side != "received":
        for name in sorted(required[1] - required[0]):
            if _has_default(walk.new, (new[0], after.get(name))) and walk.side == "sent":
                continue
            change = "became_required" if name in before else "required_added"
            yield Difference((*place, name), change, "optional" if name in before else None, "required")
        if new[1].get("additionalProperties") is False and old[1].get("additionalProperties") is not False and before:
            yield Difference(place, "closed", "any other property", "no other property", proven=walk.side == "stored")


def _choices(walk: _Walk, old: tuple[str, Any], new: tuple[str, Any], place: tuple[str, ...]) -> Iterator[Difference]:
    before, after = (one[1] if isinstance(one[1], list) else [] for one in (old, new))
    if not before or not after:
        return
    names = [{_choice(one) for one in side} for side in (before, after)]
    lost = names[0] - names[1] if walk.side != "received" else names[1] - names[0]
    if lost and None not in lost:
        change = "choice_removed" if walk.side != "received" else "choice_added"
        yield Difference(
            place, change, ", ".join(sorted(map(str, names[0]))), ", ".join(sorted(map(str, names[1]))), proven=False
        )
    for one in before:
        other = next((two for two in after if _choice(two) == _choice(one)), None)
        if _choice(one) is not None and other is not None:
            yield from _compared(walk, (old[0], one), (new[0], other), place)


def _choice(schema: Any) -> str | None:
    if not isinstance(schema, dict):
        return None
    name = schema.get("$ref") or schema.get("title") or schema.get("type")
    return str(name).rpartition("/")[2] if name else None


def _merged(documents: Documents, schema: tuple[str, Any], depth: int = 8) -> dict[str, Any]:
    """Return a schema with what it takes from all of others (``allOf``)."""
    path, value = documents.resolve(*schema)
    if not isinstance(value, dict):
        return {}
    parts = value.get("allOf")
    if not isinstance(parts, list) or depth < 0:
        return value
    whole: dict[str, Any] = {key: one for key, one in value.items() if key != "allOf"}
    properties, required = dict(_table(value.get("properties"))), set(_names(value.get("required")))
    for part in parts:
        inner = _merged(documents, (path, part), depth - 1)
        properties = {**_table(inner.get("properties")), **properties}
        required |= _names(inner.get("required"))
        whole = {**inner, **whole}
    return {**whole, "properties": properties, "required": sorted(required)}


def _types(schema: Mapping[str, Any]) -> set[str]:
    stated = schema.get("type")
    found = {str(one) for one in stated} if isinstance(stated, list) else {stated} if isinstance(stated, str) else set()
    if not found and isinstance(schema.get("properties"), dict) and schema["properties"]:
        found = {"object"}
    return found | ({"null"} if found and schema.get("nullable") is True else set())


def _allowed(schema: Mapping[str, Any]) -> set[str] | None:
    stated = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return {str(one) for one in stated[:1000] if one is not None} if isinstance(stated, list) else None


def _has_default(documents: Documents, schema: tuple[str, Any]) -> bool:
    value = documents.resolve(*schema)[1]
    return isinstance(value, dict) and (value.get("default") is not None or value.get("readOnly") is True)


def _shown(documents: Documents, schema: tuple[str, Any]) -> str | None:
    value = documents.resolve(*schema)[1]
    return " | ".join(sorted(_types(value))) or None if isinstance(value, dict) else None


def _table(value: Any) -> Mapping[str, Any]:
    return {str(key): one for key, one in value.items()} if isinstance(value, dict) else {}


def _names(value: Any) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else set()
