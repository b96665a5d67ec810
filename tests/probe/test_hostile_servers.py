"""Servers that misbehave: each fault gives rows with a reason, within the time allowed, and never hangs."""

import base64
import contextlib
import gzip
import hashlib
import socket
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import h2.config
import h2.connection
import pytest

from stabkit.config import WebSocketTarget
from stabkit.probe.http import bodies, exchange
from stabkit.probe.rounds import run_rounds
from stabkit.probe.websocket.websocket_probe import WebSocketProbe

TIMEOUT_S = 1.0


@pytest.fixture
def bounded(probe_http):
    """Probe in a thread of its own, so that a hang fails the test instead of the whole run."""

    def measure(url: str, **settings):
        found: list = []
        options = {"timeout_s": TIMEOUT_S, "requests": 2, **settings}
        thread = threading.Thread(target=lambda: found.append(probe_http(url, **options)), daemon=True)
        thread.start()
        thread.join(30)
        assert found, "the probe hangs"
        return found[0]

    return measure


def after_request(*steps):
    """Answer one request by steps: bytes to send, or callables that get the connection."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        for step in steps:
            if callable(step):
                step(connection)
            else:
                connection.sendall(step)

    return talk


def forever(block: bytes, pause_s: float = 0.0):
    def send(connection: socket.socket) -> None:
        while True:
            connection.sendall(block)
            time.sleep(pause_s)

    return send


def wait(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(65_536):
            pass


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    wait(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


OK = b"HTTP/1.1 200 OK\r\n"
CLOSED_EARLY = "the server closed the connection before the body was complete"
NO_ANSWER = "the server closed the connection without an answer"

FAULTS = {
    "accepts and is silent": (after_request(wait), f"timed out after {TIMEOUT_S:g} s in waiting for the answer"),
    "half-closed before the answer": (after_request(half_close), NO_ANSWER),
    "half-closed in the headers": (after_request(OK + b"X-A: ", half_close), NO_ANSWER),
    "half-closed in the body": (after_request(OK + b"Content-Length: 9\r\n\r\nab", half_close), CLOSED_EARLY),
    "reset": (after_request(reset), "connection reset by the server"),
    "slow body": (
        after_request(OK + b"Content-Length: 10000\r\n\r\n", forever(b"x", 0.05)),
        f"timed out after {TIMEOUT_S:g} s in reading the body",
    ),
    "endless body": (after_request(OK + b"\r\n", forever(b"x" * 65_536)), "larger than 1 MiB, or has no end"),
    "endless chunks": (
        after_request(OK + b"Transfer-Encoding: chunked\r\n\r\n", forever(b"10000\r\n" + b"x" * 65_536 + b"\r\n")),
        "larger than 1 MiB, or has no end",
    ),
    "endless tiny chunks": (
        after_request(OK + b"Transfer-Encoding: chunked\r\n\r\n", forever(b"1\r\nx\r\n" * 500)),
        "(?:larger than 1 MiB, or has no end|timed out after 1 s in reading the body)",
    ),
    "a chunk of absurd size": (
        after_request(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n", half_close),
        "not a valid HTTP answer",
    ),
    "1 MB of headers": (
        after_request(OK + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n", half_close),
        "headers are too large",
    ),
    "endless headers": (after_request(OK, forever(b"X-Many: x\r\n" * 1000)), "headers are too large"),
    "endless interim answers": (
        after_request(forever(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)),
        f"timed out after {TIMEOUT_S:g} s in waiting for the answer",
    ),
    "endless interim answers, slowly": (
        after_request(forever(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.05)),
        f"timed out after {TIMEOUT_S:g} s in waiting for the answer",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(serve, bounded, monkeypatch, fault) -> None:
    monkeypatch.setattr(exchange, "MAX_BODY_BYTES", 2**20)
    talk, reason = FAULTS[fault]
    evidence = bounded(serve(talk).url())
    samples = evidence["samples"]
    assert len(samples) == 2
    assert not samples["ok"].any()
    assert not samples["error"].iloc[0].startswith("not sent")
    assert samples["error"].str.contains(f"{reason}|not sent").all(), samples["error"].tolist()
    assert samples["response_ms"].isna().all()
    assert evidence["checks"]["outcome"].tolist() == ["fail"]
    assert evidence["sources"]["status"].tolist() == ["error"]


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ({"expired": True}, "certificate has expired"),
        ({"self_signed": True}, "self-signed certificate"),
        ({"hosts": ("other.example",)}, "IP address mismatch"),
    ],
)
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_certificates(serve, answering, http_answer, authority, bounded, check_of, flaw, reason, version) -> None:
    server = serve(answering(http_answer()), authority.context(**flaw))
    evidence = bounded(server.url(), ca_file=str(authority.ca_file), http_version=version)
    assert evidence["samples"]["error"].str.contains(reason).all()
    assert check_of(evidence, "certificate")["outcome"] == "fail"


def test_redirects_without_end_and_slow_ones(serve, answering, http_answer, bounded, authority) -> None:
    def onward(number: int, _request: bytes) -> bytes:
        time.sleep(0.15)
        return http_answer(b"", status="302 Found", headers=f"Location: /{number}\r\n")

    samples = bounded(serve(answering(onward)).url(), max_redirects=20, requests=1, ca_file=str(authority.ca_file))[
        "samples"
    ]
    whole = samples[samples["metric"] == "response_time"]
    # One deadline covers all hops.
    assert "timed out after 1 s" in whole["error"].iloc[0]
    assert 1 <= (samples["metric"] == "redirect_hop").sum() <= 10


@pytest.mark.parametrize("layers", [1, 2])
def test_gzip_bomb(serve, answering, http_answer, bounded, check_of, monkeypatch, layers) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 2**20)
    body = b"0" * 2**24
    for _ in range(layers):
        body = gzip.compress(body)
    coding = ", ".join(["gzip"] * layers)
    evidence = bounded(
        serve(answering(http_answer(body, headers=f"Content-Encoding: {coding}\r\n"))).url(), expect_text="x"
    )
    row = check_of(evidence, "body")
    assert row["outcome"] == "fail"
    assert ("grows beyond 1 MiB" if layers == 1 else "was not asked for") in row["detail"]


def http2_flood(act):
    """Speak HTTP/2 until a request comes, then do as told."""

    def talk(connection: socket.socket) -> None:
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while not any(type(e).__name__ == "RequestReceived" for e in state.receive_data(connection.recv(65_536))):
            pass
        act(state, connection)

    return talk


def endless_data(state, connection) -> None:
    state.send_headers(1, [(":status", "200")])
    while True:
        size = min(state.local_flow_control_window(1), 16_384)
        if size:
            state.send_data(1, b"x" * size)
        connection.sendall(state.data_to_send())
        if size < 16_384:
            state.receive_data(connection.recv(65_536))


def large_headers(state, connection) -> None:
    block = b"\x00\x01x\x7f\xc1\xbd\x3c" + b"x" * 1_000_000  # a literal field of one megabyte
    frames = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
    for number, part in enumerate(frames):
        kind, flags = (1 if number == 0 else 9), (4 if number == len(frames) - 1 else 0)
        connection.sendall(len(part).to_bytes(3, "big") + bytes([kind, flags]) + (1).to_bytes(4, "big") + part)
    wait(connection)


def ping_flood(state, connection) -> None:
    while True:
        state.ping(b"12345678")
        connection.sendall(state.data_to_send())


def go_away(state, connection) -> None:
    state.close_connection(error_code=11)
    connection.sendall(state.data_to_send())
    wait(connection)


def reset_stream(state, connection) -> None:
    state.reset_stream(1, error_code=2)
    connection.sendall(state.data_to_send())
    wait(connection)


@pytest.mark.parametrize(
    "act", [endless_data, large_headers, ping_flood, go_away, reset_stream], ids=lambda a: a.__name__
)
def test_http2_fault(serve, bounded, monkeypatch, act) -> None:
    monkeypatch.setattr(exchange, "MAX_BODY_BYTES", 2**20)
    samples = bounded(serve(http2_flood(act)).url(), http_version="2", requests=1)["samples"]
    assert not samples["ok"].any()
    assert samples["error"].str.len().between(10, 300).all(), samples["error"].tolist()


SERVER = """
import os, signal, socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
left = iter(range(20))
def talk(connection):
    while connection.recv(65536):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
