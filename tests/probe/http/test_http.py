"""HTTP probes against real servers, polite and hostile ones."""

import gzip
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from stabkit.config import HttpTarget
from stabkit.errors import ConfigError
from stabkit.probe.http import bodies, exchange
from stabkit.probe.http.http_probe import HttpProbe
from stabkit.probe.rounds import run_rounds
from stabkit.schema import Evidence

TIMES = ["service_ms", "response_ms", "late_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms"]


def measure(url: str, *, rounds: int = 1, root: Path = Path(), **settings: object) -> Evidence:
    # One connection, unless a test is about several: then each request waits for the one before.
    target = HttpTarget(url=url, **{"requests": 3, "rate": 200, "timeout_s": 5, "connections": 1, **settings})
    return run_rounds({"candidate": [HttpProbe("api", target, url=url, root=root)]}, rounds=rounds, seed=1)["candidate"]


def check(evidence: Evidence, name: str):
    rows = evidence["checks"].query("check == @name")
    assert len(rows) == 1
    return rows.iloc[0]


def test_reused_connection(serve, answering, http_answer) -> None:
    server = serve(answering(http_answer()))
    evidence = measure(server.url(), requests=5, rounds=2)
    samples = evidence["samples"]
    assert server.accepted == 1
    assert samples["ok"].all()
    assert samples["connection"].tolist() == ["fresh"] + ["reused"] * 9
    assert samples["warmup"].tolist() == [True] + [False] * 9
    assert samples["round"].tolist() == [0] * 5 + [1] * 5
    assert samples["sequence"].tolist() == list(range(10))
    # Set-up stages of a reused connection are null, not 0; an address needs no resolution; http has no TLS.
    assert samples["connect_ms"].notna().tolist() == [True] + [False] * 9
    assert samples[["dns_ms", "tls_ms"]].isna().all(axis=None)
    assert (samples[["first_byte_ms", "transfer_ms"]] >= 0).all(axis=None)
    stages = samples[["connect_ms", "first_byte_ms", "transfer_ms"]].sum(axis=1)
    assert (stages <= samples["service_ms"]).all()
    assert check(evidence, "status")["observed"] == "10 of 10 requests"
    assert list(evidence["checks"]["check"]) == ["status"]
    source = evidence["sources"].iloc[0]
    assert (source["kind"], source["status"], source["rows"]) == ("http", "ok", 10)


def test_fresh_connections(serve, answering, http_answer) -> None:
    server = serve(answering(http_answer()))
    samples = measure(server.url("localhost"), connection="fresh", requests=4, rounds=2)["samples"]
    assert server.accepted == 8
    assert (samples["connection"] == "fresh").all()
    assert samples["warmup"].tolist() == [True, False, False, False] * 2
    assert samples[["dns_ms", "connect_ms"]].notna().all(axis=None)


def test_one_fresh_request_a_round_leaves_samples_to_judge(serve, answering, http_answer) -> None:
    server = serve(answering(http_answer()))
    samples = measure(server.url(), connection="fresh", requests=1, rounds=3)["samples"]
    assert samples["warmup"].tolist() == [True, False, False]


def test_server_that_closes_each_connection_is_seen_as_fresh(serve, answering, http_answer) -> None:
    server = serve(answering(http_answer(headers="Connection: close\r\n")))
    samples = measure(server.url(), requests=4)["samples"]
    assert (samples["connection"] == "fresh").all()
    assert samples["warmup"].tolist() == [True, False, False, False]


