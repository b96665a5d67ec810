"""stabkit aa, and stabkit collect --until-decided, as they are typed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stabkit.cli import run


class _Ok(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Ok) as found:
        found.daemon_threads = True
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{found.server_address[1]}/"
        target = f'url = "{url}"\nbaseline_url = "{url}"\nrequests = 5\nrate = 500\n'
        (tmp_path / "stabkit.toml").write_text(f'[project]\nenvironment = "here"\n[http.api]\n{target}')
        monkeypatch.chdir(tmp_path)
        yield tmp_path
        found.shutdown()
        thread.join()


def test_aa_is_kept_apart_and_its_table_is_the_result(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["aa", "--repeats", "2", "--rounds", "2", "--format", "json"]) == 0
    told = capsys.readouterr()
    piece = json.loads(told.out)
    assert piece["kind"] == "table"
    assert "2 pairs" in piece["caption"]
    assert "pair 2 of 2 stored" in told.err
    assert run(["runs", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["caption"].startswith("0 runs")
    assert run(["runs", "--aa"]) == 0
    assert capsys.readouterr().out.count("aa/") == 4


def test_until_decided_stores_its_looks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["collect", "--label", "v2", "--baseline-label", "v1", "--until-decided", "--max-rounds", "5"]
    assert run(words) == 0
    assert "look 5, 5 rounds, 100 % of the budget" in capsys.readouterr().err
    assert run(["runs", "--format", "json"]) == 0
    assert capsys.readouterr().out.count("confidence") == 10, "five looks, kept by both runs"
    assert run(["gate", "v1", "v2"]) in (0, 1, 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["collect", "--until-decided"], "--baseline-label"),
        (["collect", "--until-decided", "--baseline-label", "v1", "--rounds", "5"], "exclude each other"),
        (["collect", "--max-rounds", "9"], "belong to --until-decided"),
        (["collect", "--max-minutes", "9"], "belong to --until-decided"),
        (["collect", "--label", "aa/x"], "A/A runs"),
        (["aa", "--repeats", "0"], "--repeats"),
        (["aa", "--only", "appi"], "Did you mean 'api'"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_probed(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
