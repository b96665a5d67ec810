"""A process that has imported what notebooks need, and forks a kernel from itself for each one that asks.

Run as a program: ``python zygote.py SOCKET SECONDS LOCK``. It closes the descriptor of the lock when it is ready. It answers on the Unix socket until nobody has been connected for
so many seconds. It never starts a thread, an event loop or a kernel of its own, so that each fork is as clean as a
process just started: what a plain kernel takes from its launcher - folder, environment, arguments, streams, session,
random state - is set anew in the child.

A connection is a kernel's life. The request is JSON behind its length, with three descriptors for the child's streams;
the answers are lines of JSON: the child's pid once it leads a session of its own, at last its exit status. Who closes
the connection earlier kills the kernel. A connection that asks for nothing keeps the process waiting.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import runpy
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["LENGTH", "MOST_BYTES", "STALE", "main"]

LENGTH: Final = struct.Struct("!I")
MOST_BYTES: Final = 16_000_000
STALE: Final = "stale"
"""The answer of one whose files have changed since: another is to be started."""
_STREAMS: Final = 3
FIRST_REQUEST_S: Final = 60.0
"""How long it waits for its first request, whatever it was told to linger."""
_PATIENCE_S: Final = 2.0
_CREDENTIALS: Final = struct.Struct("3i")
_INLINE: Final = "module://matplotlib_inline.backend_inline"
_LAUNCHER: Final = "ipykernel_launcher"
# What a notebook of reports takes most of its start for. Not pyplot and matplotlib_inline: their import looks for the
# shell that they are to draw for, and there is none yet.
_LIBRARIES: Final = (
    "numpy",
    "pandas",
    "pandas.io.formats.format",
    "pyarrow.parquet",
    "duckdb",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
)
_ROOMS: Final = ("analyze", "case", "change", "chart", "config", "report", "store")


@dataclass
class _Kernel:
    """A child, and the connection that is its life."""

    pid: int
    descriptor: int
    connection: socket.socket


@dataclass
class _Request:
    """What a launcher would have given the kernel."""

    folder: str
    arguments: list[str]
    environment: dict[str, str]
    streams: list[int] = field(default_factory=list)


def main() -> None:
    """Warm up, serve, and in each child become the kernel that was asked for."""
    place, linger_s, lock = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    del sys.path[0]  # this file's own folder
    if os.fork():  # an orphan is nobody's zombie, and no one's terminal ends it
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # its starter may have ignored it, in the background
    loaded = _warm_up()
    if threads() != 1:
        raise SystemExit(f"{threads()} threads run after the imports: no clean fork.")
    zygote = _Zygote(place, linger_s, loaded)
    gc.collect()
    gc.freeze()
    os.close(lock)
    with Path(os.devnull).open("r+b") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    request = zygote.serve()
    if request is not None:
        del zygote
        _become_kernel(request)


def threads() -> int:
    """Return how many threads this process has, those that Python knows nothing of too."""
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - of the hot path of a fork


def _warm_up() -> set[str]:
    """Import, and draw and show something once; return the top-level names that a kernel alone would not have loaded."""
    importlib.import_module("ipykernel.kernelapp")
    importlib.import_module("ipykernel.ipkernel")
    plain = set(sys.modules)
    for name in _LIBRARIES:
        importlib.import_module(name)
    import stabkit

    for room in _ROOMS:
        face = importlib.import_module(f"{stabkit.__name__}.{room}")
        for module in pkgutil.walk_packages(face.__path__, f"{face.__name__}."):
            if ".page" not in module.name and ".index" not in module.name:  # of those who render, not of kernels
                importlib.import_module(module.name)
    _draw_once()
    return {name.partition(".")[0] for name in set(sys.modules) - plain}


def _draw_once() -> None:
    """Find the fonts, and what else is looked up at the first figure and the first table."""
    import pandas as pd
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1.0, 2.0])
    for kind in ("svg", "png"):
        figure.savefig(io.BytesIO(), format=kind)
    pd.DataFrame({"a": [1.0]})._repr_html_()  # noqa: SLF001 - what a notebook shows of a frame


class _Zygote:
    """The listening side: its socket, who is connected, and the children."""

    def __init__(self, place: Path, linger_s: float, loaded: set[str]) -> None:
        self._place = place
        self._linger_s = linger_s
        self._loaded = loaded
        self._files = _files()
        self._stamps = _stamps(self._files)
        self._selector = selectors.DefaultSelector()
        self._waiting: set[socket.socket] = set()
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

    def serve(self) -> _Request | None:
        """Answer until nobody is there; return None then, and in a child what it is to be."""
        while True:
            used = bool(self._waiting or self._kernels)
            if self._leaving and not used:
                return None
            limit = None if used else (self._linger_s if self._asked else max(self._linger_s, FIRST_REQUEST_S))
            events = self._selector.select(limit)
            if not events and not used:
                self._leave()
            for key, _ in events:
                request = key.data(key.fileobj)
                if request is not None:
                    return request

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        if _peer(connection) != os.getuid():
            connection.close()
            return
        connection.settimeout(_PATIENCE_S)
        self._waiting.add(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: socket.socket) -> _Request | None:
        """Take a request of a connection that was silent so far; one that ends or makes no sense is closed."""
        self._selector.unregister(connection)
        self._waiting.discard(connection)
        streams: list[int] = []
        try:
            found, streams = _received(connection)
        except (OSError, ValueError, KeyError, TypeError):
            found = None
        if found is None:
            connection.close()
        else:
            self._asked = True
            reason = self._reason_against(found)
            if reason is None:
                try:
                    return self._fork(found, streams, connection)
                except OSError as error:
                    reason = str(error)
            _answer(connection, refused=reason)
            connection.close()
        _close(streams)
        return None

    def _reason_against(self, request: _Request) -> str | None:
        """Say why no kernel of this request would be as one started plainly; None if it would."""
        if self._leaving or _stamps(self._files) != self._stamps:
            self._leave()
            return STALE
        if threads() != 1:
            return "a thread runs in the process that kernels are forked from"
        with contextlib.suppress(OSError):
            for entry in os.scandir(request.folder):  # a plain kernel would have imported it instead
                name = entry.name.partition(".")[0]
                if name == "matplotlibrc" or (name in self._loaded and _imports(entry) and not _same(entry, name)):
                    return f"{entry.name} in the working folder comes before the installed one"
        return None

    def _fork(self, request: _Request, streams: list[int], connection: socket.socket) -> _Request | None:
        ready, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            request.streams = streams
            self._close_all(connection)
            os.close(ready)
            os.close(told)  # from now on a signal to its group reaches it, and it alone
            return request
        os.close(told)
        os.read(ready, 1)
        os.close(ready)
        _close(streams)
        kernel = _Kernel(pid, os.pidfd_open(pid), connection)
        self._kernels[kernel.descriptor] = kernel
        self._selector.register(kernel.descriptor, selectors.EVENT_READ, self._ended)
        self._selector.register(connection, selectors.EVENT_READ, self._left)
        _answer(connection, pid=pid)
        return None

    def _ended(self, descriptor: int) -> None:
        """Reap a child and tell who asked for it."""
        self._selector.unregister(descriptor)
        kernel = self._kernels.pop(descriptor)
        _, status, _ = os.wait4(kernel.pid, 0)
        os.close(descriptor)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(kernel.connection)
        _answer(kernel.connection, status=os.waitstatus_to_exitcode(status))
        kernel.connection.close()

    def _left(self, connection: socket.socket) -> None:
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
                for suffix in (".sock", ".log", ".lock"):
                    self._place.with_suffix(suffix).unlink(missing_ok=True)

    def _close_all(self, connection: socket.socket) -> None:
        connection.close()
        self._selector.close()
        self._listener.close()
        for waiting in self._waiting:
            waiting.close()
        for kernel in self._kernels.values():
            kernel.connection.close()
            os.close(kernel.descriptor)


def _peer(connection: socket.socket) -> int:
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(told)[1])


def _received(connection: socket.socket) -> tuple[_Request | None, list[int]]:
    head, streams, _, _ = socket.recv_fds(connection, LENGTH.size, _STREAMS)
    try:
        if len(head) < LENGTH.size or len(streams) != _STREAMS:
            return None, streams
        left = LENGTH.unpack(head)[0]
        parts: list[bytes] = []
        while 0 < left <= MOST_BYTES:
            parts.append(connection.recv(min(left, 1 << 16)))
            if not parts[-1]:
                return None, streams
            left -= len(parts[-1])
        told = json.loads(b"".join(parts).decode("utf-8", "surrogateescape"))
        return _Request(str(told["folder"]), list(told["arguments"]), dict(told["environment"])), streams
    except BaseException:
        _close(streams)
        raise


def _answer(connection: socket.socket, **told: Any) -> None:
    with contextlib.suppress(OSError):  # it has left: its kernel is ended for that
        connection.sendall(json.dumps(told).encode() + b"\n")


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _files() -> list[str]:
    """Return the files of everything imported; asked of the modules' own dictionaries, as some import on any question."""
    return [file for module in tuple(sys.modules.values()) if isinstance(file := vars(module).get("__file__"), str)]


