"""HTTP probes: what a user waits for, on a fixed schedule, in stages.

Request i of a round is due at ``t0 + i / rate``, whatever became of request i - 1. ``response_ms`` runs from the due
time to the last byte, so that a stall is felt by every request that it delays.
"""

from __future__ import annotations

import http.cookiejar
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final
from urllib.parse import urljoin

import httpcore
import httpx
import pandas as pd

from stabkit.collect.bodies import MAX_BODY_BYTES, body_fault, expected_body
from stabkit.collect.credentials import checked_url, request_headers
from stabkit.collect.diagnosis import certificate_fault, diagnose
from stabkit.collect.tally import Tally
from stabkit.collect.tls import Session, certificate_check, client_context, read_session, unchecked_certificate
from stabkit.collect.transport import MeasuredTransport
from stabkit.config import HttpTarget
from stabkit.errors import ConfigError
from stabkit.redact import redact_text, redact_url
from stabkit.schema import Evidence

__all__ = ["HttpProbe"]

_SPIN_NS: Final = 200_000  # sleeping overshoots by about 0.1 ms, so the rest of the way is awaited awake


@dataclass
class _Answer:
    """What became of one request."""

    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    error: str | None = None
    opened: bool = False
    sent_ns: int = 0
    ended_ns: int = 0
    stages: dict[str, float | None] = field(default_factory=dict)


