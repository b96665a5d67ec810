"""Signature-level API breaks of the repository's own Python packages, found by griffe."""

from __future__ import annotations

import ast
import logging
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Final

from stabkit.change.facts import Answer, Fact
from stabkit.change.git import Blob
from stabkit.change.python_code import parse
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_api"]

_NOT_PUBLIC: Final = ("tests", "test", "docs", "examples", "benchmarks", "scripts")


def answer_api(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    What need not break a caller is no proof, and is set aside where nothing else is found: a default that
    is no plain value, a name of a module that answers for any name (``__getattr__``). Values are no signatures: another
    one, as of a version, is counted alone. A module that cannot be parsed at one end is not compared.
    """
    packages = _packages(snapshots)
    noun = "modules"
    if not packages:
        return Answer("not_checked", noun=noun, why="no importable Python package was found at the top or under src/")
    names = ", ".join(sorted(packages))
    from importlib.metadata import version

    try:
        found = [fact for name in sorted(packages) for fact in _compare(snapshots, name)]
    except Exception as error:  # noqa: BLE001 - griffe on hostile code may raise anything; that is an unknown answer
        why = f"griffe could not load the packages {names}: {type(error).__name__}: {error}"
        return Answer("not_checked", noun=noun, why=why)
    method = f"griffe {version('griffelib')}, signatures only; packages {names}"
    found = [fact for fact in found if fact.change != "attribute_changed_value"]
    unparsed = _unparsed(snapshots, packages)
    breaks = tuple(fact for fact in found if fact.path not in unparsed)
    lost = f"could not be parsed: {', '.join(sorted(unparsed))}" if unparsed else None
    examined = sum(
        any(_inside(path, name) for name in packages) for path in {**snapshots.base_tree, **snapshots.head_tree}
    )
    if any(fact.proven for fact in breaks):
        return Answer("fail", breaks, examined, noun, lost, method=method)
    if unparsed or breaks:
        return Answer("not_checked", breaks, examined, noun, lost or "may break nothing", method=method)
    return Answer("pass", (), examined, noun, method=method)


def _unparsed(snapshots: Snapshots, packages: set[str]) -> set[str]:
    """Return the changed files of the packages that cannot be parsed at an end where they are."""
    found = set()
    for change in snapshots.changes:
        for path, content in (
            (change.base_path, snapshots.before(change)),
            (change.path, snapshots.after(change)),
        ):
            if content is not None and any(_inside(path, name) for name in packages) and parse(content) is None:
                found |= {path, change.path}
    return found


def _packages(snapshots: Snapshots) -> set[str]:
    found = set()
    for path in {*snapshots.base_tree, *snapshots.head_tree}:
        parts = PurePosixPath(path).parts
        inner = parts[1:] if parts[0] == "src" else parts
        package = len(inner) == 2 and inner[1] == "__init__.py" and inner[0].isidentifier()
        if package and not inner[0].startswith("_") and inner[0] not in _NOT_PUBLIC:
            found.add(inner[0])
    return found


def _compare(snapshots: Snapshots, name: str) -> list[Fact]:
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    trees = snapshots.base_tree, snapshots.head_tree
    old, new = ([blob for path, blob in tree.items() if _inside(path, name)] for tree in trees)
    if not new:
        return [Fact(old[0].path, None, name, "object_removed", "package")] if old else []
    if not old or old == new:
        return []
    sides: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, tree, files in zip((Path(folder, "old"), Path(folder, "new")), trees, (old, new), strict=True):
            _write(snapshots, files, place)
            search = _search(place, tree, name)
            # Without inspection: griffe would otherwise import what it cannot parse.
            sides.append(griffe.load(name, search_paths=search, allow_inspection=False, try_relative_path=False))
        found = [_fact(one, folder, sides[1]) for one in griffe.find_breaking_changes(*sides)]
    return [fact for fact in found if not _of_tests(fact.what)]


def _inside(path: str, name: str) -> bool:
    parts = PurePosixPath(path).parts
    return path.endswith(".py") and ".." not in parts and (parts[0] == name or parts[:2] == ("src", name))


def _search(place: Path, tree: Any, name: str) -> list[Path]:
    # The search path belongs to each side by itself: a move into src/ is no break.
    return [place / "src" if f"src/{name}/__init__.py" in tree else place]


def _write(snapshots: Snapshots, files: list[Blob], place: Path) -> None:
    snapshots.load(files)
    for blob in files:
        target = place / blob.path
        content = snapshots.content(blob)
        if content is not None and target.resolve().is_relative_to(place.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _of_tests(name: str) -> bool:
    parts = name.split(".")[1:]
    return any(part in _NOT_PUBLIC or part.startswith("test_") or part == "conftest" for part in parts)


def _fact(found: Any, folder: str, new: Any) -> Fact:
    """Return a break as a fact; the object that is gone stands in the old tree, any other in the new one."""
    thing = found.obj
    change = found.kind.name.lower()
    place = PurePosixPath(Path(str(thing.filepath)).resolve().relative_to(Path(folder).resolve()).as_posix())
    before, after = (None if value is None else _side(value) for value in (found.old_value, found.new_value))
    if change == "object_removed":
        before = after = None
    noun = str(getattr(thing.kind, "value", thing.kind))
    if noun == "function" and thing.parent is not None and thing.parent.is_class:
        noun = "method"
    path = str(PurePosixPath(*place.parts[1:]))
    return Fact(path, thing.lineno, thing.path, change, noun, before, after, proven=_sure(found, change, new))


def _side(value: Any) -> str:
    """Return a side of a break as people write it: a parameter by its name, all else as it stands."""
    return str(getattr(value, "name", value))[:200]


def _sure(found: Any, change: str, new: Any) -> bool:
    """Say whether a break takes something away that a caller could rely on."""
    if change == "parameter_changed_default":
        return all(_literal(getattr(value, "default", None)) for value in (found.old_value, found.new_value))
    if change == "object_removed":
        # The module as it is now may still answer for the name.
        holder = new
        for name in found.obj.path.split(".")[1:-1]:
            holder = holder.members.get(name)
            if holder is None or holder.is_alias:
                return True
        return "__getattr__" not in holder.members
    return True


def _literal(text: Any) -> bool:
    try:
        ast.literal_eval(str(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    return True
