"""Readings that a Prometheus server holds of the time of a collection: asked for, read, and made evidence."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.config import PrometheusSource
from stabkit.errors import EvidenceError
from stabkit.probe import RangeAnswer, ask_range
from stabkit.read import ReportError, mapped, odd_values, parse_json
from stabkit.read.loads import FORMAT, bucket_series, readings
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code, named, source_evidence

__all__ = ["query_range"]

_KIND: Final = "resources"


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
    try:
        answer = ask_range(name, source, query=query, start=start, end=end, root=root)
        frame, warnings = _read(answer, target=name)
    except EvidenceError as error:
        fault = Fault(f"Prometheus could not be asked: {error.what}", fault_code(error))
        evidence = source_evidence({}, kind=_KIND, path=name, form=FORMAT, status="error", messages=[fault])
        return named(evidence, name)
    if source.metric is not None and len(frame):
        frame["metric"] = source.metric
    if not len(frame):
        warnings.append("Prometheus knows no reading of that query in the time of the collection")
    evidence = source_evidence(
        {"samples": frame} if len(frame) else {},
        kind=_KIND,
        path=name,
        form=FORMAT,
        status="ok" if len(frame) else "partial",
        messages=warnings,
    )
    return named(evidence, name)


def _read(answer: RangeAnswer, *, target: str) -> tuple[pd.DataFrame, list[str]]:
    odd: list[str] = []
    document: Any = {}
    try:
        document = mapped(parse_json(answer.body, odd))
    except (ValueError, RecursionError):
        document = {}
    if not document:
        raise ReportError(f"it answered with status {answer.status} and no JSON")
    frame, messages = readings(document, target=target)
    warnings = [*odd_values(odd), *messages]
    if not len(frame) and bucket_series(document):
        warnings.append("the query gives buckets of a histogram, which are no readings; ask for a quantile of them")
    return frame, warnings
