"""Paths as people write them: with ``~``, or an address where only a folder of this machine will do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from stabkit.errors import UsageError
from stabkit.redact import redact_text

__all__ = ["expanded", "on_this_machine"]

# Not a drive of Windows, which is one letter. A Path has already lost one of the slashes.
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def expanded(path: Path | str) -> Path:
    """Return a path with the home folder in place of ``~``.

    Raises
    ------
    UsageError
        There is no such home folder: containers run users that have none.

    Examples
    --------
    >>> expanded("runs/v1.5").as_posix()
    'runs/v1.5'
    >>> expanded("~nobody-of-this-name/runs")
    Traceback (most recent call last):
    stabkit.errors.UsageError: ~nobody-of-this-name/runs: There is no home folder to take for ~... HOME...
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            "There is no home folder to take for ~ here.",
            where=redact_text(str(path)),
            hint="Write the path in full, or set HOME.",
        ) from error


def on_this_machine(path: Path | str) -> Path:
    """Return a path to write to; an address would silently become a folder named after its scheme.

    Raises
    ------
    UsageError
        It is an address.

    Examples
    --------
    >>> on_this_machine("reports").as_posix()
    'reports'
    >>> on_this_machine("s3://bucket/reports")
    Traceback (most recent call last):
    stabkit.errors.UsageError: s3://bucket/reports: This is an address...
    """
    found = _ADDRESS.match(str(path))
    if found is None:
        return Path(path)
    local = found[1].lower() == "file"
    copy = {"s3": "aws s3 cp --recursive", "gs": "gcloud storage cp --recursive"}.get(found[1].lower())
    then = f"Write to a folder, then copy it there{f': {copy} FOLDER ADDRESS' if copy else ''}."
    raise UsageError(
        "This is an address; files are written to folders of this machine only.",
        where=redact_text(str(path) if "://" in str(path) else str(path).replace(":/", ":///" if local else "://", 1)),
        hint="Name the folder by its path, without file://." if local else then,
    )
