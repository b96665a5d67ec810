"""Requests as a load tool wrote them down, and the ``samples`` rows that they become."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from stabkit.endpoints import group_names
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import Status, source_evidence
from stabkit.text import amount
from stabkit.vocabulary import REQUEST_METRICS

__all__ = ["REGION_TAGS", "SKETCH", "Load", "Percentiles", "ToolCheck", "endpoint", "milliseconds", "seconds"]

_LEAST_LOAD: Final = 20  # requests; fewer say nothing of how heavy a load is
_YEAR_2000_S: Final = 946_684_800.0  # what is less counts from the start of the test
_REGIONS: Final = 100
_SHOWN: Final = 3
_SKETCHED: Final = 128
REGION_TAGS: Final = (
    "region",
    "load_zone",
    "zone",
    "location",
    "datacenter",
    "cloud.region",
    "cloud.availability_zone",
)
"""What tags and columns are called that say from where was asked."""
SKETCH: Final = "sketch"
"""The claim by which two files are known to list the same requests; it is left out of what is stored."""
_LONGEST_MS: Final = 1e10  # four months; no request lasted longer, and sums of larger numbers lose the small ones
_UNTIMED: Final = "its time cannot be read"
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


@dataclass(frozen=True)
class ToolCheck:
    """What a load tool itself expected, and how often that held: its own verdict, counted."""

    target: str
    check: str
    passed: int
    failed: int
    expected: str | None = None
    observed: str | None = None
    detail: str | None = None

    @property
    def outcome(self) -> str:
        """``fail`` if it failed once; one that was never made is ``not_checked``."""
        return "fail" if self.failed else "pass" if self.passed else "not_checked"


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
    checks : list of ToolCheck
        The tool's own verdicts: checks, assertions, thresholds.
    dropped : int
        Iterations that were due and not started, since the tool could not keep up: the load was not delivered in full.
    at : sequence of float or None
        When each request was sent, in seconds since any moment; it tells how heavy the load was.
    seconds : float or None
        How long the load lasted, where the tool states it.
    users : int or None
        How many asked at once.
    regions : set of str
        From where it was asked, where the requests carry such a tag (:data:`REGION_TAGS`).
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
    checks: list[ToolCheck] = field(default_factory=list)
    dropped: int = 0
    at: Any = None
    seconds: float | None = None
    users: int | None = None
    regions: set[str] = field(default_factory=set)

    def evidence(self, path: Path, *, form: str, suite: str | None) -> Evidence:
        """Return the rows of ``samples`` and the ``sources`` row; percentiles alone are claims, never rows."""
        warnings = list(self.warnings)
        frame = self._frame(suite, warnings)
        self._group_percentiles(warnings)
        claimed: dict[str, Any] = {}
        if self.resolution_ms is not None:
            claimed["resolution_ms"] = self.resolution_ms
        if self.percentiles and not len(frame):
            claimed |= {"method": self.method or "the tool's own", "endpoints": [_stated(p) for p in self.percentiles]}
            claimed |= {"total": _stated(self.total)} if self.total is not None else {}
            warnings.insert(0, "it keeps no requests: what it counts is exact, what it states of times proves nothing")
        claimed |= self._claims(frame)
        self._doubt(frame)
        if self.unread is not None:
            warnings.insert(0, self.unread)
        tables = {"samples": frame} if len(frame) else {}
        return source_evidence(
            tables | ({"checks": self._checks(suite)} if self.checks else {}),
            kind="load",
            path=path,
            form=form,
            status="partial" if self.unread else self.status,
            messages=warnings,
            claimed=claimed,
            rows=len(frame),
        )

    def _doubt(self, frame: pd.DataFrame) -> None:
        """Say what leaves the file partial, unless that is known: it counts more than it lists, or has no request."""
        if self.unread is not None:
            return
        listed = len(frame)
        if listed and self.counted is not None and self.counted > listed:
            self.unread = f"it counts {amount(self.counted, 'request', 'requests')} and lists {listed:,}"
        elif not listed and not self.percentiles and not self.checks:
            self.unread = "it holds no request"
        elif self.dropped:
            self.unread = amount(self.dropped, "iteration was", "iterations were") + (
                " dropped: the tool could not start them when they were due, so the load was not delivered in full"
            )
        elif self.total is not None and None not in (self.total.n, *(p.n for p in self.percentiles)):
            stated, endpoints = self.total.n or 0, sum(p.n or 0 for p in self.percentiles)
            if stated > endpoints and not listed:
                self.unread = f"it counts {amount(stated, 'request', 'requests')} and its endpoints {endpoints:,}"

    def _claims(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return what is told of the file beside its requests: how heavy the load was, and the tool's own verdicts."""
        claimed: dict[str, Any] = {}
        at = None if self.at is None else pd.Series(self.at, dtype="float64").reset_index(drop=True)
        requests = len(frame) - int((frame["metric"] == "transaction_time").sum()) if len(frame) else 0
        lasted = self.seconds if at is None or at.isna().all() else float(at.max() - at.min())
        if lasted is not None and 1 <= lasted < math.inf and requests >= _LEAST_LOAD:
            claimed["load"] = {"requests": requests, "seconds": round(lasted, 3)}
            claimed["load"] |= {"users": self.users} if self.users else {}
            regions = sorted(redact_text(region)[:80] for region in self.regions)[:_REGIONS]
            claimed["load"] |= {"regions": regions} if regions else {}
        if at is not None and at.min() >= _YEAR_2000_S:
            claimed["timestamp"] = pd.Timestamp(float(at.min()), unit="s", tz="UTC").floor("us").isoformat()
        if at is not None and len(at) == len(frame) and at.notna().all():
            claimed[SKETCH] = _sketch(at, self.columns)
        if self.checks:
            passed, failed = (sum(getattr(check, name) for check in self.checks) for name in ("passed", "failed"))
            claimed["checks"] = {"passed": passed, "failed": failed}
        return claimed | ({"dropped": self.dropped} if self.dropped else {})

    @staticmethod
    def _fail_untimed(frame: pd.DataFrame, warnings: list[str]) -> None:
        """Let a request without a readable time fail: whoever left out the slow ones would look fast."""
        own = [name for name in ("response_ms", "service_ms") if name in frame]
        untimed = frame["ok"] & frame[own].isna().all(axis=1) if own else pd.Series(dtype="bool")
        if not untimed.any():
            return
        said = frame["error"] if "error" in frame else pd.Series(None, index=frame.index, dtype="object")
        frame["error"] = said.mask(~frame["ok"] & said.isna(), "failed").mask(untimed, _UNTIMED)
        frame["ok"] = frame["ok"] & ~untimed
        warnings.append(
            amount(
                int(untimed.sum()),
                "request has no readable time and counts as failed",
                "requests have no readable time and count as failed",
            )
        )

    def _asks(self, frame: pd.DataFrame) -> bool:
        metrics = set(frame["metric"]) if "metric" in frame else {self.metric}
        return metrics <= set(REQUEST_METRICS)

    def _checks(self, suite: str | None) -> pd.DataFrame:
        rows = [vars(check) | {"outcome": check.outcome, "target": suite or check.target} for check in self.checks]
        frame = pd.DataFrame(rows)
        for name in ("target", "check", "expected", "observed", "detail"):
            frame[name] = [redact_text(text)[:300] if isinstance(text, str) else None for text in frame[name]]
        return frame

    def _group_percentiles(self, warnings: list[str]) -> None:
        """Make one endpoint of those that differ by ids alone: counts can be added, percentiles cannot."""
        if len(self.columns.get("target", ())) or self.metric not in REQUEST_METRICS:
            return
        patterns = group_names(p.target for p in self.percentiles)
        if not patterns:
            return
        grouped: dict[str, list[Percentiles]] = {}
        for each in self.percentiles:
            grouped.setdefault(patterns.get(each.target, each.target), []).append(each)
        failing = [p.target for p in self.percentiles if p.target in patterns for _ in range(min(p.failed or 0, 1))]
        warnings.append(_grouped_text(patterns, failing))
        self.percentiles = [
            alike[0] if target == alike[0].target else Percentiles(target, _total(alike, "n"), _total(alike, "failed"))
            for target, alike in grouped.items()
        ]

    def _frame(self, suite: str | None, warnings: list[str]) -> pd.DataFrame:
        rows = len(self.columns.get("target", ()))
        if not rows:
            return pd.DataFrame()
        frame = pd.DataFrame(self.columns)
        frame["target"] = [redact_text(str(t)) for t in frame["target"]] if suite is None else suite
        frame["ok"] = frame["ok"].astype(bool)
        # The number of a benchmark or of a job is what it measures.
        patterns = group_names(frame["target"]) if suite is None and self._asks(frame) else {}
        if patterns:
            failing = frame.loc[~frame["ok"] & frame["target"].isin(patterns), "target"]
            warnings.append(_grouped_text(patterns, failing.tolist()))
            frame["target"] = frame["target"].map(lambda name: patterns.get(name, name))
        odd = 0
        for name in _TIMES:
            if name in frame:
                times = pd.to_numeric(frame[name], errors="coerce").astype("float64")
                bad = ~(times.between(0, _LONGEST_MS))
                odd += int((bad & frame[name].notna() & frame["ok"]).sum())
                frame[name] = times.mask(bad | ~frame["ok"])
        if odd:
            warnings.append(
                amount(odd, "time is no duration and became null", "times are no durations and became null")
            )
        self._fail_untimed(frame, warnings)
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


