"""Redirects hop by hop, HTTP/2 and proxies, each against a real server of its own."""

import socket

import pytest

from stabkit.errors import ConfigError

STAGES = ["dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms"]


def redirect(http_answer, to: str, status: str = "302 Found") -> bytes:
    return http_answer(b"moved", status=status, headers=f"Location: {to}\r\n")


def by_path(answers: dict[bytes, bytes], seen: list[bytes] | None = None):
    def answer(_number: int, request: bytes) -> bytes:
        if seen is not None:
            seen.append(request)
        return answers[request.split()[1]]

    return answer


def test_each_hop_has_a_row_of_its_own(serve, answering, http_answer, authority, probe_http, check_of) -> None:
    end = serve(answering(http_answer(b"here")), authority.context())
    answers = {
        b"/": redirect(http_answer, "/next", "301 Moved Permanently"),
        b"/next": redirect(http_answer, end.url("localhost")),
    }
    start = serve(answering(by_path(answers)))
    evidence = probe_http(start.url(), max_redirects=3, ca_file=str(authority.ca_file), expect_text="here")
    samples = evidence["samples"]
    whole, hops = samples[samples["metric"] == "response_time"], samples[samples["metric"] == "redirect_hop"]
    assert whole["ok"].all()
    assert hops["hop"].tolist() == [0, 1, 2] * 3
    assert hops["sequence"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert hops["status"].tolist() == [301, 302, 200] * 3
    # The stages stand in the hops: two handshakes do not add up to one.
    assert whole[STAGES].isna().all(axis=None)
    assert hops["tls_ms"].notna().tolist() == [False, False, True] + [False] * 6
    assert hops["connection"].tolist() == ["fresh", "reused", "fresh"] + ["reused"] * 6
    assert whole["connection"].tolist() == ["fresh", "reused", "reused"]
    longest = hops.groupby("sequence")["service_ms"].sum().to_numpy()
    assert (longest <= whole["service_ms"].to_numpy()).all()
    row = check_of(evidence, "redirects")
    assert (row["outcome"], row["observed"]) == ("pass", "3 of 3 requests")
    assert row["detail"] == f"{start.url()} 301, {start.url(path='/next')} 302, {end.url('localhost')} 200"
    assert check_of(evidence, "certificate")["outcome"] == "pass"
    assert start.accepted == 1


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("/", "redirect loop: {url} again at hop 1"),
        ("/deeper", "more than 4 redirects"),
        ("ftp://files.example/", "redirect to ftp://files.example/, which is no HTTP address"),
        ("http://[::1", "redirect to what is no URL"),
        ("http://x:99999999/", "redirect to what is no URL"),
        ("http://\x7f/", "redirect to what is no URL"),
        ("http://xn--a/", "redirect to what is no URL"),
    ],
)
def test_redirects_that_lead_nowhere(serve, answering, http_answer, probe_http, check_of, location, error) -> None:
    def answer(number: int, request: bytes) -> bytes:
        path = request.split()[1].decode()
        return redirect(http_answer, path.rstrip("/") + "/deeper" if location == "/deeper" else location)

    url = serve(answering(answer)).url()
    evidence = probe_http(url, max_redirects=4, requests=1)
    (sample,) = evidence["samples"].query("metric == 'response_time'").to_dict("records")
    assert not sample["ok"]
    assert sample["error"].endswith(error.format(url=url)), sample["error"]
    assert check_of(evidence, "redirects")["outcome"] == "fail"
    assert check_of(evidence, "status")["outcome"] == "fail"


def test_https_is_not_left_for_http(serve, answering, http_answer, authority, probe_http) -> None:
    plain = serve(answering(http_answer()))
    server = serve(answering(redirect(http_answer, plain.url())), authority.context())
    evidence = probe_http(server.url(), max_redirects=1, ca_file=str(authority.ca_file))
    assert evidence["samples"]["error"].str.contains("redirect from https to http").all()
    assert plain.accepted == 0


def test_secrets_stay_with_their_host(serve, answering, http_answer, probe_http, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "hunter22")
    here, there = [], []
    other = serve(answering(by_path({b"/end": http_answer()}, there)))
    mine = serve(
        answering(
            by_path(
                {b"/": redirect(http_answer, "/on"), b"/on": redirect(http_answer, other.url(path="/end"))},
                here,
            )
        )
    )
    evidence = probe_http(mine.url(), max_redirects=2, requests=1, headers_env={"X-Api-Key": "SHOP_KEY"})
    assert evidence["samples"]["ok"].all()
    assert all(b"hunter22" in request for request in here)
    assert there
    assert not any(b"hunter22" in request for request in there)
    assert f"Host: 127.0.0.1:{other.port}".encode() in there[0]


def test_a_secret_body_stays_with_its_host(serve, answering, http_answer, probe_http, monkeypatch) -> None:
    monkeypatch.setenv("LOGIN", "hunter22")
    other = serve(answering(http_answer()))
    answer = http_answer(status="307 Temporary Redirect", headers=f"Location: {other.url()}\r\n")
    here = serve(answering(by_path({b"/": answer}, [])))
    samples = probe_http(here.url(), max_redirects=1, method="POST", body_env="LOGIN")["samples"]
    assert samples["error"].str.contains("a secret body is not sent to another host").all()
    assert other.accepted == 0


@pytest.mark.parametrize(
    ("status", "method", "kept"),
    [(301, b"GET", False), (303, b"GET", False), (307, b"POST", True), (308, b"POST", True)],
)
def test_method_and_body_after_a_redirect(serve, answering, http_answer, probe_http, status, method, kept) -> None:
    seen: list[bytes] = []
    answers = {b"/": redirect(http_answer, "/end", f"{status} Moved"), b"/end": http_answer()}
    server = serve(answering(by_path(answers, seen)))
    probe_http(server.url(), max_redirects=1, requests=1, method="POST", json_body={"n": 1})
    assert seen[1].startswith(method)
    assert (b'{"n":1}' in seen[1]) == kept
    assert (b"application/json" in seen[1]) == kept


