"""The manifest of a store: which files stand for which, swapped whole by each compaction.

::

    <store>/compactions/manifest-<number>.json

The newest one counts. It holds the markers known when it was written (so that a reader opens one file instead of
thousands), the packs and what each holds, the sketches and what each covers, the files whose samples were dropped, and
the files that nobody reads any more, until they are removed. It is a summary: the markers stay, and without any
manifest the store is read from them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import StoreError
from stabkit.schema import SCHEMA_VERSION
from stabkit.store.batches import Batch, batch_of, is_data_file, marker_of
from stabkit.store.places import DataFile
from stabkit.store.seals import digest_of, has_seal, sealed

if TYPE_CHECKING:
    from stabkit.store.places import Place

__all__ = ["COMPACTIONS", "Manifest", "Retired", "publish", "read_manifest"]

COMPACTIONS: Final = "compactions"
_NUMBERED: Final = re.compile(r"manifest-(\d{8})\.json")
_KEPT: Final = 2  # a reader that just listed an older one may still be about to open it

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retired:
    """A file that is read no more, since when, and the file that stands for it and must be whole before it goes."""

    path: str
    bytes: int
    since: datetime
    kept_in: DataFile


@dataclass(frozen=True)
class Manifest:
    """What the newest manifest says.

    Attributes
    ----------
    number : int
        0 if there is none.
    batches : mapping
        Name of a marker -> its batch.
    packs : mapping
        Path of a batch's data file -> the pack that holds its rows now.
    sketches : mapping
        Path of a batch's data file -> the sketch that covers its samples.
    dropped : mapping
        Path of a batch's data file -> when its samples were dropped; their sketch stays.
    retired : tuple of Retired
        Files to be removed.
    digest : str
        The sha256 of its file; of one that is to be written, that of the one before it.
    """

    number: int = 0
    batches: Mapping[str, Batch] = field(default_factory=dict)
    packs: Mapping[str, DataFile] = field(default_factory=dict)
    sketches: Mapping[str, DataFile] = field(default_factory=dict)
    dropped: Mapping[str, datetime] = field(default_factory=dict)
    retired: tuple[Retired, ...] = ()
    digest: str = ""

    def live(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Return the files to read instead of these, each once, in order; those whose samples were dropped not."""
        there = (file for file in files if file.path not in self.dropped)
        return list(dict.fromkeys(self.packs.get(file.path, file) for file in there))

    def mismatches(self, files: Iterable[DataFile], where: Callable[[str], str]) -> Iterator[StoreError]:
        """Yield a fault for each pack that cannot hold the rows of the files that it stands for."""
        rows = {file.path: file.rows for file in files}
        held: dict[DataFile, list[str]] = {}
        for path, pack in self.packs.items():
            held.setdefault(pack, []).append(path)
        for pack, paths in held.items():
            if all(path in rows for path in paths) and sum(rows[path] for path in paths) != pack.rows:
                what = "This file does not hold the rows of the files that it replaced."
                hint = "Restore it and the newest manifest from a backup; other runs stay readable."
                yield StoreError(what, where=where(pack.path), hint=hint)

    @property
    def named(self) -> set[str]:
        """Every path that it speaks of."""
        derived = (file.path for file in (*self.packs.values(), *self.sketches.values()))
        return {*self.packs, *self.sketches, *derived, *(old.path for old in self.retired)}


def read_manifest(place: Place) -> tuple[Manifest, tuple[StoreError, ...]]:
    """Return the newest manifest that can be read, and what is wrong with newer ones (logged as well)."""
    faults: list[StoreError] = []
    names = [name for name in place.names(COMPACTIONS) if name.endswith(".json")]
    numbered = sorted(filter(_NUMBERED.fullmatch, names), reverse=True)
    # The next one is behind a damaged one too.
    number = int(numbered[0].removeprefix("manifest-")[:8]) if numbered else 0
    for name in numbered:
        try:
            found = _understood(_load(place, name), place.where(f"{COMPACTIONS}/{name}"))
            return dataclasses.replace(found, number=number), tuple(faults)
        except StoreError as error:
            _LOG.warning("%s", error)
            faults.append(error)
    plain, more = _earlier_form(place, [name for name in names if not _NUMBERED.fullmatch(name)])
    return dataclasses.replace(plain, number=number), (*faults, *more)


