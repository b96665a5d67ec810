"""The commands that gather and show evidence: collect, runs, read."""

from __future__ import annotations

import os
import shlex
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    check_label,
    name_of,
    not_empty,
    one_interrupt,
    open_data,
    require_config,
    say_next,
    source_error,
    tell_clocks,
    terminal_of,
    usual_config,
    warn_of_names,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import StoreError, UsageError

if TYPE_CHECKING:
    from stabkit.analyze.gate import Look
    from stabkit.collect import Collection
    from stabkit.config import Config
    from stabkit.schema import Evidence
    from stabkit.store import Store

__all__ = [
    "KINDS", "PROCESSES", "collect", "counts", "read", "runs", "say_stored", "store_collection", "tell_failures",
]  # fmt: skip

_MAX_ROUNDS = 40
KINDS = ("tests", "scan", "coverage", "load", "records", "auto")
# What a row is, where its table is called otherwise.
_ROWS = {"tests": "test result", "coverage": "coverage row", "changes": "changed file"}
PROCESSES = os.cpu_count() or 1


def collect(
    context: typer.Context,
    label: Annotated[
        str | None, typer.Option("--label", "-l", metavar="LABEL", help="The run's name, such as v1.5.")
    ] = None,
    baseline_label: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL", help="Also probe each target's baseline_url, in the same rounds, as a run of this name."
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Interleaved rounds; else as configured.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this target, suite or scan; may be repeated.")
    ] = None,
    until_decided: Annotated[
        bool,
        typer.Option(
            "--until-decided", help="Stop as soon as one of five planned looks decides; needs --baseline-label."
        ),
    ] = False,
    max_rounds: Annotated[
        int | None, typer.Option(min=5, metavar="N", help="Of --until-decided; else 40, or more if configured.")
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(min=0.01, metavar="MINUTES", help="Of --until-decided: the time for the rounds.")
    ] = None,
    deployed_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            callback=not_empty,
            help="When the version went live (ISO 8601): Prometheus is asked for the windows around it.",
        ),
    ] = None,
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
      stabkit collect --label v1.5 --baseline-label v1.4 --until-decided --max-minutes 10
      stabkit collect --label v1.5 --baseline-label v1.4 --deployed-at 2026-03-01T12:00Z
    """
    from stabkit.case import fresh_collection, known_deploys, look_back
    from stabkit.change import repository_state
    from stabkit.collect import Deploy, baseline_state
    from stabkit.collect import collect as collect_all

    terminal = terminal_of(context)
    for option, given in (("--label", label), ("--baseline-label", baseline_label)):
        check_label(option, given)
    _check_budget(until_decided, baseline_label, rounds, max_rounds, max_minutes)
    at = _deploy_time(deployed_at, until_decided)
    settings = require_config(config)
    warn_of_names(terminal, settings)
    _tell_windows(terminal, settings, only, at)
    store = open_data(config, data, create=True)
    store.check_writable()  # before the first request: nothing is worse than hours that cannot be stored
    repository = settings.path(settings.changes.repository) if settings.changes else settings.root
    again = (label, repository_state(repository)[0])
    earlier = look_back(store, settings.project.environment, baseline_label, again=again)
    base = earlier.base if settings.changes is not None and settings.changes.base is None else None
    own = baseline_state(settings)[0] if baseline_label is not None else None
    if base is not None and own is None and (not only or "changes" in only):
        terminal.note(f"changes are counted from {base[:12]}, the commit of run {name_of(store, str(earlier.base_of))}")
    if settings.changes is not None and again[1] is None and settings.changes.base is None:
        terminal.note(f"changes are not recorded: {repository} is no git repository, or holds no commit yet")
    with one_interrupt(terminal):
        looks: tuple[Look, ...] = ()
        if until_decided and baseline_label is not None:
            from stabkit.case import known_noise
            from stabkit.pipeline import collect_until_decided

            found = collect_until_decided(
                settings,
                label=label,
                baseline_label=baseline_label,
                max_rounds=max(_MAX_ROUNDS, settings.collect.rounds) if max_rounds is None else max_rounds,
                max_minutes=max_minutes,
                only=tuple(only or ()),
                base=base,
                known_failures=earlier.tried,
                noise=known_noise(store, settings.project.environment, settings),
                progress=terminal.progress(),
            )
            collection, looks = found.collection, found.looks
        else:
            collection = collect_all(
                settings,
                label=label,
                baseline_label=baseline_label,
                rounds=rounds,
                only=tuple(only or ()),
                base=base,
                known_failures=earlier.tried,
                deploy=None if at is None else Deploy(at, known_deploys(store, settings.project.environment, label)),
                progress=terminal.progress(),
            )
        if not any(len(evidence[table]) for evidence in collection.evidence.values() for table in evidence):
            if collection.interrupted:
                # A run all the same: a gate that finds no trace of it would judge the pair before it.
                stored = store_collection(store, collection)
                say_stored(terminal, output_format, stored)
                terminal.warning("nothing was measured yet; the run is stored, and can never be judged stable")
                return 130
            raise UsageError(
                "There is nothing to collect" + (f" in {', '.join(only)}." if only else "."),
                where=str(usual_config(config)),
                hint="Declare targets, suites, scans or a git range there; stabkit init writes an example of each.",
            )
        collection = fresh_collection(collection, store)
        stored = store_collection(store, collection)
        say_stored(terminal, output_format, stored)
        tell_clocks(terminal, store, [stored[-1]["run_id"]])
        for number, look in enumerate(looks, start=1):
            terminal.note(
                f"look {number}, {look.rounds} rounds, {100 * look.share:.0f} % of the budget: "
                f"{look.verdict or 'not judged'}"
            )
        failed = tell_failures(terminal, *collection.evidence.values())
        _tell_crowding(terminal, collection)
    if collection.interrupted:
        terminal.warning("the run is stored and marked incomplete; it can never be judged stable")
        return 130
    if failed:  # the hints above come first: there is nothing to judge yet
        return 2
    say_next(terminal, store, stored[-1]["run_id"], config, data)
    return 0


def _deploy_time(text: str | None, until_decided: bool) -> datetime | None:
    from stabkit.collect import time_of

    if until_decided and text is not None:
        raise UsageError("--until-decided and --deployed-at exclude each other.", hint="Give one of them.")
    return None if text is None else time_of(text, datetime.now(UTC), where="--deployed-at")


def _tell_windows(terminal: Terminal, settings: Config, only: list[str] | None, at: datetime | None) -> None:
    """Say which Prometheus sources are not asked, since nobody says when the version went live."""
    windows = [name for name, source in settings.prometheus.items() if source.window is not None]
    asked = [name for name in windows if not only or {"prometheus", name} & set(only)]
    if asked and at is None:
        names = ", ".join(f"prometheus.{name}" for name in asked)
        terminal.warning(f"{names}: not asked; --deployed-at says when the version went live, once its window is over")


def _tell_crowding(terminal: Terminal, collection: Collection) -> None:
    """Say which targets' times are mostly waiting for a free connection: they grow with the length of a round."""
    from stabkit.analyze.latency import crowded
    from stabkit.report.words import crowding_text

    for side, evidence in collection.evidence.items():
        for target, waited, served in crowded(evidence["samples"]):
            terminal.note(crowding_text(side, target, waited, served))


