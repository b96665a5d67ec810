"""The command that stores what other tools wrote: import."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stabkit.cli.completion import one_of
from stabkit.cli.evidence import KINDS, PROCESSES, counts, say_stored, tell_failures
from stabkit.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    check_label,
    not_empty,
    open_data,
    require_config,
    say_next,
    tell_clocks,
    terminal_of,
    usual_config,
    with_retries,
)
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stabkit.collect import Build, Happened
    from stabkit.config import Config
    from stabkit.schema import Evidence
    from stabkit.store import Store

__all__ = ["import_files"]

_BRACES = re.compile(r"\{\w+\}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NAMED = 3


def import_files(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="tests, scan, load, records, or auto, which may be left out.",
            autocompletion=one_of(lambda: KINDS),
        ),
    ],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", callback=not_empty, help="Files, folders or globs.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", "-l", metavar="LABEL", help="Name of the new run; of each, a placeholder."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", callback=not_empty, help="Add to this run instead of making a new one."),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", callback=not_empty, help="The suite that test reports belong to.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", callback=not_empty, help="When it happened (ISO 8601), or 'files': as they tell."),
    ] = None,
    commit: Annotated[
        str | None, typer.Option(metavar="SHA", callback=not_empty, help="The commit that it speaks of.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", callback=not_empty, help="Where it ran; else as configured.")
    ] = None,
    each: Annotated[
        bool | None,
        typer.Option("--each/--together", help="A run of each folder or file, in order of time; or one of all."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    output_format: FormatOption = Format.text,
) -> int:
    r"""Store evidence files that other tools wrote.

    As a new run, or into an existing one; several folders without a label are past builds, each a run of its own.

    A file that an earlier run held already is stored and marked.

    Exit codes: 0 stored, 2 error (what could be read is stored all the same, and marked).

    \b
    Examples:
      stabkit import tests junit.xml --label v1.5
      stabkit import scan ruff.sarif --run v1.5
      stabkit import 'artifacts/build-*/' --environment staging
    """
    terminal = terminal_of(context)
    kind, files = _kind_and_files(kind, files or [])
    given = {"--label": label, "--at": at, "--commit": commit, "--environment": environment}
    for option, value in given.items():
        if run and value:
            raise UsageError(f"--run and {option} exclude each other.", hint="Give one of them.")
    if run and each:
        raise UsageError("--run and --each exclude each other.", hint="Give one of them.")
    if run or each is False:
        _refuse_patterns(files, "--run" if run else "--together")
    found = usual_config(config, data)
    settings = require_config(found) if found else None
    importing = _Import(kind, suite, settings, given)
    if _is_history(files, each, label, run, given):
        return _import_history(terminal, importing, files, (config, data, output_format))
    check_label("--label", label)
    existing = open_data(config, data).run(run) if run else None  # an unknown run is said before anything is read
    row: dict[str, Any] | None = None if existing is None else dict(existing)
    importing.check(str(files[0]))
    interrupted = False
    try:
        evidence = importing.read(files)
    except KeyboardInterrupt:
        interrupted = True
        evidence = _unread(importing.wanted or "tests", files[0])
    store = open_data(config, data, create=True)
    row = row or importing.row(label or _name_of(files[0]), files, evidence)
    unreadable, evidence, told = _append_import(store, row, evidence)
    say_stored(terminal, output_format, [told])
    tell_clocks(terminal, store, [told["run_id"]])
    failed = tell_failures(terminal, evidence)
    if unreadable:
        _tell_unreadable(terminal, told)
        return 130 if interrupted else 2
    if settings is not None:
        _tell_other_suite(terminal, evidence, list(settings.tests))
    say_next(terminal, store, told["run_id"], config, data)
    return 2 if failed else 0


def _kind_and_files(kind: str, files: list[str]) -> tuple[str, list[str]]:
    """Return the kind and the files; a first word that names files leaves the kind to the files themselves."""
    if kind in KINDS:
        if not files:
            raise UsageError(
                "Missing argument 'FILE'.", where="stabkit import", hint=f"Such as: stabkit import {kind} reports/"
            )
        return kind, files
    if os.path.lexists(kind) or set(kind) & set("*?[{/\\"):
        return "auto", [kind, *files]
    guess = nearest(kind, KINDS)
    raise UsageError(
        f"There is no kind {kind!r}.",
        hint=(f"Did you mean {guess!r}? " if guess else "") + f"Known: {', '.join(KINDS)}.",
    )


def _is_history(
    files: list[str], each: bool | None, label: str | None, run: str | None, given: dict[str, str | None]
) -> bool:
    """Say whether each file or folder is a run of its own: as asked for, else where several folders have no label."""
    from stabkit.collect import find_builds, has_placeholder

    if each is not None:
        return each
    if run:
        return False
    if has_placeholder([*given.values(), *(file for file in files if not os.path.lexists(file))]):
        return True
    if label:
        return False
    folders = [os.path.isdir(build.path) for build in find_builds(files)]  # noqa: PTH112 - answers for any name
    return all(folders) and (len(folders) > 1 or any(map(_is_glob, files)))


def _is_glob(file: str) -> bool:
    return glob.has_magic(file) and not os.path.lexists(file)


def _name_of(file: str) -> str:
    """Return what a run is called after its first file: of a glob its nearest folder that is named."""
    parts = [part for part in Path(file).parts if not (_is_glob(file) and glob.has_magic(part))]
    return Path(parts[-1]).stem if parts else "import"


def _refuse_patterns(files: list[str], option: str) -> None:
    """Refuse names that stand for many runs where all files are to be one."""
    from stabkit.collect import has_placeholder

    named = [file for file in files if not os.path.lexists(file) and has_placeholder([file])]
    if named:
        raise UsageError(
            f"{named[0][:80]} makes a run of each folder, {option} one of all.",
            hint=f"Leave out {option}, or the names in braces.",
        )


class _Import:
    """What is imported, and what is said of it."""

    def __init__(self, kind: str, suite: str | None, settings: Config | None, given: dict[str, str | None]) -> None:
        from datetime import UTC, datetime

        self.wanted = None if kind == "auto" else kind
        self.now = datetime.now(UTC)
        self._suite = suite
        self._settings = settings
        self._given = given

    def read(self, files: list[str]) -> Evidence:
        """Return what the files hold; as collected files are, paths in them are those of the project."""
        from stabkit.read import read_paths

        root = self._settings.root.resolve() if self._settings else None
        evidence = read_paths(files, kind=self.wanted, suite=self._suite, root=root, processes=PROCESSES)
        return with_retries(evidence, self._suite, self._settings)

    def said(self, build: Build) -> dict[str, Any]:
        """Return what the command line and the path of a build say of its run, by columns.

        Raises
        ------
        UsageError
            A commit is none, or a time.
        """
        from stabkit.collect import time_of

        said: dict[str, Any] = {}
        for option, key in (("--environment", "environment"), ("--commit", "commit"), ("--at", "at")):
            value = self._filled(option, build) or build.said.get(key)
            said |= {key: value} if value else {}
        if "branch" in build.said:
            said["branch"] = build.said["branch"]
        if "commit" in said:
            said["commit"] = _whole_commit(said["commit"], self._folder)
        at = said.pop("at", None)
        if at is not None and at != "files":
            said["started_at"] = time_of(at, self.now)
        return said

    def label(self, build: Build) -> str:
        """Return what the run of a build is called."""
        return self._filled("--label", build) or build.said.get("label") or build.name

    def _filled(self, option: str, build: Build) -> str | None:
        """Return an option with what the path of a build says; refuse a name in braces that the path does not say."""
        value = build.filled(self._given[option])
        left = None if value is None else _BRACES.search(value)
        if left is not None:
            from stabkit.text import joined

            known = joined(["name", *build.said])
            raise UsageError(f"{left[0]} is not said by {build.path[:80]}.", where=option, hint=f"It says {known}.")
        return value

    def check(self, path: str) -> None:
        """Refuse what is said before anything is read."""
        from stabkit.collect import Build

        self.said(Build(path, path))

    def row(self, label: str, files: list[str], evidence: Evidence) -> dict[str, Any]:
        """Return the row of a run of all files; it happens now, unless something else is said."""
        from stabkit.collect import Build, happened

        build = Build(files[0], label)
        times: dict[str, Any] = {}
        if self._given["--at"] == "files":
            parts = [when for file in files if (when := happened(file, evidence, self.now)).first is not None]
            told = [when for when in parts if when.told] or parts
            if told:
                times = {"started_at": min(w.first for w in told), "finished_at": max(w.last for w in told)}  # type: ignore[type-var]
        by_name = _commit_by_name(self._given["--label"], self._folder)
        return self.fresh(label, times | by_name | self.said(build))

    def fresh(self, label: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return a new row of the table ``runs``."""
        from stabkit.runs import new_run

        project = self._settings.project if self._settings else None
        own = {"environment": project.environment, "project": project.name} if project else {}
        return new_run(label=label, **(own | fields))

    @property
    def _folder(self) -> Path:
        return self._settings.root if self._settings else Path.cwd()


