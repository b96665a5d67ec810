"""JSON of an evidence file, read with suspicion: one document, or one object a line."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from stabkit.read.content import ReportError, chunks, conflict_line
from stabkit.sources import Fault
from stabkit.text import amount

__all__ = [
    "JSON_LIMIT",
    "NO_JSON",
    "JsonContent",
    "broken_events",
    "json_keys",
    "json_line",
    "load_json",
    "odd_values",
    "parse_json",
    "without_collections",
]

# What is said of one such line, and of several.
NO_JSON = ("line is no JSON: the file may be cut", "lines are no JSON: the file may be cut")

JSON_LIMIT: Final = 256 * 1024**2

_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?|[{}\[\]]')
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


@lru_cache(2)  # each reader of JSON asks it of the same head
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


@dataclass(frozen=True)
class JsonContent:
    """A JSON document and what had to be said about it."""

    value: Any
    warnings: tuple[str, ...] = ()


def load_json(path: Path) -> JsonContent:
    """Read one JSON document of at most :data:`JSON_LIMIT` bytes.

    NaN, infinities and integers beyond 64 bits become null, with a warning; a byte order mark is accepted. Writers put
    the output of programs into their strings as it came: bytes that are no text, and control characters that JSON
    writes escaped, are repaired, and a warning says so.

    Raises
    ------
    ReportError
        Not JSON, cut off, nested too deeply, a key given twice in one object (the last one would silently win), or an
        unresolved merge conflict.
    """
    data = b"".join(chunks(path, limit=JSON_LIMIT))
    repaired: list[str] = []
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(error.start, data.count(b"\n", 0, error.start), data.rfind(b"\n", 0, error.start))
        text = data.decode(encoding, "replace")
        repaired.append(
            f"illegal bytes that are no {_ENCODINGS.get(encoding, encoding)} replaced, the first at {place}"
        )
    # Text and value together are what reading JSON costs in memory.
    del data
    odd: list[str] = []
    try:
        with without_collections():
            value = _parse_repaired(text, odd, repaired)
    except json.JSONDecodeError as error:
        if (marker := conflict_line(path)) is not None:
            raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1) from error
        cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = Fault(f"cut off: {error.msg}", "cut_off") if cut else f"not valid JSON: {error.msg}"
        raise ReportError(what, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise ReportError("nested too deeply to be a report") from error
    return JsonContent(value, (*(Fault(what, "repaired") for what in repaired), *odd_values(odd)))


_ENCODINGS: Final = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}


def _parse_repaired(text: str, odd: list[str], repaired: list[str]) -> Any:
    """Parse a document; where that fails, once more without control characters. The first error stands if none help."""
    try:
        return parse_json(text, odd)
    except json.JSONDecodeError:
        odd.clear()
        first = _CONTROL.search(text)
        try:
            value = parse_json(_CONTROL.sub("", text), odd, strict=False)
        except json.JSONDecodeError:
            value = None
        else:
            if first is None:
                repaired.append("line ends or tabs stand in its strings as they are, which JSON writes escaped")
            else:
                line = text.count("\n", 0, first.start())
                place = _place(first.start(), line, text.rfind("\n", 0, first.start()))
                many = amount(len(_CONTROL.findall(text)), "illegal control byte", "illegal control bytes")
                repaired.append(f"{many} removed, the first at {place}")
            return value
        raise


def _place(at: int, lines: int, last: int) -> str:
    return f"line {lines + 1}, column {at - last}"


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Keep the garbage collector away while a document grows or is read: it finds nothing there, at a high price."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def parse_json(text: str, odd: list[str], *, strict: bool = True) -> Any:
    """Return one JSON value; values that JSON or the tables cannot hold become null and are added to ``odd``.

    Without ``strict``, strings may hold control characters.

    Raises
    ------
    json.JSONDecodeError, RecursionError
        As :func:`json.loads`.
    ReportError
        A key stands twice in one object.
    """

    def constant(name: str) -> None:
        odd.append(name)

    def integer(digits: str) -> int | None:
        if len(digits) < 19:
            return int(digits)
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

    value = json.loads(
        text,
        object_pairs_hook=_without_repeats,
        parse_constant=constant,
        parse_int=integer,
        parse_float=floating,
        strict=strict,
    )
    return _written(value) if _SURROGATE.search(text) else value


def _written(value: Any) -> Any:
    """Return the value with a question mark for each lone surrogate: JSON can name one, no table can hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_written(entry) for entry in value]
    if isinstance(value, dict):
        return {_written(key): _written(entry) for key, entry in value.items()}
    return value


def odd_values(odd: Sequence[str]) -> tuple[str, ...]:
    """Return the warning about values that became null; nothing without any."""
    if not odd:
        return ()
    noun = "value that JSON cannot hold" if len(odd) == 1 else "values that JSON cannot hold"
    return (f"{len(odd)} {noun} became null: {', '.join(odd[:3])}",)


def json_line(line: str) -> dict[str, Any] | None:
    r"""Return the object that a line of JSON lines holds; None if it holds none.

    Control characters in its strings are the output of some program, and no reason to lose a result.

    Examples
    --------
    >>> json_line('{"Action": "pass"}'), json_line("ok  \tshop\t0.1s"), json_line("{cut")
    ({'Action': 'pass'}, None, None)
    """
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = parse_json(line.strip("\0"), [], strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def broken_events(lines: int) -> str | None:
    """Return why more should follow than the events of a file tell, where lines that begin an event are broken.

    What they told is not known: a failure may have been among it.

    Examples
    --------
    >>> broken_events(2), broken_events(0)
    ('2 lines are no JSON: the file may be cut', None)
    """
    return amount(lines, *NO_JSON) if lines else None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ReportError(f"the key {twice[:80]!r} stands twice in one object")
    return result