def test_stall_is_felt_by_all_requests_that_it_delays(serve, answering, http_answer) -> None:
    def answer(number: int, _request: bytes) -> bytes:
        if number == 3:
            time.sleep(0.3)
        return http_answer()

    samples = measure(serve(answering(answer)).url(), requests=30, rate=100)["samples"]
    assert samples["ok"].all()
    due_ms = samples["due_at"].astype("int64").to_numpy() / 1000
    assert np.allclose(np.diff(due_ms), 10, atol=0.01)  # the schedule does not wait for answers
    assert np.allclose(samples["response_ms"], samples["service_ms"] + samples["late_ms"])
    ended = due_ms[3] + samples["response_ms"][3]
    stalled = [i for i in range(4, 30) if due_ms[i] < ended]
    assert len(stalled) >= 20
    for i in stalled:
        assert samples["response_ms"][i] >= ended - due_ms[i] - 0.01
    # Timed from the send, all but one of them would look untouched.
    assert samples["service_ms"][stalled].median() < samples["response_ms"][stalled].median() / 2


def test_refused(closed_port) -> None:
    evidence = measure(f"http://127.0.0.1:{closed_port}/?token=hunter2", requests=4, rounds=2)
    samples = evidence["samples"]
    assert len(samples) == 8
    assert not samples["ok"].any()
    assert samples[TIMES].isna().all(axis=None)
    assert not samples["warmup"].any()  # a failure is never left out as warm-up
    assert samples["error"].str.contains("connection refused").all()
    assert check(evidence, "status")["outcome"] == "fail"
    assert check(evidence, "status")["observed"] == "0 of 8 requests"
    source = evidence["sources"].iloc[0]
    assert source["status"] == "error"
    assert "8 of 8 requests failed" in source["message"]
    assert "hunter2" not in source["path"]


def test_name_without_address(monkeypatch) -> None:
    # Asking a real resolver would leave the machine.
    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    samples = measure("http://shop.invalid/")["samples"]
    assert samples["error"].str.contains("host name could not be resolved: Name or service not known").all()


def test_dead_first_address_does_not_pose_as_a_slow_connect(monkeypatch, serve, answering, http_answer) -> None:
    server = serve(answering(http_answer()))
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*entry, ("127.0.0.2", server.port)), (*entry, ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    samples = measure(server.url("shop.invalid"), connection="fresh")["samples"]
    assert samples["ok"].all()
    assert samples["dns_ms"].notna().all()


def test_timeouts_are_bounded_and_no_latencies(serve) -> None:
    gate = threading.Event()
    evidence = measure(serve(lambda _: gate.wait(5)).url(), requests=50, rate=1000, timeout_s=0.2)
    gate.set()
    samples = evidence["samples"]
    assert samples["error"].iloc[0] == "timed out after 0.2 s in waiting for the answer"
    assert samples["error"].iloc[-1].startswith("not sent")
    assert samples[TIMES].isna().all(axis=None)
    assert len(samples) == 50
    # 50 timeouts one after the other would take 10 s; most requests are past their time before the first has ended.
    assert samples["error"].str.startswith("not sent").sum() > 40


def drip(connection: socket.socket, head: bytes) -> None:
    connection.recv(10_000)
    connection.sendall(head)
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("head", "stage"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", "waiting for the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "reading the body"),
    ],
)
def test_dripping_server_meets_the_deadline(serve, head: bytes, stage: str) -> None:
    # Each byte comes well within a timeout per read; the whole does not.
    server = serve(lambda connection: drip(connection, head))
    samples = measure(server.url(), requests=1, timeout_s=0.25)["samples"]
    assert samples["error"].tolist() == [f"timed out after 0.25 s in {stage}"]


def test_endless_body_is_cut(serve, monkeypatch) -> None:
    monkeypatch.setattr(exchange, "MAX_BODY_BYTES", 2**20)

    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    server = serve(talk)
    evidence = measure(server.url(), requests=2)
    assert evidence["samples"]["error"].str.contains("larger than 1 MiB, or has no end").all()
    assert evidence["samples"][TIMES].isna().all(axis=None)


