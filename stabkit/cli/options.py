"""Options that several commands share, and where the configuration and the store are found."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from stabkit.cli.completion import bundled, one_of
from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import ConfigError, EvidenceError, StabkitError, UsageError, nearest
from stabkit.paths import on_this_machine

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stabkit.config import Config
    from stabkit.schema import Evidence
    from stabkit.store import Store

__all__ = [
    "BaselineArgument",
    "CandidateArgument",
    "ClusterOption",
    "ConfigOption",
    "DataOption",
    "FormatOption",
    "MaybeBaseline",
    "MaybeCandidate",
    "NotebookOption",
    "OutputOption",
    "ParameterOption",
    "ReportsOption",
    "SignOption",
    "check_label",
    "data_folder",
    "name_of",
    "not_empty",
    "one_interrupt",
    "open_data",
    "reports_folder",
    "require_config",
    "say_next",
    "sign_reports",
    "signing_key",
    "source_error",
    "store_for",
    "tell_clocks",
    "terminal_of",
    "uninterrupted",
    "usual_config",
    "warn_of_names",
    "with_retries",
]


def not_empty(value: Any) -> Any:
    """Refuse an empty word: mostly a variable of the shell that is not set, and never what was meant.

    Raises
    ------
    BadParameter
        The value is empty, or one of several is.
    """
    if value == "" or (isinstance(value, (list, tuple)) and "" in value):
        raise typer.BadParameter("it is empty; is a variable of your shell not set?")
    return value


def _folder(text: str) -> Path:
    return on_this_machine(not_empty(text))


def reports_folder(text: str) -> Path:
    """Return a folder for reports; an address on object storage as it is, which a path would spoil.

    Raises
    ------
    UsageError
        It is an address of another kind.
    """
    from stabkit.store.places import in_bucket

    return cast("Path", text) if in_bucket(text) else _folder(text)


ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        envvar="STABKIT_CLUSTER",
        callback=not_empty,
        help="Work on a Dask cluster: a scheduler's address or file, or local:N for N processes here.",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", envvar="STABKIT_CONFIG", help="Configuration; else the nearest stabkit.toml."
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        "-d",
        metavar="FOLDER",
        envvar="STABKIT_DATA",
        callback=not_empty,
        help="Store of runs, or s3://BUCKET/PREFIX; else the one the configuration names.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How the result is printed.")]
OutputOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", parser=_folder, help="Folder for the pages.")
]
#: A folder, or text: the address of one on object storage.
ReportsOption = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FOLDER", parser=reports_folder, help="Folder for the pages, or s3://BUCKET/PREFIX."
    ),
]
SignOption = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign each page and its JSON with this Ed25519 private key, PEM."),
]
NotebookOption = Annotated[
    list[str] | None,
    typer.Option(
        "--notebook",
        "-n",
        metavar="NAME",
        help="Bundled name, path, or 'all'; may be repeated. Else stability_report.",
        autocompletion=one_of(bundled),
    ),
]
ParameterOption = Annotated[
    list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A notebook parameter.")
]


def signing_key(path: Path | None, output: Path | str) -> Ed25519PrivateKey | None:
    """Return the key that reports are to be signed with, before any is made; None without one.

    Raises
    ------
    UsageError
        It cannot be used, or the reports lie at an address.
    """
    if path is None:
        return None
    from stabkit.store.places import in_bucket

    if in_bucket(output):
        raise UsageError(
            "Pages are signed in a folder, and these go to an address.",
            where="--sign",
            hint="Name a folder with --output, then copy it there.",
        )
    from stabkit.report.attestation import private_key

    return private_key(path)


def sign_reports(reports: Iterable[tuple[Path, Path]], key: Ed25519PrivateKey) -> None:
    """Sign reports, each given as its page and its JSON."""
    from stabkit.report.attestation import sign_report

    for html, result in reports:
        sign_report(html, result, key)


def _complete_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the labels of the store that begin so, the newest first."""
    config, data = ctx.params.get("config"), ctx.params.get("data")
    found: list[str] = []
    with contextlib.suppress(StabkitError):  # no store, or one that cannot be read: nothing to offer
        labels = open_data(Path(config) if config else None, str(data) if data else None).runs()["label"].dropna()
        found = list(dict.fromkeys(reversed(labels.tolist())))
    return [label for label in [*found, "latest"] if incomplete and label.startswith(incomplete)] or found


