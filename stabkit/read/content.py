"""The bytes of an evidence file: opened with care, unpacked within limits, and asked what they are.

Whatever a file holds, reading it ends in content or in a :class:`ReportError`, never in a hang or in memory exhausted.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import re
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Final, cast
from xml.parsers import expat

from stabkit.errors import EvidenceError
from stabkit.sources import Fault

__all__ = [
    "HEAD_BYTES",
    "SIZE_LIMIT",
    "ReportError",
    "chunks",
    "conflict_line",
    "head_lines",
    "nearest_formats",
    "normalise_path",
    "read_head",
    "short_text",
    "text_encoding",
    "text_lines",
    "xml_root",
]

HEAD_BYTES: Final = 64 * 1024
SIZE_LIMIT: Final = 2 * 1024**3
LINE_LIMIT: Final = 32 * 1024**2
# A compressed report may grow this much: real ones grow 10- to 50-fold, gzip can reach 1,030-fold.
EXPANSION_LIMIT: Final = 100
EXPANSION_FLOOR: Final = 64 * 1024**2

_GZIP: Final = b"\x1f\x8b"
_CONFLICT: Final = (b"<<<<<<<", b"=======", b">>>>>>>")

NEAREST: Final = 4
_BEGINNING: Final = 512
_CLOSE: Final = 0.75
_WORD: Final = re.compile(r"[a-z][a-z0-9]+")

# What tools write most often in a syntax, for a file whose name and words say nothing.
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "xml": ("junit", "trx", "cobertura", "checkstyle"),
    "json": ("sarif", "ctrf", "pytest-json-report", "k6"),
    "table": ("jmeter", "locust", "hey", "gatling"),
    "text": ("tap", "lcov", "lint-lines", "go-test"),
}


class ReportError(EvidenceError):
    """A report cannot be believed; says what is wrong and at which line and column, both counted from 1."""

    def __init__(self, what: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(what)
        self.line = line
        self.column = column


def check_regular(path: Path) -> int:
    """Return the size of a regular file, in bytes.

    Raises
    ------
    ReportError
        There is no such file, or it is a folder, a pipe or a device (reading one could wait for ever), or a loop of
        links, or it may not be read, or it is empty or larger than :data:`SIZE_LIMIT`.
    """
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise ReportError(Fault("there is no such file", "no_file")) from None
    except (OSError, ValueError) as error:
        raise _unreadable("cannot be opened", error) from error
    if stat.S_ISDIR(facts.st_mode):
        raise ReportError("is a folder, not a file")
    if not stat.S_ISREG(facts.st_mode):
        raise ReportError("is not a regular file")
    if facts.st_size == 0:
        empty = "not a test report, nor any other evidence: the file is empty"
        raise ReportError(Fault(empty, "unknown_format"))
    if facts.st_size > SIZE_LIMIT:
        raise ReportError(f"too large: {facts.st_size:,} bytes, the limit is {SIZE_LIMIT:,}")
    return facts.st_size


def _unreadable(what: str, error: OSError | ValueError) -> ReportError:
    refused = isinstance(error, PermissionError)
    words = f"{what}: {getattr(error, 'strerror', None) or error}"
    return ReportError(Fault(words, "no_permission" if refused else None))


def chunks(path: Path, *, size: int = 1 << 16, limit: int = SIZE_LIMIT) -> Iterator[bytes]:
    """Yield the content of a file, gzip unpacked, in blocks of at most ``size`` bytes.

    Raises
    ------
    ReportError
        The content exceeds ``limit`` bytes, expands beyond :data:`EXPANSION_LIMIT`, or is not sound gzip.
    """
    packed = check_regular(path)
    try:
        with path.open("rb") as raw:
            stream: BinaryIO = raw
            if raw.read(2) == _GZIP:
                stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw))
                limit = min(limit, max(EXPANSION_FLOOR, EXPANSION_LIMIT * packed))
            raw.seek(0)
            total = 0
            while block := stream.read(size):
                total += len(block)
                if total > limit:
                    raise ReportError(f"too large: its content exceeds the limit of {limit:,} bytes")
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        damaged = f"the compressed file is damaged or cut off: {error}"
        raise ReportError(Fault(damaged, "cut_off")) from error
    except OSError as error:
        raise _unreadable("cannot be read", error) from error


def read_head(path: Path) -> bytes:
    """Return the first :data:`HEAD_BYTES` bytes of a file's content, unpacked; UTF-16 with its mark becomes UTF-8."""
    head = next(chunks(path, size=HEAD_BYTES), b"")
    # A shell that redirects output may have written it. Of XML the declaration names the encoding.
    text = head.decode("utf-16", "replace") if text_encoding(head) == "utf-16" else "<"
    return head if text.lstrip()[:1] == "<" else text.encode("utf-8", "replace")


def text_encoding(head: bytes) -> str:
    """Return the encoding of a text that begins with these bytes: UTF-8, or UTF-16 where a byte order mark says so."""
    return "utf-16" if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


class _Found(Exception):  # noqa: N818 - ends a parse early, is no error
    pass


def xml_root(head: bytes) -> str | None:
    """Return the local name of the first element, or None if these bytes do not begin an XML document.

    Examples
    --------
    >>> xml_root(b"<?xml version='1.0'?><!-- x --><j:testsuites xmlns:j='u'>")
    'testsuites'
    >>> xml_root(b"1..4") is None
    True
    """
    # A declared encoding that does not exist hides the root from the first attempt.
    return _first_element(head, None) or _first_element(head, "utf-8")


