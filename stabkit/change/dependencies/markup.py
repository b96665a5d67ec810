"""Comments and elements found in one pass, whatever is left open: patterns would look for each missing end anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["elements", "without"]


def without(text: str, opening: str, closing: str, *, instead: str = "") -> str:
    r"""Return a text without its comments, or with something instead of each, its lines kept.

    Examples
    --------
    >>> without("a <!-- b\nc --> d", "<!--", "-->")
    'a \n d'
    """
    parts: list[str] = []
    position = 0
    while (start := text.find(opening, position)) >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            break
        parts += [text[position:start], instead, "\n" * text.count("\n", start, end)]
        position = end + len(closing)
    return "".join([*parts, text[position:]])


def elements(text: str, opening: str) -> Iterator[tuple[int, re.Match[str], str]]:
    """Yield elements whose start a pattern fits, its first group their name: where, the start, what they hold.

    Of elements within each other the outer one alone; one that is closed by itself holds nothing.

    Examples
    --------
    >>> [(name[1], body) for _, name, body in elements("<a>1<b/></a><b x='2'/>", r"<(a|b)([^<>]*)>")]
    [('a', '1<b/>'), ('b', '')]
    """
    position = 0
    for match in re.finditer(opening, text):
        if match.start() < position:
            continue
        if match[0].endswith("/>"):
            yield match.start(), match, ""
            continue
        end = text.find(f"</{match[1]}>", match.end())
        if end < 0:
            return
        position = end
        yield match.start(), match, text[match.end() : end]
