"""OTLP JSON traces: a sample for each server span, nanoseconds since the epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.json_content import json_keys
from stabkit.read.json_shapes import entries, listed, mapped, text
from stabkit.read.loads._parts.otlp import documents
from stabkit.read.loads._parts.requests import REGION_TAGS, Load
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "otlp"
KIND: Final = "load"
_SERVER: Final = (2, "SPAN_KIND_SERVER")
_ERROR: Final = (2, "STATUS_CODE_ERROR")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is OTLP JSON with spans: one document, or one a line."""
    return "resourceSpans" in json_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return a sample for each server span, in order of its start, and the ``sources`` row.

    Inner spans are parts of others and no requests; one that begins a trace and is no server's is a transaction, which
    may fail though each request in it went well. A span's time is the service's own: ``service_ms``.

    Raises
    ------
    ReportError
        Malformed, cut off, or of another shape.
    """
    rows, others = [], 0
    roots: dict[str, dict[str, Any]] = {}
    parents: set[str] = set()
    load = Load()
    for document in documents(path, load):
        load.regions |= set(_regions(document))
        for span in _spans(document):
            parents.add(str(span.get("parentSpanId") or ""))
            if span.get("kind") in _SERVER:
                rows.append(_row(span) | {"metric": "response_time"})
            elif span.get("parentSpanId"):
                others += 1
            else:
                roots[str(span.get("spanId"))] = _row(span) | {"metric": "transaction_time"}
    transactions = [row for name, row in roots.items() if name in parents]
    others += len(roots) - len(transactions)
    columns = ["target", "metric", "start", "service_ms", "ok", "status", "error"]
    frame = pd.DataFrame([*rows, *transactions], columns=columns)
    frame = frame.sort_values("start", kind="stable", ignore_index=True)
    load.at = frame.pop("start").astype("float64") / 1e9
    load.columns = {name: frame[name] for name in frame}
    if others:
        load.warnings.append(
            amount(others, "inner span is part of another and left out", "inner spans are parts of others and left out")
        )
    return load.evidence(path, form=FORMAT, suite=suite)


def _regions(document: Mapping[str, Any]) -> Iterator[str]:
    for resource in listed(document.get("resourceSpans"), "resourceSpans"):
        for entry in entries(mapped(resource.get("resource")).get("attributes")):
            if mapped(entry).get("key") in REGION_TAGS:
                region = text(mapped(mapped(entry).get("value")).get("stringValue"))
                yield from [region] if region is not None else []


def _spans(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in listed(document.get("resourceSpans"), "resourceSpans"):
        for scope in listed(resource.get("scopeSpans") or [], "scopeSpans"):
            yield from listed(scope.get("spans") or [], "spans")


def _row(span: Mapping[str, Any]) -> dict[str, Any]:
    start, end = (_nanoseconds(span.get(key)) for key in ("startTimeUnixNano", "endTimeUnixNano"))
    status = mapped(span.get("status"))
    bad = status.get("code") in _ERROR
    code = _status(span)
    bad = bad or (code is not None and code >= 500)
    timed = start is not None and end is not None and end >= start
    return {
        "target": text(span.get("name")) or "(?)",
        "start": start if start is not None else 0,
        "service_ms": (end - start) / 1e6 if timed and start is not None and end is not None else None,
        "ok": timed and not bad,
        "status": code,
        "error": (text(status.get("message")) or (f"status {code}" if code else "error"))
        if bad
        else (None if timed else "no end"),
    }


def _status(span: Mapping[str, Any]) -> int | None:
    """Return the HTTP status among the attributes, by its present name or its former one."""
    attributes = span.get("attributes")
    for entry in attributes if isinstance(attributes, list) else []:
        if isinstance(entry, dict) and entry.get("key") in ("http.response.status_code", "http.status_code"):
            value = mapped(entry.get("value")).get("intValue")
            return (
                int(value)
                if isinstance(value, (str, int)) and str(value).isdecimal() and len(str(value)) == 3
                else None
            )
    return None


def _nanoseconds(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
