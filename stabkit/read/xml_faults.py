"""What can be wrong with the XML of a report, and what is done about it: entities, cut-off ends, control bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn
from xml.parsers import expat

from stabkit.read.content import ReportError, chunks
from stabkit.sources import Fault

__all__ = ["CUT_OFF", "cut_off", "not_a_report", "parse_without_controls", "refuse_entities"]

CUT_OFF: Final = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 13})  # which no XML may hold


def cut_off(line: int) -> Fault:
    """Return what is to be said of a document that ends early."""
    return Fault(f"cut off: the cases before line {line} were read, what follows is missing", "cut_off")


def not_a_report(root: str) -> ReportError:
    """Return that a document is no test report, by its root element."""
    return ReportError(Fault(f"not a test report: its root element is {root[:80]!r}", "unknown_format"))


def refuse_entities(parser: expat.XMLParserType) -> None:
    """Let a parser refuse every entity, declared or undefined: nothing expands, nothing outside is opened."""
    parser.EntityDeclHandler = _refuse_declaration
    parser.SkippedEntityHandler = _refuse_undefined


def _refuse_declaration(name: str, *_rest: object) -> NoReturn:
    raise ReportError(f"refused: it declares the entity {name[:80]!r}, which no test report needs")


def _refuse_undefined(name: str, *_rest: object) -> NoReturn:
    raise ReportError(f"refused: it uses the undefined entity {name[:80]!r}")


def _find_controls(path: Path) -> tuple[int, tuple[int, int] | None]:
    """Return how many illegal control bytes a file holds, and line and column of the first."""
    count, lines, before, first = 0, 0, 0, None
    for block in chunks(path):
        if first is None and (match := _CONTROL.search(block)):
            start = block.rfind(b"\n", 0, match.start()) + 1
            column = match.start() - start + (before if start == 0 else 0) + 1
            first = (lines + block.count(b"\n", 0, match.start()) + 1, column)
        count += len(block) - len(block.translate(None, _CONTROLS))
        lines += block.count(b"\n")
        before = len(block) - block.rfind(b"\n") - 1 if b"\n" in block else before + len(block)
    return count, first


def parse_without_controls(
    path: Path, error: expat.ExpatError, parse: Callable[[Iterable[bytes]], None]
) -> tuple[str, tuple[int, int]]:
    """Parse once more without control bytes; return what is said of that, and line and column of the first.

    Raises
    ------
    ReportError
        There are none, or it does not help: the first error stands.
    """
    words = Fault(f"malformed: {expat.ErrorString(error.code)}", "cut_off" if error.code in CUT_OFF else None)
    malformed = ReportError(words, line=error.lineno, column=error.offset + 1)
    count, first = _find_controls(path)
    if first is None:
        raise malformed from error
    try:
        parse(block.translate(None, _CONTROLS) for block in chunks(path))
    except (expat.ExpatError, LookupError, ValueError):
        raise malformed from error
    noun = "byte" if count == 1 else "bytes"
    return f"{count} illegal control {noun} removed, the first at line {first[0]}, column {first[1]}", first
