"""Many reports in one folder: some at once, each in a kernel of its own, and none twice.

A report that lies there whole and is made of the same is left as it is; one that failed is tried again. One failure
never stops the others. Whatever ends this process, no kernel survives it for long and no file is half written.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final, Literal

import psutil

from stabkit.errors import NotebookError, StabkitError, UsageError
from stabkit.pipeline.homes import find_home
from stabkit.pipeline.kernels import prepare_kernels
from stabkit.pipeline.made_of import Ingredients, recorded, same
from stabkit.pipeline.notebooks import check_parameters, find_notebook
from stabkit.pipeline.reports import (
    CELL_TIMEOUT_S,
    Job,
    ReportFiles,
    make_report,
    report_failure,
    report_paths,
)
from stabkit.pipeline.watch import Watch
from stabkit.probe import UnavailableError, find_group
from stabkit.report.page import UNFINISHED, check_folder
from stabkit.vocabulary import EXIT_CODES

__all__ = ["EXPECTED_MB", "Made", "Progressed", "cores", "free_mb", "make_reports", "run_batch"]

_log = logging.getLogger(__name__)

EXPECTED_MB: Final = 500.0
"""Memory of one notebook before any has shown what it takes: that of a bundled one and something to spare."""
_LOOK_S: Final = 0.2

State = Literal["queued", "started", "done", "failed", "skipped"]


@dataclass(frozen=True)
class Made:
    """What became of one job.

    Attributes
    ----------
    state : str
        ``done``, ``failed`` or ``skipped``: it lay there already.
    files : ReportFiles or None
        None if not even a page could be written.
    error : StabkitError or None
        What failed.
    time_s : float or None
        How long it took; None if it was skipped.
    peak_memory_mb : float or None
        Most memory that its kernel took; None if there was none.
    """

    job: Job
    state: State
    files: ReportFiles | None
    error: StabkitError | None = None
    time_s: float | None = None
    peak_memory_mb: float | None = None

    @property
    def exit_code(self) -> int:
        """Return 0 stable or nothing judged, 1 regressed, 2 failed, 3 inconclusive."""
        return EXIT_CODES["error"] if self.files is None or self.error is not None else self.files.exit_code


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
    output: Path,
    *,
    at_once: int | None = None,
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
    output : Path
        Folder of the reports. One batch at a time writes it.
    at_once : int, optional
        How many notebooks run at the same time; else one a core, fewer where memory is short.
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
        A job cannot be run as it stands, two would write the same files, or another batch is at work there.
    """
    for job in jobs:
        check_parameters(find_notebook(job.notebook), job.parameters)
    _check_names(jobs)
    with _only_batch(output):
        try:
            made = _Batch(jobs, output, cell_timeout_s, timeout_s, tell).run(at_once, again=again)
        except KeyboardInterrupt:
            with contextlib.suppress(StabkitError, OSError):
                _write_index(output)
            raise
        _write_index(output)
    return made


def _write_index(output: Path) -> None:
    # Imported while there is time for it: the first kernels should not wait for what is needed last.
    from stabkit.report.index import write_index

    write_index(output)


