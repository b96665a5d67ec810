"""Protocol buffers of both ends compared: what is on the wire, and what generated code is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    known = [{blob.object_id for blob in side.values()} for side in (new, old)]
    changed = [
        {path: blob for path, blob in side.items() if blob.object_id not in other}
        for side, other in zip((old, new), known, strict=True)
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
        for fact in _Comparison(before, after, path, places).facts():
            gone = fact.change in ("removed", "renamed")
            content = snapshots.content((old if gone else new).get(fact.path))
            yield replace(fact, line=_line(content, fact.what))


def _line(content: bytes | None, what: str) -> int | None:
    """Return where a member stands in what defines it: elsewhere its type is named too."""
    *above, name = what.split(".")
    start = 0
    for one in above or [name]:
        match = re.compile(rb"\b(?:message|enum|service)\s+" + one.encode() + rb"\b").search(content or b"", start)
        start = match.start() if match else start
    found = line_of((content or b"")[start:], name)
    return None if found is None else found + (content or b"").count(b"\n", 0, start)


class _Comparison:
    """What one old file defined, looked for in all that the changed files define now."""

    def __init__(self, old: _File, new: _File, path: str, places: Mapping[str, str]) -> None:
        self._old, self._new, self._path, self._places = old, new, path, places

    def facts(self) -> Iterator[Fact]:
        for noun, old, new, compare in (
            ("message", self._old.fields, self._new.fields, self._fields),
            ("enum", self._old.values, self._new.values, self._values),
            ("service", self._old.methods, self._new.methods, self._methods),
        ):
            for name in old:
                what = name.removeprefix(f"{self._old.package}.") if self._old.package else name
                if name in new:
                    yield from compare(name, what)
                else:
                    yield Fact(self._path, None, what, "removed", noun)

    def _fields(self, name: str, what: str) -> Iterator[Fact]:
        for one in self._old.fields[name].values():
            yield from self._field(name, f"{what}.{one.name}", one)

    def _field(self, name: str, what: str, one: _Field) -> Iterator[Fact]:
        every = self._new.fields[name]
        other = every.get(one.number)
        place = self._places.get(name, self._path)
        if other is None or other.name != one.name:
            moved = next((field for field in every.values() if field.name == one.name), None)
            if moved is not None:
                yield Fact(place, None, what, "number_changed", "field", one.shown, moved.shown)
                return
            if other is None:
                # Reserved by number and name, it is retired as the language wants it: nothing else is read by it.
                if not self._is_reserved(name, one.name, one.number):
                    yield Fact(self._path, None, what, "removed", "field", one.shown, None)
                return
            if other.type == one.type:
                # The wire knows numbers alone; JSON and generated code know the name.
                yield Fact(self._path, None, what, "renamed", "field", one.shown, other.shown, proven=False)
                return
        last = [kind.rpartition(".")[2] for kind in (one.type, other.type)]
        if other.type != one.type and (last[0] != last[1] or "map<" in one.type):
            same = any({*last} <= group for group in _SAME_ON_WIRE)
            yield Fact(place, None, what, "type_changed", "field", one.shown, other.shown, proven=not same)
        if other.label != one.label and {one.label, other.label} != {"", "optional"}:
            yield Fact(place, None, what, "label_changed", "field", one.shown, other.shown)

    def _values(self, name: str, what: str) -> Iterator[Fact]:
        every = self._new.values[name]
        for value, number in self._old.values[name].items():
            full, was = f"{what}.{value}", f"{value} = {number}"
            known = next((one for one, other in every.items() if other == number), None)
            if value in every:
                if every[value] != number:
                    place = self._places.get(name, self._path)
                    yield Fact(place, None, full, "number_changed", "enum value", was, f"{value} = {every[value]}")
            elif known is not None:
                now = f"{known} = {number}"
                yield Fact(self._path, None, full, "renamed", "enum value", was, now, proven=False)
            elif not self._is_reserved(name, value, number):
                yield Fact(self._path, None, full, "removed", "enum value", was, None)

    def _methods(self, name: str, what: str) -> Iterator[Fact]:
        for method, signature in self._old.methods[name].items():
            after = self._new.methods[name].get(method)
            if after is None:
                yield Fact(self._path, None, f"{what}.{method}", "removed", "rpc", signature, None)
            elif after != signature:
                place = self._places.get(name, self._path)
                yield Fact(place, None, f"{what}.{method}", "changed", "rpc", signature, after)

    def _is_reserved(self, name: str, what: str, number: int) -> bool:
        numbers, names = self._new.reserved.get(name, (set(), set()))
        return number in numbers and what in names


def _parsed(content: bytes | None) -> _File | None:
    if content is None or len(content) > _LARGEST or content.count(b"{") > 5_000:
        return None
    try:
        from proto_schema_parser.parser import Parser

        file = Parser(setup_lexer=_refuse_errors, setup_parser=_refuse_errors).parse(content.decode("utf-8"))
        found = _File()
        for element in file.file_elements:
            if type(element).__name__ == "Package":
                found.package = getattr(element, "name", "")
        for element in file.file_elements:
            _element(found, element, found.package)
    except Exception:  # noqa: BLE001 - the parser raises whatever hostile text makes it stumble over
        return None
    return found


class _Refusing:
    """Ends at the first thing that is no protocol buffer.

    By itself the parser tells it to stderr and goes on with what it takes for the rest, which is half a contract.
    """

    def syntaxError(self, *told: Any) -> None:  # noqa: N802 - the names are those of ANTLR
        raise ValueError(told)

    def reportAmbiguity(self, *_: Any) -> None:  # noqa: N802
        """Take the first reading, as the parser does."""

    reportAttemptingFullContext = reportContextSensitivity = reportAmbiguity  # noqa: N815


def _refuse_errors(recognizer: Any) -> None:
    recognizer.removeErrorListeners()
    recognizer.addErrorListener(_Refusing())


def _element(found: _File, element: Any, above: str) -> None:
    kind = type(element).__name__
    if kind not in ("Message", "Enum", "Service"):
        return
    name = f"{above}.{element.name}" if above else element.name
    if kind == "Service":
        found.methods[name] = {one.name: _signature(one) for one in element.elements if type(one).__name__ == "Method"}
        return
    reserved = [one for one in element.elements if type(one).__name__ in ("Reserved", "EnumReserved")]
    numbers = {number for one in reserved for text in one.ranges for number in _range(str(text))}
    found.reserved[name] = numbers, {str(text).strip("\"'") for one in reserved for text in one.names}
    if kind == "Enum":
        found.values[name] = {one.name: one.number for one in element.elements if type(one).__name__ == "EnumValue"}
        return
    found.fields[name] = {}
    for one in element.elements:
        for inner in one.elements if type(one).__name__ == "OneOf" else [one]:
            _add_field(found.fields[name], inner)
        _element(found, one, name)


def _add_field(fields: dict[int, _Field], one: Any) -> None:
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
