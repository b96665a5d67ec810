"""Public modules that a change takes away: deleted, or renamed so that who imports them by name finds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.ranges import Change
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_modules", "gone_modules", "module_name"]

# Languages in which a file is what others import.
_SUFFIXES: Final = (".py", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_NO_MODULES: Final = ("setup.py", "noxfile.py", "manage.py")
_NOT_PUBLIC: Final = ("examples", "benchmarks", "scripts", "tools", "node_modules")


def answer_modules(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    found = gone_modules(snapshots.changes, snapshots.head_tree)
    known = {path for path in {**snapshots.base_tree, **snapshots.head_tree} if module_name(path) is not None}
    return answered(found, len(known), "modules")


def module_name(path: str) -> str | None:
    """Return the name that a module is imported by, wherever its package lies; None for what is no public module.

    Examples
    --------
    >>> [module_name(path) for path in ("shop/api.py", "src/shop/__init__.py", "web/a.test.ts", "shop/_own.py")]
    ['shop/api', 'shop', None, None]
    """
    pure = PurePosixPath(path)
    if pure.suffix not in _SUFFIXES or path.endswith((".config.js", ".config.ts", ".d.ts")) or path in _NO_MODULES:
        return None
    parts = [*pure.parts[:-1], pure.stem]
    if parts[0] == "src":
        parts = parts[1:]
    if parts[-1] in ("__init__", "index") and len(parts) > 1:
        parts = parts[:-1]
    hidden = any(part.startswith(("_", ".")) or part in _NOT_PUBLIC for part in parts)
    return None if hidden or categorise(path) != "internal" else "/".join(parts)


def gone_modules(changes: Iterable[Change], head: Iterable[str]) -> list[Fact]:
    """Return the public modules of changed files that nothing at the head is imported by any more."""
    left = {name for name in map(module_name, head) if name is not None}
    found = []
    for change in changes:
        if change.status not in ("deleted", "renamed"):
            continue
        name = module_name(change.base_path)
        if name is None or name in left:
            continue
        after = change.path if change.status == "renamed" else None
        found.append(Fact(change.base_path, None, name.replace("/", "."), change.status, "module", None, after))
    return found
