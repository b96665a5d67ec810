"""A store on object storage that speaks S3, through pyarrow's file system.

There is no rename there and no need for one: an object is whole under its key once it was put, or it is not there.
Credentials come from where the AWS tools look for them, the environment first; an endpoint other than Amazon's from
``AWS_ENDPOINT_URL_S3`` or ``AWS_ENDPOINT_URL``. Neither may be part of an address, which is shown in pages and logs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from stabkit.errors import StoreError
from stabkit.redact import redact_text
from stabkit.store.places.place import Found, changed, missing

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.fs as pafs
    import pyarrow.parquet as pq

    from stabkit.store.places.place import DataFile

__all__ = ["Bucket"]

_AT_ONCE: Final = 16


class Bucket:
    """A prefix in a bucket.

    Parameters
    ----------
    files : pyarrow.fs.FileSystem
        Its root is the list of buckets.
    prefix : str
        ``bucket`` or ``bucket/prefix``.
    """

    def __init__(self, files: pafs.FileSystem, prefix: str) -> None:
        self._files = files
        self._prefix = prefix

    @classmethod
    def named(cls, prefix: str, environment: Mapping[str, str] = os.environ) -> Bucket:
        """Return the bucket and prefix of that name, at the endpoint that the environment names.

        Raises
        ------
        StoreError
            The address holds something else than a bucket and a prefix, or the endpoint is no URL.
        """
        if not prefix or "@" in prefix or "?" in prefix:
            raise StoreError(
                "This address of a remote store is not s3://BUCKET or s3://BUCKET/PREFIX.",
                where=redact_text(f"s3://{prefix}"),
                hint="Credentials and the endpoint come from the environment: AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_S3.",
            )
        return cls(_file_system(environment), prefix)

    def __str__(self) -> str:
        return f"s3://{self._prefix}"

    def where(self, path: str) -> str:
        return f"s3://{self._key(path)}"

    def read(self, path: str) -> bytes:
        with self._files.open_input_stream(self._key(path)) as stream:
            return bytes(stream.read())

    def read_all(self, paths: Sequence[str], read: Callable[[str], Any]) -> list[Any]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(read, paths))

    def write(self, path: str, content: bytes) -> None:
        # The content is whole before the object is begun, so that a stream is never closed half full by an error.
        with self._files.open_output_stream(self._key(path)) as stream:
            stream.write(content)

    def publish(self, path: str, content: bytes) -> None:
        """Write a new object. The look and the write are two steps: compact a remote store from one place only."""
        if self._find(path) is not None:
            raise FileExistsError(self.where(path))
        self.write(path, content)

    def names(self, folder: str) -> list[str]:
        names = (path.rpartition("/")[2] for path, _ in self._walk(folder, recursive=False))
        return sorted(name for name in names if not name.startswith("."))

    def hidden(self, prefix: str) -> list[str]:
        """Return the sorted names of objects that begin with a dot and go on like this."""
        names = (path.rpartition("/")[2] for path, _ in self._walk("", recursive=False))
        return sorted(name for name in names if name.startswith(prefix))

    def strays(self) -> Iterator[Found]:
        for path, info in self._walk("", recursive=True):
            if path.startswith("table="):
                yield Found(path, info.mtime)

    def remove(self, path: str) -> bool:
        try:
            self._files.delete_file(self._key(path))
        except FileNotFoundError:
            return False
        return True

    def digest(self, path: str) -> tuple[int, str]:
        content = self.read(path)
        return len(content), hashlib.sha256(content).hexdigest()

    def verify(self, files: Iterable[DataFile]) -> None:
        """Compare sizes: hashing would fetch every object whole. ``store check`` hashes them."""
        wanted = list(files)
        for file, info in zip(wanted, self._files.get_file_info([self._key(f.path) for f in wanted]), strict=True):
            if not info.is_file:
                raise missing(self.where(file.path), FileNotFoundError())
            if info.size != file.bytes:
                raise changed(self.where(file.path), "size")

    def footer(self, path: str) -> pq.FileMetaData:
        import pyarrow.parquet as pq

        return pq.read_metadata(self._key(path), filesystem=self._files)

    def dataset(self, paths: Sequence[str], schema: pa.Schema) -> ds.Dataset:
        import pyarrow.dataset as ds

        keys = [self._key(path) for path in paths]
        return ds.dataset(keys, schema=schema, format="parquet", filesystem=self._files)

    def openable(self, paths: Iterable[str]) -> list[str]:  # noqa: ARG002 - DuckDB opens nothing, pyarrow does
        return []

    def relation(self, connection: Any, name: str, paths: Sequence[str], schema: pa.Schema) -> str:
        connection.register(f"_remote_{name}", self.dataset(paths, schema))
        return f"_remote_{name}"

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if path else self._prefix

    def _find(self, path: str) -> pafs.FileInfo | None:
        info = self._files.get_file_info(self._key(path))
        return info if info.is_file else None

    def _walk(self, folder: str, *, recursive: bool) -> Iterator[tuple[str, pafs.FileInfo]]:
        import pyarrow.fs as pafs

        selector = pafs.FileSelector(self._key(folder), recursive=recursive, allow_not_found=True)
        for info in self._files.get_file_info(selector):
            if info.is_file:
                yield info.path.removeprefix(f"{self._prefix}/"), info


def _file_system(environment: Mapping[str, str]) -> pafs.S3FileSystem:
    import pyarrow as pa
    import pyarrow.fs as pafs

    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    # One request for an object below pyarrow's part size, instead of three.
    options: dict[str, Any] = {"allow_delayed_open": True, "background_writes": False}
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if region:
        options["region"] = region
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise StoreError(
                "The endpoint of the remote store is not a URL such as http://127.0.0.1:9000.",
                where="AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL",
                hint="Set it to the address of the S3 service alone, without credentials.",
            )
        options |= {"scheme": parts.scheme, "endpoint_override": parts.netloc + parts.path.rstrip("/")}
        options.setdefault("region", "us-east-1")
    try:
        return pafs.S3FileSystem(**options)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"The remote store cannot be reached: {redact_text(str(error))}.",
            where=endpoint or "s3",
            hint="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if it is not Amazon's, AWS_ENDPOINT_URL_S3.",
        ) from error
