"""What a target's answers owe, counted check by check over all requests of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from stabkit.config import LONGEST_SEARCH_S, HttpTarget, is_found
from stabkit.errors import ConfigError, EvidenceError
from stabkit.probe.http.bodies import body_fault, decode_body, expected_body, schema_fault
from stabkit.probe.http.exchange import Answer
from stabkit.probe.tally import Tally
from stabkit.redact import is_secret_name, redact_text, redact_url
from stabkit.sources import Fault, fault_code

if TYPE_CHECKING:
    from stabkit.probe.payload_schema import PayloadSchema

__all__ = ["Expectations"]


class Expectations:
    """The checks of one target: status, protocol, redirects, headers, body and schema.

    Parameters
    ----------
    target : HttpTarget
        What is expected.
    validator : PayloadSchema or None
        Of ``expect_schema``.
    secrets : tuple of str
        Values that no row may hold.
    """

    def __init__(self, target: HttpTarget, validator: PayloadSchema | None, secrets: tuple[str, ...]) -> None:
        self._target = target
        self._validator = validator
        self._secrets = secrets
        tally = partial(Tally, secrets=secrets)
        self._status = tally("status", " or ".join(str(status) for status in target.statuses), "requests")
        self._protocol = tally("protocol", f"HTTP/{target.http_version}", "answers")
        self._redirects = tally("redirects", f"at most {target.max_redirects}, leading to an answer", "requests")
        self._headers = {
            name: tally(f"header {name}", _header_words(wanted), "requests")
            for name, wanted in target.expect_headers.items()
        }
        self._body = tally("body", expected_body(target), "requests")
        self._schema = tally("schema", f"valid by {target.expect_schema}", "requests")
        self._chains: dict[str, int] = {}
        self._judged: (
            tuple[tuple[bytes, str | None, str | None], str | ConfigError | None, str | EvidenceError | None] | None
        ) = None
        self._slow: dict[str, ConfigError] = {}
        self.answered = 0

    def judge(self, hops: list[Answer], place: Callable[[], str]) -> str | None:
        """Judge what one request got; return why it is no good sample, or None.

        A wrong header or body is a failed check, not a failed sample: its time was measured.
        """
        answer = hops[-1]
        where = place if len(hops) == 1 else lambda: f"{place()}, hop {len(hops) - 1}"
        if self._target.max_redirects and answer.sent_ns and (len(hops) > 1 or fault_code(answer.error) == "redirect"):
            self._redirects.add(answer.error is None, lambda: f"{place()}: {answer.error}")
            chain = self._chain(hops)
            self._chains[chain] = self._chains.get(chain, 0) + 1
        if answer.error is not None:
            place_in_chain = "" if len(hops) == 1 else f"hop {len(hops) - 1}: "
            return Fault(place_in_chain + answer.error, fault_code(answer.error))
        self.answered += 1
        if self._target.http_version == "2":
            self._protocol.add(answer.protocol == "HTTP/2", lambda: f"{where()}: {answer.protocol}")
        met = answer.status in self._target.statuses
        self._status.add(met, lambda: f"{where()}: {self._status_text(answer)}")
        if not met:
            return Fault(f"HTTP {answer.status}, expected {self._status.expected}", "unexpected_status")
        self._judge_headers(answer, where)
        self._judge_body(answer, where)
        return None

    def rows(self, target: str, *, sent: int, most: str | None) -> list[dict[str, Any]]:
        """Return all rows; ``sent`` requests in all, ``most`` being their most frequent fault."""
        rows = [self._status_row(target, sent, most)]
        nothing = "no request gave the expected status"
        if self._target.http_version == "2":
            rows.append(self._protocol.row(target, nothing="no request was answered"))
        if self._target.max_redirects:
            rows.append(self._redirect_row(target))
        rows += [tally.row(target, nothing=nothing) for tally in self._headers.values()]
        if self._body.expected:
            rows.append(self._body.row(target, nothing=nothing))
        if self._validator is not None:
            rows.append(self._schema.row(target, nothing=nothing))
        return rows

    def _judge_headers(self, answer: Answer, place: Callable[[], str]) -> None:
        for name, wanted in self._target.expect_headers.items():
            found = answer.headers.get(name)
            met = (found is not None) == (wanted is not False)
            if met and isinstance(wanted, str) and found is not None:
                try:
                    met = self._matches(wanted, found, f"expect_headers.{name}")
                except ConfigError as slow:
                    self._headers[name].skip(slow.what)
                    continue
            shown = "absent" if found is None else repr(redact_text(found, self._secrets)[:100])
            if found is not None and is_secret_name(name):
                shown = "a value that is kept secret"
            self._headers[name].add(met, lambda shown=shown: f"{place()}: {shown}")  # type: ignore[misc]

    def _judge_body(self, answer: Answer, place: Callable[[], str]) -> None:
        target = self._target
        if target.method == "HEAD" or not (self._body.expected or self._validator is not None):
            return
        # Most answers are equal: judging each anew would delay the next request.
        content = (answer.body, answer.headers.get("Content-Encoding"), answer.headers.get("Content-Type"))
        if self._judged is None or self._judged[0] != content:
            self._judged = (content, *self._faults(answer))
        _, fault, broken = self._judged
        if isinstance(fault, ConfigError):
            self._body.skip(fault.what)
        elif self._body.expected:
            self._body.add(fault is None, lambda: f"{place()}: {fault}")
        if isinstance(broken, EvidenceError):
            self._schema.skip(broken.what)
        elif self._validator is not None:
            self._schema.add(broken is None, lambda: f"{place()}: {broken}")

    def _matches(self, pattern: str, text: str, key: str) -> bool:
        """Say whether an expression is found; one that once took too long is not tried again."""
        if pattern in self._slow:
            raise self._slow[pattern]
        try:
            return is_found(pattern, text, where=key, limit_s=min(self._target.timeout_s, LONGEST_SEARCH_S))
        except ConfigError as slow:
            self._slow[pattern] = slow
            raise

    def _body_fault(self, text: str) -> str | ConfigError | None:
        if not self._body.expected:
            return None
        if self._target.expect_match in self._slow:
            return self._slow[self._target.expect_match]
        try:
            return body_fault(self._target, text)
        except ConfigError as slow:
            self._slow[str(self._target.expect_match)] = slow
            return slow

    def _faults(self, answer: Answer) -> tuple[str | ConfigError | None, str | EvidenceError | None]:
        try:
            text = decode_body(answer.body, answer.headers)
        except ValueError as error:
            undecoded = f"the body cannot be decoded: {error}"
            return undecoded, undecoded
        fault = self._body_fault(text)
        if self._validator is None:
            return fault, None
        try:
            return fault, schema_fault(self._validator, text)
        except EvidenceError as error:
            return fault, error

    def _status_row(self, target: str, sent: int, most: str | None) -> dict[str, Any]:
        row = self._status.row(target)
        unanswered = sent - self.answered
        if not unanswered:
            return row
        note = f"{unanswered:,} of {sent:,} requests got no answer: {most}"
        if not self.answered:
            lost = {"outcome": "fail", "observed": f"0 of {sent:,} requests", "detail": note}
            return row | lost | {"failed": sent}
        row["observed"] = f"{self._status.met:,} of {self.answered:,} answers"
        row["detail"] = f"{row['detail']}; {note}" if row["detail"] else note
        return row

    def _redirect_row(self, target: str) -> dict[str, Any]:
        row = self._redirects.row(target, nothing="no request was redirected")
        if not self._redirects.seen and self.answered:
            # That nothing was redirected keeps the limit.
            return row | {"outcome": "pass", "observed": "no redirect"}
        if self._chains and not row["detail"]:
            most = max(self._chains, key=lambda chain: (self._chains[chain], chain))
            others = len(self._chains) - 1
            row["detail"] = most + (f"; and {others} other ways" if others else "")
        return row

    def _chain(self, hops: list[Answer]) -> str:
        urls = [redact_text(redact_url(hop.url), self._secrets)[:100] for hop in hops]
        return ", ".join(f"{url} {hop.status or 'failed'}" for url, hop in zip(urls, hops, strict=True))

    def _status_text(self, answer: Answer) -> str:
        location = answer.headers.get("Location")
        if location is None:
            return f"HTTP {answer.status}"
        there = _joined(answer.url, location)
        loop = ", a loop to itself" if there == answer.url else ""
        return f"HTTP {answer.status}, redirect to {redact_url(there)}{loop}"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _header_words(wanted: str | bool) -> str:  # noqa: FBT001 - it is what the configuration holds
    if isinstance(wanted, str):
        return f"matches {wanted}"
    return "present" if wanted else "absent"
