"""What a page is built of, against what stabkit writes: anything else may hide its verdict, or draw another one.

A page is written by few templates, and what a notebook brings is reduced to known tags before. So a page can be read by
a strict grammar, stricter than any browser: whatever does not fit it was not written by stabkit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stabkit.lines import shown_line
from stabkit.report.display import badge
from stabkit.report.page import CLEAN_ATTRIBUTES, CLEAN_TAGS
from stabkit.text import joined

__all__ = ["foreign_parts"]

_NAMED: Final = 5
_METAS: Final = (
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:;'
    " style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">",
)
_PARTS: Final = (
    '<a class="skip" href="#main">', '<header class="top">', '<main id="main" tabindex="-1">', "<footer>",
)  # fmt: skip
_DEEPEST: Final = 400
_VOID: Final = frozenset({"br", "col", "hr", "img", "meta", "wbr"})
_TAGS: Final = CLEAN_TAGS | {"nav", "section", "h1", "h2"}
_ATTRIBUTES: Final = CLEAN_ATTRIBUTES | {"id"}
# Of what stands above the verdict nothing speaks louder than the title: no pictures, badges or tables.
_ABOVE: Final = frozenset(
    ["a", "abbr", "b", "br", "code", "div", "em", "h1", "i", "li", "ol", "p", "s", "span", "strong", "sub", "sup", "ul"]
)
_CLASSES_ABOVE: Final = frozenset({"crumb", "w", "when", "prose", "lead", "math", "command", "hide"})
_TOKEN: Final = re.compile(r"<(?:(/)([a-z][a-z0-9]*)|([a-z][a-z0-9]*)((?: [a-z-]+(?:=\"[^\"<]*\")?)*))>")
_ATTRIBUTE: Final = re.compile(r" ([a-z-]+)(?:=\"([^\"<]*)\")?")


@dataclass
class _Element:
    tag: str
    attributes: Mapping[str, str]
    parent: _Element | None = None
    children: list[_Element | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def elements(self) -> list[_Element]:
        return [child for child in self.children if isinstance(child, _Element)]

    @property
    def own_text(self) -> str:
        return "".join(child for child in self.children if isinstance(child, str))

    @property
    def whole_text(self) -> str:
        return "".join(child if isinstance(child, str) else child.whole_text for child in self.children)

    @property
    def start(self) -> str:
        given = "".join(f' {name}="{value}"' for name, value in self.attributes.items())
        return f"<{self.tag}{given}>"

    def all(self) -> Iterator[_Element]:
        """Yield the element and all below it, in their order on the page."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += reversed(one.elements)


class _OtherHandError(Exception):
    """What the page holds and stabkit does not write."""


def foreign_parts(content: bytes, verdict: str | None) -> list[str]:
    """Return what of a page stabkit does not write, in words; nothing for a page as it writes them.

    Parameters
    ----------
    content : bytes
        The page without its statement.
    verdict : str or None
        The verdict that it has to show, once and where a reader sees it; None for a page without one.
    """
    try:
        html = _tree(content.decode("utf-8"))
    except UnicodeDecodeError:
        return ["bytes that are no UTF-8"]
    except _OtherHandError as error:
        return [str(error)]
    found = dict.fromkeys([*_frame(html), *_below(html), *_verdicts(html, verdict)])
    return list(found)[:_NAMED] + (["and more"] if len(found) > _NAMED else [])


def _tree(text: str) -> _Element:
    start = "<!doctype html>\n"
    if not text.startswith(start):
        raise _OtherHandError("another beginning")
    root = here = _Element("", {})
    position, depth = len(start), 0
    while position < len(text):
        at = text.find("<", position)
        here.children.append(text[position : len(text) if at < 0 else at])
        if at < 0:
            break
        token = _TOKEN.match(text, at)
        if token is None:
            raise _OtherHandError(f"markup of another form ({shown_line(text[at : at + 30])})")
        position = token.end()
        if token[1]:
            if here.tag != token[2] or here.parent is None:
                raise _OtherHandError(f"an end of {token[2]} that nothing began")
            here, depth = here.parent, depth - 1
            continue
        pairs = _ATTRIBUTE.findall(token[4])
        attributes = dict(pairs)
        if len(attributes) != len(pairs):
            raise _OtherHandError(f"an attribute given twice ({token[3]})")
        element = _Element(token[3], attributes, here)
        here.children.append(element)
        if element.tag not in _VOID:
            here, depth = element, depth + 1
        if depth > _DEEPEST:
            raise _OtherHandError("elements nested too deep")
    if here is not root or len(root.elements) != 1 or root.own_text.strip():
        raise _OtherHandError("elements without an end, or outside the page")
    return root.elements[0]


