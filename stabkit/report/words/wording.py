"""Metrics as people call them, and clauses as sentences."""

from __future__ import annotations

import re
from typing import Final

from stabkit.text import capital, plain
from stabkit.vocabulary import METRICS, metric_of

__all__ = [
    "metric_words",
    "named_metrics",
    "sentence",
]

_SPACES: Final = re.compile(r"[^\S\u202f\u00a0]+")
_METRIC: Final = re.compile(rf"\bevent:(\S+)|\b({'|'.join(METRICS)})\b")


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


def named_metrics(text: str) -> str:
    """Return a text in which the metrics that stabkit measures bear the names people say.

    Examples
    --------
    >>> named_metrics("no samples of api response_time"), named_metrics("chat event:done")
    ('no samples of api response time', 'chat arrival of done')
    """
    return _METRIC.sub(lambda found: metric_words(found[0]), text)


def sentence(*clauses: str) -> str:
    """Return clauses, those that say something, as one sentence with a capital and a full stop.

    Examples
    --------
    >>> sentence("no source failed", "", "2 were repaired")
    'No source failed; 2 were repaired.'
    """
    text = "; ".join(_SPACES.sub(" ", clause).strip().rstrip(".;") for clause in clauses if clause.strip())
    return f"{capital(text)}." if text else ""
