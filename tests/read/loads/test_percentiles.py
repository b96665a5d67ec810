"""Load tools that keep percentiles alone: stated as claims, never rows, and never evidence of stability."""

# ruff: noqa: E501 - files read best as their tools write them

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.read.readers import read_file, source_summary
from stabkit.schema import Evidence

K6 = {"metrics": {"http_req_duration": {"med": 2.5, "p(95)": 9.0, "avg": 3.0}, "http_reqs": {"count": 100},
                  "http_req_failed": {"value": 0.02}}}  # fmt: skip
LOCUST = """Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,50%,95%,99%
GET,/a,100,2,12,13.5,12,30,41
,Aggregated,100,2,12,13.5,12,30,41
"""
VEGETA = {"latencies": {"mean": 3e6, "50th": 2.5e6, "95th": 9e6, "99th": 1e7}, "requests": 100, "success": 0.98,
          "status_codes": {"200": 98, "0": 2}}  # fmt: skip
OHA = {"summary": {"successRate": 0.98, "average": 0.003}, "latencyPercentiles": {"p50": 0.0025, "p95": 0.009, "p99": 0.01},
       "statusCodeDistribution": {"200": 98}, "errorDistribution": {"refused": 2}}  # fmt: skip
GHZ = {"count": 100, "average": 3e6, "latencyDistribution": [{"percentage": 50, "latency": 2_500_000}]}
BENCHMARK = {"benchmarks": [{"fullname": "b.py::t", "stats": {"median": 0.0025, "mean": 0.003, "rounds": 100}}]}
AB = """This is ApacheBench, Version 2.3
Complete requests:      100
Failed requests:        2
Time per request:       3.000 [ms] (mean)
Percentage of the requests served within a certain time (ms)
  50%      2
  95%      9
  99%     10
"""
WRK = """Running 10s test @ http://s/
  2 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.50ms    1.00ms  12.00ms   90.00%
  Latency Distribution
     50%    2.50ms
     99%    0.01s
  100 requests in 10.00s, 1.00MB read
  Socket errors: connect 0, read 1, write 0, timeout 1
"""
HEY = """
Summary:
  Average:	0.0045 secs

Latency distribution:
  50% in 0.0025 secs
  95% in 0.0090 secs

Details (average, fastest, slowest):
  DNS+dialup:	0.0000 secs, 0.0034 secs, 0.0679 secs

Status code distribution:
  [200]	88 responses
  [503]	10 responses

Error distribution:
  [2]	Get "http://s/": dial tcp: connect: connection refused
"""
AUTOCANNON = {"pipelining": 1, "errors": 2, "non2xx": 13, "3xx": 3, "4xx": 4, "5xx": 6, "requests": {"total": 98},
              "latency": {"p50": 2, "p97_5": 9, "p99": 10, "average": 3.5}}  # fmt: skip
ARTILLERY = {"aggregate": {"counters": {"http.requests": 100, "http.codes.200": 88, "http.codes.503": 10, "errors.ETIMEDOUT": 2,
             "vusers.failed": 2}, "summaries": {"http.response_time": {"p50": 2, "p95": 9, "p99": 10, "mean": 3.5}}},
             "intermediate": []}  # fmt: skip
SIEGE = """New configuration template added to the home folder

{	"transactions":			          95,
	"availability":			       95.00,
	"response_time":		        0.03,
	"successful_transactions":	          88,
	"failed_transactions":		           5
}
"""
SIEGE_TEXT = """Transactions:		          95 hits
Availability:		       95.00 %
Response time:		        0.03 secs
Successful transactions:          88
Failed transactions:	           5
"""
EVERY = {"k6": K6, "locust": LOCUST, "vegeta": VEGETA, "oha": OHA, "ghz": GHZ, "pytest-benchmark": BENCHMARK}


def read(folder: Path, content: Any) -> Evidence:
    path = folder / "load.txt"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_file(path)