def test_gzip_is_read_and_a_bomb_is_not_unpacked(serve, answering, http_answer, monkeypatch) -> None:
    packed = http_answer(gzip.compress(b'{"status": "healthy"}'), headers="Content-Encoding: gzip\r\n")
    evidence = measure(serve(answering(packed)).url(), expect_json={"status": "healthy"})
    assert check(evidence, "body")["outcome"] == "pass"

    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 2**20)
    bomb = http_answer(gzip.compress(b"0" * 2**24), headers="Content-Encoding: gzip\r\n")
    evidence = measure(serve(answering(bomb)).url(), expect_json={"status": "healthy"})
    assert check(evidence, "body")["outcome"] == "fail"
    assert "grows beyond 1 MiB" in check(evidence, "body")["detail"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", "the server closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "the server closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", "closed the connection before the body was"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "closed the connection before the body was"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "not a valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n", "not a valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 1_000_000 + b"\r\n\r\n", "headers are too large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 90_000 + b"\r\n", "headers are too large"),
    ],
)
def test_broken_answers(serve, reply: bytes, error: str) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(10_000)

    samples = measure(serve(talk).url())["samples"]
    assert not samples["ok"].any()
    assert samples["error"].str.contains(error).all(), samples["error"].tolist()
    assert samples["error"].str.len().max() <= 300


def test_server_killed_between_rounds(serve, answering, http_answer) -> None:
    server = serve(answering(http_answer()))
    target = HttpTarget(url=server.url(), requests=3, rate=200)
    probe = HttpProbe("api", target, url=server.url(), root=Path())
    probe.open()
    probe.run(0)
    server.stop()
    probe.run(1)
    probe.close()
    evidence = probe.evidence()
    assert evidence["samples"]["ok"].tolist() == [True] * 3 + [False] * 3
    status = check(evidence, "status")
    assert status["observed"] == "3 of 3 answers"
    assert "3 of 6 requests got no answer" in status["detail"]
    assert "3 of 6 requests failed" in evidence["sources"].iloc[0]["message"]


def test_unexpected_status_is_a_failed_sample(serve, answering, http_answer) -> None:
    def answer(number: int, _request: bytes) -> bytes:
        return http_answer(status="503 Service Unavailable") if number == 1 else http_answer()

    evidence = measure(serve(answering(answer)).url(), requests=4, expect_text="ok")
    samples = evidence["samples"]
    assert samples["ok"].tolist() == [True, False, True, True]
    assert samples["status"].tolist() == [200, 503, 200, 200]
    assert samples.loc[1, TIMES].isna().all()
    status = check(evidence, "status")
    assert (status["outcome"], status["observed"]) == ("fail", "3 of 4 requests")
    assert status["detail"] == "round 0, request 1: HTTP 503"
    assert check(evidence, "body")["observed"] == "3 of 3 requests"


def test_redirects_are_not_followed(serve, answering, http_answer) -> None:
    server = serve(answering(lambda *_: http_answer(status="302 Found", headers="Location: /\r\n")))
    evidence = measure(server.url())
    assert server.accepted == 1
    assert "a loop to itself" in check(evidence, "status")["detail"]
    assert check(evidence, "status")["outcome"] == "fail"
    expected = measure(server.url(), expect_status=302)
    assert expected["samples"]["ok"].all()
    assert check(expected, "status")["outcome"] == "pass"


@pytest.mark.parametrize(
    ("body", "outcome", "detail"),
    [
        (b'{"status": "healthy", "db": {"up": true}, "n": null}', "pass", None),
        (b'{"status": "healthy", "db": {"up": 1}, "n": null}', "fail", "db.up = 1, expected true"),
        (b'{"status": "healthy", "db": {"up": true}}', "fail", "n is missing"),
        (b'{"status": [[]], "db": {"up": true}, "n": null}', "fail", 'status = a list, expected "healthy"'),
        (b'{"status": NaN}', "fail", "NaN is not a JSON value"),
        (b"<html>", "fail", "not JSON"),
        (b"[" * 100_000, "fail", "not JSON"),
        (b"", "fail", "not JSON"),
        (b"\xff\xfe\x00", "fail", "not JSON"),
    ],
)
def test_body(serve, answering, http_answer, body: bytes, outcome: str, detail: str | None) -> None:
    expect = {"status": "healthy", "db.up": True, "n": None}
    evidence = measure(serve(answering(http_answer(body))).url(), expect_json=expect)
    row = check(evidence, "body")
    assert row["outcome"] == outcome
    assert row["observed"] == ("3 of 3 requests" if outcome == "pass" else "0 of 3 requests")
    if detail:
        assert detail in row["detail"]
    assert evidence["samples"]["ok"].all()


