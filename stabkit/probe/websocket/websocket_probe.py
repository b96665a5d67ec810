"""WebSocket probes: sessions on a fixed schedule, their times in stages, and their contract."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final
from urllib.parse import SplitResult

import httpcore
import pandas as pd

from stabkit.config import WebSocketTarget
from stabkit.paths import expanded
from stabkit.probe.credentials import checked_url, from_environment, proxy_of, request_headers, with_query
from stabkit.probe.tally import Tally, one_line
from stabkit.probe.tls import TlsFacts, client_context
from stabkit.probe.websocket.contracts import ContractTallies, event_type, parse
from stabkit.probe.websocket.conversation import Record, run_session
from stabkit.probe.websocket.outgoing import outgoing
from stabkit.probe.websocket.sequences import Event
from stabkit.redact import redact_text, redact_url, secret_parts, url_secrets
from stabkit.schema import Evidence
from stabkit.sources import fault_code

__all__ = ["WebSocketProbe"]

_MOST_AT_ONCE: Final = 500  # open sessions; more run into the usual limit of 1024 descriptors
_MOST_EVENTS: Final = 250_000  # rows of events in all sessions; a server that floods would fill the store
_MOST_TYPES: Final = 100  # event types with rows of their own; a hostile server could send any number


class WebSocketProbe:
    """One WebSocket endpoint, probed in sessions on schedule.

    Parameters
    ----------
    name : str
        The configured name.
    target : WebSocketTarget
        Sessions per round, rate, messages to send, contract.
    url : str
        The endpoint of this side; overrides ``target.url``.
    root : Path
        Folder that relative paths start from.

    Notes
    -----
    Each session gives one ``connect_time`` (due time to upgraded; the upgrade itself is in ``first_byte_ms``), and,
    where messages came or were owed, one ``first_message_time`` and one ``session_time`` (due time to the last
    message). Each message that owes a reply gives one ``round_trip_time``, each ping one ``ping_time``. How long a
    session without an end listens is the prober's choice and is not measured. Each event gives one row of the metric
    ``event:<type>`` with its arrival after the connection was made in ``value``. The first session of a round is a
    warm-up.
    """

    def __init__(self, name: str, target: WebSocketTarget, *, url: str, root: Path) -> None:
        self.target = name
        self.planned = target.sessions
        self._settings = target
        self._url = url
        self._root = root
        self._where = f"websocket.{name}"
        self._parts = SplitResult("ws", "", "", "", "")
        self._headers: dict[str, str] = {}
        self._secrets: tuple[str, ...] = ()
        self._context: ssl.SSLContext | None = None
        self._proxy: httpcore.Proxy | None = None
        self._sent = target
        self._sent_url = url
        self._anchor_ns = 0
        self._due = 0
        self._sessions = 0
        self._rows: list[dict[str, Any]] = []
        self._counts: dict[str, int] = {}
        self._events = 0
        self._untold_events = 0
        self._untold_types = 0
        self._connection = Tally("connection", f"upgraded within {target.timeout_s:g} s", "sessions")
        self._contract = ContractTallies(target, None)
        self._tls = TlsFacts(
            name, "tls", minimum_days=target.certificate_days_left, minimum_version=target.tls_min_version
        )
        self._errors: dict[str, int] = {}

    def open(self) -> None:
        """Check the settings; nothing is sent yet.

        Raises
        ------
        ConfigError
            The URL, a header, the proxy, the CA file, a message or the schema file cannot be used as configured.
        """
        target = self._settings
        self._parts = checked_url(self._url, schemes=("ws", "wss"), where=self._where)
        self._headers, secrets = request_headers(
            target.headers, target.headers_env, target.headers_command, where=self._where, root=self._root
        )
        self._proxy, login = proxy_of(target.proxy, target.proxy_auth_env, where=self._where)
        self._secrets = (*secrets, *login, *url_secrets(self._url))
        if self._parts.scheme == "wss":
            ca_file = None if target.ca_file is None else self._root / expanded(target.ca_file)
            self._context = client_context(verify=target.verify, ca_file=ca_file, where=self._where)
        messages, hidden = outgoing(target.send, where=self._where)
        self._sent_url, shown = with_query(self._url, target.query_env, where=self._where)
        tokens = [
            from_environment(v, where=f"{self._where}.subprotocols_env", what="a subprotocol")
            for v in target.subprotocols_env
        ]
        self._secrets = (*self._secrets, *hidden, *shown, *(part for token in tokens for part in secret_parts(token)))
        self._sent = target.model_copy(update={"send": messages, "subprotocols": (*target.subprotocols, *tokens)})
        validator = None
        if target.event is not None and target.event.schema_file is not None:
            from stabkit.probe.payload_schema import PayloadSchema

            validator = PayloadSchema(
                self._root / expanded(target.event.schema_file), f"{self._where}.event.schema_file"
            )
        self._contract = ContractTallies(target, validator, self._secrets)
        self._anchor_ns = time.time_ns() - perf_counter_ns()

    def run(self, round_number: int) -> None:
        """Run one round of sessions; each that fails is a sample with ``ok = false``."""
        target = self._settings
        period_ns = int(1e9 / target.rate)
        if target.warmup_sessions and not self._due:
            _run_loop(self._round([Record(0, round_number, n) for n in range(target.warmup_sessions)], period_ns))
        self._due += target.sessions
        records = [Record(0, round_number, number) for number in range(target.sessions)]
        try:
            _run_loop(self._round(records, period_ns))
        finally:
            # Also after an interrupt: the sessions that had ended are evidence.
            for record in records:
                if record.done:
                    self._absorb(record)

    def close(self) -> None:
        """Nothing stays open between rounds."""

    def evidence(self) -> Evidence:
        """Return the samples and checks so far and one sources row."""
        checks: list[dict[str, Any]] = []
        if self._sessions:
            checks.append(self._connection.row(self.target))
            checks += self._tls_rows()
            connected = self._connection.met > 0
            checks += self._contract.rows(self.target, why=None if connected else "no session could be connected")
        samples = pd.DataFrame(self._rows)
        if len(samples):
            samples["due_at"] = pd.to_datetime(samples["due_at"], utc=True, unit="ns")
        return Evidence.of(sources=pd.DataFrame([self._source()]), samples=samples, checks=pd.DataFrame(checks))

    async def _round(self, records: list[Record], period_ns: int) -> None:
        slots = asyncio.Semaphore(_MOST_AT_ONCE)
        start_ns = perf_counter_ns() + 1_000_000

        async def one(record: Record) -> None:
            await asyncio.sleep(max(record.due_ns - perf_counter_ns(), 0) / 1e9)
            async with slots:
                await run_session(
                    record,
                    self._sent,
                    url=self._sent_url,
                    parts=self._parts,
                    headers=self._headers,
                    context=self._context,
                    proxy=self._proxy,
                    secrets=self._secrets,
                )

        async with asyncio.TaskGroup() as group:
            for record in records:
                record.due_ns = start_ns + record.number * period_ns
                group.create_task(one(record))

    def _absorb(self, record: Record) -> None:
        self._sessions += 1
        self._connection.add(
            record.error is None, f"round {record.round_number}, session {record.number}: {record.error}"
        )
        self._tls.note(record.tls, record.certificate_fault)
        self._add_connect(record)
        if record.error is not None:
            self._errors[record.error] = self._errors.get(record.error, 0) + 1
            return
        if record.abnormal is not None:
            record.abnormal = one_line(redact_text(record.abnormal, self._secrets), 300)
            self._errors[record.abnormal] = self._errors.get(record.abnormal, 0) + 1
        events, faults = parse(record)
        self._contract.add(record, events, faults)
        self._add_messages(record)
        self._add_round_trips(record)
        self._add_events(record, events)

    def _add_connect(self, record: Record) -> None:
        if record.error is not None:
            self._add(record, "connect_time", error=record.error)
            return
        self._add(
            record,
            "connect_time",
            until_ns=record.connected_ns,
            dns_ms=record.dns_ms,
            connect_ms=record.connect_ms,
            tls_ms=record.tls_ms,
            first_byte_ms=record.upgrade_ms,
            status=101,
        )

    def _add_messages(self, record: Record) -> None:
        """Add first_message_time and session_time, where messages came or were owed."""
        target = self._settings
        contract = target.event
        owed = bool(
            (contract and contract.types)
            or target.sequence
            or target.until_type
            or any(message.reply_within_ms for message in target.send)
        )
        if record.messages:
            self._add(record, "first_message_time", until_ns=record.messages[0][0])
        elif owed:
            self._add(record, "first_message_time", error=record.abnormal or self._unseen("message"))
        error = record.abnormal
        if error is None and target.until_type is not None and not record.reached_end:
            error = self._unseen(repr(target.until_type)) if record.deadline else "closed before the last event"
        if error is None and not record.messages and owed:
            error = self._unseen("message")
        if error is not None:
            self._add(record, "session_time", error=error, status=record.close_code)
        elif record.messages:
            self._add(record, "session_time", until_ns=record.messages[-1][0], status=record.close_code)

    def _add_round_trips(self, record: Record) -> None:
        """Add round_trip_time of each message that is answered, and ping_time of each ping; a missing one failed."""
        owed = sum(message.reply_within_ms is not None for message in self._settings.send)
        for sent_ns, came_ns in record.replies:
            self._add_trip(record, "round_trip_time", (came_ns - sent_ns) / 1e6, due_ns=sent_ns)
        for _ in range(owed - len(record.replies)):
            self._add(record, "round_trip_time", error=record.abnormal or self._unseen("reply"))
        for trip_ms in record.pings:
            if trip_ms is None:
                self._add(record, "ping_time", error=f"no pong in {self._settings.pong_within_ms:g} ms")
            else:
                self._add_trip(record, "ping_time", trip_ms)

    def _add_trip(self, record: Record, metric: str, trip_ms: float, *, due_ns: int | None = None) -> None:
        due_at = self._anchor_ns + (record.due_ns if due_ns is None else due_ns)
        self._add(record, metric, service_ms=trip_ms, response_ms=trip_ms, due_at=due_at)

    def _unseen(self, what: str) -> str:
        return f"{what} expected, not seen in {self._settings.listen_ms / 1000:g} s"

    def _add_events(self, record: Record, events: list[Event]) -> None:
        type_field = self._settings.event.type_field if self._settings.event else "type"
        for event in events:
            kind = event_type(event, type_field)
            if kind is None:
                continue
            metric = f"event:{one_line(redact_text(kind, self._secrets), 80)}"
            if metric not in self._counts and len(self._counts) >= _MOST_TYPES:
                self._untold_types += 1
                continue
            if self._events >= _MOST_EVENTS:
                self._untold_events += 1
                continue
            self._events += 1
            self._add(record, metric, value=event.at_ms, unit="ms")

    def _add(
        self, record: Record, metric: str, *, until_ns: int | None = None, error: str | None = None, **more: Any
    ) -> None:
        count = self._counts.get(metric, 0)
        self._counts[metric] = count + 1
        ok = error is None
        row: dict[str, Any] = {
            "target": self.target,
            "metric": metric,
            "round": record.round_number,
            "sequence": count,
            "due_at": self._anchor_ns + record.due_ns,
            "connection": "fresh",
            # With one session a round, each would be the first of its series, and none left to judge.
            "warmup": ok and record.number == 0 and (self._settings.sessions > 1 or record.round_number == 0),
            "ok": ok,
            "error": error,
            **more,
        }
        if until_ns is not None:
            row["service_ms"] = (until_ns - record.started_ns) / 1e6
            row["response_ms"] = (until_ns - record.due_ns) / 1e6
            # Sessions do not wait for each other, so whatever is late is so by the prober's own fault.
            row["late_ms"] = row["own_late_ms"] = max(record.started_ns - record.due_ns, 0) / 1e6
        self._rows.append(row)

    def _tls_rows(self) -> list[dict[str, Any]]:
        encrypted = self._parts.scheme == "wss"
        if not encrypted and self._settings.require_tls:
            why = "the URL begins with ws://"
            return [self._tls.unchecked(why, expected="wss://", outcome="fail", observed="not encrypted")]
        return self._tls.rows(encrypted=encrypted, now=datetime.now(UTC))

    def _source(self) -> dict[str, Any]:
        status, notes, most = "ok", [], None
        if self._errors:
            most = max(self._errors, key=lambda text: (self._errors[text], text))
            failed = sum(self._errors.values())
            notes.append(f"{failed:,} of {self._sessions:,} sessions failed, most often: {most}")
        if self._untold_types:
            notes.append(f"{self._untold_types:,} events of further types were judged but have no rows")
        if self._untold_events:
            status = "partial"
            notes.append(
                f"{self._untold_events:,} events after the first {_MOST_EVENTS:,} were judged but have no rows"
            )
        if self._sessions < self._due:
            status = "partial"
            notes.insert(0, f"interrupted after {self._sessions:,} of {self._due:,} sessions")
        if not self._connection.met:
            status = "error"
            notes = notes or ["no session was made"]
        return {
            "kind": "websocket",
            "format": "probe",
            "path": redact_url(self._url),
            "rows": len(self._rows),
            "status": status,
            "message": "; ".join(notes) or None,
            "cause": notes[0] if len(notes) > 1 else None,
            "fault": fault_code(most),
        }


def _run_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, also where a loop runs already, as in a notebook's kernel."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(coroutine)
        return
    failures: list[BaseException] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        await coroutine

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller
            failures.append(error)

    thread = threading.Thread(target=work, name="websocket probe")
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        # The signal reaches the waiting thread only; the sessions must end before their records are read.
        for loop, task in running:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if failures:
        raise failures[0]
