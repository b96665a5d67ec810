"""Google Benchmark's JSON: the time of one iteration, a row for each repetition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.readers import Load, milliseconds
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "google-benchmark"
KIND: Final = "load"

# Source: Google Benchmark, docs/user_guide.md, "Output Formats" and "Setting the Time Unit"; ns where none is stated.
_UNITS: Final = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is of Google Benchmark."""
    keys = json_keys(head)
    return {"context", "benchmarks"} <= set(keys) or ("context" in keys and b'"num_cpus"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample of ``run_time`` for each repetition of each benchmark, and the ``sources`` row.

    Aggregates (mean, median, stddev, big O) repeat what the repetitions say and are left out. A benchmark that was
    skipped with an error is a failed sample.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    columns: dict[str, list[Any]] = {"target": [], "service_ms": [], "ok": [], "error": []}
    aggregates = 0
    stated: dict[str, int] = {}
    for benchmark in listed(mapped(content.value).get("benchmarks"), "benchmarks"):
        if benchmark.get("run_type") == "aggregate":
            aggregates += 1
            continue
        scale = _UNITS.get(str(benchmark.get("time_unit") or "ns"))
        (time,) = milliseconds([benchmark.get("real_time")], scale or 1.0)
        failed = benchmark.get("error_occurred") is True
        known = time if scale is not None and not failed else None
        columns["target"].append(text(benchmark.get("run_name")) or text(benchmark.get("name")) or "(?)")
        stated[columns["target"][-1]] = whole(benchmark.get("repetitions")) or 1
        columns["service_ms"].append(known)
        columns["ok"].append(known is not None)
        said = text(benchmark.get("error_message")) if failed else "no real_time in a known unit"
        columns["error"].append(None if known is not None else said or "skipped with an error")
    load = Load(columns, [], list(content.warnings), metric="run_time")
    listed_of = Counter(columns["target"])
    lacking = sum(max(0, number - listed_of[name]) for name, number in stated.items())
    if lacking:
        load.unread = amount(lacking, "repetition is counted and not listed", "repetitions are counted and not listed")
    if aggregates:
        words = "repeats its repetitions and is left out", "repeat their repetitions and are left out"
        load.warnings.append(amount(aggregates, f"aggregate {words[0]}", f"aggregates {words[1]}"))
    return load.evidence(path, form=FORMAT, suite=suite)