def make_reports(
    jobs: Sequence[Job], output: Path, *, done: Callable[[Job, ReportFiles | StabkitError], None] | None = None
) -> list[ReportFiles | StabkitError]:
    """Make several reports anew, some at once; one that fails never stops the others.

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
    batch = _Batch(jobs, output, CELL_TIMEOUT_S, None, tell, remember=False)
    return [_answer(made) for made in batch.run(None, again=True)]


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
    """The jobs of one call, as they wait, run and end."""

    def __init__(
        self,
        jobs: Sequence[Job],
        output: Path,
        cell_timeout_s: float,
        timeout_s: float | None,
        tell: Callable[[Progressed], None],
        *,
        remember: bool = True,
    ) -> None:
        self._jobs = jobs
        self._output = output
        self._cell_timeout_s = cell_timeout_s
        self._timeout_s = timeout_s
        self._tell = tell
        self._ingredients = Ingredients() if remember else None
        self._begun = time.monotonic()
        self._results: dict[int, Made] = {}
        self._running: dict[Future[Made], tuple[int, Watch]] = {}
        self._peak_mb = EXPECTED_MB

    def run(self, at_once: int | None, *, again: bool) -> list[Made]:
        """Run all jobs and return what became of them; an interrupt leaves no kernel behind."""
        made_of = [self._ingredients.of(job) if self._ingredients else None for job in self._jobs]
        waiting: deque[int] = deque()
        for number, job in enumerate(self._jobs):
            found = None if again else recorded(job, self._output)
            if found is not None and same(made_of[number], found):
                self._finished(number, _left(job, self._output, found))
            else:
                waiting.append(number)
                self._step("queued", number)
        if waiting:
            find_home()
            prepare_kernels()  # while papermill is imported here
        slots = min(at_once or cores(), len(waiting)) or 1
        try:
            while waiting or self._running:
                while waiting and len(self._running) < slots and (at_once or self._has_room()):
                    number = waiting.popleft()
                    self._start(number, made_of[number])
                self._look()
        finally:
            for _, watch in self._running.values():
                watch.cancel()
            wait(self._running)
        return [self._results[number] for number in range(len(self._jobs))]

    def _start(self, number: int, made_of: Mapping[str, Any] | None) -> None:
        job = self._jobs[number]
        watch = Watch(timeout_s=job.timeout_s if job.timeout_s is not None else self._timeout_s)
        self._step("started", number)
        future: Future[Made] = Future()
        self._running[future] = (number, watch)
        # Threads suffice: the notebook's work happens in a kernel process of its own.
        work = partial(_attempt, job, self._output, self._cell_timeout_s, watch, made_of)
        try:
            Thread(target=_fulfil, args=(future, work), name=f"report-{number}").start()
        except RuntimeError as error:
            del self._running[future]  # it would be waited for until the end of time
            raise UsageError(
                f"Only {len(self._running)} notebooks can run at the same time: {error}.",
                where="--at-once",
                hint="Choose fewer; what is done is skipped the next time.",
            ) from error

    def _look(self) -> None:
        """Wait a moment; read what kernels take, stop those whose time is over, take in those that are done."""
        done, _ = wait(self._running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        for _, watch in self._running.values():
            watch.look()
        for future in done:
            number, watch = self._running.pop(future)
            self._peak_mb = max(self._peak_mb, watch.peak_memory_mb or 0.0)
            self._finished(number, future.result())

    def _has_room(self) -> bool:
        """Say whether memory is left for one more notebook like the largest so far; the first may always try.

        Those that run count as what they may still grow to: one just started has taken nothing yet.
        """
        growing = sum(max(0.0, self._peak_mb - (watch.peak_memory_mb or 0.0)) for _, watch in self._running.values())
        return not self._running or free_mb() > growing + self._peak_mb

    def _finished(self, number: int, made: Made) -> None:
        self._results[number] = made
        self._step(made.state, number, made)

    def _step(self, state: State, number: int, made: Made | None = None) -> None:
        self._tell(Progressed(state, number, self._jobs[number], time.monotonic() - self._begun, made))


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


def _attempt(job: Job, output: Path, cell_timeout_s: float, watch: Watch, made_of: Mapping[str, Any] | None) -> Made:
    begun = time.monotonic()
    files: ReportFiles | None = None
    error: StabkitError | None = None
    try:
        files = make_report(job, output, timeout_s=cell_timeout_s, watch=watch, made_of=made_of)
        error = files.failure
    except Exception as problem:  # noqa: BLE001 - one job's fault, ours too, is never the others' end
        _log.debug("report %s failed", job.file_name, exc_info=True)
        error = problem if isinstance(problem, StabkitError) else _bug(job, problem)
        if not watch.cancelled:
            with contextlib.suppress(StabkitError):  # no page either; the answer says so
                files = report_failure(job, output, error)
    state: State = "done" if error is None else "failed"
    return Made(job, state, files, error, time.monotonic() - begun, watch.peak_memory_mb)


def _bug(job: Job, problem: Exception) -> StabkitError:
    return NotebookError(
        f"The notebook could not be run or shown: {type(problem).__name__}: {problem}",
        where=job.file_name,
        hint="Run it alone to see more: stabkit --debug report --notebook",
    )


def _left(job: Job, output: Path, found: Mapping[str, Any]) -> Made:
    html, result, markdown = report_paths(job, output)
    files = ReportFiles(
        html,
        result,
        markdown,
        title=str(found.get("title")),
        verdict=found.get("verdict"),
        exit_code=int(found["exit_code"]),
        result=found,
    )
    return Made(job, "skipped", files)


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
