"""A redirecting service, collected for real, in the section on availability."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import stabkit
from stabkit.collect.session import collect
from stabkit.config import Config
from stabkit.store import open_store


class _Entry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/" else 200)
        if self.path == "/":
            self.send_header("Location", "/home")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def entry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Entry) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_hops_are_shown_and_not_judged(entry: str, tmp_path) -> None:
    target = {"url": entry, "baseline_url": entry, "requests": 5, "rate": 200, "max_redirects": 2, "connections": 1}
    config = Config.model_validate({"http": {"entry": target}, "collect": {"rounds": 2}})
    found = collect(config, label="v2", baseline_label="v1")
    store = open_store(tmp_path / "data", create=True)
    for side in ("baseline", "candidate"):
        evidence = found.evidence[side]
        spoken = evidence["samples"].assign(protocol="HTTP/2")
        store.append(found.runs[side], stabkit.schema.Evidence({**evidence.tables, "samples": spoken}))
    report = stabkit.stability_report(data=store.root)
    text = repr(report.availability())
    assert "Redirects, hop by hop, not judged" in text
    assert "entry, hop 0" in text
    assert "HTTP 302" in text
    assert "entry, hop 1" in text
    assert "n 9" in text  # ten requests, less the one that opened the connection
    assert "HTTP/2" in text  # what was spoken is said where it is not the usual
    assert "10 of 10 requests" in text  # hops are no requests of their own
    assert not any("redirect" in name for name in report.case.gate.unjudged)