def _check_budget(
    until_decided: bool,
    baseline_label: str | None,
    rounds: int | None,
    max_rounds: int | None,
    max_minutes: float | None,
) -> None:
    if not until_decided and (max_rounds is not None or max_minutes is not None):
        raise UsageError("--max-rounds and --max-minutes belong to --until-decided.", hint="Add it, or use --rounds.")
    if until_decided and baseline_label is None:
        raise UsageError(
            "--until-decided needs both sides in the same rounds.", hint="Name the baseline with --baseline-label."
        )
    if until_decided and rounds is not None:
        raise UsageError("--rounds and --until-decided exclude each other.", hint="Give the budget as --max-rounds.")


def store_collection(store: Store, collection: Collection) -> list[dict[str, Any]]:
    """Store every side and return what of each; where the store fails by now, in one of its own: nothing is lost."""
    try:
        return _append(store, collection)
    except StoreError as error:
        from stabkit.store import open_store

        rescue = Path(tempfile.mkdtemp(prefix="stabkit-rescue-"))
        _append(open_store(rescue, create=True), collection)
        copy = shlex.join(["cp", "-R", f"{rescue}/.", str(store.place)])
        if store.root is None:
            copy = shlex.join(["aws", "s3", "cp", "--recursive", str(rescue), str(store.place)])
        error.hint = f"Nothing is lost: it is in {rescue}. Once the store can be written: {copy}"
        raise


