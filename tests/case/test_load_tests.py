"""Load tests through the whole gate: aggregates, summaries, one test in two formats, another load, many endpoints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stabkit.analyze import ConditionResult
from stabkit.case import Case, load_case
from stabkit.config import load_config
from stabkit.read import read_paths
from stabkit.report.words.needs import doubts

JTL = "timeStamp,elapsed,label,responseCode,responseMessage,success,allThreads\n"
BOTH = '[[condition]]\nname = "times"\nkind = "latency"\nmetric = "response_time"\naccept_single_run = true\n'
ERRORS = '[[condition]]\nname = "errors"\nkind = "error_rate"\nmargin = 0.01\naccept_single_run = true\n'


def case_of(folder: Path, before: dict[str, str], after: dict[str, str], config: str = "") -> Case:
    for side, files in (("a", before), ("b", after)):
        (folder / side).mkdir()
        for name, content in files.items():
            (folder / side / name).write_text(content)
    path = folder / "stabkit.toml"
    path.write_text(config)
    return load_case(str(folder / "a"), str(folder / "b"), config=load_config(path))


def condition(case: Case, name: str) -> ConditionResult:
    return next(found for found in case.gate.conditions if found.name == name)


def said(case: Case) -> str:
    return "; ".join(clause for found in case.gate.conditions for clause in doubts(found))


def jtl(seed: int, *, n: int = 600, every_ms: float = 100, label: str = "home", users: int = 5, **row: Any) -> str:
    times = np.random.default_rng(seed).normal(50, 5, n).round().astype(int)
    good = str(row.get("success", True)).lower()
    return "".join(
        f"{1_700_000_000_000 + seed * 10_000_000 + int(i * every_ms)},{time},{row.get('name', label).format(i=i)},200,"
        f"{row.get('message', 'OK')},{good},{users}\n"
        for i, time in enumerate(times)
    )


def k6_lines(seed: int, n: int = 400, *, check: float = 1) -> str:
    times = np.random.default_rng(seed).normal(20, 1, n)
    lines = []
    for i, time in enumerate(times):
        at = f"2026-01-05T{10 + seed}:{i // 60:02}:{i % 60:02}.500Z"
        tags = {"method": "GET", "name": "https://shop.example/cart", "status": "200", "expected_response": "true"}
        for metric, value, own in (("http_req_duration", time, tags), ("checks", check, {"check": "has total"})):
            lines.append(
                json.dumps({"type": "Point", "metric": metric, "data": {"time": at, "value": value, "tags": own}})
            )
    return "\n".join(lines)


def test_transactions_that_all_fail_are_a_regression(tmp_path):
    whole = '"Number of samples in transaction : 1, number of failing samples : 0"'
    sides = [
        {"r.jtl": JTL + jtl(seed) + jtl(seed, n=300, label="login", message=whole, success=good)}
        for seed, good in ((1, True), (2, False))
    ]
    found = case_of(tmp_path, *sides, config=BOTH + ERRORS)
    assert found.gate.verdict == "regressed"
    assert condition(found, "errors").outcome == "regressed"
    assert condition(found, "times").outcome == "stable"  # the children are as fast as before, and counted once


def test_checks_that_no_condition_judges_keep_from_stable(tmp_path):
    sides = [{"k6.json": k6_lines(seed, check=check)} for seed, check in ((1, 1), (2, 0))]
    found = case_of(tmp_path, *sides, config=BOTH + ERRORS)
    assert found.gate.verdict == "inconclusive"
    assert "k6: has total failed by the load tool's own judgement" in said(found)
    (tmp_path / "bare").mkdir()
    assert case_of(tmp_path / "bare", *sides).gate.verdict == "regressed"


def test_checks_that_are_gone_keep_from_stable(tmp_path):
    sides = [{"k6.json": k6_lines(seed)} for seed in (1, 2)]
    sides[1]["k6.json"] = "\n".join(line for line in sides[1]["k6.json"].splitlines() if '"checks"' not in line)
    found = case_of(tmp_path, *sides, config=BOTH + ERRORS)
    assert found.gate.verdict == "inconclusive"
    assert "k6: has total passed before" in said(found)


def locust(failed: int, n: int = 1000) -> str:
    head = "Type,Name,Request Count,Failure Count,50%,95%,99%"
    return f"{head}\nGET,/cart,{n},{failed},20,30,40\n,Aggregated,{n},{failed},20,30,40\n"


def k6_summary(failed: int, n: int = 1000) -> str:
    metrics = {"http_reqs": {"count": n}, "http_req_failed": {"value": failed / n}, "http_req_duration": {"med": 20}}
    return json.dumps({"metrics": metrics})


def vegeta(failed: int, n: int = 1000) -> str:
    times = {"50th": 2e7, "95th": 3e7, "99th": 4e7, "mean": 2e7}
    return json.dumps({"latencies": times, "requests": n, "success": 1 - failed / n, "status_codes": {}})


def ghz(failed: int, n: int = 1000) -> str:
    codes = {"OK": n - failed} | ({"Internal": failed} if failed else {})
    return json.dumps(
        {"count": n, "endReason": "normal", "rps": 1, "statusCodeDistribution": codes, "latencyDistribution": []}
    )


def hey(failed: int, n: int = 1000) -> str:
    bad = f"  [500]\t{failed} responses\n" if failed else ""
    return f"""
