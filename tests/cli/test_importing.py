"""Importing what other tools wrote: at a time, of a commit, and whole histories in one command."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from stabkit.store import open_store
from tests.cli.conftest import GOOD, sarif

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def junit(at, seconds="0.1"):
    stamp = f' timestamp="{at.isoformat()}"' if at else ""
    return GOOD.replace('tests="2"', f'tests="2"{stamp}').replace('time="0.1"', f'time="{seconds}"')


def k6(at, slower=1.0):
    rows = [
        json.dumps(
            {
                "type": "Point",
                "metric": "http_req_duration",
                "data": {
                    "time": (at + timedelta(seconds=k)).isoformat(),
                    "value": slower * (10 + k % 7),
                    "tags": {"name": "cart", "status": "200", "method": "GET", "expected_response": "true"},
                },
            }
        )
        for k in range(40)
    ]
    return "\n".join(rows)


def build(folder, number, files):
    place = folder / "artifacts" / f"build-{number}-{number:07x}"
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / name).write_text(text)
    return place


def stored(folder):
    return open_store(folder / "runs").runs()


def test_thirty_past_builds_become_a_history_in_one_command(stabkit, folder):
    moments = {n: START + timedelta(hours=7 * n) for n in range(1, 31)}
    for number, at in moments.items():
        build(folder, number, {"junit.xml": junit(at, f"0.{number}"), "k6.json": k6(at, 1.5 if number > 20 else 1.0)})
    words = ("import", "artifacts/{label}-{commit}/", "--environment", "ci", "--data", "runs")
    code, out, _ = stabkit(*words)
    assert (code, len(out.splitlines())) == (0, 30)
    runs = stored(folder)
    assert runs["label"].tolist() == [f"build-{n}" for n in range(1, 31)]
    assert runs["commit"].tolist() == [f"{n:07x}" for n in range(1, 31)]
    assert set(runs["environment"]) == {"ci"}
    assert runs["started_at"].tolist() == list(moments.values())
    assert stabkit("gate", "--data", "runs")[1].startswith("Stability of build-30 (000001e) against build-29 (000001d)")
    code, out, _ = stabkit("trend", runs_target(folder), "--data", "runs", "--format", "json")
    assert code == 0
    assert "with build-21" in json.loads(out)["pieces"][0]["sentences"][1]
    assert stabkit("report", "--output", "pages", "latest~5", "latest", "--data", "runs")[0] != 2
    # The same folders once more: the files of an earlier run are nothing new.
    code = stabkit(*words)[0]
    assert code == 0
    assert len(stored(folder)) == 60


@pytest.mark.parametrize("pattern", ["artifacts/build-*", "artifacts/build-*/", "artifacts/*"])
def test_a_pattern_of_folders_makes_a_run_of_each(stabkit, folder, pattern):
    for number in (10, 9, 2):
        build(folder, number, {"junit.xml": junit(START - timedelta(days=number), f"0.{number}")})
    assert stabkit("import", "auto", pattern, "--data", "runs")[0] == 0
    assert [label.split("-")[1] for label in stored(folder)["label"]] == ["10", "9", "2"]
    assert stored(folder)["started_at"].iloc[0] == START - timedelta(days=10)


def test_a_pattern_that_fits_one_folder_makes_a_run_of_its_name(stabkit, folder):
    build(folder, 1, {"junit.xml": junit(START)})
    assert stabkit("import", "artifacts/build-*/", "--data", "runs")[0] == 0
    assert stored(folder)["label"].tolist() == ["build-1-0000001"]


@pytest.mark.parametrize(
    ("files", "label"), [("artifacts/build-1-0000001/*.xml", "build-1-0000001"), ("only-*.xml", "import")]
)
def test_a_run_of_files_by_a_pattern_is_called_after_what_is_named(stabkit, folder, files, label):
    build(folder, 1, {"junit.xml": junit(START)})
    (folder / "only-1.xml").write_text(junit(START, "0.2"))
    assert stabkit("import", files, "--data", "runs")[0] == 0
    assert stored(folder)["label"].tolist() == [label]


def test_where_nothing_says_which_store_the_options_that_do_are_named(stabkit, folder):
    build(folder, 1, {"junit.xml": junit(START)})
    code, _, err = stabkit("import", "artifacts/build-*/")
    assert code == 2
    assert "--data" in err


def test_what_is_named_by_a_label_is_one_run(stabkit, folder):
    for number in (1, 2):
        build(folder, number, {"junit.xml": junit(START, f"0.{number}")})
    assert stabkit("import", "tests", "artifacts/*/", "--label", "v1", "--data", "runs")[0] == 0
    assert stabkit("import", "tests", "artifacts/*/", "--together", "--data", "runs")[0] == 0
    assert len(stored(folder)) == 2
    assert stabkit("import", "tests", "artifacts/*/", "--label", "again {name}", "--data", "runs")[0] == 0
    assert stored(folder)["label"].tolist()[:2] == ["again build-1-0000001", "again build-2-0000002"]


def test_each_file_may_be_a_run(stabkit, folder):
    for number in (3, 1, 2):
        (folder / f"load-{number}.json").write_text(k6(START + timedelta(days=number), 1 + number / 10))
    assert stabkit("import", "load", "load-*.json", "--each", "--data", "runs")[0] == 0
    assert stored(folder)["label"].tolist() == ["load-1", "load-2", "load-3"]
    assert stored(folder)["finished_at"].iloc[0] == START + timedelta(days=1, seconds=39)


def test_a_folder_of_which_nothing_can_be_read_is_named_and_the_others_are_kept(stabkit, folder):
    for number in (1, 2, 4):
        build(folder, number, {"junit.xml": junit(START + timedelta(days=number), f"0.{number}")})
    place = build(folder, 3, {"notes.bin": "hello"})
    at = (START + timedelta(days=3)).timestamp()
    os.utime(place / "notes.bin", (at, at))
    (folder / "artifacts" / "build-5").mkdir()
    code, _, err = stabkit("import", "artifacts/build-*/", "--data", "runs")
    assert code == 2
    assert "build-3-0000003/notes.bin" in err
    assert "artifacts/build-5: holds no file" in err
    assert "none of it could be read; run build-5 says so" in err
    assert [label[6] for label in stored(folder)["label"]] == list("12345")
    assert stored(folder)["complete"].tolist() == [True, True, False, True, False]
    assert stabkit("gate", "build-2-0000002", "build-4-0000004", "--data", "runs")[0] == 0


def test_files_that_were_copied_are_ordered_by_name_and_it_is_said(stabkit, folder):
    for number in (1, 2, 10):
        build(folder, number, {"junit.xml": junit(None, f"0.{number}")})
    code, _, err = stabkit("import", "artifacts/build-*/", "--data", "runs")
    assert code == 0
    assert "no file tells when it happened" in err
    assert [label.split("-")[1] for label in stored(folder)["label"]] == ["1", "2", "10"]
    assert stored(folder)["started_at"].is_monotonic_increasing


def test_files_that_were_written_on_different_days_are_ordered_by_them(stabkit, folder):
    for number, day in ((1, 5), (2, 3), (3, 4)):
        place = build(folder, number, {"junit.xml": junit(None, f"0.{number}")})
        at = (START + timedelta(days=day)).timestamp()
        os.utime(place / "junit.xml", (at, at))
    assert stabkit("import", "artifacts/build-*/", "--data", "runs")[0] == 0
    assert [label.split("-")[1] for label in stored(folder)["label"]] == ["2", "3", "1"]


def test_a_report_that_was_left_behind_does_not_move_its_build(stabkit, folder):
    build(folder, 1, {"junit.xml": junit(START), "old.xml": junit(START - timedelta(days=40), "0.7")})
    build(folder, 2, {"junit.xml": junit(START + timedelta(days=1), "0.3")})
    _, _, err = stabkit("import", "artifacts/build-*/", "--data", "runs")
    assert stored(folder)["started_at"].iloc[0] == START
    assert "build-1-0000001 tell of more than a day" in err


def runs_target(folder):
    return open_store(folder / "runs").read("samples")["target"].iloc[0]


STATED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
REPORTS = {
    "junit.xml": junit(STATED),
    "trx.trx": '<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Times '
    'creation="2026-03-04T05:06:07.0000000+00:00" start="2026-03-04T05:06:07+00:00"/><Results><UnitTestResult '
    'testName="a" outcome="Passed" testId="1" executionId="1"/></Results></TestRun>',
    "ctrf.json": json.dumps(
        {
            "results": {
                "tool": {"name": "x"},
                "summary": {"tests": 1, "passed": 1, "failed": 0, "start": 1772600767000, "stop": 1772600768000},
                "tests": [{"name": "a", "status": "passed", "duration": 1}],
            }
        }
    ),
    "mocha.json": json.dumps(
        {
            "stats": {
                "suites": 1,
                "tests": 1,
                "passes": 1,
                "start": "2026-03-04T05:06:07.000Z",
                "end": "2026-03-04T05:06:09.000Z",
            },
            "tests": [{"title": "a", "fullTitle": "a", "duration": 1, "err": {}}],
            "passes": [{"title": "a", "fullTitle": "a", "duration": 1, "err": {}}],
            "failures": [],
            "pending": [],
        }
    ),
    "go.json": '{"Time":"2026-03-04T05:06:07Z","Action":"run","Package":"p","Test":"TestA"}\n'
    '{"Time":"2026-03-04T05:06:07.5Z","Action":"pass","Package":"p","Test":"TestA","Elapsed":0.5}\n',
    "pytest.json": json.dumps(
        {
            "created": 1772600767.0,
            "duration": 1,
            "exitcode": 0,
            "root": "/x",
            "summary": {"passed": 1, "total": 1},
            "tests": [{"nodeid": "t.py::a", "outcome": "passed", "call": {"duration": 0.1, "outcome": "passed"}}],
        }
    ),
    "scan.sarif": sarif("F401").replace(
        '"results"', '"invocations": [{"executionSuccessful": true, "startTimeUtc": "2026-03-04T05:06:07Z"}], "results"'
    ),
    "load.json": k6(STATED),
    "load.jtl": "timeStamp,elapsed,label,responseCode,success\n1772600767000,12,cart,200,true\n"
    "1772600768000,13,cart,200,true\n",
    "run.json": json.dumps(
        {
            "stabkit": 1,
            "run": {"label": "v1", "started_at": "2026-03-04T05:06:07Z"},
            "checks": [{"target": "a", "check": "b", "outcome": "pass"}],
        }
    ),
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("whole", ["folder", "file"])
def test_files_of_every_kind_tell_when_they_happened(stabkit, folder, name, whole):
    place = build(folder, 1, {name: REPORTS[name]})
    path = str(place / name) if whole == "file" else str(place)
    assert stabkit("import", "auto", path, "--at", "files", "--label", "v1", "--data", "runs")[0] == 0
    assert abs(stored(folder)["started_at"].iloc[0] - STATED) < timedelta(seconds=1)
    assert stabkit("import", path, "--each", "--data", "runs")[0] in (0, 2)
    assert abs(stored(folder)["started_at"].iloc[-1] - STATED) < timedelta(seconds=1)


def test_time_commit_and_environment_of_one_run(stabkit, folder):
    words = ("import", "tests", "good.xml", "--at", "2026-03-04T05:06+01:00", "--commit", "ABCDEF0", "--data", "runs")
    assert stabkit(*words, "--environment", "ci", "--label", "v1")[0] == 0
    run = stored(folder).iloc[0]
    assert (run["started_at"].isoformat(), run["commit"]) == ("2026-03-04T04:06:00+00:00", "abcdef0")
    assert run["environment"] == "ci"
    assert stabkit("import", "tests", "broken.xml", "--label", "v2", "--data", "runs")[0] == 0
    late = ("import", "tests", "broken.xml", "--label", "v0", "--at", "2020-01-01", "--data", "runs")
    assert stabkit(*late)[0] in (0, 2)
    assert stored(folder)["label"].tolist() == ["v0", "v1", "v2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "yesterday"], "'yesterday' is no time of ISO 8601"),
        (["--at", "2999-01-01"], "lies in the future"),
        (["--at", "1969-01-01"], "before the year 2000"),
        (["--at", ""], "'--at': it is empty"),
        (["--commit", "main"], "'main' is no id of a commit"),
        (["--run", "v1", "--at", "2026-01-01"], "--run and --at exclude each other"),
        (["--run", "v1", "--commit", "abcdef0"], "--run and --commit exclude each other"),
        (["--run", "v1", "--each"], "--run and --each exclude each other"),
    ],
)
def test_what_cannot_be_said_of_a_run_is_refused_before_anything_is_stored(stabkit, folder, words, said):
    code, out, err = stabkit("import", "tests", "good.xml", *words, "--data", "runs")
    assert (code, out) == (2, "")
    assert said in err
    assert not (folder / "runs").exists()


def test_a_folder_whose_path_does_not_say_what_is_asked_is_named(stabkit, folder):
    build(folder, 1, {"junit.xml": junit(START)})
    (folder / "artifacts" / "notes-of-us").mkdir()
    (folder / "artifacts" / "notes-of-us" / "junit.xml").write_text(junit(START + timedelta(days=1), "0.3"))
    code, _, err = stabkit("import", "artifacts/{label}-{commit}", "--data", "runs")
    assert code == 0
    assert "notes-of-us: its path does not say what the pattern asks for" in err
    assert stored(folder)["commit"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("artifacts/{name}-{commit}/", "--label", "{label}"), "{label} is not said by artifacts/build-1-0000001"),
        (("artifacts/{label}/", "--environment", "{env}"), "{env} is not said by artifacts/build-1-0000001"),
        (("artifacts/{label}/", "--together"), "makes a run of each folder, --together one of all"),
    ],
)
def test_names_in_braces_that_nothing_fills_are_refused(stabkit, folder, words, said):
    build(folder, 1, {"junit.xml": junit(START)})
    code, _, err = stabkit("import", *words, "--data", "runs")
    assert (code, said in err) == (2, True), err
    assert not (folder / "runs").exists()


def test_a_pattern_spoils_no_run_that_is_named(stabkit, folder):
    build(folder, 1, {"junit.xml": junit(START)})
    assert stabkit("import", "artifacts/build-1-0000001", "--label", "x", "--data", "runs")[0] == 0
    code, _, err = stabkit("import", "artifacts/{label}/", "--run", "x", "--data", "runs")
    assert (code, "--run one of all" in err) == (2, True)
    assert stored(folder)["complete"].tolist() == [True]


def test_a_build_of_which_nothing_is_known_is_not_the_newest(stabkit, folder):
    for number in (1, 2, 3):
        build(
            folder, number, {} if number == 2 else {"junit.xml": junit(START + timedelta(days=number), f"0.{number}")}
        )
    code, _, err = stabkit("import", "artifacts/build-*/", "--data", "runs")
    assert code == 2
    assert [label[6] for label in stored(folder)["label"]] == list("123")
    assert "Next: stabkit gate build-1-0000001 build-3-0000003" in err
