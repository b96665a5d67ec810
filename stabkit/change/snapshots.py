"""Both ends of a git range in memory: trees, contents of changed files, parsed Python. Nothing is checked out."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stabkit.change.git import Blob, Git
from stabkit.change.python_code import parse
from stabkit.change.ranges import Change

__all__ = ["Snapshots"]

_MOST_MODULES: Final = 20_000


@dataclass(frozen=True)
class Snapshots:
    """The two ends of a range.

    Attributes
    ----------
    modules : mapping of str to ast.Module
        The parsed Python files of the head by path; empty if there are more than can be read in one go.
    """

    git: Git
    changes: Sequence[Change]
    base_tree: Mapping[str, Blob]
    head_tree: Mapping[str, Blob]
    blobs: Mapping[str, bytes]
    modules: Mapping[str, ast.Module]

    @classmethod
    def read(cls, git: Git, base: str, head: str, changes: Sequence[Change]) -> Snapshots:
        """Return the ends of the range between two full ids."""
        base_tree, head_tree = git.tree(base), git.tree(head)
        wanted = [base_tree[c.base_path] for c in changes if c.base_path in base_tree]
        wanted += [head_tree[c.path] for c in changes if c.path in head_tree]
        python = [blob for blob in head_tree.values() if blob.path.endswith(".py")]
        if len(python) > _MOST_MODULES:
            python = []
        blobs = git.contents([*wanted, *python])
        trees = {blob.path: parse(blobs.get(blob.object_id)) for blob in python}
        return cls(git, changes, base_tree, head_tree, blobs, {p: tree for p, tree in trees.items() if tree})

    def before(self, change: Change) -> bytes | None:
        """Return the file as it was; None if it was not there, is no regular file or is too large."""
        return self._content(self.base_tree.get(change.base_path)) if change.status != "added" else None

    def after(self, change: Change) -> bytes | None:
        """Return the file as it is; None as for :meth:`before`."""
        return self._content(self.head_tree.get(change.path))

    def unread(self, change: Change) -> bool:
        """Say whether a side of the change exists and could not be read."""
        old = self.base_tree.get(change.base_path) if change.status != "added" else None
        new = self.head_tree.get(change.path)
        return not change.regular or any(blob is not None and blob.object_id not in self.blobs for blob in (old, new))

    def _content(self, blob: Blob | None) -> bytes | None:
        return self.blobs.get(blob.object_id) if blob else None
