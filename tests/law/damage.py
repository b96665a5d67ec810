"""Parts of reports taken away: an element or an attribute, an entry or a key, lines, the end."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["cut", "said", "shape_of", "without_part", "written"]


def shape_of(text: str) -> str:
    """Return how a report is built: ``xml``, ``json`` or ``lines``."""
    if text.lstrip("\ufeff \n").startswith("<"):
        return "xml"
    try:
        json.loads(text)
    except ValueError:
        return "lines"
    return "json"


def written(root: ET.Element) -> str:
    """Return an element as text, its namespace as it was: the one that needs no prefix."""
    if root.tag.startswith("{"):
        ET.register_namespace("", root.tag[1:].partition("}")[0])
    return ET.tostring(root, encoding="unicode")


def without_part(text: str, shape: str, draw: random.Random) -> str:
    """Return a sound report without one of its parts; what is left is well-formed."""
    takers: dict[str, Callable[[str, random.Random], str]] = {"xml": _xml, "json": _json, "lines": _lines, "csv": _rows}
    return takers[shape](text, draw)


def cut(text: str, draw: random.Random) -> str:
    """Return the beginning of a report, without anything that says something of its end."""
    end = len(text.rstrip())
    return text[: draw.randrange(1, end)] if end > 1 else text


def said(text: str, shape: str) -> str:
    """Return what a sound report says, however it is written down."""
    if shape == "xml":
        return ET.canonicalize(text)
    return json.dumps(json.loads(text)) if shape == "json" else text


def _xml(text: str, draw: random.Random) -> str:
    root = ET.fromstring(text)
    parents = [(element, child) for element in root.iter() for child in element]
    if parents and draw.randrange(3):
        parent, child = draw.choice(parents)
        parent.remove(child)
    else:
        element = draw.choice([element for element in root.iter() if element.attrib] or [root])
        if element.attrib:
            del element.attrib[draw.choice(sorted(element.attrib))]
    return written(root)


def _json(text: str, draw: random.Random) -> str:
    document = json.loads(text)
    holder, key = draw.choice(list(_places(document)))
    del holder[key]
    return json.dumps(document, separators=(", ", ": "))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a document that can be taken away: what holds it, and its key."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in inner:
        yield value, key
        if isinstance(child, (dict, list)):
            yield from _places(child)


def _lines(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    first = draw.randrange(len(lines))
    more = draw.choice((1, 1, 1, 2, 5))
    return "".join(lines[:first] + lines[first + more :])


def _rows(text: str, draw: random.Random) -> str:
    head, _, rows = text.partition("\n")
    return f"{head}\n{_lines(rows, draw)}"
