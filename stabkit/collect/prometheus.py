"""Readings that a Prometheus server holds of the time of a collection, asked for over its HTTP API.

Source: Prometheus, HTTP API, "Range queries" (``/api/v1/query_range``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx

from stabkit.collect.content import ReportError
from stabkit.collect.credentials import checked_url, request_headers
from stabkit.collect.json_content import odd_values, parse_json
from stabkit.collect.json_shapes import mapped
from stabkit.collect.load_reports.prometheus import FORMAT, bucket_series, readings
from stabkit.collect.sources import named, source_evidence
from stabkit.collect.tls import client_context
from stabkit.config import PrometheusSource
from stabkit.redact import redact_text
from stabkit.schema import Evidence

__all__ = ["ANSWER_LIMIT", "query_range"]

ANSWER_LIMIT: Final = 64 * 1024**2
"""Bytes of an answer beyond which it is refused."""

_KIND: Final = "resources"


def query_range(
    name: str,
    source: PrometheusSource,
    *,
    query: str,
    start: datetime,
    end: datetime,
    root: Path = Path(),
) -> Evidence:
    """Return what the server read between two moments, a reading each ``step_s`` of it.

    Parameters
    ----------
    name : str
        The configured name; it becomes the target of the samples.
    source : PrometheusSource
        Where the server is and how it is asked.
    query : str
        The PromQL of this side.
    start, end : datetime
        With a zone.
    root : Path
        Folder of the configuration.

    Returns
    -------
    Evidence
        ``samples`` and ``sources``. A server that cannot be reached, refuses, or knows no such series leaves a source
        that says so: no reading is missing evidence, never a quiet zero.

    Raises
    ------
    ConfigError
        The URL, a header or the CA file cannot be used as configured.
    """
    where = f"prometheus.{name}"
    headers, secrets = request_headers({}, source.headers_env, source.headers_command, where=where, root=root)
    parts = checked_url(source.url, schemes=("http", "https"), where=where)
    ca_file = None if source.ca_file is None else root / source.ca_file.expanduser()
    verify = client_context(verify=source.verify, ca_file=ca_file, where=where) if parts.scheme == "https" else False
    window = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": source.step_s}
    warnings: list[str] = []
    try:
        with httpx.Client(verify=verify, headers=headers, timeout=source.timeout_s, trust_env=False) as client:
            answer = _ask(client, f"{source.url.rstrip('/')}/api/v1/query_range", window, warnings, source.timeout_s)
        frame, more = readings(answer, target=name)
        warnings += more
        if not len(frame) and bucket_series(answer):
            warnings.append("the query gives buckets of a histogram, which are no readings; ask for a quantile of them")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ReportError) as error:
        what = error.what if isinstance(error, ReportError) else f"{type(error).__name__}: {error}"
        fault = f"Prometheus could not be asked: {redact_text(what, secrets)[:300]}"
        evidence = source_evidence({}, kind=_KIND, path=name, form=FORMAT, status="error", messages=[fault])
        return named(evidence, name)
    if source.metric is not None and len(frame):
        frame["metric"] = source.metric
    if not len(frame):
        warnings.append("Prometheus knows no reading of that query in the time of the collection")
    evidence = source_evidence(
        {"samples": frame} if len(frame) else {},
        kind=_KIND,
        path=name,
        form=FORMAT,
        status="ok" if len(frame) else "partial",
        messages=warnings,
    )
    return named(evidence, name)


def _ask(
    client: httpx.Client, url: str, window: dict[str, Any], warnings: list[str], timeout_s: float
) -> dict[str, Any]:
    """Return the answer, also one that states an error; in a POST, since a query may be longer than a URL."""
    ends = monotonic() + timeout_s  # httpx limits each read by itself: a server that drips would never be late
    with client.stream("POST", url, data=window) as response:
        body = bytearray()
        for block in response.iter_bytes():
            body += block
            if len(body) > ANSWER_LIMIT:
                raise ReportError(f"its answer exceeds {ANSWER_LIMIT // 1024**2} MiB: ask for fewer series")
            if monotonic() > ends:
                raise ReportError(f"its answer was not complete after {timeout_s:g} s")
    odd: list[str] = []
    try:
        answer = mapped(parse_json(body.decode("utf-8", "replace"), odd))
    except (ValueError, RecursionError):
        answer = {}
    if not answer:
        raise ReportError(f"it answered with status {response.status_code} and no JSON")
    warnings += odd_values(odd)
    return answer
