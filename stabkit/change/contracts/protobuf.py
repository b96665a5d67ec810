"""Protocol buffers of both ends compared: what is on the wire, and what generated code is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stabkit.change.contracts.documents import belongs, line_of
from stabkit.change.facts import Fact
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["compare_protobuf", "protobuf_files"]

# The same bytes mean the same in each of these sets.
_SAME_ON_WIRE: Final = (
    {"int32", "uint32", "int64", "uint64", "bool"},
    {"sint32", "sint64"},
    {"fixed32", "sfixed32"},
    {"fixed64", "sfixed64"},
)
_LARGEST: Final = 400_000


@dataclass(frozen=True)
class _Field:
    name: str
    number: int
    type: str
    label: str
    shown: str


@dataclass
class _File:
    """What one file defines, by full names."""

    package: str = ""
    fields: dict[str, dict[int, _Field]] = field(default_factory=dict)
    reserved: dict[str, tuple[set[int], set[str]]] = field(default_factory=dict)
    values: dict[str, dict[str, int]] = field(default_factory=dict)
    methods: dict[str, dict[str, str]] = field(default_factory=dict)


def protobuf_files(tree: Mapping[str, Blob]) -> dict[str, Blob]:
    """Return the ``.proto`` files of a tree that are the system's own."""
    return {path: blob for path, blob in tree.items() if path.endswith(".proto") and belongs(path)}


def compare_protobuf(
    snapshots: Snapshots, old: Mapping[str, Blob], new: Mapping[str, Blob], lost: list[str]
) -> Iterator[Fact]:
    """Yield what others who speak the old messages could not read, send or call; what cannot be read adds to ``lost``.

    Only files that differ are parsed: a definition that moved from one of them to another is where it was.
    """
    changed = [
        {path: blob for path, blob in side.items() if blob.object_id not in {b.object_id for b in other.values()}}
        for side, other in ((old, new), (new, old))
    ]
    read: list[dict[str, _File]] = []
    for side in changed:
        parsed = {path: _parsed(snapshots.content(blob)) for path, blob in side.items()}
        lost += [path for path, one in parsed.items() if one is None]
        read.append({path: one for path, one in parsed.items() if one is not None})
    unread = {path for side, one in zip(changed, read, strict=True) for path in side if path not in one}
    after = _File()
    places: dict[str, str] = {}
    for path, one in read[1].items():
        after.fields |= one.fields
        after.values |= one.values
        after.methods |= one.methods
        after.reserved |= one.reserved
        places |= dict.fromkeys((*one.fields, *one.values, *one.methods), path)
    for path, before in read[0].items():
        if path in unread:
            continue
        other = read[1].get(path)
        if other is not None and other.package != before.package:
            line = line_of(snapshots.content(new[path]), "package")
            yield Fact(path, line, "package", "renamed", "package", before.package, other.package)
            continue
        for fact in _compared(before, after, path, places):
            content = snapshots.content((new if fact.path in new and fact.change != "removed" else old).get(fact.path))
            yield Fact(**{**fact.__dict__, "line": line_of(content, *_search(fact.what))})


def _search(what: str) -> list[str]:
    return what.split(".")


def _compared(old: _File, new: _File, path: str, places: Mapping[str, str]) -> Iterator[Fact]:
    short = len(old.package) + 1 if old.package else 0
    for name, fields in old.fields.items():
        what = name[short:]
        if name not in new.fields:
            yield Fact(path, None, what, "removed", "message")
            continue
        numbers, names = new.reserved.get(name, (set(), set()))
        for number, one in fields.items():
            yield from _field(
                one,
                new.fields[name].get(number),
                new.fields[name],
                number in numbers and one.name in names,
                path,
                places.get(name, path),
                what,
            )
    for name, values in old.values.items():
        what = name[short:]
        if name not in new.values:
            yield Fact(path, None, what, "removed", "enum")
            continue
        for value, number in values.items():
            if value not in new.values[name]:
                known = next((one for one, other in new.values[name].items() if other == number), None)
                change = "renamed" if known else "removed"
                after = None if known is None else f"{known} = {number}"
                yield Fact(
                    path,
                    None,
                    f"{what}.{value}",
                    change,
                    "enum value",
                    f"{value} = {number}",
                    after,
                    proven=known is None,
                )
            elif new.values[name][value] != number:
                after = f"{value} = {new.values[name][value]}"
                yield Fact(
                    places.get(name, path),
                    None,
                    f"{what}.{value}",
                    "number_changed",
                    "enum value",
                    f"{value} = {number}",
                    after,
                )
    for name, methods in old.methods.items():
        what = name[short:]
        if name not in new.methods:
            yield Fact(path, None, what, "removed", "service")
            continue
        for method, signature in methods.items():
            after = new.methods[name].get(method)
            if after is None:
                yield Fact(path, None, f"{what}.{method}", "removed", "rpc", signature, None)
            elif after != signature:
                yield Fact(places.get(name, path), None, f"{what}.{method}", "changed", "rpc", signature, after)


