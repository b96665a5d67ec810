"""GraphQL schemas of both ends compared, by graphql-core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from stabkit.change.contracts.documents import belongs, line_of
from stabkit.change.facts import Fact
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["compare_graphql", "graphql_files"]

_SUFFIXES: Final = (".graphql", ".graphqls", ".gql", ".sdl")
# Queries that a client sends are written in files of the same name.
_DEFINES: Final = re.compile(
    rb"^[ \t]*(?:extend[ \t]+)?(?:schema|type|interface|union|enum|input|scalar|directive)\b", re.MULTILINE
)
_NAMED: Final = re.compile(r"[A-Za-z_@]\w*(?:\.\w+)*")


def graphql_files(snapshots: Snapshots, tree: Mapping[str, Blob]) -> dict[str, Blob]:
    """Return the files of a tree that define types."""
    found = {path: blob for path, blob in tree.items() if path.endswith(_SUFFIXES) and belongs(path)}
    snapshots.load(found.values())
    return {path: blob for path, blob in found.items() if _DEFINES.search(snapshots.content(blob) or b"")}


def compare_graphql(
    snapshots: Snapshots, old: Mapping[str, Blob], new: Mapping[str, Blob], lost: list[str]
) -> Iterator[Fact]:
    """Yield what clients could ask for and can no more.

    Files of one folder, and of those in it, are one schema; a schema that cannot be read is added to ``lost``.
    """
    before, after = _schemas({**old, **new}, old), _schemas({**old, **new}, new)
    for folder, files in before.items():
        others = after.get(folder, {})
        if {blob.object_id for blob in files.values()} == {blob.object_id for blob in others.values()}:
            continue
        if not others:
            first = min(files)
            yield Fact(first, None, folder or first, "removed", "schema")
            continue
        schemas = [_built(snapshots, side) for side in (files, others)]
        if None in schemas:
            lost += sorted({path for path in (*files, *others) if files.get(path) != others.get(path)})
            continue
        from graphql.utilities import find_breaking_changes

        for change in find_breaking_changes(*schemas):
            yield _fact(snapshots, change, files, others)


def _schemas(every: Mapping[str, Blob], files: Mapping[str, Blob]) -> dict[str, dict[str, Blob]]:
    folders = sorted({str(PurePosixPath(path).parent) for path in every}, key=len)
    found: dict[str, dict[str, Blob]] = {}
    for path, blob in files.items():
        own = str(PurePosixPath(path).parent)
        top = next(one for one in folders if own == one or (own.startswith(f"{one}/") and one != "."))
        found.setdefault(top, {})[path] = blob
    return found


def _built(snapshots: Snapshots, files: Mapping[str, Blob]) -> Any:
    from graphql import build_schema

    text = "\n".join((snapshots.content(files[path]) or b"").decode("utf-8", "replace") for path in sorted(files))
    if text.count("{") > 20_000:
        return None
    try:
        return build_schema(text, assume_valid=True, assume_valid_sdl=True)
    except Exception:  # noqa: BLE001 - what no schema is raises whatever the builder stumbles over
        return None


def _fact(snapshots: Snapshots, change: Any, old: Mapping[str, Blob], new: Mapping[str, Blob]) -> Fact:
    text = str(change.description)
    kind = str(getattr(change.type, "name", change.type)).lower()
    names = _NAMED.findall(text.replace("'", " "))
    what = next((name for name in names if "." in name), None) or next((n for n in names if n[0].isupper()), text)
    gone = "removed" in kind
    parts = what.split(".")
    for files in (old, new) if gone else (new, old):
        for path, blob in sorted(files.items()):
            content = snapshots.content(blob)
            start = re.search(
                rb"(?:type|interface|enum|input|union|scalar)[ \t]+" + parts[0].encode() + rb"\b", content or b""
            )
            if start is not None and content is not None:
                above = content.count(b"\n", 0, start.start())
                inner = line_of(content[start.start() :], *parts)
                return Fact(path, above + (inner or 1), what, kind, "type", None, text)
    return Fact(min(new), None, what, kind, "type", None, text)
