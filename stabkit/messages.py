"""What the sentence of a tool says of a finding: its numbers, what it measures, and the name that it speaks of.

A number in a message may be a count or a line, which change by themselves; it may name something, as a CVE does; or be
the measure that is complained of. Only the first is left out where two findings are compared.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["mask_numbers", "measures", "subject"]

# In this order: what names something is kept as it is, and the numbers that are left are masked.
_PARTS: Final = re.compile(
    r"(?P<digest>sha\d+:[0-9a-fA-F]{8,}+)"
    r"|(?P<address>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]))"
    r"|(?P<port>\bports?\b\W{0,3}\d++)"
    r"|(?P<version>\b[vV]\d++(?:\.\d++)++)"
    # A letter begins a name, and what hangs on it belongs to it (CVE-2024-1, sha1); a dotted version does not.
    r"|(?P<name>[^\W\d]\w*+(?:-(?!\d++\.\d)\w++)*+)"
    r"|(?P<number>\d++(?:[.,:/-]\d++)*+)"
)
_MASKED: Final = frozenset({"digest", "version", "number"})
_MEASURED: Final = re.compile(
    r"(?<![\w/])\d[\d.,]*+%?\s*+(?:[<>]=?|/|of\s+at\s+most|exceeds|over\s+the|\(?(?:max|limit|allowed|threshold))[^\d\n]{0,20}\d"
    r"|\b(?:complexity|complex|score|rating|cvss|coverage|duplication|duplicated)\b[^\d\n]{0,20}\d",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d++(?:[.,]\d++)*+")
_QUOTED: Final = re.compile(
    r"`([^`\n]{1,200})`|“([^”\n]{1,200})”|‘([^’\n]{1,200})’|\"([^\"\n]{1,200})\"|(?<!\w)'([^'\n]{1,200})'(?!\w)"
)


def mask_numbers(text: str) -> str:
    """Return the text with each number as ``#``, since counts and line numbers in messages change by themselves.

    A number that names something stays: that of an advisory, an address, a port, or within a word.

    Examples
    --------
    >>> mask_numbers("function has 1,204 lines (limit 25)")
    'function has # lines (limit #)'
    >>> mask_numbers("CVE-2024-1 in musl 1.2.0, image shop:1.5.0"), mask_numbers("port 8080 is open on 10.0.0.7")
    ('CVE-2024-1 in musl #, image shop:#', 'port 8080 is open on 10.0.0.7')
    """
    return _PARTS.sub(lambda part: "#" if part.lastgroup in _MASKED else part.group(), text)


def measures(text: str) -> tuple[str, ...]:
    """Return the numbers of a message that says how much of something there is; none of any other message.

    Examples
    --------
    >>> measures("`f` is too complex (35 > 10)"), measures("redefinition of `x` from line 12")
    (('35', '10'), ())
    """
    return tuple(_NUMBER.findall(text)) if _MEASURED.search(text) else ()


def subject(text: str) -> str | None:
    """Return the first name that a message quotes, with its numbers masked; None if it quotes none.

    Examples
    --------
    >>> subject("`os.path` imported but unused"), subject("Line too long"), subject("It's what the tool's log says")
    ('os.path', None, None)
    """
    found = _QUOTED.search(text)
    return None if found is None else mask_numbers(next(name for name in found.groups() if name is not None))
