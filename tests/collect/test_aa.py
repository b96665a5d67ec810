"""A/A pairs against a real server: the same url on both sides, pair after pair."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stabkit.collect.session import collect, collect_aa
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.runs import aa_sitting, check_label, is_aa


@pytest.fixture
def paths() -> list[str]:
    return []


@pytest.fixture
def server(paths: list[str]) -> Iterator[str]:
    class Ok(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes

        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ok) as found:
        found.daemon_threads = True
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}/"
        found.shutdown()
        thread.join()


def configured(folder: Path, url: str) -> Config:
    target = {"url": f"{url}now", "baseline_url": f"{url}before", "requests": 3, "rate": 300}
    return Config.model_validate({"http": {"api": target, "other": target}, "root": folder})


def test_the_candidate_stands_on_both_sides(tmp_path: Path, server: str, paths: list[str]) -> None:
    found = list(collect_aa(configured(tmp_path, server), repeats=2, rounds=2, only=["api"]))
    assert set(paths) == {"/now"}
    labels = [run["label"] for pair in found for run in pair.runs.values()]
    assert [label.rpartition("/")[2] for label in labels] == ["1a", "1b", "2a", "2b"]
    assert all(is_aa(label) for label in labels)
    assert len({aa_sitting(label) for label in labels}) == 1
    ids = [{run["collection_id"] for run in pair.runs.values()} for pair in found]
    assert [len(of_pair) for of_pair in ids] == [1, 1]
    assert ids[0] != ids[1]
    for pair in found:
        assert not pair.interrupted
        assert all(run["complete"] for run in pair.runs.values())
        for evidence in pair.evidence.values():
            assert evidence["samples"]["target"].unique().tolist() == ["api"]
            assert len(evidence["samples"]) == 6


class _Impatient:
    """A progress that is interrupted by its user in the second pair."""

    def __init__(self) -> None:
        self.pairs = 0

    def start(self, task: str, total: int) -> None:
        self.pairs += 1

    def advance(self, amount: int = 1) -> None:
        if self.pairs == 2:
            raise KeyboardInterrupt

    def finish(self) -> None:
        pass


def test_an_interrupt_keeps_the_pairs_before_it(tmp_path: Path, server: str) -> None:
    found = list(collect_aa(configured(tmp_path, server), repeats=5, rounds=1, progress=_Impatient()))
    assert [pair.interrupted for pair in found] == [False, True]
    assert [[run["complete"] for run in pair.runs.values()] for pair in found] == [[True, True], [False, False]]


def test_calls_that_cannot_be_meant(tmp_path: Path) -> None:
    config = configured(tmp_path, "http://127.0.0.1:1/")
    with pytest.raises(UsageError, match="0 pairs"):
        next(collect_aa(config, repeats=0))
    with pytest.raises(UsageError, match="Nothing called"):
        next(collect_aa(config, repeats=1, only=["appi"]))
    with pytest.raises(UsageError, match="compare with itself"):
        next(collect_aa(Config(root=tmp_path), repeats=1))


@pytest.mark.parametrize("label", ["aa/", "aa/x/1a", "aa/2026"])
def test_no_real_run_may_take_the_name_of_an_aa_run(tmp_path: Path, label: str) -> None:
    with pytest.raises(UsageError, match="A/A runs"):
        check_label(label)
    config = configured(tmp_path, "http://127.0.0.1:1/")
    with pytest.raises(UsageError, match="A/A runs"):
        collect(config, label=label)
    with pytest.raises(UsageError, match="A/A runs"):
        collect(config, label="v1", baseline_label=label)
    for usual in (None, "aa", "v1", "AA/x"):
        check_label(usual)
