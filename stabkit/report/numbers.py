"""Estimates, margins and times as people read them; plain numbers are in :mod:`stabkit.chart.numbers`."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final

from stabkit.analyze.outcome import Estimate
from stabkit.chart.numbers import (
    MINUS,
    SPACE,
    UNKNOWN,
    count,
    decimals_of,
    duration,
    listing,
    measure,
    one_unit,
    percent,
    plural,
    points,
    significant,
)

__all__ = [
    "MINUS",
    "SPACE",
    "change",
    "confidence_text",
    "count",
    "duration",
    "interval",
    "listing",
    "margin",
    "measure",
    "moment",
    "one_unit",
    "pair",
    "percent",
    "plural",
    "points",
    "significant",
]

# Units whose values are shares: their differences are percentage points.
_SHARES: Final = frozenset({"share", "rate", "proportion", "ratio", "fraction"})


def interval(low: float | None, high: float | None, *, digits: int = 3) -> str:
    """Return bounds in brackets, signed, with the same decimals.

    Examples
    --------
    >>> interval(-0.6, 1.1), interval(1.24, float("inf"))
    ('[−0.6, +1.1]', '[+1.24, +∞]')
    """
    shared = decimals_of([low, high], digits)
    texts = [significant(bound, sign=True, decimals=shared) for bound in (low, high)]
    if shared and all("." in t and t.endswith("0") for t in texts):
        texts = [significant(bound, sign=True, decimals=shared - 1) for bound in (low, high)]
    return f"[{texts[0]}, {texts[1]}]"


def confidence_text(confidence: float) -> str:
    """Return what intervals hold at, as per cent; what is not certain never reads 100 %.

    Examples
    --------
    >>> confidence_text(0.95), confidence_text(0.99998).replace(SPACE, " ")
    ('95 %', '99.998 %')
    """
    return "95 %" if confidence == 0.95 else percent(confidence)


def _scaled(estimate: Estimate, value: float | None) -> float | None:
    if value is None:
        return None
    if estimate.scale == "ratio":
        return (value - 1) * 100
    return value * 100 if estimate.unit in _SHARES else value


def _change_unit(estimate: Estimate) -> str:
    if estimate.scale == "ratio":
        return "%"
    if estimate.unit in _SHARES:
        return "pp"
    return estimate.unit


def change(estimate: Estimate) -> str:
    """Return the change with its unit and 95 % interval, or what stands in for it.

    Examples
    --------
    >>> ratio = Estimate("p99", "ms", "ratio", "regressed", change=1.55, low=1.44, high=1.66)
    >>> change(ratio).replace(SPACE, " ")
    '+55 % [+44, +66]'
    >>> rate = Estimate("failed", "share", "difference", "stable", change=0.001, low=-0.002, high=0.0045)
    >>> change(rate).replace(SPACE, " ")
    '+0.1 pp [−0.2, +0.45]'
    """
    values = [_scaled(estimate, v) for v in (estimate.change, estimate.low, estimate.high)]
    if all(v is None for v in values):
        return UNKNOWN
    digits = 2 if estimate.scale == "ratio" and max((abs(v) for v in values if v is not None), default=0) < 100 else 3
    centre, low, high = values
    finite = [v for v in values if v is not None and math.isfinite(v)]
    shared = min(decimals_of(finite, digits), 3) if finite else 0
    texts = [significant(v, sign=True, decimals=shared) for v in (centre, low, high)]
    texts = [_trimmed(t) for t in texts]
    unit = _change_unit(estimate)
    head = f"{texts[0]}{SPACE}{unit}" if unit else texts[0]
    if centre is None:
        head = f"{UNKNOWN} {unit}".strip()
    return head if low is None and high is None else f"{head} [{texts[1]}, {texts[2]}]"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def margin(estimate: Estimate) -> str:
    """Return the margin that the change is judged against.

    Examples
    --------
    >>> margin(Estimate("p99", "ms", "ratio", "stable", margin=0.2)).replace(SPACE, " ")
    '±20 %'
    """
    if estimate.margin is None:
        return UNKNOWN
    if estimate.scale == "ratio":
        return f"±{percent(estimate.margin)}"
    if estimate.unit in _SHARES:
        return f"±{_trimmed(significant(estimate.margin * 100))}{SPACE}pp"
    return f"±{_trimmed(significant(estimate.margin))}{SPACE}{estimate.unit}"


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
    if unit in _SHARES:
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
