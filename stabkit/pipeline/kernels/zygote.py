"""A process that has imported what notebooks need, and forks a kernel from itself for each one that asks.

Run as a program: ``python -m stabkit.pipeline.kernels.zygote SOCKET SECONDS LOCK``. It answers on the Unix socket until
nobody has been connected for so many seconds, and closes the descriptor of the lock when it can be asked. It starts no
thread, no event loop and no kernel of its own, so that each fork is as clean as a process just started.

A connection is a kernel's life. The request is JSON behind its length, with three descriptors for the child's streams
and one of a file that holds its environment. Only the child reads that: what this process has read stays in its memory,
and so in that of each kernel after it. The answers are lines of JSON: the child's pid once it leads a session of its
own, at last its exit status. Who closes the connection earlier kills the kernel. A connection that asks for nothing
keeps the process waiting.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stabkit.pipeline.kernels.forked import Request, run_kernel
from stabkit.pipeline.kernels.preloaded import Preloaded

__all__ = ["LENGTH", "MOST_BYTES", "STALE", "SUFFIXES", "main"]

LENGTH: Final = struct.Struct("!I")
MOST_BYTES: Final = 16_000_000
STALE: Final = "stale"
"""The answer of one whose files have changed since: another is to be started."""
SUFFIXES: Final = (".sock", ".log", ".lock")
"""Of what lies in the folder for one such process."""
_FIRST_REQUEST_S: Final = 60.0
_PATIENCE_S: Final = 2.0
_DESCRIPTORS: Final = 4
_CREDENTIALS: Final = struct.Struct("3i")


@dataclass(frozen=True)
class _Kernel:
    """A child, a descriptor that tells its end, and the connection that is its life."""

    pid: int
    descriptor: int
    connection: socket.socket


def main() -> None:
    """Import, serve, and in each child become the kernel that was asked for."""
    place, linger_s, lock = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder of its socket
    if os.fork():  # an orphan is nobody's zombie, and no terminal ends it
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # its starter, in the background, may have ignored it
    preloaded = Preloaded()
    if threads() != 1:
        raise SystemExit(f"{threads()} threads run after the imports")
    zygote = _Zygote(place, linger_s, preloaded)
    gc.collect()
    gc.freeze()
    os.close(lock)
    with Path(os.devnull).open("r+b") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    request = zygote.serve()
    if request is not None:
        del zygote
        run_kernel(request, preloaded.environment)


def threads() -> int:
    """Return how many threads this process has, with those that Python knows nothing of."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