def stated(found: Evidence) -> dict[str, Any]:
    claimed = json.loads(found["sources"]["claimed"].iloc[0])
    assert claimed["method"]
    return claimed["endpoints"][0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (K6, {"n": 100, "failed": 2, "p50_ms": 2.5, "p95_ms": 9.0, "mean_ms": 3.0}),
        (LOCUST, {"target": "GET /a", "n": 100, "failed": 2, "p50_ms": 12.0, "p95_ms": 30.0, "p99_ms": 41.0}),
        (VEGETA, {"n": 100, "failed": 2, "p50_ms": 2.5, "p95_ms": 9.0, "p99_ms": 10.0, "mean_ms": 3.0}),
        (OHA, {"n": 100, "failed": 2, "p50_ms": 2.5, "p95_ms": 9.0, "p99_ms": 10.0}),
        (GHZ, {"n": 100, "p50_ms": 2.5, "mean_ms": 3.0}),
        (BENCHMARK, {"target": "b.py::t", "n": 100, "p50_ms": 2.5, "mean_ms": 3.0}),
        (AB, {"n": 100, "failed": 2, "p50_ms": 2.0, "p95_ms": 9.0, "p99_ms": 10.0, "mean_ms": 3.0}),
        (WRK, {"n": 100, "failed": 2, "p50_ms": 2.5, "p99_ms": 10.0, "mean_ms": 4.5}),
        (HEY, {"n": 100, "failed": 12, "p50_ms": 2.5, "p95_ms": 9.0, "mean_ms": 4.5}),
        (AUTOCANNON, {"n": 100, "failed": 12, "p50_ms": 2.0, "p99_ms": 10.0, "mean_ms": 3.5}),
        (ARTILLERY, {"n": 100, "failed": 12, "p50_ms": 2.0, "p95_ms": 9.0, "p99_ms": 10.0, "mean_ms": 3.5}),
        (SIEGE, {"n": 100, "failed": 12, "mean_ms": 30.0}),
        (SIEGE_TEXT, {"n": 100, "failed": 12, "mean_ms": 30.0}),
    ],
    ids=[
        "k6",
        "locust",
        "vegeta",
        "oha",
        "ghz",
        "pytest-benchmark",
        "ab",
        "wrk",
        "hey",
        "autocannon",
        "artillery",
        "siege",
        "siege text",
    ],
)
def test_percentiles_are_claims_in_ms_and_prove_nothing(tmp_path, content, expected):
    found = read(tmp_path, content)
    assert {
        key: pytest.approx(stated(found)[key]) if key != "target" else stated(found)[key] for key in expected
    } == expected
    assert not len(found["samples"])
    assert found["sources"]["status"].iloc[0] == "ok"
    assert "proves nothing" in found["sources"]["message"].iloc[0]
    counts = source_summary(found)[0]["counts"]
    assert counts == {
        "samples": 100,
        "failed_samples": expected.get("failed"),
        **{
            name: pytest.approx(expected[name]) if name in expected else None for name in ("p50_ms", "p95_ms", "p99_ms")
        },
        "rows": "summary",
    }


def test_ghz_says_how_many_failed(tmp_path):
    found = read(tmp_path, GHZ | {"statusCodeDistribution": {"OK": 97, "Unavailable": 3}})
    assert source_summary(found)[0]["counts"]["failed_samples"] == 3


def test_the_text_that_a_shell_wrote_as_utf16_is_recognised(tmp_path):
    (tmp_path / "load.txt").write_bytes(AB.encode("utf-16"))
    assert source_summary(read_file(tmp_path / "load.txt"))[0]["counts"]["samples"] == 100


def test_a_percentile_that_the_tool_lacks_stays_away(tmp_path):
    assert "p99_ms" not in stated(read(tmp_path, K6))
    assert "p95_ms" not in stated(read(tmp_path, WRK))


def test_locusts_total_is_no_endpoint(tmp_path):
    two = LOCUST.replace(
        ",Aggregated,100,2,12,13.5,12,30,41", "GET,/b,50,0,400,400,400,600,900\n,Aggregated,150,2,20,90,20,500,700"
    )
    found = read(tmp_path, two)
    claimed = json.loads(found["sources"]["claimed"].iloc[0])
    assert [entry["target"] for entry in claimed["endpoints"]] == ["GET /a", "GET /b"]
    assert (claimed["total"]["p95_ms"], claimed["resolution_ms"]) == (500.0, 10.0)
    counts = source_summary(found)[0]["counts"]
    assert (counts["samples"], counts["failed_samples"], counts["p95_ms"]) == (150, 2, 500.0)


