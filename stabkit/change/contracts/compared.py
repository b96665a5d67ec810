"""Whether callers of the service still get what they rely on: a line of the checklist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from stabkit.change.contracts.documents import Documents, belongs
from stabkit.change.contracts.graphql import compare_graphql, graphql_files
from stabkit.change.contracts.openapi import OPENAPI, compare_openapi
from stabkit.change.contracts.protobuf import compare_protobuf, protobuf_files
from stabkit.change.contracts.records import JSON_SCHEMA, compare_avro, compare_json_schema
from stabkit.change.contracts.routes import compare_routes, route_files
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_contracts"]

_NOUN: Final = "contract and route files"
_NONE: Final = "no OpenAPI, GraphQL, protobuf, Avro or JSON Schema file and no HTTP route was found"
_TEXTS: Final = (".json", ".yaml", ".yml")
# Written by tools or read by them: none of these describes what others call.
_TOOLING: Final = re.compile(
    r"(^|/)(package(-lock)?|tsconfig[^/]*|composer|\.?eslintrc|angular|manifest|nx|turbo|lerna|renovate|app)\.json$|"
    r"(^|/)(locales?|i18n|translations|\.github|\.circleci|\.vscode)/|-lock\.(json|yaml)$"
)
# Each costs a look for its line; no more than these are stored anyway.
_MOST_OF_ONE: Final = 500
_Compare = Callable[[Documents, Documents, str, str], Iterator[Fact]]


def answer_contracts(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    Documents are compared by what they say: OpenAPI and Swagger, GraphQL, protocol buffers, Avro, JSON Schema. Routes
    are those of the whole tree, parsed in Python, by pattern elsewhere. What was added breaks nobody. Tests, examples
    and vendored copies are not the system's own.
    """
    lost: list[str] = []
    facts: list[Fact] = []
    seen: set[str] = set()
    for found, paths in (_documents(snapshots, lost), _definitions(snapshots, lost)):
        facts += found
        seen |= paths
    gone, declaring = compare_routes(snapshots, *route_files(snapshots), lost)
    facts += gone
    seen |= declaring
    seen |= {path for path in lost if path not in seen}
    why = f"could not be read: {', '.join(sorted({*lost}))}" if lost else None
    if not seen:
        return Answer("not_checked", noun=_NOUN, why=_NONE, settled=True)
    return answered(list(dict.fromkeys(facts)), len(seen), _NOUN, why=why)


def _documents(snapshots: Snapshots, lost: list[str]) -> tuple[list[Fact], set[str]]:
    sides = [Documents(snapshots, tree) for tree in (snapshots.base_tree, snapshots.head_tree)]
    kinds = [_kinds(snapshots, side) for side in sides]
    moved = {change.base_path: change.path for change in snapshots.changes if change.status in ("renamed", "copied")}
    differing = {path for change in snapshots.changes for path in (change.path, change.base_path)}
    facts: list[Fact] = []
    for path, (kind, compare) in kinds[0].items():
        after = path if path in sides[1].tree else moved.get(path)
        if after is None:
            facts.append(Fact(path, None, path.rpartition("/")[2], "removed", kind))
            continue
        # What a document takes from others of its folder may have changed instead.
        near = path.rpartition("/")[0]
        if path not in differing and not any(
            one.startswith(near) and one.endswith((*_TEXTS, ".avsc")) for one in differing
        ):
            continue
        if any(not isinstance(side.get(one), dict | list) for side, one in zip(sides, (path, after), strict=True)):
            lost.append(after)
            continue
        try:
            facts += islice(compare(sides[0], sides[1], path, after), _MOST_OF_ONE)
        except (RecursionError, TypeError, AttributeError, ValueError):  # a document that is not shaped like one
            lost.append(after)
    return facts, {*kinds[0], *kinds[1]}


def _kinds(snapshots: Snapshots, documents: Documents) -> dict[str, tuple[str, _Compare]]:
    """Return the contract documents of a tree: what each is, and how two of it are compared."""
    found: dict[str, tuple[str, _Compare]] = {}
    asked = {}
    for path, blob in documents.tree.items():
        if path.endswith(".avsc") and belongs(path):
            found[path] = ("Avro schema", compare_avro)
        elif path.endswith(_TEXTS) and belongs(path, documentation=True) and not _TOOLING.search(path):
            asked[path] = blob
    snapshots.load(asked.values())
    for path, blob in asked.items():
        content = snapshots.content(blob) or b""
        if OPENAPI.search(content[:20_000]) and b"paths" in content:
            found[path] = ("OpenAPI document", compare_openapi)
        elif JSON_SCHEMA.search(content[:4_000]) and belongs(path):
            found[path] = ("JSON Schema", compare_json_schema)
    return found


def _definitions(snapshots: Snapshots, lost: list[str]) -> tuple[list[Fact], set[str]]:
    trees: tuple[Mapping[str, Blob], Mapping[str, Blob]] = snapshots.base_tree, snapshots.head_tree
    facts: list[Fact] = []
    old, new = (graphql_files(snapshots, tree) for tree in trees)
    if old != new:
        facts += compare_graphql(snapshots, old, new, lost)
    before, after = (protobuf_files(tree) for tree in trees)
    if before != after:
        changed = [blob for side in (before, after) for blob in side.values()]
        snapshots.load(changed)
        facts += compare_protobuf(snapshots, before, after, lost)
    return facts, {*old, *new, *before, *after}
