"""Prometheus's answers to range queries: a reading a step, as its HTTP API returns them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.read.content import ReportError
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text
from stabkit.read.loads._buckets import prometheus_histograms
from stabkit.read.loads._requests import Load
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import source_evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "bucket_series", "read", "readings", "recognise"]

FORMAT: Final = "prometheus"
KIND: Final = "load"
_BYTES_IN_MB: Final = 1e6
# Names that say what else is measured here -> metric, unit, factor.
_KNOWN: Final = {"process_resident_memory_bytes": ("memory", "MB", 1 / _BYTES_IN_MB)}
_UNITS: Final = (("_bytes", "MB", 1 / _BYTES_IN_MB), ("_seconds", "ms", 1000.0), ("_total", "count", 1.0))


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is an answer of the query API."""
    keys = json_keys(head)
    answer = {"status", "data"} <= set(keys) and b'"resultType"' in head
    return answer or ("status" in keys and b'"errorType"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the readings of the answer as ``samples``, each step a round, and the ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, cut off, an error of Prometheus, or no range of readings.
    """
    content = load_json(path)
    answer = mapped(content.value)
    frame, warnings = readings(answer, target=suite)
    if not len(frame):
        found, more = prometheus_histograms(bucket_series(answer), suite)
        load = Load(percentiles=found, warnings=[*content.warnings, *more], method="buckets of a histogram")
        if not found:
            load.unread = "it holds no reading"
        return load.evidence(path, form=FORMAT, suite=suite)
    return source_evidence(
        {"samples": frame},
        kind=KIND,
        path=path,
        form=FORMAT,
        status="ok",
        messages=[*content.warnings, *warnings],
    )


def bucket_series(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the series of an answer that are buckets of histograms: cumulative counters, and no readings."""
    result = mapped(answer.get("data")).get("result")
    series = result if isinstance(result, list) else []
    return [entry for entry in series if isinstance(entry, dict) and "le" in mapped(entry.get("metric"))]


def readings(answer: Mapping[str, Any], *, target: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Return the readings of one answer, and what has to be said about it.

    Parameters
    ----------
    answer : Mapping
        What the API returned.
    target : str, optional
        The configured name; without one each series is called by its job or instance.

    Raises
    ------
    ReportError
        The answer is an error, or holds no range vector.
    """
    if answer.get("status") != "success":
        what = redact_text(str(answer.get("error") or "no reason is given"))[:300]
        raise ReportError(f"Prometheus answered with an error: {what}")
    data = mapped(answer.get("data"))
    if data.get("resultType") != "matrix":
        raise ReportError(f"not a range of readings: its result type is {str(data.get('resultType'))[:40]!r}")
    stated = answer.get("warnings")
    stated = stated if isinstance(stated, list) else []
    warnings = [redact_text(str(w))[:300] for w in stated if isinstance(w, str)]
    every = listed(data.get("result"), "data.result")
    buckets = bucket_series(answer)
    if buckets and len(buckets) < len(every):
        warnings.append(
            amount(len(buckets), "bucket of a histogram is no reading", "buckets of histograms are no readings")
        )
    parts = [_series(series, target) for series in every if "le" not in mapped(series.get("metric"))]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if len(frame):
        missing = int((~frame["ok"]).sum())
        warnings += (
            [amount(missing, "reading is no finite number", "readings are no finite numbers")] if missing else []
        )
        # Several series of one name stand side by side in a round.
        frame["sequence"] = frame.groupby(["target", "metric"], sort=False).cumcount()
    return frame, warnings


def _series(series: Mapping[str, Any], target: str | None) -> pd.DataFrame:
    labels = mapped(series.get("metric"))
    name = text(labels.get("__name__")) or "value"
    metric, unit, factor = _KNOWN.get(name, (name, *_unit(name)))
    own = target or text(labels.get("job")) or text(labels.get("instance")) or "prometheus"
    points = series.get("values")
    pairs = [p for p in points if isinstance(p, list) and len(p) == 2] if isinstance(points, list) else []
    if not isinstance(points, list) or len(pairs) < len(points):
        raise ReportError("a series holds readings that are no pairs of time and value")
    times = pd.to_numeric(pd.Series([p[0] for p in pairs], dtype="object"), errors="coerce")
    values = pd.to_numeric(pd.Series([p[1] for p in pairs], dtype="object"), errors="coerce").astype("float64") * factor
    finite = np.isfinite(values) & times.between(0, 1e11)
    return pd.DataFrame(
        {
            "target": redact_text(own),
            "metric": metric,
            "round": np.arange(len(pairs)),
            "due_at": pd.to_datetime(times.where(finite), unit="s", utc=True),
            "value": values.where(finite),
            "unit": unit,
            "ok": finite.astype(bool),
            "error": pd.Series(None, index=values.index, dtype="str").mask(~finite, "not a finite number"),
        }
    )


def _unit(name: str) -> tuple[str, float]:
    return next(((unit, factor) for suffix, unit, factor in _UNITS if name.endswith(suffix)), ("", 1.0))
