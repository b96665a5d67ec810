"""hyperfine's JSON: commands with the seconds of each run, and how each ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, text
from stabkit.readers import Load, Percentiles, milliseconds
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "hyperfine"
KIND: Final = "load"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is hyperfine's JSON."""
    known = b'"command"' in head and (b'"times"' in head or b'"stddev"' in head)
    return known and "results" in json_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample of ``run_time`` for each run of each command, and the ``sources`` row.

    A run that ended with another exit code than 0 is a failed one without a time.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    columns: dict[str, list[Any]] = {"target": [], "service_ms": [], "ok": [], "error": []}
    found: list[Percentiles] = []
    lacking = 0
    for result in listed(mapped(content.value).get("results"), "results"):
        name = text(result.get("command")) or "(?)"
        times = milliseconds(entries(result.get("times")), 1000)
        codes = entries(result.get("exit_codes"))
        lacking += max(0, len(codes) - len(times))
        if not times:
            median, mean = milliseconds([result.get("median"), result.get("mean")], 1000)
            found.append(Percentiles(name, len(codes) or None, p50_ms=median, mean_ms=mean))
        for number, time in enumerate(times):
            code = codes[number] if number < len(codes) else (None if codes else 0)
            good = code == 0 and code is not False and time is not None
            columns["target"].append(name)
            columns["service_ms"].append(time if good else None)
            columns["ok"].append(good)
            columns["error"].append(None if good else f"exit code {code}" if time is not None else "no time")
    load = Load(columns, found, list(content.warnings), method="hyperfine", metric="run_time")
    if lacking:
        load.unread = amount(lacking, "run is counted and not listed", "runs are counted and not listed")
    elif columns["target"] and found:
        load.unread = amount(len(found), "command keeps no runs", "commands keep no runs")
    return load.evidence(path, form=FORMAT, suite=suite)
