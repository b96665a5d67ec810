"""Prometheus's answers to range queries: a reading a step, as its HTTP API returns them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.read.content import ReportError
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text
from stabkit.read.loads._parts.buckets import prometheus_histograms
from stabkit.read.loads._parts.requests import Load
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import source_evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "Grid", "Readings", "bucket_series", "read", "readings", "recognise"]

FORMAT: Final = "prometheus"
KIND: Final = "load"
_BYTES_IN_MB: Final = 1e6
# Names that say what else is measured here -> metric, unit, factor.
_KNOWN: Final = {"process_resident_memory_bytes": ("memory", "MB", 1 / _BYTES_IN_MB)}
# The end of a name -> unit, factor; time and size that were counted up keep their unit.
_UNITS: Final = (
    ("_bytes", "MB", 1 / _BYTES_IN_MB),
    ("_bytes_total", "MB", 1 / _BYTES_IN_MB),
    ("_seconds", "ms", 1000.0),
    ("_seconds_total", "s", 1.0),
    ("_milliseconds", "ms", 1.0),
    ("_total", "count", 1.0),
)
_STATED: Final = {"bytes": ("MB", 1 / _BYTES_IN_MB), "seconds": ("ms", 1000.0), "milliseconds": ("ms", 1.0)}
_GUESS: Final = "might not be a counter"  # of a name alone; whatever else the server remarks may be readings left out
_EDGE: Final = 1  # steps that may lack a reading at either end: no scrape falls together with it


@dataclass(frozen=True)
class Grid:
    """The moments that were asked for: seconds since the epoch."""

    start: float
    end: float
    step: float

    @property
    def count(self) -> int:
        """How many there are."""
        return int((self.end - self.start) / self.step + 1e-6) + 1


@dataclass(frozen=True)
class Readings:
    """What an answer holds.

    Attributes
    ----------
    frame : DataFrame
        As ``samples``.
    remarks : list of str
        What has to be said about it.
    gaps : list of str
        Why it is not all that was asked for.
    """

    frame: pd.DataFrame
    remarks: list[str]
    gaps: list[str]


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
    found = readings(answer, target=suite)
    frame, warnings = found.frame, [*found.gaps, *found.remarks]
    if not len(frame):
        percentiles, more = prometheus_histograms(bucket_series(answer), suite)
        load = Load(percentiles=percentiles, warnings=[*content.warnings, *more], method="buckets of a histogram")
        if not percentiles:
            load.unread = "it holds no reading"
        return load.evidence(path, form=FORMAT, suite=suite)
    return source_evidence(
        {"samples": frame},
        kind=KIND,
        path=path,
        form=FORMAT,
        status="partial" if found.gaps else "ok",
        messages=[*warnings, *content.warnings] if found.gaps else [*content.warnings, *warnings],
    )


def bucket_series(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the series of an answer that are buckets of histograms: cumulative counters, and no readings."""
    result = mapped(answer.get("data")).get("result")
    series = result if isinstance(result, list) else []
    return [entry for entry in series if isinstance(entry, dict) and "le" in mapped(entry.get("metric"))]


