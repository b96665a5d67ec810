"""Readings from their query to the verdict: a server that answers queries, and the gate on what it said."""

import http.server
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pandas as pd
import pytest

from stabkit.analyze.gate.evaluation import RunEvidence, evaluate_gate
from stabkit.collect.addresses import same_addresses
from stabkit.collect.readings import query_range
from stabkit.collect.session import collect
from stabkit.config import Config, PrometheusSource
from stabkit.report.words import doubts
from stabkit.runs import new_run
from stabkit.schema import Evidence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = 20


class Prometheus(http.server.BaseHTTPRequestHandler):
    """Answers each query by its name: a list of series, each labels and a value a step; None leaves a step out."""

    asked = 0

    def do_POST(self):
        cls = type(self)
        cls.asked += 1
        query = {k: v[0] for k, v in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        if cls.faults:
            fault = cls.faults.pop(0)
            if fault == "hang up":
                self.connection.close()
                return
            self._send({"status": "error", "error": "busy"}, *fault)
            return
        start, step = float(query["start"]), float(query["step"])
        known = cls.answers[query["query"]]
        series, extra = known if isinstance(known, tuple) else (known, {})
        result = [
            {"metric": labels, "values": [[start + k * step, str(v)] for k, v in enumerate(values) if v is not None]}
            for labels, values in series
        ]
        self._send({"status": "success", "data": {"resultType": "matrix", "result": result}, **extra})

    def _send(self, answer, status=200, headers=()):
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def prometheus(answers, faults=()):
    handler = type("Handler", (Prometheus,), {"answers": answers, "faults": list(faults), "asked": 0})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()


def about(level, *, spread=0.001, steps=STEPS, **labels):
    wobble = [0.3, -0.7, 0.9, -0.2, -0.8, 0.5, 0.1, -0.6, 0.8, -0.3]
    return labels, [level * (1 + spread * wobble[(k * 7 + int(level)) % 10]) for k in range(steps)]


def judged(before, after, *, metric="memory", source=(), **condition):
    """Ask for both sides and judge what came."""
    with prometheus({"before": before, "after": after}) as (url, _):
        asked = PrometheusSource(
            url=url, query="after", baseline_query="before", metric=metric, step_s=1, **dict(source)
        )
        end = NOW + timedelta(seconds=STEPS - 1)
        found = [query_range("app", asked, query=query, start=NOW, end=end) for query in ("before", "after")]
    rule = {"name": "reading", "kind": "resource", "target": "app", "metric": metric, "margin": 0.05, **condition}
    config = Config(prometheus={"app": asked}, condition=[rule])
    runs = [new_run(label=n, started_at=NOW, complete=True, collection_id="c", environment="e") for n in "ab"]
    gate = evaluate_gate(config, *(RunEvidence(run, part) for run, part in zip(runs, found, strict=True)))
    (result,) = [c for c in gate.conditions if c.name == "reading"]
    return gate.verdict, result, " | ".join(doubts(result))


def test_a_success_ratio_that_falls_is_no_improvement():
    before, after = [about(0.999, spread=0.0005)], [about(0.8)]
    assert judged(before, after, metric="success_ratio")[0] == "regressed"
    verdict, result, words = judged(before, after, metric="checkout_quality")
    assert (verdict, result.outcome) == ("inconclusive", "inconclusive")
    assert 'worse = "higher" or "lower"' in words
    assert judged(before, after, metric="checkout_quality", worse="lower")[0] == "regressed"
    assert judged(before, after, metric="checkout_quality", source={"worse": "lower"})[0] == "regressed"
    assert judged(before, after, metric="checkout_quality", worse="higher")[1].outcome == "improved"
    assert judged(after, before, metric="checkout_quality", worse="lower")[1].outcome == "improved"
    assert judged(before, before, metric="checkout_quality", worse="lower")[0] == "stable"


@pytest.mark.parametrize("name", ["error_budget_left", "cache_hits", "value", "requests_total", "error_success_ratio"])
def test_no_direction_is_guessed_of_a_name_that_does_not_say_it(name):
    for pair in (([about(100)], [about(50)]), ([about(50)], [about(100)]), ([about(100)], [about(100)])):
        assert judged(*pair, metric=name)[0] == "inconclusive"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda v: v[:9] + [None] * 11, "11 of 20 steps have no reading, none in the last 11"),
        (lambda v: [x if k % 2 else None for k, x in enumerate(v)], "10 of 20 steps have no reading"),
        (lambda v: ["NaN" if k == 7 else x for k, x in enumerate(v)], "1 reading is no finite number"),
        (lambda v: ["+Inf" if k % 2 else x for k, x in enumerate(v)], "10 readings are no finite numbers"),
        (lambda v: v[:17] + [None] * 3, "3 of 20 steps have no reading, none in the last 3"),
    ],
)
def test_readings_that_are_missing_are_never_stable(broken, words):
    labels, values = about(100)
    verdict, result, said = judged([about(100)], [(labels, broken(values))])
    assert (verdict, result.outcome) == ("inconclusive", "inconclusive")
    assert words in said


