"""The shapes that JSON reports promise: what is of another shape is refused, or counts as absent."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stabkit.read.content import ReportError
from stabkit.read.json_content import json_keys

__all__ = ["array_keys", "entries", "listed", "mapped", "moment", "positive", "text", "whole"]


def mapped(value: object) -> dict[str, Any]:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Any]:
    """Return a list, or an empty one for anything else: for what no row depends on."""
    return value if isinstance(value, list) else []


def listed(value: object, what: str) -> list[dict[str, Any]]:
    """Return a list of objects.

    Raises
    ------
    ReportError
        It is no list, or an entry of it is no object: rows would be lost silently.
    """
    if not isinstance(value, list):
        raise ReportError(f"{what} is no list")
    for place, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise ReportError(f"{what}, entry {place}: is no object")
    return value


def whole(value: object) -> int | None:
    """Return a count, or None if it is none.

    Examples
    --------
    >>> whole(3), whole(-1), whole(True), whole(None)
    (3, None, None, None)
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def positive(value: object) -> int | None:
    """Return a line number, or None if it is none.

    Examples
    --------
    >>> positive(3), positive("3"), positive(0), positive(True)
    (3, 3, None, None)
    """
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def text(value: object) -> str | None:
    """Return a text that is not empty, or None for anything else.

    Examples
    --------
    >>> text("a"), text(""), text(3)
    ('a', None, None)
    """
    return value if isinstance(value, str) and value.strip() else None


def moment(value: object) -> pd.Timestamp | None:
    """Return a time of ISO 8601 in UTC, which one without a zone is taken for; None for anything else.

    Examples
    --------
    >>> moment("2026-01-02T03:04:05+01:00").isoformat(), moment("yesterday"), moment(5)
    ('2026-01-02T02:04:05+00:00', None, None)
    """
    found = pd.to_datetime(value, utc=True, errors="coerce", format="ISO8601") if isinstance(value, str) else pd.NaT
    return None if found is pd.NaT else found


def array_keys(head: bytes) -> set[str]:
    """Return the keys of the first object of a JSON list, as far as these bytes show them.

    Examples
    --------
    >>> sorted(array_keys(b'[{"code": "E501", "location": {"row": 1}}, {'))
    ['code', 'location']
    >>> array_keys(b"[]")
    set()
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return set(json_keys(start[1:])) if start.startswith(b"[") else set()
