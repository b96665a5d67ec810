"""One request over long-lived connections, its redirects followed by hand, each hop measured by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, Final

import httpcore
import httpx

from stabkit.probe.diagnosis import certificate_fault, diagnose
from stabkit.probe.http.bodies import MAX_BODY_BYTES
from stabkit.probe.tls import Session, read_session
from stabkit.probe.transport import MeasuredTransport
from stabkit.redact import redact_text, redact_url
from stabkit.sources import Fault

__all__ = ["Answer", "Caller", "Plan"]

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_IDEMPOTENT: Final = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
"""Methods that may be sent twice (RFC 9110, 9.2.2)."""

_CROSSED_MS: Final = 20.0
"""Within which a request and the end of its connection can have crossed on the way; three round trips if those take
longer. Whoever hangs up later had the request: that is a failure of the service."""

_OF_BODY: Final = ("content-length", "content-type", "transfer-encoding")


@dataclass(frozen=True)
class Plan:
    """The request that is sent again and again.

    Attributes
    ----------
    secret_headers : frozenset of str
        In lower case; they are sent to the host of ``url`` only.
    secret_body : bool
        Neither is the body sent to another host.
    secrets : tuple of str
        Values that no message may hold.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None = None
    timeout_s: float = 10.0
    max_redirects: int = 0
    through_proxy: bool = False
    secret_headers: frozenset[str] = frozenset()
    secret_body: bool = False
    secrets: tuple[str, ...] = ()

    def request(self) -> httpx.Request:
        """Return a new request; raises what httpx raises of an unusable URL."""
        return httpx.Request(self.method, self.url, headers=dict(self.headers), content=self.content)


@dataclass
class Answer:
    """What became of one request, or of one hop of it; times are those of ``perf_counter_ns``."""

    url: str = ""
    status: int | None = None
    protocol: str | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    error: str | None = None
    certificate_fault: str | None = None
    session: Session | None = None
    opened: bool = False
    resent: bool = False
    sent_ns: int = 0
    ended_ns: int = 0
    stages: dict[str, float | None] = field(default_factory=dict)


class Caller:
    """Who sends one plan's requests, one after the other; for one thread.

    Parameters
    ----------
    plan : Plan
        What to send.
    transport : MeasuredTransport
        Over which; closed with the caller.
    """

    def __init__(self, plan: Plan, transport: MeasuredTransport) -> None:
        self._plan = plan
        self._transport = transport

    def ask(self, request: httpx.Request) -> list[Answer]:
        """Send a request and follow its redirects; return each hop's answer, only the last of which may be an error."""
        deadline_ns = perf_counter_ns() + int(self._plan.timeout_s * 1e9)
        self._transport.limit(deadline_ns)
        hops = [self._send(request, self._plan.url, deadline_ns)]
        asked = {(request.method, str(request.url))} if self._plan.max_redirects else set()
        while self._plan.max_redirects and hops[-1].error is None and _location(hops[-1]) is not None:
            following = self._following(request, hops[-1], len(hops))
            if isinstance(following, str):
                hops[-1].error = Fault(following, "redirect")
                break
            key = (following.method, str(following.url))
            if key in asked:
                again = f"redirect loop: {self._shown(following.url)} again at hop {len(hops)}"
                hops[-1].error = Fault(again, "redirect")
                break
            asked.add(key)
            request = following
            hops.append(self._send(request, str(request.url), deadline_ns))
        return hops

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _following(self, request: httpx.Request, answer: Answer, taken: int) -> httpx.Request | str:
        """Return the request that a redirect asks for, or why it is not sent."""
        if taken > self._plan.max_redirects:
            return f"more than {self._plan.max_redirects} redirects"
        url = _joined(request.url, _location(answer) or "")
        if url is None:
            return "redirect to what is no URL"
        if url.scheme not in ("http", "https") or not url.host:
            return f"redirect to {self._shown(url)}, which is no HTTP address"
        if request.url.scheme == "https" and url.scheme == "http":
            return f"redirect from https to {self._shown(url)} not followed: what is asked would leave encryption"
        headers = {k: v for k, v in request.headers.items() if k != "host"}
        method, content = request.method, request.content
        if (answer.status == 303 and method != "HEAD") or (answer.status in (301, 302) and method == "POST"):
            method, content = "GET", b""
            headers = {k: v for k, v in headers.items() if k not in _OF_BODY}
        if not _same_host(request.url, url):
            if content and self._plan.secret_body:
                return f"redirect to {self._shown(url)} not followed: a secret body is not sent to another host"
            headers = {k: v for k, v in headers.items() if k not in self._plan.secret_headers}
        return httpx.Request(method, url, headers=headers, content=content or None)

    def _send(self, request: httpx.Request, url: str, deadline_ns: int) -> Answer:
        """Send a request; once more over a fresh connection if the one in use was closed while it lay idle.

        The server closed it before the request arrived, and never saw it: RFC 9112, 9.3.1.
        """
        answer, crossed = self._send_once(request, url, deadline_ns)
        if not crossed or request.method not in _IDEMPOTENT:
            return answer
        again, _ = self._send_once(request, url, deadline_ns)
        again.sent_ns, again.resent = answer.sent_ns, True
        return again

    def _send_once(self, request: httpx.Request, url: str, deadline_ns: int) -> tuple[Answer, bool]:
        """Return the answer, and whether the request crossed with the end of the connection that it was sent over."""
        answer = Answer(url=url)
        crossed = False
        marks: dict[str, int] = {}

        def trace(event: str, info: dict[str, Any]) -> None:
            step = event.partition(".")[2]  # the part before it tells connection, proxy, http11 or http2
            marks[step] = perf_counter_ns()
            if step == "start_tls.complete":
                answer.session = read_session(info["return_value"].get_extra_info("ssl_object"))

        request.extensions["trace"] = trace
        answer.sent_ns = perf_counter_ns()
        response = None
        try:
            response = self._transport.handle_request(request)
            answer.status, answer.headers = response.status_code, response.headers
            answer.protocol = response.http_version
            answer.error = _read(response, answer, deadline_ns, self._plan.timeout_s)
        except (
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.ProxyError,
            OSError,
        ) as error:
            stage = _stage(marks)
            words = diagnose(error, timeout_s=self._plan.timeout_s, stage=stage, secrets=self._plan.secrets)
            at_proxy = self._plan.through_proxy and stage == "connecting" and not isinstance(error, httpcore.ProxyError)
            answer.error = words.within("proxy: ") if at_proxy else words
            answer.certificate_fault = certificate_fault(error)
            hung_up = isinstance(error, (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError))
            unanswered = response is None and "connect_tcp.started" not in marks
            limit_ms = max(_CROSSED_MS, 3 * (self._transport.connect_ms or 0.0))
            crossed = hung_up and unanswered and (perf_counter_ns() - answer.sent_ns) / 1e6 < limit_ms
        finally:
            answer.ended_ns = marks.get("receive_response_body.complete") or perf_counter_ns()
            if response is not None:
                response.close()
        answer.opened = "connect_tcp.started" in marks
        answer.stages = _stages(marks, self._transport if answer.opened else None)
        return answer, crossed

    def _shown(self, url: httpx.URL) -> str:
        return redact_text(redact_url(str(url)), self._plan.secrets)[:200]


