"""ghz's JSON for gRPC: nanoseconds; single requests where ``details`` were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.loads._parts.requests import Load, Percentiles, milliseconds, seconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "ghz"
KIND: Final = "load"
_NANOSECOND: Final = 1e-6


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is ghz's JSON."""
    return "latencyDistribution" in json_keys(head) or ("endReason" in json_keys(head) and b'"rps"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the kept requests, else the percentiles as claims, and the ``sources`` row.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    report = mapped(content.value)
    target = text(mapped(report.get("options")).get("call")) or text(report.get("name")) or "all requests"
    details = listed(report.get("details") or [], "details")
    rows: list[dict[str, Any]] = []
    for entry in details:
        error, status = text(entry.get("error")), text(entry.get("status"))
        (time,) = milliseconds([entry.get("latency")], _NANOSECOND)
        ok = error is None and status in (None, "OK") and time is not None
        rows.append(
            {"target": target, "at": text(entry.get("timestamp")), "service_ms": time, "ok": ok,
             "error": None if ok else (error or status or "no latency")}
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=["target", "at", "service_ms", "ok", "error"])
    sent = seconds(frame.pop("at"))
    order = sent.argsort(kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    shares = {
        whole(entry.get("percentage")): entry.get("latency")
        for entry in listed(report.get("latencyDistribution") or [], "latencyDistribution")
    }
    p50, p95, p99, mean = milliseconds([*(shares.get(k) for k in (50, 95, 99)), report.get("average")], _NANOSECOND)
    n, statuses = whole(report.get("count")), mapped(report.get("statusCodeDistribution"))
    failed = max(0, n - (whole(statuses.get("OK")) or 0)) if n is not None and statuses else None
    found = [Percentiles(target, n, failed, p50, p95, p99, mean)]
    columns = {name: frame[name] for name in frame}
    load = Load(columns, found, list(content.warnings), method="ghz", counted=n)
    load.at, load.users = sent.iloc[order].to_numpy(), whole(mapped(report.get("options")).get("concurrency"))
    return load.evidence(path, form=FORMAT, suite=suite)
