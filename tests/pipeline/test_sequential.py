"""Collecting until decided, against real servers: early ends, whole budgets, and what the runs remember of it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stabkit.analyze.gate.evaluation import evaluate_gate
from stabkit.analyze.gate.looks import look_confidence, read_looks
from stabkit.analyze.sides import RunEvidence
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.pipeline.sequential import SequentialCollection, collect_until_decided


@contextmanager
def serving(delay_s: float) -> Iterator[str]:
    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes: without it, 40 ms between them

        def do_GET(self) -> None:
            time.sleep(delay_s)  # the server's work: what is measured
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as found:
        found.daemon_threads = True
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}/"
        found.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    with serving(0.001) as fast, serving(0.008) as slow:
        yield fast, slow


def configured(folder: Path, baseline: str, candidate: str) -> Config:
    target = {"url": candidate, "baseline_url": baseline, "requests": 10, "rate": 100}
    # A load of other processes must not decide: what is told apart here differs by a factor of about five.
    condition = {"name": "times", "kind": "latency", "target": "api", "margin": 0.5, "tail_margin": 1.9}
    return Config.model_validate({"http": {"api": target}, "condition": [condition], "root": folder})


def judged(config: Config, found: SequentialCollection) -> tuple[str, float]:
    runs = found.collection.runs
    sides = [RunEvidence(runs[side], found.collection.evidence[side]) for side in ("baseline", "candidate")]
    gate = evaluate_gate(config, *sides)
    return gate.verdict, gate.confidence


def rounds_of(found: SequentialCollection, side: str) -> int:
    return int(found.collection.evidence[side]["samples"]["round"].nunique())


def test_a_large_change_ends_the_rounds_and_the_gate_agrees(tmp_path: Path, urls: tuple[str, str]) -> None:
    fast, slow = urls
    config = configured(tmp_path, fast, slow)
    found = collect_until_decided(config, label="new", baseline_label="old", max_rounds=15)
    last = found.looks[-1]
    assert last.verdict == "regressed"
    assert last.rounds < 15
    assert rounds_of(found, "baseline") == rounds_of(found, "candidate") == last.rounds
    shares = [look.share for look in found.looks]
    assert [look.confidence for look in found.looks] == [
        look_confidence(shares[:end]) for end in range(1, len(shares) + 1)
    ]
    assert all(look.verdict == "inconclusive" for look in found.looks[:-1])
    for run in found.collection.runs.values():
        assert read_looks(run["looks"]) == found.looks
    assert judged(config, found) == ("regressed", last.confidence), "judged later as it was judged then"


def test_time_is_a_budget_too(tmp_path: Path, urls: tuple[str, str]) -> None:
    fast, _ = urls
    minutes = itertools.count(0.0, 60.0)
    found = collect_until_decided(
        configured(tmp_path, fast, fast), label="new", baseline_label="old", max_rounds=400, max_minutes=3,
        clock=lambda: next(minutes),
    )  # fmt: skip
    # A minute passes with each question, so that a fifth is used up by each round.
    assert [look.rounds for look in found.looks] == [1, 2, 3]
    assert found.looks[-1].share == 1
    assert rounds_of(found, "candidate") == 3
    assert found.looks[-1].verdict == "inconclusive", "three rounds are never stable"
    assert [look.confidence for look in found.looks] == [
        look_confidence([look.share for look in found.looks[:end]]) for end in range(1, len(found.looks) + 1)
    ]


def test_a_budget_without_a_decision_is_used_up(tmp_path: Path, urls: tuple[str, str]) -> None:
    fast, _ = urls
    found = collect_until_decided(configured(tmp_path, fast, fast), label="n", baseline_label="o", max_rounds=4)
    assert rounds_of(found, "candidate") == 4
    assert (found.looks[-1].rounds, found.looks[-1].share) == (4, 1.0)
    assert found.looks[-1].verdict == "inconclusive"


class _Impatient:
    """A progress that is interrupted by its user in the third round."""

    def __init__(self) -> None:
        self.blocks = 0

    def start(self, task: str, total: int) -> None:
        pass

    def advance(self, amount: int = 1) -> None:
        self.blocks += 1
        if self.blocks == 5:
            raise KeyboardInterrupt

    def finish(self) -> None:
        pass


def test_an_interrupt_between_looks_is_accounted_for(tmp_path: Path, urls: tuple[str, str]) -> None:
    fast, slow = urls
    config = configured(tmp_path, fast, slow)
    found = collect_until_decided(config, label="new", baseline_label="old", max_rounds=100, progress=_Impatient())
    assert found.collection.interrupted
    assert not found.collection.runs["candidate"]["complete"]
    (look,) = found.looks
    assert (look.rounds, look.verdict) == (2, None)
    assert look.confidence > 0.999999, "two rounds of a hundred may spend next to nothing"
    assert judged(config, found)[0] == "inconclusive"


def test_stored_looks_are_plain_json(tmp_path: Path, urls: tuple[str, str]) -> None:
    fast, _ = urls
    found = collect_until_decided(configured(tmp_path, fast, fast), label="n", baseline_label="o", max_rounds=1)
    assert json.loads(found.collection.runs["candidate"]["looks"]) == [
        {"rounds": 1, "share": 1.0, "confidence": pytest.approx(0.95), "verdict": "inconclusive"}
    ]


@pytest.mark.parametrize("budget", [{"max_rounds": 0}, {"max_rounds": 5, "max_minutes": 0.0},
                                    {"max_rounds": 5, "max_minutes": float("nan")}])  # fmt: skip
def test_no_budget_is_refused(tmp_path: Path, budget: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"decide nothing|are no budget"):
        collect_until_decided(configured(tmp_path, "http://a/", "http://b/"), baseline_label="o", **budget)
