"""An estimate in figures: its values, its change with interval, its margin; one unit and one precision for a line."""

from __future__ import annotations

import math

from stabkit.analyze.outcome import Estimate
from stabkit.chart.numbers import SPACE, decimals_of, measure, one_unit, percent, significant

__all__ = ["change_text", "interval_text", "margin_text", "sample_text", "value_text", "values_text"]

_SHARE_UNITS = ("share", "ratio", "rate", "fraction")


def is_share(estimate: Estimate) -> bool:
    """Say whether the values are shares (0.01 is 1 %), so that changes are percentage points."""
    return estimate.unit in _SHARE_UNITS


def value_text(value: float | None, unit: str) -> str:
    """Return one value with its unit; a share as per cent.

    Examples
    --------
    >>> value_text(0.012, "share").replace(SPACE, " "), value_text(118.24, "ms").replace(SPACE, " ")
    ('1.2 %', '118 ms')
    """
    return percent(value) if unit in _SHARE_UNITS else measure(value, unit)


def values_text(estimate: Estimate) -> str:
    """Return baseline → candidate with the unit once; empty if either is unknown."""
    if estimate.baseline is None or estimate.candidate is None:
        return ""
    if is_share(estimate):
        return f"{percent(estimate.baseline)} → {percent(estimate.candidate)}"
    values, unit = one_unit([estimate.baseline, estimate.candidate], estimate.unit)
    decimals = decimals_of(values)
    before, after = (significant(value, decimals=decimals) for value in values)
    return f"{before} → {after}{SPACE}{unit}".rstrip(SPACE)


def change_text(estimate: Estimate) -> str:
    """Return the change with its 95 % interval: ``+55 % [+44, +66]``; in units of the value on the difference scale.

    Examples
    --------
    >>> slower = Estimate("p99", "ms", "ratio", "regressed", change=1.55, low=1.44, high=1.66)
    >>> change_text(slower).replace(SPACE, " ")
    '+55 % [+44, +66]'
    >>> change_text(Estimate("p99", "ms", "ratio", "inconclusive", change=1.1, low=0.9)).replace(SPACE, " ")
    '+10.0 % [−10.0, –]'
    """
    if estimate.change is None:
        return "–"
    factor, unit = _scale(estimate)
    neutral = 1.0 if estimate.scale == "ratio" else 0.0
    shown = [None if v is None else (v - neutral) * factor for v in (estimate.change, estimate.low, estimate.high)]
    change, low, high = shown
    # The interval decides the precision: digits far below its width say nothing.
    finite = [v for v in shown if v is not None and math.isfinite(v)]
    width = abs(high - low) if low is not None and high is not None and math.isfinite(high - low) else None
    digits = min(decimals_of(finite, 3), decimals_of([width], 2)) if width else decimals_of(finite, 3)
    decimals = min(digits, 2 if unit in ("%", "pp") else 6)
    first = f"{significant(change, sign=True, decimals=decimals)}{SPACE}{unit}".rstrip(SPACE)
    if low is None and high is None:
        return first
    low_text, high_text = (significant(v, sign=True, decimals=decimals) for v in (low, high))
    return f"{first} [{low_text}, {high_text}]"


def interval_text(estimate: Estimate) -> str:
    """Return the change with interval and margin, for the alternative text of a strip."""
    margin = margin_text(estimate)
    return f"{change_text(estimate)}" + (f", margin {margin}" if margin else "")


def margin_text(estimate: Estimate) -> str:
    """Return the margin in the scale of the change; empty without one.

    Examples
    --------
    >>> margin_text(Estimate("p99", "ms", "ratio", "stable", margin=0.2)).replace(SPACE, " ")
    '20 %'
    """
    if estimate.margin is None:
        return ""
    if estimate.scale == "ratio":
        return percent(estimate.margin)
    factor, unit = _scale(estimate)
    return f"{significant(estimate.margin * factor)}{SPACE}{unit}".rstrip(SPACE)


def sample_text(estimate: Estimate) -> str:
    """Return rounds and samples of both sides: ``12 × 500`` or ``n 30, 28``."""
    n = (estimate.n_baseline, estimate.n_candidate)
    if estimate.rounds > 1 and n[0] == n[1] and n[0] % estimate.rounds == 0:
        return f"{estimate.rounds} × {n[0] // estimate.rounds}"
    amounts = f"{n[0]:,}".replace(",", SPACE), f"{n[1]:,}".replace(",", SPACE)
    sides = amounts[0] if n[0] == n[1] else ", ".join(amounts)
    return f"n {sides}" + (f" in {estimate.rounds} rounds" if estimate.rounds > 1 else "")


def _scale(estimate: Estimate) -> tuple[float, str]:
    if estimate.scale == "ratio":
        return 100.0, "%"
    return (100.0, "pp") if is_share(estimate) else (1.0, estimate.unit)
