"""Load tools that keep every request: rows in ms, in order of time, failures without a time."""

# ruff: noqa: E501 - files read best as their tools write them

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file, read_paths, source_summary
from stabkit.schema import Evidence


def read(folder: Path, content: Any) -> Evidence:
    path = folder / "load.txt"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_file(path)


def source(found: Evidence) -> dict[str, Any]:
    return found["sources"].to_dict("records")[0]


def rows(found: Evidence, *columns: str) -> list[tuple[Any, ...]]:
    frame = found["samples"].astype(object)
    frame = frame.where(found["samples"].notna(), None)
    return list(zip(*(frame[name] for name in columns), strict=True))


def requests(found: Evidence) -> list[tuple[Any, ...]]:
    """Return the requests, without the transactions that repeat their time."""
    samples = found["samples"]
    return rows(Evidence({"samples": samples[samples["metric"] == "response_time"]}), *SHORT)


def transactions(found: Evidence) -> list[tuple[Any, ...]]:
    samples = found["samples"]
    return rows(Evidence({"samples": samples[samples["metric"] == "transaction_time"]}), "target", "service_ms", "ok")


SHORT = ("target", "service_ms", "ok", "status")


def test_k6_table_and_a_refused_request(tmp_path):
    found = read(
        tmp_path,
        "metric_name,timestamp,metric_value,error,expected_response,method,name,status,url\n"
        "http_reqs,1700000000,1,,true,GET,http://s/a,200,http://s/a\n"
        "http_req_duration,1700000001,20.5,,true,GET,http://s/a,200,http://s/a\n"
        "http_req_duration,1700000000,10.5,,true,GET,http://s/a,200,http://s/a\n"
        "http_req_duration,1700000002,0,dial: connection refused,false,GET,http://s/a,0,http://s/a\n",
    )
    assert rows(found, *SHORT) == [
        ("GET /a", 10.5, True, 200),
        ("GET /a", 20.5, True, 200),
        ("GET /a", None, False, None),
    ]
    assert rows(found, "error", "sequence")[-1] == ("dial: connection refused", 2)
    assert found["samples"]["response_ms"].isna().all()
    assert source_summary(found)[0]["counts"]["p50_ms"] == 10.5


@pytest.mark.parametrize(
    ("tags", "ok"),
    [
        *[({"status": "500"}, False), ({"status": "404"}, False), ({"status": "302"}, True)],
        ({"status": "404", "expected_response": "true"}, True),
    ],
)
def test_k6_without_the_tag_of_what_was_expected_goes_by_the_status(tmp_path, tags, ok):
    point = {"time": "2026-01-01T00:00:00Z", "value": 3, "tags": tags}
    found = read(tmp_path, {"type": "Point", "metric": "http_req_duration", "data": point})
    assert found["samples"]["ok"].tolist() == [ok]


def test_k6_lines_that_are_cut_are_partial(tmp_path):
    tags = {"method": "GET", "name": "/a", "status": "200", "expected_response": "true"}
    point = {
        "type": "Point",
        "metric": "http_req_duration",
        "data": {"time": "2026-01-02T03:04:05Z", "value": 3, "tags": tags},
    }
    other = {"type": "Metric", "metric": "http_req_duration", "data": {}}
    found = read(tmp_path, f'{json.dumps(other)}\n{json.dumps(point)}\n{{"type": "Po')
    assert rows(found, *SHORT) == [("GET /a", 3.0, True, 200)]
    assert source(found)["status"] == "partial"


JTL = "timeStamp,elapsed,label,responseCode,responseMessage,success,Latency,Connect\n"


def test_jmeter_table_without_its_transactions(tmp_path):
    found = read(
        tmp_path,
        f"{JTL}2,30,home,200,OK,true,20,0\n1,10,home,500,no,false,9,1\n"
        '1,40,login,,"Number of samples in transaction : 2, number of failing samples : 1",true,0,0\n',
    )
    assert requests(found) == [("home", None, False, 500), ("home", 30.0, True, 200)]
    assert transactions(found) == [("login", 40.0, True)]
    assert rows(found, "first_byte_ms", "connect_ms")[-1] == (20.0, None)
    assert "1 transaction repeats" in source(found)["message"]
    assert json.loads(source(found)["claimed"]) == {"resolution_ms": 1.0}


