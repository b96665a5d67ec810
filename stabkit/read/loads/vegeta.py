"""vegeta: ``encode``'s JSON lines, a row a request, and the JSON report; both in nanoseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import head_lines, read_head, text_lines
from stabkit.read.json_content import NO_JSON, json_keys, json_line, load_json
from stabkit.read.json_shapes import mapped, text, whole
from stabkit.read.loads._parts.requests import Load, Percentiles, endpoint, milliseconds, seconds
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "vegeta"
KIND: Final = "load"
_NANOSECOND: Final = 1e-6


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is of vegeta."""
    return _is_lines(head) or {"latencies", "status_codes"} <= set(json_keys(head))


def _is_lines(head: bytes) -> bool:
    events = (json_line(line) for line in head_lines(head)[:5])
    return any(event is not None and {"latency", "attack", "seq"} <= set(event) for event in events)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the requests and the ``sources`` row; of a report its percentiles, as claims.

    vegeta measures from the send, so its times are ``service_ms``.

    Raises
    ------
    ReportError
        Malformed, cut off, or of another shape.
    """
    load = _lines(path) if _is_lines(read_head(path)) else _report(path)
    return load.evidence(path, form=FORMAT, suite=suite)


def _lines(path: Path) -> Load:
    rows: list[dict[str, Any]] = []
    foreign = 0
    for line in text_lines(path):
        event = json_line(line)
        if event is None:
            foreign += bool(line.strip())
            continue
        code, error = whole(event.get("code")) or 0, text(event.get("error"))
        ok = 200 <= code < 400 and error is None
        rows.append(
            {
                "target": endpoint(event.get("method"), event.get("url") or event.get("attack")),
                "attack": text(event.get("attack")) or "",
                "order": whole(event.get("seq")) or 0,
                "at": text(event.get("timestamp")),
                "service_ms": milliseconds([event.get("latency")], _NANOSECOND)[0],
                "ok": ok,
                "status": code or None,
                "error": None if ok else (error or f"status {code}"),
            }
        )
    columns = ["target", "attack", "order", "at", "service_ms", "ok", "status", "error"]
    frame = pd.DataFrame(rows, columns=columns).sort_values("order", kind="stable", ignore_index=True)
    unread = amount(foreign, *NO_JSON) if foreign else None
    # vegeta numbers the requests of an attack from 0: a gap is a request that is not listed.
    counted = frame.groupby("attack")["order"].agg(lambda order: order.max() + 1).sum() if len(frame) else 0
    at = seconds(frame["at"])
    frame = frame.drop(columns=["attack", "order", "at"])
    return Load({name: frame[name] for name in frame}, unread=unread, counted=int(counted), at=at)


def _report(path: Path) -> Load:
    content = load_json(path)
    report = mapped(content.value)
    latencies, n, good = mapped(report.get("latencies")), whole(report.get("requests")), report.get("success")
    p50, p95, p99, mean = milliseconds((latencies.get(k) for k in ("50th", "95th", "99th", "mean")), _NANOSECOND)
    failed = round(n * (1 - good)) if n is not None and isinstance(good, (int, float)) and 0 <= good <= 1 else None
    found = [Percentiles("all requests", n, failed, p50, p95, p99, mean)]
    return Load(percentiles=found, warnings=list(content.warnings), method="vegeta, a t-digest")
