"""One attempt at one report, the same wherever it is made: what it takes, and what became of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from stabkit.errors import NotebookError, StabkitError
from stabkit.pipeline.made_of import recorded
from stabkit.pipeline.outputs import Output
from stabkit.pipeline.reports import (
    Job,
    ReportFiles,
    as_failure,
    make_report,
    possible_files,
    report_failure,
    report_files,
    report_paths,
)
from stabkit.pipeline.watch import Watch
from stabkit.vocabulary import EXIT_CODES

__all__ = ["Made", "State", "Task", "Workers", "attempt", "failure_page", "report_there"]

_log = logging.getLogger(__name__)

State = Literal["queued", "started", "done", "failed", "skipped"]


@dataclass(frozen=True)
class Task:
    """A job with all that making its report takes.

    Its repr, which schedulers write into logs, names the report and nothing of its parameters: they may be secrets.

    Attributes
    ----------
    number : int
        Place of the job in its batch, from 0.
    cell_timeout_s, timeout_s : float
        Limits of each cell and of the whole notebook, seconds; the job's own comes first.
    made_of : mapping or None
        What the JSON records as ``made_of``.
    again : bool
        Make the report also where one lies that is made of the same.
    address : str or None
        ``s3://BUCKET/PREFIX``, if the output folder stands for that.
    """

    number: int
    job: Job
    output: Path
    cell_timeout_s: float
    timeout_s: float | None = None
    made_of: Mapping[str, Any] | None = None
    again: bool = False
    address: str | None = None

    def __repr__(self) -> str:
        return f"Task({self.job.file_name!r})"

    @property
    def limit_s(self) -> float | None:
        """Limit of the whole notebook, seconds."""
        return self.job.timeout_s if self.job.timeout_s is not None else self.timeout_s


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


class Workers(Protocol):
    """Who makes the reports of a batch. A batch asks all of this from one thread."""

    def has_room(self) -> bool:
        """Say whether one more task can be taken on now."""

    def submit(self, task: Task, begun: Callable[[], None]) -> Future[Made]:
        """Take a task on; ``begun`` is called from the batch's thread, now or while it looks, once the work begins.

        Raises
        ------
        StabkitError
            It cannot be taken on.
        """

    def look(self) -> None:
        """Look after what runs.

        Raises
        ------
        StabkitError
            Nothing will come of it any more.
        """

    def stop(self) -> None:
        """End what runs; no kernel is left when this returns."""


def attempt(task: Task, watch: Watch) -> Made:
    """Make one report; whatever goes wrong is part of the answer, and of a page if one can be written."""
    begun = time.monotonic()
    files: ReportFiles | None = None
    error: StabkitError | None = None
    try:
        files = make_report(task.job, task.output, timeout_s=task.cell_timeout_s, watch=watch, made_of=task.made_of)
        _publish(task, files)
        error = files.failure
        if error is not None and error.hint and task.address is not None:
            error.hint = error.hint.replace(str(task.output), task.address)
    except Exception as problem:  # noqa: BLE001 - one job's fault, ours too, is never the others' end
        _log.debug("report %s failed", task.job.file_name, exc_info=True)
        error = problem if isinstance(problem, StabkitError) else _bug(task.job, problem)
        if not watch.cancelled:
            files = failure_page(task, error)
    state: State = "done" if error is None else "failed"
    return Made(task.job, state, files, error, time.monotonic() - begun, watch.peak_memory_mb)


def failure_page(task: Task, error: StabkitError) -> ReportFiles | None:
    """Write a page that says nothing but why there is no report; None if not even that can be written."""
    try:
        files = report_failure(task.job, task.output, error)
        _publish(task, files)
    except StabkitError:
        return None
    return files


def _publish(task: Task, files: ReportFiles) -> None:
    # The JSON last: where it is, the report is whole.
    own = (*report_files(task.job, task.output, files.result), files.json)
    output = Output(task.output, task.address)
    output.publish(own)
    # Of an earlier report, which had more to list: as in a folder, nothing of it stays.
    output.withdraw(path for path in possible_files(task.job, task.output) if path not in own)


def _bug(job: Job, problem: Exception) -> StabkitError:
    return NotebookError(
        f"The notebook could not be run or shown: {type(problem).__name__}: {problem}",
        where=job.file_name,
        hint="Run it alone to see more: stabkit --debug report --notebook",
    )


def report_there(job: Job, output: Path, found: Mapping[str, Any] | None = None) -> ReportFiles | None:
    """Return the report of a job as it lies in the output folder; None unless it is whole.

    Parameters
    ----------
    found : mapping, optional
        Its result, where that was read already.
    """
    result = found if found is not None else recorded(job, output)
    if result is None:
        return None
    html, json_file, markdown = report_paths(job, output)
    return ReportFiles(
        html,
        json_file,
        markdown,
        title=str(result.get("title")),
        verdict=result.get("verdict"),
        exit_code=int(result["exit_code"]),
        result=result,
        failure=as_failure(job, html, result.get("failure")),
    )
