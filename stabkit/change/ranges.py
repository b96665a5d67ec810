"""A git range parsed: changed files, their hunks, and what history says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.change.git import Git
from stabkit.errors import EvidenceError
from stabkit.schema import conform, empty

__all__ = ["NUMSTAT", "Change", "formatted_only", "hunks_text", "range_changes", "read_changes", "read_hunks"]

Hunk = tuple[int, int, int, int]
_STATUS: Final = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "T": "type_changed",
}
_DIFF: Final = (
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--submodule=short",
    "--ignore-submodules=none",
)
_HUNK: Final = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
NUMSTAT: Final = re.compile(r"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)
"""Lines added, lines deleted and path of one file, as ``git --numstat`` tells them."""
_PART: Final = 200
# What git tells without reading a file.
_NAMES_ALONE: Final = ("-M100%", "--raw", "--no-abbrev", "-z")


@dataclass(frozen=True)
class Change:
    """One changed file; ``old_path`` only for a rename or copy, line counts None for binary; ``ids``: both blobs.

    Of a ``submodule`` they are the commits that stand here, of another repository.
    """

    path: str
    old_path: str | None
    status: str
    added: int | None
    deleted: int | None
    regular: bool
    ids: tuple[str, ...] = ()
    submodule: bool = False

    @property
    def base_path(self) -> str:
        """Where the file was before."""
        return self.old_path or self.path


def read_changes(git: Git, base: str, head: str) -> list[Change]:
    """Return the changed files between two full ids, in git's order; of a file that the clone lacks, no lines."""
    if not git.partial:
        try:
            return _parsed(git.read(*_DIFF, "-M", "--raw", "--numstat", "--no-abbrev", "-z", base, head, "--"))
        except EvidenceError:
            if not git.lacks(_ids(_parsed(git.read(*_DIFF, *_NAMES_ALONE, base, head, "--")))):
                raise
            git.partial = True
    changes = _parsed(_names_alone(git, base, head))
    counts = _parsed(b"".join(_in_parts(git, changes, base, head, "--raw", "--numstat", "-z")))
    known = {change.path: change for change in counts}
    return [
        replace(change, added=0, deleted=0)
        if change.status == "renamed"
        else replace(change, added=known[change.path].added, deleted=known[change.path].deleted)
        if change.path in known
        else change
        for change in changes
    ]


def _names_alone(git: Git, base: str, head: str) -> bytes:
    try:
        return git.read(*_DIFF, *_NAMES_ALONE, base, head, "--", objects=True)
    except EvidenceError as error:
        if "unable to read tree" not in error.what:
            raise
        raise EvidenceError(
            "The clone lacks the folders of these commits, not their contents alone.",
            where=str(git.repository),
            hint="Fetch them: git fetch --refetch --filter=blob:none",
        ) from error


def _in_parts(git: Git, changes: list[Change], base: str, head: str, *options: str) -> Iterator[bytes]:
    """Yield what git diff prints of the changed files that are there, some hundred at a time."""
    lost = git.lacks(_ids(changes))
    there = [c.path for c in changes if c.status != "renamed" and not lost & set(c.ids)]
    for start in range(0, len(there), _PART):
        paths = there[start : start + _PART]
        yield git.read(*_DIFF, "--no-renames", *options, base, head, "--", *paths, objects=True)


def _ids(changes: Iterable[Change]) -> list[str]:
    return [name for change in changes for name in change.ids if name.strip("0")]


