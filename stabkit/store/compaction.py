"""Compaction: many small files made into few, sketches of long histories, old samples dropped; by one swap.

::

    <store>/table=<name>/day=<UTC day of its first file>/pack-<id>-<number>.parquet
    <store>/table=sketches/day=<UTC day of its first file>/sketch-<id>-<number>.parquet

The new files are written beside those they stand for, then the manifest is swapped (:mod:`stabkit.store.manifests`).
A reader that began before goes on with the old files, which stay for :data:`GRACE`; one that begins after it reads the
new ones. Of two compactions at once the second finds its number taken, and removes what it made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from stabkit.schema import TABLES
from stabkit.store import sketches
from stabkit.store.batches import Batch, translate, write_parquet
from stabkit.store.manifests import Manifest, Retired, publish, read_manifest
from stabkit.store.places import DataFile
from stabkit.store.reading.queries import arrow_table

if TYPE_CHECKING:
    from stabkit.store.places import Place

__all__ = ["GRACE", "Compaction", "compact"]

GRACE: Final = timedelta(hours=1)
"""How long a replaced file stays for readers that know no better."""

PACK_ROWS: Final = 1_000_000
# A pack that is half full stays as it is, or every compaction would write all of them again.
_FULL: Final = PACK_ROWS // 2
_SMALL: Final = 2


@dataclass(frozen=True)
class Compaction:
    """What one compaction did.

    Attributes
    ----------
    packed, packs : int
        Files packed, and packs made of them.
    removed, freed_bytes : int
        Files of earlier compactions that nobody reads any more and that are gone now.
    sketched : int
        Data files whose samples are in a sketch since.
    overtaken : bool
        Another compaction was quicker, and nothing was changed by this one.
    """

    packed: int = 0
    packs: int = 0
    removed: int = 0
    freed_bytes: int = 0
    sketched: int = 0
    overtaken: bool = False


class Work:
    """New files on their way into the next manifest."""

    def __init__(self, place: Place, manifest: Manifest, moment: datetime) -> None:
        self.place = place
        self.manifest = manifest
        self.moment = moment
        self.made: list[str] = []
        self.packs = dict(manifest.packs)
        self.sketches = dict(manifest.sketches)
        self.dropped = dict(manifest.dropped)
        self._retired = list(manifest.retired)
        self._id = f"{moment:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"

    def name(self, table: str, kind: str, like: str) -> str:
        """Return a new path in the day folder of a file."""
        day = like.split("/")[1]
        self.made.append(f"table={table}/{day}/{kind}-{self._id}-{len(self.made)}.parquet")
        return self.made[-1]

    def retire(self, file: DataFile, kept_in: DataFile) -> None:
        """Let a file go once no reader can be at work on it."""
        self._retired.append(Retired(file.path, file.bytes, self.moment, kept_in))

    def remove_old(self) -> tuple[int, int]:
        """Remove the files that nobody can be reading any more; return how many, and their bytes."""
        old = [each for each in self._retired if each.since + GRACE <= self.moment]
        self.place.verify(dict.fromkeys(each.kept_in for each in old))
        gone = [each for each in old if self.place.remove(each.path)]
        self._retired = [each for each in self._retired if each.since + GRACE > self.moment]
        return len(gone), sum(each.bytes for each in gone)

    def next(self, markers: Mapping[str, Batch]) -> Manifest:
        """Return the manifest that follows."""
        number = self.manifest.number + 1
        retired = tuple(self._retired)
        return Manifest(number, markers, self.packs, self.sketches, self.dropped, retired, self.manifest.digest)

    def discard(self) -> None:
        """Remove what was made and no manifest names: publishing one may fail when it has its name already."""
        with contextlib.suppress(OSError):
            named = read_manifest(self.place)[0].named
            for path in self.made:
                if path not in named:
                    self.place.remove(path)


def compact(
    place: Place,
    markers: Mapping[str, Batch],
    batches: Sequence[Batch],
    manifest: Manifest,
    *,
    drop: Sequence[str] = (),
    pack: bool = True,
    now: datetime | None = None,
) -> Compaction:
    """Pack small files, sketch samples that no sketch covers, drop what is named; return what was done.

    Parameters
    ----------
    place : Place
        Where the store lies.
    markers : mapping
        Every readable marker by name.
    batches : sequence of Batch
        The batches that count, in the order of their commitment: rows keep it.
    manifest : Manifest
        The newest one.
    drop : sequence of str
        Paths of batches' sample files to be read no more; sketched first.
    pack : bool
        False: only sketch and drop.
    now : datetime, optional
        With a zone; the time by default.

    Raises
    ------
    StoreError
        A data file is missing or changed, or the place cannot be written; then nothing is changed.
    """
    moment = now or datetime.now(UTC)
    work = Work(place, manifest, moment)
    try:
        removed, freed = work.remove_old()
        sketched = _sketch(work, batches)
        _drop(work, batches, drop)
        packed = _pack(work, batches) if pack else 0
        if work.made or removed or drop or markers.keys() != manifest.batches.keys():
            publish(place, work.next(markers), moment)
    except FileExistsError:
        work.discard()
        return Compaction(overtaken=True)
    except BaseException as error:
        work.discard()
        if isinstance(error, OSError):
            raise translate(error, place) from error
        raise
    packs = sum("/pack-" in path for path in work.made)
    return Compaction(packed, packs, removed, freed, sketched)


def _sketch(work: Work, batches: Sequence[Batch]) -> int:
    """Sketch what no sketch covers, together with sketches that are small; return how many files."""
    samples = [file for batch in batches for file in batch.files if file.table == "samples"]
    fresh = [file for file in samples if file.path not in work.sketches]
    if not fresh:
        return 0
    small = [file for file in dict.fromkeys(work.sketches.values()) if file.rows < _FULL]
    sources = work.manifest.live(fresh)
    path = work.name(sketches.TABLE, "sketch", (small or sources)[0].path)
    made = write_parquet(
        work.place, sketches.TABLE, sketches.sketch(work.place, small, sources, sketches.days_of(batches)), path
    )
    covered = {file.path for file in small}
    for path, file in list(work.sketches.items()):
        if file.path in covered:
            work.sketches[path] = made
    work.sketches |= dict.fromkeys((file.path for file in fresh), made)
    for file in small:
        work.retire(file, made)
    return len(fresh)


def _drop(work: Work, batches: Sequence[Batch], drop: Sequence[str]) -> None:
    files = {file.path: file for batch in batches for file in batch.files}
    for file, kept_in in dict.fromkeys((work.packs.get(path, files[path]), work.sketches[path]) for path in drop):
        work.retire(file, kept_in)
    for path in drop:
        work.dropped[path] = work.moment
        work.packs.pop(path, None)


def _pack(work: Work, batches: Sequence[Batch]) -> int:
    """Pack files, and packs that are not half full; return how many."""
    held: dict[str, list[str]] = {}
    for path, pack in work.packs.items():
        held.setdefault(pack.path, []).append(path)
    now = dataclasses.replace(work.manifest, packs=work.packs, dropped=work.dropped)
    packed = 0
    for group in _groups(batches, now):
        table = group[0].table
        work.place.verify(group)
        path = work.name(table, "pack", group[0].path)
        made = write_parquet(work.place, table, arrow_table(work.place, table, group), path)
        for file in group:
            work.packs |= dict.fromkeys(held.get(file.path, [file.path]), made)
            work.retire(file, made)
        packed += len(group)
    return packed


def _groups(batches: Sequence[Batch], manifest: Manifest) -> Iterator[list[DataFile]]:
    """Yield the files of one table that become one pack, in their order.

    Samples are dropped by whole files once their runs ended long enough ago: a pack that spans years would keep them
    all, so one holds runs that ended in the same month. Other tables are never dropped, and packed whole.
    """
    for table in TABLES:
        held = {
            live: _month(batch) if table == "samples" else ""
            for batch in batches
            for live in manifest.live(file for file in batch.files if file.table == table)
        }
        group: list[DataFile] = []
        for file, month in held.items():
            full = sum(each.rows for each in group) + file.rows > PACK_ROWS
            if group and (full or month != held[group[-1]] or _done(file)):
                if len(group) >= _SMALL:
                    yield group
                group = []
            if not _done(file):
                group.append(file)
        if len(group) >= _SMALL:
            yield group


def _done(file: DataFile) -> bool:
    return "/pack-" in file.path and file.rows >= _FULL


def _month(batch: Batch) -> str:
    ended = datetime.fromisoformat(batch.run["finished_at"] or batch.run["started_at"])
    return f"{ended.astimezone(UTC):%Y-%m}"