def test_a_server_that_leaves_something_out_is_never_stable():
    warned = {"warnings": ["PromQL partial response: store 10.0.0.7:10901 unavailable"]}
    ignored = {"infos": ["PromQL info: ignored histograms in range"]}
    guessed = {"infos": ["PromQL info: metric might not be a counter, name does not end in _total"]}
    assert judged([about(100)], [about(100)])[0] == "stable"
    for extra in (warned, ignored):
        for pair in (([about(100)], ([about(100)], extra)), (([about(100)], extra), [about(100)])):
            verdict, _, said = judged(*pair)
            assert verdict == "inconclusive"
            assert next(iter(extra.values()))[0] in said
    assert judged([about(100)], ([about(100)], guessed))[0] == "stable"


def test_each_series_is_judged_and_the_worst_is_named():
    before = [about(200, pod="a"), about(205, pod="b")]
    verdict, result, _ = judged(before, [about(200, pod="a"), about(400, pod="b")])
    assert verdict == "regressed"
    assert {e.outcome for e in result.estimates if 'pod="b"' in e.name and "level" in e.name} == {"regressed"}
    assert {e.outcome for e in result.estimates if 'pod="a"' in e.name} == {"stable"}
    assert judged(before, [about(200, pod="a"), about(205, pod="b")])[0] == "stable"
    verdict, _, said = judged(before, [about(200, pod="a")])
    assert verdict == "inconclusive"
    assert 'pod="b"' in said
    assert judged(before, [about(200, pod="a"), about(205, pod="c")])[0] == "inconclusive"


def test_series_that_no_label_pairs_are_not_pooled():
    before = [about(200, pod="old-1"), about(205, pod="old-2")]
    assert judged(before, [about(200, pod="new-1"), about(400, pod="new-2")])[0] == "regressed"
    verdict, _, said = judged(before, [about(200, pod="new-1"), about(205, pod="new-2")])
    assert verdict == "inconclusive"
    assert "2 series" in said
    assert judged(before, [about(200, pod="new-1")])[0] == "inconclusive"
    named = [about(200, pod="old-1", zone="x"), about(300, pod="old-2", zone="y")]
    assert judged(named, [about(200, pod="new-7", zone="x"), about(300, pod="new-8", zone="y")])[0] == "stable"
    assert judged([about(200, job="old")], [about(200, job="new")])[0] == "stable"


