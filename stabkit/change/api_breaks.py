"""Signature-level API breaks of the repository's own Python packages, found by griffe."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Final

from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["api_break"]

_NOT_PUBLIC: Final = ("tests", "test", "docs", "examples", "benchmarks", "scripts")


def api_break(snapshots: Snapshots) -> tuple[str, str, str]:
    """Return outcome, observation and detail of the line "no API break"."""
    packages = _packages(snapshots)
    if not packages:
        return "not_checked", "", "no importable Python package was found at the top or under src/"
    names = ", ".join(sorted(packages))
    from importlib.metadata import version

    try:
        found = [line for name in sorted(packages) for line in _compare(snapshots, name)]
    except Exception as error:  # noqa: BLE001 - griffe on hostile code may raise anything; that is an unknown answer
        return "not_checked", "", f"griffe could not load the packages {names}: {type(error).__name__}: {error}"
    griffe = f"griffe {version('griffelib')}"
    tool = f"{griffe}, signatures only; packages {names}"
    if found:
        return "fail", f"{len(found)} signature-level API breaks", "; ".join([*found[:20], tool])
    return "pass", f"no signature-level API break found by {griffe} in packages {names}", tool


def _packages(snapshots: Snapshots) -> set[str]:
    found = set()
    for path in {*snapshots.base_tree, *snapshots.head_tree}:
        parts = PurePosixPath(path).parts
        inner = parts[1:] if parts[0] == "src" else parts
        package = len(inner) == 2 and inner[1] == "__init__.py" and inner[0].isidentifier()
        if package and not inner[0].startswith("_") and inner[0] not in _NOT_PUBLIC:
            found.add(inner[0])
    return found


def _compare(snapshots: Snapshots, name: str) -> list[str]:
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    trees = snapshots.base_tree, snapshots.head_tree
    old, new = ([blob for path, blob in tree.items() if _inside(path, name)] for tree in trees)
    if not new:
        return [f"package {name} is gone"]
    if not old or old == new:
        return []
    sides: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, tree, files in zip((Path(folder, "old"), Path(folder, "new")), trees, (old, new), strict=True):
            _write(snapshots, files, place)
            search = _search(place, tree, name)
            # Without inspection: griffe would otherwise import what it cannot parse.
            sides.append(griffe.load(name, search_paths=search, allow_inspection=False, try_relative_path=False))
        return [_line(found) for found in griffe.find_breaking_changes(*sides)]


def _inside(path: str, name: str) -> bool:
    parts = PurePosixPath(path).parts
    return path.endswith(".py") and ".." not in parts and (parts[0] == name or parts[:2] == ("src", name))


def _search(place: Path, tree: Any, name: str) -> list[Path]:
    # The search path belongs to each side by itself: a move into src/ is no break.
    return [place / "src" if f"src/{name}/__init__.py" in tree else place]


def _write(snapshots: Snapshots, files: list[Blob], place: Path) -> None:
    contents = snapshots.git.contents(files)
    for blob in files:
        target = place / blob.path
        if blob.object_id in contents and target.resolve().is_relative_to(place.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents[blob.object_id])


def _line(found: Any) -> str:
    what = str(getattr(found.kind, "value", found.kind))
    line = getattr(found.obj, "lineno", None)
    return f"{found.obj.path}{f' (line {line})' if line else ''}: {what}"
