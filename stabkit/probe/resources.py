"""Resource readings of one process and its children, taken at the end of each round."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import psutil

from stabkit.errors import UsageError
from stabkit.paths import read_bounded
from stabkit.probe.containers import CONTAINER_UNITS, ControlGroup, UnavailableError, find_group
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code

__all__ = ["ResourceProbe"]

_UNITS: Final = {"memory": "MB", "cpu": "s", "threads": "count", "open_files": "count", "sockets": "count"}
_BYTES_PER_MB: Final = 1_000_000
_LARGEST_PID: Final = 4_096  # bytes of a pid file


class ResourceProbe:
    """One process with its children: memory, CPU, threads, open files and sockets after each round.

    Parameters
    ----------
    name : str
        The configured name.
    pid, pid_file, port, process_name : optional
        Exactly one: the process id, a file that holds it, the TCP port it listens on, or its exact name.
    container : bool
        Also read the control group of the process: what its whole container uses.

    Notes
    -----
    ``memory`` is the resident set in MB (10^6 bytes), summed over the tree: pages shared by its processes count in
    each. ``cpu`` is user and system time in s since the previous reading, ended and awaited children included.
    ``open_files`` counts descriptors (handles on Windows), sockets among them; ``sockets`` counts those of the internet
    families. ``container_memory`` is the working set, ``container_cpu`` and ``oom_kills`` are those since the previous
    reading, ``container_processes`` counts tasks, threads among them. A process that has ended, or may not be
    read, gives rows with ``ok = false``, never zeros. A pid is trusted only with its creation time, as pids are reused.
    Only processes that the system shows are seen: from inside a container, those of the container.
    """

    def __init__(
        self,
        name: str,
        *,
        pid: int | None = None,
        pid_file: Path | None = None,
        port: int | None = None,
        process_name: str | None = None,
        container: bool = False,
    ) -> None:
        given = {"pid": pid, "pid_file": pid_file, "port": port, "process_name": process_name}
        if sum(value is not None for value in given.values()) != 1:
            raise UsageError(
                "A process is found in exactly one way.",
                where=f"resources.{name}",
                hint=f"Give one of {', '.join(given)}.",
            )
        self.target = name
        self._units = _UNITS | (CONTAINER_UNITS if container else {})
        self.planned = len(self._units)
        self._pid = pid
        self._pid_file = pid_file
        self._port = port
        self._process_name = process_name
        self._sought = next(f"{key} {value}" for key, value in given.items() if value is not None)
        self._process: psutil.Process | None = None
        self._cpu_s: float | None = None
        self._group_before: tuple[ControlGroup, dict[str, float | Exception]] | None = None
        self._rows: list[dict[str, Any]] = []
        self._notes: list[str] = []

    def open(self) -> None:
        """Find the process and take the first CPU reading; one that is not there is evidence, not an error."""
        with suppress(UnavailableError):
            self._find()

    def run(self, round_number: int) -> None:
        """Take one reading of each metric."""
        now = datetime.now(UTC)
        readings: dict[str, float | Exception]
        try:
            restarted = self._ensure()
            tree = self._tree()
            readings = {metric: _attempt(metric, tree) for metric in _UNITS if metric != "cpu"}
            readings["cpu"] = self._cpu_used(tree, restarted=restarted)
        except UnavailableError as error:
            readings = dict.fromkeys(self._units, error)
        else:
            if "container_memory" in self._units:
                readings |= self._container(tree[0])
        for metric, unit in self._units.items():
            self._record(metric, unit, round_number, now, readings[metric])

    def close(self) -> None:
        """Forget the process."""
        self._process = None

    def evidence(self) -> Evidence:
        """Return the readings so far and one sources row."""
        failed = sum(not row["ok"] for row in self._rows)
        status = "ok"
        if not self._rows or failed:
            status = "error"
            if not self._rows:
                self._note("no reading was taken")
        source = {
            "kind": "resources",
            "format": "probe",
            "path": self._sought,
            "rows": len(self._rows),
            "status": status,
            "message": "; ".join(self._notes) or None,
            "cause": self._notes[0] if len(self._notes) > 1 else None,
            "fault": next(filter(None, map(fault_code, self._notes)), None),
        }
        return Evidence.of(sources=pd.DataFrame([source]), samples=pd.DataFrame(self._rows))

    def _record(self, metric: str, unit: str, round_number: int, now: datetime, reading: float | Exception) -> None:
        ok = not isinstance(reading, Exception)
        if not ok:
            self._note(Fault(f"round {round_number}: {reading}", fault_code(reading)))
        self._rows.append(
            {
                "target": self.target,
                "metric": metric,
                "round": round_number,
                "sequence": len(self._rows) // len(self._units),
                "due_at": now,
                "value": reading if ok else None,
                "unit": unit,
                "warmup": False,
                "ok": ok,
                "error": None if ok else str(reading),
            }
        )

    def _note(self, text: str) -> None:
        if text not in self._notes and len(self._notes) < 5:
            self._notes.append(text)

    def _ensure(self) -> bool:
        """Make sure that the process is there; return True if it was found anew, so that no CPU reading precedes."""
        known = self._process
        # is_running() compares creation times, so that a reused pid does not pass for the process.
        if known is not None and known.is_running() and not _is_zombie(known):
            return False
        if known is not None and self._pid is not None:
            raise UnavailableError(f"process {known.pid} has ended")
        self._find()
        return True

    def _find(self) -> None:
        self._cpu_s = None
        try:
            process = self._locate()
            process.create_time()
        except psutil.NoSuchProcess as error:
            raise UnavailableError(f"there is no process {error.pid}") from error
        except psutil.AccessDenied as error:
            raise UnavailableError(f"process {error.pid} may not be read by this user") from error
        if _is_zombie(process):
            raise UnavailableError(f"process {process.pid} has ended")
        self._process = process
        with suppress(UnavailableError):
            self._cpu_s = _cpu_seconds(self._tree())
        if "container_memory" in self._units:
            self._container(process)

    def _locate(self) -> psutil.Process:
        if self._pid is not None:
            return psutil.Process(self._pid)
        if self._pid_file is not None:
            return psutil.Process(_read_pid(self._pid_file))
        if self._port is not None:
            return _eldest(_listening(self._port), f"listens on port {self._port}")
        found = [p for p in psutil.process_iter(["name"]) if p.info["name"] == self._process_name]
        return _eldest(found, f"is called {self._process_name!r}")

    def _tree(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise UnavailableError(f"process {error.pid} has ended") from error
        except psutil.AccessDenied as error:
            raise UnavailableError(f"the children of process {error.pid} may not be read") from error

    def _container(self, process: psutil.Process) -> dict[str, float | Exception]:
        """Return the readings of the control group; those that count up, since the previous reading of that group."""
        before, self._group_before = self._group_before, None
        try:
            group = find_group(process.pid)
        except UnavailableError as error:
            return dict.fromkeys(CONTAINER_UNITS, error)
        found = {
            "container_memory": _taken(group.memory_mb),
            "container_cpu": _taken(group.cpu_s),
            "container_processes": _taken(group.processes),
            "oom_kills": _taken(group.oom_kills),
        }
        self._group_before = (group, found)
        for metric in ("container_cpu", "oom_kills"):
            now = found[metric]
            if isinstance(now, Exception):
                continue
            known = before[1][metric] if before is not None and before[0] == group else None
            new = UnavailableError(f"control group {group.name} is new since the previous reading")
            found = {**found, metric: max(now - known, 0.0) if isinstance(known, float) else new}
        return found

    def _cpu_used(self, tree: list[psutil.Process], *, restarted: bool) -> float | Exception:
        before = self._cpu_s
        self._cpu_s = None
        try:
            now = _cpu_seconds(tree)
        except UnavailableError as error:
            return error
        self._cpu_s = now
        if restarted or before is None:
            return UnavailableError(f"process {tree[0].pid} is new since the previous reading")
        # Centiseconds summed over processes may step back by rounding; more than that means that time was lost.
        if now < before - 0.02 * len(tree):
            return UnavailableError("a child ended without being awaited, and its time is lost")
        return max(now - before, 0.0)


def _taken(reading: Callable[[], float]) -> float | Exception:
    try:
        return reading()
    except UnavailableError as error:
        return error


def _attempt(metric: str, tree: list[psutil.Process]) -> float | Exception:
    try:
        return sum(_read(metric, process, root=process is tree[0]) for process in tree)
    except UnavailableError as error:
        return error


def _read(metric: str, process: psutil.Process, *, root: bool) -> float:
    try:
        if metric == "memory":
            resident = process.memory_info().rss
            if root and not resident:  # a process about to end has given its memory back already
                raise UnavailableError(f"process {process.pid} has ended")
            return float(resident) / _BYTES_PER_MB
        if metric == "threads":
            return float(process.num_threads())
        if metric == "cpu":
            times = process.cpu_times()
            # A child that ended and was awaited lives on in its parent's children_*; so nothing is lost or doubled.
            own = times.user + times.system
            return float(own + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0))
        if metric == "sockets":
            return float(len(process.net_connections(kind="inet")))
        count = getattr(process, "num_fds", None) or process.num_handles  # type: ignore[attr-defined]  # on Windows
        return float(count())
    except (psutil.NoSuchProcess, psutil.ZombieProcess) as error:
        if root:
            raise UnavailableError(f"process {process.pid} has ended") from error
        return 0.0  # a child that ended between listing and reading holds nothing any more
    except psutil.AccessDenied as error:
        raise UnavailableError(f"{metric} of process {process.pid} may not be read by this user") from error


def _cpu_seconds(tree: list[psutil.Process]) -> float:
    return sum(_read("cpu", process, root=process is tree[0]) for process in tree)


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _read_pid(file: Path) -> int:
    try:
        text = read_bounded(file, _LARGEST_PID).decode("ascii", "replace").strip()
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise UnavailableError(f"the pid file holds no process id: {error.strerror}") from error
        raise UnavailableError(f"the pid file cannot be read: {error.strerror}") from error
    first = text.split()[0] if text else ""
    if not first.isascii() or not first.isdigit() or len(first) > 10 or not 0 < int(first) < 2**31:
        raise UnavailableError(f"the pid file holds no process id: {text[:40]!r}")
    return int(first)


def _listening(port: int) -> list[psutil.Process]:
    try:
        sockets = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied as error:
        raise UnavailableError("the sockets of this machine may not be listed by this user") from error
    mine = [s for s in sockets if s.status == psutil.CONN_LISTEN and s.laddr and s.laddr.port == port]
    if mine and all(s.pid is None for s in mine):
        raise UnavailableError(f"the process that listens on port {port} belongs to another user")
    return [psutil.Process(pid) for pid in sorted({s.pid for s in mine if s.pid is not None})]


def _eldest(found: list[psutil.Process], what: str) -> psutil.Process:
    """Return the one process of which all others descend, as a server's workers do of the server."""
    if not found:
        raise UnavailableError(Fault(f"no process {what}", "no_process"))
    pids = {process.pid for process in found}
    roots = [p for p in found if not pids & {parent.pid for parent in p.parents()}]
    if len(roots) > 1:
        raise UnavailableError(f"{len(roots)} processes: each {what}; give a pid or pid file")
    return roots[0]