def publish(place: Place, manifest: Manifest, moment: datetime) -> None:
    """Make this the newest manifest, if no other one has its number.

    Raises
    ------
    FileExistsError
        Another one has: it was made from the same state, so that this one is of no use.
    """
    data = {"schema": SCHEMA_VERSION, "number": manifest.number, "compacted_at": moment.isoformat()}
    data["batches"] = {name: {**marker_of(b), "digest": b.digest} for name, b in manifest.batches.items()}
    data["before"] = manifest.digest or None
    data["packs"] = _grouped(manifest.packs)
    data["sketches"] = _grouped(manifest.sketches)
    data["dropped"] = {path: since.isoformat() for path, since in manifest.dropped.items()}
    data["retired"] = [
        {"path": old.path, "bytes": old.bytes, "since": old.since.isoformat(), "kept_in": vars(old.kept_in)}
        for old in manifest.retired
    ]
    content = sealed(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    place.publish(f"{COMPACTIONS}/{_name(manifest.number)}", content)
    for name in place.names(COMPACTIONS):
        found = _NUMBERED.fullmatch(name)
        if found and int(found[1]) <= manifest.number - _KEPT:
            with contextlib.suppress(OSError):  # the next compaction tries again
                place.remove(f"{COMPACTIONS}/{name}")


def _name(number: int) -> str:
    return f"manifest-{number:08d}.json"


def _grouped(mapping: Mapping[str, DataFile]) -> list[dict[str, Any]]:
    """Return each derived file with the paths that it stands for."""
    groups: dict[DataFile, list[str]] = {}
    for path, file in mapping.items():
        groups.setdefault(file, []).append(path)
    return [{"file": vars(file), "of": paths} for file, paths in groups.items()]


def _ungrouped(groups: Sequence[Mapping[str, Any]]) -> dict[str, DataFile]:
    return {_checked(path): _file(group["file"]) for group in groups for path in group["of"]}


def _load(place: Place, name: str) -> Mapping[str, Any]:
    where = place.where(f"{COMPACTIONS}/{name}")
    try:
        content = place.read(f"{COMPACTIONS}/{name}")
        data = json.loads(content)
        if not isinstance(data["schema"], int):
            raise TypeError("its schema is no number")  # noqa: TRY301 - told like every other damage
        if has_seal(content) != ("before" in data):
            raise ValueError("it was changed after it was written: its seal is gone")  # noqa: TRY301 - likewise
        data["digest"] = digest_of(content)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(where, error) from error
    if data["schema"] > SCHEMA_VERSION:
        what = f"This compaction is of a newer stabkit (schema {data['schema']}, known up to {SCHEMA_VERSION})."
        raise StoreError(what, where=where, hint="Update stabkit.")
    return dict(data)


def _understood(data: Mapping[str, Any], where: str) -> Manifest:
    try:
        return Manifest(
            int(data["number"]),
            # One of an older stabkit holds markers without what seals them: they are read themselves.
            {name: batch_of(marker, where) for name, marker in data["batches"].items()} if "before" in data else {},
            _ungrouped(data["packs"]),
            _ungrouped(data["sketches"]),
            {_checked(path): _moment(since) for path, since in data["dropped"].items()},
            tuple(
                Retired(_checked(old["path"]), int(old["bytes"]), _moment(old["since"]), _file(old["kept_in"]))
                for old in data["retired"]
            ),
            data["digest"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(where, error) from error


def _earlier_form(place: Place, names: Sequence[str]) -> tuple[Manifest, tuple[StoreError, ...]]:
    """Return what manifests say that have a time for a name: each added to those before it, as far as it fits."""
    packs: dict[str, DataFile] = {}
    retired: dict[str, Retired] = {}
    faults = []
    for name in sorted(names):
        where = place.where(f"{COMPACTIONS}/{name}")
        try:
            data = _load(place, name)
            try:
                files = {str(file["path"]): _file(file) for file in data["files"]}
                own = {_checked(old): files[pack] for pack, replaced in data["replaces"].items() for old in replaced}
                moment = _moment(data["compacted_at"])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise _damaged(where, error) from error
        except StoreError as error:
            _LOG.warning("%s", error)
            faults.append(error)
            continue
        if not own.keys() & packs.keys():
            packs |= own
            retired |= {path: Retired(path, 0, moment, pack) for path, pack in own.items()}
    return Manifest(packs=packs, retired=tuple(retired.values())), tuple(faults)


def _damaged(where: str, error: Exception) -> StoreError:
    return StoreError(
        f"This compaction's manifest cannot be read: {type(error).__name__}: {error}.",
        where=where,
        hint="Restore it from a backup: the files it replaced may be gone.",
    )


def _file(data: Mapping[str, Any]) -> DataFile:
    file = DataFile.read(data)
    _checked(file.path)
    return file


def _checked(path: object) -> str:
    if not isinstance(path, str) or not is_data_file(path):
        raise ValueError(f"it names {path!r}")
    return path


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("its time has no zone")
    return moment
