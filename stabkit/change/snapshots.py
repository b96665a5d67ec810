"""Both ends of a git range in memory: trees, contents as they are asked for. Nothing is checked out."""

from __future__ import annotations

import ast
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from stabkit.change.git import Blob, Git
from stabkit.change.python_code import import_graph, imported_names, parse
from stabkit.change.ranges import Change

__all__ = ["Snapshots"]

_MOST_MODULES: Final = 20_000
# Contents beyond so many bytes lie in a file: a repository may be larger than memory.
_IN_MEMORY: Final = 128 * 1024 * 1024
# A syntax tree takes some forty times its source. Trees of so many bytes are kept, those used last.
_PARSED: Final = 4 * 1024 * 1024


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
    once. Neither contents nor syntax trees fill the memory: many contents lie in a temporary file, and of many trees
    the last ones alone are kept. A file that is too large or absent, as in a partial clone, has no content.
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
        self._kept = _Kept()
        self._parsed: OrderedDict[str, tuple[ast.Module | None, int]] = OrderedDict()
        self._parsed_bytes = 0
        ends = ((self.base_tree, "base_path"), (self.head_tree, "path"))
        self.load(tree[path] for tree, name in ends for c in changes if (path := getattr(c, name)) in tree)

    def load(self, blobs: Iterable[Blob]) -> None:
        """Read the contents of many files at once, those that are not there yet."""
        wanted = [blob for blob in blobs if blob.object_id not in self._kept]
        if wanted:
            for name, content in self.git.each_content(wanted):
                self._kept.keep(name, content)
            for blob in wanted:
                if blob.object_id not in self._kept:
                    self._kept.keep(blob.object_id, None)

    def content(self, blob: Blob | None) -> bytes | None:
        """Return what a file holds; None for no file, and for one that cannot be read."""
        if blob is None:
            return None
        self.load([blob])
        return self._kept.content(blob.object_id)

    def parsed(self, blob: Blob | None) -> ast.Module | None:
        """Return a Python file's syntax tree; None for no file, and for one that cannot be read or parsed."""
        if blob is None:
            return None
        if blob.object_id in self._parsed:
            self._parsed.move_to_end(blob.object_id)
            return self._parsed[blob.object_id][0]
        content = self.content(blob)
        tree, size = parse(content), len(content or b"")
        self._parsed[blob.object_id] = tree, size
        self._parsed_bytes += size
        while self._parsed_bytes > _PARSED and len(self._parsed) > 1:
            _, (_, freed) = self._parsed.popitem(last=False)
            self._parsed_bytes -= freed
        return tree

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
        sources = ((path, self.content(self.head_tree[path])) for path in self.modules)
        return import_graph({path: imported_names(text) for path, text in sources if text is not None})


class _Kept:
    """Contents by object id, one after the other in a file that stays in memory while it is small."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - as long as this
        weakref.finalize(self, self._file.close)
        self._places: dict[str, tuple[int, int] | None] = {}
        self._end = 0

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def keep(self, name: str, content: bytes | None) -> None:
        if content is not None:
            self._file.seek(self._end)
            self._file.write(content)
        self._places[name] = None if content is None else (self._end, len(content))
        self._end += len(content or b"")

    def content(self, name: str) -> bytes | None:
        place = self._places[name]
        if place is None:
            return None
        self._file.seek(place[0])
        return self._file.read(place[1])
