"""Where a store lies: a folder, or a prefix in a bucket; what the store asks of either.

A place knows files by their path relative to the store, with forward slashes. It promises that a file is whole under
its name or not there at all; that several files appear together is the promise of the markers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from stabkit.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

__all__ = ["DataFile", "Found", "Place", "changed", "in_bucket", "missing", "quote"]

_BUCKET: Final = re.compile(r"s3:/+(?P<path>.*)", re.DOTALL)
_RESTORE: Final = "Restore it from a backup; other runs stay readable."


@dataclass(frozen=True)
class Found:
    """A file that lies in a place."""

    path: str
    modified_at: datetime


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a batch; ``path`` is relative to the store."""

    table: str
    path: str
    rows: int
    bytes: int
    sha256: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> DataFile:
        """Return what the JSON of a marker or manifest says of a file; TypeError if it is no such thing."""
        file = cls(**data)
        texts, numbers = (file.table, file.path, file.sha256), (file.rows, file.bytes)
        if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
            raise TypeError("it describes a file by values of other types")
        return file


class Place(Protocol):
    """A folder or a prefix; failures of its storage are ``OSError``, wrong content is a ``StoreError``."""

    def __str__(self) -> str: ...

    def where(self, path: str) -> str:
        """Return the whole name of a file, for people."""

    def read(self, path: str) -> bytes:
        """Return the content of a file."""

    def read_all(self, paths: Sequence[str], read: Callable[[str], Any]) -> list[Any]:
        """Call ``read`` for each path, at once where that is quicker, and return what it returned, in order."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file; it is whole under its name and durable afterwards, or it is not there."""

    def publish(self, path: str, content: bytes) -> None:
        """Write a file that must not be there yet; ``FileExistsError`` if it is."""

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the files in a folder, without those being written; none if there is no folder."""

    def strays(self) -> Iterable[Found]:
        """Return every file that is data, or a file being written."""

    def remove(self, path: str) -> bool:
        """Remove a file; False if it is not there."""

    def digest(self, path: str) -> tuple[int, str]:
        """Return the size and the sha256 of a file."""

    def verify(self, files: Iterable[DataFile]) -> None:
        """Make sure before a query that these files are what their markers say; ``StoreError`` names the first."""

    def footer(self, path: str) -> pq.FileMetaData:
        """Return what a Parquet file says of itself."""

    def dataset(self, paths: Sequence[str], schema: pa.Schema) -> ds.Dataset:
        """Return these Parquet files as one, in their order; a column of the schema that a file lacks is null."""

    def openable(self, paths: Iterable[str]) -> list[str]:
        """Return what DuckDB may open to read these files."""

    def relation(self, connection: Any, name: str, paths: Sequence[str], schema: pa.Schema) -> str:
        """Return SQL that stands for the rows of these Parquet files behind ``FROM``."""


def in_bucket(path: object) -> str | None:
    """Return ``bucket/prefix`` of an address on object storage, None for anything else.

    Examples
    --------
    >>> in_bucket("s3://evidence/shop/"), in_bucket("data")
    ('evidence/shop', None)
    """
    found = _BUCKET.fullmatch(str(path))  # a pathlib.Path has swallowed the second slash
    return found["path"].strip("/") if found else None


def missing(where: str, error: OSError) -> StoreError:
    """Return the error of a data file that cannot be read."""
    what = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror or error})"
    return StoreError(f"This data file {what}.", where=where, hint=_RESTORE)


def changed(where: str, how: str) -> StoreError:
    """Return the error of a data file that is not what its marker says."""
    return StoreError(f"This data file is not what was committed: its {how} differs.", where=where, hint=_RESTORE)


def quote(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
