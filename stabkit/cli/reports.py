"""The commands that make a report and verify one: report, verify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stabkit.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    MaybeBaseline,
    MaybeCandidate,
    NotebookOption,
    ParameterOption,
    ReportsOption,
    SignOption,
    sign_reports,
    signing_key,
    store_for,
    terminal_of,
    usual_config,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import StabkitError, UsageError
from stabkit.paths import on_this_machine
from stabkit.vocabulary import EXIT_CODES, gravest

if TYPE_CHECKING:
    from stabkit.pipeline import Job, Output, ReportFiles

__all__ = ["notebooks_of", "report", "verify", "words_of"]


def report(
    context: typer.Context,
    baseline: MaybeBaseline = None,
    candidate: MaybeCandidate = None,
    output: ReportsOption = Path("reports"),
    notebook: NotebookOption = None,
    parameter: ParameterOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
    sign: SignOption = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> int:
    r"""Make a report as one HTML page.

    Self-contained; beside it the same result as JSON and Markdown.

    Exit codes: 0 stable, 1 regressed, 2 error (a broken notebook cell too), 3 inconclusive.

    \b
    Examples:
      stabkit report v1.4 v1.5 --output reports
      stabkit report --notebook test_trends --data data/sample
      stabkit report v1.4 v1.5 --sign key.pem
    """
    from stabkit.installation import need_for

    need_for("notebooks")
    from stabkit.pipeline import make_reports, open_output
    from stabkit.report.index import write_index
    from stabkit.report.page import check_folder

    terminal = terminal_of(context)
    key = signing_key(sign, output)
    jobs = _jobs(notebook or ["stability_report"], baseline, candidate, config, data, words_of(parameter or []))
    with open_output(output) as place:
        check_folder(place.folder)
        progress = terminal.progress()
        if progress:
            progress.start("reports", len(jobs))
        try:
            made = make_reports(
                jobs,
                place.folder,
                address=place.address,
                done=lambda *_: progress.advance() if progress else None,
            )
        finally:
            if progress:
                progress.finish()
        if key is not None:
            sign_reports([(one.html, one.json) for one in made if not isinstance(one, StabkitError)], key)
        code = _say_made(terminal, output_format, made, place, open_page=open_page)
        write_index(place.folder)  # last: where it cannot be written, the pages are there all the same
        place.publish_index()
    return code


def verify(
    context: typer.Context,
    page: Annotated[Path, typer.Argument(metavar="PAGE", help="A page, the JSON beside it, or an executed notebook.")],
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PUB", help="Who must have signed it: an Ed25519 public key, PEM.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say whether a page still holds: its bytes, its signature, its evidence, its verdict.

    The verdict is computed anew from the evidence that the page names. Without --data the store is looked for where the
    page says, if that lies in the working folder, then where the project says. Nothing of the page is run.

    Exit codes: 0 the same; 1 it was altered, differs, or lacks the signature asked for; 2 it cannot be known, such as
    when the evidence is gone.

    \b
    Examples:
      stabkit verify reports/stability_report.html
      stabkit verify reports/stability_report.html --data data/sample --key key.pub --format json
    """
    from stabkit.report import verification_table
    from stabkit.report.attestation import public_key, verify_page

    terminal = terminal_of(context)
    own = None if key is None else public_key(key)
    found = verify_page(on_this_machine(page), data=data, config=config, key=own)
    if output_format is Format.json:
        terminal.document(found.document())
    else:
        terminal.show(output_format, verification_table(found))
    return found.exit_code


def _jobs(
    notebooks: list[str],
    baseline: str | None,
    candidate: str | None,
    config: Path | None,
    data: str | None,
    extra: dict[str, str],
) -> list[Job]:
    from stabkit.pipeline import BUNDLED, Job, find_notebook, from_here, notebook_parameters, read_value

    settings, names = usual_config(config, data), notebooks_of(notebooks)
    # A notebook of one's own may need no run, or say itself where they are; a git range is read where it lies.
    of_runs = set(names) & set(BUNDLED) - ({"change_impact"} if extra.get("repository") else set())
    # That of the store a notebook finds by itself.
    named = settings is not None and (config is not None or settings == usual_config(None))
    needed = baseline or candidate or named or bool(of_runs)
    store = store_for((baseline, candidate), config, data) if needed else data
    _check_runs((baseline, candidate), store)
    usual = {
        "data": from_here(store) if store is not None else "" if needed else None,
        "config": from_here(settings) if settings is not None and named else "" if needed else None,
        "baseline": baseline,
        "candidate": candidate,
    }
    declared = {name: notebook_parameters(find_notebook(name)) for name in names}
    jobs = []
    for name, known in declared.items():
        given = {key: value for key, value in usual.items() if value is not None and key in known}
        # With several notebooks, a parameter goes to those that have it; one that none has is refused later, by name.
        shared = {
            key: read_value(word, known.get(key))
            for key, word in extra.items()
            if key in known or not any(key in d for d in declared.values())
        }
        jobs.append(Job(name, {**given, **shared}))
    return jobs


def notebooks_of(given: Sequence[str]) -> list[str]:
    """Return names and paths of notebooks, with what ``all`` stands for."""
    from stabkit.pipeline import BUNDLED

    return list(dict.fromkeys(name for word in given for name in (BUNDLED if word == "all" else (word,))))


def _check_runs(references: tuple[str | None, str | None], store: Path | str | None) -> None:
    """Refuse a run that is not stored before a notebook is started for it."""
    from stabkit.case import existing

    if store is None or all(existing(given) for given in references if given):
        return
    from stabkit.case import baseline_named, open_runs

    known = open_runs(store)
    baseline, candidate = references
    judged = None if candidate and existing(candidate) else known.run(candidate or "latest")
    if baseline and not existing(baseline):
        known.resolve(baseline_named(baseline, judged, known))


def words_of(given: Sequence[str]) -> dict[str, str]:
    """Return parameters given as NAME=VALUE; the notebooks tell what the values are.

    Raises
    ------
    UsageError
        A word has no name, or no value.
    """
    words: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{text!r} is not NAME=VALUE.", where="--parameter", hint="Such as: -p suite=unit")
        words[name.strip()] = value
    return words


def _say_made(
    terminal: Terminal,
    output_format: Format,
    made: list[ReportFiles | StabkitError],
    place: Output,
    *,
    open_page: bool,
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
                    {
                        "title": page.title,
                        "verdict": page.verdict,
                        "exit_code": page.exit_code,
                        "html": place.shown(page.html),
                    }
                    for page in pages
                ],
            }
        )
    elif output_format is Format.markdown:
        terminal.result("\n\n".join(page.markdown.read_text(encoding="utf-8") for page in pages))
    else:
        for page in pages:
            terminal.result(f"{place.shown(page.html)}  {page.title}")
    if open_page and pages and place.address is None:
        terminal.open_page(pages[0].html)
    return gravest([EXIT_CODES["error"] if isinstance(entry, StabkitError) else entry.exit_code for entry in made])
