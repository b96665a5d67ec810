"""Requests that cross with the end of an idle connection, warm-up, secrets in queries: against real servers."""

import contextlib
import json
import time

import pytest

from stabkit.config import HttpTarget
from stabkit.probe.http.http_probe import HttpProbe


def hanging_up(http_answer, after: int, wait_s: float = 0.0):
    """Answer so many requests of a connection, then take the next one and hang up without a word."""

    def talk(connection) -> None:
        for number in range(10_000):
            if not connection.recv(65_536):
                return
            if number == after:
                time.sleep(wait_s)
                connection.close()
                return
            connection.sendall(http_answer(b"{}"))

    return talk


def test_a_request_that_crossed_with_the_end_of_its_connection_is_sent_once_more(
    serve, http_answer, probe_http
) -> None:
    evidence = probe_http(serve(hanging_up(http_answer, 3)).url(), requests=12, rate=200)
    samples, source = evidence["samples"], evidence["sources"].iloc[0]
    assert samples["ok"].all()
    assert len(samples) == 12
    assert "3 of 12 requests were sent once more" in source["message"]
    assert source["status"] == "ok"


@pytest.mark.parametrize("settings", [{"method": "POST"}, {"method": "PATCH"}])
def test_what_may_not_be_sent_twice_is_not(serve, http_answer, probe_http, settings) -> None:
    samples = probe_http(serve(hanging_up(http_answer, 3)).url(), requests=12, rate=200, **settings)["samples"]
    assert (~samples["ok"]).sum() == 3


def test_a_service_that_hangs_up_while_it_works_has_failed(serve, http_answer, probe_http) -> None:
    samples = probe_http(serve(hanging_up(http_answer, 3, wait_s=0.1)).url(), requests=8, rate=100)["samples"]
    assert (~samples["ok"]).sum() >= 1


def test_a_service_that_hangs_up_on_fresh_connections_has_failed(serve, http_answer, probe_http) -> None:
    samples = probe_http(serve(hanging_up(http_answer, 0)).url(), requests=4, rate=100)["samples"]
    assert not samples["ok"].any()


@pytest.mark.parametrize(("kept_s", "wait_s", "warm"), [(1.0, 1.3, [2, 2]), (60.0, 1.3, [2, 0]), (0.0, 1.3, [2, 0])])
def test_a_spare_connection_opened_anew_is_no_series_of_fresh_ones(
    serve, http_answer, tmp_path, kept_s, wait_s, warm
) -> None:
    """Of two connections one was used once; those of a service that keeps none are judged, whenever they come."""
    headers = "" if kept_s else "Connection: close\r\n"

    def talk(connection) -> None:
        connection.settimeout(kept_s or 60.0)
        with contextlib.suppress(TimeoutError):
            while connection.recv(65_536):
                time.sleep(0.05)
                connection.sendall(http_answer(b"{}", headers=headers))
                if not kept_s:
                    return

    target = HttpTarget(url=serve(talk).url(), requests=3, rate=1000, connections=2)
    probe = HttpProbe("api", target, url=target.url, root=tmp_path)
    probe.open()
    for number in range(2):
        probe.run(number)
        time.sleep(wait_s)
    probe.close()
    samples = probe.evidence()["samples"]
    assert samples["ok"].all()
    assert samples.groupby("round")["warmup"].sum().tolist() == warm


def test_warm_up_is_in_no_sample(serve, answering, http_answer, probe_http) -> None:
    seen: list[bytes] = []

    def answer(_number: int, request: bytes) -> bytes:
        seen.append(request)
        time.sleep(0.05 if len(seen) <= 10 else 0)
        return http_answer(b"{}")

    evidence = probe_http(serve(answering(answer)).url(), requests=20, rate=400, warmup_requests=4, warmup_s=0.025)
    assert len(seen) == 30
    assert len(evidence["samples"]) == 20
    assert evidence["samples"]["service_ms"].max() < 45
    assert "10 requests before the first round were warm-up" in evidence["sources"]["message"].iloc[0]


def test_a_token_in_the_query_is_sent_and_kept_nowhere(monkeypatch, serve, answering, http_answer, probe_http) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t+token")
    seen: list[bytes] = []

    def answer(_number: int, request: bytes) -> bytes:
        seen.append(request)
        return http_answer(b"no access for s3cr3t+token", status="403 Forbidden")

    evidence = probe_http(serve(answering(answer)).url() + "?page=1", query_env={"ticket": "TOKEN"}, expect_text="x")
    assert seen[0].startswith(b"GET /?page=1&ticket=s3cr3t%2Btoken ")
    assert "s3cr3t" not in json.dumps({n: f.astype(str).to_dict("records") for n, f in evidence.tables.items()})
