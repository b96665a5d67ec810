"""k6's machine-readable summary: a list of metrics, its checks, and k6's own word for the test."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.schema import Evidence

SUMMARY: dict[str, Any] = {
    "version": "1.0.0",
    "metadata": {"generatedAt": "2026-07-01T10:30:45.123Z", "k6Version": "2.0.0"},
    "config": {"execution": "local", "script": "shop.js", "duration": 60.0},
    "results": {
        "passed": True,
        "metrics": [
            {"name": "http_reqs", "type": "counter", "contains": "default", "category": "http",
             "values": {"count": 100, "rate": 1.7}},
            {"name": "http_req_duration", "type": "trend", "contains": "time", "category": "http",
             "values": {"avg": 20.5, "min": 9.0, "med": 20.0, "max": 90.0, "p(90)": 30.0, "p(95)": 35.0, "count": 100},
             "thresholds": [{"source": "p(95)<50", "ok": True}]},
            {"name": "http_req_failed", "type": "rate", "contains": "default", "category": "http",
             "values": {"rate": 0.02, "passes": 2, "fails": 98}},
        ],
        "checks": {"metrics": [], "results": [{"name": "status is 200", "passes": 98, "fails": 2}]},
    },
}  # fmt: skip


def read(folder: Path, content: Any) -> Evidence:
    path = folder / "summary.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_file(path)


def changed(**results: Any) -> dict[str, Any]:
    found = copy.deepcopy(SUMMARY)
    found["results"] |= results
    return found


def test_counts_percentiles_checks_and_thresholds(tmp_path):
    found = read(tmp_path, SUMMARY)
    row = found["sources"].iloc[0]
    assert (row["format"], row["status"]) == ("k6-summary", "ok"), row["message"]
    (endpoint,) = json.loads(row["claimed"])["endpoints"]
    assert (endpoint["n"], endpoint["failed"], endpoint["p50_ms"], endpoint["p95_ms"]) == (100, 2, 20.0, 35.0)
    checks = found["checks"].set_index("check")["outcome"]
    assert checks["status is 200"] == "fail"
    assert checks["threshold http_req_duration: p(95)<50"] == "pass"
    assert checks["the test as a whole"] == "pass"


def test_what_k6_calls_failed_is_a_failed_check_whatever_its_metrics_say(tmp_path):
    checks = read(tmp_path, changed(passed=False))["checks"].set_index("check")["outcome"]
    assert checks["the test as a whole"] == "fail"


def test_dropped_iterations_leave_it_partial(tmp_path):
    more = [{"name": "dropped_iterations", "type": "counter", "values": {"count": 3, "rate": 0.1}}]
    row = read(tmp_path, changed(metrics=SUMMARY["results"]["metrics"] + more))["sources"].iloc[0]
    assert row["status"] == "partial"
    assert "3 iterations were dropped" in row["message"]


def test_the_first_drafts_called_the_list_of_checks_otherwise(tmp_path):
    drafted = changed(checks={"metrics": {}, "orderedChecks": [{"name": "a", "passes": 1, "fails": 0}]})
    assert set(read(tmp_path, drafted)["checks"]["check"]) >= {"a"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SUMMARY | {"version": "2.0.0"}, "version 2.0.0"),
        (SUMMARY | {"version": None}, "version unknown"),
        (changed(metrics=SUMMARY["results"]["metrics"] * 2), "http_reqs twice"),
        (changed(metrics={"http_reqs": {}}), "metrics"),
        (changed(checks={"results": "all"}), "checks"),
        (json.dumps(SUMMARY)[:-20], "cut off"),
    ],
)
def test_another_shape_is_an_error(tmp_path, content, said):
    row = read(tmp_path, content)["sources"].iloc[0]
    assert row["status"] == "error"
    assert said in row["message"]


@pytest.mark.parametrize("rate", [True, "0.02", -1, 2, None])
def test_a_share_that_is_none_is_not_known(tmp_path, rate):
    metrics = copy.deepcopy(SUMMARY["results"]["metrics"])
    metrics[2]["values"]["rate"] = rate
    row = read(tmp_path, changed(metrics=metrics))["sources"].iloc[0]
    assert json.loads(row["claimed"])["endpoints"][0].get("failed") is None


def test_an_empty_list_of_metrics_and_checks_holds_no_request(tmp_path):
    found = changed(metrics=[], checks={})
    del found["results"]["passed"]
    assert read(tmp_path, found)["sources"].iloc[0]["status"] == "partial"
