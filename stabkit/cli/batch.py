"""The command that makes many reports: batch."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from stabkit.cli.options import (
    ClusterOption,
    ConfigOption,
    DataOption,
    FormatOption,
    NotebookOption,
    ParameterOption,
    ReportsOption,
    SignOption,
    data_folder,
    open_data,
    sign_reports,
    signing_key,
    terminal_of,
    usual_config,
)
from stabkit.cli.reports import notebooks_of, words_of
from stabkit.cli.terminal import Format, ProgressLines, Terminal
from stabkit.errors import StabkitError, UsageError
from stabkit.paths import read_bounded
from stabkit.vocabulary import EXIT_CODES, VERDICTS, gravest

if TYPE_CHECKING:
    from stabkit.pipeline import Listed, Made, Progressed

__all__ = ["batch"]

_LARGEST: Final = 256_000_000  # bytes of a list of jobs; a million of them have less
_SHOWN_PROBLEMS: Final = 20
# As in the index: what most needs a look comes first.
_ORDER: Final = ("failed", *VERDICTS, "none")
_WORDS: Final = {"none": "without verdict"}
_GLYPHS: Final = {"failed": "!", "regressed": "✗", "inconclusive": "?", "stable": "✓", "none": "–"}
_SHOWN_ROWS: Final = 200
_LONGEST_TOLD: Final = 200


class ProgressForm(StrEnum):
    """How the progress of a batch is told."""

    bar = "bar"
    json = "json"


def batch(
    context: typer.Context,
    jobs: Annotated[
        Path | None,
        typer.Argument(
            metavar="JOBS", allow_dash=True, help="List of jobs: JSON lines, JSON array or CSV; - is stdin."
        ),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Instead: every run of the store against the run before it.")
    ] = False,
    below: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Instead: the newest run of each project (stabkit.toml) below FOLDER."),
    ] = None,
    output: ReportsOption = Path("reports"),
    notebook: NotebookOption = None,
    parameter: ParameterOption = None,
    again: Annotated[bool, typer.Option("--again", help="Make those too that lie there unchanged.")] = False,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Notebooks at the same time; else one a core, as far as memory goes."),
    ] = None,
    cluster: ClusterOption = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Limit of a notebook, unless its job has timeout_s.")
    ] = 3600,
    cell_timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Limit of each cell.")] = 600,
    progress: Annotated[
        ProgressForm | None,
        typer.Option(help="On stderr: a bar, where that is no terminal a line a report; or a JSON line a step."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
    sign: SignOption = None,
) -> int:
    r"""Make many reports and an index of them.

    A job is a line such as {"notebook": "stability_report", "parameters": {"candidate": "v1.5"}}, or a row of CSV whose
    columns are parameters; --notebook and --parameter are for jobs that say nothing of it. What lies in the folder and
    is made of the same notebook, parameters and runs is skipped; what failed is tried again. One failure stops nothing.

    Exit codes: 0 all stable; else that of the gravest report: 2 failed, then 1 regressed, then 3 inconclusive. 130
    interrupted.

    \b
    Examples:
      stabkit batch --pairs
      stabkit batch jobs.csv --output nightly --format markdown
    """
    from stabkit.installation import need_for

    need_for("notebooks")
    from stabkit.pipeline import USUAL_NOTEBOOK, jobs_of, run_batch

    terminal = terminal_of(context)
    terminal.in_lines = progress is ProgressForm.json
    key = signing_key(sign, output)
    names = notebooks_of(notebook or [USUAL_NOTEBOOK])
    listed = _entries(jobs, pairs=pairs, below=below, config=config, data=data)
    usual = _places(config, data) if jobs is not None else {}
    found, problems = jobs_of(listed, notebooks=names, parameters=words_of(parameter or []), usual=usual)
    if problems:
        return _refuse(terminal, problems)
    told = _Told(terminal, [where for where, _ in found])
    try:
        made = run_batch(
            [job for _, job in found],
            output,
            at_once=at_once,
            cluster=cluster,
            cell_timeout_s=cell_timeout,
            timeout_s=timeout,
            again=again,
            tell=told,
        )
    finally:
        told.finish()
    if key is not None:
        sign_reports([(one.files.html, one.files.json) for one in made if one.files is not None], key)
    if output_format is Format.json:
        terminal.document(_document(made, output))
    else:
        terminal.result(_markdown(made, output) if output_format is Format.markdown else _text(made, output))
    return gravest([one.exit_code for one in made])


def _entries(
    jobs: Path | None, *, pairs: bool, below: Path | None, config: Path | None, data: str | None
) -> list[Listed]:
    from stabkit.pipeline import pairs as stored_pairs
    from stabkit.pipeline import projects_below, read_list

    if [jobs is not None, pairs, below is not None].count(True) != 1:
        raise UsageError(
            "A batch needs one list of reports: JOBS, --pairs or --below.",
            hint="Such as: stabkit batch --pairs, or see: stabkit batch --help",
        )
    if below is not None:
        return projects_below(below)
    if jobs is None:
        return stored_pairs(open_data(config, data), _places(config, data))
    try:
        content = _piped() if str(jobs) == "-" else read_bounded(jobs, _LARGEST, pipes=True)
    except OSError as error:
        raise UsageError(
            f"The list of jobs cannot be read: {error.strerror or error}.",
            where=str(jobs),
            hint="Name a file, or - for stdin.",
        ) from error
    return read_list(content, "stdin" if str(jobs) == "-" else str(jobs))


def _piped() -> bytes:
    content = sys.stdin.buffer.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {_LARGEST:,} bytes", "stdin")
    return content


def _places(config: Path | None, data: str | None) -> dict[str, str]:
    """Return store and configuration as notebooks take them; empty where there is none."""
    from stabkit.pipeline import from_here

    settings = usual_config(config, data)
    store = data_folder(config, data) if data is not None or settings is not None else None
    return {
        "data": "" if store is None else from_here(store),
        "config": "" if settings is None else from_here(settings),
    }


def _refuse(terminal: Terminal, problems: Sequence[StabkitError]) -> int:
    for problem in problems[:_SHOWN_PROBLEMS]:
        terminal.error(problem)
    more = len(problems) - _SHOWN_PROBLEMS
    terminal.note(f"{f'and {more} more; ' if more > 0 else ''}nothing was run")
    return 2


class _Told:
    """The progress of a batch on stderr: a bar on a terminal, else a line a report; or a JSON line for each step."""

    def __init__(self, terminal: Terminal, places: Sequence[str]) -> None:
        self._terminal = terminal
        self._places = places
        self._done = 0
        self._events = terminal.in_lines
        self._progress = None if self._events else terminal.progress()
        if self._progress is not None:
            self._progress.start("reports", len(places))

    def __call__(self, step: Progressed) -> None:
        """Tell one step."""
        if self._events:
            self._terminal.event(_event(step, self._places[step.number]))
            return
        if (made := step.made) is None:
            return
        self._done += 1
        if self._progress is not None:
            self._progress.advance()
        if isinstance(self._progress, ProgressLines) and made.state != "skipped":
            self._terminal.note(f"{self._done} of {len(self._places)}: {_finished(made)}")
            self._progress.told()
        if made.error is not None:
            self._terminal.error(made.error)

    def finish(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.finish()


def _event(step: Progressed, where: str) -> dict[str, Any]:
    made = step.made
    return {
        "schema": 1,
        "event": step.state,
        "name": step.job.file_name,
        "where": where,
        "at_s": round(step.at_s, 3),
        "time_s": _rounded(made.time_s, 3) if made else None,
        "peak_memory_mb": _rounded(made.peak_memory_mb, 1) if made else None,
        "verdict": made.files.verdict if made and made.files else None,
        "exit_code": made.exit_code if made else None,
        "error": str(made.error) if made and made.error else None,
    }


def _finished(made: Made) -> str:
    from stabkit.numbers import duration

    group = _group(made)
    took = "" if made.time_s is None else f", {duration(made.time_s)}"
    return f"{_GLYPHS[group]} {_WORDS.get(group, group)}  {made.job.file_name}{took}"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _group(made: Made) -> str:
    if made.exit_code == EXIT_CODES["error"] or made.files is None:
        return "failed"
    return made.files.verdict or "none"


def _counted(made: Sequence[Made]) -> str:
    counts = Counter(map(_group, made))
    parts = [f"{counts[group]} {_WORDS.get(group, group)}" for group in _ORDER if counts[group]]
    skipped = sum(one.state == "skipped" for one in made)
    there = f" {skipped} of them lay there unchanged." if skipped else ""
    return f"{len(made)} {'report' if len(made) == 1 else 'reports'}: {', '.join(parts)}.{there}"


def _told_of(one: Made) -> str:
    from stabkit.text import plain

    return plain(one.error.what if one.error is not None else one.files.title if one.files else "", _LONGEST_TOLD)


def _page(one: Made, output: Path) -> str | None:
    """Return where the page of a report is; of one on object storage, the folder here that stood for that is gone."""
    if one.files is None:
        return None
    return str(one.files.html) if isinstance(output, Path) else f"{str(output).rstrip('/')}/{one.files.html.name}"


def _index(output: Path) -> str:
    return str(output / "index.html") if isinstance(output, Path) else f"{str(output).rstrip('/')}/index.html"


def _sorted(made: Sequence[Made]) -> list[Made]:
    return sorted(made, key=lambda one: _ORDER.index(_group(one)))


def _text(made: Sequence[Made], output: Path) -> str:
    shown = _sorted(made)[:_SHOWN_ROWS]
    marks = [f"{_GLYPHS[_group(one)]} {_WORDS.get(_group(one), _group(one))}" for one in shown]
    pages = [_page(one, output) or "no page" for one in shown]
    wide = [max(map(len, column), default=0) for column in (marks, pages)]
    lines = [
        f"{mark:{wide[0]}}  {page:{wide[1]}}  {_told_of(one)}"
        for mark, page, one in zip(marks, pages, shown, strict=True)
    ]
    if len(made) > _SHOWN_ROWS:
        lines.append(f"and {len(made) - _SHOWN_ROWS} more, in the index")
    return "\n".join([*lines, _counted(made), f"Index: {_index(output)}"])


def _markdown(made: Sequence[Made], output: Path) -> str:
    from stabkit.report.display import markdown_text

    lines = [f"**{_counted(made)}** [Index](<{_index(output)}>)", "", "| Report | Verdict | |", "|---|---|---|"]
    for one in _sorted(made)[:_SHOWN_ROWS]:
        word = f"{_GLYPHS[_group(one)]} {_WORDS.get(_group(one), _group(one))}"
        lines.append(f"| {markdown_text(one.job.file_name)} | {word} | {markdown_text(_told_of(one))} |")
    if len(made) > _SHOWN_ROWS:
        lines += ["", f"and {len(made) - _SHOWN_ROWS} more"]
    return "\n".join(lines)


def _document(made: Sequence[Made], output: Path) -> dict[str, Any]:
    counts = Counter(map(_group, made))
    return {
        "schema": 1,
        "exit_code": gravest([one.exit_code for one in made]),
        "counts": {group: counts[group] for group in _ORDER},
        "skipped": sum(one.state == "skipped" for one in made),
        "index": _index(output),
        "reports": [
            {
                "name": one.job.file_name,
                "state": one.state,
                "title": one.files.title if one.files else None,
                "verdict": one.files.verdict if one.files else None,
                "exit_code": one.exit_code,
                "html": _page(one, output),
                "error": str(one.error) if one.error else None,
                "time_s": _rounded(one.time_s, 3),
                "peak_memory_mb": _rounded(one.peak_memory_mb, 1),
            }
            for one in made
        ],
    }
