"""WebSocket probes against real servers, their contract and their faults."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.datastructures import Headers

from stabkit.config import EventContract, SequenceRule, WebSocketTarget
from stabkit.errors import ConfigError
from stabkit.probe.rounds import Interrupted, run_rounds
from stabkit.probe.websocket import conversation as sessions
from stabkit.probe.websocket.websocket_probe import WebSocketProbe
from stabkit.schema import Evidence


class SocketServer:
    """A WebSocket server in a thread of its own."""

    def __init__(self, talk, context, subprotocols=None) -> None:
        self._subprotocols = subprotocols
        self.scheme = "wss" if context else "ws"
        self.headers: list[Headers] = []
        self._talk = talk
        self._context = context
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async def talk(connection: ServerConnection) -> None:
            self.headers.append(connection.request.headers)
            await self._talk(connection)

        self._end = asyncio.Event()
        settings = {"ssl": self._context, "close_timeout": 0.2, "subprotocols": self._subprotocols}
        async with serve_websocket(talk, "127.0.0.1", 0, **settings) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._end.wait()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}/"

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(5)


@pytest.fixture
def speak() -> Iterator[Callable[..., SocketServer]]:
    """Start servers that send the given messages to each connection, or hold the given conversation."""
    servers: list[SocketServer] = []

    def start(conversation, context=None, *, stay: bool = False, subprotocols=None) -> SocketServer:
        async def say(connection: ServerConnection) -> None:
            for message in conversation:
                await connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
            if stay:  # then only the deadline ends the session
                await connection.wait_closed()

        servers.append(SocketServer(conversation if callable(conversation) else say, context, subprotocols))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def measure(url: str, *, rounds: int = 1, root: Path = Path(), **settings: object) -> Evidence:
    target = WebSocketTarget(url=url, **{"sessions": 2, "rate": 100, "listen_ms": 5000, "timeout_s": 5, **settings})
    probe = WebSocketProbe("events", target, url=url, root=root)
    return run_rounds({"candidate": [probe]}, rounds=rounds, seed=1)["candidate"]


def check(evidence: Evidence, name: str):
    rows = evidence["checks"].query("check == @name")
    assert len(rows) == 1, evidence["checks"][["check", "outcome", "detail"]].to_string()
    return rows.iloc[0]


def metric(evidence: Evidence, name: str):
    return evidence["samples"].query("metric == @name").reset_index(drop=True)


FLOW = [{"type": "a", "id": 1, "ts": 1}, {"type": "b", "id": 2, "ts": 2}, {"type": "c", "id": 3, "ts": 3, "x": None}]


def test_session_times_and_events(speak) -> None:
    evidence = measure(speak(FLOW).url("localhost"), sessions=3, rounds=2, until_type="c")
    connect, first, session = (metric(evidence, f"{what}_time") for what in ("connect", "first_message", "session"))
    for rows in (connect, first, session):
        assert len(rows) == 6
        assert rows["ok"].all()
        assert rows["sequence"].tolist() == list(range(6))
        assert rows["warmup"].tolist() == [True, False, False] * 2
        assert (rows["connection"] == "fresh").all()
        assert np.allclose(rows["response_ms"], rows["service_ms"] + rows["late_ms"])
    assert (connect["response_ms"] <= first["response_ms"]).all()
    assert (first["response_ms"] <= session["response_ms"]).all()
    assert connect[["dns_ms", "connect_ms", "first_byte_ms"]].notna().all(axis=None)
    assert connect["tls_ms"].isna().all()
    assert (connect[["dns_ms", "connect_ms", "first_byte_ms"]].sum(axis=1) <= connect["service_ms"]).all()
    arrivals = metric(evidence, "event:b")
    assert len(arrivals) == 6
    assert (arrivals["unit"] == "ms").all()
    assert (arrivals["value"] <= metric(evidence, "event:c")["value"]).all()
    assert session["status"].tolist() == [1000] * 6
    assert check(evidence, "connection")["observed"] == "6 of 6 sessions"
    assert check(evidence, "frames are JSON")["observed"] == "18 of 18 messages"
    source = evidence["sources"].iloc[0]
    assert (source["kind"], source["status"], source["rows"]) == ("websocket", "ok", len(evidence["samples"]))


def test_sessions_start_on_schedule_though_others_still_listen(speak) -> None:
    open_now, most = [], []

    async def talk(connection: ServerConnection) -> None:
        open_now.append(connection)
        most.append(len(open_now))
        await connection.send(json.dumps(FLOW[0]))
        await connection.wait_closed()
        open_now.remove(connection)

    evidence = measure(speak(talk).url(), sessions=10, rate=50, listen_ms=600)
    connect, session, event = (metric(evidence, name) for name in ("connect_time", "session_time", "event:a"))
    due_ms = connect["due_at"].astype("int64").to_numpy() / 1000
    assert np.allclose(np.diff(due_ms), 20, atol=0.01)
    assert max(most) > 1
    # It ends with the last message: how long the prober listens after that is no property of the target.
    assert np.allclose(session["response_ms"], connect["response_ms"] + event["value"])


def contract(**settings: object) -> EventContract:
    return EventContract(**{"required": ("type", "id"), "types": ("a", "b", "c"), **settings})


def test_contract_kept(speak, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    (tmp_path / "event.json").write_text(json.dumps(schema))
    event = contract(id_field="id", time_field="ts", schema_file="event.json", unknown_type="fail")
    rule = SequenceRule(name="flow", steps=("a", "b", "c"), mode="strict", gap_ms=5000)
    evidence = measure(speak(FLOW).url(), root=tmp_path, event=event, sequence=(rule,))
    checks = evidence["checks"]
    assert checks["check"].tolist() == [
        "connection",
        "frames are JSON",
        "event a",
        "event b",
        "event c",
        "field type",
        "field id",
        "schema",
        "type known",
        "ids unique",
        "sender time",
        "sequence flow",
    ]
    assert (checks["outcome"] == "pass").all()
    assert check(evidence, "field id")["observed"] == "6 of 6 events"


def test_each_missing_field_by_its_name_and_null_is_present(speak) -> None:
    messages = [{"type": "a", "id": None}, {"type": "b"}, {"type": "c", "id": 3, "data": {}}]
    event = contract(required=("type", "id", "data.user"))
    evidence = measure(speak(messages).url(), sessions=1, event=event)
    assert check(evidence, "field type")["outcome"] == "pass"
    row = check(evidence, "field id")
    assert (row["outcome"], row["observed"]) == ("fail", "2 of 3 events")
    assert row["detail"] == "round 0, session 0, event 1 (b): id is missing"
    assert check(evidence, "field data.user")["observed"] == "0 of 3 events"


def test_absence_is_a_failure(speak) -> None:
    evidence = measure(
        speak(FLOW[:2], stay=True).url(),
        sessions=1,
        listen_ms=200,
        event=contract(),
        until_type="c",
        sequence=(SequenceRule(steps=("b", "c")),),
    )
    row = check(evidence, "event c")
    assert row["outcome"] == "fail"
    assert row["detail"] == "round 0, session 0: expected, not seen in 0.2 s"
    assert "step 'c' was expected, not seen in 0.2 s" in check(evidence, "sequence sequence")["detail"]
    session = metric(evidence, "session_time").iloc[0]
    assert not session["ok"]
    assert session["error"] == "'c' expected, not seen in 0.2 s"
    assert np.isnan(session["response_ms"])
    assert metric(evidence, "connect_time")["ok"].all()


def test_silence_passes_nothing(speak) -> None:
    evidence = measure(speak([], stay=True).url(), listen_ms=200, event=contract(types=()))
    assert check(evidence, "event any")["outcome"] == "fail"
    assert check(evidence, "field id")["outcome"] == "not_checked"
    assert check(evidence, "frames are JSON")["outcome"] == "not_checked"
    owed = measure(speak([], stay=True).url(), listen_ms=200, event=contract())
    assert not metric(owed, "first_message_time")["ok"].any()
    nothing_owed = measure(speak([], stay=True).url(), listen_ms=200)
    assert set(nothing_owed["samples"]["metric"]) == {"connect_time"}


def test_failed_connection_leaves_the_rest_unchecked(closed_port) -> None:
    rule = SequenceRule(steps=("a",))
    evidence = measure(f"ws://127.0.0.1:{closed_port}/", event=contract(), sequence=(rule,), rounds=2)
    outcomes = evidence["checks"].set_index("check")["outcome"]
    assert outcomes["connection"] == "fail"
    assert (outcomes.drop("connection") == "not_checked").all()
    assert len(outcomes) == 8
    samples = evidence["samples"]
    assert len(samples) == 4
    assert samples["error"].str.contains("connection refused").all()
    assert samples[["response_ms", "service_ms", "late_ms", "connect_ms"]].isna().all(axis=None)
    assert evidence["sources"].iloc[0]["status"] == "error"


def test_frames_that_are_no_json_objects(speak) -> None:
    messages = ["not json", b"\xff\xfe\x00", "[1]", "[" * 100_000, "NaN", {"type": "a", "id": 1}]
    evidence = measure(speak(messages).url(), sessions=1, event=contract(types=("a",)))
    row = check(evidence, "frames are JSON")
    assert (row["outcome"], row["observed"]) == ("fail", "1 of 6 messages")
    assert "round 0, session 0, event 0: not JSON" in row["detail"]
    assert "and 2 more" in row["detail"]
    assert check(evidence, "field id")["outcome"] == "pass"


def test_schema_violation_names_its_path(speak, tmp_path: Path) -> None:
    schema = {"properties": {"at": {"format": "date-time"}, "user": {"properties": {"age": {"minimum": 0}}}}}
    (tmp_path / "s.json").write_text(json.dumps(schema))
    event = contract(types=(), schema_file="s.json")
    messages = [
        {"type": "a", "user": {"age": -1}},
        {"type": "a", "at": "yesterday"},
        {"type": "a", "at": "2025-09-14T12:24:00Z"},
    ]
    row = check(measure(speak(messages).url(), root=tmp_path, sessions=1, event=event), "schema")
    assert row["observed"] == "1 of 3 events"
    assert "event 0 (a): $.user.age: -1 is less than the minimum of 0" in row["detail"]
    assert "$.at: 'yesterday' is not a 'date-time'" in row["detail"]


def test_duplicate_ids_unknown_types_and_sender_time(speak) -> None:
    messages = [
        {"type": "a", "id": 1, "ts": "2025-09-14T12:24:00Z"},
        {"type": "b", "id": 1, "ts": "2025-09-14T14:23:59+02:00"},
        {"type": "z", "id": 2},
        {"id": 3, "ts": "soon"},
    ]
    event = contract(types=("a", "b"), id_field="id", time_field="ts", unknown_type="fail")
    evidence = measure(speak(messages).url(), sessions=1, event=event)
    assert "event 1 (b): id 1 was event 0" in check(evidence, "ids unique")["detail"]
    assert check(evidence, "type known")["observed"] == "2 of 4 events"
    time_row = check(evidence, "sender time")
    assert "event 1 (b): 1000 ms before event 0" in time_row["detail"]
    assert "'soon' is no time" in time_row["detail"]
    # An event that lost its type does not escape the contract; one of another allowed type has its own.
    assert "event 3 (no type): type is missing" in check(evidence, "field type")["detail"]
    allowed = measure(speak(messages).url(), sessions=1, event=contract(types=("a", "b")))
    assert check(allowed, "field id")["observed"] == "3 of 3 events"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(json.dumps({"echo": message}))


def test_replies(speak) -> None:
    send = ({"json": {"op": "subscribe"}, "reply_within_ms": 1000}, {"text": "plain", "reply_within_ms": 1000})
    evidence = measure(speak(echo).url(), listen_ms=300, send=send, event=contract(types=()))
    assert check(evidence, "reply")["observed"] == "4 of 4 replies"
    # The acknowledgements have no type; they are replies, not events with a missing field.
    assert check(evidence, "field type")["outcome"] == "not_checked"


def test_reply_that_never_comes(speak) -> None:
    send = ({"text": "hello", "reply_within_ms": 50},)
    row = check(measure(speak([], stay=True).url(), listen_ms=200, send=send, sessions=1), "reply")
    assert row["outcome"] == "fail"
    assert row["detail"] == "round 0, session 0, message 0: expected, not seen in 50 ms"


async def parrot(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_round_trips(speak) -> None:
    evidence = measure(
        speak(parrot).url(), listen_ms=1000, send=[{"json": {"n": 1}, "reply_within_ms": 900}] * 2, until_type="none"
    )
    trips = metric(evidence, "round_trip_time")
    assert trips["ok"].tolist() == [True] * 4
    assert (trips["response_ms"] == trips["service_ms"]).all()
    assert (trips["response_ms"] < 900).all()
    assert (trips["due_at"].to_numpy() >= metric(evidence, "connect_time")["due_at"].repeat(2).to_numpy()).all()
    silent = measure(speak([], stay=True).url(), listen_ms=100, send=[{"json": {}, "reply_within_ms": 50}])
    assert metric(silent, "round_trip_time")["error"].tolist() == ["reply expected, not seen in 0.1 s"] * 2


def test_subprotocols(speak) -> None:
    chosen = measure(speak(FLOW, subprotocols=["orders.v2", "orders.v1"]).url(), subprotocols=["orders.v1"])
    assert check(chosen, "subprotocol")["outcome"] == "pass"
    none = measure(speak(FLOW).url(), subprotocols=["orders.v1", "orders.v0"])
    row = check(none, "subprotocol")
    assert (row["outcome"], row["expected"]) == ("fail", "orders.v1 or orders.v0")
    assert "round 0, session 0: none was chosen" in row["detail"]


def test_pings(speak) -> None:
    evidence = measure(speak([], stay=True).url(), listen_ms=400, ping_every_ms=50)
    times = metric(evidence, "ping_time")
    assert 1 <= len(times) <= 16  # of two sessions
    assert times["ok"].all()
    assert check(evidence, "pings")["outcome"] == "pass"
    gone = measure(speak(FLOW).url(), listen_ms=250, ping_every_ms=200)  # the server closes before the first
    assert check(gone, "pings")["outcome"] == "not_checked"
    assert "no session lasted until a ping" in check(gone, "pings")["detail"]


def test_pings_without_pong(serve) -> None:
    def talk(connection: socket.socket) -> None:
        key = next(
            line[19:] for line in connection.recv(10_000).split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key")
        )
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while connection.recv(10_000):
            pass

    url = f"ws://127.0.0.1:{serve(talk).port}/"
    evidence = measure(url, sessions=1, listen_ms=250, ping_every_ms=50, pong_within_ms=60)
    assert metric(evidence, "ping_time")["error"].iloc[0] == "no pong in 60 ms"
    assert "round 0, session 0, ping 0: no pong" in check(evidence, "pings")["detail"]


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [(4001, "pass", None), (1000, "fail", "session 0: 1000"), (None, "fail", "expected, not seen in 0.2 s")],
)
def test_close_codes(speak, code, outcome, words) -> None:
    async def talk(connection: ServerConnection) -> None:
        if code is None:
            await connection.wait_closed()
        else:
            await connection.close(code)

    row = check(measure(speak(talk).url(), listen_ms=200, expect_close=4001), "close code")
    assert row["outcome"] == outcome
    assert words is None or words in row["detail"]


def test_many_sessions_at_once(speak) -> None:
    evidence = measure(speak(parrot).url(), sessions=100, rate=500, listen_ms=1000, send=[{"json": {"type": "a"}}])
    assert check(evidence, "connection")["observed"] == "100 of 100 sessions"
    assert len(metric(evidence, "event:a")) == 100
    connect = metric(evidence, "connect_time")
    assert (connect["own_late_ms"] == connect["late_ms"]).all()


def test_tls_version_and_days_left(speak, authority) -> None:
    url = speak(FLOW, authority.context()).url("localhost")
    evidence = measure(url, ca_file=str(authority.ca_file), tls_min_version="1.3", certificate_days_left=60)
    assert check(evidence, "tls version")["outcome"] == "pass"
    assert check(evidence, "tls")["outcome"] == "fail"
    assert check(evidence, "tls")["expected"] == "trusted and valid, at least 60 days left"


def test_late_reply(speak) -> None:
    async def slow(connection: ServerConnection) -> None:
        async for _ in connection:
            await asyncio.sleep(0.1)
            await connection.send("{}")

    send = ({"text": "hello", "reply_within_ms": 30},)
    row = check(measure(speak(slow).url(), listen_ms=300, send=send, sessions=1), "reply")
    assert row["outcome"] == "fail"
    assert row["detail"].startswith("round 0, session 0, message 0: took ")


def test_sequence_too_late_to_finish_is_not_checked(speak) -> None:
    rule = SequenceRule(name="flow", steps=("a", "d"), total_ms=60_000)
    row = check(measure(speak(FLOW, stay=True).url(), listen_ms=300, sequence=(rule,)), "sequence flow")
    assert row["outcome"] == "not_checked"
    assert "may take 60 s" in row["detail"]


def test_abnormal_close(speak) -> None:
    async def fail(connection: ServerConnection) -> None:
        await connection.send(json.dumps(FLOW[0]))
        await connection.close(1011, "database gone")

    evidence = measure(speak(fail).url(), event=contract())
    session = metric(evidence, "session_time")
    assert not session["ok"].any()
    assert (session["error"] == "closed with 1011: database gone").all()
    assert session["status"].tolist() == [1011, 1011]
    assert check(evidence, "event a")["outcome"] == "pass"
    assert check(evidence, "event b")["outcome"] == "fail"


def test_connection_cut_without_goodbye(speak) -> None:
    async def cut(connection: ServerConnection) -> None:
        await connection.send("{}")
        connection.transport.abort()

    session = metric(measure(speak(cut).url()), "session_time")
    assert session["status"].tolist() == [1006, 1006]
    assert session["error"].str.startswith("closed with 1006: ").all()
    assert session["error"].str.len().min() > len("closed with 1006: ")


def test_too_large_message_and_session(speak, monkeypatch) -> None:
    monkeypatch.setattr(sessions, "MAX_MESSAGE_BYTES", 1000)
    session = metric(measure(speak(["x" * 2000]).url()), "session_time")
    assert session["error"].str.contains("1009|too big|exceeds").all(), session["error"].tolist()
    monkeypatch.setattr(sessions, "MAX_SESSION_BYTES", 2**20)
    monkeypatch.setattr(sessions, "MAX_MESSAGE_BYTES", 2**20)
    session = metric(measure(speak(["x" * 300_000] * 20).url()), "session_time")
    assert (session["error"] == "more than 1 MiB in one session").all()


def test_flood_of_small_messages_has_a_limit(speak, monkeypatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSION_MESSAGES", 40)
    monkeypatch.setattr("stabkit.probe.websocket.websocket_probe._MOST_EVENTS", 100)
    flood = speak([{"type": "tick", "n": i} for i in range(5_000)])

    evidence = measure(flood.url(), sessions=4)

    assert (metric(evidence, "session_time")["error"] == "more than 40 messages in one session").all()
    assert len(metric(evidence, "event:tick")) == 100
    source = evidence["sources"].iloc[0]
    assert source["status"] == "partial"
    assert "64 events after the first 100 were judged but have no rows" in source["message"]


def test_sessions_of_a_round_share_the_room_for_messages(speak, monkeypatch) -> None:
    monkeypatch.setattr(sessions, "MAX_ROUND_MESSAGES", 20)
    session = metric(measure(speak([{"type": "tick"}] * 500).url(), sessions=4), "session_time")

    assert (session["error"] == "more than 5 messages in one session").all()


def test_flood_of_types_has_a_limit(speak) -> None:
    evidence = measure(speak([{"type": f"t{i}"} for i in range(300)]).url(), sessions=1)
    assert evidence["samples"]["metric"].nunique() <= 100
    assert "events of further types" in evidence["sources"].iloc[0]["message"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "HTTP 503 instead of the upgrade"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/x?token=abc\r\nContent-Length: 0\r\n\r\n",
            "HTTP 302 instead of the upgrade, redirect to ws://127.0.0.1/x?token=***",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP 200 instead of the upgrade"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "not a valid WebSocket answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "not a valid WebSocket answer"),
        (b"", "not a valid WebSocket answer"),
    ],
)
def test_refused_upgrades(serve, reply: bytes, error: str) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(10_000)

    evidence = measure(f"ws://127.0.0.1:{serve(talk).port}/")
    assert evidence["samples"]["error"].str.startswith(error).all(), evidence["samples"]["error"].tolist()
    assert check(evidence, "connection")["outcome"] == "fail"


def test_server_that_never_upgrades(serve) -> None:
    gate = threading.Event()
    evidence = measure(f"ws://127.0.0.1:{serve(lambda _: gate.wait(5)).port}/", timeout_s=0.2)
    gate.set()
    assert (evidence["samples"]["error"] == "timed out after 0.2 s in the upgrade").all()


def test_tls(speak, authority) -> None:
    server = speak(FLOW, authority.context())
    evidence = measure(server.url("localhost"), ca_file=str(authority.ca_file), require_tls=True)
    assert metric(evidence, "connect_time")[["dns_ms", "connect_ms", "tls_ms", "first_byte_ms"]].notna().all(axis=None)
    row = check(evidence, "tls")
    assert row["outcome"] == "pass"
    assert "TLSv1.3, issuer stabkit test authority" in row["detail"]
    unverified = measure(server.url(), verify=False, require_tls=True)
    assert unverified["samples"]["ok"].all()
    assert check(unverified, "tls")["outcome"] == "not_checked"


@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        ({"expired": True}, "certificate has expired"),
        ({"self_signed": True}, "self-signed certificate"),
        ({"hosts": ("other.example",)}, "certificate is not valid for '127.0.0.1'"),
    ],
)
def test_faulty_certificates_keep_the_reason(speak, authority, faulty: dict, reason: str) -> None:
    server = speak(FLOW, authority.context(**faulty))
    evidence = measure(server.url(), ca_file=str(authority.ca_file), event=contract())
    assert evidence["samples"]["error"].str.contains(reason).all()
    assert check(evidence, "tls")["outcome"] == "fail"
    assert reason in check(evidence, "tls")["observed"]
    assert check(evidence, "connection")["outcome"] == "fail"
    assert check(evidence, "event a")["outcome"] == "not_checked"


def test_required_tls_on_a_plain_url(speak) -> None:
    row = check(measure(speak(FLOW).url(), require_tls=True), "tls")
    assert (row["outcome"], row["observed"]) == ("fail", "not encrypted")


def test_secrets_and_proxies(speak, monkeypatch, closed_port) -> None:
    monkeypatch.setenv("SHOP_KEY", "hunter22")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port}")
    server = speak([{"type": "hunter22"}])
    evidence = measure(server.url(), headers_env={"Authorization": "SHOP_KEY"})
    assert server.headers[0]["Authorization"] == "hunter22"
    assert evidence["samples"]["ok"].all()
    for name in evidence:
        assert "hunter22" not in evidence[name].to_csv()


def test_what_a_server_repeats_of_a_secret_is_in_no_row(speak, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOP_KEY", "Bearer hunter22")
    (tmp_path / "event.json").write_text(json.dumps({"properties": {"id": {"type": "integer"}}}))
    said = "you are hunter22 of s3same"
    events = [{"type": said, "id": said, "ts": said, "k": said}, {"type": said, "id": said}, "hunter22 " * 40]
    server = speak(events)
    contract = EventContract(
        unknown_type="fail", id_field="id", time_field="ts", schema_file="event.json", required=("x",)
    )
    evidence = measure(
        f"{server.url()}?api_key=s3same",
        root=tmp_path,
        headers_env={"Authorization": "SHOP_KEY"},
        event=contract,
        sequence=(SequenceRule(steps=("a", "b"), key="k"), SequenceRule(steps=("a",), mode="strict")),
    )
    assert server.headers[0]["Authorization"] == "Bearer hunter22"
    assert check(evidence, "schema")["detail"].count("***")
    for name in evidence:
        told = evidence[name].to_csv()
        assert "hunter22" not in told, told
        assert "s3same" not in told, told


@pytest.mark.parametrize("secure", [False, True])
def test_proxy(speak, open_proxy, authority, monkeypatch, secure) -> None:
    monkeypatch.setenv("PROXY_LOGIN", "ann:hunter22")
    server = speak(FLOW, authority.context() if secure else None)
    proxy = open_proxy("ann:hunter22")
    evidence = measure(
        server.url("localhost"),
        proxy=proxy.url(),
        proxy_auth_env="PROXY_LOGIN",
        ca_file=authority.ca_file,
        until_type="c",
    )
    connect = metric(evidence, "connect_time")
    assert evidence["samples"]["ok"].all(), evidence["samples"]["error"].tolist()
    assert connect[["connect_ms", "first_byte_ms"]].notna().all(axis=None)
    assert connect["tls_ms"].notna().all() == secure
    assert len(proxy.seen) == 2
    assert proxy.seen[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\nHost: localhost:".encode())
    assert "Proxy-Authorization" not in server.headers[0]
    for name in evidence:
        assert "hunter22" not in evidence[name].to_csv()


def test_proxies_that_refuse_or_fail(speak, serve, open_proxy, closed_port, monkeypatch) -> None:
    def errors(port: int) -> set[str]:
        found = measure(url, proxy=f"http://127.0.0.1:{port}", proxy_auth_env="PROXY_LOGIN", timeout_s=0.5)
        return set(found["samples"]["error"])

    def saying(answer: bytes) -> int:
        return serve(lambda connection: (connection.recv(65_536), connection.sendall(answer))).port

    monkeypatch.setenv("PROXY_LOGIN", "ann:hunter22")
    url = speak(FLOW).url()
    assert errors(open_proxy("bob:other").server.port) == {"the proxy refused: 407 Proxy Authentication Required"}
    assert errors(closed_port) == {"proxy: connection refused: nothing listens there"}
    assert errors(saying(b"HTTP/1.1 403 not hunter22\r\n\r\n")) == {"the proxy refused: 403 not ***"}
    assert errors(saying(b"SSH-2.0\r\n\r\n")) == {"the proxy refused: it does not speak HTTP"}
    assert errors(saying(b"HTTP/1.1 200 OK\r\n")) == {"the proxy refused: it closed the connection"}
    assert errors(saying(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000)) == {"the proxy refused: its answer has no end"}
    silent = serve(lambda connection: connection.recv(65_536) and connection.recv(1))
    assert errors(silent.port) == {"proxy: timed out after 0.5 s in waiting for the tunnel"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "ws:///no-host"}, "absolute URL"),
        ({"url": "ws://ann:hunter2@host/"}, "user information"),
        ({"headers": {"Cookie": "a=b"}}, "headers_env"),
        ({"headers_env": {"X-Key": "NO_SUCH_VARIABLE"}}, "NO_SUCH_VARIABLE"),
        ({"proxy": "http://ann:hunter2@127.0.0.1:1"}, "user information"),
        ({"proxy": "http://127.0.0.1:1", "proxy_auth_env": "NO_SUCH_VARIABLE"}, "user:password"),
        ({"send": ({"reply_within_ms": 5},)}, "needs either json or text"),
        ({"send": ({"json": {1: {2}}},)}, "Not JSON"),
        ({"event": EventContract(schema_file="missing.json")}, "cannot be read"),
    ],
)
def test_unusable_settings(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        measure(settings.pop("url", "ws://127.0.0.1/"), **settings)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", '{"type": 5}', "[]", '"x"'])
def test_unusable_schema(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ConfigError):
        measure("ws://127.0.0.1/", root=tmp_path, event=EventContract(schema_file="s.json"))


def test_runs_inside_a_running_loop(speak) -> None:
    # As in a notebook's kernel.
    url = speak(FLOW).url()

    async def cell() -> Evidence:
        return measure(url)

    assert asyncio.run(cell())["samples"]["ok"].all()


@pytest.mark.parametrize("in_notebook", [False, True])
def test_interrupt_keeps_ended_sessions(speak, in_notebook: bool) -> None:
    numbers = iter(range(100))

    async def talk(connection: ServerConnection) -> None:
        if next(numbers) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        else:
            await connection.send(json.dumps(FLOW[2]))
        await connection.wait_closed()

    url = speak(talk).url()
    target = WebSocketTarget(url=url, sessions=4, rate=20, until_type="c", listen_ms=3000)
    sides = {"candidate": [WebSocketProbe("events", target, url=url, root=Path())]}

    def run() -> None:
        run_rounds(sides, rounds=3, seed=1)

    async def cell() -> None:
        run()

    def run_in_notebook() -> None:
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            loop.run_until_complete(cell())

    with pytest.raises(Interrupted) as caught:
        run_in_notebook() if in_notebook else run()
    evidence = caught.value.evidence["candidate"]
    assert len(metric(evidence, "connect_time")) in (1, 2)
    assert evidence["sources"].iloc[0]["status"] == "partial"


def test_nothing_measured_is_an_error() -> None:
    target = WebSocketTarget(url="ws://127.0.0.1/")
    evidence = WebSocketProbe("events", target, url=target.url, root=Path()).evidence()
    assert evidence["sources"].iloc[0]["status"] == "error"
    assert len(evidence["checks"]) == 0


def test_hostile_payloads_break_nothing(speak, tmp_path: Path) -> None:
    deep = '{"type": "a", "id": ' + '{"x":' * 400 + "1" + "}" * 400 + "}"
    recursive = {"additionalProperties": {"$ref": "#"}}
    (tmp_path / "s.json").write_text(json.dumps(recursive))
    messages = [
        deep,
        '{"type": "a", "id": NaN}',
        '{"type": "a", "id": 1, "ts": ' + "9" * 400 + "}",
        '{"type": "a", "id": 1, "ts": 1e999}',
        '{"type": "\\ud800", "id": 2}',
        '{"type": {"type": "a"}}',
        '{"type": "a", "id": 5, "ts": "9999-12-31T23:59:59-14:00"}',
        '{"type": "a", "id": ' + "9" * 5000 + "}",
    ]
    event = contract(types=(), id_field="id", time_field="ts", schema_file="s.json")
    rule = SequenceRule(steps=("a",), key="id")
    evidence = measure(speak(messages).url(), sessions=1, root=tmp_path, event=event, sequence=(rule,))
    assert check(evidence, "frames are JSON")["observed"] == "6 of 8 messages"
    assert "the id is no text or number" in check(evidence, "ids unique")["detail"]
    assert check(evidence, "sender time")["observed"] == "1 of 3 events"
    assert check(evidence, "field type")["outcome"] == "pass"


def test_reference_out_of_the_schema_is_not_loaded(speak, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"properties": {"id": {"$ref": "http://127.0.0.1:1/x.json"}}}')
    event = contract(schema_file="s.json")
    row = check(measure(speak(FLOW).url(), root=tmp_path, event=event), "schema")
    assert row["outcome"] == "not_checked"
    assert "http://127.0.0.1:1/x.json" in row["detail"]
