"""Intervals, pairs and times as people read them; plain numbers are in :mod:`stabkit.numbers`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from stabkit.numbers import (
    SPACE,
    UNKNOWN,
    decimals_of,
    one_unit,
    percent,
    significant,
)

__all__ = ["aligned", "confidence_text", "interval", "moment", "pair"]

# Units whose values are shares: their differences are percentage points.
SHARES: Final = frozenset({"share", "rate", "proportion", "ratio", "fraction"})


def interval(low: float | None, high: float | None, *, digits: int = 3) -> str:
    """Return bounds in brackets, signed, with the same decimals.

    Examples
    --------
    >>> interval(-0.6, 1.1), interval(1.24, float("inf"))
    ('[−0.6, +1.1]', '[+1.24, +∞]')
    """
    texts = aligned((low, high), digits)
    return f"[{texts[0]}, {texts[1]}]"


def aligned(values: Sequence[float | None], digits: int = 3, *, most: int = 6) -> list[str]:
    """Return signed numbers with the same decimals, at most so many and as few as say the same; none is 0.

    Examples
    --------
    >>> aligned([0.01, -0.09, 0.1]), aligned([2.0, -4.0, 23.0]), aligned([0, -0.6, 0.6])
    (['+0.01', '−0.09', '+0.10'], ['+2', '−4', '+23'], ['0', '−0.6', '+0.6'])
    """
    decimals = min(decimals_of(values, digits), most)
    known = [v for v in values if v is not None and math.isfinite(v)]
    while decimals and all(round(v, decimals) == round(v, decimals - 1) for v in known):
        decimals -= 1  # no zeros that say nothing
    return [significant(v, sign=True, decimals=decimals if v else 0) for v in values]


def confidence_text(confidence: float) -> str:
    """Return what intervals hold at, as per cent; what is not certain never reads 100 %.

    Examples
    --------
    >>> [confidence_text(level).replace(SPACE, " ") for level in (0.95, 0.99998)]
    ['95 %', '99.998 %']
    """
    return f"95{SPACE}%" if confidence == 0.95 else percent(confidence)


def pair(baseline: float | None, candidate: float | None, unit: str) -> tuple[str, str]:
    """Return both sides in one unit and with the same decimals; the name of what counts per round says so itself.

    Examples
    --------
    >>> [side.replace(SPACE, " ") for side in pair(0.2, 0.31, "MB")]
    ['0.20 MB', '0.31 MB']
    >>> [side.replace(SPACE, " ") for side in pair(0.002, None, "share")]
    ['0.2 %', '–']
    >>> [side.replace(SPACE, " ") for side in pair(0.0497, 0.1122, "share")]
    ['5.0 %', '11.2 %']
    >>> [side.replace(SPACE, " ") for side in pair(0.31, 0.42, "% per round")]
    ['0.31 %', '0.42 %']
    """
    values, shown = one_unit([baseline, candidate], unit.removesuffix(" per round"))
    if unit in SHARES:
        if any(v is None or 0 < v < 0.001 or 0.999 < v < 1 for v in values):  # alone, or too near to none or all
            return percent(baseline), percent(candidate)
        values, shown = [100 * v for v in values if v is not None], "%"
    known = [abs(v) for v in values if v is not None and math.isfinite(v) and v != 0]
    decimals = min(decimals_of([max(known)]), 3) if known else 0
    while decimals and all(v is None or round(v, decimals) == round(v, decimals - 1) for v in values):
        decimals -= 1  # no zeros that say nothing, on both sides alike
    left, right = (
        UNKNOWN
        if v is None or math.isnan(v)
        else f"{significant(v, decimals=decimals if v else 0)}{SPACE}{shown}".rstrip()  # none is 0, not 0.00
        for v in values
    )
    return left, right


def moment(when: Any) -> str:
    """Return a UTC time as "14 Sep 2025, 12:24 UTC", whatever the locale.

    Parameters
    ----------
    when : datetime, Timestamp, ISO 8601 text or None
        A time without zone is UTC, as everywhere in the evidence.

    Examples
    --------
    >>> moment("2025-09-14T12:24:00+00:00").replace(chr(0xA0), " ")
    '14 Sep 2025, 12:24 UTC'
    """
    if when is None or when != when:  # noqa: PLR0124  # NaT is not equal to itself
        return UNKNOWN
    try:
        time = datetime.fromisoformat(when) if isinstance(when, str) else when
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, AttributeError):
        return str(when)
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{time.day}\u00a0{months[time.month - 1]}\u00a0{time.year}, {time:%H:%M}\u00a0UTC"
