"""How far two versions lie apart."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["size_of", "version_key"]

_NUMBERS: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})*")
_PARTS: Final = ("major", "minor", "patch")


def size_of(before: str, after: str) -> str:
    """Return which part of a version changed first: ``major``, ``minor``, ``patch``; ``version`` for what has none.

    Examples
    --------
    >>> [size_of(*pair) for pair in (("1.2", "2.0"), ("v1.2.3", "v1.3.0"), ("1.2.3", "1.2.4"), ("main", "dev"))]
    ['major', 'minor', 'patch', 'version']
    >>> size_of(">=1.2,<2", ">=1.4,<2"), size_of("3.11-slim", "3.11-alpine"), size_of("1.0rc1", "1.0")
    ('minor', 'version', 'pre-release')
    >>> size_of("2.1, 7.2", "7.2"), size_of("2.1, 7.2", "2.2, 7.2"), size_of("2.1, 7.2", "2.1, 8.0")
    ('version', 'minor', 'major')
    """
    old, new = (_NUMBERS.findall(text) for text in (before, after))
    ranges = re.search(r"[<>~^*|]|\.x", f"{before} {after}") is not None
    if ranges and len(old) != len(new):
        return "range"
    sides_of = [set(text.split(", ")) for text in (before, after)]
    if not ranges and max(map(len, sides_of)) > 1:  # resolved more than once: what both have did not change
        alone = [side - other for side, other in (sides_of, sides_of[::-1])]
        if not all(alone):
            return "version"
        before, after = (", ".join(sorted(side, key=version_key)) for side in alone)
        old, new = (_NUMBERS.findall(text) for text in (before, after))
    # Of one version its first number counts: behind it stand the date and commit of what has no version of its own.
    for one, other in list(zip(old, new, strict=False))[: None if ranges else 1]:
        sides = [(*map(int, text.split(".")), 0, 0, 0)[:4] for text in (one, other)]
        if sides[0] != sides[1]:
            first = next(n for n, pair in enumerate(zip(*sides, strict=True)) if pair[0] != pair[1])
            return _PARTS[min(first, 2)]
        if re.search(rf"{re.escape(one)}[-.]?(a|b|rc|alpha|beta|dev|pre)[-.\d]", f"{before} {after}", re.IGNORECASE):
            return "pre-release"
    return "range" if ranges else "version"


def version_key(text: str) -> tuple[tuple[int, ...], str]:
    """Return what versions are ordered by."""
    found = _NUMBERS.search(text)
    return (tuple(map(int, found[0].split("."))) if found else (), text)
