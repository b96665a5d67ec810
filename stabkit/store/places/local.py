"""A store in a folder: every file is written beside its place, synced, renamed, and its folder synced.

What lies in a file's place and is no file - a pipe, a device - is damage as any other, and never waited for.

So a process killed at any moment, or a machine that lost its power, leaves either a whole file or nothing that a reader
would see.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stabkit.paths import open_regular
from stabkit.store.places.place import Found, changed, missing, quote

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    from stabkit.store.places.place import DataFile

__all__ = ["Folder", "write_durably"]

_STRAYS: Final = ("table=*/day=*/*", "commits/.*", "compactions/.*")
_CANNOT_LINK: Final = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class Folder:
    """A folder of the local file system, or of one that is mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def where(self, path: str) -> str:
        return str(self.root / path)

    def read(self, path: str) -> bytes:
        with open_regular(self.root / path) as file:
            return file.read()

    def read_all(self, paths: Sequence[str], read: Callable[[str], Any]) -> list[Any]:
        return [read(path) for path in paths]

    def write(self, path: str, content: bytes) -> None:
        write_durably(self.root / path, content)

    def publish(self, path: str, content: bytes) -> None:
        write_durably(self.root / path, content, new=True)

    def names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except FileNotFoundError:
            return []

    def strays(self) -> Iterator[Found]:
        for pattern in _STRAYS:
            for path in self.root.glob(pattern):
                with contextlib.suppress(FileNotFoundError):  # it was being written, and has its name now
                    moment = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
                    yield Found(path.relative_to(self.root).as_posix(), moment)

    def remove(self, path: str) -> bool:
        try:
            (self.root / path).unlink()
        except FileNotFoundError:
            return False
        return True

    def digest(self, path: str) -> tuple[int, str]:
        with open_regular(self.root / path) as file:
            return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()

    def verify(self, files: Iterable[DataFile]) -> None:
        """Hash every file, several at once: hashing needs no lock of Python's."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(self._verify_one, files):
                pass

    def _verify_one(self, file: DataFile) -> None:
        try:
            size, sha256 = self.digest(file.path)
        except OSError as error:
            raise missing(self.where(file.path), error) from error
        if size != file.bytes or sha256 != file.sha256:
            raise changed(self.where(file.path), "hash")

    def footer(self, path: str) -> pq.FileMetaData:
        import pyarrow.parquet as pq

        with open_regular(self.root / path) as file:
            return pq.read_metadata(file)

    def dataset(self, paths: Sequence[str], schema: pa.Schema) -> ds.Dataset:
        import pyarrow.dataset as ds
        import pyarrow.fs as pafs

        whole = [str(self.root / path) for path in paths]
        for path in whole:
            open_regular(path).close()  # arrow would wait for a pipe that nobody writes
        return ds.dataset(whole, schema=schema, format="parquet", filesystem=pafs.LocalFileSystem())

    def openable(self, paths: Iterable[str]) -> list[str]:
        whole = [str(self.root / path) for path in paths]
        return list(dict.fromkeys([*whole, *map(_escape_glob, whole)]))

    def relation(self, connection: Any, name: str, paths: Sequence[str], schema: pa.Schema) -> str:  # noqa: ARG002
        # read_parquet takes every path as a pattern; a folder may be called "data [old]".
        quoted = ", ".join(quote(_escape_glob(str(self.root / path))) for path in paths)
        return f"read_parquet([{quoted}], union_by_name = true, hive_partitioning = false)"


def write_durably(path: Path, content: bytes, *, new: bool = False) -> None:
    """Write a file so that it is either whole under its name or not there at all, also after a power loss.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    content : bytes
        What it holds afterwards.
    new : bool
        Refuse to replace a file.

    Raises
    ------
    FileExistsError
        The file is there, and must be new.
    OSError
        It cannot be written; then nothing is left behind.
    """
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _link(temporary, path)
            temporary.unlink()
        else:
            temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    for folder in (path.parent, *(new_folder.parent for new_folder in made)):
        _sync_folder(folder)


def _link(temporary: Path, path: Path) -> None:
    """Give a file a second name, which must be free."""
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        # Without hard links: reserve the name, then fill it. Whoever reads in between finds it damaged, and goes on.
        path.open("xb").close()
        try:
            write_durably(path, temporary.read_bytes())
        except BaseException:
            path.unlink()
            raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def _escape_glob(path: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
