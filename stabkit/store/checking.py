"""Whether a store is whole: every marker read, every file hashed, and what lies there that nobody names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from stabkit.errors import StoreError
from stabkit.store.places import DataFile, changed, missing

if TYPE_CHECKING:
    from stabkit.store.places import Place

__all__ = ["StoreCheck", "check_files"]

# A file without a marker may belong to a batch that is being written.
_YOUNG: Final = timedelta(hours=1)


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
    unsealed : int
        Markers of an older stabkit, which have no seal: only what was stored after them vouches for them.
    copied : int
        Markers that were written for another store: what was stored before them there is not known here.
    """

    runs: int
    files: int
    bytes: int
    faults: tuple[StoreError, ...]
    unnamed: tuple[str, ...]
    unsealed: int = 0
    copied: int = 0

    @property
    def whole(self) -> bool:
        """True if nothing is damaged."""
        return not self.faults


def check_files(
    place: Place, live: Sequence[DataFile], known: Iterable[str], damaged: Sequence[StoreError], *, runs: int
) -> StoreCheck:
    """Hash every file that is read, and look for files that nobody names.

    Parameters
    ----------
    place : Place
        Where the store lies.
    live : sequence of DataFile
        What readers open.
    known : iterable of str
        Paths that a marker or a manifest names, read or not.
    damaged : sequence of StoreError
        What is wrong with markers and manifests.
    runs : int
        How many runs there are.
    """
    faults = [*damaged, *(fault for file in live if (fault := _fault(place, file)) is not None)]
    named = {*known, *(file.path for file in live)}
    young = datetime.now(UTC) - _YOUNG
    unnamed = tuple(
        sorted(found.path for found in place.strays() if found.path not in named and found.modified_at < young)
    )
    return StoreCheck(runs, len(live), sum(file.bytes for file in live), tuple(faults), unnamed)


def _fault(place: Place, file: DataFile) -> StoreError | None:
    """Return what is wrong with a file's content, which is read whole wherever it lies."""
    where = place.where(file.path)
    try:
        size, sha256 = place.digest(file.path)
    except OSError as error:
        return missing(where, error)
    return None if (size, sha256) == (file.bytes, file.sha256) else changed(where, "hash")
