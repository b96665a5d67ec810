"""Many small files made into few: packs beside the files they replace, made valid by one manifest.

::

    <store>/table=<name>/day=<UTC day of its first file>/pack-<id>-<number>.parquet
    <store>/compactions/<id>.json       names the packs and the files they replace

A reader that began before the manifest goes on with the old files, which stay for :data:`GRACE`; one that begins after
it reads the packs. Manifests count in the order of their names, and one that replaces what an earlier one replaced
counts for nothing, so that two compactions at once lose and double no row.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from stabkit.errors import StoreError
from stabkit.schema import SCHEMA_VERSION, TABLES
from stabkit.store.batches import Batch, DataFile, is_data_file, translate, write_durably, write_parquet
from stabkit.store.queries import arrow_table, verify

__all__ = ["COMPACTIONS", "GRACE", "Compaction", "Packs", "compact", "read_packs", "remove_replaced"]

COMPACTIONS: Final = "compactions"
GRACE: Final = timedelta(hours=1)
"""How long a replaced file stays for readers that know no better."""

PACK_ROWS: Final = 1_000_000
_SMALL: Final = 2

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packs:
    """What the manifests of a store say.

    Attributes
    ----------
    replaced : mapping
        Path of a data file -> the pack that holds its rows now.
    replaced_at : mapping
        Path of a data file -> when.
    """

    replaced: Mapping[str, DataFile]
    replaced_at: Mapping[str, datetime]

    def live(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Return the files to read instead of these, each once, in order."""
        return list(dict.fromkeys(self.replaced.get(file.path, file) for file in files))


@dataclass(frozen=True)
class Compaction:
    """What one compaction did: files packed, packs made, old files removed, and bytes freed by that."""

    packed: int
    packs: int
    removed: int
    freed_bytes: int


def read_packs(root: Path, names: Sequence[str]) -> Packs:
    """Return what the manifests of these names say; a damaged one is logged and counts for nothing."""
    replaced: dict[str, DataFile] = {}
    moments: dict[str, datetime] = {}
    for name in sorted(names):
        try:
            own, moment = _read_manifest(root / COMPACTIONS / name)
        except StoreError as error:
            _LOG.warning("%s", error)
            continue
        if not own.keys() & replaced.keys():
            replaced |= own
            moments |= dict.fromkeys(own, moment)
    return Packs(replaced, moments)


def compact(root: Path, batches: Sequence[Batch], packs: Packs, *, now: datetime | None = None) -> tuple[int, int]:
    """Pack the data files that no pack holds yet; return how many files, into how many packs.

    Parameters
    ----------
    root : Path
        The store's folder.
    batches : sequence of Batch
        All committed batches, in the order of their commitment: rows keep it.
    packs : Packs
        What is packed already.
    now : datetime, optional
        With a zone; the time by default.

    Raises
    ------
    StoreError
        A data file is missing or changed (nothing is packed then), or the folder cannot be written.
    """
    moment = now or datetime.now(UTC)
    own_id = f"{moment:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    made: list[Path] = []
    replaces: dict[str, list[str]] = {}
    files: list[DataFile] = []
    try:
        for number, group in enumerate(_groups(batches, packs)):
            for file in group:
                verify(root, file)
            table = group[0].table
            place = f"{group[0].path.rpartition('/')[0]}/pack-{own_id}-{number}.parquet"
            made.append(root / place)
            files.append(write_parquet(root, table, arrow_table(root, table, group), place))
            replaces[place] = [file.path for file in group]
        if files:
            manifest = {
                "schema": SCHEMA_VERSION,
                "compacted_at": moment.isoformat(),
                "files": [vars(file) for file in files],
                "replaces": replaces,
            }
            write_durably(root / COMPACTIONS / f"{own_id}.json", (json.dumps(manifest, indent=1) + "\n").encode())
    except BaseException as error:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise translate(error, root) from error
        raise
    return sum(map(len, replaces.values())), len(files)


def remove_replaced(root: Path, packs: Packs, *, now: datetime | None = None) -> tuple[int, int]:
    """Remove files whose pack has been valid for :data:`GRACE`; return how many, and their bytes.

    Raises
    ------
    StoreError
        A pack is missing or changed: then the files it replaces stay.
    """
    moment = now or datetime.now(UTC)
    old = {path for path, since in packs.replaced_at.items() if since + GRACE <= moment}
    present = [path for path in sorted(old) if (root / path).is_file()]
    for pack in dict.fromkeys(packs.replaced[path] for path in present):
        verify(root, pack)
    freed = 0
    for path in present:
        with contextlib.suppress(FileNotFoundError):
            freed += (root / path).stat().st_size
            (root / path).unlink()
    return len(present), freed


def _groups(batches: Sequence[Batch], packs: Packs) -> Iterator[list[DataFile]]:
    """Yield the files of one table that become one pack, in their order."""
    for table in TABLES:
        loose = [f for batch in batches for f in batch.files if f.table == table and f.path not in packs.replaced]
        group: list[DataFile] = []
        for file in loose:
            if group and sum(each.rows for each in group) + file.rows > PACK_ROWS:
                yield group
                group = []
            group.append(file)
        if len(group) >= _SMALL:
            yield group


def _read_manifest(path: Path) -> tuple[dict[str, DataFile], datetime]:
    try:
        data = json.loads(path.read_bytes())
        own, moment, known = _understood(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"This compaction's manifest cannot be read: {type(error).__name__}: {error}.",
            where=str(path),
            hint="Restore it from a backup: the files it replaced may be gone.",
        ) from error
    if not known:
        what = f"This compaction is of a newer stabkit (schema {data['schema']}, known up to {SCHEMA_VERSION})."
        raise StoreError(what, where=str(path), hint="Update stabkit.")
    return own, moment


def _understood(data: Mapping[str, Any]) -> tuple[dict[str, DataFile], datetime, bool]:
    """Return what a manifest replaces by what, since when, and whether its schema is known; ValueError if it is odd."""
    files = {str(file["path"]): DataFile(**file) for file in data["files"]}
    own = {str(old): files[place] for place, replaced in data["replaces"].items() for old in replaced}
    strange = [name for name in (*files, *own) if not is_data_file(name)]
    if strange:
        raise ValueError(f"it names {strange[0]!r}")
    moment = datetime.fromisoformat(data["compacted_at"])
    if moment.tzinfo is None:
        raise ValueError("its time has no zone")
    return own, moment, data["schema"] <= SCHEMA_VERSION