def test_percentiles_of_several_endpoints_are_never_averaged(tmp_path):
    without_total = "\n".join([*LOCUST.splitlines()[:2], "GET,/b,50,1,400,400,400,600,900", ""])
    counts = source_summary(read(tmp_path, without_total))[0]["counts"]
    assert (counts["samples"], counts["failed_samples"], counts["p95_ms"]) == (150, 3, None)


@pytest.mark.parametrize(
    ("content", "n"),
    [
        ({**AUTOCANNON, "errors": 9, "non2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0, "requests": {"total": 0},
          "latency": {"p50": 0, "p99": 0, "average": 0}}, 9),
        (SIEGE.replace("95,", "0,").replace("88", "0"), 5),
        (HEY.replace("88 responses", "0 responses"), 12),
        ({**OHA, "statusCodeDistribution": {"503": 3}}, 5),
    ],
    ids=["autocannon", "siege", "hey", "oha"],
)  # fmt: skip
def test_where_no_request_was_answered_well_there_is_no_percentile(tmp_path, content, n):
    counts = source_summary(read(tmp_path, content))[0]["counts"]
    assert (counts["samples"], counts["failed_samples"]) == (n, n)
    assert counts["p50_ms"] is counts["p99_ms"] is None


def test_oha_leaves_out_what_was_under_way_at_the_end(tmp_path):
    report = {**OHA, "errorDistribution": {"aborted due to deadline": 8, "refused": 2}}
    counts = source_summary(read(tmp_path, report))[0]["counts"]
    assert (counts["samples"], counts["failed_samples"]) == (100, 2)


def test_ab_counts_an_answer_of_another_length_that_is_no_2xx_once(tmp_path):
    text = AB.replace(
        "2\nTime", "12\n   (Connect: 1, Receive: 0, Length: 11, Exceptions: 0)\nNon-2xx responses:      8\nTime"
    )
    assert stated(read(tmp_path, text))["failed"] == 12
    assert stated(read(tmp_path, AB.replace("2\nTime", "0\nNon-2xx responses:      8\nTime")))["failed"] == 8


def test_of_two_runs_in_one_text_all_numbers_are_of_the_last(tmp_path):
    found = stated(read(tmp_path, AB + AB.replace("100", "50").replace("50%      2", "50%      4")))
    assert (found["n"], found["failed"], found["p50_ms"]) == (50, 2, 4.0)


def test_a_text_of_ab_that_is_cut_before_its_percentiles_still_says_how_many_failed(tmp_path):
    found = stated(read(tmp_path, AB.partition("  50%")[0]))
    assert (found["n"], found["failed"], found["mean_ms"]) == (100, 2, 3.0)


@pytest.mark.parametrize("text", ["Running tests\n1 passed\n", "Running 3s test @ http://s/\n4 connections\n"])
def test_what_only_begins_like_wrk_is_not_wrk(tmp_path, text):
    assert read(tmp_path, text)["sources"]["status"].iloc[0] == "error"


def test_k6_says_what_its_summary_leaves_out(tmp_path):
    message = read(tmp_path, K6)["sources"]["message"].iloc[0]
    assert "leave connecting out" in message
    assert "count a request without an answer as 0 ms" in message


def histogram(*readings, name="http_seconds_bucket"):
    result = [
        {"metric": {"__name__": name, "job": "api", "le": le}, "values": [[1, first], [2, last]]}
        for le, first, last in readings
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def test_buckets_of_a_histogram_are_intervals_and_no_samples(tmp_path):
    found = read(
        tmp_path, histogram(("0.01", "5", "95"), ("0.025", "5", "97"), ("0.05", "5", "105"), ("+Inf", "5", "105"))
    )
    assert stated(found) == {
        "target": "api",
        "n": 100,
        "bounds_ms": {"p50_ms": [None, 10.0], "p95_ms": [25.0, 50.0], "p99_ms": [25.0, 50.0]},
    }
    assert not len(found["samples"])
    counts = source_summary(found)[0]["counts"]
    assert (counts["samples"], counts["p95_ms"], counts["rows"]) == (100, None, "summary")


def test_otlp_histograms_are_intervals(tmp_path):
    def document(unit, *counts, **more):
        point = {"explicitBounds": [0.01, 0.025], "bucketCounts": [str(count) for count in counts],
                 "attributes": [{"key": "route", "value": {"stringValue": "/a"}}]}  # fmt: skip
        metric = {"name": "http.server.duration", "unit": unit, "histogram": {"dataPoints": [point], **more}}
        return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric, {"name": "up", "gauge": {}}]}]}]}

    lines = "\n".join(json.dumps(document("s", *counts)) for counts in ((1, 1, 1), (90, 6, 4)))
    found = read(tmp_path, lines + "\n")
    bounds = {"p50_ms": [None, 10.0], "p95_ms": [10.0, 25.0], "p99_ms": [25.0, None]}
    assert stated(found) == {"target": "http.server.duration route=/a", "n": 100, "bounds_ms": bounds}
    parts = [json.dumps(document("s", *counts, aggregationTemporality=1)) for counts in ((80, 5, 0), (10, 1, 4))]
    assert stated(read(tmp_path, "\n".join(parts)))["bounds_ms"] == bounds
    assert "metrics are no histograms of times and left out" in found["sources"]["message"].iloc[0]
    assert read(tmp_path, document("By", 1, 1, 1))["sources"]["status"].iloc[0] == "partial"
    assert "bounds_ms" not in stated(read(tmp_path, document("s", 1, 1)))