def _import_history(
    terminal: Terminal, importing: _Import, files: list[str], places: tuple[Path | None, Any, Format]
) -> int:
    """Store a run of each folder or file, in order of time; what cannot be read is named, and the others are stored."""
    from stabkit.collect import Happened, find_builds, happened, has_placeholder, in_time_order

    config, data, output_format = places
    builds = find_builds(files)
    said = {build.path: importing.said(build) for build in builds}
    for build in builds:
        check_label(f"the run of {build.path[:80]}", importing.label(build))
        if has_placeholder(files) and not build.said:
            terminal.warning(f"{build.path}: its path does not say what the pattern asks for")
    evidence = {build.path: importing.read([build.path]) for build in builds}
    stated = {path: own.pop("started_at") for path, own in said.items() if "started_at" in own}
    known = [
        (build, Happened(stated[build.path], stated[build.path]))
        if build.path in stated
        else (build, happened(build.path, evidence[build.path], importing.now))
        for build in builds
    ]
    store = open_data(config, data, create=True)
    stored, failed, newest = [], False, None
    for build, when in in_time_order(known, importing.now):
        times = {"started_at": when.first, "finished_at": when.last}
        row = importing.fresh(importing.label(build), times | said[build.path])
        unreadable, own, told = _append_import(store, row, evidence.pop(build.path))
        stored.append(told)
        failed = tell_failures(terminal, own) or failed
        if unreadable:
            _tell_unreadable(terminal, told)
        else:
            newest = told["run_id"]
    say_stored(terminal, output_format, stored)
    _tell_times(terminal, known)
    if newest is not None:
        say_next(terminal, store, newest, config, data)
    return 2 if failed else 0


