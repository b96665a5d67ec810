"""The bytes of an evidence file: opened with care, unpacked within limits, and asked what they are.

Whatever a file holds, reading it ends in content or in a :class:`ReportError`, never in a hang or in memory exhausted.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from xml.parsers import expat

from stabkit.errors import EvidenceError

__all__ = [
    "HEAD_BYTES",
    "JSON_LIMIT",
    "JsonContent",
    "ReportError",
    "chunks",
    "conflict_line",
    "json_keys",
    "load_json",
    "mask_numbers",
    "normalise_path",
    "read_head",
    "xml_root",
]

HEAD_BYTES: Final = 64 * 1024
SIZE_LIMIT: Final = 2 * 1024**3
JSON_LIMIT: Final = 256 * 1024**2
# A compressed report may grow this much: real ones grow 10- to 50-fold, gzip can reach 1,030-fold.
EXPANSION_LIMIT: Final = 100
EXPANSION_FLOOR: Final = 64 * 1024**2

_GZIP: Final = b"\x1f\x8b"
_CONFLICT: Final = (b"<<<<<<<", b"=======", b">>>>>>>")


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
        raise ReportError("there is no such file") from None
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISDIR(facts.st_mode):
        raise ReportError("is a folder, not a file")
    if not stat.S_ISREG(facts.st_mode):
        raise ReportError("is not a regular file")
    if facts.st_size == 0:
        raise ReportError("not a test report, nor any other evidence: the file is empty")
    if facts.st_size > SIZE_LIMIT:
        raise ReportError(f"too large: {facts.st_size:,} bytes, the limit is {SIZE_LIMIT:,}")
    return facts.st_size


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
        raise ReportError(f"the compressed file is damaged or cut off: {error}") from error
    except OSError as error:
        raise ReportError(f"cannot be read: {error.strerror or error}") from error


def read_head(path: Path) -> bytes:
    """Return the first :data:`HEAD_BYTES` bytes of a file's content, unpacked."""
    return next(chunks(path, size=HEAD_BYTES), b"")


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


_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?|[{}\[\]]')


def json_keys(head: bytes) -> tuple[str, ...]:
    """Return the keys of the outermost object as far as these bytes show them; none if they begin no JSON object.

    Examples
    --------
    >>> json_keys(b'{"a": {"b": 1}, "c": [{"d"')
    ('a', 'c')
    >>> json_keys(b"<a/>")
    ()
    """
    text = head.decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("{"):
        return ()
    depth, keys = 0, []
    # One pass with possessive repeats: linear in the text, whatever it holds.
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
        elif depth == 1 and token.group(2):
            keys.append(token.group(1))
    return tuple(keys)


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


@dataclass(frozen=True)
class JsonContent:
    """A JSON document and what had to be said about it."""

    value: Any
    warnings: tuple[str, ...] = ()


def load_json(path: Path) -> JsonContent:
    """Read one JSON document of at most :data:`JSON_LIMIT` bytes.

    NaN, infinities and integers beyond 64 bits become null, with a warning; a byte order mark is accepted.

    Raises
    ------
    ReportError
        Not JSON, cut off, nested too deeply, not UTF-8 (or UTF-16, UTF-32), a key given twice in one object (the last
        one would silently win), or an unresolved merge conflict.
    """
    data = b"".join(chunks(path, limit=JSON_LIMIT))
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ReportError(f"not valid {error.encoding} text", line=line, column=column) from error
    odd: list[str] = []

    def constant(name: str) -> None:
        odd.append(name)

    def integer(digits: str) -> int | None:
        if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
            odd.append(f"an integer of {len(digits)} digits")
            return None
        return int(digits)

    def floating(digits: str) -> float | None:
        value = float(digits)
        if not math.isfinite(value):
            odd.append(digits[:20])
            return None
        return value

    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=constant,
            parse_int=integer,
            parse_float=floating,
        )
    except json.JSONDecodeError as error:
        if (marker := conflict_line(path)) is not None:
            raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1) from error
        cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = "cut off" if cut else "not valid JSON"
        raise ReportError(f"{what}: {error.msg}", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise ReportError("nested too deeply to be a report") from error
    warnings = (f"{len(odd)} value(s) that JSON cannot hold became null: {', '.join(odd[:3])}",) if odd else ()
    return JsonContent(value, warnings)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ReportError(f"the key {twice[:80]!r} stands twice in one object")
    return result


_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


def mask_numbers(text: str) -> str:
    """Return the text with each number as ``#``, since counts and line numbers in messages change by themselves.

    Examples
    --------
    >>> mask_numbers("function has 1,204 lines (limit 25)")
    'function has # lines (limit #)'
    """
    return _NUMBER.sub("#", text)


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