while True:
    threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.mark.parametrize("connections", [1, 2])
def test_a_server_killed_in_mid_run(bounded, check_of, connections) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        evidence = bounded(f"http://127.0.0.1:{port}/", requests=100, rate=100, connections=connections)
        process.kill()  # it has killed itself, unless nobody asked
    samples = evidence["samples"]
    assert len(samples) == 100
    assert 10 <= samples["ok"].sum() <= 20
    assert not samples["ok"].iloc[-1]
    assert samples["error"].dropna().str.contains("connection re|closed the connection|timed out|not sent").all()
    # What was answered was right; that so many were not is a failure rate of its own, judged by its condition.
    assert "requests got no answer" in check_of(evidence, "status")["detail"]
    assert "requests failed" in evidence["sources"].iloc[0]["message"]


def upgraded(*steps):
    """Accept the upgrade by hand, offering compression, then go on as :func:`after_request` does."""

    def talk(connection: socket.socket) -> None:
        lines = connection.recv(65_536).split(b"\r\n")
        key = next(line.split(b": ")[1] for line in lines if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        for step in steps:
            if callable(step):
                step(connection)
            else:
                connection.sendall(step)

    return talk


def frame(first: int, payload: bytes) -> bytes:
    return bytes([first, 127]) + len(payload).to_bytes(8, "big") + payload


def deflated(size: int) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(b"0" * size) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


SOCKET_FAULTS = {
    "half-closed": (upgraded(half_close), "closed with 1006: unexpected end of stream"),
    "endless fragments": (
        upgraded(frame(0x01, b"x" * 65_536), forever(frame(0x00, b"x" * 65_536))),
        "exceeds limit of 4194304 bytes",
    ),
    "deflate bomb": (upgraded(frame(0xC1, deflated(2**26)), wait), "exceeds limit of 4194304 bytes"),
    "reserved opcode": (upgraded(frame(0x83, b"?"), wait), "invalid opcode"),
    "not UTF-8": (upgraded(frame(0x81, b"\xff\xfe"), wait), "closed with 1006: 1007"),
    "a frame of absurd size": (
        upgraded(b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", wait),
        "exceeds limit of 4194304 bytes",
    ),
    "masked frames": (upgraded(b"\x81\x81\x00\x00\x00\x00x", wait), "incorrect masking"),
    "half an answer to the upgrade": (
        after_request(b"HTTP/1.1 101 Switching", half_close),
        "not a valid WebSocket answer",
    ),
    "slow answer to the upgrade": (after_request(forever(b"H", 0.05)), "timed out after 1 s in the upgrade"),
    "endless answer to the upgrade": (
        after_request(b"HTTP/1.1 101 Switching Protocols\r\n", forever(b"X-Many: x\r\n" * 1000)),
        "timed out after 1 s in the upgrade|not a valid WebSocket answer",
    ),
}


def probe_socket(server, **settings):
    url = f"ws://127.0.0.1:{server.port}/"
    target = WebSocketTarget(url=url, sessions=1, rate=50, listen_ms=400, timeout_s=TIMEOUT_S, **settings)
    found: list = []

    def measure() -> None:
        probe = WebSocketProbe("events", target, url=url, root=Path())
        found.append(run_rounds({"x": [probe]}, rounds=1, seed=1)["x"])

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    thread.join(30)
    assert found, "the probe hangs"
    return found[0]


@pytest.mark.parametrize("fault", SOCKET_FAULTS)
def test_socket_fault(serve, fault) -> None:
    talk, reason = SOCKET_FAULTS[fault]
    evidence = probe_socket(serve(talk), until_type="end")
    failed = evidence["samples"][~evidence["samples"]["ok"]]
    assert len(failed)
    assert failed["error"].str.contains(reason, case=False).all(), failed["error"].tolist()
    assert "pass" not in set(evidence["checks"].query("check != 'connection'")["outcome"])


@pytest.mark.parametrize("flood", [b"\x89\x00" * 20, frame(0x81, b"{}") * 20], ids=["pings", "messages"])
def test_socket_flood_ends_at_the_deadline(serve, flood) -> None:
    evidence = probe_socket(serve(upgraded(forever(flood, 0.001))), until_type="end")
    sessions = evidence["samples"].query("metric == 'session_time'")
    assert not sessions["ok"].any()
    assert sessions["error"].str.contains("'end' expected, not seen").all(), sessions["error"].tolist()


def test_a_close_without_hanging_up_is_a_close(serve, check_of) -> None:
    evidence = probe_socket(serve(upgraded(b"\x88\x02" + (4001).to_bytes(2, "big"), wait)), expect_close=4001)
    assert check_of(evidence, "close code")["outcome"] == "pass"