def test_nothing_redirected_keeps_the_limit(serve, answering, http_answer, probe_http, check_of) -> None:
    evidence = probe_http(serve(answering(http_answer())).url(), max_redirects=5)
    assert check_of(evidence, "redirects")["observed"] == "no redirect"
    assert (evidence["samples"]["metric"] == "response_time").all()
    assert evidence["samples"]["first_byte_ms"].notna().all()


@pytest.mark.parametrize("secure", [True, False])
def test_http2(serve, speak_http2, authority, probe_http, check_of, secure) -> None:
    seen: list[tuple[dict, bytes]] = []

    def answer(headers: dict, body: bytes) -> tuple[int, dict, bytes]:
        seen.append((headers, body))
        return 200, {"content-type": "application/json"}, b'{"status": "healthy"}'

    context = authority.context() if secure else None
    if context is not None:
        context.set_alpn_protocols(["h2", "http/1.1"])
    server = serve(speak_http2(answer), context)
    evidence = probe_http(
        server.url("localhost"),
        http_version="2",
        method="POST",
        json_body={"n": 1},
        rounds=2,
        ca_file=str(authority.ca_file),
        expect_json={"status": "healthy"},
    )
    samples = evidence["samples"]
    assert samples["ok"].all(), samples["error"].tolist()
    assert (samples["protocol"] == "HTTP/2").all()
    assert samples["connection"].tolist() == ["fresh"] + ["reused"] * 5
    assert samples["tls_ms"].notna().tolist() == [secure] + [False] * 5
    assert samples[["first_byte_ms", "transfer_ms"]].notna().all(axis=None)
    assert server.accepted == 1
    assert seen[0][0][":method"] == "POST"
    assert seen[0][1] == b'{"n":1}'
    for name in ("protocol", "body", "status"):
        assert check_of(evidence, name)["outcome"] == "pass"


def test_another_protocol_than_expected_is_a_failed_check(
    serve, answering, http_answer, authority, probe_http, check_of
) -> None:
    server = serve(answering(http_answer()), authority.context())
    evidence = probe_http(server.url(), http_version="2", ca_file=str(authority.ca_file))
    row = check_of(evidence, "protocol")
    assert (row["outcome"], row["expected"]) == ("fail", "HTTP/2")
    assert "HTTP/1.1" in row["detail"]
    assert evidence["samples"]["ok"].all()


@pytest.mark.parametrize(
    "noise",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01" * 50,
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\xff" * 500,
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff\xff",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x02",
        b"",
    ],
)
def test_broken_http2(serve, probe_http, noise) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)

    samples = probe_http(serve(talk).url(), http_version="2", timeout_s=2)["samples"]
    assert not samples["ok"].any()
    assert samples["error"].str.len().between(10, 300).all(), samples["error"].tolist()


@pytest.mark.parametrize("kind", ["plain", "tls", "http2"])
def test_proxy(
    serve, open_proxy, answering, http_answer, speak_http2, authority, probe_http, monkeypatch, kind
) -> None:
    monkeypatch.setenv("PROXY_LOGIN", "ann:hunter22")
    talk = answering(http_answer())
    context = None if kind == "plain" else authority.context()
    if kind == "http2":
        context.set_alpn_protocols(["h2"])
        talk = speak_http2(lambda *_: (200, {}, b"ok"))
    server = serve(talk, context)
    proxy = open_proxy("ann:hunter22")
    evidence = probe_http(
        server.url(),
        proxy=proxy.url(),
        proxy_auth_env="PROXY_LOGIN",
        ca_file=str(authority.ca_file),
        http_version="2" if kind == "http2" else "1.1",
        expect_text="ok",
    )
    samples = evidence["samples"]
    assert samples["ok"].all(), samples["error"].tolist()
    assert (samples["protocol"] == ("HTTP/2" if kind == "http2" else "HTTP/1.1")).all()
    assert samples["connection"].tolist() == ["fresh", "reused", "reused"]
    assert samples["tls_ms"].notna().tolist() == [kind != "plain", False, False]
    assert len(proxy.seen) == 1
    assert proxy.seen[0].startswith(b"GET http://" if kind == "plain" else b"CONNECT 127.0.0.1:")
    assert evidence["checks"]["outcome"].eq("pass").all()
    for name in evidence:
        assert "hunter22" not in evidence[name].to_csv()


def test_proxy_that_refuses(
    serve, open_proxy, answering, http_answer, authority, probe_http, closed_port, monkeypatch
) -> None:
    server = serve(answering(http_answer()), authority.context())
    proxy = open_proxy("ann:hunter22")
    evidence = probe_http(server.url(), proxy=proxy.url(), ca_file=str(authority.ca_file))
    assert evidence["samples"]["error"].eq("the proxy refused: 407 Proxy Authentication Required").all()
    evidence = probe_http(server.url(), proxy=f"http://127.0.0.1:{closed_port}", ca_file=str(authority.ca_file))
    assert evidence["samples"]["error"].eq("proxy: connection refused: nothing listens there").all()
    assert server.accepted == 0
    with pytest.raises(ConfigError, match="user:password") as caught:
        probe_http(server.url(), proxy=proxy.url(), proxy_auth_env="NO_SUCH_VARIABLE")
    assert caught.value.where == "http.api.proxy_auth_env"
    with pytest.raises(ConfigError, match="user information"):
        probe_http(server.url(), proxy="http://ann:hunter22@127.0.0.1:1")
