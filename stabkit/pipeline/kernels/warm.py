"""Asking for a kernel that is forked from a process which has imported everything, and watching it live and end.

Nobody waits in vain: any trouble is a :class:`.NotWarmError`, and a plain kernel is started instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from stabkit.pipeline.kernels import zygote
from stabkit.pipeline.kernels.starting import NotWarmError, reached

__all__ = ["WarmProcess", "start"]

_ANSWER_S: Final = 5.0
_ATTEMPTS: Final = 3
_LAUNCHER: Final = ["-m", "ipykernel_launcher"]


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
    told = {"folder": str(folder.absolute()), "arguments": list(command)}
    body = json.dumps(told).encode()
    if len(body) > zygote.MOST_BYTES:
        raise NotWarmError("the command is too long", ordinary=True)
    try:
        for _ in range(_ATTEMPTS):
            connection = reached(interpreter, environment)
            try:
                with _held(environment) as held:
                    answer = _asked(connection, body, [*streams, held])
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


@contextlib.contextmanager
def _held(environment: Mapping[str, str]) -> Iterator[int]:
    """Give a descriptor of a file in memory that holds an environment, to be read from its start."""
    with os.fdopen(os.memfd_create("environment"), "wb") as file:
        file.write(json.dumps(dict(environment)).encode())
        file.flush()
        file.seek(0)
        yield file.fileno()


def _asked(connection: socket.socket, body: bytes, descriptors: Sequence[int]) -> dict[str, Any]:
    connection.settimeout(_ANSWER_S)
    try:
        socket.send_fds(connection, [zygote.LENGTH.pack(len(body))], list(descriptors))
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