def _frame(html: _Element) -> Iterator[str]:
    """Yield what differs around header, main and footer."""
    head, body = (*html.elements, None, None)[:2]
    if html.start != '<html lang="en">' or head is None or body is None or len(html.elements) != 2:
        yield "another frame"
        return
    metas = [one.start for one in head.elements if one.tag == "meta"]
    tags = [one.tag for one in head.elements]
    plain = all(not one.attributes and not one.elements for one in head.elements if one.tag != "meta")
    if head.start != "<head>" or tags != [*["meta"] * 4, "title", "style"] or not plain:
        yield "another head"
    elif tuple(metas[:3]) != _METAS or not metas[3].startswith('<meta name="generator" content="stabkit '):
        yield "another content policy"
    if body.start != "<body>" or tuple(one.start for one in body.elements) != _PARTS:
        yield "another order of header, main and footer"
    if any(one.own_text.strip() for one in (html, head, body)):
        yield "text outside of header, main and footer"


def _below(html: _Element) -> Iterator[str]:
    """Yield elements, attributes and classes that stand where stabkit writes none."""
    frame = {id(one) for top in (html, *html.elements) for one in (top, *top.elements)}
    for one in html.all():
        if id(one) in frame:
            continue
        if one.tag not in _TAGS:
            yield f"an element {one.tag}"
        for name in one.attributes:
            if name not in _ATTRIBUTES:
                yield f"an attribute {name} ({one.tag})"
        if one.tag == "img" and not one.attributes.get("src", "").startswith("data:image/"):
            yield "a picture from elsewhere"
        if one.attributes.get("href", "#").lower().lstrip().startswith(("javascript:", "data:", "vbscript:")):
            yield "a link that runs something"
        if "skip" in one.classes:
            yield "a second skip link"


def _verdicts(html: _Element, verdict: str | None) -> Iterator[str]:
    """Yield why a reader may not see the verdict, or another one beside it."""
    boxes = [one for one in html.all() if "verdict" in one.classes]
    words = [one for one in html.all() if "word" in one.classes]
    failed = [one for one in words if one.parent is not None and one.parent.start == '<div class="alert" role="alert">']
    if verdict is None:
        if boxes or len(words) > len(failed):
            yield "a verdict that its statement does not hold"
        return
    glyph, colour, _ = badge(verdict)
    said = f'<span aria-hidden="true">{glyph} <strong>{verdict.capitalize()}'
    if not boxes or len(words) != len(boxes):
        yield "more or fewer than one verdict"
        return
    for box in boxes:
        word = next(iter(box.elements), box)
        shown = " ".join(f"{one.start}{one.whole_text}" for one in word.elements)
        if (box.start, word.start, shown) != (f'<div class="verdict {colour}">', '<p class="word">', said):
            yield "a verdict of another form"
            return
    box = boxes[0]
    around = box.parent
    if around is None or not _shows(around):
        yield f"something around the verdict ({around.tag if around else 'nothing'})"
    elif around.tag == "header":
        yield from _louder(around, box)


def _shows(around: _Element) -> bool:
    """Say whether all that stands in an element is seen: the header, or a section of main."""
    if around.tag == "header":
        return around.start == '<header class="top">'
    above = around.parent
    return around.tag == "section" and [*around.attributes] == ["id"] and above is not None and above.tag == "main"


def _louder(header: _Element, box: _Element) -> Iterator[str]:
    """Yield what stands above the verdict and may pass for one."""
    before: Sequence[_Element] = header.elements[: header.elements.index(box)]
    parts = [one for top in before for one in top.all()]
    odd = [one.tag for one in parts if one.tag not in _ABOVE or not _CLASSES_ABOVE.issuperset(one.classes)]
    if odd:
        yield f"something above the verdict ({joined(list(dict.fromkeys(odd)), most=_NAMED)})"
    if sum(one.tag == "h1" for one in header.all()) != 1 or (before and before[0].tag not in ("p", "h1")):
        yield "another heading"
