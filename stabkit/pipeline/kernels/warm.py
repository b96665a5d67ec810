"""Asking for kernels that are forked from a process which has imported everything; that process, found or started.

It is shared by whatever one user runs here alike (:mod:`.likeness`), and leaves by itself when nobody has asked for a
while. Nobody waits for it in vain: any trouble is a :class:`NotWarmError`, and a plain kernel is started instead.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from stabkit.pipeline.kernels import zygote
from stabkit.pipeline.kernels.environment import kernel_environment
from stabkit.pipeline.kernels.likeness import imported_with, likeness

__all__ = ["SETTING", "NotWarmError", "WarmProcess", "is_wanted", "prepare_kernels", "start"]

SETTING: Final = "STABKIT_WARM_KERNELS"
"""Environment variable: ``off``, or for how many seconds the process is kept after the last kernel."""
_LINGER_S: Final = 120.0
_START_S: Final = 60.0
_ANSWER_S: Final = 5.0
_POLL_S: Final = 0.01
_ATTEMPTS: Final = 3
_LONGEST_PATH: Final = 100  # of a Unix socket, some hundred bytes
_LAUNCHER: Final = ["-m", "ipykernel_launcher"]
# One thread, or a fork could take a lock with it that nobody holds any longer; kernels get their own number back.
_ONE_THREAD: Final = {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

_lock = threading.Lock()
_kept: dict[str, socket.socket] = {}  # they ask for nothing: whoever is at the other end waits for this process


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
    """Say whether kernels may be forked: on Linux, unless the environment says ``off``."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and _linger_s() is not None


def _linger_s() -> float | None:
    told = os.environ.get(SETTING, "").strip().casefold()
    if told in ("off", "no", "false"):
        return None
    try:
        return max(0.0, float(told))
    except ValueError:  # a machine of continuous integration is to be left as it was found
        return 0.0 if os.environ.get("CI") else _LINGER_S


def prepare_kernels() -> None:
    """Start the process that kernels of reports are forked from, unless there is one, and do not wait for it."""
    if is_wanted():
        environment = kernel_environment()
        with contextlib.suppress(NotWarmError, OSError):
            interpreter = [sys.executable]
            place = _place(interpreter, environment)
            connection = _connected(place) or _launched(place, interpreter, environment)
            if connection is not None:
                connection.close()


def start(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], streams: Sequence[int]
) -> WarmProcess:
    """Fork a kernel.

    Parameters
    ----------
    command : sequence of str
        As a plain kernel is started: interpreter, its options, ``-m ipykernel_launcher``, the kernel's arguments.
    folder : Path
        Its working folder.
    environment : mapping
        Its whole environment.
    streams : sequence of int
        Descriptors of its standard input, output and error.

    Raises
    ------
    NotWarmError
        Start it plainly instead.
    """
    interpreter = _interpreter(command, environment)
    told = {"folder": str(folder.absolute()), "arguments": list(command), "environment": dict(environment)}
    body = json.dumps(told).encode()
    if len(body) > zygote.MOST_BYTES:
        raise NotWarmError("the environment is too large", ordinary=True)
    try:
        for _ in range(_ATTEMPTS):
            connection = _reached(interpreter, environment)
            try:
                answer = _asked(connection, body, streams)
            except OSError:
                connection.close()
                raise
            if "pid" in answer:
                return WarmProcess(connection, int(answer["pid"]))
            connection.close()
            if answer and answer.get("refused") != zygote.STALE:
                raise NotWarmError(str(answer.get("refused")), ordinary=True)
    except OSError as error:
        raise NotWarmError(f"the process that forks them cannot be reached ({error})") from error
    raise NotWarmError("the process that forks them left each time it was asked")


class WarmProcess:
    """A forked kernel, as :class:`subprocess.Popen` would show it.

    Attributes
    ----------
    pid : int
        It leads a session and a group of its own.
    returncode : int or None
        As of :class:`subprocess.Popen`; None while it runs.
    lost : bool
        Nobody knows how it ended: the process that it was forked from is gone, and it is killed for that.
    """

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.lost = False
        self._connection = connection
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return its exit status, None while it runs."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises
        ------
        subprocess.TimeoutExpired
            It still runs after ``timeout`` seconds.
        """
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(["kernel"], timeout or 0.0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout_s: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._connection], [], [], timeout_s)[0]:
                try:
                    status = _line(self._connection).get("status")
                except OSError:
                    status = None
                self._connection.close()
                self.lost = status is None
                if self.lost:
                    with contextlib.suppress(OSError):
                        os.killpg(self.pid, signal.SIGKILL)
                self.returncode = -signal.SIGKILL if status is None else int(status)
            return self.returncode


def _interpreter(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the interpreter of a command and its options, if a fork can be as it would be."""
    words = list(command)
    try:
        place = words.index("-m")
    except ValueError:
        place = len(words)
    if words[place : place + 2] != _LAUNCHER or words[0] != sys.executable:
        raise NotWarmError("it is another kernel than this interpreter's", ordinary=True)
    if any(not Path(entry).is_absolute() for entry in environment.get("PYTHONPATH", "/").split(os.pathsep)):
        raise NotWarmError("PYTHONPATH depends on the working folder", ordinary=True)
    return words[:place]


def _reached(interpreter: Sequence[str], environment: Mapping[str, str]) -> socket.socket:
    """Return a connection to the process that forks kernels of this kind, started if there is none.

    Raises
    ------
    NotWarmError
        It does not start.
    """
    place = _place(interpreter, environment)
    until = time.monotonic() + _START_S
    connection = _connected(place)
    started = False
    while connection is None:
        before, started = started, True
        connection = _launched(place, interpreter, environment) if not before else _connected(place)
        if connection is None and before and not _is_starting(place):
            connection = _connected(place)  # it may have come up between the two looks
            if connection is None:
                raise NotWarmError(f"the process that forks them does not start{_last_words(place)}")
        if time.monotonic() > until:
            raise NotWarmError(f"the process that forks them has not started within {_START_S:g} s")
        time.sleep(0 if connection else _POLL_S)
    with _lock:
        if place.name not in _kept or not _is_open(_kept[place.name]):
            if place.name in _kept:
                _kept.pop(place.name).close()
            kept = _connected(place)
            if kept is not None:
                _kept[place.name] = kept
    return connection


def _asked(connection: socket.socket, body: bytes, streams: Sequence[int]) -> dict[str, Any]:
    connection.settimeout(_ANSWER_S)
    try:
        socket.send_fds(connection, [zygote.LENGTH.pack(len(body))], list(streams))
        connection.sendall(body)
        return _line(connection)
    except TimeoutError:
        raise
    except OSError:  # it has just left
        return {}


def _line(connection: socket.socket) -> dict[str, Any]:
    """Read one answer; empty if the other side has left."""
    connection.settimeout(_ANSWER_S)
    told = b""
    while not told.endswith(b"\n"):
        more = connection.recv(1)
        if not more:
            return {}
        told += more
    return dict(json.loads(told))


def _connected(place: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_ANSWER_S)
        connection.connect(str(place))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection


def _is_open(connection: socket.socket) -> bool:
    return not select.select([connection], [], [], 0)[0]  # nothing is ever said on it


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
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(runtime, "stabkit") if runtime else Path(tempfile.gettempdir(), f"stabkit-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise NotWarmError(f"there is no folder for its socket ({error})") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise NotWarmError(f"{folder} is open to others")
    place = folder / f"{likeness(interpreter, environment)}.sock"
    if len(os.fsencode(place)) > _LONGEST_PATH:
        raise NotWarmError("the path of its socket would be too long", ordinary=True)
    return place
