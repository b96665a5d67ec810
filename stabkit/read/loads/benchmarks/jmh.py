"""JMH's JSON (``-rf json``): benchmarks with the score of each iteration of each fork."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import load_json
from stabkit.read.json_shapes import array_keys, entries, listed, mapped, text, whole
from stabkit.readers import Load, Percentiles, milliseconds
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "jmh"
KIND: Final = "load"

# Source: JMH, the names of java.util.concurrent.TimeUnit as its reports write them.
_UNITS: Final = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6, "min": 6e4, "hr": 3.6e6, "day": 8.64e7}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is JMH's JSON."""
    keys = array_keys(head)
    return "benchmark" in keys and bool({"primaryMetric", "jmhVersion", "mode"} & keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample of ``run_time`` for each iteration, a round for each fork, and the ``sources`` row.

    Operations in a time become the time of one operation. Where only a histogram is kept (``sample``), the file states
    percentiles and no iterations.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    columns: dict[str, list[Any]] = {"target": [], "service_ms": [], "ok": [], "round": []}
    found: list[Percentiles] = []
    lacking = 0
    for benchmark in listed(content.value, "the report"):
        metric, name = mapped(benchmark.get("primaryMetric")), _name(benchmark)
        forks = [entries(fork) for fork in entries(metric.get("rawData"))]
        scale, inverse = _scale(text(metric.get("scoreUnit")) or "")
        if not any(forks):
            found.append(_stated(name, metric, scale if not inverse else None))
            continue
        stated = max(1, whole(benchmark.get("forks")) or 1) * (whole(benchmark.get("measurementIterations")) or 1)
        lacking += max(0, stated - sum(map(len, forks)))
        for number, fork in enumerate(forks):
            times = _times(fork, scale, inverse=inverse)
            columns["target"] += [name] * len(times)
            columns["service_ms"] += times
            columns["ok"] += [time is not None for time in times]
            columns["round"] += [number] * len(times)
    load = Load(columns, found, list(content.warnings), method="JMH", metric="run_time")
    if lacking:
        load.unread = amount(lacking, "iteration is counted and not listed", "iterations are counted and not listed")
    elif columns["target"] and found:
        load.unread = amount(len(found), "benchmark keeps no iterations", "benchmarks keep no iterations")
    return load.evidence(path, form=FORMAT, suite=suite)


def _name(benchmark: Mapping[str, Any]) -> str:
    """Return what a benchmark is called, with its parameters and, where it measures otherwise, its mode."""
    name = text(benchmark.get("benchmark")) or "(?)"
    told = [f"{key}={value}" for key, value in sorted(mapped(benchmark.get("params")).items())]
    threads = whole(benchmark.get("threads"))
    told += [f"threads={threads}"] if threads is not None and threads > 1 else []
    mode = text(benchmark.get("mode"))
    told += [mode] if mode not in (None, "avgt", "thrpt") else []
    return f"{name}({', '.join(told)})" if told else name


def _scale(unit: str) -> tuple[float | None, bool]:
    """Return one unit in ms, and whether the score counts operations in it; None for a unit that is no time."""
    first, _, second = unit.partition("/")
    if first == "ops":
        return _UNITS.get(second), True
    return (_UNITS.get(first), False) if second == "op" else (None, False)


def _times(scores: list[Any], scale: float | None, *, inverse: bool) -> list[float | None]:
    if scale is None:
        return [None] * len(scores)
    if not inverse:
        return milliseconds(scores, scale)
    each = milliseconds(scores)
    return [scale / score if score else None for score in each]


def _stated(name: str, metric: Mapping[str, Any], scale: float | None) -> Percentiles:
    known = mapped(metric.get("scorePercentiles"))
    values = [known.get("50.0"), known.get("95.0"), known.get("99.0"), metric.get("score")]
    p50, p95, p99, mean = milliseconds(values, scale) if scale is not None else (None,) * 4
    return Percentiles(name, None, None, p50, p95, p99, mean)
