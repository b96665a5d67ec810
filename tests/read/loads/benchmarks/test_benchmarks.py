"""hyperfine, JMH and go test -bench: each run a sample, what failed or is missing said."""

import json
from pathlib import Path
from typing import Any

import pytest

from stabkit.read.readers import read_file
from stabkit.read.summary import source_summary
from stabkit.schema import Evidence

RECORDED = Path(__file__).parents[1] / "recorded"


def read(folder: Path, content: Any, encoding: str = "utf-8") -> Evidence:
    path = folder / "report"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode(encoding))
    return read_file(path)


def source(found: Evidence) -> tuple[str, str]:
    row = found["sources"].iloc[0]
    return row["status"], str(row["message"])


def times(found: Evidence) -> list[tuple[str, float | None, bool]]:
    frame = found["samples"].astype({"service_ms": object})
    frame["service_ms"] = frame["service_ms"].where(frame["service_ms"].notna(), None)
    return list(zip(frame["target"], frame["service_ms"], frame["ok"], strict=True))


@pytest.mark.parametrize(
    ("name", "form", "counts"),
    [
        # 3 runs each of BenchmarkTotal-2 and BenchmarkCoupon/half-2; 5 runs of two commands; 3 runs, of which 3 failed
        ("go-bench.txt", "go-bench", (6, 0)),
        ("hyperfine.json", "hyperfine", (10, 0)),
        ("hyperfine-failing.json", "hyperfine", (6, 3)),
    ],
)
def test_counts_are_those_of_the_tool(name, form, counts):
    (found,) = source_summary(read_file(RECORDED / name))
    assert (found["format"], found["status"]) == (form, "ok"), found["message"]
    assert (found["counts"]["samples"], found["counts"]["failed_samples"]) == counts


def test_go_times_are_nanoseconds_of_one_operation():
    found = read_file(RECORDED / "go-bench.txt")
    assert times(found)[0] == ("Total", pytest.approx(7.393e-6), True)
    assert set(found["samples"]["target"]) == {"Total", "Coupon/half"}
    assert set(found["samples"]["metric"]) == {"run_time"}


GO = "pkg: m/a\nBenchmarkX-8 \t 100\t 12.5 ns/op\t 3 B/op\n"


@pytest.mark.parametrize(
    ("text", "expected", "status"),
    [
        (f"{GO}PASS\nok  \tm/a\t1.2s\n", [("X", 1.25e-5, True)], "ok"),
        # log lines stand between the name and its numbers
        ("pkg: m\nBenchmarkX-8 \nsome log\n 100\t 12.5 ns/op\nPASS\n", [("X", 1.25e-5, True)], "ok"),
        (f"{GO}pkg: m/b\nBenchmarkX-8 1 1e+06 ns/op\nPASS\n", [("m/a.X", 1.25e-5, True), ("m/b.X", 1.0, True)], "ok"),
        ("BenchmarkX 1 2 ns/op\nBenchmarkX-4 1 1 ns/op\n", [("X", 2e-6, True), ("X-4", 1e-6, True)], "ok"),
        (f"{GO}--- FAIL: BenchmarkY-8\nFAIL\n", [("X", 1.25e-5, True), ("Y", None, False)], "partial"),
        (GO, [("X", 1.25e-5, True)], "partial"),
        (f"{GO}panic: boom\n", [("X", 1.25e-5, True)], "partial"),
        ("pkg: m\nBenchmarkX-8 \n", [], "partial"),
    ],
)  # fmt: skip
def test_go_packages_cores_and_failures(tmp_path, text, expected, status):
    found = read(tmp_path, text)
    assert source(found)[0] == status
    assert (
        [(t, pytest.approx(ms) if ms else ms, ok) for t, ms, ok in times(found)] == expected
        if expected
        else not times(found)
    )