Summary:
  Average:	0.0210 secs

Latency distribution:
  50% in 0.0200 secs

Details (average, fastest, slowest):
  DNS+dialup:	0.0001 secs

Status code distribution:
  [200]\t{n - failed} responses
{bad}"""


def wrk(failed: int, n: int = 1000) -> str:
    bad = f"  Non-2xx or 3xx responses: {failed}\n" if failed else ""
    return f"""Running 10s test @ http://s/a
  2 threads and 10 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   635.91us    0.89ms  12.92ms   93.69%
  {n} requests in 10.00s, 6.00MB read
{bad}Requests/sec:    100.0
"""


@pytest.mark.parametrize("summary", [locust, k6_summary, vegeta, ghz, hey, wrk])
def test_counts_of_a_summary_are_judged(tmp_path, summary: Callable[..., str]):
    found = case_of(tmp_path, {"load": summary(0)}, {"load": summary(900)}, config=ERRORS)
    assert (found.gate.verdict, condition(found, "errors").outcome) == ("regressed", "regressed")
    assert condition(found, "errors").estimates[0].candidate == pytest.approx(0.9)


@pytest.mark.parametrize("summary", [locust, k6_summary, vegeta, ghz, hey, wrk])
def test_counts_follow_where_nothing_is_declared_and_times_stay_open(tmp_path, summary: Callable[..., str]):
    found = case_of(tmp_path, {"load": summary(0)}, {"load": summary(0, 999)})
    assert found.gate.verdict == "inconclusive"  # what it states of times proves nothing
    assert [c.outcome for c in found.gate.conditions if c.kind == "error_rate"] == ["stable"]


def test_failures_alone_can_be_shown_stable_by_counts(tmp_path):
    found = case_of(tmp_path, {"load": locust(0)}, {"load": locust(0, 999)}, config=ERRORS)
    assert found.gate.verdict == "stable"


def test_a_summary_is_compared_with_requests_of_the_same_name(tmp_path):
    rows = "".join(f"0.02,200,{i}\n" for i in range(1000))
    sides = {"load.csv": f"response-time,status-code,offset\n{rows}"}, {"load.txt": hey(900)}
    assert case_of(tmp_path, *sides, config=ERRORS).gate.verdict == "regressed"


def test_few_more_failures_in_counts_alone_are_no_proof(tmp_path):
    found = case_of(tmp_path, {"load": locust(4)}, {"load": locust(20)}, config=ERRORS)
    assert found.gate.verdict == "inconclusive"
    assert "counts do not say whether failures came together" in said(found)


def test_requests_and_their_summary_are_one_load_test(tmp_path):
    (tmp_path / "k6.json").write_text(k6_lines(1))
    (tmp_path / "summary.json").write_text(k6_summary(0, 400))
    found = read_paths([tmp_path])
    assert len(found["samples"]) == 400
    assert found["sources"]["message"].str.contains("the same load test as .*k6.json: left out").sum() == 1
    other = tmp_path / "other"
    other.mkdir()
    (other / "summary.json").write_text(k6_summary(0, 390))
    assert read_paths([tmp_path])["sources"]["claimed"].str.contains("endpoints").sum() == 1


def test_the_same_requests_as_lines_and_as_a_table_count_once(tmp_path):
    lines = k6_lines(1)
    (tmp_path / "k6.json").write_text(lines)
    points = [json.loads(line)["data"] for line in lines.splitlines() if "http_req_duration" in line]
    table = "metric_name,timestamp,metric_value,expected_response,method,name,status\n"
    for place, point in enumerate(points):
        second = 1767610800 + 3600 * 0 + place  # 2026-01-05T11:00:00Z and on
        table += f"http_req_duration,{second},{point['value']:.6f},true,GET,https://shop.example/cart,200\n"
    (tmp_path / "k6.csv").write_text(table)
    found = read_paths([tmp_path])
    assert len(found["samples"]) == 400
    assert found["sources"]["message"].str.contains("the same requests as").sum() == 1


def test_jmeter_as_a_table_and_as_xml_count_once(tmp_path):
    rows = jtl(1)
    (tmp_path / "r.jtl").write_text(JTL + rows)
    cells = [row.split(",") for row in rows.splitlines()]
    samples = "".join(f'<httpSample ts="{c[0]}" t="{c[1]}" lb="{c[2]}" rc="200" s="true"/>' for c in cells)
    (tmp_path / "r.xml").write_text(f'<testResults version="1.2">{samples}</testResults>')
    assert len(read_paths([tmp_path])["samples"]) == 600


def test_two_load_tests_of_one_tool_both_count(tmp_path):
    for seed in (1, 2):
        (tmp_path / f"{seed}.jtl").write_text(JTL + jtl(seed))
    assert len(read_paths([tmp_path])["samples"]) == 1200


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"every_ms": 10_000 / 6}, "requests a second against"),
        ({"users": 50}, "5 users at once against 50"),
        ({"n": 250}, "a load of 59.9 s against one of 24.9 s"),
    ],
)
def test_times_under_another_load_are_not_comparable(tmp_path, other, words):
    found = case_of(tmp_path, {"r.jtl": JTL + jtl(1)}, {"r.jtl": JTL + jtl(2, **other)}, config=BOTH)
    assert found.gate.verdict == "inconclusive"
    assert words in said(found)


def test_an_engine_that_is_missing_is_another_load(tmp_path):
    sides = [{f"{seed}.jtl": JTL + jtl(seed) for seed in seeds} for seeds in ((1, 2, 3), (4, 5))]
    assert case_of(tmp_path, *sides, config=BOTH).gate.verdict == "inconclusive"


@pytest.mark.parametrize(("n", "verdict"), [(300, "inconclusive"), (250, "inconclusive"), (320, "stable")])
def test_failures_of_half_as_many_requests_are_not_comparable(tmp_path, n, verdict):
    """Several tools leave requests without an answer out: those that are gone may have failed."""
    config = ERRORS.replace("0.01", "0.05")
    found = case_of(tmp_path, {"r.jtl": JTL + jtl(1)}, {"r.jtl": JTL + jtl(2, n=n)}, config=config)
    assert found.gate.verdict == verdict
    assert (f"600 requests of home against {n}" in said(found)) == (verdict == "inconclusive")


def test_more_failures_of_half_as_many_requests_are_a_regression(tmp_path):
    sides = {"r.jtl": JTL + jtl(1)}, {"r.jtl": JTL + jtl(2, n=200, success=False)}
    assert case_of(tmp_path, *sides, config=ERRORS).gate.verdict == "regressed"


def test_an_endpoint_that_is_missing_is_another_load(tmp_path):
    sides = {"r.jtl": JTL + jtl(1) + jtl(1, n=60, label="search")}, {"r.jtl": JTL + jtl(2)}
    config = BOTH.replace('kind = "latency"', 'kind = "latency"\ntarget = "home"')
    found = case_of(tmp_path, *sides, config=config)
    assert found.gate.verdict == "inconclusive"
    assert "the load lacks search" in said(found)


def test_a_region_that_is_missing_is_another_load(tmp_path):
    def k6(seed: int, regions: tuple[str, ...]) -> str:
        lines = k6_lines(seed).splitlines()
        tag = '"tags": {{"region": "{}", '
        return "\n".join(
            line.replace('"tags": {', tag.format(regions[i // 2 % len(regions)])) for i, line in enumerate(lines)
        )

    found = case_of(tmp_path, {"k6.json": k6(1, ("eu", "us"))}, {"k6.json": k6(2, ("eu",))}, config=BOTH)
    assert found.gate.verdict == "inconclusive"
    assert "the load lacks us" in said(found)


def closed_loop(seed: int, n: int = 800, slower: float = 1.0) -> str:
    """Return a test that asks again as soon as it was answered."""
    times = (np.random.default_rng(seed).normal(50, 5, n) * slower).round().astype(int)
    sent = 1_700_000_000_000 + seed * 10_000_000 + np.concatenate([[0], times.cumsum()[:-1]])
    return JTL + "".join(f"{at},{time},home,200,OK,true,1\n" for at, time in zip(sent, times, strict=True))


def test_equal_closed_loops_are_comparable(tmp_path):
    found = case_of(tmp_path, {"r.jtl": closed_loop(1)}, {"r.jtl": closed_loop(2)}, config=BOTH)
    assert found.gate.verdict == "stable"


def test_a_closed_loop_that_slows_is_a_regression_though_it_asks_less(tmp_path):
    found = case_of(tmp_path, {"r.jtl": closed_loop(1)}, {"r.jtl": closed_loop(2, slower=1.6)}, config=BOTH)
    assert found.gate.verdict == "regressed"


@pytest.mark.parametrize("name", ["GET /items/{i}", "GET /items/{i}/price?v={i}", "GET /users/user-{i}a"])
def test_endpoints_that_differ_by_an_id_are_one(tmp_path, name):
    sides = [{"r.jtl": JTL + jtl(seed, n=2000, every_ms=20, name=name)} for seed in (1, 2)]
    found = case_of(tmp_path, *sides, config=BOTH)
    assert (len(found.times), found.gate.verdict) == (1, "stable")
    assert "2,000 endpoints that differ by an id alone" in found.sources["message"].iloc[0]
    assert "[load] endpoints in stabkit.toml" in found.sources["message"].iloc[0]


def test_failing_endpoints_stay_visible_in_their_group(tmp_path):
    good = jtl(2, n=1000, name="GET /items/{i}")
    bad = jtl(2, n=200, every_ms=500, name="GET /items/7", success=False)
    sides = {"r.jtl": JTL + jtl(1, n=1200, name="GET /items/{i}")}, {"r.jtl": JTL + good + bad}
    found = case_of(tmp_path, *sides, config=ERRORS)
    assert found.gate.verdict == "regressed"
    assert "failing GET /items/7 (200)" in found.sources["message"].iloc[1]


def test_few_endpoints_take_the_pattern_of_the_other_side(tmp_path):
    few = "".join(jtl(2, n=300, name=f"GET /items/{item}") for item in (1, 2))
    sides = {"r.jtl": JTL + jtl(1, n=600, name="GET /items/{i}")}, {"r.jtl": JTL + few}
    found = case_of(tmp_path, *sides)
    assert {one.target for one in found.times} == {"GET /items/{id}"}


def test_endpoints_are_grouped_as_declared(tmp_path):
    rows = [jtl(seed, n=300, name="GET /shop/rome") + jtl(seed, n=300, name="GET /shop/oslo") for seed in (1, 2)]
    config = '[load]\nendpoints = ["GET /shop/{city}"]\n' + BOTH
    found = case_of(tmp_path, *({"r.jtl": JTL + row} for row in rows), config=config)
    assert {one.target for one in found.times} == {"GET /shop/{city}"}


def test_steps_of_a_script_stay_what_they_are(tmp_path):
    rows = "".join(jtl(1, n=20, label=f"Step {step}") for step in range(1, 16))
    (tmp_path / "r.jtl").write_text(JTL + rows)
    assert read_paths([tmp_path])["samples"]["target"].nunique() == 15


def test_endpoints_of_a_summary_are_grouped_with_their_counts(tmp_path):
    def stats(failed: int) -> str:
        rows = "".join(f"GET,/items/{i},10,{failed},20,30,40\n" for i in range(1200))
        return f"Type,Name,Request Count,Failure Count,50%,95%,99%\n{rows},Aggregated,12000,{1200 * failed},20,30,40\n"

    found = case_of(tmp_path, {"x_stats.csv": stats(0)}, {"x_stats.csv": stats(5)})
    errors = [c for c in found.gate.conditions if c.kind == "error_rate"]
    assert [(c.name, c.outcome) for c in errors] == [("GET /items/{id} errors", "regressed")]
