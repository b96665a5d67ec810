"""An estimate as a clause of a sentence: both values, change with interval, margin, and how many samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stabkit.analyze import ConditionResult, Estimate
from stabkit.numbers import (
    SHARES,
    SPACE,
    UNKNOWN,
    aligned,
    amount_text,
    likely_text,
    measure,
    pair,
    percent,
    points,
    significant,
)
from stabkit.report.words.wording import metric_words
from stabkit.text import capital, count

__all__ = [
    "change_text",
    "excess_in_margins",
    "failures_text",
    "headroom_text",
    "margin_text",
    "sample_text",
    "shares_text",
    "size_in_margins",
    "usual_texts",
    "value_text",
    "values_text",
]


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
    return f"{number if number and after.endswith(unit) else before} → {after}"


def change_text(estimate: Estimate) -> str:
    """Return the change with its unit and interval, all with the same decimals, or what stands in for it.

    Examples
    --------
    >>> ratio = Estimate("p99", "ms", "ratio", "regressed", change=1.55, low=1.44, high=1.66)
    >>> change_text(ratio).replace(SPACE, " ")
    '+55 % (likely +44 to +66)'
    >>> import dataclasses, math
    >>> rate = Estimate("failed", "share", "difference", "stable", change=0.001, low=-0.002, high=0.0045)
    >>> change_text(rate).replace(SPACE, " ")
    '+0.10 points (likely −0.20 to +0.45)'
    >>> change_text(dataclasses.replace(rate, low=-math.inf, high=math.inf)).replace(SPACE, " ")
    '+0.1 points (likely range not known)'
    """
    values = [_scaled(estimate, v) for v in (estimate.change, estimate.low, estimate.high)]
    known = [abs(v) for v in values if v is not None]
    if not known:
        return UNKNOWN
    texts = aligned(values, 2 if estimate.scale == "ratio" and max(known) < 100 else 3, most=3)
    unit = "%" if estimate.scale == "ratio" else "points" if estimate.unit in SHARES else estimate.unit
    gap = SPACE if values[0] is not None else " "
    head = f"{texts[0]}{gap}{unit}" if unit else texts[0]
    if estimate.low is None and estimate.high is None:
        return head
    ends = zip((estimate.low, estimate.high), texts[1:], strict=True)
    low, high = (text if value is not None and math.isfinite(value) else None for value, text in ends)
    return f"{head} ({likely_text(low, high)})"


def usual_texts(condition: ConditionResult) -> tuple[str, ...]:
    """Return what readings do by themselves at the hours of a deploy, a sentence each; none where that is not known.

    Examples
    --------
    >>> usual = {"metric": "queue_time_p99", "days": 7, "scale": "ratio", "unit": "ms", "before": 41.2}
    >>> facts = {"without_deploy": [{**usual, "usual": 0.043, "spread": 0.007}]}
    >>> said = usual_texts(ConditionResult("queue p99", "resource", "stable", facts=facts))[0]
    >>> said.replace(SPACE, " ").partition("; ")[2]
    'at the same hours of 7 days without one it changed by +4.39 %, and these days differ by 0.7 %. Judged is the rest.'
    """
    return tuple(map(_usual_text, condition.facts.get("without_deploy", ())))


def _usual_text(known: Mapping[str, Any]) -> str:
    name = capital(metric_words(known["metric"]))
    if known["scale"] == "ratio":
        usual, spread = percent(math.expm1(known["usual"]), sign=True), percent(math.expm1(known["spread"]))
    else:
        usual, spread = (measure(known[key], known["unit"]) for key in ("usual", "spread"))
    return (
        f"{name} was {value_text(known['before'], known['unit'])} before the deploy; at the same hours of "
        f"{count(known['days'], 'day')} without one it changed by {usual}, and these days differ by {spread}. "
        "Judged is the rest."
    )


def _scaled(estimate: Estimate, value: float | None) -> float | None:
    """Return a change as it is shown: of a ratio per cent, of a share percentage points."""
    if value is None:
        return None
    if estimate.scale == "ratio":
        return (value - 1) * 100
    return value * 100 if estimate.unit in SHARES else value


def failures_text(estimate: Estimate) -> str:
    """Return how many failed of how many on each side; empty if either is unknown.

    Examples
    --------
    >>> rate = Estimate("error rate", "share", "difference", "stable", baseline=0.0, candidate=0.25)
    >>> import dataclasses
    >>> failures_text(dataclasses.replace(rate, n_baseline=8, n_candidate=8))
    '0 of 8 → 2 of 8'
    """
    sides = ((estimate.baseline, estimate.n_baseline), (estimate.candidate, estimate.n_candidate))
    if any(share is None or not n for share, n in sides):
        return ""
    return " → ".join(f"{amount_text(round((share or 0.0) * n))} of {amount_text(n)}" for share, n in sides)


def margin_text(estimate: Estimate) -> str:
    """Return the margin as the limit of a worsening: ``20 %``; empty without one.

    Examples
    --------
    >>> margin_text(Estimate("p99", "ms", "ratio", "stable", margin=0.2)).replace(SPACE, " ")
    '20 %'
    """
    if estimate.margin is None:
        return ""
    if estimate.scale == "ratio":
        return percent(estimate.margin)
    share = estimate.unit in SHARES
    number = significant(estimate.margin * (100 if share else 1))
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{number}{SPACE}{('point' if number == '1' else 'points') if share else estimate.unit}"


def headroom_text(estimate: Estimate, *, limit: bool = False) -> str:
    """Return how far the interval's upper bound is from the margin; empty where it is not inside it.

    Parameters
    ----------
    limit : bool
        The margin is an upper limit in the estimate's own unit, as of an objective.

    Examples
    --------
    >>> kept = Estimate("p99", "ms", "ratio", "stable", high=1.037, margin=0.2)
    >>> headroom_text(kept).replace(SPACE, " ")
    '16.3 points'
    """
    if estimate.margin is None or estimate.worst is None:
        return ""
    left = estimate.margin - estimate.worst
    if limit or estimate.scale != "ratio":
        unit = estimate.unit
        return "" if left <= 0 else _points(left) if unit == "share" else measure(left, unit)
    return _points(left) if left > 0 else ""


def _points(left: float) -> str:
    return points(left).lstrip("+").replace("pp", "points")


def size_in_margins(estimate: Estimate) -> float:
    """Return how large a change is, in multiples of its margin; 0 if it is unknown.

    Examples
    --------
    >>> round(size_in_margins(Estimate("p50", "ms", "ratio", "regressed", change=1.1025, margin=0.05)), 6)
    2.0
    """
    if estimate.change is None:
        return 0.0
    if estimate.scale == "ratio":
        return abs(math.log(estimate.change)) / math.log1p(estimate.margin or 0.05) if estimate.change > 0 else 0.0
    return abs(estimate.change) / (estimate.margin or 1.0)


def excess_in_margins(estimate: Estimate) -> float:
    """Return a worsening in multiples of what is allowed, as people count it; 0 if it is unknown or no worsening.

    Examples
    --------
    >>> round(excess_in_margins(Estimate("p50", "ms", "ratio", "regressed", change=1.3, margin=0.05)), 6)
    6.0
    """
    if estimate.change is None or not estimate.margin:
        return 0.0
    away = estimate.change - (estimate.scale == "ratio")
    return max(0.0, (-away if estimate.worse == "lower" else away) / estimate.margin)


def sample_text(estimate: Estimate) -> str:
    """Return samples a side and rounds: ``n 6 000 in 12 rounds``, or ``n 30 and 28`` where the sides differ.

    Examples
    --------
    >>> sample_text(Estimate("p50", "ms", "ratio", "stable", n_baseline=600, n_candidate=600, rounds=12))
    'n 600 in 12 rounds'
    >>> sample_text(Estimate("p50", "ms", "ratio", "inconclusive", n_baseline=1, n_candidate=1, rounds=1))
    'n 1'
    """
    before, after = estimate.n_baseline, estimate.n_candidate
    sides = amount_text(after) if before in (after, 0) else f"{amount_text(before)} and {amount_text(after)}"
    return f"n {sides}" + (f" in {estimate.rounds} rounds" if estimate.rounds > 1 else "")


def shares_text(facts: Mapping[str, Any]) -> str:
    r"""Return which share of all lines ran, before and now.

    Examples
    --------
    >>> shares_text({"baseline_covered": 18, "baseline_total": 20, "covered": 16, "total": 20})
    '90.0\u202f% of all lines before, 80.0\u202f% now'
    """
    before, now = (100 * facts[f"{side}covered"] / facts[f"{side}total"] for side in ("baseline_", ""))
    return f"{before:.1f}{SPACE}% of all lines before, {now:.1f}{SPACE}% now"
