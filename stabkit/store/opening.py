"""Finding a store, or making one where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stabkit.errors import StabkitError, StoreError
from stabkit.paths import expanded, other_owner
from stabkit.redact import redact_text, redact_url
from stabkit.schema import SCHEMA_VERSION
from stabkit.store.batches import COMMITS
from stabkit.store.markers import SIGN
from stabkit.store.places import Folder, Place, in_bucket
from stabkit.store.store import Store
from stabkit.text import spelt

if TYPE_CHECKING:
    from stabkit.config import Config

__all__ = ["is_store", "open_store", "project_store"]

_SAMPLE: Final = ("data", "sample")
_USUAL: Final = "data"
_GITIGNORE: Final = ".gitignore"
_IGNORED: Final = "# Runs are kept here, not in git; remove this file to commit them.\n*\n"


def project_store(config: Config | Path | str | None = None) -> Path | str | None:
    """Return the store that a configuration names: the one given, else the nearest ``stabkit.toml``; None without any.

    Parameters
    ----------
    config : Config, Path or str, optional
        None or empty: the nearest ``stabkit.toml``, from the working folder upwards.

    Raises
    ------
    ConfigError
        The configuration cannot be used.

    Examples
    --------
    >>> project_store("data/sample/stabkit.toml").name
    'sample'
    """
    from stabkit.config import Config, find_config, load_config  # most stores are named, and need none

    if isinstance(config, Config):
        return config.data
    path = Path(config) if config else find_config()
    return None if path is None else load_config(path).data


def open_store(path: Path | str | None = None, *, create: bool = False) -> Store:
    """Return the store in that folder, or at that address; without one, the project's.

    Parameters
    ----------
    path : Path or str, optional
        As :func:`stabkit.open` takes it, which also answers to references that only a verdict or git can find.
    create : bool
        Make the store (in the working folder, if the path is relative) where there is none.

    Raises
    ------
    StoreError
        There is no store, or it cannot be made; or it was found, not named, and belongs to another user.
    ConfigError
        The ``stabkit.toml`` that would name it cannot be used.

    Examples
    --------
    >>> str(open_store("data/sample").run("latest")["label"])
    'v1.5'
    """
    named = path or project_store()
    candidates = _candidates(named or _USUAL)
    for candidate in candidates:
        place = _place_of(candidate)
        if _is_store(place):
            if isinstance(place, Folder) and (named is None or candidate != candidates[0]):
                _check_owner(Path(candidate))
            _check_version(place)
            return Store(place)
    if not create:
        here = "There is no store here" + (" or in a folder above" if len(candidates) > 1 else "")
        raise StoreError(
            f"{here}." if named else f"{here}, and no stabkit.toml that names one.",
            where=str(named or _USUAL),
            hint=_how_to_begin(named),
        )
    place = _place_of(candidates[0])
    try:
        if isinstance(place, Folder):
            (place.root / COMMITS).mkdir(parents=True, exist_ok=True)
            ignored = place.root / _GITIGNORE
            if not ignored.exists():  # evidence in a repository would count as a change of the system
                ignored.write_text(_IGNORED, encoding="utf-8")
        sign = {"schema": SCHEMA_VERSION, "id": secrets.token_hex(8)}
        with contextlib.suppress(FileExistsError):  # another process made it meanwhile
            place.publish(SIGN, (json.dumps(sign) + "\n").encode())
    except OSError as error:
        raise StoreError(
            f"The store cannot be made: {error.strerror or error}.",
            where=str(place),
            hint="Name a folder that this user can write with --data.",
        ) from error
    return Store(place)


def _how_to_begin(named: Path | str | None) -> str:
    if named is None:
        sample = "/".join(_SAMPLE)
        if any(_is_store(_place_of(folder)) for folder in _candidates(sample)):
            return f"Here is a recorded history, {sample}: name it, as stabkit.open({sample!r}) or --data {sample}."
        return "Name the store, or write a configuration with: stabkit init"
    if Path(named).parts[-2:] == _SAMPLE:
        return "Put the recorded history there, from the working folder, with: stabkit sample"
    from stabkit.config import nearest_config

    if nearest_config() is None:
        return "Name another folder with --data, or say what to measure: stabkit init, and then: stabkit collect"
    return "Collect a run first with: stabkit collect, or name the folder with --data."


def is_store(path: Path | str) -> bool:
    """Say whether :func:`open_store` would find a store by that name; an address is one.

    Examples
    --------
    >>> is_store("data/sample"), is_store("s3://bucket/runs"), is_store("v1.4")
    (True, True, False)
    """
    try:
        return in_bucket(path) is not None or any(_is_store(_place_of(folder)) for folder in _candidates(path))
    except (StabkitError, OSError, ValueError):  # no name of a folder: a null character, an unknown user
        return False


def _candidates(path: Path | str) -> list[Path | str]:
    """Return the places that a path may mean, the nearest first.

    Raises
    ------
    StoreError
        It is an address of another kind.
    """
    remote = in_bucket(path) is not None
    if not remote and "://" in str(path):
        raise StoreError(
            "A store is a folder, or s3://BUCKET/PREFIX.", where=redact_url(str(path)), hint="Name one of these."
        )
    given, here = expanded(path), Path.cwd()
    return [path] if remote or given.is_absolute() else [folder / given for folder in (here, *here.parents)]


def _check_owner(folder: Path) -> None:
    """Refuse a store of another user that nobody named: whoever may write above a project could give it its evidence.

    A path that a ``stabkit.toml`` names is absolute by now, and as much trusted as that file.
    """
    owner = other_owner(folder)
    if owner is not None:
        raise StoreError(
            f"This store was found on the way up and belongs to another user, {owner}: it is not taken by itself.",
            where=str(folder),
            hint=f"If you trust it, name it: --data {shlex.quote(str(folder))}",
        )


def _check_version(place: Place) -> None:
    """Refuse a store of a newer stabkit as a whole; one without a readable sign is told by its markers."""
    try:
        schema = json.loads(place.read(SIGN))["schema"]
        newer = schema > SCHEMA_VERSION
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    if newer:
        raise StoreError(
            f"This store is of a newer stabkit (schema {schema}, known up to {SCHEMA_VERSION}).",
            where=place.where(SIGN),
            hint="Update stabkit.",
        )


def _is_store(place: Place) -> bool:
    if isinstance(place, Folder):
        return (place.root / SIGN).is_file() or (place.root / COMMITS).is_dir()
    try:
        return SIGN in place.names("") or bool(place.names(COMMITS))
    except OSError as error:
        raise StoreError(
            f"The remote store cannot be read: {redact_text(str(error))}.",
            where=str(place),
            hint="Check the address and the credentials in the environment: AWS_ACCESS_KEY_ID and the like.",
        ) from error


def _place_of(path: Path | str) -> Place:
    """Return the place of that name; nothing is opened yet.

    Raises
    ------
    StoreError
        The folder's name is no text: neither Arrow nor SQL could name its files.
    """
    inside = in_bucket(path)
    if inside is not None:
        from stabkit.store.places import Bucket

        return Bucket.named(inside)
    folder = os.path.realpath(path)
    if spelt(folder) != folder:
        what = "This folder's name is not UTF-8 text: nothing in it could be read as a store."
        raise StoreError(what, where=spelt(path), hint="Give the folder another name.")
    return Folder(Path(folder))
