"""What a fork takes from its parent and a request for a kernel does not carry.

Two processes of one likeness may fork kernels for each other: theirs would find the same interpreter and libraries, the
same limits, the same namespaces.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["imported_with", "likeness"]

# Read when an interpreter starts or a library is imported; everything else of an environment is the request's.
_READ_AT_IMPORT: Final = (
    "ARROW_",
    "BLIS_",
    "DUCKDB_",
    "GLIBC_TUNABLES",
    "GOTO_",
    "HOME",
    "IPYTHON",
    "JE_ARROW_",
    "JUPYTER_",
    "KMP_",
    "LANG",
    "LC_",
    "LD_",
    "MALLOC_",
    "MATPLOTLIB",
    "MKL_",
    "MPLCONFIGDIR",
    "NPY_",
    "NUMEXPR_",
    "NUMPY_",
    "OMP_",
    "OPENBLAS_",
    "PANDAS_",
    "PYDEVD_",
    "PYTHON",
    "TEMP",
    "TMP",
    "TZ",
    "XDG_C",
    "XDG_D",
)
_NAMESPACES: Final = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
_IMPORTABLE: Final = (".py", ".so", ".pth", ".dist-info", ".egg-info", ".egg-link")
_DATED: Final = (".pth", ".dist-info", ".egg-info", ".egg-link")


def imported_with(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that is read when libraries are imported.

    Examples
    --------
    >>> imported_with({"LC_ALL": "C", "TOKEN": "x", "PYTHONHASHSEED": "1"})
    {'LC_ALL': 'C', 'PYTHONHASHSEED': '1'}
    """
    return {name: environment[name] for name in sorted(environment) if name.startswith(_READ_AT_IMPORT)}


def likeness(interpreter: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return a word that differs wherever a fork could differ from a process of its own.

    Parameters
    ----------
    interpreter : sequence of str
        Its path and options.
    environment : mapping
        Of the process to be.
    """
    told: list[Any] = [
        list(interpreter),
        sys.version,
        sys.prefix,
        imported_with(environment),
        [list(_installed(Path(place))) for place in sys.path[1:] if place],
        [resource.getrlimit(limit) for limit in sorted(_limits())],
        sorted(os.sched_getaffinity(0)),
        os.getpriority(os.PRIO_PROCESS, 0),
        [os.getuid(), os.geteuid(), os.getgid(), sorted(os.getgroups())],
        _umask(),
        [_link(f"/proc/self/ns/{name}") for name in _NAMESPACES],
        [_text(f"/proc/self/{name}") for name in ("cgroup", "oom_score_adj")],
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=True).encode()).hexdigest()[:24]


def _installed(place: Path) -> Iterator[tuple[str, int]]:
    """Yield what can be imported from a folder, and when what is installed there was."""
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError:  # an archive, or nothing
        yield str(place), 0
        return
    yield str(place), 0
    for entry in entries:
        if entry.name.endswith(_DATED):
            yield entry.name, entry.stat().st_mtime_ns
        elif entry.name.endswith(_IMPORTABLE) or entry.name.isidentifier():
            yield entry.name, 0


def _limits() -> list[int]:
    return [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]


def _umask() -> str:
    for line in _text("/proc/self/status").splitlines():  # os.umask would change it, for all threads
        if line.startswith("Umask:"):
            return line
    return ""


def _link(place: str) -> str:
    try:
        return str(Path(place).readlink())
    except OSError:
        return ""


def _text(place: str) -> str:
    try:
        return Path(place).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
