"""An estimate as a clause of a sentence: both values, change with interval, margin, and how many samples."""

from __future__ import annotations

from stabkit.analyze.outcome import Estimate
from stabkit.chart.numbers import SPACE
from stabkit.chart.numbers import count as amount_text
from stabkit.report.numbers import change, margin, pair

__all__ = ["change_text", "margin_text", "sample_text", "strip_text", "value_text", "values_text"]


def value_text(value: float | None, unit: str) -> str:
    """Return one value with its unit; a share as per cent.

    Examples
    --------
    >>> value_text(0.012, "share").replace(SPACE, " "), value_text(118.24, "ms").replace(SPACE, " ")
    ('1.2 %', '118 ms')
    """
    return pair(value, None, unit)[0]


def values_text(estimate: Estimate) -> str:
    """Return baseline → candidate, the unit once; empty if either is unknown.

    Examples
    --------
    >>> slower = Estimate("p99", "ms", "ratio", "regressed", baseline=176.0, candidate=272.4)
    >>> values_text(slower).replace(SPACE, " ")
    '176 → 272 ms'
    """
    if estimate.baseline is None or estimate.candidate is None:
        return ""
    before, after = pair(estimate.baseline, estimate.candidate, estimate.unit)
    number, _, unit = before.rpartition(SPACE)
    return f"{number} → {after}" if number and after.endswith(unit) else f"{before} → {after}"


def change_text(estimate: Estimate) -> str:
    """Return the change with its interval: ``+55 % [+44, +66]``."""
    return change(estimate)


def margin_text(estimate: Estimate) -> str:
    """Return the margin as the limit of a worsening: ``20 %``; empty without one.

    Examples
    --------
    >>> margin_text(Estimate("p99", "ms", "ratio", "stable", margin=0.2)).replace(SPACE, " ")
    '20 %'
    """
    return "" if estimate.margin is None else margin(estimate).lstrip("±")


def strip_text(estimate: Estimate) -> str:
    """Return what a strip shows, for those who do not see it."""
    return f"interval {change(estimate)}, margin {margin(estimate)}"


def sample_text(estimate: Estimate) -> str:
    """Return rounds and samples a side: ``12 × 500``, ``n 30``, or ``n 30 and 28``.

    Examples
    --------
    >>> sample_text(Estimate("p50", "ms", "ratio", "stable", n_baseline=600, n_candidate=600, rounds=12))
    '12 × 50'
    >>> sample_text(Estimate("p50", "ms", "ratio", "inconclusive", n_baseline=1, n_candidate=1, rounds=1))
    'n 1'
    """
    before, after = estimate.n_baseline, estimate.n_candidate
    if estimate.rounds > 1 and before == after and before % estimate.rounds == 0:
        return f"{estimate.rounds} × {amount_text(before // estimate.rounds)}"
    sides = amount_text(after) if before in (after, 0) else f"{amount_text(before)} and {amount_text(after)}"
    return f"n {sides}" + (f" in {estimate.rounds} rounds" if estimate.rounds > 1 else "")
