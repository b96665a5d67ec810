"""The commands that gather and show evidence: collect, import, runs, read."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.completion import one_of
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
    with_retries,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import StoreError, UsageError, nearest

if TYPE_CHECKING:
    from stabkit.analyze.gate import Look
    from stabkit.collect import Collection
    from stabkit.schema import Evidence
    from stabkit.store import Store

__all__ = ["collect", "import_files", "read", "runs", "store_collection", "tell_failures"]

_MAX_ROUNDS = 40
_KINDS = ("tests", "scan", "load", "records", "auto")
_ROWS = {"tests": "test result", "changes": "changed file"}  # what a row is, where its table is called otherwise
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_PROCESSES = os.cpu_count() or 1


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
    """
    from stabkit.case import fresh_collection, look_back
    from stabkit.change import repository_state
    from stabkit.collect import baseline_state
    from stabkit.collect import collect as collect_all

    terminal = terminal_of(context)
    for option, given in (("--label", label), ("--baseline-label", baseline_label)):
        check_label(option, given)
    _check_budget(until_decided, baseline_label, rounds, max_rounds, max_minutes)
    settings = require_config(config)
    warn_of_names(terminal, settings)
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
                progress=terminal.progress(),
            )
        if not any(len(evidence[table]) for evidence in collection.evidence.values() for table in evidence):
            if collection.interrupted:
                # A run all the same: a gate that finds no trace of it would judge the pair before it.
                stored = store_collection(store, collection)
                _say_stored(terminal, output_format, stored)
                terminal.warning("nothing was measured yet; the run is stored, and can never be judged stable")
                return 130
            raise UsageError(
                "There is nothing to collect" + (f" in {', '.join(only)}." if only else "."),
                where=str(usual_config(config)),
                hint="Declare targets, suites, scans or a git range there; stabkit init writes an example of each.",
            )
        collection = fresh_collection(collection, store)
        stored = store_collection(store, collection)
        _say_stored(terminal, output_format, stored)
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


def _tell_crowding(terminal: Terminal, collection: Collection) -> None:
    """Say which targets' times are mostly waiting for a free connection: they grow with the length of a round."""
    from stabkit.analyze.latency import crowded
    from stabkit.numbers import measure

    for side, evidence in collection.evidence.items():
        for target, waited, served in crowded(evidence["samples"]):
            terminal.note(
                f"http.{target}, {side}: more is asked than it answers: half waited {measure(waited, 'ms')} "
                f"or more for a free connection and were then answered in {measure(served, 'ms')}; the wait counts as "
                "response time. Lower its rate, or raise connections, in stabkit.toml."
            )


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
        stored.append({"run_id": run_id, "label": run["label"], **_counts(collection.evidence[side])})
    return stored


def import_files(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="tests, scan, load, records, or auto.", autocompletion=one_of(lambda: _KINDS)
        ),
    ],
    files: Annotated[list[str], typer.Argument(metavar="FILE", callback=not_empty, help="Files, folders or globs.")],
    label: Annotated[str | None, typer.Option("--label", "-l", metavar="LABEL", help="Name of the new run.")] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", callback=not_empty, help="Add to this run instead of making a new one."),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", callback=not_empty, help="The suite that test reports belong to.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Store evidence files that other tools wrote.

    As a new run, or into an existing one.

    A file that an earlier run held already is stored and marked.

    Exit codes: 0 stored, 2 error (what could be read is stored all the same, and marked).

    \b
    Examples:
      stabkit import tests junit.xml --label v1.5
      stabkit import scan ruff.sarif --run v1.5
    """
    from stabkit.case import doubt_old_files
    from stabkit.read import read_paths
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
    check_label("--label", label)
    found = usual_config(config)
    settings = require_config(found) if found else None
    existing = open_data(config, data).run(run) if run else None  # an unknown run is said before anything is read
    wanted = None if kind == "auto" else kind
    # As collected files are: paths in them are those of the project.
    root = settings.root.resolve() if settings else None
    interrupted = False
    try:
        evidence = read_paths(files, kind=wanted, suite=suite, root=root, processes=_PROCESSES)
        evidence = with_retries(evidence, suite, settings)
    except KeyboardInterrupt:
        interrupted = True
        evidence = _unread(wanted or "tests", files[0])
    store = open_data(config, data, create=True)
    if existing is not None:
        row = dict(existing)
    else:
        environment = settings.project.environment if settings else None
        project = settings.project.name if settings else None
        row = new_run(label=label or Path(files[0]).stem, environment=environment, project=project)
        row |= _commit_by_name(label, settings.root if settings else Path.cwd())
    evidence = doubt_old_files(row, evidence, store)
    row["complete"] = bool(row["complete"]) and not evidence.failed
    run_id = store.append(row, evidence)
    _say_stored(terminal, output_format, [{"run_id": run_id, "label": row["label"], **_counts(evidence)}])
    tell_clocks(terminal, store, [run_id])
    failed = tell_failures(terminal, evidence)
    # A run all the same: a gate that finds no trace of it would judge the pair before it.
    if (evidence["sources"]["status"] == "error").all() and set(evidence) == {"sources"}:
        terminal.warning(
            f"none of it could be read; run {row['label'] or run_id} says so, and can never be judged stable"
        )
        return 130 if interrupted else 2
    if settings is not None:
        _tell_other_suite(terminal, evidence, list(settings.tests))
    say_next(terminal, store, run_id, config, data)
    return 2 if failed else 0


def _unread(kind: str, file: str) -> Evidence:
    """Return the trace of an import that was interrupted before its files were read."""
    from stabkit.sources import source_evidence

    return source_evidence({}, kind=kind, path=file, status="error", messages=["the import was interrupted"])


def _commit_by_name(label: str | None, folder: Path) -> dict[str, str | None]:
    """Return commit and branch of what is checked out, where the label names that commit; else files may be of any."""
    from stabkit.change import repository_state

    if label is None or not _COMMIT.fullmatch(label):
        return {}
    commit, branch = repository_state(folder)
    return {"commit": commit, "branch": branch} if commit is not None and commit.startswith(label) else {}


def _tell_other_suite(terminal: Terminal, evidence: Evidence, declared: list[str]) -> None:
    """Say where no condition judges imported tests: their report has another name for its suite."""
    suites = sorted(set(evidence["tests"]["suite"]))
    if declared and suites and not set(suites) & set(declared):
        terminal.note(
            f"its tests are of the suite {suites[0]!r}, which stabkit.toml does not declare; "
            f"--suite says whose they are: {' or '.join(declared)}"
        )


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
    files: Annotated[list[str], typer.Argument(metavar="FILE", callback=not_empty, help="Files, folders or globs.")],
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
    from stabkit.collect import advise
    from stabkit.read import read_paths, source_summary
    from stabkit.report import source_table

    terminal = terminal_of(context)
    evidence = read_paths(files, processes=_PROCESSES, keep_repeats=True)
    sources = source_summary(evidence)
    if output_format is Format.json:
        terminal.document({"schema": 1, "sources": sources})
    else:
        terminal.show(output_format, source_table(sources))
        for advice in dict.fromkeys(advise(source["fault"]) for source in sources if source["status"] == "error"):
            terminal.hint(advice)
    return 2 if any(source["status"] == "error" for source in sources) else 0


def _counts(evidence: Evidence) -> dict[str, Any]:
    return {"tables": {name: len(evidence[name]) for name in evidence}}


def _say_stored(terminal: Terminal, output_format: Format, stored: list[dict[str, Any]]) -> None:
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
