"""Requests to a service that is told a verdict: bounded in time and size, never redirected, errors in words."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from stabkit.errors import StabkitError
from stabkit.installation import package_version
from stabkit.redact import redact_text
from stabkit.text import plain

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "Exchange"]

_ONE_ANSWER_S: Final = 10.0
_LARGEST: Final = 8 * 2**20
_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.5
# What may be asked again although the service may have done it: the same comes out.
_REPEATABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_PASSING: Final = frozenset({500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """What a service answered: status, headers, and its JSON where it sent some."""

    status: int
    headers: Mapping[str, str]
    value: Any


class Exchange:
    """A conversation with one service.

    Parameters
    ----------
    shown : str
        The service in words, for errors.
    headers : mapping
        Sent with every request; their values appear in no message.
    limit_s : float
        Seconds that the whole conversation may take, waiting included.
    hints : mapping of int to str
        What to do about a status.
    secrets : iterable of str
        What appears in no message beside the values of headers.
    """

    def __init__(
        self,
        shown: str,
        headers: Mapping[str, str],
        *,
        limit_s: float,
        hints: Mapping[int, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        import httpx

        self._shown = shown
        self._hints = hints or {}
        self._secrets = [*secrets, *(part for value in headers.values() for part in (value, *value.split()))]
        self._ends = time.monotonic() + limit_s
        own = {"User-Agent": f"stabkit/{package_version()}", "Accept": "application/json"}
        timeout = min(_ONE_ANSWER_S, limit_s)
        self._client = httpx.Client(headers={**own, **headers}, timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        address: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """Return what the service answers, after asking again where it says so.

        Parameters
        ----------
        accept : tuple of int
            Statuses above 399 that are an answer, not an error.

        Raises
        ------
        StabkitError
            It cannot be reached, is too slow, redirects, or refuses.
        """
        for attempt in range(_ATTEMPTS):
            answer = self._once(method, address, body, query)
            if answer.status < 300 or answer.status in accept:
                return answer
            wait = _asked_to_wait(answer)
            if wait is None and answer.status in _PASSING and method in _REPEATABLE:
                wait = _PAUSE_S
            if wait is None or attempt + 1 == _ATTEMPTS or time.monotonic() + wait >= self._ends:
                raise self._refused(answer, wait)
            time.sleep(wait)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _once(
        self, method: str, address: str, body: Mapping[str, Any] | None, query: Mapping[str, Any] | None
    ) -> Answer:
        import httpx

        try:
            with self._client.stream(method, address, json=body, params=query) as response:
                return Answer(response.status_code, response.headers, _json(self._read(response)))
        except httpx.TimeoutException as error:
            raise self._failed("it did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            said = redact_text(plain(str(error) or type(error).__name__), self._secrets)
            raise self._failed(said, hint=_advice(error)) from error

    def _read(self, response: httpx.Response) -> bytes:
        found = bytearray()
        for part in response.iter_bytes():
            found += part
            if len(found) > _LARGEST:
                raise self._failed("its answer is too large")
            if time.monotonic() > self._ends:
                raise self._failed("it did not answer in time")
        return bytes(found)

    def _failed(self, what: str, *, hint: str | None = None) -> StabkitError:
        return StabkitError(f"{what}.", where=self._shown, hint=hint)

    def _refused(self, answer: Answer, wait: float | None) -> StabkitError:
        if answer.status < 400:
            hint = "Name the address that it leads to; redirects are not followed."
            return self._failed(f"it redirects (HTTP {answer.status})", hint=hint)
        said = answer.value.get("message") if isinstance(answer.value, dict) else None
        told = f": {redact_text(plain(said, 200), self._secrets)}" if isinstance(said, str) else ""
        advice = self._hints.get(answer.status)
        if wait is not None and answer.status not in _PASSING:
            advice = f"It asks to wait for {wait:.0f} s; run the gate again then."
        return self._failed(f"it answers HTTP {answer.status}{told}", hint=advice)


def _json(content: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(content)
    return None


def _asked_to_wait(answer: Answer) -> float | None:
    """Return the seconds to wait where the service limits how often it is asked; None where it does not.

    Source: RFC 9110, section 10.2.3; GitHub tells its hourly limit by ``x-ratelimit-*``.
    """
    if answer.status not in (403, 429, 503):
        return None
    given = answer.headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(given)
    if given:
        with contextlib.suppress(ValueError):
            return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - datetime.now(UTC).timestamp())
    return _PAUSE_S if answer.status == 429 else None


def _advice(error: BaseException) -> str:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return "Trust its authority: SSL_CERT_FILE=ca.pem"
        found = found.__cause__ or found.__context__
    return "Check the address, and whether this machine may reach it."
