"""autocannon's JSON (``--json``): percentiles in whole milliseconds, no requests, and no 95th percentile."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import mapped, whole
from stabkit.read.loads._requests import Load, Percentiles, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "autocannon"
KIND: Final = "load"


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is autocannon's JSON."""
    return {"pipelining", "non2xx", "latency", "requests"} <= set(json_keys(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the percentiles that the report states, as claims of the ``sources`` row.

    autocannon has p90 and p97.5: its p95 stays null. Redirects are no failures here, as with other tools.

    Raises
    ------
    ReportError
        Not JSON, or cut off.
    """
    content = load_json(path)
    report = mapped(content.value)
    latency = mapped(report.get("latency"))
    answered, refused = whole(mapped(report.get("requests")).get("total")), whole(report.get("errors"))
    bad = [whole(report.get(key)) for key in ("4xx", "5xx")]
    rejected = sum(count or 0 for count in bad) if any(count is not None for count in bad) else report.get("non2xx")
    n = None if answered is None else answered + (refused or 0)
    failed = None if (known := whole(rejected)) is None else known + (refused or 0)
    p50, p99, mean = milliseconds(latency.get(key) for key in ("p50", "p99", "average"))
    found = [Percentiles("all requests", n, failed, p50, None, p99, mean)]
    load = Load(percentiles=found, warnings=list(content.warnings), resolution_ms=1.0, method="autocannon, a histogram")
    return load.evidence(path, form=FORMAT, suite=suite)
