"""Batches on disk: data files written durably first, one commit marker per batch last.

::

    <store>/stabkit-store.json                                   says that this folder is a store
    <store>/table=<name>/day=<UTC day>/<run_id>-<batch_id>.parquet
    <store>/commits/<run_id>-<batch_id>.json                     names the files; without it, the batch does not exist

The place writes each file whole or not at all, and the marker is written last. So a process killed at any moment leaves
either a whole batch or nothing that a reader would see.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import StoreError
from stabkit.redact import redact_evidence
from stabkit.schema import SCHEMA_VERSION, TABLES, Evidence, conform
from stabkit.store.places import DataFile, Place
from stabkit.store.seals import digest_of, has_seal, links_of, sealed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "COMMITS",
    "Batch",
    "arrow_schema",
    "batch_of",
    "check_writable",
    "is_data_file",
    "marker_of",
    "read_marker",
    "translate",
    "write_batch",
    "write_parquet",
]

COMMITS: Final = "commits"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DATA_FILE: Final = re.compile(r"table=[a-z]+/day=\d{4}-\d{2}-\d{2}/[A-Za-z0-9][A-Za-z0-9._-]{0,255}\.parquet")


@dataclass(frozen=True)
class Batch:
    """One committed batch: what a marker says.

    Attributes
    ----------
    sequence : int
        One more than that of any batch that its writer saw, whatever its clock said; 0 of an older stabkit.
    sealed : bool
        False of an older stabkit: nothing but the markers after it vouches for its marker.
    after : mapping
        The newest markers that its writer saw, by name, each with the sha256 of its file.
    store : str or None
        The identity of the store that it was written for.
    digest : str
        The sha256 of its marker.
    """

    batch_id: str
    committed_at: str
    run: Mapping[str, Any]
    files: tuple[DataFile, ...]
    sequence: int = 0
    sealed: bool = False
    after: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None
    digest: str = ""

    @property
    def run_id(self) -> str:
        """The run this batch belongs to."""
        return str(self.run["run_id"])


def arrow_schema(table: str) -> pa.Schema:
    """Return the Parquet types of the named table."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "float": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([(column.name, types[column.kind]) for column in TABLES[table].columns])


def write_batch(
    place: Place,
    run: Mapping[str, Any],
    evidence: Evidence,
    batch_id: str | None,
    *,
    sequence: int = 0,
    after: Mapping[str, str] | None = None,
    store: str | None = None,
) -> Batch:
    """Write one batch durably and return it; all of its tables become visible together, or none.

    Parameters
    ----------
    place : Place
        Where the store lies.
    run : mapping
        A row of the ``runs`` table.
    evidence : Evidence
        Tables beside ``runs``; each row gets this run's id.
    batch_id : str or None
        Kept by the caller over retries, so that a batch counts once; made here if None.
    sequence : int
        Its place in the order of what is stored.
    after : mapping, optional
        The newest markers of the store, as :func:`stabkit.store.seals.newest` gives them.
    store : str, optional
        The identity of the store.

    Raises
    ------
    SchemaError
        A table breaks its contract.
    StoreError
        The place cannot be written, or an id cannot be a file name.
    """
    row = _run_row(run)
    own_id = batch_id is None
    batch_id = batch_id or secrets.token_hex(8)
    for kind, name in (("run_id", row["run_id"]), ("batch_id", batch_id)):
        if not _NAME.fullmatch(str(name)):
            raise StoreError(
                f"The {kind} {name!r} cannot be part of a file name.",
                where=str(place),
                hint="Use up to 128 ASCII letters, digits, dots, dashes and underscores.",
            )
    stem = f"{row['run_id']}-{batch_id}"
    day = row["started_at"][:10]
    # What reads and probes masks already; here nothing passes that came another way, or was learned to be secret since.
    tables = redact_evidence({name: evidence[name] for name in evidence if name != "runs"})
    frames = {name: conform(name, frame.assign(run_id=row["run_id"])) for name, frame in tables.items()}
    written: list[str] = []
    marker = f"{COMMITS}/{stem}.json"
    try:
        files = tuple(
            _write_table(place, name, frame, f"table={name}/day={day}/{stem}.parquet", written)
            for name, frame in frames.items()
            if len(frame)
        )
        now = datetime.now(UTC).isoformat()
        batch = Batch(batch_id, now, row, files, sequence, sealed=True, after=dict(after or {}), store=store)
        content = sealed(json.dumps(marker_of(batch), indent=1, ensure_ascii=False))
        place.write(marker, content)
    except BaseException as error:
        if own_id:  # nobody else can be writing these names
            # The marker first, as its write may have failed when it had its name: it must never name what is gone.
            with contextlib.suppress(OSError):
                for path in (marker, *written):
                    place.remove(path)
        if isinstance(error, OSError):
            raise translate(error, place) from error
        raise
    return replace(batch, digest=digest_of(content))


def check_writable(place: Place) -> None:
    """Make sure that a store can take a batch, before hours are spent on gathering one.

    Raises
    ------
    StoreError
        The place cannot be written.
    """
    probe = f"{COMMITS}/.writable-{secrets.token_hex(8)}"
    try:
        place.write(probe, b"stabkit\n")
        place.remove(probe)
    except OSError as error:
        raise translate(error, place) from error