def test_what_may_be_zero_is_judged_by_differences():
    zero, some = [({}, [0.0] * STEPS)], [about(100)]
    assert judged(zero, some, metric="errors_per_s")[0] == "regressed"
    assert judged(zero, zero, metric="errors_per_s")[0] == "stable"
    assert judged(some, zero, metric="errors_per_s")[1].outcome == "improved"
    assert judged(some, zero, metric="success_count")[0] == "regressed"
    seldom = [({}, [0.0] * (STEPS - 1) + [1.0])]
    verdict, _, said = judged(zero, seldom, metric="errors_per_s")
    assert verdict == "inconclusive"
    assert "absolute_margin" in said
    assert judged(zero, seldom, metric="errors_per_s", absolute_margin=0.5)[0] == "stable"
    assert judged(zero, some, metric="errors_per_s", absolute_margin=5.0)[0] == "regressed"
    below = [({}, [-5.0, -5.1] * (STEPS // 2))]
    assert judged(below, below, metric="balance", worse="lower")[0] == "stable"
    assert judged(below, [({}, [-9.0, -9.1] * (STEPS // 2))], metric="balance", worse="lower")[0] == "regressed"
    # No process holds no memory: that is no reading.
    assert judged(some, zero)[0] == "inconclusive"


def ask(faults):
    with prometheus({"up": [about(100)]}, faults) as (url, handler):
        source = PrometheusSource(url=url, query="up", metric="memory", step_s=1)
        found = query_range("app", source, query="up", start=NOW, end=NOW + timedelta(seconds=STEPS - 1))
        return found["sources"].iloc[0], len(found["samples"]), handler.asked


@pytest.mark.parametrize("fault", [(503, {}), (429, {"Retry-After": "1"}), (502, {}), (504, {}), "hang up"])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(fault):
    source, readings, asked = ask([fault])
    assert (source["status"], readings, asked) == ("ok", STEPS, 2)
    assert "asked 2 times" in source["message"]


@pytest.mark.parametrize("fault", [(400, {}), (401, {}), (404, {}), (422, {}), (500, {})])
def test_a_server_that_refuses_is_asked_once(fault):
    source, readings, asked = ask([fault])
    assert (source["status"], readings, asked) == ("error", 0, 1)


def test_patience_has_an_end():
    source, _, asked = ask([(503, {})] * 9)
    assert (source["status"], asked) == ("error", 4)
    assert "asked 4 times" in source["message"]
    source, _, asked = ask([(429, {"Retry-After": "600"})])
    assert (source["status"], asked) == ("error", 1)


@pytest.mark.parametrize(
    ("name", "unit", "found"),
    [
        ("heap_bytes", None, ("MB", 1e-4)),
        ("heap_bytes_total", None, ("MB", 1e-4)),
        ("wait_seconds", None, ("ms", 1e5)),
        ("process_cpu_seconds_total", None, ("s", 100)),
        ("jobs_total", None, ("count", 100)),
        ("bytes_of_heap", None, ("", 100)),
        (None, None, ("", 100)),
        (None, "bytes", ("MB", 1e-4)),
        (None, "seconds", ("ms", 1e5)),
        (None, "orders", ("orders", 100)),
    ],
)
def test_units_are_those_of_the_name_or_as_declared(name, unit, found):
    labels = {} if name is None else {"__name__": name}
    with prometheus({"q": [(labels, [100] * STEPS)]}) as (url, _):
        source = PrometheusSource(url=url, query="q", step_s=1, unit=unit)
        end = NOW + timedelta(seconds=STEPS - 1)
        samples = query_range("app", source, query="q", start=NOW, end=end)["samples"]
    assert samples["unit"].fillna("").unique().tolist() == [found[0]]
    assert samples["value"].iloc[0] == pytest.approx(found[1])


def test_both_sides_at_one_address_are_told_and_not_compared(serve, answering, http_answer, caplog):
    server = serve(answering(http_answer(b"{}")))
    target = {"url": server.url(), "baseline_url": server.url("LOCALHOST"), "requests": 20, "rate": 500}
    config = Config.model_validate({"http": {"api": target}, "collect": {"rounds": 6}})
    found = collect(config, label="b", baseline_label="a")
    assert "one address" in caplog.text
    sides = [RunEvidence(found.runs[side], found.evidence[side]) for side in ("baseline", "candidate")]
    gate = evaluate_gate(config, *sides)
    assert gate.verdict == "inconclusive"
    compared = [c for c in gate.conditions if c.kind != "checks"]
    assert all("asked at one address" in doubts(c)[0] for c in compared)


def test_different_addresses_are_not_said_to_be_one():
    apart = {"url": "http://h/a", "baseline_url": "http://h/b"}
    asked = {"url": "http://h:9090", "query": "up", "baseline_query": "up{v='1'}"}
    config = Config.model_validate({"http": {"api": apart, "other": {"url": "http://h"}}, "prometheus": {"p": asked}})
    assert same_addresses(config, lambda *_: True) == Evidence()


@pytest.mark.parametrize(
    ("lost", "outcome"), [([], "stable"), ([5], "stable"), ([3, 5, 9], "inconclusive"), ([19], "inconclusive")]
)
@pytest.mark.parametrize("metric", ["memory", "cpu"])
def test_readings_of_a_process_that_could_not_be_taken(metric, lost, outcome):
    def side(lost):
        rows = [{"target": "app", "metric": metric, "round": k, "sequence": k, "value": v, "unit": "MB", "ok": True}
                for k, v in enumerate(about(100)[1])]  # fmt: skip
        rows = [row | ({"ok": False, "value": None, "error": "gone"} if row["round"] in lost else {}) for row in rows]
        return Evidence.of(samples=pd.DataFrame(rows))

    config = Config(condition=[{"name": "app", "kind": "resource", "target": "app", "metric": metric}])
    runs = [new_run(label=n, started_at=NOW, complete=True, collection_id="c", environment="e") for n in "ab"]
    gate = evaluate_gate(config, RunEvidence(runs[0], side([])), RunEvidence(runs[1], side(lost)))
    assert gate.conditions[0].outcome == outcome
