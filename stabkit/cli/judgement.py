"""The commands that compare and judge: compare, gate, diff, report."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.completion import complete_runs, one_of
from stabkit.cli.options import (
    BaselineArgument,
    CandidateArgument,
    ConfigOption,
    DataOption,
    FormatOption,
    OutputOption,
    data_folder,
    open_data,
    require_config,
    source_error,
    terminal_of,
    usual_config,
    warn_of_names,
    with_retries,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import EvidenceError, StabkitError, StoreError, UnknownRunError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from stabkit.analyze.findings import FindingComparison
    from stabkit.config import Config
    from stabkit.pipeline.reports import Job, ReportFiles
    from stabkit.report.stability import StabilityReport
    from stabkit.schema import Evidence

__all__ = ["compare", "diff", "explain", "gate", "report"]


_PROCESSES = os.cpu_count() or 1


class FailOn(StrEnum):
    """Which verdicts make ``gate`` fail."""

    regressed = "regressed"
    inconclusive = "inconclusive"


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
    fail_on: Annotated[
        FailOn, typer.Option(help="regressed: an inconclusive verdict exits with 0 too, and is told on stderr.")
    ] = FailOn.inconclusive,
) -> int:
    r"""Judge a run: the verdict and its reasons.

    Exit codes: 0 stable, 1 regressed, 2 error, 3 inconclusive.

    \b
    Examples:
      stabkit gate v1.4 v1.5
      stabkit gate v1.4 v1.5 --fail-on regressed
      stabkit gate data/reference/before data/reference/after --format markdown
    """
    subject = _subject(baseline, candidate, config, data)
    terminal = terminal_of(context)
    warn_of_names(terminal, subject.case.config)
    terminal.show(output_format, subject.verdict())
    if fail_on is FailOn.regressed and subject.gate.verdict == "inconclusive":
        terminal.warning("the verdict is inconclusive; --fail-on regressed lets it pass")
        return 0
    return subject.gate.exit_code


def explain(
    context: typer.Context,
    baseline: BaselineArgument,
    candidate: CandidateArgument,
    condition: Annotated[str, typer.Argument(metavar="CONDITION", help="Its name, as gate shows it.")],
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say how one condition came out.

    Its question, its estimates with the rule that decided, what moved, and what is missing.

    Exit codes: 0 explained, whatever the outcome; 2 error.

    \b
    Examples:
      stabkit explain v1.4 v1.5 "api response time"
      stabkit explain v1.4 v1.5 "api response time" --format json
    """
    from stabkit.report.explanation import explain as explanation
    from stabkit.report.explanation import explanation_document, find_condition

    subject = _subject(baseline, candidate, config, data)
    gate_, found = subject.gate, find_condition(subject.gate, condition)
    terminal = terminal_of(context)
    if output_format is Format.json:
        terminal.document(explanation_document(gate_, found))
    else:
        terminal.show(output_format, explanation(gate_, found, subject.case.again))
    return 0


def diff(
    context: typer.Context,
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="Evidence before the change: file, folder, glob, run.")
    ],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Evidence after the change, likewise.")],
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="The suite that test reports belong to: its retries count.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the new findings to this file, as SARIF.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="That BEFORE is of; else the one that its SARIF states.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="That AFTER is of; else its SARIF's, or HEAD beside --base.")
    ] = None,
    repository: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the commits are: git says which lines moved.")
    ] = Path(),
) -> int:
    r"""Say what moved between two pieces of evidence.

    Tests by transition, with what the sides have in common; findings by state. A path wins over a run of the same
    name. Renamed tests are found by the configured test_aliases.

    Exit codes: 0 shown, whatever moved; 2 error.

    \b
    Examples:
      stabkit diff before.xml after.xml
      stabkit diff reports/ junit.xml --suite unit
      stabkit diff latest~1 latest --data data/sample
      stabkit diff old.sarif new.sarif --format json
      stabkit diff old.sarif new.sarif --sarif added.sarif
      stabkit diff old.sarif new.sarif --base v1.4 --head v1.5
    """
    from stabkit.report.lists import compare_scans, difference, difference_tables

    terminal = terminal_of(context)
    found_config = usual_config(config)
    settings = require_config(found_config) if found_config else None
    where = (suite, settings, config, data)
    sides = (_read_whole(terminal, before, repository, *where), _read_whole(terminal, after, repository, *where))
    kinds = [{table for table in ("tests", "scans") if len(side[table])} for side in sides]
    if all(kinds) and not kinds[0] & kinds[1]:
        raise UsageError(
            "One side holds tests and the other a scan.",
            where=f"{before} and {after}",
            hint="Compare evidence of the same kind; see what a file holds: stabkit read FILE",
        )
    if not any(kinds):
        raise UsageError(
            "Neither file holds tests or a scan: nothing to compare.",
            where=f"{before} and {after}",
            hint="See what they hold: stabkit read FILE",
        )
    changes = _changes_between(terminal, repository, (base, head), sides)
    matched = compare_scans(*sides, changes)
    if sarif is not None:
        _write_new(sarif, matched, sides[1])
    found = difference(*sides, matched, aliases=settings.test_aliases if settings else None)
    if output_format is Format.json:
        terminal.document(found)
    else:
        terminal.show(output_format, *difference_tables(found))
    return 0


def _changes_between(
    terminal: Terminal, repository: Path, given: tuple[str | None, str | None], sides: Sequence[Evidence]
) -> pd.DataFrame | None:
    """Return what git changed between the commits of two scans; None where they or the repository are not known."""
    from stabkit.collect.ranges import range_changes

    stated = [_stated_commit(side) for side in sides]
    base, head = given[0] or stated[0], given[1] or stated[1] or ("HEAD" if given[0] else None)
    if base is None or head is None:
        if given != (None, None):
            raise UsageError("--head needs the commit of BEFORE too.", where="--head", hint="Name it with --base.")
        return None
    try:
        return range_changes(repository, base, head)
    except (UsageError, EvidenceError) as error:
        if given != (None, None):
            raise
        terminal.note(f"lines are not followed by git: {error.what}")
        return None


