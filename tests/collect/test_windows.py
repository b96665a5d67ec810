"""Windows around a deploy: a real Prometheus with data of two weeks, and servers that answer as they like."""

import http.server
import json
import math
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import numpy as np
import pytest

from stabkit.analyze.gate.evaluation import RunEvidence, evaluate_gate
from stabkit.cli import run
from stabkit.collect import Deploy
from stabkit.collect.windows import query_windows
from stabkit.config import Config, PrometheusSource, load_config
from stabkit.errors import ConfigError
from stabkit.read.loads import bucket_quantiles
from stabkit.report.words import doubts
from stabkit.runs import new_run
from stabkit.store import open_store
from tests.collect.test_judged_readings import Prometheus, prometheus

pytestmark = pytest.mark.xdist_group("prometheus")

INSTALLED = shutil.which("prometheus") and shutil.which("promtool")
STEP = 15
BOUNDS = [0.001 * 1.25**k for k in range(24)]
QUERY = "sum by (le) (rate(shop_seconds_bucket[1m]))"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def history(now):
    """Return the counters of a service of two weeks: three deploys of one hour ago, in data of the same days."""
    rng = np.random.default_rng(7)
    lines = ["# TYPE shop_seconds histogram", "# TYPE queue_length gauge"]
    bodies = {name: [] for name in ("good", "slow", "tail")}
    gauge = []
    deploy = now - timedelta(hours=1)
    for name, body in bodies.items():
        counts = np.zeros(len(BOUNDS) + 1)
        for day in range(12, -1, -1):
            at = deploy - timedelta(days=day)
            mood = rng.normal(0, 0.01)
            for step in range(-140, 141):
                level = 0.02 * math.exp(mood + 0.05 * step / 140)  # traffic rises through every window
                times = rng.lognormal(math.log(level), 0.3, 400)
                if day == 0 and step > 0:
                    times *= 1.3 if name == "slow" else 1
                    times[:20] *= 4 if name == "tail" else 1
                counts[:-1] += [(times <= bound).sum() for bound in BOUNDS]
                counts[-1] += times.size
                stamp = (at + timedelta(seconds=STEP * step)).timestamp()
                for bound, count in zip([*BOUNDS, "+Inf"], counts, strict=True):
                    body.append(f'shop_seconds_bucket{{job="{name}",le="{bound}"}} {int(count)} {stamp:.3f}')
                if name == "good":
                    gauge.append(f"queue_length {10 + rng.normal(0, 0.2):.3f} {stamp:.3f}")
    lines += [line for body in bodies.values() for line in body]
    lines = [lines[0], *lines[2:], "# TYPE queue_length gauge", *gauge, "# EOF"]
    return "\n".join(lines) + "\n", deploy


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not INSTALLED:
        pytest.skip("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    text, deploy = history(datetime.now(UTC).replace(microsecond=0))
    (folder / "history.txt").write_text(text)
    words = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=120)
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    port = free_port()
    process = subprocess.Popen(
        ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--storage.tsdb.retention.time=60d",
         f"--web.listen-address=127.0.0.1:{port}"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                if httpx.get(f"{url}/-/ready", trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        yield url, deploy
    finally:
        process.terminate()
        process.wait(20)


def gate_of(capsys, folder, server, job, *, command="gate", extra=""):
    url, deploy = server
    (folder / "stabkit.toml").write_text(
        f'[prometheus.shop]\nurl = "{url}"\nquery = \'sum by (le) (rate(shop_seconds_bucket{{job="{job}"}}[1m]))\'\n'
        f'window = "30m"\nsettle = "1m"\nquantiles = [0.5, 0.99]\nstep_s = {STEP}\n{extra}'
    )
    at = deploy.isoformat()
    words = ["--config", str(folder / "stabkit.toml")]
    collected = run(["collect", "--label", "v2", "--baseline-label", "v1", "--deployed-at", at, *words])
    said = capsys.readouterr()
    code = run([command, "v1", "v2", *words])
    return collected, said, code, capsys.readouterr().out


def test_a_deploy_gets_its_verdict_from_prometheus_alone(capsys, tmp_path, server):
    collected, said, code, out = gate_of(capsys, tmp_path, server, "good")
    assert (collected, code) == (0, 0), said.err + out
    assert "STABLE" in out
    code = run(["explain", "v1", "v2", "shop p99", "--config", str(tmp_path / "stabkit.toml")])
    out = capsys.readouterr().out
    assert code == 0
    assert "7 days without a deploy" in out
    assert (
        run(["report", "v1", "v2", "--output", str(tmp_path / "page"), "--config", str(tmp_path / "stabkit.toml")]) == 0
    )
    page = next((tmp_path / "page").glob("*.html")).read_text()
    assert "7 days without a deploy" in page
    assert "changed by +4" in page


@pytest.mark.parametrize(("job", "worse"), [("slow", "shop p50"), ("tail", "shop p99")])
def test_a_deploy_that_is_slower_is_red(capsys, tmp_path, server, job, worse):
    collected, said, code, out = gate_of(capsys, tmp_path, server, job)
    assert (collected, code) == (0, 1), said.err + out
    assert worse in out


def test_known_deploys_are_no_days_without_one(capsys, tmp_path, server):
    _, deploy = server
    (tmp_path / "good.xml").write_text('<testsuite name="u"><testcase name="x"/></testsuite>')
    at = (deploy - timedelta(days=2, minutes=5)).isoformat()
    (tmp_path / "stabkit.toml").write_text("")
    words = ["--config", str(tmp_path / "stabkit.toml")]
    assert run(["import", "tests", str(tmp_path / "good.xml"), "--label", "v0", "--at", at, *words]) == 0
    gate_of(capsys, tmp_path, server, "good")
    capsys.readouterr()
    store = open_store(tmp_path / "data" / "runs")
    message = store.evidence(store.resolve("v2"))["sources"]["message"].iloc[0]
    assert "7 days without a deploy" in message
    assert f"{deploy - timedelta(days=2):%Y-%m-%d}, deployed at" in message


def test_a_gauge_is_compared_too(server):
    url, deploy = server
    source = PrometheusSource(url=url, query="queue_length", metric="queue_length", window="30m", step_s=STEP)
    assert judged(source, Deploy(deploy))[0] == "stable"


def judged(source, deploy, **condition):
    found = query_windows("q", source, deploy)
    rules = [{"name": "reading", "kind": "resource", "target": "q", "metric": source.metric, **condition}]
    config = Config(prometheus={"q": source}, condition=rules if condition else [])
    runs = [new_run(label=name, complete=True, collection_id="c", environment="e") for name in "ab"]
    pair = zip(runs, (found["baseline"], found["candidate"]), strict=True)
    gate = evaluate_gate(config, *(RunEvidence(row, part) for row, part in pair))
    result = gate.conditions[0]
    return gate.verdict, result, " | ".join(doubts(result)), found["candidate"]["sources"]["message"].iloc[0]


AT = datetime(2026, 3, 20, 12, tzinfo=UTC)


def noise(start, n, spread=0.02):
    return np.random.default_rng(int(start)).normal(0, spread, n)


@contextmanager
def answering(level, *, holes=(), warned=(), silent=(), extra=()):
    """Serve a reading whose level is a function of day and of whether the deploy is over."""

    class Handler(Prometheus):
        asked = 0

        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            query = {key: value[0] for key, value in parse_qs(body).items()}
            start, end, step = (float(query[key]) for key in ("start", "end", "step"))
            days = (AT.timestamp() - start) / 86_400
            day = round(days)
            after = start > AT.timestamp() - day * 86_400
            n = int((end - start) / step + 1.000001)
            values = np.exp(noise(start, n)) * level(day, after)
            points = [[start + k * step, str(value)] for k, value in enumerate(values)]
            if day in holes:
                del points[5:12]
            series = [] if day in silent else [{"metric": {}, "values": points}, *extra]
            more = {"warnings": ["PromQL warning: partial response"]} if day in warned else {}
            type(self).asked += 1
            self._send({"status": "success", "data": {"resultType": "matrix", "result": series}, **more})

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield PrometheusSource(
            url=f"http://127.0.0.1:{server.server_port}", query="q", metric="queue_length", worse="higher",
            window="30m", step_s=30,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()


def steady(day, after):
    return 100.0


def worse(day, after):
    return 120.0 if after and day == 0 else 100.0


def morning(day, after):
    return 150.0 if after else 100.0


def test_what_happens_every_day_is_no_change():
    with answering(morning) as source:
        verdict, result, _, _ = judged(source, Deploy(AT))
    assert verdict == "stable"
    assert result.estimates[0].change == pytest.approx(1, abs=0.05)
    assert (result.estimates[0].baseline, result.estimates[0].candidate) == pytest.approx((150, 150), rel=0.05)


def test_a_change_is_red_and_the_other_way_round_it_is_better():
    with answering(worse) as source:
        assert judged(source, Deploy(AT))[0] == "regressed"
        assert judged(source, Deploy(AT), worse="lower")[1].outcome == "improved"
        assert judged(source, Deploy(AT), margin=0.3)[1].outcome == "stable"
        assert judged(source, Deploy(AT), absolute_margin=40.0)[1].outcome == "stable"
        assert judged(source, Deploy(AT), absolute_margin=2.0)[1].outcome == "regressed"


def test_below_three_days_nothing_is_stable_and_it_is_said_what_is_missing():
    for days in (0, 1, 2):
        with answering(steady) as source:
            verdict, result, said, _ = judged(source.model_copy(update={"placebo_days": days}), Deploy(AT))
        assert (verdict, result.outcome) == ("inconclusive", "inconclusive")
        assert f"{days} days without a deploy" in said
        assert "more day" in said
        assert result.estimates[0].outcome == "inconclusive"
    with answering(steady) as source:
        assert judged(source.model_copy(update={"placebo_days": 3}), Deploy(AT))[0] != "regressed"


def test_days_with_gaps_warnings_deploys_or_nothing_are_left_out_and_named():
    others = [AT - timedelta(days=4, minutes=-10), AT - timedelta(days=5, hours=3)]
    with answering(steady, holes=(1,), warned=(2,), silent=(3,)) as source:
        verdict, _, _, message = judged(source, Deploy(AT, others))
    assert verdict == "stable"
    assert "7 days without a deploy" in message
    assert "2026-03-19, 7 of 60 steps have no reading" in message
    assert "2026-03-18, PromQL warning: partial response" in message
    assert "2026-03-17, no reading" in message
    assert "2026-03-16, deployed at 12:10" in message


def test_gaps_and_warnings_of_the_deploy_itself_are_never_stable():
    for kind in ("holes", "warned", "silent"):
        with answering(steady, **{kind: (0,)}) as source:
            assert judged(source, Deploy(AT))[0] == "inconclusive"
    with answering(steady) as source:
        verdict, _, said, _ = judged(source, Deploy(AT, [AT + timedelta(minutes=10)]))
        assert verdict == "inconclusive"
        assert "another deploy" in said
        assert judged(source, Deploy(AT, [AT]))[0] == "stable"  # this one, collected once more
    with answering(steady, extra=({"metric": {"pod": "b"}, "values": [[AT.timestamp() - 60, "1"]]},)) as source:
        assert judged(source, Deploy(AT))[0] == "inconclusive"


def test_a_server_that_ends_is_not_asked_for_ever():
    with answering(steady, silent=range(3, 40)) as source:
        verdict, _, _, message = judged(source, Deploy(AT))
    assert verdict == "inconclusive"
    assert "2 days without a deploy" in message
    with prometheus({}, [(500, {})] * 99) as (url, handler):
        source = PrometheusSource(url=url, query="q", window="30m", step_s=30)
        assert judged(source, Deploy(AT))[0] == "inconclusive"
        assert handler.asked == 1


def test_the_windows_of_two_deploys_are_not_compared():
    with answering(steady) as source:
        found = query_windows("q", source, Deploy(AT))
    config = Config(prometheus={"q": source})
    runs = [new_run(label=name, complete=True, environment="e") for name in "ab"]
    pair = zip(runs, (found["baseline"], found["candidate"]), strict=True)
    gate = evaluate_gate(config, *(RunEvidence(row, part) for row, part in pair))
    assert gate.verdict == "inconclusive"
    assert "--deployed-at" in " ".join(doubts(gate.conditions[0]))


def buckets(rows, name=None, bounds=("0.1", "0.2", "0.4", "+Inf")):
    labels = {"__name__": name} if name else {}
    return [
        {"metric": {**labels, "le": bound}, "values": [[60.0 * k, str(row[place])] for k, row in enumerate(rows)]}
        for place, bound in enumerate(bounds)
    ]


def test_quantiles_are_those_of_histogram_quantile():
    found = bucket_quantiles(buckets([[50, 90, 100, 100]] * 3), [0.25, 0.5, 0.7, 0.99])
    assert [found.values[share][0] for share in (0.25, 0.5, 0.7, 0.99)] == pytest.approx([0.05, 0.1, 0.15, 0.38])
    assert bucket_quantiles(buckets([[50, 90, 100, 100]] * 3), [0.7]).gaps == ()


def test_a_quantile_that_no_bound_holds_is_none_and_no_bound():
    found = bucket_quantiles(buckets([[50, 90, 95, 100]] * 3), [0.99])
    assert found.values[0.99] == (None,) * 3
    assert found.why[0.99][0] == "it lies above the highest bound, 0.4"
    assert bucket_quantiles(buckets([[0, 0, 0, 0]]), [0.5]).why[0.5] == ("no request",)


def test_counters_are_taken_by_what_they_grew_and_restarts_are_seen():
    rows = [[50 * k, 90 * k, 100 * k, 100 * k] for k in (1, 2, 3)] + [[50, 90, 100, 100]]
    found = bucket_quantiles(buckets(rows, "x_seconds_bucket"), [0.5])
    assert found.values[0.5] == pytest.approx((0.1,) * 3)
    rising = [[50 * k, 90 * k, 100 * k, 100 * k] for k in range(1, 12)]
    assert "counters" in bucket_quantiles(buckets(rising), [0.5]).gaps[0]


def test_buckets_that_show_no_change_are_a_gap():
    found = bucket_quantiles(buckets([[1, 99, 100, 100]] * 3), [0.5])
    assert "one bucket, 0.1 to 0.2, holds nearly all requests around p50" in found.gaps[0]
    assert bucket_quantiles(buckets([[1, 99, 100, 100]] * 3, bounds=("0.1", "0.11", "0.2", "+Inf")), [0.5]).gaps == ()
    assert "le=" in bucket_quantiles(buckets([[1, 99, 100]] * 3, bounds=("0.1", "0.2", "0.4")), [0.5]).gaps[0]


def test_several_histograms_are_not_pooled():
    two = [*buckets([[1, 2, 3, 4]]), *({**s, "metric": {**s["metric"], "pod": "b"}} for s in buckets([[1, 2, 3, 4]]))]
    assert "several histograms" in bucket_quantiles(two, [0.5]).gaps[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"window": "half an hour"}, "30m, 90s or 1h30m"),
        ({"window": "30m", "baseline_query": "up"}, "leave baseline_query out"),
        ({"window": "20h", "baseline_window": "5h"}, "one day"),
        ({"window": "1m"}, "at least 20 steps"),
        ({"settle": "1m"}, "give window"),
        ({"quantiles": [0.5]}, "give window"),
        ({"window": "30m", "quantiles": [50]}, "less than 1"),
        ({"window": "30m", "placebo_days": 29}, "less than or equal to 28"),
        ({"window": "30m", "quantiles": [0.5], "metric": "memory"}, "_time"),
    ],
)
def test_windows_that_cannot_be_meant_are_refused(tmp_path, settings, said):
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (tmp_path / "stabkit.toml").write_text("\n".join(["[prometheus.q]", 'url = "http://h"', 'query = "q"', *lines]))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "stabkit.toml")
    assert said in str(caught.value)


