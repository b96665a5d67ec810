"""Whether both ends resolve the same versions: a line of the checklist."""

from __future__ import annotations

import re

from stabkit.change.dependencies.manifests import is_lock, read_dependencies
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_dependencies"]


def answer_dependencies(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    known = [path for path in snapshots.head_tree if _is_dependency(path)]
    known += [path for path in snapshots.base_tree if _is_dependency(path) and path not in snapshots.head_tree]
    locks = [path for path in known if is_lock(path)]
    found: list[Fact] = []
    unread = []
    for change in snapshots.changes:
        if not (_is_dependency(change.path) or _is_dependency(change.base_path)):
            continue
        old, new = (
            set() if content is None else read_dependencies(path, content)
            for path, content in ((change.base_path, snapshots.before(change)), (change.path, snapshots.after(change)))
        )
        if snapshots.unread(change) or old is None or new is None:
            unread.append(change.path)
            continue
        found += [Fact(change.path, None, item, "removed") for item in sorted(old - new)]
        found += [Fact(change.path, None, item, "added") for item in sorted(new - old)]
    why = f"could not be parsed: {', '.join(unread)}" if unread else None
    if not found and not why and known and not locks and not all(_all_pinned(snapshots, path) for path in known):
        why = "declared ranges equal; resolved versions unknown; commit a lock file"
    return answered(found, len(known), "dependency files", why=why)


def _is_dependency(path: str) -> bool:
    return categorise(path) == "dependency" and not path.endswith("setup.py")


def _all_pinned(snapshots: Snapshots, path: str) -> bool:
    blob = snapshots.head_tree.get(path)
    if blob is None or not path.endswith(".txt"):
        return False
    content = snapshots.content(blob)
    found = read_dependencies(path, content) if content is not None else None
    return bool(found) and all(re.fullmatch(r"\S+ [\w.!+-]+|--hash=\S+", item) for item in found or ())
