"""Requests as a load tool wrote them down, and the ``samples`` rows that they become."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from stabkit.read.amounts import amount
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import Status, source_evidence

__all__ = ["Load", "Percentiles", "endpoint", "milliseconds"]

_TIMES: Final = ("service_ms", "response_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms")


@dataclass(frozen=True)
class Percentiles:
    """What a tool that keeps no request says of one endpoint: counts, and the percentiles that it has, ms."""

    target: str
    n: int | None
    failed: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    mean_ms: float | None = None
    bounds_ms: Mapping[str, tuple[float | None, float | None]] | None = None
    """Where a percentile lies, by its name, if only the buckets of a histogram are known; None: no bound."""


@dataclass
class Load:
    """What one file holds: raw requests, or percentiles alone, never both in one.

    Attributes
    ----------
    columns : dict
        Column of ``samples`` -> one value a request; ``target`` and ``ok`` at least. Times in ms.
    resolution_ms : float or None
        The step of the tool's clock, where its format rounds; a difference below it is none.
    method : str
        How the tool computes its percentiles, for those it states itself.
    total : Percentiles or None
        The tool's own line over all endpoints, where it writes one: no further endpoint.
    counted : int or None
        How many requests the file says there were, where it lists them too: what is not listed is unknown.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    percentiles: list[Percentiles] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unread: str | None = None
    resolution_ms: float | None = None
    method: str | None = None
    metric: str = "response_time"
    status: Status = "ok"
    total: Percentiles | None = None
    counted: int | None = None

    def evidence(self, path: Path, *, form: str, suite: str | None) -> Evidence:
        """Return the rows of ``samples`` and the ``sources`` row; percentiles alone are claims, never rows."""
        warnings = list(self.warnings)
        frame = self._frame(suite, warnings)
        claimed: dict[str, Any] = {}
        if self.resolution_ms is not None:
            claimed["resolution_ms"] = self.resolution_ms
        if self.percentiles and not len(frame):
            claimed |= {"method": self.method or "the tool's own", "endpoints": [_stated(p) for p in self.percentiles]}
            claimed |= {"total": _stated(self.total)} if self.total is not None else {}
            warnings.insert(0, "it keeps no requests: what it states of them is shown, and proves nothing")
        elif len(frame) and self.counted is not None and self.counted > len(frame) and self.unread is None:
            self.unread = f"it counts {amount(self.counted, 'request', 'requests')} and lists {len(frame):,}"
        elif not len(frame) and self.unread is None:
            self.unread = "it holds no request"
        if self.unread is not None:
            warnings.insert(0, self.unread)
        return source_evidence(
            {"samples": frame} if len(frame) else {},
            kind="load",
            path=path,
            form=form,
            status="partial" if self.unread else self.status,
            messages=warnings,
            claimed=claimed,
        )

    def _frame(self, suite: str | None, warnings: list[str]) -> pd.DataFrame:
        rows = len(self.columns.get("target", ()))
        if not rows:
            return pd.DataFrame()
        frame = pd.DataFrame(self.columns)
        frame["target"] = [redact_text(str(t)) for t in frame["target"]] if suite is None else suite
        frame["ok"] = frame["ok"].astype(bool)
        odd = 0
        for name in _TIMES:
            if name in frame:
                times = pd.to_numeric(frame[name], errors="coerce").astype("float64")
                bad = ~np.isfinite(times) | (times < 0)
                odd += int((bad & frame[name].notna() & frame["ok"]).sum())
                frame[name] = times.mask(bad | ~frame["ok"])
        if odd:
            warnings.append(
                amount(odd, "time is no duration and became null", "times are no durations and became null")
            )
        if "error" in frame:
            frame["error"] = [redact_text(str(e))[:300] if isinstance(e, str) and e else None for e in frame["error"]]
        elif not frame["ok"].all():
            frame["error"] = frame["ok"].map({True: None, False: "failed"})
        if "metric" not in frame:
            frame["metric"] = self.metric
        if "round" not in frame:
            frame["round"] = 0
        if "due_at" in frame:  # the order of time is the order of the series, whatever the file's is
            frame = frame.sort_values("due_at", kind="stable", ignore_index=True)
        frame["sequence"] = frame.groupby(["target", "metric"], sort=False).cumcount()
        return frame


def _stated(percentiles: Percentiles) -> Mapping[str, Any]:
    """Return what is stated; where no request was answered, a tool's percentile of nothing (0 ms) is none."""
    found = {key: value for key, value in vars(percentiles).items() if value is not None}
    if percentiles.n is not None and percentiles.failed is not None and percentiles.failed >= percentiles.n:
        found = {key: found[key] for key in ("target", "n", "failed")}
    return found


def endpoint(method: object, url: object) -> str:
    """Return the name of an endpoint: method and path, without host, query and credentials.

    Examples
    --------
    >>> endpoint("GET", "https://ann:pw@shop.example/cart/7?token=x"), endpoint(None, "chat")
    ('GET /cart/7', 'chat')
    """
    text = str(url or "")
    try:
        path = urlsplit(text).path if "://" in text else text.partition("?")[0]
    except ValueError:
        path = text.partition("?")[0]
    return " ".join(part for part in (str(method or "").upper(), path or "/") if part)


def milliseconds(values: Iterable[object], scale: float = 1.0) -> list[float | None]:
    """Return durations in ms, None where there is none; ``scale`` is the unit in ms.

    Examples
    --------
    >>> milliseconds([0.25, "1", None, "x", -1, True], scale=1000)
    [250.0, 1000.0, None, None, None, None]
    """
    found: list[float | None] = []
    for value in values:
        number = None
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                number = round(float(value) * scale, 9)  # 0.0478 s are 47.8 ms, not 47.800000000000004
            except (ValueError, OverflowError):
                number = None
        found.append(number if number is not None and math.isfinite(number) and number >= 0 else None)
    return found