def _stamps(files: Sequence[str]) -> list[tuple[int, int, int] | str | None]:
    """Return what tells an edited file from the one that was imported, and matplotlib's settings from others."""
    import matplotlib as mpl

    settings = mpl.matplotlib_fname()
    return [settings, *(_stamp(file) for file in (*files, settings))]


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - two thousand of them before each fork
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _imports(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() or entry.name.endswith((".py", ".so", ".pyc"))


def _same(entry: os.DirEntry[str], name: str) -> bool:
    """Say whether it is the very module that was imported, as in a checkout of it."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return False
    place = Path(file).parent if Path(file).name.startswith("__init__.") else Path(file)
    return place.exists() and place.samefile(entry.path)


def _become_kernel(request: _Request) -> None:
    """Be as the launcher of a plain kernel would find itself, and run it."""
    for number, descriptor in enumerate(request.streams):
        os.dup2(descriptor, number)
    _close([descriptor for descriptor in request.streams if descriptor >= _STREAMS])
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: PTH123, SIM115 - for as long as the process lives
    sys.stdout = sys.__stdout__ = _stream(1)
    sys.stderr = sys.__stderr__ = _stream(2)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    atexit.register(gc.unfreeze)  # at its end it clears everything away, as any other process
    random.seed()
    _set_up_libraries()
    launcher = request.arguments.index("-m") + 1
    sys.orig_argv = list(request.arguments)
    # Its parent is this process' parent, not the one that its environment names; the poller of parents looks there.
    sys.argv = ["", *request.arguments[launcher + 1 :], f"--IPKernelApp.parent_handle={os.getppid()}"]
    if not sys.flags.safe_path:
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as -m does; the launcher takes it away again
    runpy.run_module(_LAUNCHER, run_name="__main__", alter_sys=True)


def _stream(number: int) -> Any:
    errors = "backslashreplace" if number == 2 else None
    buffered = number == 1 and not os.isatty(number)
    return io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(number, "w", closefd=False)),
        errors=errors,
        line_buffering=not buffered,
    )


def _set_up_libraries() -> None:
    """Undo what their import took from this process: the backend, one thread for linear algebra, the random state."""
    import matplotlib as mpl
    import numpy as np
    from threadpoolctl import threadpool_limits

    mpl.rcParams["backend"] = os.environ.get("MPLBACKEND") or _INLINE
    np.random.seed()  # noqa: NPY002 - the global state that notebooks of old use
    limit = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    threadpool_limits(int(limit) if limit.isdigit() else len(os.sched_getaffinity(0)), user_api="blas")


if __name__ == "__main__":
    main()
