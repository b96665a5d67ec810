"""Which known formats a file that none of them is comes nearest to, by its name and by how it begins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from stabkit.read.content import xml_root

__all__ = ["nearest_formats"]

SHOWN: Final = 4
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
    return tuple(dict.fromkeys([*named, *spelt, *usual]))[:SHOWN]


def _syntax(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if xml_root(head) is not None or text.startswith(b"<"):
        return "xml"
    if text[:1] in (b"{", b"["):
        return "json"
    first = text.partition(b"\n")[0]
    return "table" if first.count(b",") + first.count(b"\t") > 1 else "text"
