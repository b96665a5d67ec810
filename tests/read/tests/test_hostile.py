"""What hostile files get in every kind of format: refused or kept whole, never believed by half."""

import json
import os
from pathlib import Path

import pytest

from stabkit.read.readers import read_file, read_paths
from stabkit.read.summary import source_summary

BIG = "x" * 12_000_000


def summary(folder: Path, content: str | bytes) -> dict:
    path = folder / "report"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return source_summary(read_file(path))[0]


def ctrf(test: str) -> str:
    return f'{{"reportFormat": "CTRF", "results": {{"tests": [{test}]}}}}'


def go(**event: str) -> str:
    return json.dumps({"Package": "p", "Test": "T", **event}) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        f'<testsuite><testcase name="a"><failure>{BIG}</failure></testcase></testsuite>',
        f'<test-run><test-case result="Failed"><failure><message>{BIG}</message></failure></test-case></test-run>',
        ctrf(json.dumps({"name": "a", "status": "failed", "trace": BIG})),
        go(Action="run") + go(Action="output", Output=BIG) + go(Action="fail") + '{"Action": "fail", "Package": "p"}\n',
        f"1..1\nnot ok 1 - a\n  ---\n  message: {BIG}\n  ...\n",
    ],
    ids=["junit", "nunit3", "ctrf", "go-test", "tap"],
)
def test_12_mb_of_failure_text_are_cut_and_told(tmp_path, content):
    found = summary(tmp_path, content)
    assert found["status"] == "ok"
    assert found["counts"]["failed"] == 1
    assert "cut to 64 KiB" in found["message"]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (ctrf('{"name": "a", "status": "passed", "duration": NaN}'), "ok", "became null: NaN"),
        (ctrf('{"name": "a", "status": "passed", "duration": ' + "9" * 5000 + "}"), "ok", "integer of 5000 digits"),
        (ctrf('{"name": "a", "status": "failed", "status": "passed"}'), "error", "'status' stands twice"),
        (go(Action="run") + '{"Package": "p", "Test": "T", "Action": "fail", "Action": "pass"}\n', "error", "twice"),
        (ctrf("[" * 100_000 + "]" * 100_000), "error", "nested too deeply"),
        (ctrf('\n<<<<<<< a\n{"name": "a"}\n=======\n{}\n>>>>>>> b\n'), "error", "unresolved merge conflict, line 2"),
        (ctrf('{"name": "a\0", "status": "passed"}'), "repaired", "1 illegal control byte removed"),
        (ctrf('{"name": "a", "status": "passed"}')[:-3], "error", "cut off"),
        ("1..1\nok 1 - a\n=======\n", "ok", ""),
        (b"PK\x03\x04" + bytes(200), "error", "its content is binary"),
    ],
    ids=["nan", "integer", "key", "line-key", "deep", "conflict", "nul", "cut", "banner", "zip"],
)
def test_json_and_lines_that_lie_or_break(tmp_path, content, status, words):
    found = summary(tmp_path, content)
    assert found["status"] == status
    assert words in (found["message"] or "")
    assert status != "error" or found["counts"] == {}


