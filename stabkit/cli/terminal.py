"""What reaches the terminal: results on stdout; progress, notes and errors on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, Protocol

from stabkit.errors import StabkitError
from stabkit.lines import json_text, shown_line, shown_lines
from stabkit.redact import redact_text, redact_values

__all__ = ["Format", "ProgressLines", "Terminal", "TerminalProgress"]

_COLOURS: Final = {
    "✗": "38;5;166",
    "?": "38;5;178",
    "✓": "38;5;32",
    "+": "38;5;32",
}  # as on the page: never red on green

# Whoever watches a log gives up on what has been silent for longer.
_SILENCE_S: Final = 10.0
_NARROWEST: Final = 30  # nothing can be laid out in less


class Format(StrEnum):
    """How a result is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"


class Displayed(Protocol):
    """What a display object of the report room offers."""

    def piece(self) -> dict[str, Any]:
        """Return its JSON."""

    def markdown(self) -> str:
        """Return its Markdown."""

    def text(self, width: int | None = None) -> str:
        """Return its plain text, for a terminal of that many columns."""


class Terminal:
    """One command's way to its user.

    Attributes
    ----------
    in_lines : bool
        A program reads stderr, each line of it JSON; notes to people are no part of that.
    """

    def __init__(self, *, quiet: bool = False, debug: bool = False) -> None:
        self.quiet = quiet
        self.debug = debug
        self.in_lines = False

    def result(self, text: str) -> None:
        """Print the result, coloured by its glyphs where colour is wanted."""
        clean = shown_lines(redact_text(text))
        _write((_colour(clean) if _wants_colour(sys.stdout) else clean).rstrip("\n") + "\n")

    def plain(self, text: str) -> None:
        """Print a result for a program: neither coloured nor folded, and masked and escaped as all others."""
        _write(shown_lines(redact_text(text)).rstrip("\n") + "\n")

    def document(self, value: Mapping[str, Any]) -> None:
        """Print a result as JSON."""
        plain = (sys.stdout.encoding or "ascii").lower().replace("-", "") not in ("utf8", "utf8sig")
        _write(json_text(redact_values(value), ascii_only=plain, indent=2) + "\n")

    def show(self, output_format: Format, *displays: Displayed) -> None:
        """Print display objects as text or Markdown, or the one of them as its JSON."""
        if output_format is Format.json:
            (display,) = displays
            self.document(display.piece())
        elif output_format is Format.markdown:
            self.result("\n\n".join(display.markdown() for display in displays))
        else:
            width = _columns()
            self.result("\n\n".join(display.text(width) for display in displays))

    def note(self, text: str) -> None:
        """Say what was done and what comes next."""
        if not self.quiet:
            self._err(text)

    def warning(self, text: str) -> None:
        """Say what is doubtful; also when quiet."""
        self._err(f"warning: {text}")

    def error(self, error: StabkitError) -> None:
        """Say what is wrong, where, and what to do."""
        place = f"{error.where}: " if error.where else ""
        self._err(f"error: {place}{error.what}")
        self.hint(error.hint)

    def hint(self, text: str | None) -> None:
        """Say what to do about the warning or error just told, if anything is known to help."""
        if text:
            self._err(f"hint: {text}")

    def event(self, value: Mapping[str, Any]) -> None:
        """Say one step of a long work as a line of JSON."""
        with contextlib.suppress(OSError):  # nobody is left to tell
            sys.stderr.write(json_text(redact_values(value), ascii_only=True, indent=None) + "\n")
            sys.stderr.flush()

    def interrupted(self) -> None:
        """Say that the command was ended early."""
        self._err("interrupted")

    def open_page(self, page: Path) -> None:
        """Open a page in the browser; say so where there is none."""
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            self.warning("there is no browser to open the page with")
            self.hint(f"Copy it to a machine that has one: {page}")

    def progress(self) -> TerminalProgress | ProgressLines | None:
        """Return a progress bar on stderr, or lines where that is no terminal; None if nothing is to be said."""
        if self.quiet:
            return None
        return TerminalProgress() if sys.stderr.isatty() else ProgressLines(self.note)

    def _err(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody is left to tell
            sys.stderr.write(shown_line(redact_text(text)) + "\n")
            sys.stderr.flush()


def _write(text: str) -> None:
    """Write a result; a reader who has gone, such as ``head``, changes nothing, least of all the exit code.

    Raises
    ------
    StabkitError
        It cannot be written for another reason: a result that nobody gets is no success.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        raise StabkitError(
            f"The result cannot be written: {error.strerror or error}.",
            where="standard output",
            hint="Free some space, or send the output elsewhere.",
        ) from error


def _discard_output() -> None:
    # What is still buffered would fail again when the interpreter ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _columns() -> int | None:
    """Return how wide the terminal is; None where the result goes elsewhere: files and programs get whole lines."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def _wants_colour(stream: IO[str]) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _colour(text: str) -> str:
    return "\n".join(_colour_line(line) for line in text.split("\n"))


def _colour_line(line: str) -> str:
    glyph = line.lstrip()[:1]
    code = _COLOURS.get(glyph)
    if code is None or line.lstrip()[1:2] != " ":
        return line
    before, _, after = line.partition(glyph)
    return f"{before}\x1b[1;{code}m{glyph}\x1b[0m{after}"


class TerminalProgress:
    """A progress bar of rounds and files, by rich; made only for a terminal."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._task: Any = None

    def start(self, task: str, total: int) -> None:
        """Show a bar for a task of that many steps."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        # One step has no share to show: its bar moves and its clock runs, so that nobody thinks it hangs.
        steps = [MofNCompleteColumn(), TimeRemainingColumn()] if total > 1 else [TimeElapsedColumn()]
        bar = BarColumn(complete_style="blue", finished_style="blue", pulse_style="blue")
        name = TextColumn("{task.description}", markup=False)
        self._bars = Progress(name, bar, *steps, console=Console(stderr=True), transient=True)
        self._bars.start()
        self._task = self._bars.add_task(shown_line(redact_text(task)), total=total if total > 1 else None)

    def advance(self, amount: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, amount)

    def finish(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._bars.stop()
            self._bars = self._task = None


class ProgressLines:
    """How far a long work is, a line every ten seconds, for logs; of what takes less time nothing is said.

    Parameters
    ----------
    tell : callable
        Takes each line, from a thread of its own.
    every_s : float
        Longest silence, seconds.
    """

    def __init__(self, tell: Callable[[str], None], *, every_s: float = _SILENCE_S) -> None:
        self._tell = tell
        self._every_s = every_s
        self._done = self._total = 0
        self._task = ""
        self._begun = self._told_at = 0.0
        self._ended = threading.Event()
        self._ended.set()

    def start(self, task: str, total: int) -> None:
        """Watch over a task of that many steps."""
        self.finish()
        self._task, self._done, self._total = task, 0, total
        self._begun = self._told_at = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, args=(self._ended,), daemon=True).start()

    def advance(self, amount: int = 1) -> None:
        """Count steps as done."""
        self._done += amount

    def finish(self) -> None:
        """End the task, complete or not."""
        self._ended.set()

    def told(self) -> None:
        """Take note that something else was said just now, so that no line need follow it at once."""
        self._told_at = time.monotonic()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(max(0.0, self._told_at + self._every_s - time.monotonic())):
            if time.monotonic() >= self._told_at + self._every_s:
                self._tell(self._line())
                self.told()

    def _line(self) -> str:
        from stabkit.numbers import amount_text

        passed = time.monotonic() - self._begun
        share = f"{amount_text(self._done)} of {amount_text(self._total)}, " if self._total > 1 else ""
        left = passed / self._done * (self._total - self._done) if self._done else 0.0
        rest = f", about {_clock(left)} left" if left >= 1 else ""
        return f"{self._task}: {share}{_clock(passed)} so far{rest}"


def _clock(seconds: float) -> str:
    """Return a time as a log has it, in whole seconds or minutes: a tenth of either would only flicker."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
