"""The command line: arguments, exit codes, printing. No logic; heavy imports stay inside commands.

Exit codes: 0 stable, 1 regressed, 2 error (usage, configuration, evidence, execution), 3 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from stabkit.cli import evidence, judgement, project
from stabkit.cli.terminal import Terminal
from stabkit.errors import StabkitError, UsageError

__all__ = ["main", "run"]

app = typer.Typer(
    name="stabkit",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(value: bool) -> None:
    if value:
        import stabkit

        sys.stdout.write(f"stabkit {stabkit.__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _globals(
    context: typer.Context,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only results, warnings and errors.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log what is done.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback answers and exits
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Did the system stay stable across this change? Evidence in, an honest verdict and reports out."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    context.obj = Terminal(quiet=quiet, debug=debug)
    if context.invoked_subcommand is None:
        context.obj.result(context.get_help())
        raise typer.Exit


for _command, _name in (
    (project.demo, "demo"),
    (project.init, "init"),
    (evidence.collect, "collect"),
    (evidence.import_files, "import"),
    (evidence.runs, "runs"),
    (judgement.compare, "compare"),
    (judgement.gate, "gate"),
    (judgement.report, "report"),
    (evidence.read, "read"),
    (judgement.diff, "diff"),
):
    app.command(_name)(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are told on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    terminal = Terminal(debug="--debug" in words)
    try:
        result: Any = app(words, standalone_mode=False)
    except TyperException as error:
        terminal.error(_usage_error(error))
        return 2
    except StabkitError as error:
        if terminal.debug:
            logging.getLogger(__name__).exception("failed")
        terminal.error(error)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\ninterrupted\n")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nobody is left to tell
        return 0
    except Exception as error:  # a bug of ours; the user gets a sentence, --debug the traceback
        if terminal.debug:
            raise
        terminal.error(
            StabkitError(
                f"This is a bug in stabkit: {type(error).__name__}: {error}",
                hint="Run the command again with --debug and report what it shows.",
            )
        )
        return 2
    return result if isinstance(result, int) else 0


def _usage_error(error: TyperException) -> StabkitError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "stabkit"
    return UsageError(error.format_message(), hint=f"See: {command} --help")


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run())
