"""HTML from outputs, reduced to what shows text, tables and images: the wall before the page's content policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from typing import Final

__all__ = ["CLEAN_ATTRIBUTES", "CLEAN_TAGS", "clean_html"]

CLEAN_TAGS: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "br",
        "caption",
        "code",
        "col",
        "colgroup",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
        "wbr",
    ]
)
"""The elements that an output of a notebook may have on a page."""

CLEAN_ATTRIBUTES: Final = frozenset(
    [
        "alt",
        "aria-hidden",
        "aria-label",
        "class",
        "colspan",
        "data-label",
        "height",
        "href",
        "role",
        "rowspan",
        "scope",
        "src",
        "tabindex",
        "width",
    ]
)
"""Their attributes."""

_VOID: Final = frozenset({"br", "col", "hr", "img", "wbr"})
_SILENT: Final = frozenset({"script", "style", "template", "iframe", "object", "svg", "math", "title"})
# What is left out and said -> what people call it. Style sheets count where they hold anything of the author's own.
_LOST: Final[Mapping[str, str]] = {
    "script": "script",
    "iframe": "embedded page",
    "object": "embedded page",
    "embed": "embedded page",
    "svg": "HTML drawing",
    "math": "HTML formula",
    "canvas": "HTML drawing",
    "video": "video",
    "audio": "sound",
    "input": "form field",
    "select": "form field",
    "textarea": "form field",
    "button": "form field",
}


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self.silent: list[str] = []
        self.lost: Counter[str] = Counter()
        self.own_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LOST and not self.silent:
            self.lost[_LOST[tag]] += 1
        if tag in _SILENT:
            self.silent.append(tag)
            self.own_style = tag == "style" and ("scoped", "") not in [(name, value or "") for name, value in attrs]
        if self.silent or tag not in CLEAN_TAGS:
            return
        if tag == "img" and not any(name == "src" and _allowed(tag, name, value or "") for name, value in attrs):
            self.lost["remote image"] += 1
            return
        kept = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs if _allowed(tag, name, value or ""))
        self.parts.append(f"<{tag}{kept}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _SILENT or tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.silent:
            if tag in self.silent:  # with what was left open inside
                while self.silent.pop() != tag:
                    pass
            return
        if tag in self.open:  # close what was left open inside, so that no output breaks out of its section
            while self.open:
                last = self.open.pop()
                ended = last == tag
                if last == "th" and self.parts[-1].startswith("<th"):  # a heading that names nothing is none
                    last, self.parts[-1] = "td", "<td>"
                self.parts.append(f"</{last}>")
                if ended:
                    break

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(escape(data, quote=False))
        elif self.silent == ["style"] and self.own_style and data.strip():
            self.lost["style sheet"] += 1
            self.own_style = False


def _allowed(tag: str, name: str, value: str) -> bool:
    if name not in CLEAN_ATTRIBUTES:
        return False
    if name == "src":
        return tag == "img" and value.startswith("data:image/")
    if name == "href":
        return value.startswith(("#", "https://", "http://"))
    return True


def clean_html(html: str) -> tuple[str, Counter[str]]:
    """Return the HTML with known tags and attributes only, every opened tag closed, and what was left out.

    Examples
    --------
    >>> clean_html('<b onclick="x()">bold<script>alert(1)</script><a href="javascript:x()">go')
    ('<b>bold<a>go</a></b>', Counter({'script': 1}))
    >>> clean_html("<tr><th></th><th>p99</th></tr>")[0]
    '<tr><td></td><th>p99</th></tr>'
    """
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    while cleaner.open:
        cleaner.parts.append(f"</{cleaner.open.pop()}>")
    return "".join(cleaner.parts), cleaner.lost
