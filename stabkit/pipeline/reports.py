"""From a notebook and its parameters to one HTML file, and beside it the same result as JSON and Markdown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import nbformat

from stabkit.errors import NotebookError, StabkitError
from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.notebooks import find_notebook
from stabkit.pipeline.watch import Watch
from stabkit.redact import redact_text
from stabkit.report.attestation import with_statement
from stabkit.report.display import WHOLE_NAMES
from stabkit.report.page import Rendered, render, write_whole

__all__ = [
    "CELL_TIMEOUT_S",
    "Job",
    "ReportFiles",
    "as_failure",
    "from_here",
    "make_report",
    "possible_files",
    "report_failure",
    "report_files",
    "report_paths",
]

CELL_TIMEOUT_S: Final = 600.0
_LONGEST_NAME: Final = 100
# "index" is the index's own; the others cannot be file names on Windows, whatever their suffix.
_TAKEN: Final = re.compile(r"(?i)(index|con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True)
class Job:
    """One report to make.

    Attributes
    ----------
    notebook : str
        Path of an ``.ipynb``, or the name of one that comes with stabkit.
    parameters : mapping
        Values for its parameters cell.
    name : str or None
        What the report's files are called; else as the notebook.
    timeout_s : float or None
        Limit of the whole notebook, seconds.
    about : str or None
        What tells the report from others of the same notebook; part of its title where the verdict gives none.
    problem : StabkitError or None
        Why it cannot be run; its report says so.
    """

    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    timeout_s: float | None = None
    about: str | None = None
    problem: StabkitError | None = None

    @property
    def file_name(self) -> str:
        """The report's file name, without suffix, safe on every file system.

        Names that differ only in what no file name may hold stay apart: what was left out goes into a few digits.
        """
        stem = self.name or Path(self.notebook).stem
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")
        if _TAKEN.fullmatch(safe):
            safe = f"report-{safe}"
        if safe and safe == stem and len(safe) <= _LONGEST_NAME:
            return safe
        digits = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:6]
        return f"{safe[:_LONGEST_NAME] or 'report'}-{digits}"


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
    peak_memory_mb : float or None
        Most memory that the kernel took.
    """

    html: Path
    json: Path
    markdown: Path
    title: str
    verdict: str | None
    exit_code: int
    result: Mapping[str, Any]
    failure: NotebookError | None = None
    peak_memory_mb: float | None = None


def from_here(path: Path | str) -> str:
    """Return a path as a notebook parameter: relative where it lies in the working folder, which is the kernel's too.

    The address of a remote store stays as it is.

    A page travels; it should say as little as possible of the machine it came from.
    """
    if str(path).startswith("s3://"):
        return str(path)
    absolute, here = Path(path).resolve(), Path.cwd().resolve()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def report_paths(job: Job, output: Path) -> tuple[Path, Path, Path]:
    """Return the files of a job's report: page, JSON, Markdown."""
    html, result, markdown = (output / f"{job.file_name}{suffix}" for suffix in (".html", ".json", ".md"))
    return html, result, markdown


def _whole_path(job: Job, output: Path, name: str) -> Path:
    return output / f"{job.file_name}.{name}.parquet"


def possible_files(job: Job, output: Path) -> tuple[Path, ...]:
    """Return all files that a job's report may consist of."""
    return *report_paths(job, output), *(_whole_path(job, output, name) for name in WHOLE_NAMES)


