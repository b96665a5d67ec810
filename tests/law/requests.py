"""Every format of load files, as the law sees it: a name is an endpoint with many requests.

What files of single requests say is judged by the condition of :data:`CONDITIONS`: how many fail
is decided by a few dozen, how long they take by hundreds. Tools that keep percentiles
alone prove nothing: there a baseline is not STABLE, and nothing done to the candidate may make it so.
"""

# ruff: noqa: E501 - notations read best in one line

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from stabkit.config import Condition, Config
from tests.law.notations import Notation, Result, edited
from tests.read.loads.test_k6_summary import SUMMARY
from tests.read.loads.test_percentiles import AB, ARTILLERY, AUTOCANNON, LOCUST, OHA, SIEGE, WRK, histogram

__all__ = ["CONDITIONS", "LOADS"]

CONDITIONS = Config(condition=(Condition(name="errors", kind="error_rate", margin=0.1, accept_single_run=True),))
EACH = 60
"""Requests of each endpoint."""


def _rows(found: Sequence[Result]) -> list[tuple[str, float, bool]]:
    """Return the requests of each endpoint in turn; those of one that fails get no answer, four of five times."""
    draw = random.Random(str(found))
    return [
        (one.name, round(draw.gauss(100, 5), 3), one.status == "pass" or number % 5 == 0)
        for number in range(EACH)
        for one in found
    ]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _lines(values: Sequence[Any]) -> str:
    return "".join(f"{_json(value)}\n" for value in values)


def _stamp(number: int) -> str:
    return f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"


def _jmeter(found: Sequence[Result]) -> str:
    lines = ["timeStamp,elapsed,label,responseCode,success"]
    for number, (name, time, ok) in enumerate(_rows(found)):
        lines.append(f"{1767225600000 + number},{time:.0f},{name},{200 if ok else 503},{str(ok).lower()}")
    return "\n".join([*lines, ""])


def _jmeter_xml(found: Sequence[Result]) -> str:
    samples = [
        f'<httpSample ts="{number}" t="{time:.0f}" lb="{name}" rc="{200 if ok else 503}" s="{str(ok).lower()}"/>'
        for number, (name, time, ok) in enumerate(_rows(found))
    ]
    return f'<testResults version="1.2">{"".join(samples)}</testResults>'


def _k6(found: Sequence[Result]) -> str:
    lines = ["metric_name,timestamp,metric_value,method,name,status,expected_response"]
    for number, (name, time, ok) in enumerate(_rows(found)):
        lines.append(f"http_req_duration,{number},{time},GET,{name},{200 if ok else 503},{str(ok).lower()}")
    return "\n".join([*lines, ""])


def _k6_lines(found: Sequence[Result]) -> str:
    return _lines(
        [
            {"metric": "http_req_duration", "type": "Point",
             "data": {"time": _stamp(number), "value": time,
                      "tags": {"method": "GET", "name": name, "status": "200" if ok else "503"}}}
            for number, (name, time, ok) in enumerate(_rows(found))
        ]
    )  # fmt: skip


def _hey(found: Sequence[Result]) -> str:
    lines = ["response-time,DNS+dialup,status-code,offset"]
    for number, (_, time, ok) in enumerate(_rows(found)):
        lines.append(f"{time / 1000:.4f},0.0001,{200 if ok else 503},{number / 100}")
    return "\n".join([*lines, ""])


def _vegeta(found: Sequence[Result]) -> str:
    return _lines(
        [
            {"attack": "", "seq": number, "code": 200 if ok else 503, "latency": int(time * 1e6), "method": "GET",
             "url": f"http://s/{name}", "error": "" if ok else "503"}
            for number, (name, time, ok) in enumerate(_rows(found))
        ]
    )  # fmt: skip


def _gatling(found: Sequence[Result]) -> str:
    lines = ["RUN\tshop.Sale\tsale\t1767225600000\t \t3.9.5"]
    for number, (name, time, ok) in enumerate(_rows(found)):
        at = 1767225600000 + 100 * number
        lines.append(f"REQUEST\t\t{name}\t{at}\t{at + int(time)}\t{'OK' if ok else 'KO'}\t{'' if ok else 'status 503'}")
    return "\n".join([*lines, ""])


