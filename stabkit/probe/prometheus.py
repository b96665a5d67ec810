"""Range queries to a Prometheus server over its HTTP API: the answer as it came, and nothing made of it.

Source: Prometheus, HTTP API, "Range queries" (``/api/v1/query_range``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx

from stabkit.config import PrometheusSource
from stabkit.errors import EvidenceError
from stabkit.paths import expanded
from stabkit.probe.credentials import checked_url, request_headers
from stabkit.probe.tls import client_context
from stabkit.redact import redact_text

__all__ = ["ANSWER_LIMIT", "RangeAnswer", "ask_range"]

ANSWER_LIMIT: Final = 64 * 1024**2
"""Bytes of an answer beyond which it is refused."""


@dataclass(frozen=True)
class RangeAnswer:
    """What a server answered; also an error that it states."""

    status: int
    body: str


def ask_range(
    name: str, source: PrometheusSource, *, query: str, start: datetime, end: datetime, root: Path = Path()
) -> RangeAnswer:
    """Return what the server says of the time between two moments, a reading each ``step_s`` of it.

    Parameters
    ----------
    name : str
        The configured name, for errors.
    source : PrometheusSource
        Where the server is and how it is asked.
    query : str
        The PromQL of this side.
    start, end : datetime
        With a zone.
    root : Path
        Folder of the configuration.

    Raises
    ------
    ConfigError
        The URL, a header or the CA file cannot be used as configured.
    EvidenceError
        The server cannot be reached, or gives more than can be taken in its time.
    """
    where = f"prometheus.{name}"
    headers, secrets = request_headers({}, source.headers_env, source.headers_command, where=where, root=root)
    parts = checked_url(source.url, schemes=("http", "https"), where=where)
    ca_file = None if source.ca_file is None else root / expanded(source.ca_file)
    verify = client_context(verify=source.verify, ca_file=ca_file, where=where) if parts.scheme == "https" else False
    window = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": source.step_s}
    try:
        with httpx.Client(verify=verify, headers=headers, timeout=source.timeout_s, trust_env=False) as client:
            answer = _ask(client, f"{source.url.rstrip('/')}/api/v1/query_range", window, source.timeout_s)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, EvidenceError) as error:
        what = error.what if isinstance(error, EvidenceError) else f"{type(error).__name__}: {error}"
        raise EvidenceError(redact_text(what, secrets)[:300], where=where) from error
    # A server that refuses may repeat what it was sent.
    repeated = any(secret in answer.body for secret in secrets)
    return replace(answer, body=redact_text(answer.body, secrets)) if repeated else answer


def _ask(client: httpx.Client, url: str, window: dict[str, Any], timeout_s: float) -> RangeAnswer:
    """Ask in a POST, since a query may be longer than a URL."""
    ends = monotonic() + timeout_s  # httpx limits each read by itself: a server that drips would never be late
    with client.stream("POST", url, data=window) as response:
        body = bytearray()
        for block in response.iter_bytes():
            body += block
            if len(body) > ANSWER_LIMIT:
                raise EvidenceError(f"its answer exceeds {ANSWER_LIMIT // 1024**2} MiB: ask for fewer series")
            if monotonic() > ends:
                raise EvidenceError(f"its answer was not complete after {timeout_s:g} s")
    return RangeAnswer(response.status_code, body.decode("utf-8", "replace"))
