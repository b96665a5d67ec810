"""Percentiles of a histogram with buckets: an interval each, for where in a bucket a value lies is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, Final

from stabkit.read.json_shapes import mapped, text
from stabkit.read.loads._parts.requests import Percentiles

__all__ = [
    "SHARES", "BucketQuantiles", "bucket_bounds", "bucket_percentiles", "bucket_quantiles", "prometheus_histograms",
]  # fmt: skip

SHARES: Final[Mapping[str, float]] = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
_FEWEST_BUCKETS: Final = 2
_RISING: Final = 8  # moments that only a counter passes without ever falling
_MOST_IN_ONE: Final = 0.8  # share of the requests around a quantile
_TAIL: Final = 0.9
# Bounds that are no further apart hide little beside a margin of 10 %, and of 20 % in the tail.
_FINE: Final = (1.125, 1.25)
_UNITS: Final = (("_seconds_bucket", 1000.0), ("_milliseconds_bucket", 1.0), ("_ms_bucket", 1.0))


def bucket_bounds(uppers: Sequence[float], counts: Sequence[float], share: float) -> tuple[float | None, float | None]:
    """Return the bounds of the bucket that holds a quantile by nearest rank; None where it has no bound.

    Parameters
    ----------
    uppers : sequence of float
        Upper bounds of the buckets, ascending; infinite for the last.
    counts : sequence of float
        How many values lie in each, not accumulated.

    Examples
    --------
    >>> bucket_bounds([10, 25, 50, float("inf")], [90, 4, 6, 0], 0.95)
    (25, 50)
    >>> bucket_bounds([10, float("inf")], [1, 99], 0.95), bucket_bounds([10], [0], 0.95)
    ((10, None), (None, None))
    """
    rank, below, low = share * sum(counts), 0.0, None
    for upper, count in zip(uppers, counts, strict=True):
        below += count
        if count > 0 and below >= rank - 1e-9:
            return low, upper if math.isfinite(upper) else None
        low = upper
    return None, None


def bucket_percentiles(target: str, uppers: Sequence[float], counts: Sequence[float]) -> Percentiles:
    """Return what a histogram in ms tells of one endpoint."""
    bounds = {name: bucket_bounds(uppers, counts, share) for name, share in SHARES.items()}
    known = {name: pair for name, pair in bounds.items() if pair != (None, None)}
    return Percentiles(target, round(sum(counts)), bounds_ms=known or None)


def prometheus_histograms(
    series: Sequence[Mapping[str, Any]], target: str | None
) -> tuple[list[Percentiles], list[str]]:
    """Return what series with the label ``le`` tell, and what has to be said about them.

    Their values are counters, each bucket counting those below it as well: what was added between the first reading and
    the last is counted, restarts included. Without a name that states the unit nothing is known of the times.
    """
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    warnings: dict[str, None] = {}
    for entry in series:
        labels = {str(key): str(value) for key, value in mapped(entry.get("metric")).items()}
        factor = next((f for end, f in _UNITS if labels.get("__name__", "").endswith(end)), None)
        upper = _number(labels.pop("le", None))
        if factor is None or upper is None:
            warnings["a histogram without a name that states its unit is left out"] = None
            continue
        groups.setdefault(tuple(sorted(labels.items())), []).append((upper * factor, _increase(entry.get("values"))))
    found = []
    for key, buckets in groups.items():
        buckets.sort()
        counts = [
            max(0.0, count - before) for (_, count), (_, before) in zip(buckets, [(0.0, 0.0), *buckets], strict=False)
        ]
        found.append(bucket_percentiles(_called(dict(key), target), [upper for upper, _ in buckets], counts))
    return found, list(warnings)


@dataclass(frozen=True)
class BucketQuantiles:
    """Quantiles of a histogram at each moment.

    Attributes
    ----------
    moments : tuple of float
        Seconds since the epoch.
    values : mapping
        Share -> its quantile at each moment, in the unit of the bounds; None where it is not known.
    why : mapping
        Share -> why one is not known, at each moment; None where it is.
    gaps : tuple of str
        What keeps the whole from showing that nothing changed.
    """

    moments: tuple[float, ...] = ()
    values: Mapping[float, tuple[float | None, ...]] = field(default_factory=dict)
    why: Mapping[float, tuple[str | None, ...]] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()


def bucket_quantiles(series: Sequence[Mapping[str, Any]], shares: Sequence[float]) -> BucketQuantiles:
    """Return the quantiles that the buckets of one histogram tell, as Prometheus's ``histogram_quantile`` does.

    Parameters
    ----------
    series : sequence of mapping
        The series of an answer that have the label ``le``: rates, or counters that are called ``..._bucket``.
    shares : sequence of float
        Which quantiles.

    Notes
    -----
    Linear between the bounds of the bucket that holds the rank, the first of which begins at 0. Where it is the last,
    without an upper bound, Prometheus returns its lower one; that would hide how much slower it became, so there is
    none here. A bucket that holds nearly all requests around a quantile says nothing of what moves within it: a gap.
    """
    labels = [{k: v for k, v in mapped(entry.get("metric")).items() if k != "le"} for entry in series]
    if any(own != labels[0] for own in labels):
        return BucketQuantiles(gaps=("the query gives several histograms; sum by (le) makes one of them",))
    tables = [(_number(mapped(entry.get("metric")).get("le")), _at_moments(entry.get("values"))) for entry in series]
    buckets = sorted(((upper, table) for upper, table in tables if upper is not None), key=lambda pair: pair[0])
    if len(buckets) < _FEWEST_BUCKETS or not math.isinf(buckets[-1][0]):
        return BucketQuantiles(gaps=('the histogram has no bucket without an upper bound, le="+Inf"',))
    counters = str(labels[0].get("__name__", "")).endswith("_bucket")
    moments = sorted(set[float]().union(*(table for _, table in buckets)))
    if not counters and len(moments) >= _RISING and all(_rises(table) for _, table in buckets):
        return BucketQuantiles(gaps=("the buckets are counters, which only grow; let the query make rates of them",))
    if counters:
        buckets = [(upper, _increases(table)) for upper, table in buckets]
        moments = moments[1:]
    uppers = [upper for upper, _ in buckets]
    below = [_monotone([table.get(at) for _, table in buckets]) for at in moments]
    found = {share: [_interpolated(uppers, counts, share) for counts in below] for share in shares}
    known = [counts for counts in below if counts is not None]
    sums = [sum(column) for column in zip(*known, strict=True)]
    return BucketQuantiles(
        tuple(moments),
        {share: tuple(value for value, _ in pairs) for share, pairs in found.items()},
        {share: tuple(why for _, why in pairs) for share, pairs in found.items()},
        tuple(text for share in shares if (text := _too_coarse(uppers, sums, share)) is not None),
    )


def _at_moments(values: object) -> dict[float, float]:
    pairs = [pair for pair in values if isinstance(pair, list) and len(pair) == 2] if isinstance(values, list) else []
    known = ((_number(at), _number(value)) for at, value in pairs)
    return {at: value for at, value in known if at is not None and value is not None and math.isfinite(value)}


def _rises(table: Mapping[float, float]) -> bool:
    values = [table[at] for at in sorted(table)]
    return all(after >= before for before, after in pairwise(values)) and len(set(values)) != 1


def _increases(table: Mapping[float, float]) -> dict[float, float]:
    """Return by how much a counter grew since the moment before; one that falls was restarted and began at 0."""
    pairs = pairwise(sorted(table))
    return {now: table[now] - table[at] if table[now] >= table[at] else table[now] for at, now in pairs}


def _monotone(counts: Sequence[float | None]) -> list[float] | None:
    """Return cumulative counts without the small steps down that sums of rates have; None if one lacks."""
    known = [count for count in counts if count is not None]
    return list(accumulate(known, max)) if len(known) == len(counts) else None


def _place(below: Sequence[float], share: float) -> int:
    """Return which bucket holds a quantile."""
    return next(number for number, count in enumerate(below) if count >= share * below[-1])


def _interpolated(
    uppers: Sequence[float], below: Sequence[float] | None, share: float
) -> tuple[float | None, str | None]:
    """Return a quantile, or why there is none.

    Examples
    --------
    >>> _interpolated([1.0, 2.0, math.inf], [50, 100, 100], 0.75), _interpolated([0.1, math.inf], [50, 100], 0.75)
    ((1.5, None), (None, 'it lies above the highest bound, 0.1'))
    """
    if below is None:
        return None, "a bucket has no reading"
    if below[-1] <= 0:
        return None, "no request"
    place = _place(below, share)
    if math.isinf(uppers[place]):
        return None, f"it lies above the highest bound, {uppers[-2]:g}"
    start, before = (uppers[place - 1], below[place - 1]) if place else (0.0, 0.0)
    if place == 0 and uppers[0] <= 0:
        return uppers[0], None
    inside = below[place] - before
    return start + (uppers[place] - start) * ((share * below[-1] - before) / inside if inside > 0 else 1.0), None


def _too_coarse(uppers: Sequence[float], below: Sequence[float], share: float) -> str | None:
    """Return why a change of a quantile could go unseen: one bucket holds nearly all requests around it."""
    if not below or below[-1] <= 0:
        return None
    place = _place(below, share)
    if math.isinf(uppers[place]):
        return None  # each reading says so itself
    start, before = (uppers[place - 1], below[place - 1]) if place else (0.0, 0.0)
    if start > 0 and uppers[place] <= _FINE[share >= _TAIL] * start * (1 + 1e-9):
        return None
    reach = min(share, 1 - share)
    covered = min(share + reach, below[place] / below[-1]) - max(share - reach, before / below[-1])
    if covered <= _MOST_IN_ONE * 2 * reach:
        return None
    return (
        f"one bucket, {start:g} to {uppers[place]:g}, holds nearly all requests around p{100 * share:g}: "
        "what moves within it is not seen; finer buckets show it"
    )


def _called(labels: Mapping[str, str], target: str | None) -> str:
    own = target or text(labels.get("job")) or text(labels.get("instance")) or "prometheus"
    other = [f"{key}={value}" for key, value in labels.items() if key not in ("__name__", "job", "instance")]
    return " ".join([own, *other])


def _increase(values: object) -> float:
    """Return by how much a counter grew; one that falls was restarted and began at 0."""
    readings = [
        number
        for pair in (values if isinstance(values, list) else [])
        if isinstance(pair, list) and len(pair) == 2 and (number := _number(pair[1])) is not None
    ]
    return sum(after - before if after >= before else after for before, after in pairwise(readings))


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, (str, int, float)) else math.nan
    except ValueError:
        return None
    return None if math.isnan(number) else number