class HttpProbe:
    """One HTTP endpoint, probed on schedule over one long-lived client.

    Parameters
    ----------
    name : str
        The configured name.
    target : HttpTarget
        Requests per round, rate, expectations.
    url : str
        The endpoint of this side; overrides ``target.url``.
    root : Path
        Folder that relative paths start from.

    Notes
    -----
    A sample is ``ok`` if the whole answer came in time with the expected status. A wrong body is a failed check, not a
    failed sample. A sample that opened its connection has ``connection = 'fresh'``, any other ``'reused'``. An ok
    sample is a warm-up if it opened a connection and the request before it, in the same round, did not: the opener of
    a reused connection, and the first of a series of fresh ones.
    """

    def __init__(self, name: str, target: HttpTarget, *, url: str, root: Path) -> None:
        self.target = name
        self.planned = target.requests
        self._settings = target
        self._url = url
        self._root = root
        self._where = f"http.{name}"
        self._secrets: tuple[str, ...] = ()
        self._client: httpx.Client | None = None
        self._transport: MeasuredTransport | None = None
        self._anchor_ns = 0
        self._rows: list[dict[str, Any]] = []
        self._due = 0
        self._opened_before = False
        self._session: Session | None = None
        self._certificate_fault: str | None = None
        self._errors: dict[str, int] = {}
        self._answered = 0
        self._status = Tally("status", str(target.expect_status), "requests")
        self._body = Tally("body", expected_body(target), "requests")
        self._judged: tuple[bytes, str | None] | None = None

    def open(self) -> None:
        """Check the settings and make the client; nothing is sent yet.

        Raises
        ------
        ConfigError
            The URL, a header, the CA file or the body to send cannot be used as configured.
        """
        target = self._settings
        parts = checked_url(self._url, schemes=("http", "https"), where=self._where)
        headers, self._secrets = request_headers(target.headers, target.headers_env, where=self._where)
        headers = {"Accept-Encoding": "gzip, deflate", "User-Agent": "stabkit", **headers}
        context = None
        if parts.scheme == "https":
            ca_file = None if target.ca_file is None else self._root / target.ca_file.expanduser()
            context = client_context(verify=target.verify, ca_file=ca_file, where=self._where)
        self._transport = MeasuredTransport(context, reuse=target.connection == "reused")
        # Cookies would make later requests differ from the first: the policy takes none.
        jar = http.cookiejar.CookieJar(policy=http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.Client(
            transport=self._transport, headers=headers, cookies=jar, trust_env=False, follow_redirects=False
        )
        try:
            self._request()
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise ConfigError(f"No request can be made of this: {error}.", where=self._where) from error
        self._anchor_ns = time.time_ns() - perf_counter_ns()

    def run(self, round_number: int) -> None:
        """Send one round of requests; each that fails is a sample with ``ok = false``."""
        target = self._settings
        period_ns = int(1e9 / target.rate)
        start_ns = perf_counter_ns() + min(period_ns, 1_000_000)
        self._due += target.requests
        self._opened_before = False
        for position in range(target.requests):
            due_ns = start_ns + position * period_ns
            request = self._request()
            _wait_until(due_ns)
            late_s = (perf_counter_ns() - due_ns) / 1e9
            if late_s > target.timeout_s:
                # Whoever asked then has given up by now. Without this bound a dead target would hold up the
                # collection for requests x timeout.
                answer = _Answer(
                    error=f"not sent: earlier ones were unanswered {target.timeout_s:g} s past its due time"
                )
            else:
                answer = self._send(request)
            self._record(round_number, due_ns, answer)

    def close(self) -> None:
        """Close the client and its connection."""
        if self._client is not None:
            self._client.close()

    def evidence(self) -> Evidence:
        """Return the samples and checks so far and one sources row."""
        checks = []
        if self._rows:
            checks.append(self._status_row())
            if self._settings.expect_json or self._settings.expect_text is not None:
                checks.append(self._body.row(self.target, nothing="no request gave the expected status"))
            checks += self._certificate_rows()
        samples = pd.DataFrame(self._rows)
        if len(samples):
            samples["due_at"] = pd.to_datetime(samples["due_at"], utc=True, unit="ns")
        return Evidence.of(sources=pd.DataFrame([self._source()]), samples=samples, checks=pd.DataFrame(checks))

    def _request(self) -> httpx.Request:
        assert self._client is not None, "open() comes first"
        target = self._settings
        if target.json_body is None:
            return self._client.build_request(target.method, self._url)
        return self._client.build_request(target.method, self._url, json=target.json_body)

    def _send(self, request: httpx.Request) -> _Answer:
        assert self._client is not None
        assert self._transport is not None
        answer = _Answer()
        marks: dict[str, int] = {}

        def trace(event: str, info: dict[str, Any]) -> None:
            marks[event] = perf_counter_ns()
            if event == "connection.start_tls.complete":
                self._note_session(info["return_value"])

        request.extensions["trace"] = trace
        answer.sent_ns = perf_counter_ns()
        deadline_ns = answer.sent_ns + int(self._settings.timeout_s * 1e9)
        self._transport.limit(deadline_ns)
        response = None
        try:
            response = self._client.send(request, stream=True)
            answer.status, answer.headers = response.status_code, response.headers
            answer.error = _read(response, answer, deadline_ns, self._settings.timeout_s)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            stage = _stage(marks)
            answer.error = diagnose(error, timeout_s=self._settings.timeout_s, stage=stage, secrets=self._secrets)
            self._certificate_fault = certificate_fault(error) or self._certificate_fault
        finally:
            answer.ended_ns = marks.get("http11.receive_response_body.complete") or perf_counter_ns()
            if response is not None:
                response.close()
        answer.opened = "connection.connect_tcp.started" in marks
        answer.stages = _stages(marks, self._transport if answer.opened else None)
        return answer

    def _note_session(self, stream: httpcore.NetworkStream) -> None:
        session = read_session(stream.get_extra_info("ssl_object"))
        known = self._session
        # Behind a balancer certificates may differ; the one that ends first is the one to speak of.
        if known is None or (session.not_after and known.not_after and session.not_after < known.not_after):
            self._session = session

    def _record(self, round_number: int, due_ns: int, answer: _Answer) -> None:
        target = self._settings
        if answer.error is None:
            self._answered += 1
            met = answer.status == target.expect_status
            self._status.add(met, lambda: f"{self._place(round_number)}: {self._status_text(answer)}")
            if met:
                self._judge_body(round_number, answer)
            else:
                answer.error = f"HTTP {answer.status}, expected {target.expect_status}"
        ok = answer.error is None
        row: dict[str, Any] = {
            "target": self.target,
            "metric": "response_time",
            "round": round_number,
            "sequence": len(self._rows),
            "due_at": self._anchor_ns + due_ns,
            "connection": ("fresh" if answer.opened else "reused") if answer.sent_ns else None,
            # With one request a round, every fresh one would be the first of its series, and none left to judge.
            "warmup": ok and answer.opened and not self._opened_before and (target.requests > 1 or not self._rows),
            "ok": ok,
            "status": answer.status,
            "error": answer.error,
        }
        if ok:
            row |= answer.stages
            row["service_ms"] = (answer.ended_ns - answer.sent_ns) / 1e6
            row["response_ms"] = (answer.ended_ns - due_ns) / 1e6
            row["late_ms"] = max(answer.sent_ns - due_ns, 0) / 1e6
        else:
            self._errors[str(answer.error)] = self._errors.get(str(answer.error), 0) + 1
        self._opened_before = answer.opened and ok
        self._rows.append(row)

    def _place(self, round_number: int) -> str:
        return f"round {round_number}, request {len(self._rows)}"

    def _status_text(self, answer: _Answer) -> str:
        location = answer.headers.get("Location")
        if location is None:
            return f"HTTP {answer.status}"
        there = urljoin(self._url, location)
        loop = ", a loop to itself" if there == self._url else ""
        return f"HTTP {answer.status}, redirect to {redact_text(redact_url(there), self._secrets)}{loop}"

    def _judge_body(self, round_number: int, answer: _Answer) -> None:
        target = self._settings
        if target.method == "HEAD" or (not target.expect_json and target.expect_text is None):
            return
        # Most answers are equal: judging each anew would delay the next request.
        if self._judged is None or self._judged[0] != answer.body:
            self._judged = (answer.body, body_fault(target, answer.body, answer.headers))
        fault = self._judged[1]
        self._body.add(fault is None, lambda: f"{self._place(round_number)}: {redact_text(str(fault), self._secrets)}")

    def _status_row(self) -> dict[str, Any]:
        row = self._status.row(self.target)
        unanswered = len(self._rows) - self._answered
        if not unanswered:
            return row
        most = max(self._errors, key=lambda text: (self._errors[text], text))
        note = f"{unanswered:,} of {len(self._rows):,} requests got no answer: {most}"
        if not self._answered:
            return row | {"outcome": "fail", "observed": f"0 of {len(self._rows):,} requests", "detail": note}
        row["observed"] = f"{self._status.met:,} of {self._answered:,} answers"
        row["detail"] = f"{row['detail']}; {note}" if row["detail"] else note
        return row

    def _certificate_rows(self) -> list[dict[str, Any]]:
        minimum = self._settings.certificate_days_left
        if not self._url.lower().startswith("https:"):
            if minimum is None:
                return []
            return [unchecked_certificate(self.target, "certificate", "the target is not https")]
        if self._certificate_fault is not None:
            row = unchecked_certificate(self.target, "certificate", f"OpenSSL: {self._certificate_fault}")
            return [row | {"outcome": "fail", "observed": self._certificate_fault}]
        if self._session is None:
            return [unchecked_certificate(self.target, "certificate", "no TLS session was made")]
        now = datetime.now(UTC)
        return [certificate_check(self.target, "certificate", self._session, minimum_days=minimum, now=now)]

    def _source(self) -> dict[str, Any]:
        failed = sum(self._errors.values())
        most = max(self._errors, key=lambda text: (self._errors[text], text)) if self._errors else None
        status, message = "ok", None
        if failed:
            message = f"{failed:,} of {len(self._rows):,} requests failed, most often: {most}"
        if len(self._rows) < self._due:
            status = "partial"
            message = f"interrupted after {len(self._rows):,} of {self._due:,} requests"
        if not self._answered:
            status, message = "error", message or "no request was made"
        return {
            "kind": "http",
            "format": "probe",
            "path": redact_url(self._url),
            "rows": len(self._rows),
            "status": status,
            "message": message,
        }


def _wait_until(due_ns: int) -> None:
    while (left := due_ns - perf_counter_ns()) > 0:
        time.sleep(max(left - _SPIN_NS, 0) / 1e9)


def _read(response: httpx.Response, answer: _Answer, deadline_ns: int, timeout_s: float) -> str | None:
    """Read the body to its end as it came over the wire; return why it could not be."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            return f"the body is larger than {MAX_BODY_BYTES // 2**20} MiB, or has no end"
        if perf_counter_ns() > deadline_ns:
            return f"timed out after {timeout_s:g} s in reading the body"
    answer.body = b"".join(parts)
    return None


def _stage(marks: dict[str, int]) -> str:
    for event, words in (
        ("http11.receive_response_body.started", "reading the body"),
        ("http11.receive_response_headers.started", "waiting for the answer"),
        ("http11.send_request_headers.started", "sending the request"),
        ("connection.start_tls.started", "the TLS handshake"),
    ):
        if event in marks:
            return words
    return "connecting"


def _stages(marks: dict[str, int], opened: MeasuredTransport | None) -> dict[str, float | None]:
    def between(begin: str, end: str) -> float | None:
        return (marks[end] - marks[begin]) / 1e6 if begin in marks and end in marks else None

    return {
        "dns_ms": opened.dns_ms if opened else None,
        "connect_ms": opened.connect_ms if opened else None,
        "tls_ms": between("connection.start_tls.started", "connection.start_tls.complete"),
        "first_byte_ms": between("http11.send_request_headers.started", "http11.receive_response_headers.complete"),
        "transfer_ms": between("http11.receive_response_body.started", "http11.receive_response_body.complete"),
    }
