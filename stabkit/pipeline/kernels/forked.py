"""A child of the fork becomes the kernel that was asked for: as its launcher would have started it."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import random
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
    environment : dict
        The whole environment.
    streams : tuple of int
        Descriptors for standard input, output and error.
    """

    folder: str
    arguments: list[str]
    environment: dict[str, str]
    streams: tuple[int, ...] = ()


def run_kernel(request: Request) -> None:
    """Set up what a fork has taken from its parent as a new process would find it, and run the kernel to its end."""
    _take_streams(request.streams)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
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
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _written(1, "strict", line_buffering=os.isatty(1))  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _written(2, "backslashreplace", line_buffering=True)  # type: ignore[misc]


def _written(number: int, errors: str, *, line_buffering: bool) -> Any:
    return io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(number, "w", closefd=False)), errors=errors, line_buffering=line_buffering
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
    import matplotlib as mpl
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    mpl.rcParams["backend"] = os.environ.get("MPLBACKEND") or _INLINE
    np.random.seed()  # noqa: NPY002 - the global state that notebooks of old use
    limit = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    threadpool_limits(int(limit) if limit.isdigit() else len(os.sched_getaffinity(0)), user_api="blas")


def _set_arguments(arguments: Sequence[str]) -> None:
    own = arguments[arguments.index(_LAUNCHER) + 1 :]
    sys.orig_argv = list(arguments)
    # The kernel ends when its parent does, and that is not the process that its environment names.
    sys.argv = ["", *own, f"--IPKernelApp.parent_handle={os.getppid()}"]
    if not sys.flags.safe_path:
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as -m does; the launcher takes it away again