def report_files(job: Job, output: Path, result: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the files that a job's report consists of beside its JSON, as that says."""
    html, _, markdown = report_paths(job, output)
    whole = result.get("whole")
    return html, markdown, *(_whole_path(job, output, name) for name in WHOLE_NAMES if name in (whole or ()))


def make_report(
    job: Job,
    output: Path,
    *,
    timeout_s: float = CELL_TIMEOUT_S,
    watch: Watch | None = None,
    made_of: Mapping[str, Any] | None = None,
) -> ReportFiles:
    """Run a notebook and write its report: ``NAME.html``, ``NAME.json`` and ``NAME.md`` in the output folder.

    A notebook with a broken cell, or whose kernel died, still makes a page, which says what broke; the result then has
    exit code 2.

    Parameters
    ----------
    job : Job
        What to run.
    output : Path
        Folder of the reports; made if there is none.
    timeout_s : float
        Limit of each cell, seconds.
    watch : Watch, optional
        Told how the notebook goes on. One that is cancelled writes nothing.
    made_of : mapping, optional
        What is recorded in the JSON as ``made_of``, to know later whether the report is still the same.

    Raises
    ------
    StabkitError
        The job's own problem; or no such notebook, or a parameter that it does not declare.
    NotebookError
        No kernel starts, or the output folder cannot be written.
    """
    if job.problem is not None:
        raise job.problem
    path = find_notebook(job.notebook)
    execution = execute_notebook(path, job.parameters, timeout_s=timeout_s, watch=watch)
    if watch is not None and watch.cancelled:
        raise NotebookError("The report was given up.", where=path.name)
    rendered = render(execution.notebook, about=job.about, index="index.html")
    return _write(job, output, rendered, peak_memory_mb=execution.peak_memory_mb, made_of=made_of)


def report_failure(job: Job, output: Path, error: Exception) -> ReportFiles:
    """Write the report of a job that could not even be run, or rendered: a page with nothing but the reason.

    Raises
    ------
    NotebookError
        The output folder cannot be written.
    """
    message = redact_text(str(error))
    shown = nbformat.v4.new_output("error", ename=type(error).__name__, evalue=message, traceback=[])
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(f"# {Path(job.notebook).stem}"),
            nbformat.v4.new_code_cell("", outputs=[shown]),
        ],
        metadata={"papermill": {"input_path": f"{Path(job.notebook).stem}.ipynb"}},
    )
    return _write(job, output, render(notebook, about=job.about, index="index.html"), error=error)


def _write(
    job: Job,
    output: Path,
    rendered: Rendered,
    *,
    peak_memory_mb: float | None = None,
    made_of: Mapping[str, Any] | None = None,
    error: Exception | None = None,
) -> ReportFiles:
    html, result, markdown = report_paths(job, output)
    if made_of is not None:
        rendered.result["made_of"] = dict(made_of)
    whole = {name: _whole_path(job, output, name) for name in rendered.whole}
    if whole:
        rendered.result["whole"] = {name: path.name for name, path in whole.items()}
    files: dict[Path, str | bytes] = {whole[name]: content for name, content in rendered.whole.items()}
    page, text = with_statement(rendered)
    try:
        output.mkdir(parents=True, exist_ok=True)
        # The JSON last: where it is, the report is whole.
        write_whole({**files, html: page, markdown: rendered.markdown, result: text})
        for name in {*WHOLE_NAMES} - whole.keys():  # of an earlier report, which had more to list
            _whole_path(job, output, name).unlink(missing_ok=True)
    except OSError as fault:
        raise NotebookError(
            f"The report cannot be written: {fault.strerror or fault}.",
            where=str(output),
            hint="Give another folder with --output.",
        ) from fault
    failure = as_failure(job, html, rendered.result["failure"])
    if error is not None:
        failure = error if isinstance(error, NotebookError) else NotebookError(str(error), where=job.file_name)
    return ReportFiles(
        html,
        result,
        markdown,
        title=str(rendered.result["title"]),
        verdict=rendered.result["verdict"],
        exit_code=int(rendered.result["exit_code"]),
        result=rendered.result,
        failure=failure,
        peak_memory_mb=peak_memory_mb,
    )


def as_failure(job: Job, html: Path, broken: Mapping[str, Any] | None) -> NotebookError | None:
    """Return the error that a result tells of; None if it tells of none."""
    if broken is None:
        return None
    section = f", section {broken['section']!r}" if broken["section"] else ""
    return NotebookError(
        f"Cell {broken['cell']} broke: {broken['error']}: {broken['message']}",
        where=f"{Path(job.notebook).stem}.ipynb{section}",
        hint=f"The page shows where: {html}",
    )
