"""Benchmarks of Rust by criterion: the messages of ``cargo criterion``, and the estimates of one benchmark.

Source: bheisler/cargo-criterion, "External Tools". The messages keep each sample: how long so many iterations took.
``target/criterion/NAME/new/estimates.json`` keeps estimates alone, in nanoseconds, and its name by its folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from stabkit.read.content import ReportError, head_lines, read_head, text_lines
from stabkit.read.json_content import json_keys, json_line, load_json
from stabkit.read.json_shapes import entries, mapped, text
from stabkit.readers import Load, Percentiles, milliseconds
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "criterion"
KIND: Final = "load"

_ESTIMATES: Final = {"mean", "median", "median_abs_dev", "std_dev"}
_UNITS: Final = {"ps": 1e-9, "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1000.0}
_REASONS: Final = ("benchmark-complete", "group-complete")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is of criterion; how much it changed is no time, and is not."""
    if set(json_keys(head)) >= _ESTIMATES:
        return b'"point_estimate"' in head
    return any(_reason(line) in _REASONS for line in head_lines(head)[:50])


def _reason(line: str) -> str | None:
    return text((json_line(line) or {}).get("reason"))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample of ``run_time`` for each sample of each benchmark, and the ``sources`` row.

    Of ``estimates.json`` the median and the mean are stated, which prove nothing.

    Raises
    ------
    ReportError
        Not JSON, cut off, of another shape, or the estimates of a saved baseline, which are those of an earlier run.
    """
    if set(json_keys(read_head(path))) >= _ESTIMATES:
        return _estimates(path).evidence(path, form=FORMAT, suite=suite)
    return _messages(path).evidence(path, form=FORMAT, suite=suite)


def _estimates(path: Path) -> Load:
    content = load_json(path)
    folders = path.absolute().parts[:-1]
    if folders and folders[-1] == "base":
        raise ReportError(
            "the estimates of a saved baseline, those of an earlier run; this run's are in the folder new"
        )
    named = folders[:-1] if folders and folders[-1] == "new" else folders
    inside = next((place for place in reversed(range(len(named))) if named[place] == "criterion"), len(named) - 2)
    name = "/".join(named[inside + 1 :]) or "(?)"
    values = [mapped(mapped(content.value).get(key)).get("point_estimate") for key in ("median", "mean")]
    median, mean = milliseconds(values, _UNITS["ns"])
    if median is None:
        raise ReportError("estimates without a median")
    found = [Percentiles(name, None, p50_ms=median, mean_ms=mean)]
    return Load({}, found, list(content.warnings), method="criterion", metric="run_time")


def _messages(path: Path) -> Load:
    columns: dict[str, list[Any]] = {"target": [], "service_ms": [], "ok": []}
    foreign = lacking = 0
    for line in text_lines(path):
        message = json_line(line)
        if message is None:
            foreign += bool(line.strip())
            continue
        if message.get("reason") != "benchmark-complete":
            continue
        scale = _UNITS.get(str(message.get("unit")))
        counts, sums = entries(message.get("iteration_count")), entries(message.get("measured_values"))
        if scale is None or not sums or len(counts) != len(sums):
            lacking += 1
            continue
        name = text(message.get("id")) or "(?)"
        for times, whole in zip(counts, milliseconds(sums, scale), strict=True):
            good = isinstance(times, (int, float)) and not isinstance(times, bool) and times >= 1 and whole is not None
            columns["target"].append(name)
            columns["service_ms"].append(whole / times if good and whole is not None else None)
            columns["ok"].append(good)
    load = Load(columns, [], [], method="criterion", metric="run_time")
    if lacking:
        load.unread = amount(lacking, "benchmark without its samples, or in an unknown unit", "benchmarks without them")
    elif foreign:
        load.unread = amount(foreign, "line that is no message", "lines that are no messages")
    return load
