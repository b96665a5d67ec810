"""What a container uses: the files of its control group, version 2 or 1.

Source: the Linux kernel's documentation, "Control Group v2" and "Control Groups version 1".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CONTAINER_UNITS", "ControlGroup", "UnavailableError", "find_group"]

CONTAINER_UNITS: Final = {
    "container_memory": "MB",
    "container_cpu": "s",
    "container_processes": "count",
    "oom_kills": "count",
}
_BYTES_PER_MB: Final = 1_000_000
_NO_LIMIT: Final = 2**60  # version 1 writes a number near 2**63 instead of a word


class UnavailableError(Exception):
    """A reading could not be taken; the message says why."""


@dataclass(frozen=True)
class ControlGroup:
    """The folders that hold the files of one control group, by controller; equal for all in version 2.

    In version 1 a process may be in a group of its own for memory, and for processor time or tasks in the root group,
    which is the whole machine: then there is no folder.
    """

    name: str
    memory: Path
    cpu: Path | None
    pids: Path | None
    unified: bool

    def memory_mb(self) -> float:
        """Return the working set in MB: what is used, less the page cache that could be given back at once."""
        used = _number(self.memory / ("memory.current" if self.unified else "memory.usage_in_bytes"))
        cache = _entry(self.memory / "memory.stat", "inactive_file" if self.unified else "total_inactive_file")
        return max(used - cache, 0) / _BYTES_PER_MB

    def limit_mb(self) -> float | None:
        """Return how much memory the group may take in MB; None if there is no limit."""
        file = self.memory / ("memory.max" if self.unified else "memory.limit_in_bytes")
        try:
            limit = int(file.read_text(encoding="ascii", errors="replace"))
        except (OSError, ValueError):  # the root group has no such file; "max" is no number
            return None
        return None if limit >= _NO_LIMIT else limit / _BYTES_PER_MB

    def cpu_s(self) -> float:
        """Return the processor time used so far, in s."""
        folder = _own(self.cpu, "processor time")
        if self.unified:
            return _entry(folder / "cpu.stat", "usage_usec") / 1e6
        return _number(folder / "cpuacct.usage") / 1e9

    def processes(self) -> float:
        """Return how many tasks there are, threads included, as the kernel counts them."""
        return float(_number(_own(self.pids, "tasks") / "pids.current"))

    def oom_kills(self) -> float:
        """Return how many processes the kernel killed for want of memory so far."""
        file = self.memory / ("memory.events" if self.unified else "memory.oom_control")
        return float(_entry(file, "oom_kill"))


def find_group(pid: int, *, proc: Path = Path("/proc"), mount: Path = Path("/sys/fs/cgroup")) -> ControlGroup:
    """Return the control group of a process.

    Raises
    ------
    UnavailableError
        This system has none, the process is in none of its own, or its files are not visible from here.
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UnavailableError(f"the control group of process {pid} cannot be read: {error.strerror}") from error
    paths = dict(_paths(lines))
    unified = mount if (mount / "cgroup.controllers").exists() else mount / "unified"
    name = paths.get("", "/")
    folder = unified / name.lstrip("/")
    if ".." not in name and (folder / "memory.current").exists():
        return ControlGroup(name, folder, folder, folder, unified=True)
    name = paths.get("memory", "/")
    if name == "/":
        # The root group's figures are those of the whole machine.
        raise UnavailableError(f"process {pid} is in no control group of its own, so in no container")
    memory = mount / "memory" / name.lstrip("/")
    if ".." in name or not (memory / "memory.usage_in_bytes").exists():
        raise UnavailableError(f"the files of control group {name!r} are not visible from here")
    others = {kind: paths.get(kind, "/") for kind in ("cpuacct", "pids")}
    cpu, pids = (
        None if path == "/" or ".." in path else mount / kind / path.lstrip("/") for kind, path in others.items()
    )
    return ControlGroup(name, memory, cpu, pids, unified=False)


def _paths(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            yield controller, path


def _own(folder: Path | None, what: str) -> Path:
    if folder is None:
        raise UnavailableError(f"the control group does not count {what} by itself")
    return folder


def _number(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise UnavailableError(f"{file.name} of the control group cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnavailableError(f"{file.name} of the control group holds no number") from error


def _entry(file: Path, key: str) -> int:
    try:
        rows = dict(line.split()[:2] for line in file.read_text(encoding="ascii", errors="replace").splitlines())
        return int(rows[key])
    except OSError as error:
        raise UnavailableError(f"{file.name} of the control group cannot be read: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise UnavailableError(f"{file.name} of the control group does not say {key}") from error
