"""HTTP and WebSocket routes of the whole tree at both ends: those of Python parsed, others found by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from stabkit.change.contracts.documents import belongs
from stabkit.change.contracts.python_declarations import declarations
from stabkit.change.contracts.python_routes import Declarations, Route, python_routes
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
    rb"wagtail|ninja|pyramid|cherrypy|hug|responder|robyn|blacksheep|[Rr]outer|[Bb]lueprint|app|api|bp|route|rule|"
    rb"urlpatterns)\b"
)
# What a file says that surely declares some; good enough where nothing changed.
_SURELY: Final = re.compile(
    rb"""\burlpatterns\s*\+?=|@[\w.]+\.(?:route|get|post|put|patch|delete|websocket)\(\s*[rf]?["']|\bAPIRouter\(|"""
    rb"""\b(?:Route|Mount|WebSocketRoute|rule)\(\s*[rf]?["']|\.add_(?:url_rule|api_route|route|get|post|put|delete)\("""
)
_MOST: Final = 4_000


def route_files(snapshots: Snapshots) -> tuple[dict[str, Blob], dict[str, Blob]]:
    """Return the files of each end that may declare routes."""
    sides = [
        {path: blob for path, blob in tree.items() if path.endswith((".py", *SUFFIXES)) and belongs(path)}
        for tree in (snapshots.base_tree, snapshots.head_tree)
    ]
    snapshots.load(blob for side in sides for blob in side.values())
    known: dict[Blob, bool] = {}  # most files are the same at both ends
    for side in sides:
        for path, blob in side.items():
            if blob not in known:
                known[blob] = _may_declare(path, snapshots.content(blob))
    old, new = ({path: blob for path, blob in side.items() if known[blob]} for side in sides)
    return (old, new) if max(len(old), len(new)) <= _MOST else ({}, {})


def _may_declare(path: str, content: bytes | None) -> bool:
    if content is None:
        return False
    if path.endswith(".py"):
        return _FRAMEWORK.search(content) is not None and _PYTHON.search(content) is not None
    return any(True for _ in pattern_routes(path, content))


def compare_routes(
    snapshots: Snapshots, old: Mapping[str, Blob], new: Mapping[str, Blob], lost: list[str]
) -> tuple[list[Fact], set[str]]:
    """Return the routes that are gone from the whole tree, and the files that declare any; ``lost``: the unreadable.

    A route that another file declares now is there; one with another name for its parameter is the same.
    """
    if old == new:
        surely = (path for path, blob in new.items() if _SURELY.search(snapshots.content(blob) or b""))
        return [], {*surely, *(path for path in new if not path.endswith(".py"))}
    known: dict[Blob, Declarations | None] = {}
    sides = [_declared(snapshots, side, known) for side in (old, new)]
    before, after = (side[0] for side in sides)
    declaring = {route.file for side in (before, after) for route in side}
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


def _declared(
    snapshots: Snapshots, files: Mapping[str, Blob], known: dict[Blob, Declarations | None]
) -> tuple[list[Route], set[str]]:
    for path, blob in files.items():
        if path.endswith(".py") and blob not in known:
            tree = snapshots.parsed(blob)
            known[blob] = None if tree is None else declarations(path, tree)
    python = {path: known[blob] for path, blob in files.items() if path.endswith(".py")}
    found = list(python_routes({path: one for path, one in python.items() if one is not None}))
    for path, blob in files.items():
        if not path.endswith(".py"):
            found += pattern_routes(path, snapshots.content(blob) or b"")
    return found, {path for path, one in python.items() if one is None}


def _once(routes: Iterable[Route]) -> Iterator[Route]:
    seen: set[tuple[str, frozenset[str]]] = set()
    for route in routes:
        if (route.path, route.methods) not in seen:
            seen.add((route.path, route.methods))
            yield route
