"""Stable names for findings of tools that give none."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from stabkit.text import mask_numbers

__all__ = ["computed_fingerprints", "sha256_of"]


def sha256_of(parts: Iterable[str]) -> str:
    """Return the SHA-256 of texts, one a line, as hexadecimal digits."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def computed_fingerprints(findings: Iterable[tuple[str, str | None, str]]) -> list[str]:
    """Return a fingerprint for each (rule, path, text), in order: a hash of the three and which occurrence it is.

    Line numbers stay out and numbers in the text are masked, so that a fingerprint survives an edit elsewhere in the
    file. ``text`` is the source text's hash if that is known, else the tool's sentence.

    Examples
    --------
    >>> one, two = computed_fingerprints([("long", "a.py", "26 lines"), ("long", "a.py", "40 lines")])
    >>> one[:-1] == two[:-1], one[-1], two[-1]
    (True, '1', '2')
    """
    seen: defaultdict[str, int] = defaultdict(int)
    result = []
    for rule, path, text in findings:
        key = sha256_of([rule, path or "", mask_numbers(text)])[:32]
        seen[key] += 1
        result.append(f"stabkit/v1:{key}:{seen[key]}")
    return result
