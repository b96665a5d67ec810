"""Names of endpoints, and the patterns that stand for many of them: ``GET /items/{id}``.

A name is taken apart at the signs that part a path, a query and words; what stands between two of them is a piece. A
piece of a pattern in braces stands for any piece.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pandas as pd

__all__ = ["ANY", "group_names", "is_pattern", "renamed"]

ANY: Final = "{id}"
"""The piece of a pattern that stands for any other."""

MANY: Final = 12
"""From so many paths on that differ in what looks like an id, they are one endpoint."""

DISTINCT: Final = 60
"""From so many names on that differ in one piece alone, path or not, id or not, they are one endpoint."""

_LONGEST: Final = 500  # characters of a name; longer ones are taken apart by nobody
_SIGNS: Final = re.compile(r"([/?&=;,:\s]+)")
_ID: Final = re.compile(
    r"\d+"  # a number
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # a UUID
    r"|(?=[^\d]*\d)[0-9a-fA-F]{6,}"  # a hash
    r"|(?=[^\d]*\d)[\w~-]{12,}"  # a token
    r"|[A-Za-z]{1,8}[-_]?\d{2,}"  # order-1234
    r"|\d+\.(?:html?|json|jpe?g|png|pdf|xml)"
)
_HOLE: Final = re.compile(r"\{[^{}/]*\}")
_PIECE: Final = r"[^/?&=;,\s]"


def is_pattern(name: str) -> bool:
    """Say whether a name stands for several.

    Examples
    --------
    >>> is_pattern("GET /items/{id}"), is_pattern("GET /items/7")
    (True, False)
    """
    return _HOLE.search(name) is not None


def group_names(names: Iterable[str]) -> dict[str, str]:
    """Return the pattern of each name that is one of many which differ by ids alone; the other names are left out.

    First what looks like an id (numbers, UUIDs, hashes, tokens), from :data:`MANY` paths on; then any piece in which
    :data:`DISTINCT` names differ and agree in all others, such as words in a path. Few names may be steps of a script,
    ``Step 1`` to ``Step 15``, and stay what they are.

    Examples
    --------
    >>> found = group_names([*(f"GET /items/{n}/price" for n in range(500)), "GET /items", "GET /v2/items"])
    >>> len(found), found["GET /items/17/price"]
    (500, 'GET /items/{id}/price')
    >>> group_names(["GET /items/1", "GET /items/2"])
    {}
    """
    own = [name for name in dict.fromkeys(names) if len(name) <= _LONGEST]
    groups: dict[str, list[str]] = defaultdict(list)
    for name in own:
        groups[_masked(name)].append(name)
    found = {
        name: pattern
        for pattern, alike in groups.items()
        if len(alike) >= (MANY if "/" in pattern else DISTINCT) and is_pattern(pattern)
        for name in alike
    }
    left = [name for name in own if name not in found]
    return found if len(left) < DISTINCT else found | _by_position(left)


def _masked(name: str) -> str:
    pieces = _SIGNS.split(name)
    return "".join(ANY if place % 2 == 0 and _ID.fullmatch(piece) else piece for place, piece in enumerate(pieces))


def _by_position(names: Sequence[str]) -> dict[str, str]:
    """Return the pattern of names that agree in all pieces but one."""
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name in names:
        pieces = _SIGNS.split(name)
        for place in range(2, len(pieces), 2):  # the first piece is a method or a word
            if pieces[place]:
                alike["".join([*pieces[:place], ANY, *pieces[place + 1 :]]), place].append(name)
    found: dict[str, str] = {}
    for (pattern, _), group in sorted(alike.items(), key=lambda item: -len(item[1])):
        left = [name for name in group if name not in found]
        if len(left) >= DISTINCT:
            found |= dict.fromkeys(left, pattern)
    return found


def renamed(names: pd.Series, patterns: Iterable[str]) -> pd.Series:
    """Return names with those that a pattern stands for replaced by it; the first pattern that fits counts.

    Examples
    --------
    >>> renamed(pd.Series(["GET /items/7", "GET /items/7/price"]), ["GET /items/{id}"]).tolist()
    ['GET /items/{id}', 'GET /items/7/price']
    """
    rules = [(pattern, _expression(pattern)) for pattern in patterns if is_pattern(pattern)]
    known: Mapping[str, str] = {
        name: pattern
        for name in map(str, names.unique())
        if (pattern := next((p for p, rule in rules if rule.fullmatch(name)), None)) is not None and pattern != name
    }
    return names.map(lambda name: known.get(name, name)).astype(names.dtype) if known else names


def _expression(pattern: str) -> re.Pattern[str]:
    """Return what matches the names that a pattern stands for, in a time that grows with their length alone.

    What stands before a hole is found as early as it can be, and never sought again (an atomic group): a hole takes
    any sign that what follows it could need, so that a later place would fit no better.
    """
    first, *rest = (re.escape(part) for part in _HOLE.split(pattern))
    if not rest:
        return re.compile(first)
    held = "".join(f"(?>{_PIECE}+?{part})" if part else _PIECE for part in rest[:-1])
    return re.compile(f"{first}{held}{_PIECE}+{rest[-1]}")
