"""oha's JSON: percentiles in seconds, no requests."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import mapped, whole
from stabkit.read.loads._requests import Load, Percentiles, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "oha"
KIND: Final = "load"
_DEADLINE: Final = "aborted due to deadline"


def recognise(head: bytes, name: str) -> bool:  # noqa: ARG001 - the name never decides
    """Say whether a file that begins with these bytes is oha's JSON."""
    return "latencyPercentiles" in json_keys(head) or (b'"successRate"' in head and "summary" in json_keys(head))


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the percentiles that the report states, as claims of the ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, or cut off.
    """
    content = load_json(path)
    report = mapped(content.value)
    summary, latencies = mapped(report.get("summary")), mapped(report.get("latencyPercentiles"))
    answered = {code: whole(count) or 0 for code, count in mapped(report.get("statusCodeDistribution")).items()}
    refused = {text: whole(count) or 0 for text, count in mapped(report.get("errorDistribution")).items()}
    # What was under way when the time was up has not failed.
    unanswered = sum(count for text, count in refused.items() if _DEADLINE not in text)
    bad = unanswered + sum(count for code, count in answered.items() if not code.startswith(("1", "2", "3")))
    p50, p95, p99 = milliseconds((latencies.get(key) for key in ("p50", "p95", "p99")), 1000)
    (mean,) = milliseconds([summary.get("average")], 1000)
    found = [Percentiles("all requests", (sum(answered.values()) + unanswered) or None, bad, p50, p95, p99, mean)]
    load = Load(percentiles=found, warnings=list(content.warnings), method="oha")
    return load.evidence(path, form=FORMAT, suite=suite)
