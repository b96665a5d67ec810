"""Public modules that a change takes away: deleted, or renamed so that who imports them by name finds nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from stabkit.change.api.javascript import gone_entries, published_entries
from stabkit.change.api.packages import is_internal, public_packages
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.git import Blob
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_modules"]

_NOUN: Final = "public modules"


def answer_modules(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    A module is what others import by its name: of a Python package that the repository publishes (or that the
    configuration names), or an entry point that a ``package.json`` exports. One that stays as a shim, became a package
    of the same name, or moved with its whole package into ``src/`` is there. Modules of an application are none.
    """
    packages = public_packages(snapshots)
    entries = [published_entries(snapshots, tree) for tree in (snapshots.base_tree, snapshots.head_tree)]
    moved = {change.base_path: change.path for change in snapshots.changes if change.status == "renamed"}
    found = [fact for package in packages for fact in _gone(package.base, package.head, moved)]
    found += gone_entries(*entries)
    counted = sum(not is_internal(name) for package in packages for name in {**package.base, **package.head})
    exported = {(one.name, key) for side in entries for one in side.values() for key in one.files}
    if not counted + len(exported) and not found:
        why = "no package is published here; name packages in [changes] packages"
        return Answer("not_checked", noun=_NOUN, why=why, settled=not snapshots.packages)
    return answered(found, counted + len(exported), _NOUN)


def _gone(base: Mapping[str, Blob], head: Mapping[str, Blob], moved: Mapping[str, str]) -> Iterator[Fact]:
    for name, blob in sorted(base.items()):
        # A folder without a module of its own is importable as long as it holds modules.
        if name in head or is_internal(name) or any(other.startswith(f"{name}.") for other in head):
            continue
        after = moved.get(blob.path)
        yield Fact(blob.path, None, name, "deleted" if after is None else "renamed", "module", None, after)
