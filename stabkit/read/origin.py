"""What tells an evidence file from another: its bytes, when it was written, whether two runs could write it alike."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.errors import EvidenceError
from stabkit.read.content import SIZE_LIMIT, chunks, read_head
from stabkit.read.json_shapes import moment
from stabkit.schema import Evidence

__all__ = ["Origin", "origin_of", "told_at"]

_GZIP: Final = b"\x1f\x8b"
# A moment beside the name of one, as the tools write it: timestamp="2026-10-20T02:15:00", "start": 1706644023000.
_MOMENT: Final = re.compile(
    rb"""["'\s](?:time_?stamp|(?:generated|created|creation|started|start|stop|finished|finish|ended|end|run)[\w-]{0,12}"""
    rb"""|date_?time|time)["']?\s{0,4}[=:]\s{0,4}["']?(?P<at>\d{4}-\d\d-\d\d[T ]\d\d:\d\d"""
    rb"""(?P<rest>(?::\d\d(?:[.,]\d{1,9})?)? ?(?:Z|[+-]\d\d:?\d\d)?)|(?P<epoch>1\d{9})(?P<part>\d{3}|\.\d+)?\b)""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Origin:
    """What is known of a file beside what it says.

    Attributes
    ----------
    sha256, content_sha256 : str or None
        Of the file, and of what it holds where it is compressed.
    written_at : Timestamp or None
        When it was last written.
    once : bool or None
        True if it holds times: then no two runs write it alike.
    """

    sha256: str | None = None
    content_sha256: str | None = None
    written_at: pd.Timestamp | None = None
    once: bool | None = None


def origin_of(path: Path, evidence: Evidence) -> Origin:
    """Return what is known of a file that was read, whatever came out; nothing where there is no file.

    Parameters
    ----------
    path : Path
        The file.
    evidence : Evidence
        What it holds.
    """
    try:
        facts = path.stat()
        written = pd.Timestamp(facts.st_mtime_ns, unit="ns", tz="UTC").floor("us")
        # A sparse file may claim terabytes: to digest them would take for ever.
        if not path.is_file() or facts.st_size > SIZE_LIMIT:
            return Origin(written_at=written)
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Origin(digest, _unpacked(path) if packed else None, written, _once(path, evidence))
    except (OSError, ValueError, OverflowError):
        return Origin()


def told_at(path: Path) -> pd.Timestamp | None:
    """Return the first moment that the beginning of a file states as the one of a run or report; None if there is none.

    One without a zone is taken for UTC.
    """
    try:
        found = _MOMENT.search(read_head(path))
    except EvidenceError:
        return None
    if found is None:
        return None
    if found["epoch"]:
        part = (found["part"] or b"").decode()
        seconds = float(f"{found['epoch'].decode()}.{part.lstrip('.') or 0}")
        return pd.Timestamp(round(seconds * 1e6), unit="us", tz="UTC")
    return moment(found["at"].decode().replace(" ", "T", 1).replace(" ", "").replace(",", "."))


def _unpacked(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        for block in chunks(path):
            digest.update(block)
    except EvidenceError:
        return None
    return digest.hexdigest()


def _once(path: Path, evidence: Evidence) -> bool:
    """Say whether a file holds what no second run repeats: measured times, or the moment when it was made."""
    if (
        len(evidence["samples"])
        or (evidence["sources"]["kind"] == "load").any()
        or (evidence["tests"]["time_s"] > 0).any()
    ):
        return True
    try:
        return _MOMENT.search(read_head(path)) is not None
    except EvidenceError:
        return False
