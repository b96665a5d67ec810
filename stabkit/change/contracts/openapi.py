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
            yield from _compared(old, new, operation, now[key])


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


def _compared(old: Documents, new: Documents, was: _Operation, now: _Operation) -> Iterator[Fact]:
    def fact(
        names: tuple[str, ...], change: str, noun: str, before: str | None, after: str | None, *, proven: bool = True
    ) -> Fact:
        gone = after is None
        documents, operation = (old, was) if gone else (new, now)
        line = line_of(documents.content(operation.file), operation.path, operation.method, *names)
        what = " ".join([now.name, ".".join(names)]) if names else now.name
        return Fact(operation.file, line, what, change, noun, before, after, proven=proven)

    def differing(found: Iterator[Difference], noun: str, *names: str) -> Iterator[Fact]:
        for one in found:
            yield fact((*names, *one.place), one.change, noun, one.before, one.after, proven=one.proven)

    if now.security and not was.security:
        yield fact(("security",), "security_added", "operation", None, "security")
    yield from _parameters(old, new, was, now, fact, differing)
    yield from _bodies(old, new, was, now, fact, differing)
    responses = [_responses(documents, operation) for documents, operation in ((old, was), (new, now))]
    for code, response in responses[0].items():
        other = responses[1].get(code)
        if other is None:
            if code.startswith("2") and not (code != "2XX" and "2XX" in responses[1]):
                yield fact((code,), "removed", "response", code, None)
            continue
        if not code.startswith(("2", "d")):
            continue
        yield from _contents(old, new, response, other, "received", (code,), fact, differing)


def _parameters(
    old: Documents, new: Documents, was: _Operation, now: _Operation, fact: Any, differing: Any
) -> Iterator[Fact]:
    for key, (place, parameter) in now.parameters.items():
        if key[0] in ("path", "body"):
            continue
        before = was.parameters.get(key)
        if parameter.get("required") is True and (before is None or before[1].get("required") is not True):
            known = None if before is None else "optional"
            yield fact(
                (key[1],), "became_required" if known else "required_added", f"{key[0]} parameter", known, "required"
            )
        if before is not None:
            schemas = [(one.get("schema", one)) for one in (before[1], parameter)]
            found = compare_schemas((old, before[0], schemas[0]), (new, place, schemas[1]), "sent")
            # A parameter of Swagger 2 is its own schema, and says "required" of itself.
            yield from differing(
                (one for one in found if one.place or one.change != "became_required"), f"{key[0]} parameter", key[1]
            )
    for key in was.parameters:
        if key not in now.parameters and key[0] not in ("path", "body"):
            yield fact((key[1],), "removed", f"{key[0]} parameter", key[1], None, proven=False)


def _bodies(
    old: Documents, new: Documents, was: _Operation, now: _Operation, fact: Any, differing: Any
) -> Iterator[Fact]:
    bodies = [_body(documents, operation) for documents, operation in ((old, was), (new, now))]
    if bodies[1] is not None and bodies[1][1].get("required") is True:
        if bodies[0] is None or bodies[0][1].get("required") is not True:
            known = "optional" if bodies[0] is not None else None
            yield fact(("requestBody",), "became_required" if known else "required_added", "request", known, "required")
    if bodies[0] is not None and bodies[1] is not None:
        yield from _contents(old, new, *bodies, "sent", (), fact, differing)


def _contents(
    old: Documents,
    new: Documents,
    was: tuple[str, Mapping[str, Any]],
    now: tuple[str, Mapping[str, Any]],
    side: Side,
    names: tuple[str, ...],
    fact: Any,
    differing: Any,
) -> Iterator[Fact]:
    noun = "request field" if side == "sent" else "response field"
    before, after = (_media(*one) for one in (was, now))
    for kind, schema in before.items():
        other = after.get(kind)
        if other is None:
            if after or side == "received":
                yield fact((*names, kind), "removed", "media type", kind, None)
            continue
        yield from differing(compare_schemas((old, was[0], schema), (new, now[0], other), side), noun, *names)


def _media(_: str, holder: Mapping[str, Any]) -> dict[str, Any]:
    content = holder.get("content")
    if isinstance(content, dict):
        return {
            str(kind).partition(";")[0]: one.get("schema", {}) for kind, one in content.items() if isinstance(one, dict)
        }
    return {"*": holder["schema"]} if isinstance(holder.get("schema"), dict) else {}


def _body(documents: Documents, operation: _Operation) -> tuple[str, Mapping[str, Any]] | None:
    stated = operation.stated.get("requestBody")
    if isinstance(stated, dict):
        place, body = documents.resolve(operation.file, stated)
        return (place, body) if isinstance(body, dict) else None
    return next((one for (kind, _), one in operation.parameters.items() if kind == "body"), None)


def _responses(documents: Documents, operation: _Operation) -> dict[str, tuple[str, Mapping[str, Any]]]:
    stated = operation.stated.get("responses")
    found = {}
    for code, response in stated.items() if isinstance(stated, dict) else ():
        place, one = documents.resolve(operation.file, response)
        if isinstance(one, dict):
            found[str(code)] = place, one
    return found
