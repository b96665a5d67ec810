"""One dependency as a file names it: its name, its version or range, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stabkit.change.facts import Scope

__all__ = ["Entry", "Lines", "group_scope", "python_name", "requirement", "tidy_range"]

_DEVELOPMENT: Final = re.compile(
    r"(?i)(^|[-_./])(dev|develop|development|test|tests|testing|doc|docs|lint|linting|linters?|types?|typing|mypy|ci|"
    r"bench|benchmarks?|debug|qa|style|format|precommit|pre[-_]commit|check|checks|coverage|example|examples|"
    r"release|local|tools?)([-_./\d]|$)"
)
_EXACT: Final = re.compile(r"={2,3}\s*([^*,;\s]+)$")


@dataclass(frozen=True)
class Entry:
    """One dependency.

    Attributes
    ----------
    name : str
        As its registry knows it, written in one way.
    version : str
        The version that is resolved, or the range that is asked for; empty for any.
    line : int or None
        Where it stands.
    scope : str or None
        What needs it; None for what only the other entries tell.
    exact : bool
        True if no other version can be meant.
    direct : bool
        False if another dependency asks for it.
    details : tuple of (str, str)
        What else makes it the same thing, by its kind: source, extras, marker; several hashes are one by one.
    requires : tuple of str
        The names that it asks for itself.
    proven : bool
        False if it was found by a pattern.
    """

    name: str
    version: str = ""
    line: int | None = None
    scope: Scope | None = "production"
    exact: bool = False
    direct: bool = True
    details: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()
    proven: bool = True


class Lines:
    r"""The lines of a text, to find where a parser's values stand.

    Examples
    --------
    >>> lines = Lines('[a]\nx = 1\n[b]\nx = 2\n')
    >>> lines.find("x", after="[b]"), lines.find("nothing")
    (4, None)
    """

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def find(self, needle: str, *, after: str | int | None = None) -> int | None:
        """Return the first line that holds a text as a word of its own, behind the line that holds another."""
        start = after if isinstance(after, int) else 0
        if isinstance(after, str):
            start = next((n for n, line in enumerate(self.lines) if line.lstrip().startswith(after)), 0)
        word = re.compile(rf"(?<![\w.-]){re.escape(needle)}(?![\w-])")
        return next((n + 1 for n in range(start, len(self.lines)) if word.search(self.lines[n])), None)

    def starting(self, pattern: str) -> Iterator[tuple[int, re.Match[str]]]:
        """Yield the lines that a pattern fits from their start."""
        compiled = re.compile(pattern)
        for number, line in enumerate(self.lines, start=1):
            if match := compiled.match(line):
                yield number, match

    def first(self, pattern: str, *, behind: int = 0) -> dict[str, int]:
        """Return the first line, behind some line, of each text that the group of a pattern takes from its start."""
        found: dict[str, int] = {}
        for number, match in self.starting(pattern):
            if number > behind:
                found.setdefault(match[1], number)
        return found


def group_scope(name: str) -> Scope:
    """Return what a group of dependencies of that name is for.

    Examples
    --------
    >>> [group_scope(name) for name in ("dev", "docs-html", "postgres", "requirements-test.txt", "prod")]
    ['development', 'development', 'production', 'development', 'production']
    """
    return "development" if _DEVELOPMENT.search(name) else "production"


def python_name(name: str) -> str:
    """Return the name of a Python distribution in its one normal form.

    Examples
    --------
    >>> python_name("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).strip().lower()


def tidy_range(text: str) -> str:
    """Return a range without white space that says nothing, its parts in order.

    Examples
    --------
    >>> tidy_range(">= 2, <3"), tidy_range("<3,>=2"), tidy_range("*"), tidy_range("^ 1.2 || >=  2")
    ('<3,>=2', '<3,>=2', '', '^1.2||>=2')
    """
    said = re.sub(r"([<>=!~^]+)\s+", r"\1", text.strip().strip("\"'"))
    said = re.sub(r"\s*\|\|\s*", "||", re.sub(r"\s*,\s*", ",", re.sub(r"\s+", " ", said)))
    said = ",".join(sorted(said.strip("()").split(",")))
    return "" if said in ("*", "latest", "any", "x") else said


def requirement(text: str, line: int | None, scope: Scope, *, group: str = "") -> Entry | None:
    """Return a Python requirement, however it is written; None for what is none.

    Examples
    --------
    >>> entry = requirement("Requests[socks, idna] >= 2, <3 ; python_version < '3.9'", 1, "production")
    >>> entry.name, entry.version, entry.details
    ('requests', '<3,>=2', (('extras', 'idna,socks'), ('marker', 'python_version < "3.9"')))
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        read = Requirement(text)
    except (InvalidRequirement, RecursionError):
        return None
    details = {
        "extras": ",".join(sorted(python_name(extra) for extra in read.extras)),
        "marker": "" if read.marker is None else str(read.marker),
        "source": read.url or "",
    }
    said = ",".join(sorted(str(part) for part in read.specifier))
    exact = _EXACT.fullmatch(said)
    return Entry(
        python_name(read.name),
        exact[1] if exact else said,
        line,
        scope,
        exact=exact is not None or bool(read.url),
        details=kept(details | ({"group": group} if group else {})),
    )


def kept(details: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return the details that say something."""
    pairs = details.items() if isinstance(details, Mapping) else details
    return tuple((kind, str(value)) for kind, value in pairs if value)
