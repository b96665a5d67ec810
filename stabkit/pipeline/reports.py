"""From a notebook and its parameters to one HTML file, and beside it the same result as JSON and Markdown."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from stabkit.errors import NotebookError, StabkitError
from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.notebooks import check_parameters, find_notebook

__all__ = ["Job", "ReportFiles", "from_here", "make_report", "make_reports"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One report to make."""

    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None

    @property
    def file_name(self) -> str:
        """The report's file name, without suffix, safe on every file system."""
        stem = self.name or Path(self.notebook).stem
        return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "report"


@dataclass(frozen=True)
class ReportFiles:
    """The files of one report, and what they say.

    Attributes
    ----------
    verdict : str or None
        ``stable``, ``regressed`` or ``inconclusive``; None for a notebook that judges nothing, or that broke.
    exit_code : int
        0 stable or nothing judged, 1 regressed, 2 the notebook broke, 3 inconclusive.
    failure : NotebookError or None
        Which cell broke, if one did; the page was made all the same.
    """

    html: Path
    json: Path
    markdown: Path
    title: str
    verdict: str | None
    exit_code: int
    result: Mapping[str, Any]
    failure: NotebookError | None = None


def from_here(path: Path | str) -> str:
    """Return a path as a notebook parameter: relative where it lies in the working folder, which is the kernel's too.

    The address of a remote store stays as it is.

    A page travels; it should say as little as possible of the machine it came from.
    """
    if str(path).startswith("s3://"):
        return str(path)
    absolute, here = Path(path).resolve(), Path.cwd().resolve()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def make_report(job: Job, output: Path, *, timeout_s: int = 600) -> ReportFiles:
    """Run a notebook and write its report: ``NAME.html``, ``NAME.json`` and ``NAME.md`` in the output folder.

    A notebook with a broken cell still makes a page, which says what broke; the result then has exit code 2.

    Raises
    ------
    UsageError
        No such notebook, or a parameter that it does not declare.
    NotebookError
        The kernel died, or the output folder cannot be written.
    """
    from stabkit.report.render import render

    path = find_notebook(job.notebook)
    execution = execute_notebook(path, job.parameters, timeout_s=timeout_s)
    rendered = render(execution.notebook, index="index.html")
    stem = job.file_name
    html, result, markdown = (output / f"{stem}{suffix}" for suffix in (".html", ".json", ".md"))
    try:
        output.mkdir(parents=True, exist_ok=True)
        _write(html, rendered.html)
        _write(markdown, rendered.markdown)
        _write(result, rendered.json)
    except OSError as error:
        raise NotebookError(
            f"The report cannot be written: {error.strerror or error}.",
            where=str(output),
            hint="Give another folder with --output.",
        ) from error
    failure = None
    if execution.failure is not None:
        broken = execution.failure
        section = f", section {broken.heading!r}" if broken.heading else ""
        failure = NotebookError(
            f"Cell {broken.cell + 1} broke: {broken.error}: {broken.message}",
            where=f"{path.name}{section}",
            hint=f"The page shows where: {html}",
        )
    return ReportFiles(
        html,
        result,
        markdown,
        title=str(rendered.result["title"]),
        verdict=rendered.result["verdict"],
        exit_code=int(rendered.result["exit_code"]),
        result=rendered.result,
        failure=failure,
    )


def make_reports(
    jobs: Sequence[Job],
    output: Path,
    *,
    at_once: int | None = None,
    timeout_s: int = 600,
    done: Callable[[Job, ReportFiles | StabkitError], None] | None = None,
) -> list[ReportFiles | StabkitError]:
    """Make several reports, some at once; one that fails never stops the others.

    Returns
    -------
    list
        In the order of the jobs: the files, or the error that kept them from being made.
    """
    for job in jobs:  # a wrong option is said before any kernel starts
        check_parameters(find_notebook(job.notebook), job.parameters)
    results: dict[int, ReportFiles | StabkitError] = {}
    # Threads suffice: each notebook's work happens in a kernel process of its own.
    workers = at_once or min(len(jobs) or 1, os.cpu_count() or 1, 4)
    with ThreadPoolExecutor(workers, thread_name_prefix="report") as pool:
        waiting = {pool.submit(_attempt, job, output, timeout_s): number for number, job in enumerate(jobs)}
        try:
            for future in as_completed(waiting):
                number = waiting[future]
                results[number] = future.result()
                if done is not None:
                    done(jobs[number], results[number])
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            _kill_kernels()
            raise
    return [results[number] for number in range(len(jobs))]


def _attempt(job: Job, output: Path, timeout_s: int) -> ReportFiles | StabkitError:
    try:
        return make_report(job, output, timeout_s=timeout_s)
    except StabkitError as error:
        _log.debug("report %s failed", job.file_name, exc_info=True)
        return error


def _kill_kernels() -> None:
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def _write(path: Path, text: str) -> None:
    # A reader never sees half a page: written beside, then renamed.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
