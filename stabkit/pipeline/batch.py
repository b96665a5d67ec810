"""Many reports in one folder: some at once, each in a kernel of its own, and none twice.

A report that lies there whole and is made of the same is left as it is; one that failed is tried again. One failure
never stops the others. Whatever ends this process, no kernel survives it for long and no file is half written.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from stabkit.errors import NotebookError, StabkitError, UsageError
from stabkit.pipeline.made_of import Ingredients, recorded, same
from stabkit.pipeline.notebooks import check_parameters, find_notebook
from stabkit.pipeline.outputs import Output, open_output
from stabkit.pipeline.reports import CELL_TIMEOUT_S, Job, ReportFiles
from stabkit.pipeline.workers import Made, State, Task, Workers, cluster_workers, report_there, thread_workers
from stabkit.report.page import UNFINISHED, check_folder

__all__ = ["Progressed", "make_reports", "run_batch"]

_LOOK_S: Final = 0.2

#: Offers workers for some tasks, for as long as they are at work.
Open = Callable[[Sequence[Task]], AbstractContextManager[Workers]]


@dataclass(frozen=True)
class Progressed:
    """One step of a batch.

    Attributes
    ----------
    number : int
        Place of the job in the list, from 0.
    at_s : float
        Seconds since the batch began.
    made : Made or None
        What became of the job, once that is known.
    """

    state: State
    number: int
    job: Job
    at_s: float
    made: Made | None = None


def run_batch(
    jobs: Sequence[Job],
    output: Path | str,
    *,
    at_once: int | None = None,
    cluster: str | None = None,
    cell_timeout_s: float = CELL_TIMEOUT_S,
    timeout_s: float | None = None,
    again: bool = False,
    tell: Callable[[Progressed], None] = lambda _step: None,
) -> list[Made]:
    """Make the reports of all jobs that do not lie in the output folder as they would be made now, and the index.

    Parameters
    ----------
    jobs : sequence of Job
        Checked all before the first kernel starts.
    output : Path or str
        Folder of the reports, or ``s3://BUCKET/PREFIX``. One batch at a time writes it.
    at_once : int, optional
        How many notebooks run at the same time; else one a core, fewer where memory is short, and on a cluster as many
        as its workers have threads.
    cluster : str, optional
        Run them on a Dask cluster: the address of its scheduler, the path of its scheduler file, or ``local:N`` for N
        processes of this machine.
    cell_timeout_s : float
        Limit of each cell, seconds.
    timeout_s : float, optional
        Limit of each notebook, seconds, unless its job has one of its own.
    again : bool
        Make those too that lie there.
    tell : callable
        Called with each step, from the calling thread.

    Returns
    -------
    list of Made
        In the order of the jobs.

    Raises
    ------
    UsageError
        A job cannot be run as it stands, two would write the same files, another batch is at work there, or the
        cluster cannot do this work.
    NotebookError
        The cluster was lost; what is done is kept.
    """
    for job in jobs:
        check_parameters(find_notebook(job.notebook), job.parameters)
    _check_names(jobs)
    workers: Open = (
        partial(thread_workers, at_once=at_once)
        if cluster is None
        else partial(cluster_workers, where=cluster, at_once=at_once)
    )
    with open_output(output) as place, _only_batch(place.folder):
        ingredients = Ingredients()
        tasks = [
            Task(number, job, place.folder, cell_timeout_s, timeout_s, ingredients.of(job), again, place.address)
            for number, job in enumerate(jobs)
        ]
        batch = _Batch(tasks, tell)
        try:
            made = batch.run(workers)
        except (KeyboardInterrupt, StabkitError):
            if batch.made:
                with contextlib.suppress(StabkitError, OSError):
                    _write_index(place)
            raise
        _write_index(place)
    return made


def _write_index(output: Output) -> None:
    # Imported while there is time for it: the first kernels should not wait for what is needed last.
    from stabkit.report.index import write_index

    write_index(output.folder)
    output.publish_index()


def make_reports(
    jobs: Sequence[Job],
    output: Path,
    *,
    address: str | None = None,
    done: Callable[[Job, ReportFiles | StabkitError], None] | None = None,
) -> list[ReportFiles | StabkitError]:
    """Make several reports anew, some at once; one that fails never stops the others.

    Parameters
    ----------
    address : str, optional
        ``s3://BUCKET/PREFIX``, if the folder stands for that.

    Returns
    -------
    list
        In the order of the jobs: the files, or the error that kept them from being made.
    """

    def tell(step: Progressed) -> None:
        if done is not None and step.made is not None:
            done(step.job, _answer(step.made))

    for job in jobs:
        check_parameters(find_notebook(job.notebook), job.parameters)
    tasks = [Task(number, job, output, CELL_TIMEOUT_S, again=True, address=address) for number, job in enumerate(jobs)]
    return [_answer(made) for made in _Batch(tasks, tell).run(thread_workers)]


def _answer(made: Made) -> ReportFiles | StabkitError:
    if made.files is not None:
        return made.files
    return made.error or NotebookError("The report was not made.", where=made.job.file_name)


def _check_names(jobs: Sequence[Job]) -> None:
    known: dict[str, int] = {}
    for number, job in enumerate(jobs):
        first = known.setdefault(job.file_name.casefold(), number)
        if first != number:
            raise UsageError(
                f"Jobs {first + 1} and {number + 1} would write the same files.",
                where=f"{job.file_name}.html",
                hint="Give one of them another name.",
            )


class _Batch:
    """The jobs of one call, as they wait, run and end.

    Attributes
    ----------
    made : dict
        What became of those that ended, by number.
    """

    def __init__(self, tasks: Sequence[Task], tell: Callable[[Progressed], None]) -> None:
        self._tasks = tasks
        self._tell = tell
        self._begun = time.monotonic()
        self.made: dict[int, Made] = {}
        self._running: dict[Future[Made], Task] = {}

    def run(self, workers: Open) -> list[Made]:
        """Run all jobs and return what became of them; whatever ends it leaves no kernel behind."""
        waiting: deque[Task] = deque()
        for task in self._tasks:
            found = None if task.again else recorded(task.job, task.output)
            if found is not None and same(task.made_of, found):
                files = report_there(task.job, task.output, found)
                self._finished(task, Made(task.job, "skipped", files))
            else:
                waiting.append(task)
                self._step("queued", task)
        if waiting:
            with workers(tuple(waiting)) as chosen:
                self._work(waiting, chosen)
        return [self.made[task.number] for task in self._tasks]

    def _work(self, waiting: deque[Task], workers: Workers) -> None:
        while waiting or self._running:
            while waiting and workers.has_room():
                task = waiting.popleft()
                future = workers.submit(task, partial(self._step, "started", task))
                self._running[future] = task
            done, _ = wait(self._running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            workers.look()
            for future in done:
                self._finished(self._running.pop(future), future.result())

    def _finished(self, task: Task, made: Made) -> None:
        self.made[task.number] = made
        self._step(made.state, task, made)

    def _step(self, state: State, task: Task, made: Made | None = None) -> None:
        self._tell(Progressed(state, task.number, task.job, time.monotonic() - self._begun, made))


@contextlib.contextmanager
def _only_batch(output: Path) -> Iterator[None]:
    """Hold the output folder for this batch alone, and clear away what a killed one left half written."""
    check_folder(output)
    folder = os.open(output, os.O_RDONLY)
    try:
        if not _lock(folder):
            raise UsageError(
                "Another batch is writing this folder.",
                where=str(output),
                hint="Wait for it to end, or name another folder with --output.",
            )
        for unfinished in output.glob(f"{UNFINISHED}*"):
            unfinished.unlink(missing_ok=True)
        yield
    finally:
        os.close(folder)  # which gives the lock back, as the end of this process would


def _lock(folder: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
