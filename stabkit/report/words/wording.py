"""The grammar that computed sentences are built from: plurals, lists, counts, and foreign text made fit for a line.

Nothing here states a finding; it only joins words. What is joined may be hostile (a test name, a path, a message), so
:func:`stabkit.text.plain` makes each part fit for a line; escaping is the display's task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from stabkit.chart.drawing.numbers import count as amount_text
from stabkit.text import plain
from stabkit.vocabulary import METRICS, metric_of

__all__ = [
    "capital",
    "count",
    "joined",
    "metric_words",
    "named_metrics",
    "plural",
    "sentence",
    "verb",
]

_SPACES: Final = re.compile(r"[^\S\u202f\u00a0]+")
_METRIC: Final = re.compile(rf"\bevent:(\S+)|\b({'|'.join(METRICS)})\b")
_PLURALS: Final = {"is": "are", "has": "have", "was": "were", "does": "do", "query": "queries"}


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


def plural(word: str, amount: int) -> str:
    """Return the word in the number that fits the amount.

    Examples
    --------
    >>> plural("test", 1), plural("test", 2), plural("retry", 2), plural("is", 0), plural("pass", 2)
    ('test', 'tests', 'retries', 'are', 'passes')
    """
    if amount == 1:
        return word
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def verb(singular: str, amount: int) -> str:
    """Return a verb in the number that fits the amount: ``shows`` for one, ``show`` for many.

    Examples
    --------
    >>> verb("shows", 1), verb("shows", 3), verb("is", 3)
    ('shows', 'show', 'are')
    """
    if amount == 1:
        return singular
    return _PLURALS.get(singular) or singular.removesuffix("s")


def count(amount: int, word: str) -> str:
    """Return an amount with its noun.

    Examples
    --------
    >>> count(1, "round"), count(0, "finding"), count(2, "session of chat")
    ('1 round', '0 findings', '2 sessions of chat')
    """
    head, _, tail = word.partition(" of ")
    return f"{amount_text(amount)} {plural(head, amount)}" + (f" of {tail}" if tail else "")


def joined(parts: Iterable[object], *, most: int = 3, last: str = "and", more: str = "") -> str:
    """Return parts as a list in words; a cut list says how many more there are.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    >>> joined(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    >>> joined([])
    ''
    """
    texts = [plain(part) for part in parts]
    if len(texts) > most:
        # "and 1 more" is longer to read than the one itself.
        if len(texts) == most + 1:
            return joined(texts, most=most + 1, last=last)
        rest = f"{len(texts) - most} more{' ' + more if more else ''}"
        return f"{', '.join(texts[:most])} and {rest}"
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def capital(text: str) -> str:
    """Return the text with its first letter in upper case, the rest untouched.

    Examples
    --------
    >>> capital("p99 rose"), capital("")
    ('P99 rose', '')
    """
    return text[:1].upper() + text[1:]


def sentence(*clauses: str) -> str:
    """Return clauses, those that say something, as one sentence with a capital and a full stop.

    Examples
    --------
    >>> sentence("no source failed", "", "2 were repaired")
    'No source failed; 2 were repaired.'
    """
    text = "; ".join(_SPACES.sub(" ", clause).strip().rstrip(".;") for clause in clauses if clause.strip())
    return f"{capital(text)}." if text else ""
