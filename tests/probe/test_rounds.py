"""The order of rounds, and that nothing is lost."""

import _thread
import time
from pathlib import Path

import pandas as pd
import pytest

from stabkit.config import HttpTarget
from stabkit.errors import ConfigError, UsageError
from stabkit.probe.http.http_probe import HttpProbe
from stabkit.probe.rounds import Interrupted, run_rounds
from stabkit.schema import Evidence


class Recorder:
    """A probe that notes what is asked of it in a log shared with others."""

    planned = 2

    def __init__(self, target: str, log: list[tuple[str, str, int]], *, fails: Exception | None = None) -> None:
        self.target = target
        self.log = log
        self.fails = fails

    def open(self) -> None:
        self.log.append((self.target, "open", -1))
        if self.fails:
            raise self.fails

    def run(self, round_number: int) -> None:
        self.log.append((self.target, "run", round_number))

    def close(self) -> None:
        self.log.append((self.target, "close", -1))

    def evidence(self) -> Evidence:
        return Evidence.of(checks=pd.DataFrame({"target": [self.target], "check": ["x"], "outcome": ["pass"]}))


class Counter:
    def __init__(self) -> None:
        self.calls: list[object] = []

    def start(self, task: str, total: int) -> None:
        self.calls.append(("start", total))

    def advance(self, amount: int = 1) -> None:
        self.calls.append(amount)

    def finish(self) -> None:
        self.calls.append("finish")


def order(seed: int, rounds: int = 12) -> list[tuple[str, int]]:
    log: list[tuple[str, str, int]] = []
    sides = {side: [Recorder(f"{side}{i}", log) for i in range(2)] for side in ("a", "b")}
    run_rounds(sides, rounds=rounds, seed=seed)
    return [(target, number) for target, what, number in log if what == "run"]


def test_rounds_interleave_in_a_drawn_order() -> None:
    done = order(seed=3)
    firsts = []
    for number in range(12):
        block = [target for target, round_number in done[number * 4 : number * 4 + 4] if round_number == number]
        assert block in (["a0", "a1", "b0", "b1"], ["b0", "b1", "a0", "a1"])
        firsts.append(block[0])
    assert len(set(firsts)) == 2
    assert order(seed=3) == done
    assert any(order(seed=other) != done for other in range(4, 8))


def test_evidence_by_side_and_progress() -> None:
    log: list[tuple[str, str, int]] = []
    progress = Counter()
    sides = {"baseline": [Recorder("x", log)], "candidate": [Recorder("x", log), Recorder("y", log)], "none": []}
    evidence = run_rounds(sides, rounds=2, seed=1, progress=progress)
    assert {side: list(part["checks"]["target"]) for side, part in evidence.items()} == {
        "baseline": ["x"],
        "candidate": ["x", "y"],
        "none": [],
    }
    assert progress.calls == [("start", 12), *[2] * 6, "finish"]
    assert [what for _, what, _ in log][:3] == ["open"] * 3
    assert [what for _, what, _ in log][-3:] == ["close"] * 3


def test_wrong_configuration_stops_all_and_closes_what_was_opened() -> None:
    log: list[tuple[str, str, int]] = []
    progress = Counter()
    probes = [Recorder("x", log), Recorder("y", log, fails=ConfigError("no"))]
    with pytest.raises(ConfigError):
        run_rounds({"a": probes}, rounds=1, seed=1, progress=progress)
    assert ("x", "close", -1) in log
    assert ("y", "close", -1) in log
    assert progress.calls[-1] == "finish"


def test_stop_ends_at_a_round_border() -> None:
    log: list[tuple[str, str, int]] = []
    asked = iter([False, False, True])
    run_rounds({"a": [Recorder("a", log)], "b": [Recorder("b", log)]}, rounds=9, seed=1, stop=lambda: next(asked))
    runs = sorted((target, number) for target, what, number in log if what == "run")
    assert runs == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_no_rounds_is_refused() -> None:
    with pytest.raises(UsageError):
        run_rounds({}, rounds=0, seed=1)


def http_probe(name: str, url: str, requests: int = 5) -> HttpProbe:
    return HttpProbe(name, HttpTarget(url=url, requests=requests, rate=200, connections=1), url=url, root=Path())


def test_unreachable_target_stops_no_other(serve, answering, http_answer, closed_port) -> None:
    server = serve(answering(http_answer()))
    probes = [http_probe("dead", f"http://127.0.0.1:{closed_port}/"), http_probe("alive", server.url())]
    evidence = run_rounds({"candidate": probes}, rounds=2, seed=1)["candidate"]
    assert evidence["samples"].groupby("target")["ok"].sum().to_dict() == {"alive": 10, "dead": 0}
    assert evidence["sources"]["status"].tolist() == ["error", "ok"]
    assert evidence.failed


def test_interrupt_in_mid_round_loses_nothing(serve, answering, http_answer) -> None:
    def answer(number: int, _request: bytes) -> bytes:
        if number == 7:
            _thread.interrupt_main()
            time.sleep(0.2)
        return http_answer()

    server = serve(answering(answer))
    with pytest.raises(Interrupted) as caught:
        run_rounds({"candidate": [http_probe("api", server.url())]}, rounds=5, seed=1)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.rounds == 1
    evidence = caught.value.evidence["candidate"]
    assert len(evidence["samples"]) in (7, 8)
    source = evidence["sources"].iloc[0]
    assert source["status"] == "partial"
    assert "of 10 requests" in source["message"]
    assert evidence["checks"]["outcome"].tolist() == ["pass"]