def _parsed(output: bytes) -> list[Change]:
    tokens = iter(output.decode("utf-8", "replace").split("\0"))
    raw: list[tuple[str, str | None, str, bool, tuple[str, ...], bool]] = []
    counts: dict[str, tuple[int | None, int | None]] = {}
    for token in tokens:
        if token.startswith(":"):
            old_mode, new_mode, old_id, new_id, status = token[1:].split(" ")
            first = next(tokens)
            moved = status[0] in "RC"
            regular = all(mode in ("100644", "100755", "000000") for mode in (old_mode, new_mode))
            path = next(tokens) if moved else first
            module = "160000" in (old_mode, new_mode)
            raw.append((path, first if moved else None, status[0], regular, (old_id, new_id), module))
        elif match := NUMSTAT.fullmatch(token):
            path = match[3]
            if not path:  # a rename: old and new path follow as tokens of their own
                next(tokens)
                path = next(tokens)
            counts[path] = (_number(match[1]), _number(match[2]))
    return [
        Change(path, old, _STATUS.get(status, "modified"), *counts.get(path, (None, None)), regular, ids, module)
        for path, old, status, regular, ids, module in raw
    ]


def read_hunks(git: Git, base: str, head: str, changes: list[Change]) -> dict[str, list[Hunk]] | None:
    """Return the hunks of each changed file by its new path; None if git's two answers do not fit each other.

    A file that a partial clone lacks has none.
    """
    told = changes
    if git.partial:
        patch = b"".join(_in_parts(git, changes, base, head, "-p", "-U0", "--inter-hunk-context=0"))
        told = [change for change in changes if change.added is not None and change.status != "renamed"]
    else:
        patch = git.read(*_DIFF, "-M", "-p", "-U0", "--inter-hunk-context=0", base, head, "--")
    # Inside a patch every line starts with one of "+-@\\", so this start of line is no content.
    parts = re.split(rb"^diff --git ", patch, flags=re.MULTILINE)[1:]
    found: dict[str, list[Hunk]] = {}
    position = 0
    for change in told:
        take = 2 if change.status == "type_changed" else 1  # shown as a deletion and an addition
        text = b"".join(parts[position : position + take])
        position += take
        found[change.path] = [(int(m[1]), int(m[2] or 1), int(m[3]), int(m[4] or 1)) for m in _HUNK.finditer(text)]
    return found if position == len(parts) else None


def formatted_only(git: Git, base: str, head: str, changes: list[Change]) -> frozenset[str]:
    """Return the modified files that differ by white space alone."""
    asked = [change for change in changes if change.status == "modified" and change.added is not None]
    if not asked or git.partial:
        return frozenset()
    # With -w, a file whose patch is empty is left out of the numbers.
    options = ("-w", "--ignore-blank-lines", "--no-renames", "--numstat", "-z")
    seen = git.read(*_DIFF, *options, base, head, "--").decode("utf-8", "replace").split("\0")
    left = {match[3] for token in seen if (match := NUMSTAT.fullmatch(token)) and (match[1], match[2]) != ("0", "0")}
    return frozenset(change.path for change in asked if change.path not in left)


def range_changes(repository: Path, base: str, head: str) -> pd.DataFrame:
    """Return the changed files between two commits themselves, with their hunks: what findings are followed by.

    Returns
    -------
    DataFrame
        Table ``changes`` in git's order: path, old_path, status, added, deleted, base_commit, head_commit and hunks,
        null for a file without text.

    Raises
    ------
    UsageError
        There is no such folder, or a reference names no commit.
    EvidenceError
        Git fails, or there is no repository.
    """
    git = Git(repository)
    old, new = git.commit(base), git.commit(head)
    changes = read_changes(git, old, new)
    hunks = read_hunks(git, old, new, changes)
    rows = [
        {
            "path": change.path,
            "old_path": change.old_path,
            "status": change.status,
            "added": change.added,
            "deleted": change.deleted,
            "base_commit": old,
            "head_commit": new,
            "hunks": hunks_text(change, None if hunks is None else hunks.get(change.path)),
        }
        for change in changes
    ]
    return conform("changes", pd.DataFrame(rows)) if rows else empty("changes")


def hunks_text(change: Change, hunks: list[Hunk] | None) -> str | None:
    """Return hunks as the table ``changes`` holds them; null for a file without text, or a submodule: no line moves."""
    return json.dumps(hunks) if hunks is not None and change.added is not None else None


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
