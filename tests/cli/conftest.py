"""A project folder as a new user has it: reports of other tools, and a real service on the loopback."""

import http.server
import json
import threading
import time

import pytest

from stabkit.cli import run
from tests.servers import closed_port  # noqa: F401

GOOD = (
    '<testsuite name="unit" tests="2"><testcase classname="a" name="x" time="0.1"/>'
    '<testcase classname="a" name="y" time="0.2"/></testsuite>'
)
BROKEN = GOOD.replace('time="0.1"/>', 'time="0.1"><failure message="no"/></testcase>')


def sarif(*rules):
    driver = {"name": "ruff", "version": "0.14.0", "rules": [{"id": rule} for rule in ("F401", "E501", "B006")]}
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}
    results = [{"ruleId": rule, "message": {"text": rule}, "level": "error", "locations": [place]} for rule in rules]
    scanned = [{"location": {"uri": "a.py"}, "roles": ["analysisTarget"]}]
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, "artifacts": scanned}]}
    )


class _Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(0.3)
        self.send_response(500 if self.path.startswith("/broken") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "a project ü"
    (place / "empty").mkdir(parents=True)
    (place / "good.xml").write_text(GOOD)
    (place / "broken.xml").write_text(BROKEN)
    (place / "cut.xml").write_text(GOOD[:-45])
    (place / "binary").mkdir()
    (place / "binary" / "junit.xml").write_bytes(bytes(range(256)) * 8)
    (place / "old.sarif").write_text(sarif("F401"))
    (place / "new.sarif").write_text(sarif("F401", "B006"))
    monkeypatch.chdir(place)
    for name in ("STABKIT_CONFIG", "STABKIT_DATA", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def stabkit(folder, capsys):
    """Run one command in this process; return its exit code, stdout and stderr."""

    def call(*words):
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "bug in stabkit" not in err
        return code, out, err

    return call
