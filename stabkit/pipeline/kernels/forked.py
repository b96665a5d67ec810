"""A child of the fork becomes the kernel that was asked for: as its launcher would have started it."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import json
import os
import random
import runpy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

__all__ = ["Request", "run_kernel"]

_LAUNCHER: Final = "ipykernel_launcher"
_INLINE: Final = "module://matplotlib_inline.backend_inline"
_OURS: Final = "stabkit.pipeline"


@dataclass(frozen=True)
class Request:
    """What a launcher gives a kernel.

    Attributes
    ----------
    folder : str
        The working folder.
    arguments : list of str
        The command: interpreter, its options, ``-m``, the launcher, the kernel's arguments.
    environment : int
        Descriptor of a file that holds the whole environment as JSON; only who becomes the kernel reads it.
    streams : tuple of int
        Descriptors for standard input, output and error.
    """

    folder: str
    arguments: list[str]
    environment: int
    streams: tuple[int, ...]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that were received with it."""
        return (*self.streams, self.environment)


def run_kernel(request: Request, set_by_imports: Mapping[str, str]) -> None:
    """Set up what a fork has taken from its parent as a new process would find it, and run the kernel to its end.

    Parameters
    ----------
    request : Request
        What was asked for.
    set_by_imports : mapping
        Environment variables that the imports of every kernel set where they are missing.
    """
    with open(request.environment, encoding="utf-8") as told:  # noqa: PTH123 - a descriptor
        environment = json.load(told)
    _take_streams(request.streams)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(environment)
    for name, value in set_by_imports.items():
        os.environ.setdefault(name, value)
    _forget_ourselves()
    atexit.register(gc.unfreeze)  # at its end it clears everything away, as any other process
    random.seed()
    _set_up_libraries()
    _set_arguments(request.arguments)
    runpy.run_module(_LAUNCHER, run_name="__main__", alter_sys=True)


def _take_streams(streams: Sequence[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in streams:
        if descriptor > 2:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    sys.stdin = sys.__stdin__ = _opened(0, sys.__stdin__)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _opened(1, sys.__stdout__)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _opened(2, sys.__stderr__)  # type: ignore[misc]


def _opened(number: int, before: Any) -> io.TextIOWrapper:
    """Open a standard stream anew: whether it ends in a terminal is seen when it is opened."""
    raw = io.FileIO(number, "w" if number else "r", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if number else io.BufferedReader(raw),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=number == 2 or os.isatty(number),
    )


def _forget_ourselves() -> None:
    """Take away what no kernel imports: this package's pipeline, and its way around a slow import."""
    import stabkit

    vars(stabkit).pop("pipeline", None)
    for name in [name for name in sys.modules if name == _OURS or name.startswith(f"{_OURS}.")]:
        del sys.modules[name]
    if sys.modules.get("rfc3987_syntax", ...) is None:
        del sys.modules["rfc3987_syntax"]


def _set_up_libraries() -> None:
    """Undo what their import took from the parent: the backend, one thread for linear algebra, the random state."""
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from stabkit.chart import choose_backend

    choose_backend(os.environ.get("MPLBACKEND") or _INLINE)
    np.random.seed()  # noqa: NPY002 - the global state that notebooks of old use
    limit = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    threadpool_limits(int(limit) if limit.isdigit() else len(os.sched_getaffinity(0)), user_api="blas")


def _set_arguments(arguments: Sequence[str]) -> None:
    from ipykernel import kernelapp

    own = arguments[arguments.index(_LAUNCHER) + 1 :]
    sys.orig_argv = list(arguments)
    # The kernel ends when its parent does, and that is not the process that its environment names.
    sys.argv = ["", *own]
    kernelapp.launch_new_instance = partial(kernelapp.IPKernelApp.launch_instance, parent_handle=os.getppid())
    if not sys.flags.safe_path:
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as -m does; the launcher takes it away again