def _stated_commit(side: Evidence) -> str | None:
    stated = {json.loads(claimed).get("commit") for claimed in side["sources"]["claimed"].dropna()} - {None}
    return str(stated.pop()) if len(stated) == 1 else None


def _write_new(path: Path, matched: FindingComparison | None, after: Evidence) -> None:
    """Write the findings that only the later file has; no scan in it is an error, not an empty log."""
    from stabkit.report.sarif import new_findings_log

    if matched is None or not len(after["scans"]):
        raise UsageError("--sarif needs two scans; the files hold none.", hint="Leave it out, or give scan reports.")
    log = new_findings_log(matched.states, after["scans"])
    try:
        path.write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The file cannot be written: {error.strerror or error}.", where=str(path), hint="Choose another place."
        ) from error


def _read_whole(
    terminal: Terminal,
    given: str,
    root: Path,
    suite: str | None,
    settings: Config | None,
    config: Path | None,
    data: str | None,
) -> Evidence:
    """Return what a path or a run holds; what cannot be read at all is no empty side of a comparison."""
    from stabkit.collect.readers import expand, read_paths

    paths = expand(given)
    if not any(os.path.lexists(path) for path in paths) and (data is not None or settings is not None):
        try:
            evidence = open_data(config, data).evidence(given)
        except (StoreError, UnknownRunError) as error:
            error.hint = f"{error.hint or ''} There is no file or folder {given!r} either.".strip()
            raise
    else:
        evidence = read_paths([given], suite=suite, root=root.absolute(), processes=_PROCESSES)
        evidence = with_retries(evidence, suite, settings)
    for source in evidence["sources"].itertuples():
        if source.status == "error":
            raise source_error(source)
        if source.status != "ok":
            terminal.warning(f"{source.path}: {source.message}")
    if not len(evidence["tests"]) and not len(evidence["scans"]):
        terminal.warning(f"{given}: it holds neither tests nor a scan")
    return evidence


def _bundled() -> tuple[str, ...]:
    from stabkit.pipeline.notebooks import BUNDLED

    return (*BUNDLED, "all")


def report(
    context: typer.Context,
    baseline: Annotated[
        str | None,
        typer.Argument(metavar="BASELINE", help="As in gate; else the run before.", autocompletion=complete_runs),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Argument(metavar="CANDIDATE", help="As in gate; else the newest.", autocompletion=complete_runs),
    ] = None,
    output: OutputOption = Path("reports"),
    notebook: Annotated[
        list[str] | None,
        typer.Option(
            "--notebook",
            "-n",
            metavar="NAME",
            help="Bundled name, path, or 'all'; may be repeated. Else stability_report.",
            autocompletion=one_of(_bundled),
        ),
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
    _check_folder(output)
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


def _subject(baseline: str, candidate: str, config: Path | None, data: str | None) -> StabilityReport:
    from stabkit.report.stability import stability_report

    settings = usual_config(config)
    store = _store_for((baseline, candidate), config, data)
    return stability_report(
        baseline,
        candidate,
        data=str(store) if store is not None else "",
        config=str(settings) if settings is not None else "",
    )


def _store_for(references: Sequence[str | None], config: Path | None, data: str | None) -> Path | str | None:
    """Return the store in which references are looked up; paths of evidence need none.

    Raises
    ------
    UsageError
        A reference is no path, and nothing says where the store is.
    """
    if data is not None or all(given and Path(given).exists() for given in references):
        return data
    if usual_config(config) is None:
        missing = [given for given in references if given and not Path(given).exists()]
        what = f"There is no folder or file {missing[0]!r}" if missing else "Two runs are needed"
        raise UsageError(
            f"{what}, and neither a stabkit.toml nor --data says where runs are stored.",
            hint="Name two folders of evidence files, or the store with --data, or write a configuration: stabkit init",
        )
    return data_folder(config, data)


def _jobs(
    notebooks: list[str],
    baseline: str | None,
    candidate: str | None,
    config: Path | None,
    data: str | None,
    extra: dict[str, Any],
) -> list[Job]:
    from stabkit.pipeline.notebooks import BUNDLED, find_notebook, notebook_parameters
    from stabkit.pipeline.reports import Job, from_here

    names = [name for given in notebooks for name in (BUNDLED if given == "all" else (given,))]
    settings = usual_config(config)
    store = _store_for((baseline, candidate), config, data)
    usual = {
        "data": from_here(store) if store is not None else "",
        "config": from_here(settings) if settings is not None else "",
        "baseline": baseline,
        "candidate": candidate,
    }
    declared = {name: notebook_parameters(find_notebook(name)) for name in names}
    jobs = []
    for name, known in declared.items():
        given = {key: value for key, value in usual.items() if value is not None and key in known}
        # With several notebooks, a parameter goes to those that have it; one that none has is refused later, by name.
        shared = {key: v for key, v in extra.items() if key in known or not any(key in d for d in declared.values())}
        jobs.append(Job(name, {**given, **shared}))
    return jobs


def _check_folder(output: Path) -> None:
    """Refuse a folder that cannot be written before a notebook runs for it."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise UsageError(
            f"The folder for the pages cannot be written: {error.strerror or error}.",
            where=str(output),
            hint="Name another folder with --output.",
        ) from error


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
        terminal.open_page(pages[0].html)
    codes = [2 if isinstance(entry, StabkitError) else entry.exit_code for entry in made]
    return next((code for code in (2, 1, 3) if code in codes), 0)