def hyperfine(**more: Any) -> dict[str, Any]:
    return {
        "results": [
            {"command": "make", "mean": 0.2, "median": 0.25, "times": [0.25, 0.5], "exit_codes": [0, 0], **more}
        ]
    }


def test_hyperfine_runs_and_exit_codes(tmp_path):
    assert times(read(tmp_path, hyperfine())) == [("make", 250.0, True), ("make", 500.0, True)]
    assert times(read(tmp_path, hyperfine(exit_codes=[0, 3]))) == [("make", 250.0, True), ("make", None, False)]
    assert times(read(tmp_path, hyperfine(exit_codes=[0, None]))) == [("make", 250.0, True), ("make", None, False)]
    assert [ok for _, _, ok in times(read(tmp_path, hyperfine(times=[-1, "x"])))] == [False, False]
    assert "1 run is counted and not listed" in source(read(tmp_path, hyperfine(exit_codes=[0, 0, 0])))[1]
    alone = read(tmp_path, {"results": [{"command": "make", "median": 0.25, "stddev": 0.1, "mean": 0.2}]})
    assert not len(alone["samples"])
    assert "keeps no requests" in source(alone)[1]


def jmh(unit: str = "us/op", raw: Any = ((1.0, 2.0), (3.0, 4.0)), **more: Any) -> list[dict[str, Any]]:
    metric = {"score": 2.5, "scoreUnit": unit, "rawData": raw, "scorePercentiles": {"50.0": 2.0, "95.0": 4.0}}
    return [{"jmhVersion": "1.37", "benchmark": "Cart.add", "mode": "avgt", "threads": 1, "forks": 2,
             "measurementIterations": 2, "primaryMetric": metric, "secondaryMetrics": {}, **more}]  # fmt: skip


def test_jmh_iterations_are_samples_and_forks_are_rounds(tmp_path):
    found = read(tmp_path, jmh())
    assert times(found) == [("Cart.add", ms, True) for ms in (0.001, 0.002, 0.003, 0.004)]
    assert list(found["samples"]["round"]) == [0, 0, 1, 1]
    assert source(found)[0] == "ok"


@pytest.mark.parametrize(
    ("unit", "ms"),
    [("ns/op", 2e-6), ("ms/op", 2.0), ("s/op", 2000.0), ("ops/s", 500.0), ("ops/ms", 0.5), ("MB/sec", None)],
)
def test_jmh_units_and_operations_in_a_time(tmp_path, unit, ms):
    found = read(tmp_path, jmh(unit, [[2.0]], forks=1, measurementIterations=1))
    assert times(found) == [("Cart.add", ms if ms is None else pytest.approx(ms), ms is not None)]


def test_jmh_names_hold_parameters_and_what_is_counted_is_listed(tmp_path):
    named = read(tmp_path, jmh(params={"size": "10", "kind": "x"}, threads=4, mode="ss"))
    assert set(named["samples"]["target"]) == {"Cart.add(kind=x, size=10, threads=4, ss)"}
    assert "2 iterations are counted and not listed" in source(read(tmp_path, jmh(forks=3)))[1]
    histogram = read(tmp_path, jmh(raw=None, mode="sample"))
    assert "keeps no requests" in source(histogram)[1]
    assert json.loads(histogram["sources"]["claimed"].item())["endpoints"][0]["p95_ms"] == 0.004


@pytest.mark.parametrize("content", [f"{GO}PASS\n", hyperfine(), jmh()], ids=["go", "hyperfine", "jmh"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_are_no_hindrance(tmp_path, content, encoding):
    assert source(read(tmp_path, content, encoding))[0] == "ok"


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(hyperfine())[:-5],
        '{"results": {"command": 1, "times": []}}',
        '{"results": [{"command": "a", "command": "b", "times": []}]}',
        '[{"benchmark": "a", "mode": "avgt", "primaryMetric": ' + "[" * 100_000,
        '[{"benchmark": "a", "mode": "avgt"}, 3]',
    ],
    ids=["cut", "results", "a key twice", "deep", "entries"],
)
def test_what_cannot_be_believed_is_an_error(tmp_path, content):
    assert source(read(tmp_path, content))[0] == "error"