_NO_CONFIG: Final = "There is no stabkit.toml here or in any folder above."
_BASELINE: Final = "Run before: label, id, latest~1, or a folder of evidence files"
_CANDIDATE: Final = "Run after: label, id, latest, or a folder of evidence files"
BaselineArgument = Annotated[
    str, typer.Argument(metavar="BASELINE", help=f"{_BASELINE}.", callback=not_empty, autocompletion=_complete_runs)
]
CandidateArgument = Annotated[
    str, typer.Argument(metavar="CANDIDATE", help=f"{_CANDIDATE}.", callback=not_empty, autocompletion=_complete_runs)
]
MaybeBaseline = Annotated[
    str | None,
    typer.Argument(
        metavar="BASELINE",
        help=f"{_BASELINE}; else the run before the candidate.",
        callback=not_empty,
        autocompletion=_complete_runs,
    ),
]
MaybeCandidate = Annotated[
    str | None,
    typer.Argument(
        metavar="CANDIDATE", help=f"{_CANDIDATE}; else the newest.", callback=not_empty, autocompletion=_complete_runs
    ),
]


def terminal_of(context: typer.Context) -> Terminal:
    """Return the terminal that the global options made."""
    terminal = context.find_object(Terminal)
    return terminal if terminal is not None else Terminal()


def usual_config(given: Path | None, data: str | None = None) -> Path | None:
    """Return the configuration file given, else that of the store named, else the nearest one, else None."""
    if given is not None:
        return given
    if data is None:
        from stabkit.config import find_config

        return find_config()
    from stabkit.case import find_settings_file

    return find_settings_file(None, data, None)


def require_config(given: Path | None) -> Config:
    """Return the configuration.

    Raises
    ------
    ConfigError
        There is none, or it cannot be used.
    """
    from stabkit.config import load_config

    path = usual_config(given)
    if path is None:
        raise ConfigError(_NO_CONFIG, hint="Write one with: stabkit init, or name one with --config.")
    return load_config(path)


def warn_of_names(terminal: Terminal, config: Config) -> None:
    """Warn of names and margins in a configuration that hardly anybody means: nothing would ever be judged by them."""
    from stabkit.config import doubtful_margins, misspelt_names

    for text in (*misspelt_names(config), *doubtful_margins(config)):
        terminal.warning(f"stabkit.toml: {text}")


def data_folder(config: Path | None, data: str | None) -> Path | str:
    """Return the store's folder: the one given, else the one that the configuration names.

    Raises
    ------
    ConfigError
        None is given, and there is no configuration, or it cannot be used.
    """
    from stabkit.store import project_store

    found = data if data is not None else project_store(config)
    if found is None:
        raise ConfigError(
            _NO_CONFIG,
            hint="Write one with: stabkit init, or name one with --config, or the store alone with --data.",
        )
    return found


def store_for(references: tuple[str | None, str | None], config: Path | None, data: str | None) -> Path | str | None:
    """Return the store in which references are looked up; paths of evidence need none.

    Raises
    ------
    UsageError
        A reference is no path, and nothing says where the store is.
    """
    from stabkit.case import existing, files_alone

    if data is not None or files_alone(*references):
        return data
    if usual_config(config, data) is None:
        missing = [given for given in references if given and not existing(given)]
        what = f"There is no folder or file {missing[0]!r}" if missing else "Two runs are needed"
        raise UsageError(
            f"{what}, and neither a stabkit.toml nor --data says where runs are stored.",
            hint="Name two folders of evidence files, or the store with --data, or write a configuration: stabkit init",
        )
    return data_folder(config, data)


def open_data(config: Path | None, data: str | None, *, create: bool = False) -> Store:
    """Return the store: the one given, else the one that the configuration names."""
    from stabkit.case import open_runs

    return open_runs(data_folder(config, data), create=create)


