"""The files of a project folder, within bounds: no link is followed, and what others installed is passed by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from stabkit.errors import UsageError
from stabkit.paths import read_bounded
from stabkit.text import decoded

__all__ = ["Tree", "project_tree"]

_MOST_FILES: Final = 20_000
_DEEPEST: Final = 12
_LARGEST: Final = 2 * 1024**2
_PASSED_BY: Final = frozenset(
    {"node_modules", "venv", "env", "site-packages", "vendor", "__pycache__", "bower_components", "third_party"}
)
_HIDDEN: Final = frozenset({".github", ".gitlab-ci.yml"})


@dataclass(frozen=True)
class Tree:
    """The files of a folder.

    Attributes
    ----------
    root : Path
        The folder.
    files : tuple of str
        Relative to it, with slashes, sorted; names that are no text are left out.
    left_out : tuple of str
        What was not looked at, in words.
    """

    root: Path
    files: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def text(self, file: str) -> str | None:
        """Return the content of a file as text; None where there is none, or it is larger than a manifest can be."""
        try:
            return decoded(read_bounded(self.root / file, _LARGEST))
        except (OSError, ValueError):
            return None

    def named(self, *patterns: str) -> list[str]:
        """Return the files whose name is one of some patterns, those nearest to the root first."""
        fitting = [file for file in self.files if any(fnmatchcase(file.rpartition("/")[2], p) for p in patterns)]
        return sorted(fitting, key=lambda file: (file.count("/"), file))


def project_tree(root: Path) -> Tree:
    """Return the files of a folder, at most 20,000 of them.

    Raises
    ------
    UsageError
        There is no such folder.
    """
    if not root.is_dir():
        raise UsageError("There is no such folder.", where=str(root), hint="Name the folder of the project.")
    found: list[str] = []
    unnamed, deep, full = 0, 0, False
    folders = [("", 0)]
    while folders:
        inside, depth = folders.pop()
        try:
            entries = sorted(os.scandir(root / inside), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            name = entry.name
            if name.startswith(".") and name not in _HIDDEN:
                continue
            if not _is_text(name):
                unnamed += 1
            elif entry.is_dir(follow_symlinks=False):
                if name in _PASSED_BY or os.path.lexists(Path(entry.path) / "pyvenv.cfg"):
                    continue
                if depth == _DEEPEST:
                    deep += 1
                else:
                    folders.append((f"{inside}{name}/", depth + 1))
            elif entry.is_file(follow_symlinks=False):
                found.append(inside + name)
        if len(found) > _MOST_FILES:
            full = True
            break
    reasons = (
        (unnamed, "files whose names are no text"),
        (deep, f"folders more than {_DEEPEST} deep"),
        (full, f"what lies behind the first {_MOST_FILES:,} files"),
    )
    return Tree(root, tuple(sorted(found[:_MOST_FILES])), tuple(what for there, what in reasons if there))


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
