"""OpenAPI and Swagger documents of both ends compared, operation by operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stabkit.change.contracts.documents import Documents, line_of
from stabkit.change.contracts.schemas import Difference, Side, compare_schemas
from stabkit.change.facts import Fact

__all__ = ["OPENAPI", "compare_openapi"]

OPENAPI: Final = re.compile(rb"""^[ \t{]*["']?(?:openapi|swagger)["']?[ \t]*:[ \t]*["']?[1-9]""", re.MULTILINE)
"""Finds a document by what it says of itself."""

_Held = tuple[str, Mapping[str, Any]]
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


@dataclass(frozen=True)
class _Operation:
    """One operation: its place in the file, what it is given and what it answers."""

    file: str
    path: str
    method: str
    stated: Mapping[str, Any]
    parameters: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]
    security: bool

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


def compare_openapi(old: Documents, new: Documents, before: str, after: str) -> Iterator[Fact]:
    """Yield what callers of a document's operations got, or could send, and can no more.

    Parameters
    ----------
    old, new : Documents
        Both ends.
    before, after : str
        The file at each end.
    """
    one, two = old.get(before), new.get(after)
    if not isinstance(one, dict) or not isinstance(two, dict):
        return
    was, now = _operations(old, before, one), _operations(new, after, two)
    if one.get("basePath", "/") != two.get("basePath", "/") and "swagger" in one and "swagger" in two:
        line = line_of(new.content(after), "basePath") or line_of(old.content(before), "basePath")
        yield Fact(
            after, line, "basePath", "changed", "path", str(one.get("basePath", "/")), str(two.get("basePath", "/"))
        )
    paths = {path for path, _ in now}
    gone = {path for path, _ in was if path not in paths}
    told: set[str] = set()
    for key, operation in was.items():
        if key[0] in gone:
            if key[0] not in told:
                told.add(key[0])
                methods = ", ".join(method.upper() for path, method in was if path == key[0])
                line = line_of(old.content(before), operation.path)
                yield Fact(before, line, f"{methods} {operation.path}", "removed", "path")
        elif key not in now:
            line = line_of(old.content(before), operation.path, operation.method)
            yield Fact(before, line, operation.name, "removed", "operation")
        else:
            yield from _Pair(old, new, operation, now[key]).facts()


def _operations(documents: Documents, file: str, document: Mapping[str, Any]) -> dict[tuple[str, str], _Operation]:
    found = {}
    paths = document.get("paths")
    for path, stated in paths.items() if isinstance(paths, dict) else ():
        inside, item = documents.resolve(file, stated)
        if not isinstance(item, dict):
            continue
        for method in _METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            parameters = {}
            for source in (item.get("parameters"), operation.get("parameters")):
                for parameter in source if isinstance(source, list) else ():
                    place, one = documents.resolve(inside, parameter)
                    if isinstance(one, dict):
                        parameters[str(one.get("in")), str(one.get("name"))] = place, one
            security = operation.get("security", document.get("security"))
            guarded = isinstance(security, list) and bool(security) and {} not in security
            # A path parameter is found by its place: another name for it changes nothing.
            key = re.sub(r"\{[^}]*\}", "{}", str(path)).rstrip("/") or "/"
            found[key, method] = _Operation(inside, str(path), method, operation, parameters, guarded)
    return found


class _Pair:
    """One operation at both ends."""

    def __init__(self, old: Documents, new: Documents, was: _Operation, now: _Operation) -> None:
        self._old, self._new, self._was, self._now = old, new, was, now

    def facts(self) -> Iterator[Fact]:
        if self._now.security and not self._was.security:
            yield self._fact(("security",), "operation", Difference((), "security_added", None, "security"))
        yield from self._parameters()
        yield from self._bodies()
        yield from self._responses()

    def _fact(self, names: tuple[str, ...], noun: str, found: Difference) -> Fact:
        gone = found.after is None
        documents, operation = (self._old, self._was) if gone else (self._new, self._now)
        whole = (*names, *found.place)
        what = f"{self._now.name} {'.'.join(whole)}"
        file, way = operation.file, (operation.path, operation.method, *whole)
        if found.anchors is not None:
            file, name, depth = found.anchors[0 if gone else 1]
            way = (name, *found.place[depth:])
        line = line_of(documents.content(file), *way)
        return Fact(file, line, what, found.change, noun, found.before, found.after, proven=found.proven)

    def _parameters(self) -> Iterator[Fact]:
        for key, (place, parameter) in self._now.parameters.items():
            if key[0] in ("path", "body"):
                continue
            noun, before = f"{key[0]} parameter", self._was.parameters.get(key)
            was = None if before is None else before[1]
            yield from self._required((key[1],), noun, was, parameter)
            if before is not None:
                old, new = before[1].get("schema", before[1]), parameter.get("schema", parameter)
                for one in compare_schemas((self._old, before[0], old), (self._new, place, new), "sent"):
                    # A parameter of Swagger 2 is its own schema, and says "required" of itself.
                    if one.place or one.change != "became_required":
                        yield self._fact((key[1],), noun, one)
        for key in self._was.parameters:
            if key not in self._now.parameters and key[0] not in ("path", "body"):
                gone = Difference((), "removed", key[1], None, proven=False)
                yield self._fact((key[1],), f"{key[0]} parameter", gone)

    def _required(
        self, names: tuple[str, ...], noun: str, was: Mapping[str, Any] | None, now: Mapping[str, Any]
    ) -> Iterator[Fact]:
        if now.get("required") is not True or (was is not None and was.get("required") is True):
            return
        change, known = ("required_added", None) if was is None else ("became_required", "optional")
        yield self._fact(names, noun, Difference((), change, known, "required"))

    def _bodies(self) -> Iterator[Fact]:
        was, now = _body(self._old, self._was), _body(self._new, self._now)
        if now is not None:
            yield from self._required(("requestBody",), "request", None if was is None else was[1], now[1])
        if was is not None and now is not None:
            yield from self._contents(was, now, "sent", ())

    def _responses(self) -> Iterator[Fact]:
        before, after = _responses(self._old, self._was), _responses(self._new, self._now)
        for code, response in before.items():
            other = after.get(code)
            if other is not None and code.startswith(("2", "d")):
                yield from self._contents(response, other, "received", (code,))
            elif other is None and code.startswith("2") and "2XX" not in after:
                yield self._fact((code,), "response", Difference((), "removed", code, None))

    def _contents(self, was: _Held, now: _Held, side: Side, names: tuple[str, ...]) -> Iterator[Fact]:
        noun = "request field" if side == "sent" else "response field"
        before, after = _media(was[1]), _media(now[1])
        for kind, schema in before.items():
            if kind in after:
                for one in compare_schemas((self._old, was[0], schema), (self._new, now[0], after[kind]), side):
                    yield self._fact(names, noun, one)
            elif after or side == "received":
                yield self._fact((*names, kind), "media type", Difference((), "removed", kind, None))


def _media(holder: Mapping[str, Any]) -> dict[str, Any]:
    content = holder.get("content")
    if isinstance(content, dict):
        return {
            str(kind).partition(";")[0]: one.get("schema", {}) for kind, one in content.items() if isinstance(one, dict)
        }
    return {"*": holder["schema"]} if isinstance(holder.get("schema"), dict) else {}


def _body(documents: Documents, operation: _Operation) -> _Held | None:
    stated = operation.stated.get("requestBody")
    if isinstance(stated, dict):
        place, body = documents.resolve(operation.file, stated)
        return (place, body) if isinstance(body, dict) else None
    return next((one for (kind, _), one in operation.parameters.items() if kind == "body"), None)


def _responses(documents: Documents, operation: _Operation) -> dict[str, _Held]:
    stated = operation.stated.get("responses")
    found: dict[str, _Held] = {}
    for code, response in stated.items() if isinstance(stated, dict) else ():
        place, one = documents.resolve(operation.file, response)
        if isinstance(one, dict):
            found[str(code)] = place, one
    return found
