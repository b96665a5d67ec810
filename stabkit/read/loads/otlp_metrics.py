"""OTLP JSON metrics: the histograms of durations in it, each an interval a percentile; no request stands there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys
from stabkit.read.json_shapes import entries, listed, mapped, text
from stabkit.read.loads._parts.buckets import bucket_percentiles
from stabkit.read.loads._parts.otlp import documents
from stabkit.read.loads._parts.requests import Load, Percentiles
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "otlp-metrics"
KIND: Final = "load"
_DELTA: Final = (1, "AGGREGATION_TEMPORALITY_DELTA")
_Histogram = tuple[list[float], list[float]]
_UNITS: Final = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1000.0}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is OTLP JSON with metrics: one document, or one a line."""
    return "resourceMetrics" in json_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the intervals of the histograms with a unit of time, as claims of the ``sources`` row.

    Of a cumulative histogram exported several times the last export counts, since it holds those before it; those that
    start anew with each export are added.

    Raises
    ------
    ReportError
        Malformed, cut off, or of another shape.
    """
    histograms: dict[str, _Histogram] = {}
    others = 0
    load = Load(method="buckets of a histogram")
    for document in documents(path, load):
        for metric in _metrics(document):
            factor = _UNITS.get(text(metric.get("unit")) or "")
            histogram = mapped(metric.get("histogram"))
            if factor is None or not histogram:
                others += 1
                continue
            for point in listed(histogram.get("dataPoints") or [], "dataPoints"):
                target, (uppers, counts) = _target(metric, point), _buckets(point, factor)
                before = histograms.get(target, ([], []))
                if histogram.get("aggregationTemporality") in _DELTA and before[0] == uppers:
                    counts = [count + more for count, more in zip(before[1], counts, strict=True)]
                histograms[target] = (uppers, counts)
    load.percentiles = [
        bucket_percentiles(target, *buckets) if buckets[0] else Percentiles(target, None)
        for target, buckets in histograms.items()
    ]
    if others:
        load.warnings.append(
            amount(others, "metric is no histogram of times", "metrics are no histograms of times") + " and left out"
        )
    return load.evidence(path, form=FORMAT, suite=suite)


def _metrics(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in listed(document.get("resourceMetrics"), "resourceMetrics"):
        for scope in listed(resource.get("scopeMetrics") or [], "scopeMetrics"):
            yield from listed(scope.get("metrics") or [], "metrics")


def _buckets(point: Mapping[str, Any], factor: float) -> _Histogram:
    """Return the upper bounds in ms and the counts of a histogram; empty where they do not belong together."""
    bounds, counts = ([_real(v) for v in entries(point.get(key))] for key in ("explicitBounds", "bucketCounts"))
    uppers = [*(bound * factor for bound in bounds), math.inf]
    if len(counts) != len(uppers) or any(math.isnan(value) for value in (*uppers, *counts)):
        return [], []
    return uppers, counts


def _target(metric: Mapping[str, Any], point: Mapping[str, Any]) -> str:
    labels = sorted(
        f"{text(entry.get('key')) or '(?)'}={next(iter(mapped(entry.get('value')).values()), '')}"
        for entry in entries(point.get("attributes"))
        if isinstance(entry, dict)
    )
    return " ".join([text(metric.get("name")) or "(?)", *labels])


def _real(value: object) -> float:
    """Return a number; OTLP writes 64-bit integers as text."""
    try:
        return float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else math.nan
    except ValueError:
        return math.nan