def readings(
    answer: Mapping[str, Any], *, target: str | None = None, grid: Grid | None = None, unit: str | None = None
) -> Readings:
    """Return the readings of one answer, and what has to be said about it.

    Parameters
    ----------
    answer : Mapping
        What the API returned.
    target : str, optional
        The configured name; without one each series is called by its job or instance.
    grid : Grid, optional
        What was asked for; without it, whatever any series of the answer has a reading of.
    unit : str, optional
        Of the readings; without one, what the name of the series says. Bytes become MB, seconds ms.

    Notes
    -----
    A reading's round is its step. Steps without a reading, those that are no finite numbers, and whatever the server
    remarks on its answer are gaps, but for one step at either end.

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
    stated = [str(w) for key in ("warnings", "infos") for w in _texts(answer.get(key))]
    remarks = [redact_text(w)[:300] for w in stated if _GUESS in w]
    gaps = [redact_text(w)[:300] for w in stated if _GUESS not in w]
    every = listed(data.get("result"), "data.result")
    buckets = bucket_series(answer)
    if buckets and len(buckets) < len(every):
        remarks.append(
            amount(len(buckets), "bucket of a histogram is no reading", "buckets of histograms are no readings")
        )
    parts = [_series(series, target, unit) for series in every if "le" not in mapped(series.get("metric"))]
    parts = [part for part in parts if len(part)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if len(frame):
        grid = grid or _own_grid(frame["at"])
        frame["round"] = _rounds(frame["at"], grid)
        missing = int((~frame["ok"]).sum())
        gaps += [amount(missing, "reading is no finite number", "readings are no finite numbers")] if missing else []
        gaps += _lacking(frame, grid)
        # Several series of one name stand side by side in a round.
        frame["sequence"] = frame.groupby(["target", "metric"], sort=False).cumcount()
        frame = frame.drop(columns="at")
    return Readings(frame, remarks, gaps)


def _texts(stated: object) -> list[str]:
    return [entry for entry in stated if isinstance(entry, str)] if isinstance(stated, list) else []


def _own_grid(times: pd.Series) -> Grid:
    """Return the moments that an answer itself shows; its step is the smallest distance of two."""
    known = np.unique(times.dropna().to_numpy())
    gaps = np.diff(known)
    steps = gaps[gaps > 1e-3]
    step = float(steps.min()) if steps.size else 1.0
    return Grid(float(known[0]), float(known[-1]), step) if known.size else Grid(0.0, 0.0, 1.0)


def _rounds(times: pd.Series, grid: Grid) -> pd.Series:
    """Return the step of each reading; a server may move the whole grid by a part of one."""
    first = times.min()
    if pd.isna(first):
        return pd.Series(0, index=times.index, dtype="int64")
    offset = max(round((first - grid.start) / grid.step), 0)
    steps = ((times - first) / grid.step).round().clip(0, 1e9)
    return steps.ffill().fillna(0).astype("int64") + offset


def _lacking(frame: pd.DataFrame, grid: Grid) -> list[str]:
    """Return how many steps have no reading at all, of the series that lacks most."""
    found = []
    for _, rows in frame.groupby(["target", "metric", frame["series"].fillna("")], sort=False):
        steps = set(rows["round"])
        inner = [step for step in range(min(grid.count, 1_000_000)) if step not in steps]
        open_ = [step for step in inner if _EDGE <= step < grid.count - _EDGE]
        if open_:
            last = grid.count - 1 - max(steps)
            ended = f", none in the last {last}" if last > _EDGE else ""
            found.append((len(inner), f"{len(inner)} of {grid.count} steps have no reading{ended}"))
    return [max(found)[1]] if found else []


def _series(series: Mapping[str, Any], target: str | None, stated: str | None) -> pd.DataFrame:
    labels = mapped(series.get("metric"))
    name = text(labels.get("__name__")) or "value"
    metric, unit, factor = _KNOWN.get(name, (name, *_unit(name)))
    if stated is not None:
        unit, factor = _STATED.get(stated.lower(), (stated, 1.0))
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
            "series": _labels(labels),
            "at": times.where(times.between(0, 1e11)),
            "due_at": pd.to_datetime(times.where(finite), unit="s", utc=True),
            "value": values.where(finite),
            "unit": unit,
            "ok": finite.astype(bool),
            "error": pd.Series(None, index=values.index, dtype="str").mask(~finite, "not a finite number"),
        }
    )


def _labels(labels: Mapping[str, Any]) -> str | None:
    own = {str(k): redact_text(str(v))[:200] for k, v in labels.items() if k != "__name__"}
    return json.dumps(own, sort_keys=True, ensure_ascii=False) if own else None


def _unit(name: str) -> tuple[str, float]:
    return next(((unit, factor) for suffix, unit, factor in _UNITS if name.endswith(suffix)), ("", 1.0))
