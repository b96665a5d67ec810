"""HAR 1.2, the archives that browsers and proxies write: each request with its phases, -1 where one did not happen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.loads._parts.requests import Load, endpoint, milliseconds
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "har"
KIND: Final = "load"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a HAR."""
    return "log" in json_keys(head) and (b'"entries"' in head or b'"creator"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the entries and the ``sources`` row.

    A status of 0 is a request without an answer. The time that a request waited for a free connection is no time of the
    service: ``service_ms`` is the total without ``blocked``. HAR counts TLS within connect; here they are apart.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    rows = [_row(entry) for entry in listed(mapped(mapped(content.value).get("log")).get("entries"), "log.entries")]
    frame = pd.DataFrame(rows, columns=list(_row({})))
    moments = pd.to_datetime(frame.pop("at"), utc=True, errors="coerce", format="ISO8601")
    frame = frame.iloc[moments.argsort(kind="stable")].reset_index(drop=True)
    load = Load({name: frame[name] for name in frame}, warnings=list(content.warnings))
    return load.evidence(path, form=FORMAT, suite=suite)


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    request, response, phases = (mapped(entry.get(key)) for key in ("request", "response", "timings"))
    names = ("blocked", "dns", "connect", "ssl", "wait", "receive")
    blocked, dns, connect, tls, wait, receive = milliseconds(phases.get(name) for name in names)
    (total,) = milliseconds([entry.get("time")])
    url = text(request.get("url"))
    if url is not None and not url.lower().startswith(("https:", "wss:")):
        tls = None  # browsers write one for a plain connection as well
    elif tls is not None and connect is not None:
        connect = max(0.0, connect - tls)
    status = whole(response.get("status")) or 0
    ok = 0 < status < 400 and total is not None
    return {
        "at": text(entry.get("startedDateTime")),
        "target": endpoint(text(request.get("method")), url),
        "service_ms": max(0.0, total - (blocked or 0.0)) if total is not None else None,
        "dns_ms": dns,
        "connect_ms": connect,
        "tls_ms": tls,
        "first_byte_ms": wait,
        "transfer_ms": receive,
        "ok": ok,
        "status": status or None,
        "error": None if ok else (_failure(response) or (f"status {status}" if status else "no answer")),
    }


def _failure(response: Mapping[str, Any]) -> str | None:
    """Return why there was no answer, in the words of Chromium's own tools or of Playwright."""
    return text(response.get("_error")) or text(response.get("_failureText"))