def test_a_byte_order_mark_is_accepted(tmp_path):
    found = summary(tmp_path, b"\xef\xbb\xbf" + ctrf('{"name": "a", "status": "passed"}').encode())
    assert found["counts"]["passed"] == 1


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=1+1", "\x1b[2J", "a\u202eb", "x" * 5000])
def test_a_hostile_name_is_stored_as_it_is(tmp_path, name):
    path = tmp_path / "report"
    path.write_text(ctrf(json.dumps({"name": name, "status": "passed"})))
    assert read_file(path)["tests"]["name"].tolist() == [name]


def test_nothing_outside_of_a_file_is_opened(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden words")
    for content in (
        f'<testsuite xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret}" parse="text"/>'
        f'<testcase name="a" file="../../{secret}"/></testsuite>',
        f'<!DOCTYPE t SYSTEM "{secret}"><testsuite><testcase name="a"/></testsuite>',
    ):
        path = tmp_path / "report.xml"
        path.write_text(content)
        found = read_file(path)
        assert len(found["tests"]) == 1
        assert "hidden words" not in found["tests"].to_json() + found["sources"].to_json(date_format="iso")


def test_a_folder_of_traps_is_read_to_its_end(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "a.xml").write_text('<testsuite><testcase name="a"/></testsuite>')
    os.mkfifo(folder / "pipe")
    (folder / "circle").symlink_to(folder)
    (folder / "itself").symlink_to("itself")
    (folder / "device").symlink_to("/dev/zero")
    with (folder / "vast").open("wb") as file:
        file.truncate(2**40)  # without a digest of it all
    found = read_paths([folder])
    assert len(found["tests"]) == 1
    statuses = {Path(source["path"]).name: source["status"] for source in source_summary(found)}
    assert statuses == {"a.xml": "ok", **dict.fromkeys(("pipe", "itself", "device", "vast"), "error")}


@pytest.mark.parametrize(
    ("stamp", "claimed", "words"),
    [
        ("2025-01-01T00:00:00+02:00", "2024-12-31T22:00:00+00:00", ""),
        ("2025-01-01T00:00:00", "2025-01-01T00:00:00+00:00", "without a zone are read as UTC"),
        ("yesterday", None, "1 timestamp cannot be read"),
    ],
)
def test_timestamps_of_junit(tmp_path, stamp, claimed, words):
    found = summary(tmp_path, f'<testsuite timestamp="{stamp}"><testcase name="a"/></testsuite>')
    assert found["claimed"]["timestamp"] == claimed
    assert words in (found["message"] or "")


def test_a_case_without_name_or_class_keeps_its_row(tmp_path):
    path = tmp_path / "report"
    path.write_text('<testsuite><testcase/><testcase name="a"/><testcase classname="c"/></testsuite>')
    assert read_file(path)["tests"]["test_id"].tolist() == ["(?)::(?)", "(?)::a", "c::(?)"]


LINES = {
    "go": [
        '{"Action":"run","Package":"p","Test":"A"}',
        '{"Action":"pass","Package":"p","Test":"A","Elapsed":0.1}',
        '{"Action":"output","Package":"p","Test":"B","Output":"@"}',
        '{"Action":"fail","Package":"p","Test":"B","Elapsed":0.1}',
        '{"Action":"fail","Package":"p","Elapsed":0.1}',
    ],
    "libtest": [
        '{"type":"suite","event":"started","test_count":2}',
        '{"type":"test","name":"a","event":"ok"}',
        '{"type":"test","name":"b","event":"failed","stdout":"@"}',
        '{"type":"suite","event":"failed","passed":1,"failed":1}',
    ],
    "dart": [
        '{"protocolVersion":"0.1.1","type":"start","time":0}',
        '{"test":{"id":1,"name":"a"},"type":"testStart","time":1}',
        '{"testID":1,"result":"success","skipped":false,"hidden":false,"type":"testDone","time":2}',
        '{"test":{"id":2,"name":"b"},"type":"testStart","time":2}',
        '{"testID":2,"error":"@","stackTrace":"","isFailure":true,"type":"error","time":3}',
        '{"testID":2,"result":"failure","skipped":false,"hidden":false,"type":"testDone","time":4}',
        '{"success":false,"type":"done","time":5}',
    ],
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("bad", ["\x1b[31m", "\0", "\t", "\\ud800"])
def test_a_control_character_in_an_event_costs_no_result(tmp_path, name, bad):
    found = summary(tmp_path, "\n".join(LINES[name]).replace("@", bad))
    assert (found["status"], found["counts"]["passed"], found["counts"]["failed"]) == ("ok", 1, 1)


@pytest.mark.parametrize("name", LINES)
def test_an_event_that_is_broken_leaves_the_source_partial(tmp_path, name):
    for place in range(1, len(LINES[name])):
        lines = [*LINES[name]]
        lines[place] = lines[place][: len(lines[place]) // 2]
        assert summary(tmp_path, "\n".join(lines))["status"] == "partial", place
