import contextlib
import gc
import json
import os
import time
from pathlib import Path

import pytest

from stabkit.errors import UsageError
from stabkit.read.content import ReportError
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.readers import expand, read_file, read_paths, readers, source_summary

JUNIT = '<testsuite name="s"><testcase classname="c" name="{}" time="1"/></testsuite>'
REFERENCE = Path(__file__).parents[2] / "data" / "reference"


def test_readers_are_found_sorted_and_complete():
    formats = [reader.FORMAT for reader in readers()]
    assert formats[0] == "stabkit"
    assert len(set(formats)) == len(formats)
    loads = [reader.FORMAT for reader in readers() if reader.KIND == "load"]
    assert loads == sorted(loads)  # whether a module holds one or several
    assert {"autocannon", "locust", "oha", "siege", "wrk-ab"} <= set(loads)
    assert {"junit", "nunit3", "trx", "tap", "go-test", "architecture-compliance", "sarif"} <= set(formats)


def test_every_input_leaves_one_source(tmp_path):
    (tmp_path / "a.xml").write_text(JUNIT.format("a"))
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    names = ["a.xml", "loop", "pipe", "noise", "absent", "none*.xml", "\0", "x" * 5000]
    evidence = read_paths([tmp_path / name for name in names])
    statuses = {source["path"].rpartition("/")[2]: source["status"] for source in source_summary(evidence)}
    assert statuses.pop("a.xml") == "ok"
    assert len(statuses) == len(names) - 1
    assert set(statuses.values()) == {"error"}
    assert evidence["sources"]["sha256"].iloc[0] is not None


def test_content_decides_never_the_name(tmp_path):
    path = tmp_path / "scan.sarif"
    path.write_text(JUNIT.format("a"))
    assert source_summary(read_file(path))[0]["format"] == "junit"
    refused = source_summary(read_file(path, kind="scan"))[0]
    assert (refused["status"], refused["kind"]) == ("error", "scan")
    assert "it is junit" in refused["message"]


def test_an_unknown_kind_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError):
        read_file(tmp_path, kind="tset")
    with pytest.raises(UsageError):
        read_paths([])


def test_folders_and_globs_are_sorted_and_each_file_is_read_once(tmp_path):
    for name in ("b/2.xml", "a/1.xml", ".hidden/3.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(JUNIT.format(name))
    evidence = read_paths([tmp_path, tmp_path / "*" / "*.xml"])
    assert [Path(p).name for p in evidence["sources"]["path"]] == ["1.xml", "2.xml"]
    bracket = tmp_path / "a[1].xml"
    bracket.write_text("x")
    assert expand(str(bracket)) == [bracket]


def test_an_aggregate_that_repeats_other_files_is_left_out_and_says_so(tmp_path):
    (tmp_path / "a.xml").write_text(JUNIT.format("a"))
    (tmp_path / "all.xml").write_text(f"<testsuites>{JUNIT.format('a')}</testsuites>")
    evidence = read_paths([tmp_path])
    assert len(evidence["tests"]) == 1
    assert "1 case equal to those of" in evidence["sources"]["message"].iloc[1]


def test_json_that_a_shell_wrote_as_utf16_is_recognised(tmp_path):
    path = tmp_path / "report"
    report = '{"reportFormat": "CTRF", "results": {"tests": [{"name": "ä", "status": "passed"}]}}'
    for encoding in ("utf-16", "utf-8-sig"):
        path.write_bytes(report.encode(encoding))
        assert read_file(path)["tests"]["name"].tolist() == ["ä"]


def test_one_suite_over_several_files_is_merged(tmp_path):
    (tmp_path / "a.xml").write_text(JUNIT.format("a"))
    (tmp_path / "b.xml").write_text(JUNIT.format("b"))
    assert len(read_paths([tmp_path])["tests"]) == 2


@pytest.mark.parametrize("head", ['{"' + "a\\" * 30_000, '{"a":' * 10_000, "{" + '"x", ' * 10_000, "[" * 60_000])
def test_recognition_is_linear_in_hostile_heads(head):
    start = time.process_time()
    json_keys(head.encode())
    assert time.process_time() - start < 30  # a bound against exponential search, not a speed


def test_the_reference_case_holds_what_its_report_states():
    before, after = (read_paths([REFERENCE / side]) for side in ("before", "after"))
    assert list(before["samples"]["response_ms"]) == [125]
    assert list(after["samples"]["response_ms"]) == [126]
    assert list(after["tests"]["status"]).count("pass") == 15
    assert len(after["tests"]) == 17
    assert before["tests"].empty
    assert before.failed
    assert before["findings"].empty
    assert list(after["scans"]["claimed_score"]) == [98.7, 100.0, 95.2]
    assert len(after["changes"]) == 4


@pytest.mark.parametrize("content", ['{"a": 1, "b": [{}]}', '{"a": 1, "a": 2}', "{", "[" * 100_000])
def test_reading_json_leaves_the_garbage_collector_as_it_was(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_text(content)
    for running in (True, False):
        (gc.enable if running else gc.disable)()
        try:
            with contextlib.suppress(ReportError):
                load_json(path)
            assert gc.isenabled() is running
        finally:
            gc.enable()


def test_a_copy_of_a_load_file_counts_once(tmp_path):
    point = {"time": "2026-01-01T00:00:00Z", "value": 20, "tags": {"url": "/"}}
    line = json.dumps({"type": "Point", "metric": "http_req_duration", "data": point}) + "\n"
    for name in ("a.json", "b.json", "c.json"):
        (tmp_path / name).write_text(line * (2 if name == "c.json" else 1))
    evidence = read_paths([tmp_path])
    assert len(evidence["samples"]) == 3
    assert evidence["sources"]["rows"].tolist() == [1, 0, 2]
    assert evidence["sources"]["status"].tolist() == ["ok"] * 3
    assert "a.json" in evidence["sources"]["message"].iloc[1]
    assert len(read_paths([tmp_path], keep_repeats=True)["samples"]) == 4
