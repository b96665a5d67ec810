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
    """Translate a pattern as .gitignore knows it: ``/`` anchors, ``*`` stays within a folder, ``**`` does not."""
    body = pattern.strip("/")
    anchored = "/" in pattern.rstrip("/")
    text = ""
    for part in re.split(r"(\*\*/?|\*|\?)", body):
        text += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    end = "/" if pattern.endswith("/") else "(?:/|$)"
    return re.compile(("" if anchored else "(?:.*/)?") + text + (end if body else ""), re.DOTALL)
