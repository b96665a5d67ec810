"""Load tools that keep percentiles alone: stated as claims, never rows, and never evidence of stability."""

# ruff: noqa: E501 - files read best as their tools write them

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.collect.readers import read_file, source_summary
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
  Latency Distribution
     50%    2.50ms
     99%    0.01s
  100 requests in 10.00s, 1.00MB read
  Socket errors: connect 0, read 1, write 0, timeout 1
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
        (WRK, {"n": 100, "failed": 2, "p50_ms": 2.5, "p99_ms": 10.0}),
    ],
    ids=["k6", "locust", "vegeta", "oha", "ghz", "pytest-benchmark", "ab", "wrk"],
)
def test_percentiles_are_claims_in_ms_and_prove_nothing(tmp_path, content, expected):
    found = read(tmp_path, content)
    assert {
        key: pytest.approx(stated(found)[key]) if key != "target" else stated(found)[key] for key in expected
    } == expected
    assert not len(found["samples"])
    assert found["sources"]["status"].iloc[0] == "partial"
    assert source_summary(found)[0]["counts"]["rows"] == "summary"


def test_a_percentile_that_the_tool_lacks_stays_away(tmp_path):
    assert "p99_ms" not in stated(read(tmp_path, K6))
    assert "p95_ms" not in stated(read(tmp_path, WRK))


def test_locusts_total_is_no_endpoint(tmp_path):
    claimed = json.loads(read(tmp_path, LOCUST)["sources"]["claimed"].iloc[0])
    assert [entry["target"] for entry in claimed["endpoints"]] == ["GET /a"]


SEEDS = [content if isinstance(content, str) else json.dumps(content) for content in (*EVERY.values(), AB, WRK)]
SEEDS += [
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
