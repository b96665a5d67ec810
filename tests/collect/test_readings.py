"""Range queries: a real Prometheus that scrapes a real target where it is installed, and the faults of any server."""

import gzip
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from stabkit.collect.readings import query_range
from stabkit.collect.session import collect
from stabkit.config import Config, PrometheusSource
from stabkit.errors import ConfigError

pytestmark = pytest.mark.xdist_group("prometheus")  # what they share is dear: one worker makes it once

PROMETHEUS = shutil.which("prometheus")
NOW = datetime.now(UTC)


@contextmanager
def serving(answer, status=200, content="application/json", coding=None):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode(), self.headers))
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", content)
            if coding is not None:
                self.send_header("Content-Encoding", coding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    seen = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def matrix(*values, name="process_resident_memory_bytes"):
    points = [[NOW.timestamp() + step, value] for step, value in enumerate(values)]
    return {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {"__name__": name}, "values": points}]},
    }


def ask(url, **settings):
    source = PrometheusSource(url=url, query="up", **settings)
    found = query_range("memory", source, query="up", start=NOW, end=NOW + timedelta(seconds=10))
    return found["samples"], found["sources"].iloc[0]


def test_readings_become_samples_of_the_configured_target():
    with serving(matrix("1e6", "2e6", "NaN")) as (url, seen):
        samples, source = ask(url, step_s=2.0)
    assert samples["target"].unique().tolist() == ["memory"]
    assert samples["metric"].unique().tolist() == ["memory"]
    assert samples["value"].tolist()[:2] == [1.0, 2.0]
    assert samples["ok"].tolist() == [True, True, False]
    assert (source["status"], source["kind"], source["target"]) == ("partial", "resources", "memory")
    assert "1 reading is no finite number" in source["message"]
    assert "of 6 steps have no reading" in source["message"]
    path, body, _ = seen[0]
    assert path == "/api/v1/query_range"
    assert "query=up" in body
    assert "step=2.0" in body


@pytest.mark.parametrize(("layers", "words"), [(1, "grows beyond 64 MiB"), (2, "'gzip, gzip' was not asked for")])
def test_a_small_answer_is_not_unpacked_without_measure(layers, words):
    """Twice packed, two kilobytes were a gigabyte, and took all the memory and time there was."""
    packer = zlib.compressobj(9, wbits=31)
    body = b"".join([*(packer.compress(bytes(2**20)) for _ in range(80)), packer.flush()])
    for _ in range(layers - 1):
        body = gzip.compress(body)
    with serving(body, coding=", ".join(["gzip"] * layers)) as (url, _):
        samples, source = ask(url)
    assert (len(samples), source["status"]) == (0, "error")
    assert words in source["message"]


def test_an_answer_is_asked_for_packed_and_read():
    with serving(gzip.compress(json.dumps(matrix("1e6", "2e6")).encode()), coding="gzip") as (url, seen):
        samples, _ = ask(url)
    assert samples["value"].tolist()[:2] == [1.0, 2.0]
    assert seen[0][2]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "1:3: parse error"}, 400, "1:3: parse error"),
        (b"<html>login</html>", 200, "status 200 and no JSON"),
        (b"", 502, "status 502 and no JSON"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, 200, "not a range of readings"),
        (b"[" * 100_000, 200, "no JSON"),
    ],
)
def test_a_server_that_gives_no_readings_is_an_error(answer, status, words):
    with serving(answer, status) as (url, _):
        samples, source = ask(url)
    assert (len(samples), source["status"]) == (0, "error")
    assert words in source["message"]


def test_no_series_is_partial_and_never_zero():
    with serving({"status": "success", "data": {"resultType": "matrix", "result": []}}) as (url, _):
        samples, source = ask(url)
    assert (len(samples), source["status"]) == (0, "partial")
    assert "knows no reading" in source["message"]


def test_a_server_that_drips_is_not_waited_for(serve):
    def drip(connection):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b" ")

    over = threading.Event()
    _, source = ask(serve(drip).url(), timeout_s=0.3)
    over.set()
    assert source["status"] == "error"
    assert "not complete after 0.3 s" in source["message"]


@pytest.mark.parametrize("host", ["xn--a", "a..b", "a\x01b"])
def test_a_host_that_is_no_name_is_an_error(host):
    _, source = ask(f"http://{host}/")
    assert source["status"] == "error"


def test_a_server_that_is_away_is_an_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        _, source = ask(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert source["status"] == "error"
    assert "ConnectError" in source["message"]


def test_the_token_is_sent_and_kept_nowhere(monkeypatch):
    monkeypatch.setenv("TOKEN", "Bearer s3cret-token")
    answer = {"status": "error", "error": "no access for Bearer s3cret-token"}
    with serving(answer, 401) as (url, seen):
        _, source = ask(url, headers_env={"Authorization": "TOKEN"})
    assert seen[0][2]["Authorization"] == "Bearer s3cret-token"
    assert "s3cret" not in source["message"]


def test_a_missing_token_is_said_before_anything_is_sent():
    with pytest.raises(ConfigError, match="TOKEN_X"):
        ask("http://127.0.0.1:9", headers_env={"Authorization": "TOKEN_X"})


@pytest.fixture
def prometheus(tmp_path):
    """A real server that scrapes itself every 200 ms."""
    if PROMETHEUS is None:
        pytest.skip("Prometheus is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 200ms}\n"
        f"scrape_configs: [{{job_name: self, static_configs: [{{targets: ['{address}']}}]}}]\n"
    )
    command = [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        wait_for_readings(f"http://{address}")
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def wait_for_readings(url):
    for _ in range(300):
        try:
            answer = httpx.get(f"{url}/api/v1/query", params={"query": "count_over_time(up[1m])"}, trust_env=False)
            if any(float(series["value"][1]) > 5 for series in answer.json()["data"]["result"]):
                return
        except (httpx.HTTPError, ValueError, KeyError):
            pass
        time.sleep(0.1)
    raise AssertionError("Prometheus read nothing in 30 s")


def test_a_real_server_answers_for_the_time_of_a_collection(prometheus, tmp_path):
    query = 'process_resident_memory_bytes{job="self"}'
    source = {"url": prometheus, "query": query, "baseline_query": "no_such_series", "step_s": 0.2}
    found = query_range(
        "server", PrometheusSource(**source), query=query, start=datetime.now(UTC) - timedelta(seconds=1),
        end=datetime.now(UTC),
    )  # fmt: skip
    samples = found["samples"]
    assert len(samples) >= 4
    assert samples["value"].between(5, 5_000).all()
    assert (samples["metric"].unique().tolist(), samples["unit"].unique().tolist()) == (["memory"], ["MB"])
    config = Config(prometheus={"server": source}, root=tmp_path)
    evidence = collect(config, label="v1").evidence["candidate"]
    assert len(evidence["samples"]) >= 1
    assert evidence["sources"]["status"].tolist() == ["ok"]


def test_a_real_server_says_what_is_wrong_with_a_query(prometheus):
    _, source = ask(prometheus)
    assert source["status"] in ("ok", "partial")
    broken = PrometheusSource(url=prometheus, query="sum(")
    found = query_range("x", broken, query="sum(", start=NOW, end=NOW)["sources"].iloc[0]
    assert found["status"] == "error"
    assert "parse error" in found["message"]