def test_durations_are_read_as_prometheus_writes_them():
    source = PrometheusSource(url="http://h", query="q", window="1h30m", settle="90s")
    assert (source.window, source.before_s, source.settle) == (5400, 5400, 90)
    assert PrometheusSource(url="http://h", query="q", window=1800, baseline_window="2h").before_s == 7200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--deployed-at", "2026-01-01T00:00Z"], "Name the version before with --baseline-label"),
        (["--deployed-at", "now", "--baseline-label", "v1"], "no time of ISO 8601"),
        (["--deployed-at", "SOON", "--baseline-label", "v1"], "The window after the deploy is over in"),
        (["--deployed-at", "2026-01-01T00:00Z", "--baseline-label", "v1", "--only", "up"], "looks at the time around"),
        (["--deployed-at", "2026-01-01T00:00Z", "--baseline-label", "v1", "--until-decided"], "exclude each other"),
        ([], "prometheus.q: not asked; --deployed-at says when"),
    ],
)
def test_a_deploy_that_cannot_be_looked_at_is_refused(capsys, tmp_path, words, said):
    (tmp_path / "stabkit.toml").write_text(
        '[prometheus.q]\nurl = "http://127.0.0.1:9"\nquery = "q"\nwindow = "30m"\n'
        '[prometheus.up]\nurl = "http://127.0.0.1:9"\nquery = "up"\n'
    )
    soon = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    asked = words if words else ["--only", "q"]
    given = [soon if word == "SOON" else word for word in asked]
    assert run(["collect", "--label", "v2", *given, "--config", str(tmp_path / "stabkit.toml")]) == 2
    assert said in capsys.readouterr().err
