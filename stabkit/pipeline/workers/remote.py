"""What a worker of a cluster does: make one report, as threads of a single machine would, and answer in a few words.

It notices by itself when nobody waits for the report any longer, or when it is about to end: no kernel outlives that.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, Final

from stabkit.errors import StabkitError
from stabkit.pipeline.made_of import recorded, same
from stabkit.pipeline.outputs import open_output
from stabkit.pipeline.reports import possible_files
from stabkit.pipeline.workers.attempts import Made, Task
from stabkit.pipeline.workers.needs import Needs, lacking
from stabkit.pipeline.workers.threads import thread_workers
from stabkit.redact import is_secret_name, redact_text

if TYPE_CHECKING:
    from distributed import Worker

__all__ = ["WorkerError", "dask_setup", "work"]

_LOOK_S: Final = 0.2


class WorkerError(Exception):
    """A worker could not even leave a page: what is wrong, where, and what helps. Another worker may do better."""


def dask_setup(_worker: Worker) -> None:
    """Leave Ctrl-C to the command: a terminal sends it to the processes that the command started as well.

    Called where this module is a preload of a worker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work(task: Task, needs: Needs, topic: str) -> dict[str, Any]:
    """Make one report at a worker; return its state, its error, its time and its memory.

    Parameters
    ----------
    needs : Needs
        What this worker must see: it may have joined after the others were asked.
    topic : str
        Where the batch hears that the work began and that it ended, by the number of the task.

    Raises
    ------
    WorkerError
        The worker lacks something, or no page could be written.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    worker.log_event(topic, {"begun": task.number})
    try:
        lacks = lacking(needs)
        if lacks:
            raise WorkerError(f"The worker {worker.name} ({worker.address}) {lacks[0]}.", "--cluster", None)
        with _WORKING.of(needs.folder), open_output(task.address or task.output, fetch=False) as output:
            own = replace(task, output=output.folder)
            if not task.again:
                output.fetch(path.name for path in possible_files(task.job, output.folder))
            made = _left_by_another(own) or _made(own, worker, key)
        if made.files is None and made.error is not None:
            raise _fault(task, made.error, worker)
        return _answer(task, made)
    finally:
        worker.log_event(topic, {"ended": task.number})


def _made(task: Task, worker: Worker, key: Any) -> Made:
    with thread_workers((task,), at_once=1) as threads:
        future = threads.submit(task, lambda: None)
        while not future.done() and _wanted(worker, key):
            wait([future], timeout=_LOOK_S)
            threads.look()
    return future.result()  # of one that was given up, nobody reads it: its kernel is gone


def _wanted(worker: Worker, key: Any) -> bool:
    """Say whether the batch still waits for a task: neither it nor the scheduler has gone, and nobody cancelled it."""
    state = worker.state.tasks.get(key)
    at_work = worker.status.name in ("running", "paused")
    return at_work and state is not None and state.state not in ("cancelled", "released", "forgotten")


def _left_by_another(task: Task) -> Made | None:
    """Return the report that a worker wrote just before it died, or before its answer was lost."""
    found = None if task.again else recorded(task.job, task.output)
    return Made(task.job, "done", None) if found is not None and same(task.made_of, found) else None


def _fault(task: Task, error: StabkitError, worker: Worker) -> WorkerError:
    texts = [error.what, f"worker {worker.name}: {error.where or task.job.file_name}", error.hint]
    return WorkerError(*(text and _masked(text, task) for text in texts))


def _answer(task: Task, made: Made) -> dict[str, Any]:
    error = made.error
    told = None if error is None else [text and _masked(text, task) for text in (error.what, error.where, error.hint)]
    return {"state": made.state, "error": told, "time_s": made.time_s, "peak_memory_mb": made.peak_memory_mb}


def _masked(text: str, task: Task) -> str:
    return redact_text(text, [str(value) for name, value in task.job.parameters.items() if is_secret_name(name)])


class _WorkingFolder:
    """The working folder of this process, in which kernels begin; it has one for all its threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._folder = ""
        self._tasks = 0
        self._before = Path()

    @contextlib.contextmanager
    def of(self, folder: str) -> Iterator[None]:
        """Stand in a command's folder, if it is here; tasks of another command wait until those at work are done."""
        if not Path(folder).is_dir():  # then nothing is named as seen from there
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._tasks or self._folder == folder)
            if not self._tasks:
                self._folder, self._before = folder, Path.cwd()
                os.chdir(folder)
            self._tasks += 1
        try:
            yield
        finally:
            with self._changed:
                self._tasks -= 1
                if not self._tasks:
                    os.chdir(self._before)
                    self._changed.notify_all()


_WORKING: Final = _WorkingFolder()