def _first_element(head: bytes, encoding: str | None) -> str | None:
    found: list[str] = []

    def start(name: str, _attributes: object) -> None:
        found.append(name.rpartition(":")[2])
        raise _Found

    parser = expat.ParserCreate(encoding)
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError, _Found, ValueError, LookupError):
        parser.Parse(head, False)  # noqa: FBT003 - expat takes it by position: more may follow
    return found[0] if found else None


def conflict_line(path: Path) -> int | None:
    """Return the line of the first git conflict marker if all three stand at line starts, in order; else None.

    A line of equals signs alone may be a banner.
    """
    awaited, first, number, tail = 0, None, 0, b""
    for block in chunks(path):
        lines = (tail + block).split(b"\n")
        tail = lines.pop()[:HEAD_BYTES]
        for line in lines:
            number += 1
            if line.startswith(_CONFLICT[awaited]):
                first = number if awaited == 0 else first
                awaited += 1
                if awaited == len(_CONFLICT):
                    return first
    return first if awaited == 2 and tail.startswith(_CONFLICT[2]) else None


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file without their ends: UTF-8, or UTF-16 where a byte order mark says so.

    Bytes that are no text become replacement characters: a line format holds output of anything.

    Raises
    ------
    ReportError
        An unresolved merge conflict, or a line longer than :data:`LINE_LIMIT`.
    """
    if (marker := conflict_line(path)) is not None:
        raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1)
    decoder = codecs.getincrementaldecoder(text_encoding(next(chunks(path), b"")))("replace")
    number, parts, size = 0, [""], 0
    for block in chunks(path):
        text = decoder.decode(block)
        if "\n" in text:
            *lines, text = ("".join(parts) + text).split("\n")
            for line in lines:
                number += 1
                yield line.removesuffix("\r")
            parts, size = [], 0
        parts.append(text)  # a long line is put together once, not anew with each block
        size += len(text)
        if size > LINE_LIMIT:
            raise ReportError(f"line {number + 1} is longer than {LINE_LIMIT:,} characters", line=number + 1, column=1)
    rest = "".join(parts) + decoder.decode(b"", final=True)
    if rest:
        yield rest.removesuffix("\r")


def head_lines(head: bytes) -> list[str]:
    """Return the lines that these first bytes of a file show, the last perhaps cut."""
    return head.decode(text_encoding(head), "replace").splitlines()


def short_text(path: Path) -> str:
    """Return a text that is read whole, such as a summary.

    Raises
    ------
    ReportError
        As :func:`text_lines`, or it is longer than :data:`LINE_LIMIT`.
    """
    lines: list[str] = []
    size = 0
    for line in text_lines(path):
        size += len(line) + 1
        if size > LINE_LIMIT:
            raise ReportError(f"too large for a summary: more than {LINE_LIMIT:,} characters")
        lines.append(line)
    return "\n".join(lines)


def normalise_path(path: str, root: Path | None = None) -> str:
    r"""Return a path with forward slashes, without ``./``, doubled slashes and the steps that ``..`` undoes.

    An absolute path beneath ``root`` becomes relative to it.

    Examples
    --------
    >>> normalise_path(".\\src\\..\\lib//a.py")
    'lib/a.py'
    >>> normalise_path("/build/shop/lib/a.py", root=Path("/build/shop"))
    'lib/a.py'
    """
    text = path.strip().replace("\\", "/")
    parts: list[str] = []
    for part in text.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    clean = ("/" if text.startswith("/") else "") + "/".join(parts)
    base = f"{str(root).replace(chr(92), '/').rstrip('/')}/" if root is not None else None
    return clean.removeprefix(base) if base else clean


def nearest_formats(name: str, head: bytes, known: Sequence[str]) -> tuple[str, ...]:
    """Return the few known formats that a file comes nearest to, those that its name or words name first.

    Parameters
    ----------
    name : str
        Of the file, without its folder.
    head : bytes
        How it begins.
    known : sequence of str
        The formats that may be meant, in their order.

    Examples
    --------
    >>> nearest_formats("trivvy.json", b'{"a": 1}', ["sarif", "trivy", "k6"])
    ('trivy', 'sarif', 'k6')
    >>> nearest_formats("notes.txt", b"hello", ["junit", "tap"])
    ('tap',)
    """
    beginning = head[:_BEGINNING].decode("utf-8", "replace")
    words = dict.fromkeys(_WORD.findall(f"{name} {beginning}".lower()))
    named = [form for form in known if all(part in words for part in form.split("-"))]
    spelt = [close for word in _WORD.findall(name.lower()) for close in get_close_matches(word, known, 1, _CLOSE)]
    usual = [form for form in _USUAL[_syntax(head)] if form in known]
    return tuple(dict.fromkeys([*named, *spelt, *usual]))[:NEAREST]


def _syntax(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if xml_root(head) is not None or text.startswith(b"<"):
        return "xml"
    if text[:1] in (b"{", b"["):
        return "json"
    first = text.partition(b"\n")[0]
    return "table" if first.count(b",") + first.count(b"\t") > 1 else "text"
