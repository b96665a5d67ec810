"""Routes that Python web frameworks declare, under the prefixes at which their routers are mounted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["FROM", "Declarations", "Node", "Route", "normal_path", "python_routes"]

_HOPS: Final = 8
Node = tuple[str, str]
FROM: Final = "from:"
"""Before the name of a router in a node: the dotted name by which another module imports it."""


@dataclass(frozen=True)
class Route:
    """One route: its path without the names of its parameters, and its methods (``ANY``: whatever is asked)."""

    path: str
    methods: frozenset[str]
    file: str
    line: int
    shown: str
    proven: bool = True


@dataclass
class Declarations:
    """What files declare: routes by the router that holds them, prefixes of routers, and who mounts whom."""

    routes: list[tuple[Node, str, frozenset[str], str, int]] = field(default_factory=list)
    prefixes: dict[Node, str] = field(default_factory=dict)
    mounts: list[tuple[Node, str, str, str]] = field(default_factory=list)
    modules: dict[str, list[str]] = field(default_factory=dict)


def normal_path(path: str) -> str:
    r"""Return a path with ``{}`` for each parameter, however it is written.

    Examples
    --------
    >>> [normal_path(path) for path in ("/a/<int:id>/", "a/{name:path}", "^a/(?P<x>\\d+)/$", "/a/:id")]
    ['/a/{}', '/a/{}', '/a/{}', '/a/{}']
    """
    text = path.strip().lstrip("^").removesuffix("$").removesuffix("\\Z")
    depth, plain = 0, ""
    for sign in text:  # a group of a regular expression may hold others
        depth += sign == "("
        if depth == 0:
            plain += sign
        elif sign == ")":
            depth -= 1
            plain += "{}" if depth == 0 else ""
    plain = re.sub(r"<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\][+*?]?", "{}", plain)
    plain = re.sub(r"(?<=/)[:*]\w+\??(?:\*|\+)?", "{}", plain).replace("\\", "").replace("?", "")
    return "/" + re.sub(r"/+", "/", plain).strip("/")


def python_routes(files: Mapping[str, Declarations]) -> Iterator[Route]:
    """Yield the routes of many files together, each under every prefix that its router is mounted at."""
    found = Declarations()
    for path, one in files.items():
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found.modules.setdefault(name.rpartition(".")[2], []).append(name)
        found.routes += one.routes
        found.prefixes |= one.prefixes
        found.mounts += one.mounts
    above: dict[Node, list[tuple[Node, str]]] = {}
    for parent, child, prefix, module in found.mounts:
        for node in _resolved(found, child, module):
            above.setdefault(node, []).append((parent, prefix))
    for given, path, methods, file, line in found.routes:
        node = _made(found, given)
        for prefix in _prefixes(found, above, node, _HOPS):
            whole = normal_path(f"{prefix}/{path.lstrip('^')}")
            yield Route(whole, methods, file, line, path)


def _made(found: Declarations, node: Node) -> Node:
    """Return the node of a name in the module that it is imported from, if that is among them."""
    module, name = node
    if not name.startswith(FROM):
        return node
    known = name.removeprefix(FROM)
    return next(iter(_resolved(found, known, module)), (module, known.rpartition(".")[2]))


def _prefixes(found: Declarations, above: Mapping[Node, list[tuple[Node, str]]], node: Node, hops: int) -> set[str]:
    own = found.prefixes.get(node, "")
    parents = [one for one in above.get(node, ()) if one[0] != node]
    if not parents or hops <= 0:
        return {own}
    every = {
        f"{outer}/{prefix.lstrip('^').rstrip('$')}/{own}"
        for parent, prefix in parents[:20]
        for outer in _prefixes(found, above, parent, hops - 1)
    }
    return set(sorted(every)[:50])


def _resolved(found: Declarations, child: str, module: str) -> list[Node]:
    """Return the routers that a dotted name may stand for: in its own module, or at the end of another's name."""
    if child.startswith("local:"):
        return [(module, child.removeprefix("local:"))]
    owner, _, variable = child.rpartition(".")
    for name, last in ((owner, variable), (child, "urlpatterns")):
        tail = name.rpartition(".")[2]
        nodes = [one for one in found.modules.get(tail, ()) if one == name or one.endswith(f".{name}")]
        if nodes:
            return [(min(nodes, key=len), last)]
    return []
