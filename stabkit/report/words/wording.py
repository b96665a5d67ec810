"""Metrics as people call them, and clauses as sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from stabkit.text import LONGEST_NAME, capital, plain
from stabkit.vocabulary import metric_of

__all__ = ["known_text", "metric_words", "place_text", "sentence"]

_SPACES: Final = re.compile(r"[^\S\u202f\u00a0]+")


def metric_words(metric: str | None) -> str:
    """Return a metric's name as people say it.

    Examples
    --------
    >>> metric_words("connect_time"), metric_words("event:done")
    ('connect time', 'arrival of done')
    """
    if metric is None:
        return "metric"
    return plain(metric_of(metric).words)


def sentence(*clauses: str) -> str:
    """Return clauses, those that say something, as one sentence with a capital and a full stop.

    Examples
    --------
    >>> sentence("no source failed", "", "2 were repaired")
    'No source failed; 2 were repaired.'
    >>> sentence("did the tests run?")
    'Did the tests run?'
    """
    text = "; ".join(_SPACES.sub(" ", clause).strip().rstrip(".;") for clause in clauses if clause.strip())
    end = "" if text.endswith(("?", "!")) else "."
    return f"{capital(text)}{end}" if text else ""


def known_text(value: object, longest: int = LONGEST_NAME) -> str | None:
    r"""Return foreign text as one short line; None for a missing value of any kind.

    Examples
    --------
    >>> known_text("chat\nservice"), known_text(float("nan"))
    ('chat service', None)
    """
    return None if pd.isna(value) else plain(value, longest)


def place_text(row: Mapping[Any, Any]) -> str:
    """Return where a finding stands.

    Examples
    --------
    >>> place_text({"path": "a.py", "line": 3}), place_text({"path": None, "line": None})
    ('a.py:3', 'place not stated')
    """
    if pd.isna(row["path"]):
        return "place not stated"
    return plain(row["path"]) + (f":{row['line']}" if pd.notna(row["line"]) else "")