def test_verified_certificate(serve, answering, http_answer, authority) -> None:
    server = serve(answering(http_answer()), authority.context())
    evidence = measure(
        server.url("localhost"), root=authority.folder, ca_file="ca.pem", connection="fresh", certificate_days_left=14
    )
    assert evidence["samples"]["ok"].all()
    assert evidence["samples"][["dns_ms", "connect_ms", "tls_ms"]].notna().all(axis=None)
    row = check(evidence, "certificate")
    assert row["outcome"] == "pass"
    assert row["observed"] == "30 days left"
    assert "TLSv1.3, issuer stabkit test authority, valid until" in row["detail"]
    soon = measure(server.url(), ca_file=str(authority.ca_file), certificate_days_left=60)
    assert check(soon, "certificate")["outcome"] == "fail"


@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        ({"expired": True}, "certificate has expired"),
        ({"self_signed": True}, "self-signed certificate"),
        ({"hosts": ("other.example",)}, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
def test_faulty_certificates_keep_the_reason(serve, answering, http_answer, authority, faulty, reason: str) -> None:
    server = serve(answering(http_answer()), authority.context(**faulty))
    evidence = measure(server.url(), ca_file=str(authority.ca_file))
    assert evidence["samples"]["error"].tolist() == [f"certificate not accepted: {reason}"] * 3
    row = check(evidence, "certificate")
    assert (row["outcome"], row["observed"]) == ("fail", reason)
    # Without verification the requests work, and the certificate is not judged: never a pass.
    trusting = measure(server.url(), verify=False, certificate_days_left=1)
    assert trusting["samples"]["ok"].all()
    assert check(trusting, "certificate")["outcome"] == "not_checked"


def test_unknown_authority(serve, answering, http_answer, authority) -> None:
    server = serve(answering(http_answer()), authority.context())
    evidence = measure(server.url("localhost"))
    assert "unable to get local issuer certificate" in check(evidence, "certificate")["observed"]


def test_wrong_host_name(serve, answering, http_answer, authority) -> None:
    server = serve(answering(http_answer()), authority.context(("other.example",)))
    evidence = measure(server.url("localhost"), ca_file=str(authority.ca_file))
    assert "Hostname mismatch" in check(evidence, "certificate")["observed"]


def test_tls_and_plain_mixed_up(serve, answering, http_answer, authority) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(http_answer(status="400 Bad Request"))

    plain = serve(refuse)
    samples = measure(f"https://127.0.0.1:{plain.port}/")["samples"]
    assert samples["error"].str.startswith("TLS failed: ").all()
    secure = serve(answering(http_answer()), authority.context())
    samples = measure(f"http://127.0.0.1:{secure.port}/")["samples"]
    assert not samples["ok"].any()


def test_certificate_is_not_checked_without_https_or_session(serve, answering, http_answer, closed_port) -> None:
    evidence = measure(serve(answering(http_answer())).url(), certificate_days_left=7)
    assert check(evidence, "certificate")["outcome"] == "not_checked"
    evidence = measure(f"https://127.0.0.1:{closed_port}/")
    assert check(evidence, "certificate")["outcome"] == "not_checked"


def test_secrets_come_from_the_environment_and_go_nowhere(serve, answering, http_answer, monkeypatch) -> None:
    seen: list[bytes] = []

    def answer(_number: int, request: bytes) -> bytes:
        seen.append(request)
        return http_answer(b"hello hunter22", status="302 Found", headers="Location: /hunter22\r\n")

    monkeypatch.setenv("SHOP_KEY", "hunter22")
    url = serve(answering(answer)).url()
    evidence = measure(url, headers_env={"X-Api-Key": "SHOP_KEY"}, headers={"X-Plain": "1"}, expect_text="absent")
    assert b"X-Api-Key: hunter22\r\n" in seen[0]
    assert b"X-Plain: 1\r\n" in seen[0]
    for name in evidence:
        assert "hunter22" not in evidence[name].to_csv()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"headers_env": {"X-Api-Key": "NO_SUCH_VARIABLE"}}, "'NO_SUCH_VARIABLE' is not set"),
        ({"headers": {"Authorization": "Bearer abc"}}, "headers_env"),
        ({"headers": {"X-Split": "a\r\nX-Other: b"}}, "cannot be sent"),
        ({"headers": {"X Space": "a"}}, "cannot be sent"),
        ({"url": "http://:80/"}, "absolute URL"),
        ({"url": "http://host:99999/"}, "absolute URL"),
        ({"url": "http://ann:hunter2@host/"}, "headers_env"),
        ({"url": "https://host/", "ca_file": "missing.pem"}, "no such file"),
        ({"json_body": float("nan")}, "No request can be made"),
    ],
)
def test_unusable_settings(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        measure(settings.pop("url", "http://127.0.0.1/"), **settings)
    assert words in str(caught.value)
    assert "http.api" in str(caught.value.where)
    assert "hunter2" not in str(caught.value)


def test_ca_file_without_certificate(tmp_path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="cannot be used"):
        measure("https://127.0.0.1/", root=tmp_path, ca_file="ca.pem")


def test_environment_and_cookies_change_nothing(serve, answering, http_answer, monkeypatch, closed_port) -> None:
    seen: list[bytes] = []

    def answer(_number: int, request: bytes) -> bytes:
        seen.append(request)
        return http_answer(headers="Set-Cookie: a=b\r\n")

    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port}")
    evidence = measure(serve(answering(answer)).url(), method="POST", json_body={"n": 1})
    assert evidence["samples"]["ok"].all()
    assert len(set(seen)) == 1
    assert seen[0].startswith(b"POST / HTTP/1.1\r\n")
    assert seen[0].endswith(b'{"n":1}')
    assert b"cookie" not in seen[0].lower()