def _grouped_text(patterns: Mapping[str, str], failing: Sequence[str]) -> str:
    """Return what to know of endpoints that became one: how many, the pattern, and which of them failed most."""
    several = Counter(patterns.values()).most_common()
    shown = ", ".join(redact_text(pattern) for pattern, _ in several[:_SHOWN]) + (
        f" and {len(several) - _SHOWN:,} more" if len(several) > _SHOWN else ""
    )
    text = f"{len(patterns):,} endpoints that differ by an id alone are taken as {shown}"
    worst = Counter(failing).most_common(_SHOWN)
    text += f", among them failing {', '.join(f'{redact_text(name)} ({n:,})' for name, n in worst)}" if worst else ""
    return f"{text}; patterns of your own go under [load] endpoints in stabkit.toml"


def _total(alike: Sequence[Percentiles], name: str) -> int | None:
    known = [getattr(each, name) for each in alike]
    return None if None in known else sum(known)


def _sketch(at: pd.Series, columns: Mapping[str, Any]) -> list[int]:
    """Return the smallest hashes of the requests: two files that list the same ones have the same.

    A request is known by the second it was sent in, its time and how it ended, as each format writes them.
    """
    times = pd.to_numeric(pd.Series(columns["service_ms"]), errors="coerce").astype("float64")
    times = times.where(times < _LONGEST_MS).round(3)
    ok = pd.Series(columns["ok"]).astype(bool).reset_index(drop=True)
    known = pd.DataFrame({"at": np.floor(at), "ms": times.reset_index(drop=True).where(ok), "ok": ok})
    known["again"] = known.groupby(list(known), dropna=False).cumcount()
    hashes = np.sort(pd.util.hash_pandas_object(known.astype("float64").fillna(-1.0), index=False).to_numpy())
    return [int(value) for value in hashes[:_SKETCHED]]


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


def seconds(moments: Iterable[object]) -> pd.Series:
    """Return times of ISO 8601 as seconds since 1970, null where there is none.

    Examples
    --------
    >>> seconds(["1970-01-01T00:00:02.5Z", None]).tolist()
    [2.5, nan]
    """
    texts = [value if isinstance(value, str) else None for value in moments]
    found = pd.to_datetime(pd.Series(texts, dtype="str"), utc=True, errors="coerce", format="ISO8601")
    # In whole seconds, or pandas would need the others in nanoseconds, which reach from 1677 to 2262 alone.
    return (found - pd.Timestamp(0, tz="UTC").as_unit("s")).dt.total_seconds().astype("float64")
