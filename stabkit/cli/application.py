"""The application: its commands by name, and every way of ending turned into words and an exit code."""

from __future__ import annotations

import contextlib
import inspect
import logging
import platform
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from stabkit.cli import batch, differences, evidence, importing, judgement, noise, project, reports, storage, trends
from stabkit.cli.terminal import Terminal
from stabkit.errors import StabkitError, UsageError, nearest
from stabkit.installation import check_distributions, lacking
from stabkit.lines import shown_line
from stabkit.redact import redact_text, remember_environment

__all__ = ["app", "run_command"]

INTERRUPTED: Final = 130
_LEAST_ADDRESSES: Final = 1_400_000_000  # bytes; with 1.0 GB DuckDB and the allocator of its threads abort
_CONFIGURATION: Final = "stabkit.config.loading"  # says which file it takes
_MOST_FILES: Final = 3  # a batch may read one for each project
_COMMANDS: Final[dict[str, Callable[..., int]]] = {
    "demo": project.demo,
    "init": project.init,
    "sample": project.sample,
    "notebooks": project.notebooks,
    "schema": project.schema,
    "collect": evidence.collect,
    "import": importing.import_files,
    "runs": evidence.runs,
    "compare": judgement.compare,
    "gate": judgement.gate,
    "explain": judgement.explain,
    "trend": trends.trend,
    "aa": noise.aa,
    "report": reports.report,
    "batch": batch.batch,
    "verify": reports.verify,
    "index": project.index,
    "read": evidence.read,
    "diff": differences.diff,
    "impact": differences.impact,
}

_ANYWHERE: Final = ("--quiet", "-q", "--debug")

_STORE_COMMANDS: Final[dict[str, Callable[..., int]]] = {
    "check": storage.check,
    "compact": storage.compact,
    "prune": storage.prune,
    "export": storage.export,
}

# typer shows the types of Python beside the names of arguments, and required ones in braces.
_TYPES: Final = re.compile(r" <(?:str|path|list\[str\])>")
_BRACES: Final = re.compile(r"\{([A-Z]+)\}")


class _Command(TyperCommand):
    """A command whose help speaks to people."""

    def get_help(self, ctx: Any) -> str:
        text = _TYPES.sub(lambda found: " " * len(found[0]), super().get_help(ctx))
        return _BRACES.sub(r"\1", text)


app = typer.Typer(
    name="stabkit",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 stable or done, 1 regressed, 2 error, 3 inconclusive, 130 interrupted. "
    "To begin: stabkit demo, or stabkit init in a project of your own.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(terminal: Terminal, *, verbose: bool) -> None:
    import stabkit

    lines = [f"stabkit {stabkit.__version__}"]
    if verbose:
        lines += [f"Python {platform.python_version()}", *_plugin_lines()]
    terminal.result("\n".join(lines))


def _plugin_lines() -> list[str]:
    """Return what other packages bring, after all of it was loaded once; what is left out says why."""
    from stabkit.installation import known_plugins, left_out, need_for
    from stabkit.kinds import KINDS
    from stabkit.read import plugged_readers

    plugged_readers()
    KINDS.get("")  # a name that no kind has: it is looked for among plugins
    with contextlib.suppress(UsageError):
        need_for("notebooks")
        from stabkit.pipeline import plugged_notebooks

        plugged_notebooks()
    problems = left_out()
    return [
        f"{one.package} {one.version}: {one.noun} {one.name}"
        + (f", left out: {problems[one]}" if one in problems else "")
        for one in known_plugins()
    ] or ["no plugins"]


@app.callback(invoke_without_command=True)
def _globals(
    context: typer.Context,
    *,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only results, warnings and errors; anywhere in a command.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log what is done; anywhere too.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="With --version: Python and plugins too.")] = False,
) -> None:
    """Did the system stay stable across this change? Evidence in, an honest verdict and reports out."""
    context.obj = Terminal(quiet=quiet, debug=debug)
    _log_to_stderr(context.obj)
    if version:
        _show_version(context.obj, verbose=verbose)
        raise typer.Exit
    if verbose:
        raise UsageError("--verbose belongs to --version.", hint="stabkit --version --verbose")
    if context.invoked_subcommand is None:
        context.obj.result(context.get_help())
        raise typer.Exit


