"""Untrusted text made harmless for terminals and Markdown; HTML is escaped by Jinja2."""

from __future__ import annotations

import re
from typing import Final

from stabkit.lines import shown_line

__all__ = ["markdown_code", "markdown_text", "plain_text", "slug"]

# Everything that starts or ends a construct in GitHub's Markdown, inside a line or a table cell.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!$&])")
# Autolinked by GitHub without any mark: addresses, mail, mentions.
_AUTOLINK: Final = re.compile(r"(?i)(https?:|ftp:|www\.|mailto:|xmpp:|@)")
# GitHub and GitLab make links of these, and tell those whom they link to.
_REFERENCE: Final = re.compile(r"(?i)(?<=[#!&])(?=\d)|(?<=\bgh-)(?=\d)")
_LINE_START: Final = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)")
# Unicode's direction overrides can make a shown path differ from the real one.
_DIRECTION: Final = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# A space without width, in ASCII: as itself it would be one of the characters that nobody sees.
_GAP: Final = "&#8203;"
_JOIN: Final = "\u200d"


def plain_text(text: object) -> str:
    r"""Return the text in one line, without control characters and direction overrides.

    Examples
    --------
    >>> plain_text("red\x1b[31m alert\nsecond\u202eline")
    'red[31m alert secondline'
    """
    line = str(text)
    if line.isprintable():  # letters, digits, marks and the plain space: nothing to take out, as in most texts
        return line
    kept = (
        " " if c.isspace() and c not in "\u202f\u00a0" else c
        for c in line
        if (c.isprintable() or c.isspace() or c == _JOIN) and c not in _DIRECTION
    )
    return "".join(kept)


def markdown_text(text: object) -> str:
    r"""Return the text so that Markdown shows it as it is: no marks, links, mentions, tags or table borders.

    Examples
    --------
    >>> markdown_text("a|b <script> [x](http://y)")
    'a\\|b \\<script\\> \\[x\\](http&#8203;://y)'
    """
    escaped = _SPECIAL.sub(r"\\\1", shown_line(plain_text(text)))
    escaped = _REFERENCE.sub(_GAP, escaped)  # before other gaps, which hold a number themselves
    escaped = _AUTOLINK.sub(lambda m: m[0][:-1] + _GAP + m[0][-1] if m[0] != "@" else f"@{_GAP}", escaped)
    return _LINE_START.sub(r"\1\\\2", escaped)


def markdown_code(text: object) -> str:
    r"""Return the text as inline code, whatever backticks it holds.

    Examples
    --------
    >>> markdown_code("a ` b | c")
    '`` a ` b \\| c ``'
    """
    plain = shown_line(plain_text(text)).replace("|", r"\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    pad = " " if "`" in plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def slug(text: object) -> str:
    """Return a heading as an anchor: lower case, hyphens, its leading number left out.

    Examples
    --------
    >>> slug("8. Response-time stability")
    'response-time-stability'
    """
    words = re.sub(r"^\s*\d+[.)]?\s+", "", str(text)).lower()
    return re.sub(r"[^\w]+", "-", words).strip("-") or "section"