def _append(store: Store, collection: Collection) -> list[dict[str, Any]]:
    stored = []
    for side, run in collection.runs.items():
        run_id = store.append(run, collection.evidence[side])
        stored.append({"run_id": run_id, "label": run["label"], **counts(collection.evidence[side])})
    return stored


def runs(
    context: typer.Context,
    aa: Annotated[bool, typer.Option("--aa", help="The A/A runs instead: the system against itself.")] = False,
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
    from stabkit.report import run_table

    terminal = terminal_of(context)
    store = open_data(config, data)
    known = store.runs(aa=aa)
    terminal.show(output_format, run_table(known))
    early = known["started_at"] < known.groupby("environment", dropna=False)["started_at"].cummax()
    tell_clocks(terminal, store, known.loc[early, "run_id"].tail(3))
    return 0


def read(
    context: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", callback=not_empty, help="Files, folders or globs.")
    ] = None,
    formats: Annotated[
        bool, typer.Option("--formats", help="List the known formats instead, those of plugins too.")
    ] = False,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Say what is in evidence files.

    Nothing is stored.

    Exit codes: 0, or 2 if any file could not be read.

    \b
    Examples:
      stabkit read junit.xml
      stabkit read reports/ --format json
      stabkit read --formats
    """
    from stabkit.collect import advise
    from stabkit.read import known_formats, read_paths, source_summary
    from stabkit.report import format_table, source_table

    terminal = terminal_of(context)
    if bool(files) == formats:
        raise UsageError(
            "--formats lists what is known, and reads no file." if formats else "No evidence file was given.",
            hint="Name files, folders or globs, or list the known formats: stabkit read --formats",
        )
    if formats:
        terminal.show(output_format, format_table(known_formats()))
        return 0
    evidence = read_paths(files or [], processes=PROCESSES, keep_repeats=True)
    sources = source_summary(evidence)
    if output_format is Format.json:
        terminal.document({"schema": 1, "sources": sources})
    else:
        terminal.show(output_format, source_table(sources))
        for advice in dict.fromkeys(advise(source["fault"]) for source in sources if source["status"] == "error"):
            terminal.hint(advice)
    return 2 if any(source["status"] == "error" for source in sources) else 0


def counts(evidence: Evidence) -> dict[str, Any]:
    """Return how many rows each table has."""
    return {"tables": {name: len(evidence[name]) for name in evidence}}


def say_stored(terminal: Terminal, output_format: Format, stored: list[dict[str, Any]]) -> None:
    """Say which runs were stored."""
    from stabkit.text import count

    if output_format is Format.json:
        terminal.document({"schema": 1, "runs": stored})
        return
    for run in stored:
        rows = ", ".join(count(n, _ROWS.get(name, name.removesuffix("s"))) for name, n in run["tables"].items())
        terminal.result(f"stored run {run['label']} ({run['run_id']}): {rows or 'no rows'}")


def tell_failures(terminal: Terminal, *parts: Evidence) -> bool:
    """Tell every source that gave nothing as an error, or only a part as a warning, each once with what to do."""
    told: set[str] = set()
    failed = False
    for evidence in parts:
        sources = evidence["sources"]
        # A probe that was answered otherwise than expected is whole: the answers are evidence, and mostly a wrong path.
        refused = sources["kind"].eq("http") & sources["status"].eq("ok") & sources["message"].notna()
        for source in sources[sources["status"].isin(["error", "partial"]) | refused].itertuples():
            error = source_error(source)
            failed = failed or source.status == "error"
            if str(error) in told:
                continue
            told.add(str(error))
            if source.status == "error":
                terminal.error(error)
            else:
                terminal.warning(f"{error.where}: {error.what}")
                terminal.hint(error.hint)
    return failed
