"""What can be wrong with the XML of a report, and what is done about it: entities, cut-off ends, control bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NoReturn
from xml.parsers import expat

from stabkit.read.content import ReportError, chunks
from stabkit.sources import Fault, Status
from stabkit.text import amount

__all__ = ["CUT_OFF", "cut_off", "not_a_report", "parse_repaired", "refuse_entities"]

CUT_OFF: Final = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
_SUSPECT: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:[0-9]{1,10}|[xX][0-9a-fA-F]{1,8});")
_OPEN_REFERENCE: Final = re.compile(rb"&(?:#(?:[0-9]{0,10}|[xX][0-9a-fA-F]{0,8}))?$")
_OPEN_CHARACTER: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}$")
_ENCODING: Final = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)")


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


class _Repair:
    """A document read without what no XML may hold: control bytes, references to them, and bytes that are no UTF-8.

    Reporters write the output of programs as it came, with the escapes of a terminal or half a character at its end.
    One of them would otherwise cost the whole report.

    Attributes
    ----------
    first : tuple of int or None
        Line and column of the first that was removed, both from 1; None until one was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._removed = {"control byte": 0, "character reference": 0, "byte that is no UTF-8": 0}
        self.first: tuple[int, int] | None = None
        self._lines = self._column = 0

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks, what is illegal removed."""
        rest, utf8 = b"", None
        for block in chunks(self._path):
            utf8 = utf8 if utf8 is not None else _is_utf8(block)
            rest += block
            # A reference or a character may go on in the next block.
            open_ = _OPEN_REFERENCE.search(rest) or (_OPEN_CHARACTER.search(rest) if utf8 else None)
            end = open_.start() if open_ else len(rest)
            whole, rest = rest[:end], rest[end:]
            yield self._sound(whole, utf8=utf8)
        yield self._sound(rest, utf8=bool(utf8))

    def _sound(self, block: bytes, *, utf8: bool) -> bytes:
        kept = _SUSPECT.sub(lambda found: self._without(block, found), block)
        if utf8:
            text = kept.decode("utf-8", "replace")
            if wrong := text.count("\ufffd") - kept.count(b"\xef\xbf\xbd"):
                self._removed["byte that is no UTF-8"] += wrong
                place = next(i for i, char in enumerate(text) if char == "\ufffd")
                self._note(text[:place].encode(), place)
                kept = text.encode("utf-8")
        lines = block.count(b"\n")
        self._lines += lines
        self._column = len(block) - block.rfind(b"\n") - 1 if lines else self._column + len(block)
        return kept

    def _without(self, block: bytes, found: re.Match[bytes]) -> bytes:
        if found[0][:1] == b"&" and _is_character(found[0]):
            return found[0]
        self._removed["character reference" if found[0][:1] == b"&" else "control byte"] += 1
        self._note(block[: found.start()], found.start())
        return b""

    def _note(self, before: bytes, place: int) -> None:
        if self.first is None:
            start = before.rfind(b"\n") + 1
            self.first = self._lines + before.count(b"\n") + 1, place - start + (0 if start else self._column) + 1

    @property
    def text(self) -> str:
        """What is said of a file that was read without what is illegal in it."""
        words = {"byte that is no UTF-8": "bytes that are no UTF-8"}
        parts = [
            amount(n, f"illegal {what}", f"illegal {words.get(what, what + 's')}")
            for what, n in self._removed.items()
            if n
        ]
        line, column = self.first or (1, 1)
        return f"{' and '.join(parts)} removed, the first at line {line}, column {column}"


def _is_utf8(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    declared = _ENCODING.match(head.removeprefix(b"\xef\xbb\xbf"))
    return declared is None or declared[1].lower() in (b"utf-8", b"utf8")


def _is_character(reference: bytes) -> bool:
    """Say whether a numeric reference names a character of XML (XML 1.0, production 2)."""
    digits = reference[2:-1]
    code = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def parse_repaired(
    path: Path, error: expat.ExpatError, parse: Callable[[Iterable[bytes]], None]
) -> tuple[list[str], Status, tuple[int, int]]:
    """Parse once more without what no XML may hold.

    Returns
    -------
    list of str, str, tuple of int
        What is said of that; ``repaired``, or ``error`` where the document is cut off besides: what stood before was
        parsed; line and column, both from 1.

    Raises
    ------
    ReportError
        There is nothing of that kind, or it does not help: the first error stands.
    """
    words = Fault(f"malformed: {expat.ErrorString(error.code)}", "cut_off" if error.code in CUT_OFF else None)
    malformed = ReportError(words, line=error.lineno, column=error.offset + 1)
    repair = _Repair(path)
    try:
        parse(repair.blocks())
    except expat.ExpatError as end:
        if repair.first is None or end.code not in CUT_OFF:
            raise malformed from error
        return [cut_off(end.lineno), repair.text], "error", (end.lineno, end.offset + 1)
    except (LookupError, ValueError):
        raise malformed from error
    if repair.first is None:
        raise malformed from error
    return [repair.text], "repaired", repair.first
