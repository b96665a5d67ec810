"""Patterns of paths, as ``.gitignore`` and CODEOWNERS know them."""

from __future__ import annotations

import functools
import re

__all__ = ["path_matches", "path_pattern"]


def path_matches(pattern: str, path: str) -> bool:
    """Say whether a repository-relative path is, or lies below, what a pattern names from the top.

    Examples
    --------
    >>> [path_matches("shop/*.py", path) for path in ("shop/a.py", "shop/a/b.py", "my/shop/a.py")]
    [True, False, False]
    >>> path_matches("shop", "shop/a/b.py"), path_matches("**/b.py", "shop/a/b.py")
    (True, True)
    """
    return path_pattern("/" + pattern.lstrip("/")).match(path) is not None


@functools.lru_cache(maxsize=1024)
def path_pattern(pattern: str) -> re.Pattern[str]:
    """Translate a pattern as .gitignore knows it: ``/`` anchors, ``*`` stays within a folder, ``**`` does not.

    A repository may hold patterns made to be tried in endless ways: what stands before a star is found as early as it
    can be, and never sought again (an atomic group), since a later place would leave the star less to take.

    Examples
    --------
    >>> slow = path_pattern("*a" * 30 + "b")
    >>> slow.match("a" * 200) is None, slow.match("a" * 200 + "b") is None
    (True, False)
    """
    body = pattern.strip("/")
    anchored = "/" in pattern.rstrip("/")
    # Folders between two of "**", each block to be found as a whole.
    blocks: list[list[str]] = [[]]
    for name in body.split("/") if body else []:
        if name == "**":
            blocks.append([])
        else:
            blocks[-1].append(_name_pattern(name))
    first, *rest = ["/".join(block) for block in blocks]
    if not anchored:
        rest, first = [first, *rest], ""
    end = "/" if pattern.endswith("/") else "(?:/|$)"
    if not rest:
        return re.compile(first + (end if body else ""), re.DOTALL)
    held = [block for block in rest[:-1] if block]
    middle = "".join(f"(?>(?:[^/]*/)*?{block}/)" for block in held)
    start = f"{first}/" if first else ""
    if not rest[-1]:  # "**" at the end: whatever lies below
        return re.compile(start + middle + ("(?:.*/)" if end == "/" else ""), re.DOTALL)
    return re.compile(f"{start}{middle}(?:[^/]*/)*?{rest[-1]}{end}", re.DOTALL)


def _name_pattern(name: str) -> str:
    """Translate one name between slashes."""
    first, *rest = ["[^/]".join(map(re.escape, part.split("?"))) for part in re.split(r"\*+", name)]
    if not rest:
        return first
    return first + "".join(f"(?>[^/]*?{part})" for part in rest[:-1] if part) + f"[^/]*{rest[-1]}"
