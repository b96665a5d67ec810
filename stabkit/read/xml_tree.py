"""A small tree of an XML report: elements by local name, attributes, text; for formats that need no streaming.

Like the reader of JUnit it resolves no entity, keeps what was read before a cut, and repairs control bytes once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

from stabkit.read.content import ReportError, chunks, conflict_line
from stabkit.read.xml_faults import CUT_OFF, cut_off, not_a_report, parse_repaired, refuse_entities
from stabkit.sources import Status

__all__ = ["Element", "Soundness", "deepest_total", "failed_alone", "failure_text", "joined_text", "read_tree"]

TEXT_LIMIT: Final = 64 * 1024
_MOST_ELEMENTS: Final = 5_000_000


@dataclass(frozen=True)
class Soundness:
    """How whole a document is: ok, repaired, or cut off (error), with what is to be said and where it began."""

    status: Status = "ok"
    warnings: tuple[str, ...] = ()
    line: int | None = None
    column: int | None = None


@dataclass(eq=False, slots=True)
class Element:
    """One element: local name, attributes, children in order, and its own text up to 64 KiB."""

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def get(self, key: str) -> str | None:
        """Return an attribute that is there and not blank."""
        value = self.attributes.get(key, "").strip()
        return value or None

    def count(self, key: str) -> int | None:
        """Return an attribute that is a count of at most twelve digits; None for any other."""
        value = self.get(key)
        return int(value) if value is not None and value.isdecimal() and len(value) < 13 else None

    def walk(self) -> Iterator[Element]:
        """Yield this element and all below it, in document order, however deep they lie."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))

    def named(self, *names: str) -> Iterator[Element]:
        """Yield the elements of these names below this one, in document order."""
        return (element for element in self.walk() if element is not self and element.name in names)

    def child(self, *names: str) -> Element | None:
        """Return the first element that a path of names leads to."""
        found: Element | None = self
        for name in names:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    @property
    def text(self) -> str | None:
        """Its own text, stripped; None if there is none."""
        return "".join(self.parts).strip() or None


def failed_alone(tree: Element, *, suite: Callable[[Element], bool], case: Callable[[Element], bool]) -> list[Element]:
    """Return the innermost elements that are failed suites and have no failed case below them, in document order.

    Parameters
    ----------
    suite, case : callable
        Say whether an element is a suite that failed, or a case that ended badly.
    """
    bad: set[int] = set()
    found: list[Element] = []
    # Parents stand before their children in document order, so the reverse meets the children first: linear time.
    for element in reversed(list(tree.walk())):
        if case(element) or any(id(child) in bad for child in element.children):
            bad.add(id(element))
        elif suite(element):
            bad.add(id(element))
            found.append(element)
    return found[::-1]


def deepest_total(tree: Element, suites: Collection[str], *keys: str) -> int:
    """Return what suites claim together, each as much as it states or as those within it do, whichever is more.

    Examples
    --------
    >>> run = Element("test-run", {"failed": "0"})
    >>> run.children.append(Element("test-suite", {"failed": "2"}))
    >>> deepest_total(run, ["test-suite"], "failed")
    2
    """
    totals: dict[int, int] = {}
    for element in reversed(list(tree.walk())):
        within = sum(totals.get(id(child), 0) for child in element.children)
        own = sum(element.count(key) or 0 for key in keys) if element.name in suites else 0
        totals[id(element)] = max(own, within)
    return totals[id(tree)]


def joined_text(*elements: Element | None) -> str | None:
    """Return the texts of those elements that have one, a line each."""
    return "\n".join(element.text for element in elements if element is not None and element.text) or None


def failure_text(element: Element, *more: Element | None) -> str | None:
    """Return message and stack trace of an element's ``failure``, as the .NET tools write it, then other texts."""
    return joined_text(element.child("failure", "message"), element.child("failure", "stack-trace"), *more)


class _Tree:
    def __init__(self, roots: Iterable[str]) -> None:
        self.roots = frozenset(roots)
        self.root: Element | None = None
        self.open: list[Element] = []
        self.count = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        refuse_entities(self.parser)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name.rpartition(":")[2], {key.rpartition(":")[2]: v for key, v in attributes.items()})
        self.count += 1
        if self.count > _MOST_ELEMENTS:
            raise ReportError(f"refused: more than {_MOST_ELEMENTS:,} elements")
        if self.open:
            self.open[-1].children.append(element)
        elif element.name not in self.roots:
            raise not_a_report(element.name)
        else:
            self.root = element
        self.open.append(element)

    def end(self, _name: str) -> None:
        self.open.pop()

    def text(self, text: str) -> None:
        element = self.open[-1]
        if element.size <= TEXT_LIMIT:
            element.parts.append(text)
            element.size += len(text)

    def parse(self, blocks: Iterable[bytes]) -> None:
        for block in blocks:
            self.parser.Parse(block, False)  # noqa: FBT003 - expat takes it by position
        self.parser.Parse(b"", True)  # noqa: FBT003


def read_tree(path: Path, *roots: str) -> tuple[Element, Soundness]:
    """Return the root element of a report, one of those names, and how whole it is.

    Raises
    ------
    ReportError
        Malformed, refused, cut off before its root element, or an unresolved merge conflict.
    """
    tree = _Tree(roots)
    try:
        tree.parse(chunks(path))
    except expat.ExpatError as error:
        marker = conflict_line(path)
        if marker is not None:
            raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1) from error
        if error.code in CUT_OFF and tree.root is not None:
            kept = cut_off(error.lineno)
            return tree.root, Soundness("error", (kept,), error.lineno, error.offset + 1)
        return _repaired(path, roots, error)
    except ReportError as fault:
        if fault.line is None:
            fault.line, fault.column = tree.parser.CurrentLineNumber, tree.parser.CurrentColumnNumber + 1
        raise
    except (LookupError, ValueError) as error:
        raise ReportError(f"malformed: {error}", line=1, column=1) from error
    assert tree.root is not None  # expat ends without an error only after a root
    return tree.root, Soundness()


def _repaired(path: Path, roots: Iterable[str], error: expat.ExpatError) -> tuple[Element, Soundness]:
    tree = _Tree(roots)
    said, status, position = parse_repaired(path, error, tree.parse)
    if tree.root is None:  # cut off before it
        raise ReportError(said[0], line=position[0], column=position[1]) from error
    return tree.root, Soundness(status, tuple(said), *position)
