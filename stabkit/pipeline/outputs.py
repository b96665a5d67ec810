"""Where reports are written: a folder, or a prefix on object storage with a folder here that stands for it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stabkit.errors import NotebookError, StabkitError
from stabkit.redact import redact_text
from stabkit.store.places import Bucket, in_bucket

__all__ = ["Output", "open_output"]

_INDEX: Final = ("index.html", "index.json", "index.md")


@dataclass(frozen=True)
class Output:
    """A folder of reports.

    Attributes
    ----------
    folder : Path
        What is written and read here.
    address : str or None
        ``s3://BUCKET/PREFIX``, if the folder stands for that; then it holds the results (JSON) that lie there, and of
        other files only that they are there.
    """

    folder: Path
    address: str | None = None

    def shown(self, path: Path) -> str:
        """Return how people name one of its files."""
        return str(path) if self.address is None else f"{self.address}/{path.name}"

    def publish(self, paths: Iterable[Path]) -> None:
        """Put files where the folder stands for something else, in their order, each whole or not at all.

        Raises
        ------
        NotebookError
            One cannot be written there.
        """
        if self.address is None:
            return
        with _named(self.address, "written"):
            place = self._place()
            for path in paths:
                place.write(path.name, path.read_bytes())

    def withdraw(self, paths: Iterable[Path]) -> None:
        """Take away what an earlier report left where the folder stands for something else; what is not there is fine.

        Raises
        ------
        NotebookError
            One cannot be taken away there.
        """
        if self.address is None:
            return
        with _named(self.address, "written"):
            place = self._place()
            for path in paths:
                place.remove(path.name)

    def _place(self) -> Bucket:
        return Bucket.named(in_bucket(self.address) or "")

    def publish_index(self) -> None:
        """Put the index there, too."""
        self.publish(self.folder / name for name in _INDEX)

    def fetch(self, names: Iterable[str] | None = None) -> None:
        """Bring results that lie there into the folder; of other files, an empty page's worth.

        Parameters
        ----------
        names : iterable of str, optional
            Only these, if they are there; else all.
        """
        if self.address is None:
            return
        with _named(self.address, "read"):
            place = self._place()
            there = set(place.names(""))
            wanted = sorted(there if names is None else there & set(names))
            results = [name for name in wanted if name.endswith(".json") and name not in _INDEX]
            for name, content in zip(results, place.read_all(results, place.read), strict=True):
                (self.folder / name).write_bytes(content)
            for name in wanted:
                if name.endswith((".html", ".md", ".parquet")):
                    (self.folder / name).write_text("there", encoding="ascii")


@contextlib.contextmanager
def open_output(output: Path | str, *, fetch: bool = True) -> Iterator[Output]:
    """Open a folder of reports, given as its path or its address.

    Parameters
    ----------
    fetch : bool
        Bring in what lies at an address.

    Raises
    ------
    NotebookError
        The address cannot be read.
    StoreError
        It is no address of a bucket.
    """
    inside = in_bucket(output)
    if inside is None:
        yield Output(Path(output))
        return
    with tempfile.TemporaryDirectory(prefix="stabkit-") as folder:
        opened = Output(Path(folder), f"s3://{inside}")
        if fetch:
            opened.fetch()
        yield opened


@contextlib.contextmanager
def _named(address: str, done: str) -> Iterator[None]:
    """Turn a fault of object storage into words."""
    try:
        yield
    except StabkitError:
        raise
    except OSError as error:
        raise NotebookError(
            f"The reports cannot be {done} there: {redact_text(str(error))}.",
            where=address,
            hint="Check the address and the credentials in the environment: AWS_ACCESS_KEY_ID and the like.",
        ) from error
