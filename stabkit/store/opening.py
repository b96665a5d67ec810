"""Finding a store, or making one where there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from stabkit.errors import StoreError
from stabkit.redact import redact_text, redact_url
from stabkit.schema import SCHEMA_VERSION
from stabkit.store.batches import COMMITS
from stabkit.store.places import Folder, Place, in_bucket
from stabkit.store.store import Store

__all__ = ["open_store"]

_SIGN: Final = "stabkit-store.json"
_GITIGNORE: Final = ".gitignore"
_IGNORED: Final = "# Runs are kept here, not in git; remove this file to commit them.\n*\n"


def open_store(path: Path | str, *, create: bool = False) -> Store:
    """Return the store in that folder, or at that address.

    Parameters
    ----------
    path : Path or str
        A relative path is looked up from the working folder upwards, as git does; the first that is a store wins.
        ``s3://bucket/prefix`` is a store on object storage: credentials and the endpoint come from the environment.
    create : bool
        Make the store (in the working folder, if the path is relative) where there is none.

    Raises
    ------
    StoreError
        There is no store, or it cannot be made.

    Examples
    --------
    >>> str(open_store("data/sample").run("latest")["label"])
    'v1.5'
    """
    remote = in_bucket(path) is not None
    if not remote and "://" in str(path):
        raise StoreError(
            "A store is a folder, or s3://BUCKET/PREFIX.", where=redact_url(str(path)), hint="Name one of these."
        )
    given = Path(path).expanduser()
    here = Path.cwd()
    candidates: list[Path | str] = [path] if remote or given.is_absolute() else []
    candidates += [] if candidates else [folder / given for folder in (here, *here.parents)]
    for candidate in candidates:
        place = _place_of(candidate)
        if _is_store(place):
            _check_version(place)
            return Store(place)
    if not create:
        raise StoreError(
            "There is no store here" + (" or in a folder above." if len(candidates) > 1 else "."),
            where=str(path),
            hint="Collect a run first with: stabkit collect, or name the folder with --data.",
        )
    place = _place_of(candidates[0])
    try:
        if isinstance(place, Folder):
            (place.root / COMMITS).mkdir(parents=True, exist_ok=True)
            ignored = place.root / _GITIGNORE
            if not ignored.exists():  # evidence in a repository would count as a change of the system
                ignored.write_text(_IGNORED, encoding="utf-8")
        place.write(_SIGN, (json.dumps({"schema": SCHEMA_VERSION}) + "\n").encode())
    except OSError as error:
        raise StoreError(
            f"The store cannot be made: {error.strerror or error}.",
            where=str(place),
            hint="Name a folder that this user can write with --data.",
        ) from error
    return Store(place)


def _check_version(place: Place) -> None:
    """Refuse a store of a newer stabkit as a whole; one without a readable sign is told by its markers."""
    try:
        schema = json.loads(place.read(_SIGN))["schema"]
        newer = schema > SCHEMA_VERSION
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    if newer:
        raise StoreError(
            f"This store is of a newer stabkit (schema {schema}, known up to {SCHEMA_VERSION}).",
            where=place.where(_SIGN),
            hint="Update stabkit.",
        )


def _is_store(place: Place) -> bool:
    if isinstance(place, Folder):
        return (place.root / _SIGN).is_file() or (place.root / COMMITS).is_dir()
    try:
        return _SIGN in place.names("") or bool(place.names(COMMITS))
    except OSError as error:
        raise StoreError(
            f"The remote store cannot be read: {redact_text(str(error))}.",
            where=str(place),
            hint="Check the address and the credentials in the environment: AWS_ACCESS_KEY_ID and the like.",
        ) from error


def _place_of(path: Path | str) -> Place:
    """Return the place of that name; nothing is opened yet."""
    inside = in_bucket(path)
    if inside is not None:
        from stabkit.store.places import Bucket

        return Bucket.named(inside)
    return Folder(Path(os.path.realpath(path)))