def _add(commands: typer.Typer, named: Mapping[str, Callable[..., int]]) -> None:
    for name, command in named.items():
        # In the raw docstrings the mark for "do not wrap what follows" is two characters.
        commands.command(name, cls=_Command, help=inspect.cleandoc(command.__doc__ or "").replace("\\b\n", "\b\n"))(
            command
        )


_store = typer.Typer(rich_markup_mode=None)


@_store.callback(invoke_without_command=True)
def _store_alone(context: typer.Context) -> None:
    """Care for a store: check, compact, prune, export."""
    if context.invoked_subcommand is None:
        context.find_root().obj.result(context.get_help())
        raise typer.Exit


_add(app, _COMMANDS)
_add(_store, _STORE_COMMANDS)
app.add_typer(_store, name="store")


def run_command(words: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever goes wrong is told on stderr."""
    words = _global_first(words)
    terminal = Terminal(debug="--debug" in words)
    remember_environment()
    try:
        code = _outcome(words, terminal)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    finally:
        _stop_logging()
    if code == INTERRUPTED:
        terminal.interrupted()
    return code


def _global_first(words: Sequence[str]) -> list[str]:
    """Return the words with the global options first, wherever they were typed."""
    end = words.index("--") if "--" in words else len(words)
    first = [word for word in words[:end] if word in _ANYWHERE]
    return [*first, *(word for word in words[:end] if word not in _ANYWHERE), *words[end:]]


def _outcome(words: Sequence[str], terminal: Terminal) -> int:
    try:
        check_distributions()
        _check_address_space()
        result: Any = app(list(words), prog_name="stabkit", standalone_mode=False)
    except TyperException as error:
        terminal.error(_usage_error(error, words))
    except StabkitError as error:
        if terminal.debug:
            logging.getLogger(__name__).debug("failed", exc_info=True)
        terminal.error(error)
    except ModuleNotFoundError as error:
        found = lacking(error)
        if found is None or terminal.debug:
            raise
        found.where = _named_command(words)
        terminal.error(found)
    except OSError as error:  # no bug: a disk is full, a folder has gone, a name is too long
        if terminal.debug:
            raise
        terminal.error(
            StabkitError(
                f"{error.strerror or error}.",
                where=str(error.filename or _named_command(words)),
                hint="Check that path, its permissions and the space that is left; more says: --debug",
            )
        )
    except Exception as error:  # a bug of ours; the user gets a sentence, --debug the traceback
        if terminal.debug:
            raise
        terminal.error(_unforeseen(error))
    else:
        return result if isinstance(result, int) else 0
    return 2


# What the libraries below say of values, in the words of a user.
_PLAIN: Final = (
    (r"Value error, ", ""),
    (r"Input should be a valid (\w+)(, .*)?$", r"it is no \1."),
    (r"Input should be greater than or equal to (\S+)", r"it is at least \1."),
    (r"Input should be less than or equal to (\S+)", r"it is at most \1."),
    (r"Input should be", "it should be"),
    (r"Got unexpected extra argument\(s\) \((.*)\)", r"There is a word too many: \1"),
)


def _named_command(words: Sequence[str]) -> str:
    named = [word for word in words if word in _COMMANDS or word == "store"]
    return f"stabkit {named[0]}" if named else "stabkit"


def _check_address_space() -> None:
    """Refuse an address space in which libraries end the whole process in the middle of their work.

    What is mapped is many times what is used: threads reserve their stacks, allocators their arenas.

    Raises
    ------
    StabkitError
        It is limited to less than they map.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESSES:
        raise StabkitError(
            f"This process may map {limit / 1e6:,.0f} MB, and its libraries need {_LEAST_ADDRESSES / 1e6:,.0f} MB.",
            where="ulimit -v",
            hint="Raise that limit; to limit the memory that is used, put the command into a container.",
        )


def _unforeseen(error: Exception) -> StabkitError:
    """Return what to say of an error that nobody foresaw: short of memory, a library cannot even be mapped."""
    foreign = isinstance(error, ImportError) and (error.name or "").partition(".")[0] != "stabkit"
    if foreign or isinstance(error, MemoryError):
        what = f"A library cannot be loaded: {error}" if foreign else "There is not enough memory."
        return StabkitError(what, hint="Give it more memory, or install stabkit again; more says: --debug")
    return StabkitError(
        f"This is a bug in stabkit: {type(error).__name__}: {error}",
        hint="Run the command again with --debug and report what it shows.",
    )


def _usage_error(error: TyperException, words: Sequence[str]) -> StabkitError:
    context = getattr(error, "ctx", None)
    command = _named_command(words)
    if context is not None and context.command_path.startswith(command):
        command = context.command_path
    what = error.format_message()
    for technical, plain in _PLAIN:
        what = re.sub(technical, plain, what)
    # typer's own guess moves to where all our guesses are.
    guess = re.search(r"\s*(?:\(Possible options: (.+)\)|Did you mean (.+)\?)$", what)
    hint = f"See: {command} --help"
    choice = re.search(r"'([^']*)' is not one of (.+)\.$", what)
    near = nearest(choice[1], re.findall(r"'([^']*)'", choice[2])) if choice else None
    if near:
        hint = f"Did you mean {near!r}? {hint}"
    if guess:
        what, hint = f"{what[: guess.start()].rstrip('.')}.", f"Did you mean {guess[1] or guess[2]}? {hint}"
    return UsageError(what, hint=hint)


class _Stderr(logging.Handler):
    """Our own log on stderr, one line a record, without user information of URLs; tracebacks only for debugging.

    Nobody else's log is shown: those of HTTP and WebSocket libraries hold headers and queries.
    """

    def __init__(self, terminal: Terminal) -> None:
        debug = terminal.debug
        super().__init__(logging.DEBUG if debug else logging.INFO)
        self._debug = debug
        self._terminal = terminal
        self._said: set[str] = set()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s" if debug else "warning: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == _CONFIGURATION:
            self._say_once(record.getMessage())
            return
        if not self._debug:
            if record.levelno < logging.WARNING or record.name in ("stabkit.collect.session", "stabkit.probe.declared"):
                return  # a part that fails is told from its source, with a hint; once is enough
            plain = {"exc_info": None, "exc_text": None, "stack_info": None}
            record = logging.makeLogRecord({**record.__dict__, **plain})
        with contextlib.suppress(OSError):
            sys.stderr.write(_told(redact_text(self.format(record)), several=self._debug) + "\n")

    def _say_once(self, text: str) -> None:
        """Say which file counts: one that is found by itself may be another than was meant."""
        if not self._terminal.in_lines and text not in self._said and len(self._said) < _MOST_FILES:
            self._said.add(text)
            self._terminal.note(text)


def _told(text: str, *, several: bool) -> str:
    """Return a record as one line; with its traceback, for debugging, as several."""
    return "\n".join(map(shown_line, text.split("\n"))) if several else shown_line(text)


def _log_to_stderr(terminal: Terminal) -> None:
    ours = logging.getLogger("stabkit")
    ours.addHandler(_Stderr(terminal))
    ours.setLevel(logging.DEBUG if terminal.debug else logging.NOTSET)
    logging.getLogger(_CONFIGURATION).setLevel(logging.INFO)


def _stop_logging() -> None:
    ours = logging.getLogger("stabkit")
    for handler in [handler for handler in ours.handlers if isinstance(handler, _Stderr)]:
        ours.removeHandler(handler)
    ours.setLevel(logging.NOTSET)
    logging.getLogger(_CONFIGURATION).setLevel(logging.NOTSET)