class _Zygote:
    """The listening side: its socket, who is connected, and the children."""

    def __init__(self, place: Path, linger_s: float, preloaded: Preloaded) -> None:
        self._place = place
        self._linger_s = linger_s
        self._preloaded = preloaded
        self._selector = selectors.DefaultSelector()
        self._silent: set[socket.socket] = set()
        self._kernels: dict[int, _Kernel] = {}
        self._asked = False
        self._leaving = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        unfinished = place.with_suffix(f".{os.getpid()}")
        self._listener.bind(str(unfinished))
        self._listener.listen(64)
        unfinished.rename(place)  # who finds it is answered
        self._number = place.stat().st_ino
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> Request | None:
        """Answer until nobody is there; return None then, and in a child what it is to be."""
        while True:
            used = bool(self._silent or self._kernels)
            if self._leaving and not used:
                return None
            alone_s = self._linger_s if self._asked else max(self._linger_s, _FIRST_REQUEST_S)
            events = self._selector.select(None if used else alone_s)
            if not events and not used:
                self._leave()
            for key, _ in events:
                request = key.data(key.fileobj)
                if request is not None:
                    return request  # type: ignore[no-any-return]

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        if _peer(connection) != os.getuid():
            connection.close()
            return
        connection.settimeout(_PATIENCE_S)
        self._silent.add(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: socket.socket) -> Request | None:
        """Take a request of a connection that was silent so far; one that ends or makes no sense is closed."""
        self._selector.unregister(connection)
        self._silent.discard(connection)
        try:
            request = _received(connection)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            request = None
        if request is None:
            connection.close()
            return None
        self._asked = True
        reason = self._reason_against(request)
        if reason is None:
            try:
                return self._fork(request, connection)
            except OSError as error:
                reason = str(error)
        _answer(connection, refused=reason)
        connection.close()
        _close(request.descriptors)
        return None

    def _reason_against(self, request: Request) -> str | None:
        """Say why no kernel of this request would be as one started plainly; None if it would."""
        if self._leaving or self._preloaded.is_stale():
            self._leave()
            return STALE
        if threads() != 1:
            return "a thread runs in the process that kernels are forked from"
        hiding = self._preloaded.hidden_by(request.folder)
        return None if hiding is None else f"{hiding} in the working folder comes before what is installed"

    def _fork(self, request: Request, connection: socket.socket) -> Request | None:
        ready, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            self._close_all(connection)
            _close((ready, told))  # from now on a signal to its group reaches it, and it alone
            return request
        os.close(told)
        os.read(ready, 1)
        _close((ready, *request.descriptors))
        kernel = _Kernel(pid, os.pidfd_open(pid), connection)
        self._kernels[kernel.descriptor] = kernel
        self._selector.register(kernel.descriptor, selectors.EVENT_READ, self._reap)
        self._selector.register(connection, selectors.EVENT_READ, self._end)
        _answer(connection, pid=pid)
        return None

    def _reap(self, descriptor: int) -> None:
        """Take in the end of a child, and tell who asked for it."""
        self._selector.unregister(descriptor)
        kernel = self._kernels.pop(descriptor)
        _, status = os.waitpid(kernel.pid, 0)
        os.close(descriptor)
        with contextlib.suppress(KeyError):
            self._selector.unregister(kernel.connection)
        _answer(kernel.connection, status=os.waitstatus_to_exitcode(status))
        kernel.connection.close()

    def _end(self, connection: socket.socket) -> None:
        """Kill the kernel of a connection that was closed; its end is taken in as any other's."""
        self._selector.unregister(connection)
        for kernel in self._kernels.values():
            if kernel.connection is connection:
                with contextlib.suppress(OSError):
                    os.killpg(kernel.pid, signal.SIGKILL)

    def _leave(self) -> None:
        """Be found no longer; the kernels that run are served to their end."""
        if self._leaving:
            return
        self._leaving = True
        self._selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(OSError):
            if self._place.stat().st_ino == self._number:  # another may have taken the place
                for suffix in SUFFIXES:
                    self._place.with_suffix(suffix).unlink(missing_ok=True)

    def _close_all(self, connection: socket.socket) -> None:
        self._selector.close()
        for opened in (connection, self._listener, *self._silent):
            opened.close()
        for kernel in self._kernels.values():
            kernel.connection.close()
            os.close(kernel.descriptor)


def _peer(connection: socket.socket) -> int:
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(told)[1])


def _received(connection: socket.socket) -> Request | None:
    head, opened, _, _ = socket.recv_fds(connection, LENGTH.size, _DESCRIPTORS)
    request = None
    try:
        if len(head) == LENGTH.size and len(opened) == _DESCRIPTORS:
            told = json.loads(_body(connection, LENGTH.unpack(head)[0]))
            request = Request(str(told["folder"]), list(told["arguments"]), opened[-1], tuple(opened[:-1]))
    finally:
        if request is None:
            _close(opened)
    return request


def _body(connection: socket.socket, length: int) -> bytes:
    if length > MOST_BYTES:
        raise ValueError(length)
    parts: list[bytes] = []
    while length > 0:
        parts.append(connection.recv(min(length, 1 << 16)))
        if not parts[-1]:
            raise ConnectionError
        length -= len(parts[-1])
    return b"".join(parts)


def _answer(connection: socket.socket, **told: Any) -> None:
    with contextlib.suppress(OSError):  # it has left: its kernel is ended for that
        connection.sendall(json.dumps(told).encode() + b"\n")


def _close(descriptors: tuple[int, ...] | list[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


if __name__ == "__main__":
    main()
