"""Range queries to a Prometheus server over its HTTP API: the answer as it came, and nothing made of it.

Source: Prometheus, HTTP API, "Range queries" (``/api/v1/query_range``).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, Final

import httpx

from stabkit.config import PrometheusSource
from stabkit.errors import EvidenceError
from stabkit.paths import expanded
from stabkit.probe.credentials import checked_url, request_headers
from stabkit.probe.http.bodies import decompressed
from stabkit.probe.tls import client_context
from stabkit.redact import masked_values, redact_text

__all__ = ["ANSWER_LIMIT", "RangeAnswer", "ask_range"]

ANSWER_LIMIT: Final = 64 * 1024**2
"""Bytes of an answer beyond which it is refused."""

_PAUSES_S: Final = (0.25, 0.5, 1.0)
"""Before each further asking of a server that is busy or hung up; it may ask for longer ones."""

_LONGEST_S: Final = 15.0
"""The longest pause that a server may ask for."""

_BUSY: Final = (429, 502, 503, 504)


@dataclass(frozen=True)
class RangeAnswer:
    """What a server answered; also an error that it states."""

    status: int
    body: str
    repeats: tuple[str, ...] = ()
    """What was said of each earlier asking that gave nothing."""


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

    Notes
    -----
    A server that is busy (429, 502 to 504) or hangs up is asked three times more, after pauses; ``Retry-After`` is
    respected up to 15 s. Any other answer stands.
    """
    where = f"prometheus.{name}"
    headers, secrets = request_headers({}, source.headers_env, source.headers_command, where=where, root=root)
    parts = checked_url(source.url, schemes=("http", "https"), where=where)
    ca_file = None if source.ca_file is None else root / expanded(source.ca_file)
    verify = client_context(verify=source.verify, ca_file=ca_file, where=where) if parts.scheme == "https" else False
    window = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": source.step_s}
    try:
        coded = {**headers, "Accept-Encoding": "gzip"}
        with httpx.Client(verify=verify, headers=coded, timeout=source.timeout_s, trust_env=False) as client:
            answer = _ask_until_free(client, f"{source.url.rstrip('/')}/api/v1/query_range", window, source.timeout_s)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, EvidenceError) as error:
        what = error.what if isinstance(error, EvidenceError) else f"{type(error).__name__}: {error}"
        raise EvidenceError(redact_text(what, secrets)[:300], where=where) from error
    # A server that refuses may repeat what it was sent.
    return replace(answer, body=masked_values(answer.body, secrets))


def _ask_until_free(client: httpx.Client, url: str, window: dict[str, Any], timeout_s: float) -> RangeAnswer:
    """Ask again, a few times and slowly, whoever is busy for a moment."""
    said: list[str] = []
    for pause in (*_PAUSES_S, None):
        wait = pause
        try:
            answer, asked_s = _ask(client, url, window, timeout_s)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            if pause is None:
                raise EvidenceError(f"{type(error).__name__}: {error}; asked {len(said) + 1} times") from error
            said.append(type(error).__name__)
        else:
            wait = None if pause is None or asked_s > _LONGEST_S else max(pause, asked_s)
            if answer.status not in _BUSY or wait is None:
                return replace(answer, repeats=_told(said))
            said.append(f"status {answer.status}")
        sleep(wait or 0.0)
    raise AssertionError("the last asking returns or raises")


def _told(said: list[str]) -> tuple[str, ...]:
    return (f"asked {len(said) + 1} times: first {', '.join(said)}",) if said else ()


def _ask(client: httpx.Client, url: str, window: dict[str, Any], timeout_s: float) -> tuple[RangeAnswer, float]:
    """Ask in a POST, since a query may be longer than a URL; return the pause that the server wishes for, too."""
    ends = monotonic() + timeout_s  # httpx limits each read by itself: a server that drips would never be late
    with client.stream("POST", url, data=window) as response:
        body = bytearray()
        for block in response.iter_raw():  # as it came: what httpx unpacks, and how often, knows no limit
            body += block
            if len(body) > ANSWER_LIMIT:
                raise EvidenceError(f"its answer exceeds {ANSWER_LIMIT // 1024**2} MiB: ask for fewer series")
            if monotonic() > ends:
                raise EvidenceError(f"its answer was not complete after {timeout_s:g} s")
    try:
        plain = decompressed(bytes(body), response.headers, ANSWER_LIMIT)
    except (ValueError, zlib.error) as error:
        raise EvidenceError(f"its answer cannot be unpacked: {error}") from error
    return RangeAnswer(response.status_code, plain.decode("utf-8", "replace")), _wished_s(response)


def _wished_s(response: httpx.Response) -> float:
    """Return the seconds of ``Retry-After``, which may also be a date (RFC 9110, 10.2.3); 0 without one."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 9:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time(), 0.0)
