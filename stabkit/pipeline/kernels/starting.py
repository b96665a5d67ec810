"""The process that kernels are forked from: found by those who are alike, started if there is none.

It is shared by whatever one user runs here alike (:mod:`.likeness`), and leaves by itself when nobody has asked for a
while.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import math
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from stabkit.errors import UsageError
from stabkit.pipeline.kernels import zygote
from stabkit.pipeline.kernels.environment import apart, kernel_environment
from stabkit.pipeline.kernels.likeness import imported_with, likeness

__all__ = ["SETTING", "NotWarmError", "is_wanted", "prepare_kernels", "reached"]

SETTING: Final = "STABKIT_WARM_KERNELS"
"""Environment variable: ``off``, or for how many seconds the process is kept after the last kernel."""
_LINGER_S: Final = 120.0
_LONGEST_S: Final = 86_400.0
_START_S: Final = 60.0
_CONNECT_S: Final = 5.0
_POLL_S: Final = 0.01
_LONGEST_PATH: Final = 100  # of a Unix socket, some hundred bytes
# One thread, or a fork could take a lock with it that nobody holds any longer; kernels get their own number back.
_ONE_THREAD: Final = {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

_lock = threading.Lock()
_kept: dict[str, socket.socket] = {}


@atexit.register
def _let_go() -> None:
    for connection in _kept.values():
        connection.close()


class NotWarmError(Exception):
    """No kernel can be forked for a request; a plain one can be started instead.

    Attributes
    ----------
    ordinary : bool
        Nothing went wrong: this request is one for a plain kernel.
    """

    def __init__(self, message: str, *, ordinary: bool = False) -> None:
        super().__init__(message)
        self.ordinary = ordinary


def is_wanted() -> bool:
    """Say whether kernels may be forked: on Linux, unless the environment says ``off``.

    Raises
    ------
    UsageError
        The environment says something else.
    """
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and _linger_s() is not None


def _linger_s() -> float | None:
    told = os.environ.get(SETTING, "").strip()
    if told.casefold() == "off":
        return None
    if not told:  # a machine of continuous integration is to be left as it was found
        return 0.0 if os.environ.get("CI") else _LINGER_S
    try:
        seconds = float(told)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_S:
        raise UsageError(
            f"{told!r} is neither off nor a number of seconds from 0 to {_LONGEST_S:g}.",
            where=SETTING,
            hint="Set it otherwise, or not at all.",
        )
    return seconds


def prepare_kernels() -> None:
    """Start the process that kernels of reports are forked from, unless there is one, and do not wait for it."""
    if is_wanted():
        environment = kernel_environment(at_home=False)  # hardly any notebook is called from where it lies
        with contextlib.suppress(NotWarmError, OSError):
            interpreter = apart([sys.executable, "-m"])[:-1]
            place = _place(interpreter, environment)
            connection = _connected(place) or _launched(place, interpreter, environment)
            if connection is not None:
                connection.close()


def reached(interpreter: Sequence[str], environment: Mapping[str, str]) -> socket.socket:
    """Return a connection to the process that forks kernels of this kind, started if there is none.

    Raises
    ------
    NotWarmError
        It does not start.
    """
    place = _place(interpreter, environment)
    until = time.monotonic() + _START_S
    connection = _connected(place) or _launched(place, interpreter, environment)
    while connection is None:
        starting = _is_starting(place)
        connection = _connected(place)  # asked last: it can be reached before it lets the lock go
        if connection is None:
            if not starting:
                raise NotWarmError(f"the process that forks them does not start{_last_words(place)}")
            if time.monotonic() > until:
                raise NotWarmError(f"the process that forks them has not started within {_START_S:g} s")
            time.sleep(_POLL_S)
    _keep(place)
    return connection


def _keep(place: Path) -> None:
    """Hold a connection that asks for nothing: as long as this process lives, the other one is waited for."""
    with _lock:
        kept = _kept.get(place.name)
        if kept is not None and not select.select([kept], [], [], 0)[0]:  # nothing is ever said on it but its end
            return
        if kept is not None:
            _kept.pop(place.name).close()
        kept = _connected(place)
        if kept is not None:
            _kept[place.name] = kept


def _connected(place: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_CONNECT_S)
        connection.connect(str(place))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection


def _launched(place: Path, interpreter: Sequence[str], environment: Mapping[str, str]) -> socket.socket | None:
    """Start the process, unless somebody does; return a connection if there is one by now.

    It holds the lock until it can be asked, or has died.
    """
    lock = os.open(_beside(place, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        connection = _connected(place)
        if connection is None:
            known = {**imported_with(environment), "PATH": environment.get("PATH", os.defpath), **_ONE_THREAD}
            with _beside(place, ".log").open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - ourselves
                    [*interpreter, "-m", zygote.__name__, str(place), str(_linger_s() or 0.0), str(lock)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=place.parent,
                    env=known,
                    pass_fds=[lock],
                    start_new_session=True,
                )
                process.wait()  # it leaves another behind at once
    except BlockingIOError:
        connection = None
    finally:
        os.close(lock)
    return connection


def _is_starting(place: Path) -> bool:
    lock = os.open(_beside(place, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _last_words(place: Path) -> str:
    try:
        said = _beside(place, ".log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        said = []
    return f": {said[-1]}" if said else ""


def _beside(place: Path, suffix: str) -> Path:
    return place.with_suffix(suffix)


def _place(interpreter: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Return where the process listens, in a folder that nobody else can enter.

    Raises
    ------
    NotWarmError
        There is no such folder, or its name is too long for a socket.
    """
    folder, found = _folder()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise NotWarmError(f"{folder} is open to others")
    place = folder / f"{likeness(interpreter, environment)}.sock"
    if len(os.fsencode(place)) > _LONGEST_PATH:
        raise NotWarmError("the path of its socket would be too long", ordinary=True)
    return place


def _folder() -> tuple[Path, os.stat_result]:
    """Return the folder for sockets of this user, made if there is none."""
    # The first may be named after a session that has ended, or that was another user's.
    runtime, usual = os.environ.get("XDG_RUNTIME_DIR", ""), Path(tempfile.gettempdir(), f"stabkit-{os.getuid()}")
    for folder in (*([Path(runtime, "stabkit")] if runtime else []), usual):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            return folder, folder.lstat()
        except OSError as error:
            problem = error
    raise NotWarmError(f"there is no folder for its socket ({problem})") from problem
