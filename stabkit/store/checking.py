"""Whether a store is whole: every marker read, every file hashed, and what lies there that nobody names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stabkit.errors import StoreError
from stabkit.store.batches import DataFile
from stabkit.store.queries import verify

__all__ = ["StoreCheck", "check_files"]

# A file without a marker may belong to a batch that is being written.
_YOUNG_S: Final = 3600.0
_PLACES: Final = ("table=*/day=*/*", "commits/.*", "compactions/.*")


@dataclass(frozen=True)
class StoreCheck:
    """What a check found.

    Attributes
    ----------
    runs, files, bytes : int
        Runs of the store, data files that are read for them, and their size.
    faults : tuple of StoreError
        Damaged markers, missing and changed files; empty if the store is whole.
    unnamed : tuple of str
        Files older than an hour that no marker names, relative to the store: left over by a process that was killed,
        harmless, and safe to remove.
    """

    runs: int
    files: int
    bytes: int
    faults: tuple[StoreError, ...]
    unnamed: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """True if nothing is damaged."""
        return not self.faults


def check_files(
    root: Path, live: Sequence[DataFile], known: Iterable[str], damaged: Sequence[StoreError], *, runs: int
) -> StoreCheck:
    """Hash every file that is read, and look for files that nobody names.

    Parameters
    ----------
    root : Path
        The store's folder.
    live : sequence of DataFile
        What readers open.
    known : iterable of str
        Paths that a marker or a manifest names, read or not.
    damaged : sequence of StoreError
        What is wrong with markers.
    runs : int
        How many runs there are.
    """
    faults = list(damaged)
    for file in live:
        try:
            verify(root, file)
        except StoreError as error:
            faults.append(error)
    named = {*known, *(file.path for file in live)}
    present = (path for pattern in _PLACES for path in root.glob(pattern))
    others = [path for path in present if path.relative_to(root).as_posix() not in named and _is_old(path)]
    unnamed = tuple(sorted(path.relative_to(root).as_posix() for path in others))
    return StoreCheck(runs, len(live), sum(file.bytes for file in live), tuple(faults), unnamed)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _YOUNG_S
    except FileNotFoundError:
        return False  # it was being written, and has its name now
