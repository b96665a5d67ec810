"""What a page claims, checked for its form before anything is done with it: it may have been written by anybody."""

from __future__ import annotations

from datetime import date
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stabkit.errors import EvidenceError

__all__ = ["Claim", "ClaimedSide", "claim_of", "stays_here"]

_MOST: int = 10_000
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,300}$")]
Text = Annotated[str, Field(max_length=4000)]


class _Claimed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class ClaimedTable(_Claimed):
    """A table of a batch."""

    rows: int
    sha256: Digest


class ClaimedBatch(_Claimed):
    """A batch of a run."""

    marker: Name
    sha256: Digest
    tables: dict[Name, ClaimedTable] = Field(max_length=32)


class ClaimedFile(_Claimed):
    """A file of evidence."""

    path: Text
    sha256: Digest


class ClaimedSide(_Claimed):
    """A run: its batches in a store, or the files that it was read from."""

    side: Literal["baseline", "candidate"]
    run_id: Name
    batches: list[ClaimedBatch] | None = Field(default=None, max_length=_MOST)
    files: list[ClaimedFile] | None = Field(default=None, max_length=_MOST)


class ClaimedStore(_Claimed):
    """The store at the time of the verdict."""

    id: Text | None
    place: Text | None
    newest: dict[Name, Digest] | None = Field(max_length=_MOST)


class ClaimedProvenance(_Claimed):
    """What the verdict rests on."""

    sides: list[ClaimedSide] = Field(min_length=1, max_length=2)
    store: ClaimedStore | None
    asked: list[Text | None] | None = Field(default=None, max_length=2)
    configuration: Digest
    judged_on: Annotated[date | None, Field(strict=False)]


class Claim(_Claimed):
    """What a page says that it is."""

    stabkit: Text
    verdict: Literal["stable", "regressed", "inconclusive"] | None
    exit_code: Literal[0, 1, 2, 3]
    conditions: list[list[Text]] = Field(max_length=_MOST)
    provenance: ClaimedProvenance | None


def claim_of(data: Any, where: str) -> Claim:
    """Return what a statement's predicate claims.

    Raises
    ------
    EvidenceError
        It has not the form that stabkit writes.
    """
    try:
        return Claim.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise EvidenceError(
            "The statement of this file has not the form that stabkit writes.",
            where=where,
            hint="Do not trust it, or update stabkit if a newer one made it.",
        ) from error


def stays_here(text: str) -> bool:
    """Say whether a path that a page names stays in the working folder; an address and a user's home do not.

    Examples
    --------
    >>> [stays_here(text) for text in ("data/sample", "../data", "/data", "s3://bucket", "~")]
    [True, False, False, False, False]
    """
    path = PurePath(text)
    plain = bool(text) and text.isprintable() and ":" not in text and "\\" not in text
    return plain and not path.is_absolute() and ".." not in path.parts and not text.startswith("~")
