"""What is known of a notebook while it runs: its cell, its kernel, the memory that took, and why it was stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

__all__ = ["Watch"]

_BYTES_PER_MB: Final = 1_000_000


@dataclass
class Watch:
    """One running notebook, seen from outside; shared by the thread that runs it and the one that looks after all.

    Attributes
    ----------
    timeout_s : float or None
        Limit of the whole notebook, seconds, from the start of its first cell; a kernel that never starts has a limit
        of its own.
    notebook : NotebookNode or None
        With the outputs so far; None before the kernel starts.
    cell : int
        Place of the cell that was started last; -1 before the first.
    pid : int or None
        The kernel's process.
    peak_memory_mb : float or None
        Most memory that the kernel held, as far as it was looked at; None if it never was.
    exit_status : int or None
        Of a kernel that died by itself, as :class:`subprocess.Popen` gives it: negative for a signal.
    said : str
        The last that the kernel wrote outside of its cells, such as why it died.
    overdue : bool
        It ran out of ``timeout_s`` and was stopped.
    cancelled : bool
        It was stopped because nobody waits for it any longer.
    """

    timeout_s: float | None = None
    notebook: Any = None
    cell: int = -1
    pid: int | None = None
    peak_memory_mb: float | None = None
    exit_status: int | None = None
    said: str = ""
    overdue: bool = False
    cancelled: bool = False
    _started: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def kernel_started(self, pid: int | None) -> None:
        """Take note of the kernel's process; one that nobody waits for any longer is stopped at once."""
        with self._lock:
            self.pid = pid
            if self.cancelled:
                self._kill()

    def cell_started(self, cell: int) -> None:
        """Take note of the cell that runs now."""
        self.cell = cell
        if self._started is None:
            self._started = time.monotonic()
        self.look()

    def kernel_ended(self) -> None:
        """Take note that the kernel's process is gone: its number may soon be another's."""
        with self._lock:
            self.pid = None

    def look(self) -> None:
        """Read the kernel's memory, and stop it if its time is over."""
        with self._lock:
            if self.pid is None:
                return
            peak = _peak_mb(self.pid)
            if peak is not None:
                self.peak_memory_mb = max(peak, self.peak_memory_mb or 0.0)
            late = self._started is not None and self.timeout_s is not None
            if late and time.monotonic() - (self._started or 0.0) > (self.timeout_s or 0.0) and not self.overdue:
                self.overdue = True
                self._kill()

    def cancel(self) -> None:
        """Stop the kernel, now or as soon as there is one."""
        with self._lock:
            self.cancelled = True
            self._kill()

    def _kill(self) -> None:
        if self.pid is None:
            return
        try:
            # A kernel leads a group of its own: what it started goes with it.
            if hasattr(os, "killpg") and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                psutil.Process(self.pid).kill()
        except (OSError, psutil.Error):  # it has gone by itself
            return


def _peak_mb(pid: int) -> float | None:
    """Return the most memory that a process has held; what it holds now, where the system does not keep the peak."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / _BYTES_PER_MB
    except OSError:
        pass
    try:
        return float(psutil.Process(pid).memory_info().rss) / _BYTES_PER_MB
    except psutil.Error:
        return None