def test_jmeter_xml_without_parents(tmp_path):
    found = read(
        tmp_path,
        '<testResults version="1.2"><sample t="40" ts="1" lb="login" s="true"><httpSample t="10" ts="1" lb="a" s="true" rc="200"/>'
        '<httpSample t="30" ts="2" lb="b" s="false" rc="503"/></sample></testResults>',
    )
    assert requests(found) == [("a", 10.0, True, 200), ("b", None, False, 503)]
    assert transactions(found) == [("login", 40.0, True)]
    assert "1 transaction repeats" in source(found)["message"]


def test_jmeter_xml_without_the_transactions_beside_their_samples(tmp_path):
    found = read(
        tmp_path,
        '<testResults version="1.2"><httpSample t="10" ts="1" lb="a" s="true" rc="200"/>'
        '<sample t="40" ts="1" lb="login" s="true" rm="Number of samples in transaction : 1, number of failing samples : 0"/>'
        "</testResults>",
    )
    assert requests(found) == [("a", 10.0, True, 200)]
    assert transactions(found) == [("login", 40.0, True)]
    assert "1 transaction repeats" in source(found)["message"]


def test_several_files_are_counted_apart(tmp_path):
    for name, time in (("a.csv", "0.010"), ("b.csv", "0.020")):
        (tmp_path / name).write_text(f"response-time,status-code,offset\n{time},200,0\n")
    (tmp_path / "c.json").write_text(
        json.dumps({"metrics": {"http_reqs": {"count": 7}, "http_req_duration": {"med": 4}}})
    )
    counts = [entry["counts"] for entry in source_summary(read_paths([tmp_path]))]
    assert [(c["samples"], c["p50_ms"], c["rows"]) for c in counts] == [
        (1, 10.0, "raw"),
        (1, 20.0, "raw"),
        (7, 4.0, "summary"),
    ]


def test_a_job_that_queued_is_one_sample(tmp_path):
    job = {"name": "build", "conclusion": "success", "created_at": "2026-01-01T00:00:00Z",
           "started_at": "2026-01-01T00:10:00Z", "completed_at": "2026-01-01T00:10:05Z"}  # fmt: skip
    counts = source_summary(read(tmp_path, {"jobs": [job]}))[0]["counts"]
    assert (counts["samples"], counts["p50_ms"]) == (1, 5000.0)


def test_no_request_at_all_is_partial(tmp_path):
    found = read(tmp_path, "response-time,status-code,offset\n")
    assert source(found)["status"] == "partial"
    assert "it holds no request" in source(found)["message"]


def test_github_jobs_queue_and_run(tmp_path):
    job = {"name": "build", "status": "completed", "conclusion": "success", "run_attempt": 2}
    times = {
        "created_at": "2026-01-01T00:00:00Z",
        "started_at": "2026-01-01T00:01:00Z",
        "completed_at": "2026-01-01T00:03:00Z",
    }
    found = read(
        tmp_path, {"total_count": 2, "jobs": [job | times, {"name": "x", "conclusion": "skipped", "started_at": ""}]}
    )
    assert rows(found, "target", "metric", "round", "service_ms", "ok") == [
        ("build", "run_time", 1, 120_000.0, True),
        ("build", "queue_time", 1, 60_000.0, True),
    ]
    assert source(found)["status"] == "ok"
    more = read(tmp_path, {"total_count": 40, "jobs": [job | times]})
    assert "a page is missing" in source(more)["message"]
    open_ = read(tmp_path, {"jobs": [job | times | {"status": "in_progress"}]})
    assert source(open_)["status"] == "partial"


