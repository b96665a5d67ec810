"""Several connections on one schedule."""

import threading
import time

import numpy as np
import pytest

from stabkit.config import HttpTarget
from stabkit.probe.http.http_probe import HttpProbe
from stabkit.probe.http.schedule import Schedule, run_together


def test_each_due_time_is_handed_out_once_and_in_order() -> None:
    schedule = Schedule(500, 100_000)
    taken: list[tuple[int, int]] = []

    def work() -> None:
        while (slot := schedule.take()) is not None:
            taken.append(slot)

    run_together([work] * 4, schedule)
    assert sorted(position for position, _ in taken) == list(range(500))
    due = np.array([due for _, due in sorted(taken)])
    assert (np.diff(due) == 10_000).all()


def test_a_stopped_schedule_hands_out_nothing_and_wakes_whoever_waits() -> None:
    schedule = Schedule(10, 0.001)
    schedule.take()
    _, due_ns = schedule.take()  # due in 1000 s
    threading.Timer(0.05, schedule.stop).start()
    assert not schedule.wait(due_ns)
    assert schedule.take() is None


def test_a_workers_fault_reaches_the_caller_and_stops_the_others() -> None:
    schedule = Schedule(1000, 10)

    def fail() -> None:
        raise OSError("no more sockets")

    def work() -> None:
        while (slot := schedule.take()) is not None:
            if not schedule.wait(slot[1]):
                return

    with pytest.raises(OSError, match="no more sockets"):
        run_together([work, fail], schedule)


def test_a_free_connection_takes_what_a_stalled_one_cannot(serve, answering, http_answer, probe_http) -> None:
    gate = threading.Event()
    most = 0
    lock = threading.Lock()
    here = 0

    def answer(number: int, _request: bytes) -> bytes:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        if number == 2:
            gate.wait(5)
        elif number > 20:
            gate.set()
        with lock:
            here -= 1
        return http_answer()

    server = serve(answering(answer))
    samples = probe_http(server.url(), requests=30, rate=100, connections=3, rounds=2)["samples"]
    assert samples["ok"].all()
    assert 2 <= server.accepted <= 3  # the third is opened only if both others are busy
    assert most >= 2
    assert samples["sequence"].tolist() == list(range(60))
    assert samples["warmup"].sum() == server.accepted
    assert (samples["connection"] == "fresh").sum() == server.accepted
    # Only the request that met the stall has waited for it: the others went over the free connections.
    stalled = samples["response_ms"].nlargest(2)
    assert stalled.iloc[0] > 80
    assert (samples["late_ms"] + samples["service_ms"] - samples["response_ms"]).abs().max() < 1e-6


def test_waiting_for_a_connection_is_not_the_probers_fault(serve, answering, http_answer, probe_http) -> None:
    def answer(_number: int, _request: bytes) -> bytes:
        time.sleep(0.05)
        return http_answer()

    samples = probe_http(serve(answering(answer)).url(), requests=20, rate=200, connections=2)["samples"]
    # 200 a second are asked of two connections that bear 40: the rest queues, by the target's fault.
    assert samples["late_ms"].iloc[-1] > 300
    assert (samples["own_late_ms"] <= samples["late_ms"]).all()
    assert samples["own_late_ms"].sum() < samples["late_ms"].sum() / 2


def test_fresh_connections_side_by_side(serve, answering, http_answer, probe_http) -> None:
    server = serve(answering(http_answer()))
    samples = probe_http(server.url(), requests=9, connections=3, connection="fresh", rounds=2)["samples"]
    assert server.accepted == 18
    assert (samples["connection"] == "fresh").all()
    assert samples.groupby("round")["warmup"].sum().tolist() == [1, 1]


def test_an_interrupt_keeps_what_was_measured(serve, answering, http_answer, monkeypatch, tmp_path) -> None:
    server = serve(answering(http_answer()))
    target = HttpTarget(url=server.url(), requests=1000, rate=100, connections=2)
    probe = HttpProbe("api", target, url=server.url(), root=tmp_path)
    probe.open()
    joined = threading.Thread.join

    def interrupted(self: threading.Thread, timeout: float | None = None) -> None:
        if self.name == "http probe" and not probe._stopped_by_test:
            time.sleep(0.2)
            probe._stopped_by_test = True
            raise KeyboardInterrupt
        joined(self, timeout)

    probe._stopped_by_test = False
    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        probe.run(0)
    probe.close()
    evidence = probe.evidence()
    assert 2 <= len(evidence["samples"]) < 100
    assert evidence["sources"].iloc[0]["status"] == "partial"


def test_connections_are_opened_as_they_are_needed(serve, answering, http_answer, probe_http) -> None:
    """A service that takes 50 ms and is asked 100 times a second has five requests under way, over five connections."""

    def answer(_number: int, _request: bytes) -> bytes:
        time.sleep(0.05)
        return http_answer()

    server = serve(answering(answer))
    samples = probe_http(server.url(), requests=60, rate=100, connections=None)["samples"]
    assert samples["ok"].all()
    assert 5 <= server.accepted <= 16
    assert samples["late_ms"].median() < 40  # none waits for the one before it: one connection would be 1.2 s late
    one_by_one = serve(answering(lambda *_: http_answer()))
    probe_http(one_by_one.url(), requests=40, rate=20, connections=None)
    assert one_by_one.accepted <= 3  # a connection that is free is taken before another is opened


@pytest.mark.parametrize("requests", [2, 12])
def test_a_service_that_closes_every_connection_leaves_requests_to_judge(
    serve, answering, http_answer, probe_http, requests
):
    """As many connections as requests are under way: each is cold once, not once a round."""
    server = serve(answering(http_answer(headers="Connection: close\r\n")))
    samples = probe_http(server.url(), requests=requests, rate=50, rounds=6, connections=None)["samples"]
    assert samples["ok"].all()
    assert samples.loc[samples["round"] > 0, "warmup"].mean() < 0.5
    assert (~samples["warmup"]).sum() >= 3 * requests
