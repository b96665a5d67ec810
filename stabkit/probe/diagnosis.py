"""Failures of connections, in one short sentence that names the cause."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import httpcore
from websockets import exceptions as websocket_errors

from stabkit.probe.tally import one_line
from stabkit.redact import redact_text, redact_url
from stabkit.sources import Fault, FaultCode, fault_code

__all__ = ["certificate_fault", "diagnose"]

_LONGEST: Final = 300

_HTTP_FAULTS: Final = {  # fragments of the messages of httpcore 1.0 and h11 0.16
    "without sending a response": "the server closed the connection without an answer",
    "incomplete chunked read": "the server closed the connection before the body was complete",
    "without sending complete message body": "the server closed the connection before the body was complete",
    "Receive buffer too long": "the response headers are too large to be read (more than 100 KB)",
}

_BY_ERRNO: Final = {
    errno.ECONNREFUSED: "connection refused: nothing listens there",
    errno.ECONNRESET: "connection reset by the server",
    errno.EPIPE: "connection closed by the server while sending",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "network unreachable",
    errno.ENETDOWN: "network down",
    errno.ETIMEDOUT: "timed out: the host does not answer",
    errno.EMFILE: "the prober ran out of file descriptors",
}
_UNREACHABLE: Final = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ETIMEDOUT)
# OpenSSL's codes, as X509_verify_cert_error_string(3) has them.
_CERTIFICATES: Final[Mapping[int, FaultCode]] = {
    10: "expired_certificate",
    18: "unknown_authority",
    19: "unknown_authority",
    20: "unknown_authority",
}


def diagnose(error: BaseException, *, timeout_s: float, stage: str, secrets: Iterable[str] = ()) -> Fault:
    """Return what failed and why, without secrets and in at most 300 characters.

    Parameters
    ----------
    error : BaseException
        With its causes, where OpenSSL's and the system's reasons are.
    timeout_s : float
        The limit that was in force, in seconds.
    stage : str
        What was going on: ``connecting``, ``the TLS handshake``, ``waiting for the answer``...

    Examples
    --------
    >>> diagnose(ConnectionRefusedError(111, "Connection refused"), timeout_s=10, stage="connecting")
    'connection refused: nothing listens there'
    """
    found = _sentence(error, timeout_s, stage)
    return Fault(one_line(redact_text(found, secrets), _LONGEST), fault_code(found))


def certificate_fault(error: BaseException) -> str | None:
    """Return OpenSSL's reason if the certificate was not accepted, else None."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return str(cause.verify_message).rstrip(".")
    return None


def _certificate_code(error: BaseException) -> FaultCode:
    codes = (cause.verify_code for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    return _CERTIFICATES.get(next(codes, 0), "certificate")


def _sentence(error: BaseException, timeout_s: float, stage: str) -> str:
    fault = certificate_fault(error)
    if fault is not None:
        return Fault(f"certificate not accepted: {fault}", _certificate_code(error))
    for cause in _causes(error):
        found = _of_system(cause) or _of_protocol(cause)
        if found:
            return found
    if any(isinstance(cause, (TimeoutError, httpcore.TimeoutException)) for cause in _causes(error)):
        return Fault(f"timed out after {timeout_s:g} s in {stage}", "timeout")
    last = str(error) or type(error).__name__
    return f"failed in {stage}: {last}"


def _of_system(cause: BaseException) -> str | None:
    if isinstance(cause, socket.gaierror):
        return Fault(f"the host name could not be resolved: {cause.strerror}", "unknown_host")
    if isinstance(cause, ssl.SSLEOFError):
        return "TLS failed: the server closed the connection in the handshake"
    if isinstance(cause, ssl.SSLError):
        if cause.reason == "WRONG_VERSION_NUMBER":
            return Fault("TLS failed: the server does not speak TLS on this port", "no_tls")
        return f"TLS failed: {(cause.reason or str(cause)).replace('_', ' ').lower()}"
    if isinstance(cause, OSError) and cause.errno in _BY_ERRNO:
        return Fault(_BY_ERRNO[cause.errno], "unreachable" if cause.errno in _UNREACHABLE else None)
    return None


def _of_protocol(cause: BaseException) -> str | None:
    text = str(cause)
    if isinstance(cause, httpcore.ProxyError):
        return f"the proxy refused: {text.strip()}"
    if isinstance(cause, httpcore.ProtocolError):
        known = (words for fragment, words in _HTTP_FAULTS.items() if fragment in text)
        return next(known, f"not a valid HTTP answer: {text}")
    if isinstance(cause, websocket_errors.InvalidStatus):
        place = cause.response.headers.get("Location")
        redirect = f", redirect to {redact_url(place)}" if place else ""
        return f"HTTP {cause.response.status_code} instead of the upgrade{redirect}"
    if isinstance(cause, (websocket_errors.InvalidHandshake, websocket_errors.ProtocolError)):
        return f"not a valid WebSocket answer: {text}"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
