"""The machine that the prober runs on: what tells it from another, and how fast it is now.

Source: the Linux kernel's documentation, "proc(5)" for ``/proc/cpuinfo`` and ``/proc/stat``, "Control Group v2" for
``cpu.max`` and "Control Groups version 1" for ``cpu.cfs_quota_us``.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

__all__ = ["Machine", "calibrate"]

_PROC: Final = Path("/proc")
_MOUNT: Final = Path("/sys/fs/cgroup")
_STEAL: Final = 7  # place among the times of the line "cpu" of /proc/stat
_GUEST: Final = 8  # from here on the times are those of guests, which are counted before already
_WORK: Final = 10_000  # iterations, some milliseconds


@dataclass(frozen=True)
class Machine:
    """The machine as it was when a collection began.

    Attributes
    ----------
    cpu : str or None
        Model of its processor.
    cores : int or None
        That the process may use.
    cpu_limit : float or None
        Cores' worth of time that its container may take; None without a limit.
    spent : tuple of int or None
        Processor time so far, stolen and in all, in ticks.
    """

    cpu: str | None
    cores: int | None
    cpu_limit: float | None
    spent: tuple[int, int] | None
    proc: Path = _PROC

    @classmethod
    def here(cls, *, proc: Path = _PROC, mount: Path = _MOUNT) -> Machine:
        """Return this machine, as far as it tells."""
        return cls(_model(proc), _cores(), _limit(proc, mount), _spent(proc), proc)

    def to_json(self) -> str:
        """Return the machine as the table ``runs`` keeps it, with the share of time that was stolen since then."""
        known: dict[str, Any] = {"cpu": self.cpu, "cores": self.cores, "cpu_limit": self.cpu_limit}
        now = _spent(self.proc)
        if self.spent is not None and now is not None and now[1] > self.spent[1]:
            known["steal_share"] = round((now[0] - self.spent[0]) / (now[1] - self.spent[1]), 4)
        return json.dumps({name: value for name, value in known.items() if value is not None}, sort_keys=True)


def calibrate(*, repeats: int = 9) -> float:
    """Return how long a fixed piece of work takes here now, in ms: the median of several.

    It is recorded with a run, so that a machine that became slower can be told from a service that did.
    """
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        hashlib.pbkdf2_hmac("sha256", b"stabkit", b"calibration", _WORK)
        times.append(time.perf_counter() - began)
    return 1000 * median(times)


def _model(proc: Path) -> str | None:
    """Return the processor's model: what the kernel calls it, else what the platform says."""
    for line in _lines(proc / "cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return " ".join(value.split())
    return platform.processor() or platform.machine() or None


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _limit(proc: Path, mount: Path) -> float | None:
    """Return the tightest limit of the process's control group and of those above it, in cores."""
    found = []
    for line in _lines(proc / "self" / "cgroup"):
        controllers, _, path = line.partition(":")[2].partition(":")
        if ".." in path or (controllers and "cpu" not in controllers.split(",")):
            continue
        root = mount / "cpu" if controllers else mount
        folder = root / path.lstrip("/")
        found += [limit for up in (folder, *folder.parents) if up.is_relative_to(root) and (limit := _quota(up))]
    return min(found, default=None)


def _quota(folder: Path) -> float | None:
    words = " ".join(_lines(folder / "cpu.max")).split()
    if not words:
        words = [*_lines(folder / "cpu.cfs_quota_us"), *_lines(folder / "cpu.cfs_period_us")]
    try:
        quota, period = map(int, words[:2])
    except ValueError:  # "max", or no such file
        return None
    return round(quota / period, 2) if quota > 0 and period > 0 else None


def _spent(proc: Path) -> tuple[int, int] | None:
    words = next(iter(_lines(proc / "stat")), "").split()
    try:
        ticks = [int(word) for word in words[1:]][:_GUEST]
    except ValueError:
        return None
    return (ticks[_STEAL], sum(ticks)) if words[:1] == ["cpu"] and len(ticks) > _STEAL else None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
