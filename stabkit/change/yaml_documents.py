"""YAML as plain texts, sequences and mappings that know their lines; safe on hostile files.

The usual loaders turn ``on:`` into True and ``1.10`` into 1.1, drop the lines, and recurse: a deeply nested file ends
the process within the C loader. So the events are put together here one by one, and nothing is interpreted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

__all__ = ["Section", "Sequence", "Text", "line_of", "read_yaml", "walk"]

_DEEPEST: Final = 100
_MOST_EVENTS: Final = 400_000


class Text(str):
    """A scalar as it is written, with its line."""

    __slots__ = ("line",)
    line: int


class Section(dict[str, Any]):
    """A mapping, with the line it starts on; its keys are texts with lines."""

    line: int = 1


class Sequence(list[Any]):
    """A sequence, with the line it starts on."""

    line: int = 1


def read_yaml(text: str) -> list[Any]:
    r"""Return the documents of a YAML file.

    Raises
    ------
    ValueError
        The file is no YAML, or is too large or too deep.

    Examples
    --------
    >>> (document,) = read_yaml("on:\n  push:\n    branches: [main]\n")
    >>> document, document["on"]["push"]["branches"][0].line
    ({'on': {'push': {'branches': ['main']}}}, 3)
    """
    import yaml  # type: ignore[import-untyped, unused-ignore]

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(_documents(yaml.parse(text, Loader=loader), yaml))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


class _Composer:
    """The nodes that are still open, and the named ones."""

    def __init__(self, yaml: Any) -> None:
        self.yaml = yaml
        self.open: list[tuple[Any, list[Text]]] = []
        self.anchors: dict[str, Any] = {}

    def take(self, event: Any) -> Any:
        """Take one event; return the document that it ends, else None."""
        yaml = self.yaml
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node, _ = self.open.pop()
            return None if self.open else node
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()
        if not isinstance(event, yaml.NodeEvent):
            return None
        node = self._node(event)
        if self.open:
            _put(self.open[-1], node, event.start_mark.line + 1)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self.open) >= _DEEPEST:
                raise ValueError("too deep")
            self.open.append((node, []))
            return None
        return None if self.open else node

    def _node(self, event: Any) -> Any:
        if isinstance(event, self.yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise ValueError("an alias of nothing")
            return self.anchors[event.anchor]
        node = _node(event, self.yaml)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node


def _documents(events: Iterator[Any], yaml: Any) -> Iterator[Any]:
    composer = _Composer(yaml)
    for number, event in enumerate(events):
        if number > _MOST_EVENTS:
            raise ValueError("too large")
        document = composer.take(event)
        if document is not None:
            yield document


def _node(event: Any, yaml: Any) -> Any:
    node: Any
    if isinstance(event, yaml.MappingStartEvent):
        node = Section()
    elif isinstance(event, yaml.SequenceStartEvent):
        node = Sequence()
    else:
        node = Text(event.value)
    node.line = event.start_mark.line + 1
    return node


def _put(holder: tuple[Any, list[Text]], node: Any, line: int) -> None:
    """Put a node where it belongs: into a sequence, as the key of a mapping, or as the value of the key before it."""
    within, keys = holder
    if isinstance(within, Sequence):
        within.append(node)
    elif not keys:
        key = node if isinstance(node, Text) else Text("(no plain key)")
        if not isinstance(node, Text):
            key.line = line
        keys.append(key)
    else:
        key = keys.pop()
        if key == "<<":
            for part in node if isinstance(node, Sequence) else [node]:
                for name, value in list(part.items()) if isinstance(part, Section) else []:
                    within.setdefault(name, value)
        else:
            within.pop(key, None)  # the key that is kept is the one whose line is told
            within[key] = node


def line_of(part: Any) -> int | None:
    """Return the line of a key or part; None for what was not read from a file."""
    line = getattr(part, "line", None)
    return line if isinstance(line, int) else None


def walk(node: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str | None, Any]]:
    r"""Yield each part of a document once: the keys that lead to it, its own key if it has one, and the part.

    Examples
    --------
    >>> [(way, part) for way, _, part in walk(read_yaml("a: {b: [1]}")[0]) if isinstance(part, str)]
    [(('a', 'b', '0'), '1')]
    """
    seen: set[int] = set()
    waiting: list[tuple[tuple[str, ...], str | None, Any]] = [(way, None, node)]
    while waiting:
        place, key, part = waiting.pop()
        if isinstance(part, Section | Sequence):
            if id(part) in seen:
                continue
            seen.add(id(part))
        yield place, key, part
        if isinstance(part, Section):
            waiting += [((*place, name), name, inner) for name, inner in reversed(part.items())]
        elif isinstance(part, Sequence):
            waiting += [((*place, str(n)), None, inner) for n, inner in reversed(list(enumerate(part)))]