def criterion(**changes: Any) -> dict[str, Any]:
    """A message of ``cargo criterion``: 2 samples, of 10 and of 20 iterations."""
    return {
        "reason": "benchmark-complete",
        "id": "parse/small",
        "report_directory": "target/criterion/reports/parse/small",
        "iteration_count": [10, 20],
        "measured_values": [1e7, 4e7],
        "unit": "ns",
        "throughput": [],
        "typical": {"estimate": 1.5e6, "lower_bound": 1e6, "upper_bound": 2e6, "unit": "ns"},
        "change": None,
    } | changes


def test_criterion_keeps_each_sample_by_its_iterations(tmp_path):
    end = {"reason": "group-complete", "group_name": "parse", "benchmarks": ["parse/small"]}
    found = read(tmp_path, "\n".join(json.dumps(line) for line in (criterion(), end)))
    assert source(found)[0] == "ok"
    assert times(found) == [("parse/small", 1.0, True), ("parse/small", 2.0, True)]
    assert set(found["samples"]["metric"]) == {"run_time"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"measured_values": [1e7]}, "partial"),
        ({"measured_values": "x"}, "partial"),
        ({"unit": "elements"}, "partial"),
        ({"iteration_count": [0, 20]}, "ok"),
        ({"iteration_count": [True, 20]}, "ok"),
        ({"measured_values": [-1.0, 4e7]}, "ok"),
    ],
)
def test_of_criterion_what_cannot_be_read_is_no_good_time(tmp_path, changes, status):
    found = read(tmp_path, json.dumps(criterion(**changes)) + "\n" + json.dumps(criterion(id="other")))
    assert source(found)[0] == status
    mine = [one for one in times(found) if one[0] == "parse/small"]
    assert mine == ([] if status == "partial" else [("parse/small", None, False), ("parse/small", 2.0, True)])


def test_a_cut_message_of_criterion_is_a_gap(tmp_path):
    found = read(tmp_path, json.dumps(criterion()) + "\n" + json.dumps(criterion())[:50])
    assert source(found)[0] == "partial"


def estimate(value: float) -> dict[str, Any]:
    bounds = {"confidence_level": 0.95, "lower_bound": value, "upper_bound": value}
    return {"confidence_interval": bounds, "point_estimate": value, "standard_error": 1.0}


ESTIMATES = {name: estimate(2.5e6) for name in ("mean", "median", "median_abs_dev", "slope", "std_dev")}


def test_estimates_of_criterion_are_a_summary_named_by_their_folder(tmp_path):
    folder = tmp_path / "target" / "criterion" / "parse" / "small" / "new"
    folder.mkdir(parents=True)
    (folder / "estimates.json").write_text(json.dumps(ESTIMATES))
    found = read_file(folder / "estimates.json")
    assert source(found)[0] == "ok"
    (endpoint,) = json.loads(found["sources"].iloc[0]["claimed"])["endpoints"]
    assert (endpoint["target"], endpoint["p50_ms"]) == ("parse/small", 2.5)


@pytest.mark.parametrize(
    ("folder", "content", "said"),
    [
        ("base", ESTIMATES, "saved baseline"),
        ("new", ESTIMATES | {"median": {"point_estimate": "fast"}}, "without a median"),
        ("change", {"mean": estimate(0.1), "median": estimate(0.1)}, "JSON of another kind"),
        ("new", json.dumps(ESTIMATES)[:-9], "cut off"),
    ],
)
def test_estimates_that_are_no_times_of_this_run_are_an_error(tmp_path, folder, content, said):
    place = tmp_path / "criterion" / "parse" / folder
    place.mkdir(parents=True)
    path = place / "estimates.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    status, message = source(read_file(path))
    assert status == "error"
    assert said in message
