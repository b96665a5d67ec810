"""A git range parsed: changed files, their hunks, and what history says of them."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.change.git import Git
from stabkit.schema import conform, empty

__all__ = ["Change", "History", "hunks_text", "range_changes", "read_changes", "read_history", "read_hunks"]

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
    "-M",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--submodule=short",
    "--ignore-submodules=none",
)
_HUNK: Final = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_COUNTS: Final = re.compile(r"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)
_FIX: Final = re.compile(r"(?i)\b(fix(e[sd]|ing)?|bug(fix)?(es|s)?|hotfix|regression)\b")


@dataclass(frozen=True)
class Change:
    """One changed file; ``old_path`` only for a rename or copy, line counts None for binary."""

    path: str
    old_path: str | None
    status: str
    added: int | None
    deleted: int | None
    regular: bool

    @property
    def base_path(self) -> str:
        """Where the file was before."""
        return self.old_path or self.path


@dataclass
class History:
    """What a stretch of history says, by path."""

    commits: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    fixes: Counter[str] = field(default_factory=Counter)
    authors: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def read_changes(git: Git, base: str, head: str) -> list[Change]:
    """Return the changed files between two full ids, in git's order."""
    output = git.read(*_DIFF, "--raw", "--numstat", "--no-abbrev", "-z", base, head, "--")
    tokens = iter(output.decode("utf-8", "replace").split("\0"))
    raw: list[tuple[str, str | None, str, bool]] = []
    counts: dict[str, tuple[int | None, int | None]] = {}
    for token in tokens:
        if token.startswith(":"):
            old_mode, new_mode, _, _, status = token[1:].split(" ")
            first = next(tokens)
            moved = status[0] in "RC"
            regular = all(mode in ("100644", "100755", "000000") for mode in (old_mode, new_mode))
            raw.append((next(tokens) if moved else first, first if moved else None, status[0], regular))
        elif match := _COUNTS.fullmatch(token):
            path = match[3]
            if not path:  # a rename: old and new path follow as tokens of their own
                next(tokens)
                path = next(tokens)
            counts[path] = (_number(match[1]), _number(match[2]))
    return [
        Change(path, old, _STATUS.get(status, "modified"), *counts.get(path, (None, None)), regular)
        for path, old, status, regular in raw
    ]


def read_hunks(git: Git, base: str, head: str, changes: list[Change]) -> dict[str, list[Hunk]] | None:
    """Return the hunks of each changed file by its new path; None if git's two answers do not fit each other."""
    patch = git.read(*_DIFF, "-p", "-U0", "--inter-hunk-context=0", base, head, "--")
    # Inside a patch every line starts with one of "+-@\\", so this start of line is no content.
    parts = re.split(rb"^diff --git ", patch, flags=re.MULTILINE)[1:]
    found: dict[str, list[Hunk]] = {}
    position = 0
    for change in changes:
        take = 2 if change.status == "type_changed" else 1  # shown as a deletion and an addition
        text = b"".join(parts[position : position + take])
        position += take
        found[change.path] = [(int(m[1]), int(m[2] or 1), int(m[3]), int(m[4] or 1)) for m in _HUNK.finditer(text)]
    return found if position == len(parts) else None


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
            "hunks": hunks_text(change, None if hunks is None else hunks[change.path]),
        }
        for change in changes
    ]
    return conform("changes", pd.DataFrame(rows)) if rows else empty("changes")


def hunks_text(change: Change, hunks: list[Hunk] | None) -> str | None:
    """Return hunks as the table ``changes`` holds them; null for a file without text, or a submodule: no line moves."""
    return json.dumps(hunks) if hunks is not None and change.added is not None else None


def read_history(git: Git, *revisions: str, limit: int) -> History:
    """Return what up to ``limit`` commits of these revisions did, by path; merges count no lines."""
    output = git.read(
        "log",
        "-z",
        "--numstat",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        f"--max-count={limit}",
        "--format=tformat:%x00%x01%x00%ae%x00%s%x00",
        *revisions,
        "--",
    )
    history = History()
    author = subject = ""
    tokens = iter(output.decode("utf-8", "replace").split("\0"))
    for token in tokens:
        if token.strip("\n") == "\x01":
            author, subject = next(tokens), next(tokens)
            history.commits += 1
        elif match := _COUNTS.fullmatch(token.lstrip("\n")):
            path = match[3]
            history.changes[path] += 1
            history.lines[path] += (_number(match[1]) or 0) + (_number(match[2]) or 0)
            history.fixes[path] += bool(_FIX.search(subject))
            history.authors[path].add(author)
    return history


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