def test_a_histogram_over_its_last_bucket_and_after_a_restart(tmp_path):
    found = read(tmp_path, histogram(("0.01", "90", "10"), ("+Inf", "95", "40")))
    assert stated(found)["bounds_ms"]["p99_ms"] == [10.0, None]
    nameless = read(tmp_path, histogram(("0.01", "1", "2"), name="x"))
    assert nameless["sources"]["status"].iloc[0] == "partial"
    assert "states its unit" in nameless["sources"]["message"].iloc[0]


SEEDS = [
    content if isinstance(content, str) else json.dumps(content)
    for content in (*EVERY.values(), AB, WRK, HEY, AUTOCANNON, ARTILLERY, SIEGE, histogram(("0.1", "1", "2")))
]
SEEDS += [
    '{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "d", "unit": "s", "histogram": {"dataPoints": [{"bucketCounts": ["1"]}]}}]}]}]}',
    "RUN\ta.B\tb\t1767225600000\t \t3.9\nREQUEST\t\thome\t1767225600000\t1767225600120\tOK\t\n",
    "metric_name,timestamp,metric_value\nhttp_req_duration,1,2\n",
    "timeStamp,elapsed,label,success\n1,2,a,true\n",
    "response-time,status-code,offset\n0.1,200,0\n",
    '{"log": {"creator": {}, "entries": [{"time": 3, "response": {"status": 200}}]}}',
    '{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": 2}]}]}]}',
    '{"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[1, "2"]]}]}}',
    '{"attack": "", "seq": 1, "code": 200, "latency": 5}\n',
    '{"jobs": [{"name": "a", "started_at": "2026-01-01T00:00:00Z"}]}',
]


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_rows_claims_or_an_error(tmp_path, seed, data):
    raw = bytearray(seed.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["cut", "byte", "drop"])):
            case "cut":
                raw = raw[: place + 1]
            case "byte":
                raw[place] = data.draw(st.integers(0, 255))
            case "drop":
                raw[place : place + data.draw(st.integers(1, 20))] = b" "
    path = tmp_path / "report"
    path.write_bytes(bytes(raw))
    found = read_file(path)
    assert len(found["sources"]) == 1
    failed = found["samples"][~found["samples"]["ok"]]
    assert failed["service_ms"].isna().all()


@pytest.mark.parametrize(
    ("content", "gone"),
    [
        (AB, r"Failed requests.*\n"),
        (json.dumps(AUTOCANNON), r'"errors": 2, '),
        (json.dumps(OHA), r', "errorDistribution": \{"refused": 2\}'),
        (json.dumps(OHA), r'"statusCodeDistribution": \{"200": 98\}, '),
        (SIEGE, r'\s*"successful_transactions":.*'),
        (SIEGE_TEXT, r"Successful transactions.*\n"),
    ],
)
def test_failures_that_are_not_stated_are_not_known(tmp_path, content, gone):
    """Each tool writes them down, also where there are none."""
    left = re.sub(gone, "", content)
    assert left != content
    assert stated(read(tmp_path, content)).get("failed") is not None
    assert stated(read(tmp_path, left)).get("failed") is None