def read_marker(place: Place, name: str) -> Batch:
    """Read the commit marker of that file name.

    Raises
    ------
    StoreError
        The marker is unreadable, damaged, changed since it was written, or names a file outside the store's tables.
    """
    where = place.where(f"{COMMITS}/{name}")
    try:
        content = place.read(f"{COMMITS}/{name}")
        batch = batch_of({**json.loads(content), "digest": digest_of(content)}, where)
        if batch.sealed != has_seal(content):
            raise ValueError("it was changed after it was written: its seal is gone")  # noqa: TRY301 - told like all
        if batch.sealed and name != f"{batch.run_id}-{batch.batch_id}.json":
            raise ValueError("it was given another name")  # noqa: TRY301 - likewise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"This commit marker cannot be read: {type(error).__name__}: {error}.",
            where=where,
            hint="Restore it from a backup, or move it away: its batch is then gone, all others stay.",
        ) from error
    else:
        return batch


def batch_of(data: Mapping[str, Any], where: str) -> Batch:
    """Return the batch that a marker's JSON describes, with the ``digest`` of its file.

    Raises
    ------
    StoreError
        It is of a newer stabkit, or names a file outside the store's tables.
    KeyError, TypeError, ValueError
        It is no marker.
    """
    if data["schema"] > SCHEMA_VERSION:
        raise StoreError(
            f"This batch was written by a newer stabkit (schema {data['schema']}, known up to {SCHEMA_VERSION}).",
            where=where,
            hint="Update stabkit.",
        )
    files = tuple(DataFile.read(file) for file in data["files"])
    run = {name: data["run"].get(name) for name in TABLES["runs"].names}
    _check_run(run)
    after = data.get("after")
    batch = Batch(
        str(data["batch_id"]),
        str(data["committed_at"]),
        run,
        files,
        int(data.get("sequence", 0)),
        sealed=after is not None,
        after={} if after is None else links_of(after),
        store=None if data.get("store") is None else str(data["store"]),
        digest=str(data["digest"]),
    )
    strange = [f.path for f in files if not is_data_file(f.path) or f.table not in TABLES]
    if strange or not _NAME.fullmatch(batch.run_id):
        raise StoreError(
            f"This commit marker names {strange[0] if strange else batch.run_id!r}, which no store writes.",
            where=where,
            hint="Do not trust this store; move the marker away to read the rest.",
        )
    return batch


_JSON_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "text": str,
    "float": (int, float),
    "integer": int,
    "boolean": bool,
    "time": str,
}


def _check_run(run: Mapping[str, Any]) -> None:
    """Refuse a row that no store writes: the reader conforms all rows at once, and cannot say which one is wrong."""
    for column in TABLES["runs"].columns:
        value = run[column.name]
        if not (not column.required if value is None else isinstance(value, _JSON_TYPES[column.kind])):
            raise TypeError(f"its run has a wrong {column.name}: {value!r}")
        if column.kind == "time" and value is not None:
            datetime.fromisoformat(value)


def _run_row(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a conformed runs row as JSON values."""
    import pandas as pd

    frame = conform("runs", redact_evidence({"runs": pd.DataFrame([dict(run)])})["runs"])
    row: dict[str, Any] = {}
    for name, value in frame.iloc[0].items():
        if pd.isna(value):
            row[str(name)] = None
        elif hasattr(value, "isoformat"):
            row[str(name)] = value.isoformat()
        else:
            row[str(name)] = value.item() if hasattr(value, "item") else value
    return row


def _write_table(place: Place, name: str, frame: pd.DataFrame, path: str, written: list[str]) -> DataFile:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, schema=arrow_schema(name), preserve_index=False)
    written.append(path)
    return write_parquet(place, name, table.replace_schema_metadata(None), path)


def write_parquet(place: Place, name: str, table: pa.Table, path: str) -> DataFile:
    """Write a table durably under a path of the store, and return what a marker says of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue().to_pybytes()
    place.write(path, content)
    return DataFile(name, path, table.num_rows, len(content), hashlib.sha256(content).hexdigest())


def is_data_file(path: str) -> bool:
    """Return True if a path, relative to the store, is one that a store writes."""
    return _DATA_FILE.fullmatch(path) is not None


def marker_of(batch: Batch) -> dict[str, Any]:
    """Return the batch as the JSON of its marker, without its seal."""
    marker = {
        "schema": SCHEMA_VERSION,
        "batch_id": batch.batch_id,
        "committed_at": batch.committed_at,
        "sequence": batch.sequence,
        "run": dict(batch.run),
        "files": [vars(file) for file in batch.files],
    }
    return {**marker, "store": batch.store, "after": dict(batch.after)} if batch.sealed else marker


def translate(error: OSError, place: Place) -> StoreError:
    """Return what a failed write means, and what helps."""
    where = str(error.filename or place)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "Free some space, then collect again; nothing of this batch is visible, earlier runs are whole."
        return StoreError("There is no space left for this batch.", where=where, hint=hint)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "Make the folder writable for this user, or give another one with --data."
        return StoreError("The store cannot be written: permission denied or read-only.", where=where, hint=hint)
    hint = "Nothing of this batch is visible; check the place and try again."
    return StoreError(f"The store cannot be written: {error.strerror or error}.", where=where, hint=hint)
