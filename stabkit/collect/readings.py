"""Readings that a Prometheus server holds of the time of a collection: asked for, read, and made evidence."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from stabkit.config import PrometheusSource
from stabkit.errors import EvidenceError
from stabkit.probe import RangeAnswer, ask_range
from stabkit.read import ReportError, mapped, odd_values, parse_json
from stabkit.read.loads import FORMAT, Grid, Readings, bucket_series, readings
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code, named, source_evidence

__all__ = ["KIND", "answered", "query_range"]

KIND: Final = "resources"
"""The kind of sources that readings are of."""


def query_range(
    name: str,
    source: PrometheusSource,
    *,
    query: str,
    start: datetime,
    end: datetime,
    root: Path = Path(),
) -> Evidence:
    """Return what the server read between two moments, a reading each ``step_s`` of it.

    Parameters
    ----------
    name : str
        The configured name; it becomes the target of the samples.
    source, query, start, end, root
        As in :func:`stabkit.probe.prometheus.ask_range`.

    Returns
    -------
    Evidence
        ``samples`` and ``sources``. A server that cannot be reached, refuses, or knows no such series leaves a source
        that says so: no reading is missing evidence, never a quiet zero.

    Raises
    ------
    ConfigError
        The URL, a header or the CA file cannot be used as configured.
    """
    repeats: tuple[str, ...] = ()
    try:
        answer = ask_range(name, source, query=query, start=start, end=end, root=root)
        repeats = answer.repeats
        grid = Grid(start.timestamp(), end.timestamp(), source.step_s)
        found = _read(answer, target=name, grid=grid, unit=source.unit)
    except EvidenceError as error:
        fault = Fault(f"Prometheus could not be asked: {error.what}", fault_code(error))
        evidence = source_evidence({}, kind=KIND, path=name, form=FORMAT, status="error", messages=[fault, *repeats])
        return named(evidence, name)
    frame, gaps = found.frame, list(found.gaps)
    if source.metric is not None and len(frame):
        if frame["metric"].nunique() > 1:  # several metrics under one name are several series
            own = [json.loads(text) if isinstance(text, str) else {} for text in frame["series"]]
            names = zip(own, frame["metric"], strict=True)
            frame["series"] = [json.dumps({**labels, "__name__": known}, sort_keys=True) for labels, known in names]
        frame["metric"] = source.metric
        frame["sequence"] = range(len(frame))
    if not len(frame):
        gaps.append("Prometheus knows no reading of that query in the time of the collection")
    evidence = source_evidence(
        {"samples": frame} if len(frame) else {},
        kind=KIND,
        path=name,
        form=FORMAT,
        status="partial" if gaps else "ok",
        messages=[*gaps, *found.remarks, *repeats],
    )
    return named(evidence, name)


def answered(answer: RangeAnswer) -> tuple[dict[str, Any], list[str]]:
    """Return the document that a server answered with, and what has to be said about it.

    Raises
    ------
    ReportError
        It is no JSON.
    """
    odd: list[str] = []
    document: Any = {}
    try:
        document = mapped(parse_json(answer.body, odd))
    except (ValueError, RecursionError):
        document = {}
    if not document:
        raise ReportError(f"it answered with status {answer.status} and no JSON")
    return document, list(odd_values(odd))


def _read(answer: RangeAnswer, *, target: str, grid: Grid, unit: str | None) -> Readings:
    document, odd = answered(answer)
    found = readings(document, target=target, grid=grid, unit=unit)
    found.remarks.extend(odd)
    if not len(found.frame) and bucket_series(document):
        found.gaps.append("the query gives buckets of a histogram, which are no readings; ask for a quantile of them")
    return found