def test_head_has_no_body_to_judge(serve, answering) -> None:
    evidence = measure(
        serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")).url(), method="HEAD", expect_text="x"
    )
    assert evidence["samples"]["ok"].all()
    assert check(evidence, "body")["outcome"] == "not_checked"


def test_nothing_measured_is_an_error() -> None:
    target = HttpTarget(url="http://127.0.0.1/")
    evidence = HttpProbe("api", target, url=target.url, root=Path()).evidence()
    assert evidence["sources"].iloc[0]["status"] == "error"
    assert evidence["sources"].iloc[0]["message"] == "no request was made"
    assert len(evidence["samples"]) == 0


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".test", "[::1", "-", "%00", "x y", "xn--a"])
def test_odd_hosts_are_refused_or_fail(monkeypatch, host: str) -> None:
    real = socket.getaddrinfo

    def stay_here(name: str, *args: object, **kwargs: object) -> object:
        name.encode("idna")  # as the real one does first
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", stay_here)
    try:
        evidence = measure(f"http://{host}:1/", requests=1)
    except ConfigError:
        return
    assert not evidence["samples"]["ok"].any()


def test_ipv6(answering, http_answer) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 loopback")
    talk = answering(http_answer())

    def serve_once() -> None:
        connection, _ = listener.accept()
        with connection:
            talk(connection)

    thread = threading.Thread(target=serve_once)
    thread.start()
    try:
        assert measure(f"http://[::1]:{listener.getsockname()[1]}/")["samples"]["ok"].all()
    finally:
        listener.close()
        thread.join(5)
