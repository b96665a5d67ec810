"""What one part of the detection found: tables of stabkit.toml, each with where it comes from, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Found", "Table", "joined_findings", "unique_name"]


@dataclass(frozen=True)
class Table:
    """One table of stabkit.toml.

    Attributes
    ----------
    kind : str
        ``project``, ``http``, ``tests``, ``scans``, ``coverage``, ``areas`` or ``changes``.
    name : str or None
        Behind the dot; None for a table that has none.
    values : mapping
        Key -> its value and where it is from; texts, numbers and lists of texts.
    comments : tuple of str
        Lines of comment below it.
    """

    kind: str
    name: str | None
    values: Mapping[str, tuple[Any, str]]
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Tables, what was found beside them, and what is left out, in words; load files and what makes reports too."""

    tables: tuple[Table, ...] = ()
    left_out: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    proposed: tuple[Table, ...] = field(default=())


def joined_findings(parts: Iterable[Found]) -> Found:
    """Return several findings as one, in their order."""
    every = tuple(parts)
    return Found(
        tuple(table for part in every for table in part.tables),
        tuple(dict.fromkeys(words for part in every for words in part.left_out)),
        tuple(file for part in every for file in part.loads),
        tuple(table for part in every for table in part.proposed),
    )


def unique_name(wanted: str, taken: Iterable[str]) -> str:
    r"""Return a name that is not taken: letters, digits and hyphens, at most 40.

    Examples
    --------
    >>> unique_name("TEST results/ü", ["test-results"]), unique_name("]\n[x", [])
    ('test-results-2', 'x')
    """
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in wanted.lower())
    name = "-".join(part for part in letters.split("-") if part)[:40].strip("-") or "found"
    used, number = set(taken), 2
    first = name
    while name in used:
        name, number = f"{first}-{number}", number + 1
    return name
