"""HTTP and WebSocket routes of the whole tree at both ends: those of Python parsed, others found by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from stabkit.change.contracts.documents import belongs
from stabkit.change.contracts.python_routes import Route, python_routes
from stabkit.change.contracts.route_patterns import SUFFIXES, pattern_routes
from stabkit.change.facts import Fact
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["compare_routes", "route_files"]

# What a file with routes says somewhere; parsing all others would take minutes.
_PYTHON: Final = re.compile(
    rb"""@[\w.]+\(\s*(?:path\s*=\s*|rule\s*=\s*)?[rf]?["']/|@[\w.]+\.(?:route|get|post|put|patch|delete|websocket)\(|"""
    rb"""\burlpatterns\b|\b(?:path|re_path|url|Route|Mount|WebSocketRoute|APIRouter|Blueprint|rule)\(|"""
    rb"""\.(?:add_url_rule|add_api_route|add_route|add_get|add_post|add_put|add_patch|add_delete|add_websocket_route|"""
    rb"""add_resource|add_routes|include_router|register_blueprint|add_subapp|register|mount)\(|"""
    rb"""\(\s*r?["']/[^"']*["'],\s*\w*Handler\b"""
)
_FRAMEWORK: Final = re.compile(
    rb"\b(flask|fastapi|starlette|django|aiohttp|tornado|sanic|quart|bottle|falcon|litestar|starlite|rest_framework|"
    rb"wagtail|ninja|pyramid|cherrypy|hug|responder|robyn|blacksheep|[Rr]outer|[Bb]lueprint|app|api|bp|urlpatterns)\b"
)
_MOST: Final = 4_000


def route_files(snapshots: Snapshots, tree: Mapping[str, Blob]) -> dict[str, Blob]:
    """Return the files of a tree that may declare routes."""
    asked = {path: blob for path, blob in tree.items() if path.endswith((".py", *SUFFIXES)) and belongs(path)}
    snapshots.load(asked.values())
    found = {}
    for path, blob in asked.items():
        content = snapshots.content(blob)
        if content is None:
            continue
        if path.endswith(".py"):
            if _PYTHON.search(content) and _FRAMEWORK.search(content):
                found[path] = blob
        elif any(pattern_routes(path, content)):
            found[path] = blob
    return found if len(found) <= _MOST else {}


def compare_routes(
    snapshots: Snapshots, old: Mapping[str, Blob], new: Mapping[str, Blob], lost: list[str]
) -> tuple[list[Fact], set[str]]:
    """Return the routes that are gone from the whole tree, and the files that declare any; ``lost``: the unreadable.

    A route that another file declares now is there; one with another name for its parameter is the same.
    """
    sides = [_declared(snapshots, side) for side in (old, new)]
    before, after = (side[0] for side in sides)
    declaring = {route.file for side in (before, after) for route in side}
    if old == new:
        return [], declaring
    unread = (sides[0][1] | sides[1][1]) & {path for path in {*old, *new} if old.get(path) != new.get(path)}
    lost += sorted(unread)
    left: dict[str, set[str]] = {}
    for route in after:
        left.setdefault(route.path, set()).update(route.methods)
    facts = []
    for route in _once(before):
        methods = left.get(route.path)
        gone = route.methods if methods is None else frozenset() if "ANY" in methods else route.methods - methods
        if not gone or route.file in unread:
            continue
        what = f"{', '.join(sorted(gone))} {route.path}"
        kept = None if not methods else f"{', '.join(sorted(methods))} {route.path}"
        facts.append(Fact(route.file, route.line, what, "removed", "route", route.shown, kept, proven=route.proven))
    return facts, declaring


def _declared(snapshots: Snapshots, files: Mapping[str, Blob]) -> tuple[list[Route], set[str]]:
    trees = {path: snapshots.parsed(blob) for path, blob in files.items() if path.endswith(".py")}
    unread = {path for path, tree in trees.items() if tree is None}
    found = list(python_routes({path: tree for path, tree in trees.items() if tree is not None}))
    for path, blob in files.items():
        if not path.endswith(".py"):
            found += pattern_routes(path, snapshots.content(blob) or b"")
    return found, unread


def _once(routes: Iterable[Route]) -> Iterator[Route]:
    seen: set[tuple[str, frozenset[str]]] = set()
    for route in routes:
        if (route.path, route.methods) not in seen:
            seen.add((route.path, route.methods))
            yield route
