"""Paths as people write them: with ``~``, or an address where only a folder of this machine will do.

What lies at a path may be no file at all: a pipe or a device is never waited for, and never read without end.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from stabkit.errors import UsageError
from stabkit.redact import redact_text

__all__ = ["expanded", "on_this_machine", "open_regular", "read_bounded"]

_NO_WAITING: Final = getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody writes is waited for when it is opened
_FROM_SHELL: Final = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")

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


def open_regular(path: Path | str, *, pipes: bool = False) -> BufferedReader:
    """Open a regular file for reading.

    Parameters
    ----------
    pipes : bool
        Also what a shell puts in place of a file, as in ``<(command)``: such a pipe ends with its command.

    Raises
    ------
    OSError
        There is none, it cannot be opened, or it is a folder, a pipe, a device or a socket.

    Examples
    --------
    >>> open_regular("/dev/null")
    Traceback (most recent call last):
    OSError: [Errno 22] it is no regular file: '/dev/null'
    """
    number = os.open(path, os.O_RDONLY | _NO_WAITING | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    kind = os.fstat(number).st_mode
    from_shell = pipes and stat.S_ISFIFO(kind) and str(path).startswith(_FROM_SHELL)
    if not (stat.S_ISREG(kind) or from_shell):
        os.close(number)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    if _NO_WAITING:
        os.set_blocking(number, True)
    return os.fdopen(number, "rb")


def read_bounded(path: Path | str, most: int, *, pipes: bool = False) -> bytes:
    """Return the content of a regular file that is no larger than what is read there can be.

    Parameters
    ----------
    most : int
        Bytes.
    pipes : bool
        As :func:`open_regular` takes it.

    Raises
    ------
    OSError
        As :func:`open_regular`; or it is larger.

    Examples
    --------
    >>> read_bounded("data/sample/stabkit.toml", 10)
    Traceback (most recent call last):
    OSError: [Errno 27] it is larger than 10 bytes: 'data/sample/stabkit.toml'
    """
    with open_regular(path, pipes=pipes) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return content
