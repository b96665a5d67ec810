"""The templates, and how untrusted text becomes HTML: escaped, on one line, broken only where a reader expects it."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from stabkit.report.display.badges import badge
from stabkit.report.display.escape import plain_text
from stabkit.report.display.outline import heading_id

if TYPE_CHECKING:
    import jinja2

__all__ = ["TEMPLATES", "data_address", "environment"]

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
LONG_WORD: Final = 22
# An arrow between two values, and the comma of an interval: no line ends there.
_ARROW: Final = re.compile(r" → (?=\d)")
_BOUNDS: Final = re.compile(r"(\[[-−+\d∞>][^\[\], ]*), (?=[-−+\d∞>][^\[\], ]*\])")
_JOINT: Final = re.compile(r"(?<=/)|(?<=[^_]_)(?=[^_.])|(?<=::)|(?<=\.)(?=\w{4})")


@cache
def environment() -> jinja2.Environment:
    """Return the templates, undefined names refused."""
    import jinja2  # text on a terminal needs no templates

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "stabkit"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "heading_id": heading_id,
        "badge": badge,
        "data": data_address,
        "line": _line,
        "breaks": _with_breaks,
        "words": _unbroken_words,
    }
    return made


def _line(text: object) -> str:
    """Return untrusted text as one line that never breaks between two values or inside an interval."""
    line = plain_text(text)
    line = _ARROW.sub("\u00a0→\u00a0", line) if "→" in line else line
    return _BOUNDS.sub("\\1,\u00a0", line) if "[" in line else line


def _with_breaks(text: object) -> Markup:
    """Escape, and allow breaks inside long names where a reader expects them: after a slash, dot, underscore, colon."""
    words = _line(text).split(" ")
    if max(map(len, words)) <= LONG_WORD:
        return escape(" ".join(words))
    parts = (_JOINT.split(word) if len(word) > LONG_WORD else [word] for word in words)
    return Markup(" ").join(Markup("<wbr>").join(part) for part in parts)


def _unbroken_words(command: object) -> Markup:
    """Escape a command, its words kept whole: browsers break "--only" after its first hyphen."""
    words = plain_text(command).split(" ")
    whole = Markup('<span class="w">{}</span>')
    return Markup(" ").join(whole.format(word) if len(word) <= LONG_WORD else escape(word) for word in words)


def data_address(svg: bytes) -> str:
    """Return an image as the address that holds it whole."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
