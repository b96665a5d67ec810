r"""Foreign text as lines of ours: nothing in it steers a terminal, begins a line, hides itself or commands a CI.

Names, messages and paths come from files, servers and repositories. Frames keep them as they are; what is printed is
escaped here, for all streams alike. What is escaped can be read: ``\x1b``, ``\n``, ``\u202e``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["json_text", "shown_line", "shown_lines"]

# C0 and C1; soft hyphen; what sets a direction; what has no width; fillers; variation selectors but the one of emoji;
# line and paragraph separators; interlinear and musical controls; tags; halves of pairs; what is no character.
_UNSEEN: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff"
)
_IN_LINES: Final = re.compile(f"[{_UNSEEN}]")
_IN_LINE: Final = re.compile(f"[\n{_UNSEEN}]")
# "::error" and its like begin a line, blanks before it or not; the others count wherever they stand: GitHub, Azure,
# TeamCity.
_COMMAND: Final = re.compile(r"(?m)^(?P<blank>[^\S\n]*):(?=:)|(?<=#)#(?=\[|vso\[|teamcity\[)")


def shown_lines(text: str) -> str:
    r"""Return a text of several lines of ours, fit to be printed.

    Examples
    --------
    >>> print(shown_lines("red \x1b[31m\nuser\u202egpj.exe"))
    red \x1b[31m
    user\u202egpj.exe
    >>> print(shown_lines("::error::forged\n##[group]x"))
    \::error::forged
    #\#[group]x
    """
    if text.isascii() and text.isprintable() and "::" not in text and "##" not in text:
        return text
    return _COMMAND.sub(_broken, _IN_LINES.sub(_escaped, text))


def shown_line(text: str) -> str:
    r"""Return a text as one line: what would begin another one is escaped too.

    Examples
    --------
    >>> print(shown_line("no run 'v1\n::error::forged'"))
    no run 'v1\n::error::forged'
    """
    if text.isascii() and text.isprintable() and "::" not in text and "##" not in text:
        return text
    return _COMMAND.sub(_broken, _IN_LINE.sub(_escaped, text))


def json_text(value: Mapping[str, Any], *, ascii_only: bool = False, indent: int | None = 1) -> str:
    r"""Return a value as JSON that reads as it is: what cannot be seen stands in it as ``\u`` and four digits.

    Raises
    ------
    ValueError
        It holds a number that JSON has not, such as infinity.

    Examples
    --------
    >>> print(json_text({"label": "é\u202e\u200b\x9b##[x]"}, indent=None))
    {"label": "é\u202e\u200b\u009b#\u0023[x]"}
    >>> json.loads(json_text({"label": "\U000e0041##["})) == {"label": "\U000e0041##["}
    True
    """
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    text = _IN_LINES.sub(_json_escaped, text)
    return _COMMAND.sub(lambda found: found[0] if found["blank"] is not None else r"\u0023", text)


def _broken(found: re.Match[str]) -> str:
    return f"{found['blank']}\\:" if found["blank"] is not None else r"\#"


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x0A:
        return r"\n"
    if code == 0x0D:
        return r"\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