def _field(
    one: _Field,
    other: _Field | None,
    every: Mapping[int, _Field],
    reserved: bool,
    path: str,
    place: str,
    message: str,  # noqa: FBT001
) -> Iterator[Fact]:
    what = f"{message}.{one.name}"
    if other is None or other.name != one.name:
        moved = next((field for field in every.values() if field.name == one.name), None)
        if moved is not None:
            yield Fact(place, None, what, "number_changed", "field", one.shown, moved.shown)
            return
        if other is None:
            # Reserved by number and name, it is retired as the language wants it: nobody reads another thing by it.
            if not reserved:
                yield Fact(path, None, what, "removed", "field", one.shown, None)
            return
        if other.type == one.type:
            # The wire knows numbers alone; JSON and generated code know the name.
            yield Fact(path, None, what, "renamed", "field", one.shown, other.shown, proven=False)
            return
    if other.type != one.type:
        last = [kind.rpartition(".")[2] for kind in (one.type, other.type)]
        if last[0] != last[1] or "map<" in one.type:
            same = any({*last} <= group for group in _SAME_ON_WIRE)
            yield Fact(place, None, what, "type_changed", "field", one.shown, other.shown, proven=not same)
    if other.label != one.label and {one.label, other.label} != {"", "optional"}:
        yield Fact(place, None, what, "label_changed", "field", one.shown, other.shown)


def _parsed(content: bytes | None) -> _File | None:
    if content is None or len(content) > _LARGEST or content.count(b"{") > 5_000:
        return None
    try:
        from proto_schema_parser.parser import Parser

        file = Parser().parse(content.decode("utf-8"))
        found = _File()
        for element in file.file_elements:
            if type(element).__name__ == "Package":
                found.package = element.name
        for element in file.file_elements:
            _element(found, element, found.package)
    except Exception:  # noqa: BLE001 - the parser raises whatever hostile text makes it stumble over
        return None
    return found


def _element(found: _File, element: Any, above: str) -> None:
    kind = type(element).__name__
    if kind not in ("Message", "Enum", "Service", "Group"):
        return
    name = f"{above}.{element.name}" if above else element.name
    parts = list(element.elements)
    if kind == "Service":
        found.methods[name] = {one.name: _signature(one) for one in parts if type(one).__name__ == "Method"}
    elif kind == "Enum":
        found.values[name] = {one.name: one.number for one in parts if type(one).__name__ == "EnumValue"}
    else:
        found.fields[name] = {}
        numbers: set[int] = set()
        names: set[str] = set()
        for one in parts:
            part = type(one).__name__
            if part == "OneOf":
                for inner in one.elements:
                    _add_field(found.fields[name], inner, "oneof")
            elif part == "Reserved":
                numbers |= {number for text in one.ranges for number in _range(str(text))}
                names |= {str(text).strip("\"'") for text in one.names}
            else:
                _add_field(found.fields[name], one, "")
                _element(found, one, name)
        found.reserved[name] = numbers, names


def _add_field(fields: dict[int, _Field], one: Any, within: str) -> None:
    kind = type(one).__name__
    if kind == "Field":
        label = str(getattr(one.cardinality, "value", "") or "").lower()
        shown = " ".join(filter(None, [label, one.type, one.name, "=", str(one.number)]))
        fields[one.number] = _Field(one.name, one.number, one.type.lstrip("."), label, shown)
    elif kind == "MapField":
        held = f"map<{one.key_type}, {one.value_type}>"
        fields[one.number] = _Field(one.name, one.number, held, "", f"{held} {one.name} = {one.number}")


def _range(text: str) -> range:
    numbers = [int(one) for one in re.findall(r"\d+", text)]
    return range(numbers[0], min(numbers[-1], numbers[0] + 100_000) + 1) if numbers else range(0)


def _signature(method: Any) -> str:
    sides = [f"{'stream ' if one.stream else ''}{one.type}" for one in (method.input_type, method.output_type)]
    return f"({sides[0]}) returns ({sides[1]})"
