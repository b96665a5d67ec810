"""The command line: arguments, exit codes, printing. No logic; heavy imports stay inside commands.

Exit codes: 0 stable, 1 regressed, 2 error (usage, configuration, evidence, execution), 3 inconclusive, 130 interrupted,
143 terminated. A termination ends a command as Ctrl-C does: what was collected until then is stored.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Final

from stabkit.cli.encoding import PLAIN

__all__ = ["main", "run"]

_INTERRUPTED: Final = 130
_TERMINATED: Final = 143
_COLLECTIONS: Final = (50_000, 20, 100)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are told on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Imported here, so that an early Ctrl-C is no traceback either.
        from stabkit.cli.application import run_command

        return run_command(words)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED


def _open_closed() -> None:
    """Open to nowhere what was closed at the start: else the next file opened would take its place, and its text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            os.set_inheritable(nowhere, True)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))


def _say_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from stabkit.lines import shown_line
    from stabkit.redact import redact_text

    told = redact_text("".join(traceback.format_exception(kind, error, trace))).rstrip("\n")
    sys.stderr.write("\n".join(map(shown_line, told.split("\n"))) + "\n")


def main() -> None:
    """Run the command line and exit."""
    terminated: list[int] = []

    def terminate(number: int, _frame: FrameType | None) -> None:
        terminated.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script started it in the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)  # the one way in which a running probe knows how to end

    _open_closed()
    # Of a million rows none is garbage: looked for at every 700th, as is usual, it takes a quarter of the time.
    gc.set_threshold(*_COLLECTIONS)
    sys.excepthook = _say_traceback  # what --debug shows may hold anything
    try:
        signal.signal(signal.SIGTERM, terminate)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a glyph that a terminal cannot show must not end the command
                stream.reconfigure(errors=PLAIN)
        code = run()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    code = _TERMINATED if terminated and code == _INTERRUPTED else code
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os._exit(code)  # told already; the interpreter would only complain about it once more
    sys.exit(code)
