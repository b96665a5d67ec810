"""pytest-benchmark's JSON: seconds; the single rounds where they were kept (``--benchmark-save-data``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.loads._parts.requests import Load, Percentiles, milliseconds
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "pytest-benchmark"
KIND: Final = "load"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is of pytest-benchmark."""
    keys = json_keys(head)
    return ("benchmarks" in keys and "context" not in keys) or {"machine_info", "commit_info"} <= set(keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample of ``run_time`` for each kept round of each benchmark, and the ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    columns: dict[str, list[Any]] = {"target": [], "service_ms": [], "ok": []}
    found: list[Percentiles] = []
    stated = 0
    for benchmark in listed(mapped(content.value).get("benchmarks"), "benchmarks"):
        name = text(benchmark.get("fullname")) or text(benchmark.get("name")) or "(?)"
        stats = mapped(benchmark.get("stats"))
        data = stats.get("data")
        if isinstance(data, list) and data:
            times = milliseconds(data, 1000)
            stated += max(len(data), whole(stats.get("rounds")) or 0)
            columns["target"] += [name] * len(times)
            columns["service_ms"] += times
            columns["ok"] += [time is not None for time in times]
        else:
            median, mean = milliseconds([stats.get("median"), stats.get("mean")], 1000)
            found.append(Percentiles(name, whole(stats.get("rounds")), p50_ms=median, mean_ms=mean))
    load = Load(columns, found, list(content.warnings), method="pytest-benchmark", metric="run_time")
    if stated > len(columns["target"]):
        load.unread = f"it counts {amount(stated, 'round', 'rounds')} and lists {len(columns['target']):,}"
    if columns["target"] and found:
        load.warnings.append(
            amount(
                len(found), "benchmark keeps no rounds and is left out", "benchmarks keep no rounds and are left out"
            )
        )
    return load.evidence(path, form=FORMAT, suite=suite)
