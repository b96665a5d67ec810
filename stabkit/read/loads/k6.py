"""k6: its CSV and JSON lines, a row a measurement, and the summary that holds percentiles alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import ReportError, head_lines, read_head, text_lines
from stabkit.read.json_content import NO_JSON, json_keys, json_line, load_json
from stabkit.read.json_shapes import mapped, whole
from stabkit.read.loads._parts.k6_verdicts import (
    TARGET,
    VERDICT_METRICS,
    Verdicts,
    group_checks,
    metric_values,
    stated_thresholds,
)
from stabkit.read.loads._parts.requests import (
    REGION_TAGS,
    Load,
    Percentiles,
    ToolCheck,
    endpoint,
    milliseconds,
    seconds,
)
from stabkit.read.table_content import broken_rows, first_fields, read_table
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "k6"
KIND: Final = "load"
_DURATION: Final = "http_req_duration"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is one of k6's three outputs."""
    return _is_table(head) or _is_lines(head) or _is_summary(head)


def _is_table(head: bytes) -> bool:
    return {"metric_name", "timestamp", "metric_value"} <= set(first_fields(head))


def _is_lines(head: bytes) -> bool:
    events = (json_line(line) for line in head_lines(head)[:20])
    return any(e is not None and e.get("type") in ("Metric", "Point") and "metric" in e for e in events)


def _is_summary(head: bytes) -> bool:
    return "metrics" in json_keys(head) and (b'"http_req' in head or b'"iterations"' in head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the requests and the ``sources`` row.

    A request that got no answer stands as 0 ms in k6's files: it is a failed one without a time. k6 measures from the
    send, so its times are ``service_ms``. Its checks and thresholds are checks; iterations that it dropped leave the
    source partial, for then the load was not delivered in full.

    Raises
    ------
    ReportError
        Malformed, cut off, or of another shape.
    """
    head = read_head(path)
    if _is_table(head):
        load = _table(path)
    elif _is_lines(head):
        load = _lines(path)
    else:
        load = _summary(path)
    load.warnings.append("k6's times leave connecting out")
    return load.evidence(path, form=FORMAT, suite=suite)


def _table(path: Path) -> Load:
    table = read_table(path)
    rows = table[table["metric_name"] == _DURATION].reset_index(drop=True)
    load = _load([_request(cells) for cells in rows.to_dict("records")], rows["timestamp"], rows["metric_value"])
    load.unread = broken_rows(table)
    load.regions = set().union(*(rows[name].dropna().unique() for name in REGION_TAGS if name in rows))
    verdicts = Verdicts()
    others = table[table["metric_name"].isin(VERDICT_METRICS)]
    for cells in others.to_dict("records"):
        tags = {key: value for key, value in cells.items() if isinstance(value, str)}
        verdicts.take(tags["metric_name"], tags.get("metric_value"), tags)
    return verdicts.told_by(load)


def _lines(path: Path) -> Load:
    points: list[Mapping[str, Any]] = []
    verdicts = Verdicts()
    foreign = 0
    for line in text_lines(path):
        event = json_line(line)
        if event is None:
            foreign += bool(line.strip())
            continue
        metric, data = str(event.get("metric")), mapped(event.get("data"))
        if event.get("type") == "Metric":
            verdicts.define(metric, data)
        elif event.get("type") == "Point":
            verdicts.take(metric, data.get("value"), mapped(data.get("tags")))
            if metric == _DURATION:
                points.append(data)
    tags = [mapped(point.get("tags")) for point in points]
    load = _load([_request(own) for own in tags], *([point.get(key) for point in points] for key in ("time", "value")))
    load.regions = {str(own[name]) for own in tags for name in REGION_TAGS if own.get(name)}
    if foreign:
        load.unread = amount(foreign, *NO_JSON)
    return verdicts.told_by(load)


def _request(tags: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what the tags of one request say of it; a request without an answer has status 0 or an error."""
    known = {key: str(value) for key, value in tags.items() if isinstance(value, (str, int)) and str(value)}
    code, error = known.get("status", ""), known.get("error")
    # What the script expects decides; where that tag is left out, the status does.
    expected = known.get("expected_response", str(code[:1] in ("1", "2", "3"))).lower() == "true"
    failed = error is not None or code in ("0", "") or not expected
    return {
        "target": endpoint(known.get("method"), known.get("name") or known.get("url")),
        "ok": not failed,
        "status": int(code) if code.isdecimal() and 0 < int(code[:6]) < 1000 else None,
        "error": error or (f"status {code or 'unknown'}" if failed else None),
    }


def _load(requests: list[dict[str, Any]], at: Iterable[Any], times: Iterable[object]) -> Load:
    frame = pd.DataFrame(requests, columns=["target", "ok", "status", "error"])
    frame["service_ms"] = pd.Series(milliseconds(times), index=frame.index, dtype="float64")
    # When a request was sent, not when it was due: it orders them, and says nothing of lateness.
    stamps = pd.Series([str(stamp) for stamp in at], index=frame.index, dtype="str")
    sent = pd.to_numeric(stamps, errors="coerce")
    if sent.isna().all():
        sent = seconds(stamps)
    order = sent.argsort(kind="stable")
    ordered = frame.iloc[order].reset_index(drop=True)
    return Load({name: ordered[name] for name in ordered}, at=sent.iloc[order].to_numpy())


def _summary(path: Path) -> Load:
    content = load_json(path)
    metrics = mapped(mapped(content.value).get("metrics"))
    if not metrics:
        raise ReportError("not a summary of k6: it has no metrics")
    duration, count = metric_values(metrics.get(_DURATION)), metric_values(metrics.get("http_reqs"))
    share = metric_values(metrics.get("http_req_failed"))
    n = whole(count.get("count"))
    rate = share.get("rate", share.get("value"))
    failed = round(n * rate) if n is not None and isinstance(rate, (int, float)) and 0 <= rate <= 1 else None
    p50, p95, p99, mean = milliseconds(duration.get(key) for key in ("med", "p(95)", "p(99)", "avg"))
    found = [Percentiles("all requests", n, failed, p50, p95, p99, mean)] if duration else []
    load = Load(percentiles=found, warnings=list(content.warnings), method="k6, linear interpolation")
    if failed:
        load.warnings.append("its percentiles count a request without an answer as 0 ms")
    load.checks = [*group_checks(mapped(content.value)), *stated_thresholds(metrics)]
    total = metric_values(metrics.get("checks"))
    passed, fails = whole(total.get("passes")) or 0, whole(total.get("fails")) or 0
    if not any(check.expected is None for check in load.checks) and passed + fails:
        load.checks.insert(0, ToolCheck(TARGET, "checks", passed, fails))
    load.dropped = whole(metric_values(metrics.get("dropped_iterations")).get("count")) or 0
    return load