def _ghz(found: Sequence[Result]) -> str:
    rows = _rows(found)
    details = [
        {"timestamp": _stamp(number), "latency": int(time * 1e6), "status": "OK" if ok else "Unavailable"}
        for number, (_, time, ok) in enumerate(rows)
    ]
    good = sum(ok for _, _, ok in rows)
    return _json(
        {"count": len(rows), "average": 1e8, "endReason": "normal", "rps": 9.0, "options": {"call": "shop.Cart"},
         "statusCodeDistribution": {"OK": good, "Unavailable": len(rows) - good}, "details": details,
         "latencyDistribution": [{"percentage": 50, "latency": 10**8}]}
    )  # fmt: skip


def _har(found: Sequence[Result]) -> str:
    entries = [
        {"startedDateTime": _stamp(number), "time": time, "timings": {"wait": time, "receive": 0.1},
         "request": {"method": "GET", "url": f"http://s/{name}"}, "response": {"status": 200 if ok else 503}}
        for number, (name, time, ok) in enumerate(_rows(found))
    ]  # fmt: skip
    return _json({"log": {"version": "1.2", "creator": {"name": "c"}, "entries": entries}})


def _otlp(found: Sequence[Result]) -> str:
    spans = [
        {"name": name, "kind": 2, "startTimeUnixNano": str(number * 10**9),
         "endTimeUnixNano": str(number * 10**9 + int(time * 1e6)), "status": {"code": 1 if ok else 2}}
        for number, (name, time, ok) in enumerate(_rows(found))
    ]  # fmt: skip
    return _json({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def _google(found: Sequence[Result]) -> str:
    benchmarks = [
        {"name": name, "run_name": name, "run_type": "iteration", "real_time": time, "time_unit": "ms",
         **({} if ok else {"error_occurred": True, "error_message": "m"})}
        for name, time, ok in _rows(found)
    ]  # fmt: skip
    return _json({"context": {"num_cpus": 2}, "benchmarks": benchmarks})


def _pytest(found: Sequence[Result]) -> str:
    rows = _rows(found)
    benchmarks = [
        {
            "fullname": one.name,
            "stats": {"rounds": EACH, "data": [t / 1000 if ok else None for n, t, ok in rows if n == one.name]},
        }
        for one in found
    ]
    return _json({"machine_info": {}, "benchmarks": benchmarks})


def _hyperfine(found: Sequence[Result]) -> str:
    rows = _rows(found)
    results = [
        {"command": one.name, "mean": 0.1, "times": [t / 1000 for n, t, _ in rows if n == one.name],
         "exit_codes": [int(not ok) for n, _, ok in rows if n == one.name]}
        for one in found
    ]  # fmt: skip
    return _json({"results": results})


def _jmh(found: Sequence[Result]) -> str:
    rows = _rows(found)
    return _json(
        [
            {"jmhVersion": "1.37", "benchmark": one.name, "mode": "avgt", "forks": 1, "measurementIterations": EACH,
             "primaryMetric": {"score": 1, "scoreUnit": "ms/op",
                               "rawData": [[t if ok else None for n, t, ok in rows if n == one.name]]}}
            for one in found
        ]
    )  # fmt: skip


def _go(found: Sequence[Result]) -> str:
    lines = [
        f"Benchmark{name}-8 \t 100\t {time * 1e6:.0f} ns/op" if ok else f"--- FAIL: Benchmark{name}-8"
        for name, time, ok in _rows(found)
    ]
    return "\n".join(["goos: linux", "pkg: shop", *lines, "PASS", "ok  \tshop\t1.0s", ""])


def _actions(found: Sequence[Result]) -> str:
    rows = _rows(found)
    jobs = [
        {"name": name, "run_attempt": 1, "status": "completed", "conclusion": "success" if ok else "failure",
         "started_at": _stamp(0), "completed_at": _stamp(int(time))}
        for name, time, ok in rows
    ]  # fmt: skip
    return _json({"total_count": len(jobs), "jobs": jobs})


def _prometheus(found: Sequence[Result]) -> str:
    rows = _rows(found)
    series = [
        {"metric": {"__name__": "answer_seconds", "job": one.name},
         "values": [[n, str(t / 1000) if ok else "NaN"] for n, (name, t, ok) in enumerate(rows) if name == one.name]}
        for one in found
    ]  # fmt: skip
    return _json({"status": "success", "data": {"resultType": "matrix", "result": series}})


def _records(found: Sequence[Result]) -> str:
    tests = [{"suite": one.group, "class": one.group, "name": one.name, "status": one.status} for one in found]
    claims = (
        [{"kind": "tests", "path": "told", "claimed": {"tests": 1}}] if any(t.status == "fail" for t in found) else []
    )
    return _json(
        {"stabkit": 1, "run": {"label": "v", "started_at": "2026-01-01T00:00:00Z"}, "tests": tests, "claims": claims}
    )


def _criterion(found: Sequence[Result]) -> str:
    """A failed sample has no iteration: the format knows no other way."""
    rows: dict[str, list[tuple[float, bool]]] = {}
    for name, time, ok in _rows(found):
        rows.setdefault(name, []).append((time, ok))
    return _lines(
        [
            {"reason": "benchmark-complete", "id": name, "unit": "ms",
             "iteration_count": [int(ok) for _, ok in own], "measured_values": [time for time, _ in own]}
            for name, own in rows.items()
        ]
    )  # fmt: skip


def _stated(content: Any) -> Callable[[Sequence[Result]], str]:
    """Return what writes a summary without a single request: it says the same of whatever was measured."""
    text = content if isinstance(content, str) else _json(content)
    return lambda _found: text


_TWO = ("pass", "fail")
_NEVER = r"(?!)"
_ALL = (
    Notation("jmeter", "csv", _jmeter, r",(case_\d+),\d+,(?:true|false)", statuses=_TWO, open_end=True),
    Notation("jmeter", "xml", _jmeter_xml, r'lb="(case_\d+)"', statuses=_TWO),
    Notation("k6", "csv", _k6, r"GET,(case_\d+)", statuses=_TWO, open_end=True),
    Notation("k6", "lines", _k6_lines, r'"name": "(case_\d+)"', statuses=_TWO, open_end=True),
    Notation("hey", "csv", _hey, _NEVER, statuses=_TWO, open_end=True),
    Notation("vegeta", "lines", _vegeta, r"http://s/(case_\d+)", statuses=_TWO, open_end=True),
    Notation("gatling", "csv", _gatling, r"\t(case_\d+)\t\d+\t\d+\t[OK]", statuses=_TWO, open_end=True),
    Notation("ghz", "json", _ghz, _NEVER, statuses=_TWO),
    Notation("har", "json", _har, r"http://s/(case_\d+)", statuses=_TWO),
    Notation("otlp", "json", _otlp, r'"name": "(case_\d+)"', statuses=_TWO),
    Notation("google-benchmark", "json", _google, r'"run_name": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("pytest-benchmark", "json", _pytest, r'"fullname": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("hyperfine", "json", _hyperfine, r'"command": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("jmh", "json", _jmh, r'"benchmark": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("go-bench", "lines", _go, r"Benchmark(case_\d+)-8", statuses=_TWO, proves=False),
    Notation("criterion", "lines", _criterion, r'"id": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("k6-summary", "json", _stated(SUMMARY), _NEVER, statuses=_TWO, proves=False,
             failures={"k6 calls it failed": edited(r'("passed": )true', r"\g<1>false")}),
    Notation("github-actions", "json", _actions, r'"name": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("prometheus", "json", _prometheus, r'"job": "(case_\d+)"', statuses=_TWO, proves=False),
    Notation("stabkit", "json", _records, r'"name": "(case_\d+)"', statuses=_TWO),
    Notation("artillery", "json", _stated(ARTILLERY), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r'("errors.ETIMEDOUT": )2', r"\g<1>70")}),
    Notation("autocannon", "json", _stated(AUTOCANNON), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r'("errors": )2', r"\g<1>70")}),
    Notation("locust", "csv", _stated(LOCUST), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r"(/a,100,)2", r"\g<1>70")}),
    Notation("oha", "json", _stated(OHA), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r'("refused": )2', r"\g<1>70")}),
    Notation("siege", "lines", _stated(SIEGE), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r'("failed_transactions":\s*)5', r"\g<1>70")}),
    Notation("wrk-ab", "lines", _stated(AB), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r"(Failed requests:\s*)2", r"\g<1>70")}),
    Notation("wrk-ab", "lines", _stated(WRK), _NEVER, statuses=_TWO, open_end=True, proves=False,
             failures={"most requests failed": edited(r"(timeout )1", r"\g<1>70")}),
    Notation("otlp-metrics", "json", _stated({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "d", "unit": "s",
             "histogram": {"dataPoints": [{"bucketCounts": ["9", "1"], "explicitBounds": [0.1]}]}}]}]}]}),
             _NEVER, statuses=_TWO, proves=False),
    Notation("prometheus", "json", _stated(histogram(("0.1", "0", "9"), ("+Inf", "0", "10"))), _NEVER, statuses=_TWO, proves=False),
)  # fmt: skip
LOADS = tuple(replace(notation, fails_before=False, many=True) for notation in _ALL)
