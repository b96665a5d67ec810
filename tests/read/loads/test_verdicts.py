"""What load tools say of a test themselves: checks, thresholds, assertions, transactions, dropped iterations."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file, source_summary
from stabkit.schema import Evidence

JTL = "timeStamp,elapsed,label,responseCode,responseMessage,success,failureMessage,allThreads\n"


def read(folder: Path, content: Any, name: str = "load.txt") -> Evidence:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_file(path)


def counts(found: Evidence) -> dict[str, Any]:
    return source_summary(found)[0]["counts"]


def checks(found: Evidence) -> dict[str, tuple[str, int, int]]:
    rows = found["checks"].to_dict("records")
    return {f"{row['target']}: {row['check']}": (row["outcome"], row["passed"], row["failed"]) for row in rows}


def k6_point(metric: str, value: float, second: int = 0, **tags: str) -> str:
    at = f"2026-01-05T10:{second // 60:02}:{second % 60:02}.000Z"
    return json.dumps({"type": "Point", "metric": metric, "data": {"time": at, "value": value, "tags": tags}})


def k6_metric(metric: str, kind: str, thresholds: list[str]) -> str:
    return json.dumps({"type": "Metric", "metric": metric, "data": {"type": kind, "thresholds": thresholds}})


def k6_request(time: float, second: int = 0, **tags: str) -> str:
    own = {"method": "GET", "name": "https://shop.example/cart", "status": "200", "expected_response": "true"}
    return k6_point("http_req_duration", time, second, **own, **tags)


def test_k6_checks_are_counted_by_group_and_name(tmp_path):
    lines = [k6_request(20), *(k6_point("checks", value, check="has total", group="::cart") for value in (1, 1, 0))]
    lines.append(k6_point("checks", 1, check="is fast"))
    path = tmp_path / "k6.json.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = read_file(path)
    assert checks(found) == {"k6: cart::has total": ("fail", 2, 1), "k6: is fast": ("pass", 1, 0)}
    assert counts(found)["checks"] == {"passed": 3, "failed": 1}
    assert (counts(found)["samples"], found["sources"]["rows"].item()) == (1, 1)


def test_k6_table_has_checks_and_dropped_iterations(tmp_path):
    found = read(
        tmp_path,
        "metric_name,timestamp,metric_value,check,error,expected_response,group,method,name,status\n"
        "http_req_duration,1700000001,20.5,,,true,,GET,http://s/a,200\n"
        "checks,1700000001,0,has total,,,,,,\n"
        "dropped_iterations,1700000002,7,,,,,,,\n",
    )
    assert checks(found) == {"k6: has total": ("fail", 0, 1)}
    assert (counts(found)["dropped"], found["sources"]["status"].item()) == (7, "partial")
    assert "7 iterations were dropped" in found["sources"]["message"].item()


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        *[("p(95)<50", "pass"), ("p(95) < 10", "fail"), ("avg<=20", "pass"), ("max<30", "fail"), ("count>=3", "pass")],
        *[("med>100", "fail"), ("min!=10", "fail"), ("of tomorrow", "not_checked")],
    ],
)
def test_k6_thresholds_of_a_raw_file_are_judged_by_its_points(tmp_path, expression, outcome):
    lines = [k6_metric("http_req_duration", "trend", [expression]), *map(k6_request, (10, 20, 30))]
    found = read(tmp_path, "\n".join(lines))
    name = f"k6: threshold http_req_duration: {expression}"
    assert checks(found)[name][0] == outcome


def test_k6_thresholds_of_a_submetric_look_at_its_points_alone(tmp_path):
    lines = [
        k6_metric("http_req_duration{kind:slow}", "trend", ["max<15"]),
        k6_request(10, kind="slow"),
        k6_request(90),
    ]
    assert [value[0] for value in checks(read(tmp_path, "\n".join(lines))).values()] == ["pass"]


@pytest.mark.parametrize("nested", [True, False])
def test_k6_summaries_say_checks_thresholds_and_dropped_iterations(tmp_path, nested):
    def metric(values: dict[str, Any], *, crossed: bool | None = None) -> dict[str, Any]:
        came_out = {} if crossed is None else {"thresholds": {"rate>0.9": {"ok": not crossed} if nested else crossed}}
        return ({"values": values} if nested else values) | came_out

    check = {"name": "has total", "passes": 70, "fails": 30}
    group = {"name": "cart", "checks": [check] if nested else {"has total": check}, "groups": [] if nested else {}}
    root = {"name": "", "groups": [group] if nested else {"cart": group}, "checks": [] if nested else {}}
    metrics = {
        "http_reqs": metric({"count": 100, "rate": 10}),
        "http_req_failed": metric({"rate": 0.02} if nested else {"value": 0.02}),
        "http_req_duration": metric({"med": 20, "p(95)": 40}),
        "checks": metric({"passes": 70, "fails": 30, "rate": 0.7}, crossed=True),
        "dropped_iterations": metric({"count": 4}),
    }
    found = read(tmp_path, {"root_group": root, "metrics": metrics})
    assert checks(found) == {
        "k6: cart::has total": ("fail", 70, 30),
        "k6: threshold checks: rate>0.9": ("fail", 0, 1),
    }
    assert (counts(found)["dropped"], counts(found)["samples"], counts(found)["failed_samples"]) == (4, 100, 2)
    assert found["sources"]["status"].item() == "partial"


def test_k6_that_asked_more_than_it_lists_is_partial(tmp_path):
    found = read(tmp_path, "\n".join([k6_request(10), *[k6_point("http_reqs", 1)] * 3]))
    assert "it counts 3 requests and lists 1" in found["sources"]["message"].item()
    assert found["sources"]["status"].item() == "partial"


def test_jmeter_transactions_fail_by_themselves(tmp_path):
    said = '"Number of samples in transaction : 1, number of failing samples : 1"'
    found = read(tmp_path, f"{JTL}1,10,home,200,OK,true,,5\n2,40,login,,{said},false,,5\n")
    own = counts(found)
    assert (own["samples"], own["failed_samples"], own["transactions"], own["failed_transactions"]) == (1, 0, 1, 1)


def test_jmeter_assertions_of_a_table_are_checks(tmp_path):
    found = read(tmp_path, f'{JTL}1,10,home,200,OK,true,,5\n2,40,home,200,OK,false,"expected /Welcome/",5\n')
    assert checks(found) == {"home: assertions": ("fail", 1, 1)}
    assert found["samples"]["error"].dropna().tolist() == ["expected /Welcome/"]


def test_jmeter_assertions_of_xml_are_checks_by_name(tmp_path):
    def sample(result: str, *, good: bool) -> str:
        return f'<httpSample t="9" ts="1" lb="home" s="{str(good).lower()}" rc="200">{result}</httpSample>'

    bad = "<assertionResult><name>Size</name><failure>true</failure><failureMessage>small</failureMessage>"
    bad += "</assertionResult>"
    good = "<assertionResult><name>Size</name><failure>false</failure><error>false</error></assertionResult>"
    found = read(
        tmp_path,
        f'<testResults version="1.2">{sample(bad, good=False)}{sample(good, good=True)}{sample("", good=True)}'
        "</testResults>",
    )
    assert checks(found) == {"home: assertion Size": ("fail", 2, 1)}
    assert found["checks"]["observed"].tolist() == ["small"]


def test_jobs_are_checks_by_their_last_attempt(tmp_path):
    times = {"started_at": "2026-01-01T00:01:00Z", "completed_at": "2026-01-01T00:03:00Z"}
    ends = [("build", "failure", 1), ("build", "success", 2), ("lint", "timed_out", 1), ("docs", "cancelled", 1)]
    jobs = [{"name": name, "conclusion": end, "run_attempt": attempt, **times} for name, end, attempt in ends]
    found = read(tmp_path, {"jobs": [*jobs, {"name": "deploy", "conclusion": "skipped"}]})
    assert {name: value[0] for name, value in checks(found).items()} == {
        "build: conclusion": "pass",
        "lint: conclusion": "fail",
        "docs: conclusion": "not_checked",
    }


def test_a_span_that_begins_a_trace_is_a_transaction(tmp_path):
    def span(name: str, kind: int, own: str, parent: str | None, code: int) -> dict[str, Any]:
        times = {"startTimeUnixNano": "1000000", "endTimeUnixNano": "3000000"}
        return {"name": name, "kind": kind, "spanId": own, "status": {"code": code}, **times} | (
            {"parentSpanId": parent} if parent else {}
        )

    spans = [span("checkout", 1, "r", None, 2), span("GET /cart", 2, "s", "r", 0), span("db", 1, "d", "s", 0)]
    found = read(tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    own = counts(found)
    assert (own["samples"], own["failed_samples"], own["transactions"], own["failed_transactions"]) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"attack":"a","seq":0,"code":200,"latency":5,"method":"GET","url":"http://s/a"}\n'
         '{"attack":"a","seq":9,"code":200,"latency":5,"method":"GET","url":"http://s/a"}\n', "it counts 10 requests"),
        ({"benchmarks": [{"name": "t", "stats": {"rounds": 5, "data": [0.1, 0.2]}}], "machine_info": {}},
         "it counts 5 rounds and lists 2"),
        ({"context": {}, "benchmarks": [{"name": "b", "repetitions": 3, "real_time": 5, "time_unit": "ms"}]},
         "2 repetitions are counted and not listed"),
        ("Type,Name,Request Count,Failure Count\nGET,/a,10,0\n,Aggregated,30,0\n",
         "it counts 30 requests and its endpoints 10"),
        ({"count": 5, "endReason": "normal", "rps": 1, "latencyDistribution": [],
          "details": [{"timestamp": "2026-01-05T10:00:00Z", "latency": 5, "error": "", "status": "OK"}]},
         "it counts 5 requests and lists 1"),
    ],
    ids=["vegeta", "pytest-benchmark", "google-benchmark", "locust", "ghz"],
)  # fmt: skip
def test_what_is_counted_and_not_listed_is_partial(tmp_path, content, said):
    found = read(tmp_path, content)
    assert found["sources"]["status"].item() == "partial"
    assert said in found["sources"]["message"].item()


def test_google_benchmark_is_read_as_what_it_is(tmp_path):
    entry = {"name": "parse", "run_name": "parse", "run_type": "iteration", "real_time": 2.0, "time_unit": "us"}
    found = read(tmp_path, {"context": {"num_cpus": 2}, "benchmarks": [entry]})
    assert found["sources"]["format"].item() == "google-benchmark"
    assert found["samples"]["service_ms"].tolist() == [0.002]
