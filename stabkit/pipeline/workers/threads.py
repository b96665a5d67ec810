"""Threads of this process, one a notebook: they suffice, as its work happens in a kernel process of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from threading import Thread
from typing import Final

import psutil

from stabkit.errors import UsageError
from stabkit.pipeline.homes import find_home
from stabkit.pipeline.kernels import prepare_kernels
from stabkit.pipeline.watch import Watch
from stabkit.pipeline.workers.attempts import Made, Task, attempt
from stabkit.probe import UnavailableError, find_group

__all__ = ["EXPECTED_MB", "Threads", "cores", "free_mb", "thread_workers"]

EXPECTED_MB: Final = 500.0
"""Memory of one notebook before any has shown what it takes: that of a bundled one and something to spare."""


class Threads:
    """As many notebooks at the same time as asked for; else one a core, fewer where memory is short."""

    def __init__(self, at_once: int | None = None) -> None:
        self._chosen = at_once
        self._slots = at_once or cores()
        self._running: dict[Future[Made], Watch] = {}
        self._peak_mb = EXPECTED_MB

    def has_room(self) -> bool:
        """Say whether one more notebook may start now."""
        return len(self._running) < self._slots and (self._chosen is not None or self._has_memory())

    def submit(self, task: Task, begun: Callable[[], None]) -> Future[Made]:
        """Start a notebook.

        Raises
        ------
        UsageError
            The system starts no further thread.
        """
        watch = Watch(timeout_s=task.limit_s)
        begun()
        future: Future[Made] = Future()
        try:
            work = partial(attempt, task, watch)
            Thread(target=_fulfil, args=(future, work), name=f"report-{task.number}").start()
        except RuntimeError as error:
            raise UsageError(
                f"Only {len(self._running)} notebooks can run at the same time: {error}.",
                where="--at-once",
                hint="Choose fewer; what is done is skipped the next time.",
            ) from error
        self._running[future] = watch
        return future

    def look(self) -> None:
        """Read what kernels take, and stop those whose time is over."""
        for future, watch in list(self._running.items()):
            watch.look()
            self._peak_mb = max(self._peak_mb, watch.peak_memory_mb or 0.0)
            if future.done():
                del self._running[future]

    def stop(self) -> None:
        """Stop all kernels and wait for their threads."""
        for watch in self._running.values():
            watch.cancel()
        wait(self._running)

    def _has_memory(self) -> bool:
        """Say whether memory is left for one more notebook like the largest so far; the first may always try.

        Those that run count as what they may still grow to: one just started has taken nothing yet.
        """
        growing = sum(max(0.0, self._peak_mb - (watch.peak_memory_mb or 0.0)) for watch in self._running.values())
        return not self._running or free_mb() > growing + self._peak_mb


@contextlib.contextmanager
def thread_workers(_tasks: Sequence[Task], *, at_once: int | None = None) -> Iterator[Threads]:
    """Offer threads for some tasks; whatever ends the batch, no kernel is left."""
    find_home()
    prepare_kernels()  # while papermill is imported here
    workers = Threads(at_once)
    try:
        yield workers
    finally:
        workers.stop()


def free_mb() -> float:
    """Return how much memory may still be taken, in MB: of this machine, or of the container around this process."""
    free = psutil.virtual_memory().available / 1e6
    with contextlib.suppress(UnavailableError):
        group = find_group(os.getpid())
        limit = group.limit_mb()
        if limit is not None:
            free = min(free, limit - group.memory_mb())
    return free


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fulfil(future: Future[Made], work: Callable[[], Made]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
        future.set_exception(error)
