"""OTLP JSON metrics: the histograms of durations in it, each an interval a percentile; no request stands there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.collect.amounts import amount
from stabkit.collect.json_content import json_keys
from stabkit.collect.json_shapes import listed, mapped, text
from stabkit.collect.load_reports._buckets import bucket_percentiles
from stabkit.collect.load_reports._otlp import documents
from stabkit.collect.load_reports._requests import Load, Percentiles
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "otlp-metrics"
KIND: Final = "load"
_UNITS: Final = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1000.0}


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is OTLP JSON with metrics: one document, or one a line."""
    return "resourceMetrics" in json_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the intervals of the histograms with a unit of time, as claims of the ``sources`` row.

    Of a cumulative histogram exported several times the last export counts, since it holds those before it.

    Raises
    ------
    ReportError
        Malformed, cut off, or of another shape.
    """
    last: dict[str, Percentiles] = {}
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
                found = _percentiles(metric, point, factor)
                last[found.target] = found
    load.percentiles = list(last.values())
    if others:
        load.warnings.append(
            amount(others, "metric is no histogram of times", "metrics are no histograms of times") + " and left out"
        )
    return load.evidence(path, form=FORMAT, suite=suite)


def _metrics(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in listed(document.get("resourceMetrics"), "resourceMetrics"):
        for scope in listed(resource.get("scopeMetrics") or [], "scopeMetrics"):
            yield from listed(scope.get("metrics") or [], "metrics")


def _percentiles(metric: Mapping[str, Any], point: Mapping[str, Any], factor: float) -> Percentiles:
    bounds, counts = ([_real(v) for v in _list(point.get(key))] for key in ("explicitBounds", "bucketCounts"))
    uppers = [*(bound * factor for bound in bounds), math.inf]
    labels = sorted(
        f"{text(entry.get('key')) or '(?)'}={next(iter(mapped(entry.get('value')).values()), '')}"
        for entry in _list(point.get("attributes"))
        if isinstance(entry, dict)
    )
    target = " ".join([text(metric.get("name")) or "(?)", *labels])
    if len(counts) != len(uppers) or any(math.isnan(value) for value in (*uppers, *counts)):
        return Percentiles(target, None)
    return bucket_percentiles(target, uppers, counts)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _real(value: object) -> float:
    """Return a number; OTLP writes 64-bit integers as text."""
    try:
        return float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else math.nan
    except ValueError:
        return math.nan
