"""hey's CSV, a row a request, and its text, which holds percentiles alone; both in seconds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import read_head, short_text
from stabkit.read.loads._parts.requests import Load, Percentiles, milliseconds
from stabkit.read.table_content import broken_rows, first_fields, read_table
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "hey"
KIND: Final = "load"
_SHARE: Final = re.compile(r"^\s+(50|95|99)%+ in ([\d.]+) secs", re.MULTILINE)
_ANSWERED: Final = re.compile(r"^\s+\[(\d{3})\]\s+(\d+) responses", re.MULTILINE)
_REFUSED: Final = re.compile(r"^\s+\[(\d+)\]\s", re.MULTILINE)
_MEAN: Final = re.compile(r"^\s+Average:\s+([\d.]+) secs", re.MULTILINE)


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is hey's CSV or text."""
    return {"response-time", "status-code"} <= set(first_fields(head)) or _is_text(head)


def _is_text(head: bytes) -> bool:
    return b"Latency distribution:" in head and b"DNS+dialup:" in head


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the requests, or what the text states of them, and the ``sources`` row.

    hey names no endpoint, and its CSV leaves requests without an answer out.

    Raises
    ------
    ReportError
        Not a table.
    """
    if _is_text(read_head(path)):
        return _text(path).evidence(path, form=FORMAT, suite=suite)
    table = read_table(path)
    cut = broken_rows(table)
    code = pd.to_numeric(table["status-code"], errors="coerce")
    ok = code.between(200, 399)
    sent = None
    if "offset" in table:  # seconds since the start
        sent = pd.to_numeric(table["offset"], errors="coerce")
        order = sent.argsort(kind="stable")
        sent = sent.iloc[order].to_numpy()
        table, code, ok = (part.iloc[order].reset_index(drop=True) for part in (table, code, ok))

    def times(name: str) -> pd.Series:
        values = table[name] if name in table else pd.Series(None, index=table.index, dtype="str")
        return pd.Series(milliseconds(values, 1000), index=table.index, dtype="float64")

    columns: dict[str, Any] = {
        "target": ["all requests"] * len(table),
        "service_ms": times("response-time"),
        "first_byte_ms": times("Response-delay"),
        "transfer_ms": times("Response-read"),
        "ok": ok,
        "status": code.where(code.between(100, 999)),
        "error": ("status " + table["status-code"].fillna("unknown")).where(~ok),
    }
    load = Load(columns, resolution_ms=0.1, unread=cut, at=sent)
    load.warnings.append("hey writes no row for a request without an answer: errors may be missing")
    return load.evidence(path, form=FORMAT, suite=suite)


def _text(path: Path) -> Load:
    """Return what the text states; where a percentile is missing, hey had too few requests for it."""
    said = short_text(path)
    shares = {share: milliseconds([value], 1000)[0] for share, value in _SHARE.findall(said)}
    p50, p95, p99 = (shares.get(share) for share in ("50", "95", "99"))
    answered = [(int(code), int(count[:15])) for code, count in _ANSWERED.findall(said)]
    refused = sum(int(count[:15]) for count in _REFUSED.findall(said.partition("Error distribution:")[2]))
    mean = _MEAN.search(said)
    found = Percentiles(
        "all requests",
        sum(count for _, count in answered) + refused,
        sum(count for code, count in answered if not 200 <= code < 400) + refused,
        p50,
        p95,
        p99,
        milliseconds([mean.group(1)], 1000)[0] if mean else None,
    )
    return Load(percentiles=[found], resolution_ms=0.1, method="hey")
