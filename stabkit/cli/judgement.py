"""The commands that compare and judge: compare, gate, diff, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.options import (
    BaselineArgument,
    CandidateArgument,
    ConfigOption,
    DataOption,
    FormatOption,
    OutputOption,
    data_folder,
    terminal_of,
    usual_config,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import StabkitError, UsageError

if TYPE_CHECKING:
    from stabkit.pipeline.reports import Job, ReportFiles
    from stabkit.report.stability import StabilityReport

__all__ = ["compare", "diff", "gate", "report"]


def compare(
    context: typer.Context,
    baseline: BaselineArgument,
    candidate: CandidateArgument,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Show the metrics of two runs side by side.

    Each with its interval and margin.

    Exit codes: 0 shown, whatever came out; 2 error. For a verdict, use gate.

    \b
    Examples:
      stabkit compare v1.4 v1.5
      stabkit compare latest~1 latest --data data/sample
    """
    subject = _subject(baseline, candidate, config, data)
    terminal_of(context).show(output_format, subject.key_metrics())
    return 0


def gate(
    context: typer.Context,
    baseline: BaselineArgument,
    candidate: CandidateArgument,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Judge a run: the verdict and its reasons.

    Exit codes: 0 stable, 1 regressed, 2 error, 3 inconclusive.

    \b
    Examples:
      stabkit gate v1.4 v1.5
      stabkit gate data/reference/before data/reference/after --format markdown
    """
    subject = _subject(baseline, candidate, config, data)
    terminal_of(context).show(output_format, subject.verdict())
    return subject.gate.exit_code


def diff(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="Evidence file before the change.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Evidence file after the change.")],
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say what moved between two evidence files.

    Tests by transition, findings by state.

    Exit codes: 0 shown, whatever moved; 2 error.

    \b
    Examples:
      stabkit diff before.xml after.xml
      stabkit diff old.sarif new.sarif --format json
    """
    from stabkit.collect.readers import read_file
    from stabkit.report.lists import difference, difference_tables

    terminal = terminal_of(context)
    sides = [read_file(Path(path)) for path in (before, after)]
    failed = False
    for evidence in sides:
        for source in evidence["sources"].itertuples():
            if source.status != "ok":
                terminal.warning(f"{source.path}: {source.message}")
            failed = failed or source.status == "error"
    if failed and not any(len(side["tests"]) or len(side["scans"]) for side in sides):
        raise UsageError("Neither file could be read.", hint="See what they hold: stabkit read FILE")
    found = difference(sides[0], sides[1])
    if output_format is Format.json:
        terminal.document(found)
    else:
        terminal.show(output_format, *difference_tables(found))
    return 2 if failed else 0


def report(
    context: typer.Context,
    baseline: Annotated[
        str | None, typer.Argument(metavar="[BASELINE]", help="As in gate; else the run before.")
    ] = None,
    candidate: Annotated[str | None, typer.Argument(metavar="[CANDIDATE]", help="As in gate; else the newest.")] = None,
    output: OutputOption = Path("reports"),
    notebook: Annotated[
        list[str] | None,
        typer.Option("--notebook", "-n", help="Bundled name, path, or 'all'; may be repeated. Else stability_report."),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A notebook parameter.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> int:
    r"""Make a report as one HTML page.

    Self-contained; beside it the same result as JSON and Markdown.

    Exit codes: 0 stable, 1 regressed, 2 error (a broken notebook cell too), 3 inconclusive.

    \b
    Examples:
      stabkit report v1.4 v1.5 --output reports
      stabkit report --notebook test_trends --data data/sample
    """
    from stabkit.pipeline.reports import make_reports
    from stabkit.report.index import write_index

    terminal = terminal_of(context)
    jobs = _jobs(notebook or ["stability_report"], baseline, candidate, config, data, _parameters(parameter or []))
    progress = terminal.progress()
    if progress:
        progress.start("reports", len(jobs))
    try:
        made = make_reports(jobs, output, done=lambda *_: progress.advance() if progress else None)
    finally:
        if progress:
            progress.finish()
    write_index(output)
    return _say_made(terminal, output_format, made, open_page=open_page)


def _subject(baseline: str, candidate: str, config: Path | None, data: Path | None) -> StabilityReport:
    from stabkit.report.stability import stability_report

    settings = usual_config(config)
    needs_store = not (Path(baseline).is_dir() and Path(candidate).is_dir())
    store = data_folder(config, data) if needs_store else data
    return stability_report(
        baseline,
        candidate,
        data=str(store) if store is not None else "",
        config=str(settings) if settings is not None else "",
    )


def _jobs(
    notebooks: list[str],
    baseline: str | None,
    candidate: str | None,
    config: Path | None,
    data: Path | None,
    extra: dict[str, Any],
) -> list[Job]:
    from stabkit.pipeline.notebooks import BUNDLED, find_notebook, notebook_parameters
    from stabkit.pipeline.reports import Job

    names = [name for given in notebooks for name in (BUNDLED if given == "all" else (given,))]
    settings = usual_config(config)
    folders = all(given and Path(given).is_dir() for given in (baseline, candidate))
    store = data if folders else data_folder(config, data)
    usual = {
        "data": str(store.resolve()) if store is not None else "",
        "config": str(settings.resolve()) if settings is not None else "",
        "baseline": _absolute(baseline) if baseline is not None else None,
        "candidate": _absolute(candidate) if candidate is not None else None,
    }
    jobs = []
    for name in names:
        declared = notebook_parameters(find_notebook(name))
        given = {key: value for key, value in usual.items() if value is not None and key in declared}
        jobs.append(Job(name, {**given, **extra}))
    return jobs


def _absolute(reference: str) -> str:
    # The kernel may run elsewhere: a folder given by path must mean the same there.
    return str(Path(reference).resolve()) if Path(reference).is_dir() else reference


def _parameters(given: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{text!r} is not NAME=VALUE.", where="--parameter", hint="Such as: -p suite=unit")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        parameters[name.strip()] = parsed
    return parameters


def _say_made(
    terminal: Terminal, output_format: Format, made: list[ReportFiles | StabkitError], *, open_page: bool
) -> int:
    pages = [entry for entry in made if not isinstance(entry, StabkitError)]
    for entry in made:
        problem = entry if isinstance(entry, StabkitError) else entry.failure
        if problem is not None:
            terminal.error(problem)
    if output_format is Format.json:
        terminal.document(
            {
                "schema": 1,
                "reports": [
                    {"title": page.title, "verdict": page.verdict, "exit_code": page.exit_code, "html": str(page.html)}
                    for page in pages
                ],
            }
        )
    elif output_format is Format.markdown:
        terminal.result("\n\n".join(page.markdown.read_text(encoding="utf-8") for page in pages))
    else:
        for page in pages:
            terminal.result(f"{page.html}  {page.title}")
    if open_page and pages:
        typer.launch(pages[0].html.resolve().as_uri())
    codes = [2 if isinstance(entry, StabkitError) else entry.exit_code for entry in made]
    return next((code for code in (2, 1, 3) if code in codes), 0)
