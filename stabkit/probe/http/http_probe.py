"""HTTP probes: what a user waits for, on a fixed schedule, in stages.

Request i of a round is due at ``t0 + i / rate``, whatever became of request i - 1. ``response_ms`` runs from the due
time to the last byte, so that a stall is felt by every request that it delays.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

import httpx
import pandas as pd

from stabkit.config import HttpTarget
from stabkit.errors import ConfigError
from stabkit.paths import expanded
from stabkit.probe.credentials import checked_url, literal_secrets, proxy_of, request_headers, with_query
from stabkit.probe.http.exchange import Answer, Caller, Plan
from stabkit.probe.http.expectations import Expectations
from stabkit.probe.http.payload import body_secrets, request_body
from stabkit.probe.http.schedule import Schedule, run_together
from stabkit.probe.tls import TlsFacts, client_context
from stabkit.probe.transport import MeasuredTransport
from stabkit.redact import redact_url, url_secrets
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code

__all__ = ["HttpProbe"]

_SPARE_NS: Final = 1_000_000_000  # services keep idle connections for seconds at least


@dataclass
class _Worker:
    """One connection of the schedule, and what it did last in this round."""

    caller: Caller
    opened_before: bool = False
    free_ns: int = 0


class HttpProbe:
    """One HTTP endpoint, probed on schedule over one or several long-lived connections.

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
    failed sample. A sample that opened a connection has ``connection = 'fresh'``, any other ``'reused'``. An ok
    sample is a warm-up if it opened a connection and the request before it on the same connection did not: the opener
    of a reused connection, and the first of a round's series of fresh ones. So is one that opens a spare connection
    anew: unused for a second or more, while the service kept another one alive. A service that closes every
    connection so has all its openers judged but the first of each.

    A request that was redirected has further rows, one for each hop, of the metric ``redirect_hop``, with the request's
    own ``sequence``; the stages are in them, as those of two hops do not add up to stages of one.
    """

    def __init__(self, name: str, target: HttpTarget, *, url: str, root: Path) -> None:
        self.target = name
        self.planned = target.requests
        self._settings = target
        self._url = url
        self._root = root
        self._where = f"http.{name}"
        self._sent_url = url
        self._plan = Plan(target.method, url, {})
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._anchor_ns = 0
        self._rows: list[dict[str, Any]] = []
        self._hops: list[dict[str, Any]] = []
        self._due = 0
        self._resent = 0
        self._rounds = 0
        self._fresh_before = False
        self._reused_ns = 0
        self._tls = TlsFacts(
            name, "certificate", minimum_days=target.certificate_days_left, minimum_version=target.tls_min_version
        )
        self._errors: dict[str, int] = {}
        self._warm = target.warming
        self._expectations = Expectations(target, None, ())

    def open(self) -> None:
        """Check the settings and make the connections' callers; nothing is sent yet.

        Raises
        ------
        ConfigError
            The URL, a header, the body, the proxy, the CA file or the schema cannot be used as configured.
        """
        target = self._settings
        parts = checked_url(self._url, schemes=("http", "https"), where=self._where)
        self._sent_url, hidden = with_query(self._url, target.query_env, where=self._where)
        proxy, login = proxy_of(target.proxy, target.proxy_auth_env, where=self._where)
        self._plan = self._make_plan((*login, *hidden))
        try:
            self._plan.request()
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise ConfigError(f"No request can be made of this: {error}.", where=self._where) from error
        context = None
        if parts.scheme == "https" or target.max_redirects:
            ca_file = None if target.ca_file is None else self._root / expanded(target.ca_file)
            context = client_context(verify=target.verify, ca_file=ca_file, where=self._where)
        transport = partial(
            MeasuredTransport,
            context,
            reuse=target.connection == "reused",
            hosts=1 + target.max_redirects,
            http2=target.http_version == "2",
            plain_http2=target.http_version == "2" and parts.scheme == "http",
            proxy=proxy,
        )
        self._workers = [_Worker(Caller(self._plan, transport())) for _ in range(target.most_connections)]
        validator = None
        if target.expect_schema is not None:
            from stabkit.probe.payload_schema import PayloadSchema

            validator = PayloadSchema(self._root / expanded(target.expect_schema), f"{self._where}.expect_schema")
        self._expectations = Expectations(target, validator, self._plan.secrets)
        self._anchor_ns = time.time_ns() - perf_counter_ns()

    def run(self, round_number: int) -> None:
        """Send one round of requests; each that fails is a sample with ``ok = false``."""
        target = self._settings
        if self._warm and not self._rounds:
            warming = Schedule(self._warm, target.rate)
            self._serve_all(warming, None, 0)
        self._due += target.requests
        self._fresh_before = False
        schedule = Schedule(target.requests, target.rate)
        first = self._rounds * target.requests
        self._serve_all(schedule, round_number, first)
        self._rounds += 1

    def close(self) -> None:
        """Close the connections."""
        for worker in self._workers:
            worker.caller.close()

    def evidence(self) -> Evidence:
        """Return the samples and checks so far and one sources row."""
        checks = []
        with self._lock:
            if self._rows:
                most = self._most_frequent_error()
                checks = self._expectations.rows(self.target, sent=len(self._rows), most=most)
                checks += self._tls.rows(encrypted=self._url.lower().startswith("https:"), now=datetime.now(UTC))
            rows = sorted(self._rows, key=lambda row: row["sequence"])
            rows += sorted(self._hops, key=lambda row: (row["sequence"], row["hop"]))
            source = self._source()
        samples = pd.DataFrame(rows)
        if len(samples):
            samples["due_at"] = pd.to_datetime(samples["due_at"], utc=True, unit="ns")
        return Evidence.of(sources=pd.DataFrame([source]), samples=samples, checks=pd.DataFrame(checks))

    def _make_plan(self, login: tuple[str, ...]) -> Plan:
        target = self._settings
        headers, secrets = request_headers(
            target.headers, target.headers_env, target.headers_command, where=self._where, root=self._root
        )
        content, media_type = request_body(target, root=self._root, where=self._where)
        usual = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "stabkit"}
        if target.http_version == "1.1":
            usual["Connection"] = "keep-alive"
        if media_type is not None:
            usual["Content-Type"] = media_type
        given = {name.lower() for name in headers}
        if target.body_env is not None and content is not None:
            secrets = (*secrets, *body_secrets(content), *literal_secrets(content))
        if target.body_env is None and content is not None:
            secrets = (*secrets, *literal_secrets(content))
        return Plan(
            target.method,
            self._sent_url,
            {**{name: value for name, value in usual.items() if name.lower() not in given}, **headers},
            content=content,
            timeout_s=target.timeout_s,
            max_redirects=target.max_redirects,
            through_proxy=target.proxy is not None,
            secret_headers=frozenset(name.lower() for name in (*target.headers_env, *target.headers_command)),
            secret_body=target.body_env is not None,
            secrets=(*secrets, *login, *url_secrets(self._url)),
        )

    def _serve_all(self, schedule: Schedule, round_number: int | None, first: int) -> None:
        for worker in self._workers:
            worker.free_ns = 0
        self._idle = [*self._workers]
        serve = partial(self._serve, schedule, round_number, first)
        run_together([serve] * len(self._workers), schedule)

    def _serve(self, schedule: Schedule, round_number: int | None, first: int) -> None:
        """Send what the schedule hands out, until it has no more; without a round, nothing is recorded.

        One thread at a time awaits the next due time; then the connection that was free last takes it, so that no
        more are opened than requests are under way.
        """
        timeout_s = self._settings.timeout_s
        while True:
            with self._turn:
                slot = schedule.take()
                if slot is None:
                    return
                position, due_ns = slot
                request = self._plan.request()
                if not schedule.wait(due_ns):
                    return
                worker = self._idle.pop()
            if (perf_counter_ns() - due_ns) / 1e9 > timeout_s:
                # Whoever asked then has given up by now. Without this bound a dead target would hold up the
                # collection for requests x timeout.
                hops = [Answer(error=f"not sent: earlier ones were unanswered {timeout_s:g} s past its due time")]
            else:
                hops = worker.caller.ask(request)
            if round_number is not None:
                with self._lock:
                    self._record(worker, round_number, first + position, due_ns, hops)
            worker.free_ns = hops[-1].ended_ns or worker.free_ns
            self._idle.append(worker)

    def _record(self, worker: _Worker, round_number: int, sequence: int, due_ns: int, hops: list[Answer]) -> None:
        begun, ended = hops[0], hops[-1]
        self._resent += any(hop.resent for hop in hops)
        opened = any(hop.opened for hop in hops)
        for hop in hops:
            self._tls.note(hop.session, hop.certificate_fault)
        error = self._expectations.judge(hops, lambda: f"round {round_number}, request {sequence}")
        ok = error is None
        row: dict[str, Any] = {
            "target": self.target,
            "metric": "response_time",
            "round": round_number,
            "sequence": sequence,
            "due_at": self._anchor_ns + due_ns,
            "connection": ("fresh" if opened else "reused") if begun.sent_ns else None,
            "protocol": ended.protocol,
            "warmup": ok and opened and self._is_first_opener(worker, begun.sent_ns),
            "ok": ok,
            "status": ended.status,
            "error": error,
        }
        if ok:
            row |= ended.stages if len(hops) == 1 else {}
            row["service_ms"] = (ended.ended_ns - begun.sent_ns) / 1e6
            row["response_ms"] = (ended.ended_ns - due_ns) / 1e6
            row["late_ms"] = max(begun.sent_ns - due_ns, 0) / 1e6
            row["own_late_ms"] = max(begun.sent_ns - max(due_ns, worker.free_ns), 0) / 1e6
        else:
            fault = error if error is not None else Fault("no answer")
            self._errors[fault] = self._errors.get(fault, 0) + 1
        if ok and not opened:
            self._reused_ns = ended.ended_ns
        worker.opened_before = opened
        self._fresh_before = self._fresh_before or opened
        self._rows.append(row)
        if len(hops) > 1:
            self._hops += [self._hop_row(row, number, hop) for number, hop in enumerate(hops) if hop.error is None]

    def _is_first_opener(self, worker: _Worker, sent_ns: int) -> bool:
        target = self._settings
        # With one request a round and connection, each fresh one would be the first of its series: none left to judge.
        if target.requests <= target.most_connections and self._rounds and target.connection == "fresh":
            return False
        if target.connection == "fresh":
            return not self._fresh_before
        spare = sent_ns - worker.free_ns >= _SPARE_NS and self._reused_ns > worker.free_ns
        return spare or not worker.opened_before

    @staticmethod
    def _hop_row(row: dict[str, Any], number: int, hop: Answer) -> dict[str, Any]:
        shared = {key: row[key] for key in ("target", "round", "sequence", "due_at", "warmup")}
        return {
            **shared,
            **hop.stages,
            "metric": "redirect_hop",
            "hop": number,
            "service_ms": (hop.ended_ns - hop.sent_ns) / 1e6,
            "connection": "fresh" if hop.opened else "reused",
            "protocol": hop.protocol,
            "ok": True,
            "status": hop.status,
            "error": None,
        }

    def _most_frequent_error(self) -> str | None:
        return max(self._errors, key=lambda text: (self._errors[text], text)) if self._errors else None

    def _source(self) -> dict[str, Any]:
        failed = sum(self._errors.values())
        status, notes = "ok", []
        if failed:
            most = self._most_frequent_error()
            notes.append(f"{failed:,} of {len(self._rows):,} requests failed, most often: {most}")
        if len(self._rows) < self._due:
            status = "partial"
            notes = [f"interrupted after {len(self._rows):,} of {self._due:,} requests"]
        if not self._expectations.answered:
            status, notes = "error", notes or ["no request was made"]
        if self._resent:
            notes.append(
                f"{self._resent:,} of {len(self._rows):,} requests were sent once more: "
                "the server had closed the idle connection"
            )
        if self._warm and self._rounds:
            notes.append(f"{self._warm:,} requests before the first round were warm-up and are not in it")
        return {
            "kind": "http",
            "format": "probe",
            "path": redact_url(self._url),
            "rows": len(self._rows),
            "status": status,
            "message": "; ".join(notes) or None,
            "cause": notes[0] if len(notes) > 1 else None,
            "fault": fault_code(self._most_frequent_error()),
        }