def _append_import(store: Store, row: dict[str, Any], evidence: Evidence) -> tuple[bool, Evidence, dict[str, Any]]:
    """Store what was read; return whether it is nothing, what became of it, and what to say of it."""
    from stabkit.case import doubt_old_files

    evidence = doubt_old_files(row, evidence, store)
    row["complete"] = bool(row["complete"]) and not evidence.failed
    run_id = store.append(row, evidence)
    # A run all the same: a gate that finds no trace of it would judge the pair before it.
    unreadable = bool((evidence["sources"]["status"] == "error").all()) and set(evidence) == {"sources"}
    return unreadable, evidence, {"run_id": run_id, "label": row["label"], **counts(evidence)}


def _tell_unreadable(terminal: Terminal, told: dict[str, Any]) -> None:
    name = told["label"] or told["run_id"]
    terminal.warning(f"none of it could be read; run {name} says so, and can never be judged stable")


def _tell_times(terminal: Terminal, builds: Sequence[tuple[Build, Happened]]) -> None:
    """Say which runs stand where their files were written, or where the newest of them was."""
    untold = [build.name for build, when in builds if not when.told]
    if untold:
        whose = "" if len(untold) == len(builds) else f" of {_named(untold)}"
        terminal.note(
            f"no file{whose} tells when it happened: ordered by when files were written, or by name where they were "
            "copied; --at says it"
        )
    apart = [build.name for build, when in builds if when.apart]
    if apart:
        terminal.note(f"the files of {_named(apart)} tell of more than a day: the newest of them counts")


def _named(names: Sequence[str]) -> str:
    from stabkit.text import count, joined

    more = [count(len(names) - _NAMED, "other")] if len(names) > _NAMED else []
    return joined([*names[:_NAMED], *more])


def _whole_commit(commit: str, folder: Path) -> str:
    """Return the full id of a commit where git knows it, else as it was given."""
    from stabkit.change import Git
    from stabkit.errors import EvidenceError

    if not _COMMIT.fullmatch(commit.lower()):
        raise UsageError(
            f"{commit[:60]!r} is no id of a commit.", where="--commit", hint="Give 7 to 64 hexadecimal digits."
        )
    try:
        found = Git(folder).read("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode("ascii").strip()
    except (EvidenceError, UsageError, UnicodeDecodeError):
        return commit.lower()
    return found or commit.lower()


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
