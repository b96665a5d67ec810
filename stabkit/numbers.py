"""Numbers as people read them: three significant digits, one unit a row, a sign on every change.

Thousands are grouped by a narrow no-break space and a unit follows its number after one, so that no line breaks inside
a value; the minus sign is U+2212, as wide as the plus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

__all__ = [
    "MINUS",
    "SHARES",
    "SPACE",
    "UNKNOWN",
    "aligned",
    "amount_text",
    "at_most",
    "confidence_text",
    "duration",
    "interval",
    "likely_text",
    "measure",
    "moment",
    "one_unit",
    "pair",
    "percent",
    "points",
    "significant",
]

SPACE: Final = "\u202f"
MINUS: Final = "\u2212"
UNKNOWN: Final = "–"

# Units whose values are shares: their differences are percentage points.
SHARES: Final = frozenset({"share", "rate", "proportion", "ratio", "fraction"})
_LARGER: Final = {"ms": ("s", 1000.0), "MB": ("GB", 1000.0), "KB": ("MB", 1000.0), "s": ("min", 60.0)}


def _grouped(value: float, decimals: int, *, sign: bool) -> str:
    rounded = round(value, decimals)
    if rounded == 0:  # never "-0.0" nor "+0"
        return f"{0:.{decimals}f}"
    mark = MINUS if rounded < 0 else "+" if sign else ""
    return mark + f"{abs(rounded):,.{decimals}f}"


def decimals_of(values: Iterable[float | None], digits: int = 3) -> int:
    """Return the decimals that give the largest of the values its significant digits, 0 to 6."""
    known = [abs(v) for v in values if v is not None and math.isfinite(v) and v != 0]
    if not known or max(known) >= 1e6:
        return 0
    largest = float(f"{max(known):.{digits - 1}e}")  # 99.96 is shown as 100, which needs no decimal
    return min(6, max(0, digits - 1 - math.floor(math.log10(largest))))


def significant(value: float | None, digits: int = 3, *, sign: bool = False, decimals: int | None = None) -> str:
    """Return a number with that many significant digits; digits before the point are never rounded away.

    Parameters
    ----------
    value : float or None
        None and NaN read "–", infinities "∞".
    sign : bool
        Write the plus of a positive number, for changes.
    decimals : int, optional
        Use exactly these decimals instead, so that the numbers of a row line up.

    Examples
    --------
    >>> significant(272.43), significant(0.012345), significant(-3.14159, sign=True)
    ('272', '0.0123', '−3.14')
    >>> significant(99.96), significant(0.0099999)
    ('100', '0.0100')
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return (MINUS if value < 0 else "+" if sign else "") + "∞"
    if decimals is None and abs(value) < 1e-6:  # no more decimals are shown than six
        return "0"
    return _grouped(value, decimals_of([value], digits) if decimals is None else decimals, sign=sign)


def amount_text(value: float | None) -> str:
    """Return a whole number with its thousands grouped.

    Examples
    --------
    >>> amount_text(12408)
    '12,408'
    """
    return UNKNOWN if value is None or not math.isfinite(value) else _grouped(float(value), 0, sign=False)


def likely_text(low: str | None, high: str | None) -> str:
    """Return where a value likely lies, of the texts of its bounds; None is an end that is not known.

    Examples
    --------
    >>> likely_text("+1", "+4"), likely_text("+1", None), likely_text(None, "+4"), likely_text(None, None)
    ('likely +1 to +4', 'likely +1 or more', 'likely +4 or less', 'likely range not known')
    """
    if low is not None and high is not None:
        return f"likely {low} to {high}"
    if low is None and high is None:
        return "likely range not known"
    return f"likely {high} or less" if low is None else f"likely {low} or more"


def at_most(value: float, digits: int) -> str:
    """Return a number with no more than that many digits after its zeros, never in powers of ten.

    Examples
    --------
    >>> at_most(5.0, 2), at_most(8.72, 2), at_most(872.4, 2), at_most(2023.0, 3)
    ('5', '8.7', '872', '2,023')
    """
    text = f"{value:.{digits}g}"
    return significant(value, digits) if "e" in text or "n" in text else text