def test_pytest_benchmark_rounds(tmp_path):
    kept = {"name": "t", "fullname": "b.py::t", "stats": {"data": [0.001, 0.002], "median": 0.0015, "rounds": 2}}
    found = read(tmp_path, {"machine_info": {}, "commit_info": {}, "benchmarks": [kept]})
    assert rows(found, "target", "metric", "service_ms") == [("b.py::t", "run_time", 1.0), ("b.py::t", "run_time", 2.0)]


def test_har_phases_and_minus_one(tmp_path):
    entry = {
        "startedDateTime": "2026-01-01T00:00:00Z", "time": 100, "request": {"method": "GET", "url": "https://u:p@s/a?t=1"},
        "response": {"status": 200},
        "timings": {"blocked": 10, "dns": -1, "connect": 30, "ssl": 20, "send": 0, "wait": 40, "receive": 10},
    }  # fmt: skip
    lost = {
        "startedDateTime": "2026-01-01T00:00:01Z",
        "time": 5,
        "request": {"url": "https://s/b"},
        "response": {"status": 0},
    }
    found = read(tmp_path, {"log": {"creator": {}, "entries": [lost, entry]}})
    assert rows(found, "target", "service_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "ok") == [
        ("GET /a", 90.0, None, 10.0, 20.0, 40.0, True),
        ("/b", None, None, None, None, None, False),
    ]
    assert "u:p" not in found["samples"].to_csv()


def test_har_as_playwright_writes_it(tmp_path):
    timings = {"dns": 0.02, "connect": 0.25, "ssl": 1.4, "send": 0, "wait": 70, "receive": 50}
    plain = {
        "time": 120,
        "request": {"method": "GET", "url": "http://s/a"},
        "response": {"status": 200},
        "timings": timings,
    }
    refused = {"time": 11, "request": {"url": "http://s/b"}, "timings": {"send": -1},
               "response": {"status": -1, "_failureText": "net::ERR_CONNECTION_REFUSED"}}  # fmt: skip
    found = read(tmp_path, {"log": {"creator": {}, "entries": [plain, refused]}})
    assert rows(found, "connect_ms", "tls_ms", "ok", "error") == [
        (0.25, None, True, None),
        (None, None, False, "net::ERR_CONNECTION_REFUSED"),
    ]


def test_vegeta_nanoseconds(tmp_path):
    def hit(number: int, **more: Any) -> str:
        return json.dumps({"attack": "", "seq": number, "code": 200, "latency": 5_000_000, "error": "", **more}) + "\n"

    found = read(tmp_path, hit(1, method="GET", url="http://s/a") + hit(0, code=0, error="EOF"))
    assert rows(found, *SHORT) == [("/", None, False, None), ("GET /a", 5.0, True, 200)]


def test_hey_seconds_in_order_of_their_offset(tmp_path):
    head = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n"
    found = read(tmp_path, f"{head}0.0200,0,0,0,0.01,0.001,200,0.5\n0.0100,0,0,0,0.01,0.001,503,0.1\n")
    assert rows(found, *SHORT) == [("all requests", None, False, 503), ("all requests", 20.0, True, 200)]
    assert "errors may be missing" in source(found)["message"]


def test_a_table_that_a_shell_wrote_as_utf16_loses_nothing(tmp_path):
    (tmp_path / "load.csv").write_bytes("response-time,status-code,offset\n0.0200,200,0.5\n".encode("utf-16"))
    assert rows(read_file(tmp_path / "load.csv"), *SHORT) == [("all requests", 20.0, True, 200)]


def test_ghz_details(tmp_path):
    details = [
        {"timestamp": "2026-01-01T00:00:01Z", "latency": 2_000_000, "error": "", "status": "OK"},
        {"timestamp": "2026-01-01T00:00:00Z", "latency": 1_000_000, "error": "deadline", "status": "DeadlineExceeded"},
    ]
    report = {"count": 2, "latencyDistribution": [{"percentage": 50, "latency": 1}], "details": details}
    found = read(tmp_path, report | {"options": {"call": "shop.Cart/Add"}})
    assert rows(found, *SHORT) == [("shop.Cart/Add", None, False, None), ("shop.Cart/Add", 2.0, True, None)]
    assert "endpoints" not in str(source(found)["claimed"])
    empty = read(tmp_path, report | {"details": [{}]})
    assert rows(empty, "ok", "error") == [(False, "no latency")]


