"""Old evidence is not new: the file of an earlier run, a log that was appended to, a report that was only copied."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time

import pytest

from stabkit.cli import run

JUNIT = (
    '<testsuite name="pytest" tests="3" timestamp="2026-10-20T02:15:00">'
    + "".join(f'<testcase classname="c" name="t{n}" time="0.{n + 1}"/>' for n in range(3))
    + "</testsuite>"
)
TIMELESS = '<testsuite name="pytest" tests="2"><testcase name="a"/><testcase name="b"/></testsuite>'
GO = "".join(
    json.dumps({"Time": "2026-01-01T10:00:00Z", "Action": action, "Package": "p", "Test": "T"}) + "\n"
    for action in ("run", "pass")
) + json.dumps({"Time": "2026-01-01T10:00:01Z", "Action": "pass", "Package": "p"})
PYTEST = json.dumps(
    {"created": 1760926500.5, "exitcode": 0, "root": "/", "summary": {"passed": 1, "total": 1, "collected": 1},
     "tests": [{"nodeid": "t.py::a", "outcome": "passed", "call": {"duration": 0.25, "outcome": "passed"}}]}
)  # fmt: skip
CTRF = json.dumps(
    {"results": {"tool": {"name": "jest"}, "summary": {"tests": 1, "passed": 1, "failed": 0, "pending": 0, "skipped": 0,
     "other": 0, "start": 1706644023000, "stop": 1706644024000},
     "tests": [{"name": "a", "status": "passed", "duration": 0}]}}
)  # fmt: skip
JTL = "timeStamp,elapsed,label,responseCode,success\n" + "".join(
    f"{1706644023000 + 100 * n},{20 + n % 7},api,200,true\n" for n in range(30)
)
SARIF = json.dumps(
    {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff", "version": "1"}}, "results": []}]}
)
STAMPED = json.dumps(
    {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff", "version": "1"}}, "results": [],
     "invocations": [{"executionSuccessful": True, "startTimeUtc": "2026-01-01T10:00:00Z"}]}]}
)  # fmt: skip
BANDIT = json.dumps({"errors": [], "generated_at": "2026-01-01T10:00:00Z", "metrics": {"_totals": {}}, "results": []})
# What no second run writes alike: kind, name, content.
ONCE = [
    ("tests", "junit.xml", JUNIT), ("tests", "go.json", GO), ("tests", "pytest.json", PYTEST),
    ("tests", "c.json", CTRF),
    ("load", "load.jtl", JTL), ("scan", "stamped.sarif", STAMPED), ("scan", "bandit.json", BANDIT),
]  # fmt: skip


@pytest.fixture
def stabkit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("STABKIT_CONFIG", "STABKIT_DATA"):
        monkeypatch.delenv(name, raising=False)

    def call(*words):
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "bug in stabkit" not in err, err
        return code, out, err

    return call


def imported(stabkit, kind, path, label):
    return stabkit("import", kind, path, "--label", label, "--data", "runs")


@pytest.mark.parametrize(("kind", "name", "content"), ONCE)
def test_what_holds_times_is_old_under_any_other_name(stabkit, tmp_path, kind, name, content):
    (tmp_path / name).write_text(content)
    assert imported(stabkit, kind, name, "v1")[0] == 0
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / f"other-{name}").write_text(content)
    code, _, err = imported(stabkit, kind, f"again/other-{name}", "v2")
    assert code == 0
    assert "the file of run v1: did the " in err
    code, out, _ = stabkit("gate", "--data", "runs", "--format", "json")
    assert code == 3
    assert "the file of run v1: did the " in out
    told = json.loads(out)
    for condition in told["gate"]["conditions"]:
        explained = stabkit("explain", "v1", "v2", condition["name"], "--data", "runs")[1]
        assert "the file of run v1" in explained
    assert stabkit("runs", "--data", "runs")[1].count(" no ") == 1
    # The version brought once more is the same version.
    assert "the file of run" not in imported(stabkit, kind, name, "v1")[2]


def test_a_compressed_copy_is_the_same_file(stabkit, tmp_path):
    (tmp_path / "junit.xml").write_text(JUNIT)
    imported(stabkit, "tests", "junit.xml", "v1")
    (tmp_path / "junit.xml.gz").write_bytes(gzip.compress(JUNIT.encode()))
    assert "the file of run v1: did the tests run?" in imported(stabkit, "tests", "junit.xml.gz", "v2")[2]
    (tmp_path / "once-more.gz").write_bytes(gzip.compress(JUNIT.encode(), mtime=1))
    assert "the file of run v1: did the tests run?" in imported(stabkit, "tests", "once-more.gz", "v3")[2]


@pytest.mark.parametrize(("kind", "name", "content"), [("scan", "r.sarif", SARIF), ("tests", "r.xml", TIMELESS)])
def test_what_holds_no_times_is_old_unless_it_was_written_again(stabkit, tmp_path, kind, name, content):
    (tmp_path / name).write_text(content)
    imported(stabkit, kind, name, "v1")
    assert "the file of run v1" in imported(stabkit, kind, name, "v2")[2]
    time.sleep(0.05)
    (tmp_path / name).write_text(content)
    assert "the file of run" not in imported(stabkit, kind, name, "v3")[2]
    shutil.copy2(tmp_path / name, tmp_path / f"kept-{name}")
    assert "the file of run v3" in imported(stabkit, kind, f"kept-{name}", "v4")[2]


def test_the_reports_of_a_collection_in_which_nothing_ran_are_old(stabkit, tmp_path):
    (tmp_path / "stabkit.toml").write_text(
        '[project]\ndata = "runs"\n[tests.unit]\nfiles = ["junit.xml"]\n[scans.ruff]\nfiles = ["ruff.sarif"]\n'
    )
    (tmp_path / "junit.xml").write_text(JUNIT)
    (tmp_path / "ruff.sarif").write_text(SARIF)
    assert stabkit("collect", "--label", "v1")[0] == 0
    assert stabkit("collect", "--label", "v2")[0] == 0
    code, out, _ = stabkit("gate")
    assert code == 3
    assert "junit.xml is old: the file of run v1: did the tests run?" in out
    assert "ruff.sarif is old: the file of run v1: did the scan run?" in out
    assert "To decide" not in out  # to collect it again decides nothing
    assert stabkit("report", "--output", "pages")[0] == 3
    for page in ("html", "md", "json"):
        assert "did the tests run?" in (tmp_path / "pages" / f"stability_report.{page}").read_text()


def test_a_command_that_copies_an_old_report_did_not_run_its_tests(stabkit, tmp_path):
    old = tmp_path / "old.xml"
    old.write_text(JUNIT)
    os.utime(old, (1_760_000_000, 1_760_000_000))
    (tmp_path / "stabkit.toml").write_text(
        f'[project]\ndata = "runs"\n[tests.unit]\ncommand = ["cp", "-p", "{old}", "{{output}}"]\n'
    )
    _, _, err = stabkit("collect", "--label", "v1")
    assert "written at 2025-10-09" in err
    assert "before its command began: did it run?" in err
    # Its copy with a new time is told by its content.
    (tmp_path / "stabkit.toml").write_text(
        f'[project]\ndata = "runs"\n[tests.unit]\ncommand = ["cp", "{old}", "{{output}}"]\n'
    )
    assert "unit: the file of run v1: did the tests run?" in stabkit("collect", "--label", "v2")[2]


def test_a_scan_that_finds_the_same_again_is_new(stabkit, tmp_path):
    (tmp_path / "found.sarif").write_text(SARIF)
    (tmp_path / "stabkit.toml").write_text(
        '[project]\ndata = "runs"\n[scans.ruff]\ncommand = ["cp", "found.sarif", "{output}"]\n'
    )
    for label in ("v1", "v2"):
        code, _, err = stabkit("collect", "--label", label)
        assert code == 0
        assert "the file of run" not in err
    assert "the file of" not in stabkit("gate")[1]


def test_a_file_that_lies_in_both_folders_is_said(stabkit, tmp_path):
    for side, time_s in (("a", "0.7"), ("b", "0.8")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "junit.xml").write_text(JUNIT)
        (tmp_path / side / "other.xml").write_text(JUNIT.replace("pytest", "other").replace("0.1", time_s))
        (tmp_path / side / "ruff.sarif").write_text(SARIF)
    code, out, _ = stabkit("gate", "a", "b")
    assert code == 3
    assert "junit.xml is old: the file of run a: did the tests run?" in out
    assert "ruff.sarif" not in out  # a scan that finds the same again writes the same file
    code, _, err = stabkit("diff", "a/junit.xml", "b/junit.xml")
    assert code == 0
    assert "the file of run a/junit.xml: did the tests run?" in err


def samples(*numbers):
    """Return records of requests, each due at a moment of its own."""
    rows = [
        {"target": "api", "metric": "response_time", "round": n // 5, "sequence": n, "ok": True,
         "service_ms": 20 + n % 7, "response_ms": 20 + n % 7, "due_at": f"2026-01-01T10:00:{n:02}.125Z"}
        for n in numbers
    ]  # fmt: skip
    return json.dumps({"stabkit": 1, "samples": rows})


def test_a_log_that_was_appended_to_holds_the_old_measurements(stabkit, tmp_path):
    for side, numbers in (("a", range(20)), ("b", range(40)), ("c", range(40, 60))):
        (tmp_path / side).mkdir()
        (tmp_path / side / "load.json").write_text(samples(*numbers))
    _, out, _ = stabkit("gate", "a", "b", "--format", "json")
    assert "20 of its measurements are those of run a: was it measured again?" in out
    assert "its measurements" not in stabkit("gate", "a", "c", "--format", "json")[1]
