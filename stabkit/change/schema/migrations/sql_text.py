"""SQL text in single statements with their lines, in one pass, whatever the text is."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Statement", "split_top", "statements", "without_comments"]

_OPENER: Final = re.compile(r"--|/\*|^[ \t]*#|['\"`;]|\$\w*\$|^[ \t]*GO[ \t]*$", re.MULTILINE | re.IGNORECASE)
_BODY: Final = re.compile(
    r"(?is)\s*(create|alter)\s+(or\s+(replace|alter)\s+)?(definer\s*=\s*\S+\s+)?(temp(orary)?\s+)?(constraint\s+)?"
    r"(trigger|procedure|function|event|package)\b"
)
_BEGIN: Final = re.compile(r"(?i)\bbegin\b")
_END: Final = re.compile(r"(?is)\s*end\b(?!\s+(if|loop|case|while|repeat)\b)")


@dataclass(frozen=True)
class Statement:
    """One statement: ``code`` has spaces where comments and the inside of texts stood, ``text`` keeps the texts."""

    line: int
    code: str
    text: str
    body: str = ""


def statements(source: str, line: int = 1) -> Iterator[Statement]:
    r"""Yield the statements of a text, but for the bodies of functions and triggers.

    Parameters
    ----------
    source : str
        SQL.
    line : int
        The number of its first line.

    Examples
    --------
    >>> [(one.line, one.code) for one in statements("-- a;\nDROP TABLE a; DELETE FROM b WHERE c = ';'")]
    [(2, 'DROP TABLE a'), (2, "DELETE FROM b WHERE c = ' '")]
    """
    code, text, ends, bodies = _scanned(source)
    start, at, counted = 0, line, 0
    inside = False
    places = [place for place, _ in bodies]
    for end in [*ends, len(source)]:
        part = code[start:end]
        begin = start + len(part) - len(part.lstrip())
        if part.strip():
            at += source.count("\n", counted, begin)
            counted = begin
            first = bisect_left(places, start)
            body = bodies[first][1] if first < len(bodies) and bodies[first][0] < end else ""
            if inside:
                inside = not _END.match(part)
            elif _BODY.match(part):
                inside = not body and _BEGIN.search(part) is not None
                inside = inside and not re.search(r"(?is)\bend\s*(\w+\s*)?$", part)
            else:
                yield Statement(at, part.strip(), text[start:end].strip(), body)
        start = end + 1


def without_comments(source: str) -> str:
    """Return the text with spaces where comments stood."""
    return _scanned(source)[1]


def split_top(text: str) -> list[str]:
    """Return the parts of a list between its outermost commas.

    Examples
    --------
    >>> split_top("a int, b decimal(5, 2)")
    ['a int', 'b decimal(5, 2)']
    """
    parts, depth, start = [], 0, 0
    for found in re.finditer(r"'[^']*'|[(),]", text):
        mark = found[0]
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
        elif mark == "," and depth <= 0:
            parts.append(text[start : found.start()].strip())
            start = found.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _scanned(source: str) -> tuple[str, str, list[int], list[tuple[int, str]]]:
    """Return the code, the text, where statements end, and the quoted bodies with their places."""
    code: list[str] = []
    text: list[str] = []
    ends: list[int] = []
    bodies: list[tuple[int, str]] = []
    missing: set[str] = set()  # what closes nothing any more is not sought again
    position = 0
    while found := _OPENER.search(source, position):
        opener, start = found[0], found.start()
        code.append(source[position:start])
        text.append(source[position:start])
        position = found.end()
        word = opener.strip()
        if word == ";" or word.upper() == "GO":
            ends.append(start + opener.find(word))
            blank = re.sub(r"[^\n]", " ", opener)
            code.append(blank)
            text.append(blank)
            continue
        closer = {"--": "\n", "#": "\n", "/*": "*/"}.get(word, word)
        close = -1 if closer in missing else source.find(closer, position)
        if close < 0 and closer != "\n":
            missing.add(closer)
            code.append(opener)
            text.append(opener)
            continue
        stop = len(source) if close < 0 else close + (0 if closer == "\n" else len(closer))
        whole = source[start:stop]
        blank = re.sub(r"[^\n]", " ", whole)
        if word in ("--", "#", "/*"):
            code.append(blank)
            text.append(blank)
        elif word in ('"', "`"):
            code.append(whole)
            text.append(whole)
        else:
            size = len(word)
            code.append(word + blank[size : len(whole) - size] + word)
            text.append(whole)
            if word.startswith("$"):
                bodies.append((start, whole[size:-size]))
        position = stop
    code.append(source[position:])
    text.append(source[position:])
    return "".join(code), "".join(text), ends, bodies