def with_retries(evidence: Evidence, suite: str | None, settings: Config | None) -> Evidence:
    """Return test reports as the suite they belong to is configured: cases of one id may be attempts in order.

    Without a name they belong to the only suite there is.

    Raises
    ------
    UsageError
        There is no such suite.
    """
    from stabkit.collect import number_attempts

    known = dict(settings.tests) if settings is not None else {}
    if suite is not None and known and suite not in known:
        guess = nearest(suite, known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known)}."
        raise UsageError(f"There is no suite {suite!r}.", where="--suite", hint=hint)
    own = known.get(suite) if suite is not None else next(iter(known.values())) if len(known) == 1 else None
    return number_attempts(evidence) if own is not None and own.retries == "same_id" else evidence


_LONGEST_LABEL: Final = 100


def check_label(option: str, label: str | None) -> None:
    """Refuse a label by which no run could be found again.

    Raises
    ------
    UsageError
        It is empty, longer than a table can show, begins with a dash, holds a control character, or is a word that
        means another run, or an A/A run.
    """
    from stabkit.runs import check_label as check_history

    if label is None:
        return
    from stabkit.store import word_of

    if not label.strip() or label.startswith("-") or not label.isprintable() or word_of(label):
        raise UsageError(
            f"A run cannot be called {label!r}: no command could name it.", where=option, hint="Such as: v1.5"
        )
    if len(label) > _LONGEST_LABEL:
        raise UsageError(
            f"A run's name has at most {_LONGEST_LABEL} characters; this one has {len(label)}.",
            where=option,
            hint="Such as: v1.5",
        )
    check_history(label)


def source_error(source: Any) -> EvidenceError:
    """Return what is wrong with a source, given as a row of ``sources``, and what helps."""
    import pandas as pd

    from stabkit.collect import advise

    place = str(source.path) if pd.isna(source.line) else f"{source.path}:{source.line}"
    message = "it gave nothing usable" if pd.isna(source.message) else str(source.message)
    return EvidenceError(message, where=place, hint=advise(source.fault))


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C while evidence is stored: a second one must not lose what the first one kept."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def one_interrupt(terminal: Terminal) -> Iterator[None]:
    """Let the first Ctrl-C end what is measured, and the second change nothing: it must not lose what there is.

    A third one gives up at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = 0

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed == 2:
            terminal.warning("storing what was measured; press Ctrl-C once more to give it up")
        else:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def tell_clocks(terminal: Terminal, store: Store, run_ids: Iterable[str]) -> None:
    """Say at once where a run began before the newest of its environment, by its own machine's clock."""
    from stabkit.case import behind

    runs = store.runs()
    found = [one for one in (behind(runs, run_id) for run_id in run_ids) if one is not None]
    if found:
        from stabkit.report.words import behind_text  # costs as much as the command itself

        for one in found:
            terminal.warning(behind_text(one))


def say_next(terminal: Terminal, store: Store, run_id: str, config: Path | None, data: str | None) -> None:
    """Say the command that judges a run just stored, ready to be pasted."""
    from stabkit.case import run_before

    run = store.run(run_id)
    before = run_before(run, store)
    if before is None:
        terminal.note(f"Next: collect another run after the change, then: {_gate(store, run_id, None, config, data)}")
    else:
        sides = (run_id, before) if _came_first(store, run_id, before) else (before, run_id)
        terminal.note(f"Next: {_gate(store, *sides, config, data)}")


def _came_first(store: Store, run_id: str, other: str) -> bool:
    """Say whether a run's label is older than another's: then its version was measured once more, as the baseline."""
    runs = store.runs()  # in their order, which a clock that was set back does not change

    def first(one: str) -> int:
        label = store.run(one)["label"]
        named = runs["label"] == label if isinstance(label, str) else runs["run_id"] == one
        return int(named.to_numpy().argmax())

    return first(run_id) < first(other)


def _gate(store: Store, baseline: str, candidate: str | None, config: Path | None, data: str | None) -> str:
    words = ["stabkit", "gate", name_of(store, baseline), "latest" if candidate is None else name_of(store, candidate)]
    for option, given, variable in (("--config", config, "STABKIT_CONFIG"), ("--data", data, "STABKIT_DATA")):
        if given is not None and os.environ.get(variable) != str(given):
            words += [option, str(given)]
    return shlex.join(words)


def name_of(store: Store, run_id: str) -> str:
    """Return the run's label if that finds it, else its id."""
    label = store.run(run_id)["label"]
    usable = isinstance(label, str) and label.isprintable() and not label.startswith("-")
    return label if usable and store.resolve(label) == run_id else run_id