def _location(answer: Answer) -> str | None:
    return answer.headers.get("Location") if answer.status in _REDIRECTS else None


def _joined(url: httpx.URL, location: str) -> httpx.URL | None:
    try:
        there = url.join(location).copy_with(fragment=None, username=None, password=None)
        port, _ = there.port, there.host  # a name is decoded only when it is asked for, which may fail
    except (httpx.InvalidURL, ValueError):
        return None
    return there if 0 < (port or 1) < 65_536 else None


def _same_host(before: httpx.URL, after: httpx.URL) -> bool:
    """Say whether secrets may go along: the same scheme, host and port, or from http to https on their usual ports."""
    if before.host != after.host:
        return False
    upgrade = before.scheme == "http" and after.scheme == "https" and before.port is None and after.port is None
    return upgrade or (before.scheme == after.scheme and before.port == after.port)


def _read(response: httpx.Response, answer: Answer, deadline_ns: int, timeout_s: float) -> str | None:
    """Read the body to its end as it came over the wire; return why it could not be."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            return f"the body is larger than {MAX_BODY_BYTES // 2**20} MiB, or has no end"
        if perf_counter_ns() > deadline_ns:
            return Fault(f"timed out after {timeout_s:g} s in reading the body", "timeout")
    answer.body = b"".join(parts)
    return None


_WORDS: Final = {
    "receive_response_body": "reading the body",
    "receive_response_headers": "waiting for the answer",
    "send_request_headers": "sending the request",
    "send_request_body": "sending the request",
    "send_connection_init": "sending the request",
    "start_tls": "the TLS handshake",
}


def _stage(marks: dict[str, int]) -> str:
    """Return in words what had begun last."""
    begun = {step.removesuffix(".started"): at for step, at in marks.items() if step.endswith(".started")}
    known = {step: at for step, at in begun.items() if step in _WORDS}
    return _WORDS[max(known, key=lambda step: known[step])] if known else "connecting"


def _stages(marks: dict[str, int], opened: MeasuredTransport | None) -> dict[str, float | None]:
    def between(begin: str, end: str) -> float | None:
        return (marks[end] - marks[begin]) / 1e6 if begin in marks and end in marks else None

    return {
        "dns_ms": opened.dns_ms if opened else None,
        "connect_ms": opened.connect_ms if opened else None,
        "tls_ms": between("start_tls.started", "start_tls.complete"),
        "first_byte_ms": between("send_request_headers.started", "receive_response_headers.complete"),
        "transfer_ms": between("receive_response_body.started", "receive_response_body.complete"),
    }
