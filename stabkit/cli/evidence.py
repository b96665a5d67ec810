"""The commands that gather and show evidence: collect, import, runs, read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    open_data,
    require_config,
    terminal_of,
    usual_config,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import UsageError, nearest

if TYPE_CHECKING:
    from stabkit.schema import Evidence

__all__ = ["collect", "import_files", "read", "runs"]

_KINDS = ("tests", "scan", "load", "records", "auto")


def collect(
    context: typer.Context,
    label: Annotated[str | None, typer.Option("--label", "-l", help="The run's name, such as v1.5.")] = None,
    baseline_label: Annotated[
        str | None,
        typer.Option(help="Also probe each target's baseline_url, in the same rounds, as a run of this name."),
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Interleaved rounds; else as configured.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this target, suite or scan; may be repeated.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Gather the declared evidence, store it as a run.

    Exit codes: 0 stored, 2 error (what could be gathered is stored all the same), 130 interrupted.

    \b
    Examples:
      stabkit collect --label v1.5
      stabkit collect --label v1.5 --baseline-label v1.4 --rounds 20
    """
    from stabkit.collect.session import collect as collect_all

    terminal = terminal_of(context)
    settings = require_config(config)
    store = open_data(config, data, create=True)  # before the first request: an unwritable folder is said at once
    collection = collect_all(
        settings,
        label=label,
        baseline_label=baseline_label,
        rounds=rounds,
        only=tuple(only or ()),
        progress=terminal.progress(),
    )
    stored = []
    for side, run in collection.runs.items():
        run_id = store.append(run, collection.evidence[side])
        stored.append({"run_id": run_id, "label": run["label"], **_counts(collection.evidence[side])})
    _say_stored(terminal, output_format, stored)
    failed = _warn_of_failures(terminal, *collection.evidence.values())
    if collection.interrupted:
        terminal.warning("interrupted: the run is stored and marked incomplete; it can never be judged stable")
        return 130
    _say_next(terminal, [str(run["label"]) for run in stored])
    return 2 if failed else 0


def import_files(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="tests, scan, load, records, or auto.")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, folders or globs.")],
    label: Annotated[str | None, typer.Option("--label", "-l", help="Name of the new run.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Add to this run instead of making a new one.")] = None,
    suite: Annotated[str | None, typer.Option(help="The suite that test reports belong to.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Store evidence files that other tools wrote.

    As a new run, or into an existing one.

    Exit codes: 0 stored, 2 error (what could be read is stored all the same, and marked).

    \b
    Examples:
      stabkit import tests junit.xml --label v1.5
      stabkit import scan ruff.sarif --run v1.5
    """
    from stabkit.collect.readers import read_paths
    from stabkit.runs import new_run

    terminal = terminal_of(context)
    if kind not in _KINDS:
        guess = nearest(kind, _KINDS)
        raise UsageError(
            f"There is no kind {kind!r}.",
            hint=(f"Did you mean {guess!r}? " if guess else "") + f"Known: {', '.join(_KINDS)}.",
        )
    if run and label:
        raise UsageError("--run and --label exclude each other.", hint="Give one of them.")
    found = usual_config(config)
    settings = require_config(found) if found else None
    store = open_data(config, data, create=True)
    evidence = read_paths(files, kind=None if kind == "auto" else kind, suite=suite)
    if run:
        row = dict(store.run(run))
    else:
        environment = settings.project.environment if settings else None
        project = settings.project.name if settings else None
        row = new_run(label=label or Path(files[0]).stem, environment=environment, project=project)
    row["complete"] = bool(row["complete"]) and not evidence.failed
    run_id = store.append(row, evidence)
    _say_stored(terminal, output_format, [{"run_id": run_id, "label": row["label"], **_counts(evidence)}])
    failed = _warn_of_failures(terminal, evidence)
    _say_next(terminal, [str(row["label"])])
    return 2 if failed else 0


def runs(
    context: typer.Context,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""List the stored runs, oldest first.

    Exit codes: 0, or 2 error.

    \b
    Examples:
      stabkit runs
      stabkit runs --data data/sample --format json
    """
    from stabkit.report.lists import run_table

    terminal = terminal_of(context)
    terminal.show(output_format, run_table(open_data(config, data).runs()))
    return 0


def read(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, folders or globs.")],
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say what is in evidence files.

    Nothing is stored.

    Exit codes: 0, or 2 if any file could not be read.

    \b
    Examples:
      stabkit read junit.xml
      stabkit read reports/ --format json
    """
    from stabkit.collect.readers import read_paths
    from stabkit.collect.summary import source_summary
    from stabkit.report.lists import source_table

    terminal = terminal_of(context)
    evidence = read_paths(files)
    sources = source_summary(evidence)
    if output_format is Format.json:
        terminal.document({"schema": 1, "sources": sources})
    else:
        terminal.show(output_format, source_table(sources))
    return 2 if any(source["status"] == "error" for source in sources) else 0


def _counts(evidence: Evidence) -> dict[str, Any]:
    return {"tables": {name: len(evidence[name]) for name in evidence}}


def _say_stored(terminal: Terminal, output_format: Format, stored: list[dict[str, Any]]) -> None:
    if output_format is Format.json:
        terminal.document({"schema": 1, "runs": stored})
        return
    for run in stored:
        rows = ", ".join(f"{count:,} {name}" for name, count in run["tables"].items()) or "no rows"
        terminal.result(f"stored run {run['label']} ({run['run_id']}): {rows}")


def _warn_of_failures(terminal: Terminal, *parts: Evidence) -> bool:
    failed = False
    for evidence in parts:
        sources = evidence["sources"]
        for source in sources[sources["status"].isin(["error", "partial"])].itertuples():
            failed = failed or source.status == "error"
            terminal.warning(f"{source.path}: {source.message}")
    return failed


def _say_next(terminal: Terminal, labels: list[str]) -> None:
    if len(labels) == 2:
        terminal.note(f"Next: stabkit gate {labels[1]} {labels[0]}")
    else:
        terminal.note(f"Next: stabkit gate latest~1 {labels[0]}")
