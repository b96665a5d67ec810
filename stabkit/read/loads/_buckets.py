"""Percentiles of a histogram with buckets: an interval each, for where in a bucket a value lies is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from stabkit.read.json_shapes import mapped, text
from stabkit.read.loads._requests import Percentiles

__all__ = ["SHARES", "bucket_bounds", "bucket_percentiles", "prometheus_histograms"]

SHARES: Final[Mapping[str, float]] = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
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
