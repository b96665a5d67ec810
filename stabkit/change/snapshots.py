"""Both ends of a git range in memory: trees, contents as they are asked for. Nothing is checked out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from stabkit.change.git import Blob, Git
from stabkit.change.python_code import import_graph, imported_names, parse
from stabkit.change.ranges import Change

__all__ = ["Snapshots"]

_MOST_MODULES: Final = 20_000


class Snapshots:
    """The two ends of a range, compared with each other and not with their common ancestor.

    Attributes
    ----------
    changes : sequence of Change
        The files that differ, in git's order.
    base_tree, head_tree : mapping of str to Blob
        The regular files of each end, by path.
    packages : tuple of str
        The packages whose names others import, as configured; none: those that the repository publishes.

    Notes
    -----
    Contents are read when they are asked for, many at once, and kept by object id: a file that both ends share is read
    and parsed once. A file that is too large or absent, as in a partial clone, has none.
    """

    def __init__(
        self, git: Git, base: str, head: str, changes: Sequence[Change], *, packages: tuple[str, ...] = ()
    ) -> None:
        self.git = git
        self.packages = packages
        self.base, self.head = base, head
        self.changes = changes
        self.base_tree: Mapping[str, Blob] = git.tree(base)
        self.head_tree: Mapping[str, Blob] = git.tree(head)
        self._contents: dict[str, bytes | None] = {}
        self._parsed: dict[str, ast.Module | None] = {}
        ends = ((self.base_tree, "base_path"), (self.head_tree, "path"))
        self.load(tree[path] for tree, name in ends for c in changes if (path := getattr(c, name)) in tree)

    def load(self, blobs: Iterable[Blob]) -> None:
        """Read the contents of many files at once, those that are not there yet."""
        wanted = [blob for blob in blobs if blob.object_id not in self._contents]
        if wanted:
            found = self.git.contents(wanted)
            self._contents |= {blob.object_id: found.get(blob.object_id) for blob in wanted}

    def content(self, blob: Blob | None) -> bytes | None:
        """Return what a file holds; None for no file, and for one that cannot be read."""
        if blob is None:
            return None
        self.load([blob])
        return self._contents[blob.object_id]

    def parsed(self, blob: Blob | None) -> ast.Module | None:
        """Return a Python file's syntax tree; None for no file, and for one that cannot be read or parsed."""
        if blob is None:
            return None
        if blob.object_id not in self._parsed:
            self._parsed[blob.object_id] = parse(self.content(blob))
        return self._parsed[blob.object_id]

    def old(self, change: Change) -> Blob | None:
        """Return the file as it was; None if it was not there, or is no regular file."""
        return self.base_tree.get(change.base_path) if change.status != "added" else None

    def new(self, change: Change) -> Blob | None:
        """Return the file as it is; None as for :meth:`old`."""
        return self.head_tree.get(change.path)

    def before(self, change: Change) -> bytes | None:
        """Return what the file held; None as for :meth:`old`, or if it cannot be read."""
        return self.content(self.old(change))

    def after(self, change: Change) -> bytes | None:
        """Return what the file holds; None as for :meth:`before`."""
        return self.content(self.new(change))

    def unread(self, change: Change) -> bool:
        """Say whether a side of the change exists and could not be read."""
        return not change.regular or any(
            blob is not None and self.content(blob) is None for blob in (self.old(change), self.new(change))
        )

    @cached_property
    def modules(self) -> frozenset[str]:
        """The Python files of the head; none if there are more than can be read in one go."""
        found = frozenset(path for path in self.head_tree if path.endswith(".py"))
        return found if len(found) <= _MOST_MODULES else frozenset()

    @cached_property
    def importers(self) -> Mapping[str, set[str]]:
        """Who imports whom at the head: path -> the paths that import it directly."""
        self.load(self.head_tree[path] for path in self.modules)
        sources = {path: self.content(self.head_tree[path]) for path in self.modules}
        return import_graph({path: imported_names(text) for path, text in sources.items() if text is not None})