def one_unit(values: Sequence[float | None], unit: str) -> tuple[list[float | None], str]:
    """Return the values in the one unit that keeps a row readable, and that unit.

    A row moves to the larger unit only if its largest value has five digits.

    Examples
    --------
    >>> one_unit([12500.0, 31000.0], "ms")
    ([12.5, 31.0], 's')
    """
    known = [abs(v) for v in values if v is not None and math.isfinite(v)]
    if unit in _LARGER and known and max(known) >= 10_000:
        larger, factor = _LARGER[unit]
        return [v if v is None else v / factor for v in values], larger
    return list(values), unit


def measure(value: float | None, unit: str, digits: int = 3, *, sign: bool = False) -> str:
    """Return a number with its unit.

    Examples
    --------
    >>> measure(118.24, "ms").replace(SPACE, " "), measure(96.2, "ms", sign=True).replace(SPACE, " ")
    ('118 ms', '+96.2 ms')
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    (scaled,), shown = one_unit([value], unit)
    text = significant(scaled, digits, sign=sign)
    return f"{text}{SPACE}{shown}" if shown else text


def percent(share: float | None, *, sign: bool = False, digits: int = 3) -> str:
    """Return a share (0.05 is 5 %) as per cent; a share that is not all or nothing never reads 100 % or 0 %.

    Examples
    --------
    >>> percent(0.0498).replace(SPACE, " "), percent(0.9999951).replace(SPACE, " "), percent(1.0).replace(SPACE, " ")
    ('4.98 %', '> 99.9 %', '100 %')
    """
    if share is None or math.isnan(share):
        return UNKNOWN
    if math.isinf(share):
        return f"{significant(share, sign=sign)}{SPACE}%"
    if math.isclose(share, 1.0, rel_tol=1e-12):  # all, but for the arithmetic
        share = 1.0
    hundredfold = share * 100
    if not sign and 99.9 < hundredfold < 100:
        digits_needed = -math.floor(math.log10(100 - hundredfold)) if hundredfold < 99.999 else 0
        if not digits_needed:
            return f">{SPACE}99.9{SPACE}%"
        # Floored, not rounded: 99.996 % is not 100 %.
        floored = math.floor(hundredfold * 10**digits_needed) / 10**digits_needed
        return f"{floored:.{digits_needed}f}{SPACE}%"
    if hundredfold in (0, 100):
        return f"{hundredfold:.0f}{SPACE}%"
    places = min(decimals_of([hundredfold], digits), 4 if abs(hundredfold) < 0.1 else 2)
    text = significant(hundredfold, sign=sign, decimals=places)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text}{SPACE}%"


def points(difference: float | None) -> str:
    """Return a difference of two shares in percentage points.

    Examples
    --------
    >>> points(-0.0125).replace(SPACE, " ")
    '−1.25 pp'
    """
    if difference is None or math.isnan(difference):
        return UNKNOWN
    return f"{significant(difference * 100, sign=True)}{SPACE}pp"


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units.

    Examples
    --------
    >>> [duration(s).replace(SPACE, " ") for s in (0.0123, 75.2, 3661, 200_000, 187_056_000)]
    ['12.3 ms', '1 min 15 s', '1 h 1 min', '2 d 7 h', '5 y 338 d']
    """
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if abs(seconds) < 1:
        return measure(seconds * 1000, "ms")
    if abs(seconds) < 60:
        return measure(seconds, "s")
    mark, whole = (MINUS if seconds < 0 else ""), round(abs(seconds))
    sizes = (("y", 31_557_600), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in sizes:
        amount, whole = divmod(whole, size)
        if amount or parts:
            parts.append(f"{amount_text(amount)}{SPACE}{unit}" if amount else "")
        if len(parts) == 2:
            break
    return mark + " ".join(part for part in parts if part)


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
