"""A whole collection, against a real server, a real suite and a real repository."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stabkit.collect.session import baseline_state, collect
from stabkit.config import Config, load_config
from stabkit.errors import UsageError


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
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Ok) as found:
        found.daemon_threads = True
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}/"
        found.shutdown()
        thread.join()


def configured(folder: Path, text: str) -> Config:
    (folder / "stabkit.toml").write_text(text)
    return load_config(folder / "stabkit.toml")


SUITE = f"""
[tests.unit]
command = ["{sys.executable}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml={{output}}", "tests"]
"""


def test_both_sides_with_all_that_is_declared(tmp_path: Path, server: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_a():\n    pass\n")
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "one"],
        ["tag", "v7"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    target = f'url = "{server}"\nbaseline_url = "{server}"\nrequests = 3\nrate = 500\n'
    config = configured(
        tmp_path,
        f'[project]\nname = "shop"\nenvironment = "staging"\n[http.api]\n{target}{SUITE}[changes]\nbase = "v7"\n',
    )
    found = collect(config, baseline_label="v6", rounds=2)
    assert list(found.runs) == ["baseline", "candidate"]
    before, after = found.runs["baseline"], found.runs["candidate"]
    assert (before["label"], after["label"]) == ("v6", "v7")
    assert before["collection_id"] == after["collection_id"] is not None
    assert before["started_at"] < after["started_at"]
    assert (after["branch"], after["project"], after["environment"]) == ("main", "shop", "staging")
    assert len(str(after["commit"])) == 40
    assert before["commit"] is None, "nobody said which commit answers behind the baseline's URL"
    assert after["floor_ms"] > 0
    assert before["machine"] == after["machine"]
    assert json.loads(after["machine"])["cores"] >= 1
    assert after["calibration_ms"] > 0
    assert after["complete"]
    assert before["complete"]
    assert len(found.evidence["baseline"]["samples"]) == len(found.evidence["candidate"]["samples"]) == 6
    assert found.evidence["candidate"]["tests"]["status"].tolist() == ["pass"]
    assert found.evidence["baseline"]["tests"].empty
    assert set(found.evidence["candidate"]["sources"]["kind"]) == {"http", "tests", "changes"}


def test_the_baseline_has_tests_scans_and_commit_of_its_own_source(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.mkdir()
    case = '<testsuite name="s" tests="1"><testcase name="t">{}</testcase></testsuite>'
    (new / "junit.xml").write_text(case.format("<failure/>"))
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "one"],
        ["worktree", "add", "-q", "--detach", str(old)],
    ):
        subprocess.run(["git", *command], cwd=new, check=True, capture_output=True)
    (new / "junit.xml").write_text(case.format(""))
    suite = 'files = ["junit.xml"]\nbaseline_directory = "{}"\n'
    config = configured(new, f"[tests.unit]\n{suite.format('../old')}[changes]\n")
    found = collect(config, label="b", baseline_label="a")
    assert [found.evidence[side]["tests"]["status"].tolist() for side in found.runs] == [["fail"], ["pass"]]
    assert found.runs["baseline"]["commit"] == found.runs["candidate"]["commit"] is not None
    assert found.runs["baseline"]["branch"] is None
    # Counted from the commit of that source.
    assert "Nothing changed" in found.evidence["candidate"]["sources"].set_index("kind").loc["changes", "message"]
    assert baseline_state(configured(new, f"[tests.unit]\n{suite.format('.')}")) == (None, None), "the candidate's own"
    assert baseline_state(configured(new, f"[tests.unit]\n{suite.format('gone')}")) == (None, None)


def test_what_fails_is_evidence_and_stops_nothing(tmp_path: Path, server: str) -> None:
    config = configured(
        tmp_path,
        f"""
[http.secret]
url = "{server}"
headers_env = {{ X-Key = "STABKIT_TEST_NO_SUCH_VARIABLE" }}
[http.api]
url = "{server}"
requests = 2
rate = 500
[scans.lint]
command = ["no-such-program-anywhere"]
[changes]
base = "no-such-ref"
""",
    )
    found = collect(config, label="x", rounds=1)
    sources = found.evidence["candidate"]["sources"]
    assert sources.loc[sources["status"] == "error", "kind"].tolist() == ["http", "scan", "changes"]
    assert sources.loc[sources["path"] == server, "status"].tolist() == ["ok"]
    assert len(found.evidence["candidate"]["samples"]) == 2
    assert not found.runs["candidate"]["complete"]
    assert not found.interrupted


def test_only_what_is_asked_for(tmp_path: Path, server: str) -> None:
    text = f'[http.a]\nurl = "{server}"\nrequests = 1\n[http.b]\nurl = "{server}"\nrequests = 1\n{SUITE}'
    config = configured(tmp_path, text)
    found = collect(config, rounds=1, only=["b"])
    assert found.evidence["candidate"]["samples"]["target"].unique().tolist() == ["b"]
    assert found.evidence["candidate"]["tests"].empty
    with pytest.raises(UsageError, match="Did you mean 'http'"):
        collect(config, only=["htp"])


def test_calls_that_cannot_be_meant(tmp_path: Path, server: str) -> None:
    alone = configured(tmp_path, f'[http.a]\nurl = "{server}"\n')
    with pytest.raises(UsageError, match="where its baseline is"):
        collect(alone, label="x", baseline_label="y")
    both = configured(tmp_path, f'[http.a]\nurl = "{server}"\nbaseline_url = "{server}"\n')
    with pytest.raises(UsageError, match="Both sides"):
        collect(both, label="x", baseline_label="x")


class _Impatient:
    """A progress that is interrupted by its user after the first block."""

    def start(self, task: str, total: int) -> None:
        pass

    def advance(self, amount: int = 1) -> None:
        raise KeyboardInterrupt

    def finish(self) -> None:
        pass


def test_an_interrupt_keeps_what_there_is(tmp_path: Path, server: str) -> None:
    config = configured(tmp_path, f'[http.api]\nurl = "{server}"\nrequests = 3\nrate = 500\n{SUITE}')
    found = collect(config, label="x", rounds=5, progress=_Impatient())
    assert found.interrupted
    assert not found.runs["candidate"]["complete"]
    assert len(found.evidence["candidate"]["samples"]) == 3
    assert found.evidence["candidate"]["tests"].empty
