"""The commands around a project: init, demo, copies of what comes with stabkit, and the index of its reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stabkit.cli.completion import one_of
from stabkit.cli.options import FormatOption, OutputOption, terminal_of
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import ConfigError, EvidenceError
from stabkit.paths import on_this_machine
from stabkit.vocabulary import EXIT_CODES

if TYPE_CHECKING:
    from stabkit.collect import Detected

__all__ = ["demo", "index", "init", "notebooks", "sample", "schema"]

SHOWN_FILES = 5


def _scenarios() -> Iterable[str]:
    from stabkit.demo import SCENARIOS

    return SCENARIOS


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where stabkit.toml is written.")] = Path(),
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Write stabkit.schema.json for editors; a stabkit.toml that is there stays."),
    ] = False,
    detect: Annotated[
        bool, typer.Option("--detect", help="Fit it to what FOLDER holds: reports, suites, endpoints; nothing is run.")
    ] = False,
) -> int:
    r"""Write a commented stabkit.toml to start from.

    With --detect it declares what the folder holds already, each line with where it is from. With --schema
    its JSON Schema is written beside it, by which editors complete and explain each key; run it
    again after an update of stabkit.

    Exit codes: 0 written, 2 error (nothing of yours is ever overwritten).

    \b
    Examples:
      stabkit init
      stabkit init deploy/
      stabkit init --detect
      stabkit init --schema
    """
    from stabkit.config import SCHEMA_DIRECTIVE, SCHEMA_NAME, write_example, write_schema

    terminal = terminal_of(context)
    on_this_machine(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder cannot be made: {error.strerror or error}.", where=str(folder), hint="Choose another folder."
        ) from error
    file = folder / "stabkit.toml"
    if detect:
        return _detect(terminal, folder, file, schema=schema)
    if not schema:
        terminal.result(str(write_example(file)))
        terminal.note("Next: edit it, then: stabkit collect --label v1.0")
        return 0
    terminal.result(str(write_schema(folder / SCHEMA_NAME)))
    if file.exists():
        terminal.note(f"Editors find it by the first line of {file}: {SCHEMA_DIRECTIVE}")
    else:
        terminal.result(str(write_example(file, first_line=SCHEMA_DIRECTIVE)))
        terminal.note("Next: edit it, then: stabkit collect --label v1.0")
    return 0


def _detect(terminal: Terminal, folder: Path, file: Path, *, schema: bool) -> int:
    """Write a stabkit.toml that fits the folder; say what was found, what was left out, and what comes next."""
    from stabkit.collect import detect_project
    from stabkit.config import SCHEMA_DIRECTIVE, SCHEMA_NAME, refuse_existing, write_example, write_schema
    from stabkit.text import shell

    refuse_existing(file)  # before anything is looked at
    detected = detect_project(folder)
    if not detected.declares and not detected.loads:
        for words in detected.left_out:
            terminal.note(f"  left out  {words}")
        raise EvidenceError(
            "Nothing was found that could be collected.",
            where=str(folder),
            hint="Write a commented example instead: stabkit init",
        )
    if schema:
        terminal.result(str(write_schema(folder / SCHEMA_NAME)))
    write_example(file, first_line=SCHEMA_DIRECTIVE if schema else None, text=detected.text)
    terminal.result("\n".join([str(file), *(f"  found     {words}" for words in detected.found)]))
    for words in detected.left_out:
        terminal.note(f"  left out  {words}")
    _advise_after(terminal, detected, "" if folder == Path() else f" in {shell([folder])}")
    return 0


def _advise_after(terminal: Terminal, detected: Detected, there: str) -> None:
    """Say what comes next: both versions at once where something is measured, else one after the other."""
    from stabkit.text import shell

    if not detected.declares:
        terminal.note(f"Next{there}: stabkit import load {shell([detected.loads[0]])} --label before")
    elif detected.endpoints:
        terminal.note(f"Next{there}: read it, and say where the old version is: each baseline_url, baseline_directory")
        terminal.note("then, with both up: stabkit collect --label after --baseline-label before")
        terminal.note("then: stabkit gate before after")
    else:
        made = ", with reports made afresh" if detected.reports else ""
        terminal.note(f"Next{there}: read it; then, before the change{made}: stabkit collect --label before")
        terminal.note(f"after it{made}: stabkit collect --label after; then: stabkit gate before after")


def _results() -> Iterable[str]:
    from stabkit.report.schemas import RESULTS

    return RESULTS


def schema(
    context: typer.Context,
    result: Annotated[
        str | None,
        typer.Argument(metavar="RESULT", help="Such as gate; else the names of all.", autocompletion=one_of(_results)),
    ] = None,
) -> int:
    r"""Show the JSON Schema of a result.

    Of what a command prints with --format json, of page and index, which lie beside pages, and of what a webhook gets.
    That of stabkit.toml is written by: stabkit init --schema

    Exit codes: 0 shown, 2 error.

    \b
    Examples:
      stabkit schema
      stabkit schema gate
    """
    from stabkit.report.schemas import RESULTS, result_schema

    terminal = terminal_of(context)
    if result is None:
        terminal.plain("\n".join(RESULTS))
    else:
        terminal.document(result_schema(result))
    return 0


def sample(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the recorded history is put; new or empty.")
    ] = Path("data/sample"),
) -> int:
    r"""Put a recorded history where you stand.

    A store of the demo's service, build by build, with its stabkit.toml, to try things on:
    the examples of the handbook and the bundled notebooks look for it in data/sample.

    Exit codes: 0 written, 2 error (nothing is ever overwritten).

    \b
    Examples:
      stabkit sample
      stabkit sample elsewhere/sample
    """
    from stabkit.pipeline import copy_sample
    from stabkit.text import shell

    terminal = terminal_of(context)
    copy_sample(on_this_machine(folder))
    terminal.result(str(folder))
    named = shell([folder])
    terminal.note(f"Next: stabkit report v1.4 v1.5 --data {named} --open")
    terminal.note(f"In Python: stabkit.stability_report('v1.4', 'v1.5', data={str(folder)!r})")
    return 0


def notebooks(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they are put; new or empty.")] = Path(
        "notebooks"
    ),
    new: Annotated[
        str | None, typer.Option("--new", metavar="NAME", help="Write one notebook of your own, NAME.ipynb, instead.")
    ] = None,
) -> int:
    r"""Put the bundled notebooks where you stand, or begin one of your own.

    Copies to run and to change, in JupyterLab or by papermill; stabkit report and batch know
    them by name and need none. With --new: one notebook with parameters, a verdict, a frame, a
    comparison and a figure, set to the project's store, or else to data/sample.

    Exit codes: 0 written, 2 error (nothing is ever overwritten).

    \b
    Examples:
      stabkit notebooks
      stabkit notebooks analysis/stabkit
      stabkit notebooks --new checkout
    """
    from stabkit.pipeline import copy_notebooks
    from stabkit.text import shell

    terminal = terminal_of(context)
    if new is not None:
        return _begin_notebook(terminal, new)
    copy_notebooks(on_this_machine(folder))
    terminal.result(str(folder))
    terminal.note(f"Next: stabkit sample, the history that they open on; then: jupyter lab {shell([folder])}")
    return 0


def _begin_notebook(terminal: Terminal, name: str) -> int:
    from stabkit.case import first_parameters
    from stabkit.pipeline import write_own_notebook
    from stabkit.text import shell

    file = on_this_machine(name if name.endswith(".ipynb") else f"{name}.ipynb")
    parameters = first_parameters()
    write_own_notebook(file, parameters)
    terminal.result(str(file))
    if "target" not in parameters:
        terminal.note("There are no runs to open yet: stabkit collect makes some, stabkit sample brings a history.")
    named = shell([file])
    terminal.note(f"Next: jupyter lab {named}, or a page of it: stabkit report --notebook {named} --open")
    return 0


def demo(
    context: typer.Context,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            "-s",
            metavar="NAME",
            help="stable, slow, broken, leak, contract, noisy or tail.",
            autocompletion=one_of(_scenarios),
        ),
    ] = "stable",
    output: OutputOption = Path("reports"),
    rounds: Annotated[int, typer.Option(min=2, max=10_000, metavar="N", help="Interleaved rounds.")] = 13,
    open_page: Annotated[bool, typer.Option("--open", help="Open the index page in a browser.")] = False,
) -> int:
    r"""Walk the whole way on this machine, offline.

    A real service in two versions, real evidence, the verdict, and all pages.

    Exit codes: 0 stable, 1 regressed, 2 error, 3 inconclusive.

    \b
    Examples:
      stabkit demo
      stabkit demo --scenario contract --output contract-reports
    """
    from stabkit.installation import need_for

    need_for("notebooks", "demo")  # before anything is built: the service of the demo runs in processes of its own
    from stabkit.demo import walk

    terminal = terminal_of(context)
    finished = walk(scenario, output, rounds=rounds, note=terminal.note, progress=terminal.progress())
    terminal.result(finished.summary)
    if finished.exit_code == EXIT_CODES["inconclusive"] and finished.decide is not None:
        what = "a quiet machine and more rounds decide" if finished.rounds_decide else "collecting once more decides"
        takes = f" ({finished.takes})" if finished.takes else ""
        terminal.note(f"Next: {what} more{takes}: {finished.decide}")
    else:
        terminal.note("Next: open the pages; then, in a project of your own: stabkit init")
    if open_page:
        terminal.open_page(finished.index)
    return finished.exit_code


def index(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Holds the .json results of reports; or s3://BUCKET/PREFIX.")
    ] = Path("reports"),
    output_format: FormatOption = Format.text,
) -> int:
    r"""Write the index page of a folder of reports again.

    It is made of their JSON results alone; index.json and index.md are written beside it.

    Exit codes: 0 written, whatever the reports say; 2 error: also if one of the
    results cannot be read; the index then names it and lists the others.

    \b
    Examples:
      stabkit index reports
      stabkit index reports --format json
    """
    from stabkit.pipeline import open_output
    from stabkit.report.index import make_index
    from stabkit.store.places import in_bucket
    from stabkit.text import joined

    terminal = terminal_of(context)
    with open_output(folder if in_bucket(folder) else on_this_machine(folder)) as place:
        made = make_index(place.folder)
        place.publish_index()
        written = {Format.json: made.json, Format.markdown: made.markdown}.get(output_format)
        terminal.result(written.read_text(encoding="utf-8").rstrip() if written else place.shown(made.html))
    if made.others:
        terminal.note(f"left out, no result of a report: {joined(made.others, most=3)}")
    for one in made.unread[:SHOWN_FILES]:
        terminal.error(EvidenceError(one.message, where=place.shown(place.folder / one.file)))
    if made.unread:
        more = len(made.unread) - SHOWN_FILES
        terminal.hint(f"{f'And {more} more. ' if more > 0 else ''}Make these reports again, or take the files away.")
    return 2 if made.unread else 0