def test_otlp_server_spans(tmp_path):
    server = {"name": "GET /a", "kind": 2, "startTimeUnixNano": "1000000", "endTimeUnixNano": "6000000", "status": {}}
    bad = server | {"kind": "SPAN_KIND_SERVER", "startTimeUnixNano": "500000", "status": {"code": 2, "message": "boom"}}
    spans = [server, bad, {"name": "query", "kind": 3}]
    found = read(tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    assert rows(found, *SHORT, "error") == [("GET /a", None, False, None, "boom"), ("GET /a", 5.0, True, None, None)]
    assert "1 inner span is" in source(found)["message"]
    failed = server | {"attributes": [{"key": "http.response.status_code", "value": {"intValue": "503"}}]}
    found = read(tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": [failed]}]}]})
    assert rows(found, *SHORT, "error") == [("GET /a", None, False, 503, "status 503")]


def test_prometheus_readings_are_rounds(tmp_path):
    series = {
        "metric": {"__name__": "process_resident_memory_bytes", "job": "shop"},
        "values": [[1_700_000_000, "50000000"], [1_700_000_015, "NaN"], [1_700_000_030, "60000000"]],
    }
    found = read(tmp_path, {"status": "success", "data": {"resultType": "matrix", "result": [series]}})
    assert rows(found, "target", "metric", "round", "value", "unit", "ok") == [
        ("shop", "memory", 0, 50.0, "MB", True),
        ("shop", "memory", 1, None, "MB", False),
        ("shop", "memory", 2, 60.0, "MB", True),
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, "parse error"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, "not a range of readings"),
        ({"status": "success", "data": {"resultType": "matrix", "result": [{"values": [[1]]}]}}, "no pairs"),
    ],
)
def test_prometheus_answers_that_are_no_range(tmp_path, answer, words):
    found = read(tmp_path, answer)
    assert source(found)["status"] == "error"
    assert words in source(found)["message"]


def test_requests_that_ghz_counts_and_does_not_list_are_unknown(tmp_path):
    details = [
        {"timestamp": f"2026-01-05T10:00:0{n}Z", "latency": 3_000_000, "error": "", "status": "OK"} for n in range(3)
    ]
    document = {"name": "t", "endReason": "normal", "rps": 1, "options": {"call": "x.Y.Z"}, "details": details}
    whole, short = read(tmp_path, {**document, "count": 3}), read(tmp_path, {**document, "count": 200})
    assert (source(whole)["status"], source(short)["status"]) == ("ok", "partial")
    assert source(short)["message"].startswith("it counts 200 requests and lists 3")
    assert len(short["samples"]) == 3


def test_google_benchmark_is_read_as_what_it_is(tmp_path):
    def benchmark(**said):
        return {"name": "BM_x/8", "run_name": "BM_x/8", "run_type": "iteration", "iterations": 10, **said}

    found = read(
        tmp_path,
        {
            "context": {"date": "2026-01-05T10:00:00+00:00", "num_cpus": 2},
            "benchmarks": [
                benchmark(real_time=1500.0, cpu_time=1.0, time_unit="us"),
                benchmark(real_time=2_000_000.0, cpu_time=1.0),
                benchmark(name="BM_x/8_mean", run_type="aggregate", real_time=1.7, time_unit="ms"),
                benchmark(error_occurred=True, error_message="no memory", real_time=0.0, time_unit="ns"),
            ],
        },
    )
    assert source(found)["format"] == "google-benchmark"
    assert rows(found, "target", "metric", "service_ms", "ok") == [
        ("BM_x/8", "run_time", 1.5, True),
        ("BM_x/8", "run_time", 2.0, True),
        ("BM_x/8", "run_time", None, False),
    ]
    assert rows(found, "error")[-1] == ("no memory",)
    assert "1 aggregate repeats its repetitions" in source(found)["message"]
