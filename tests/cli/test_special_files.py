"""What is no regular file, in place of whatever a command reads: said, and never waited for."""

import json
import os
import signal
import socket

import pytest

LONGEST_S = 120  # nothing takes that long unless it hangs


@pytest.fixture(autouse=True)
def _ends():
    """Fail a test that waits for a pipe or reads a device without end, instead of the whole run."""

    def give_up(_number, _frame):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def plant(path, kind):
    """Put something that is no file at a path, in place of what is there."""
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    else:
        here = os.open(".", os.O_RDONLY)
        os.chdir(path.parent)  # a socket's path is short
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path.name)
        finally:
            os.fchdir(here)
            os.close(here)


KINDS = ["pipe", "device", "socket", "loop", "folder"]


@pytest.fixture
def stored(stabkit, folder):
    """A store of two runs."""
    for label, evidence in (("v1", "good.xml"), ("v2", "broken.xml")):
        assert stabkit("import", evidence, "--label", label, "--data", "data")[0] == 0
    return folder / "data"


@pytest.mark.parametrize("kind", KINDS)
def test_in_place_of_a_marker_its_run_is_damaged_and_the_others_stay(stabkit, stored, kind):
    plant(sorted(stored.glob("commits/*v1*.json"))[0], kind)

    code, out, err = stabkit("runs", "--data", "data")
    assert (code, "v1" in out, "v2" in out) == (0, False, True)
    assert "marker cannot be read" in err
    assert stabkit("store", "check", "--data", "data")[0] == 2
    code, _, err = stabkit("gate", "v1", "v2", "--data", "data")
    assert (code, "bug in stabkit" in err) == (2, False)


@pytest.mark.parametrize("kind", KINDS)
def test_in_place_of_data_it_is_said_and_nothing_is_judged(stabkit, stored, kind):
    plant(next(stored.rglob("*v1*.parquet")), kind)

    for words in (["store", "check"], ["gate", "v1", "v2"], ["store", "export", "exported"], ["compare", "v1", "v2"]):
        code, _, err = stabkit(*words, "--data", "data")
        assert code == 2, (words, err)
        assert "parquet" in err
        assert "bug in stabkit" not in err


@pytest.mark.parametrize("kind", KINDS)
def test_in_place_of_what_a_compaction_says_the_runs_are_read_without_it(stabkit, stored, kind):
    (stored / "compactions").mkdir(exist_ok=True)
    plant(stored / "compactions" / "29990101T000000000000-aaaaaaaa.json", kind)
    plant(stored / "stabkit-store.json", kind)

    code, out, _ = stabkit("runs", "--data", "data")

    assert (code, "v1" in out, "v2" in out) == (0, True, True)


@pytest.mark.parametrize("kind", KINDS)
def test_in_place_of_evidence_it_is_an_error_that_names_it(stabkit, folder, kind):
    plant(folder / "report.xml", kind)
    (folder / "mixed").mkdir()
    (folder / "good.xml").rename(folder / "mixed" / "good.xml")
    if kind != "folder":
        plant(folder / "mixed" / "other.xml", kind)

    for words in (["read"], ["import", "--label", "v1", "--data", "data"]):
        code, out, err = stabkit(words[0], "report.xml", *words[1:])
        assert code == 2
        assert "report.xml" in out + err
        if kind != "folder":
            assert stabkit(words[0], "mixed", *words[1:])[0] == 2
    assert stabkit("diff", "report.xml", "mixed/good.xml")[0] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_in_place_of_a_result_a_list_and_a_notebook(stabkit, folder, kind):
    (folder / "pages").mkdir()
    plant(folder / "pages" / "report.json", kind)
    code, out, err = stabkit("index", "pages")
    assert (code, "bug in stabkit" in err) == (0 if kind == "folder" else 2, False)
    assert kind == "folder" or "report.json" in out + err + (folder / "pages" / "index.md").read_text()

    plant(folder / "jobs.csv", kind)
    assert stabkit("batch", "jobs.csv", "--output", "many")[0] == 2

    plant(folder / "own.ipynb", kind)
    assert stabkit("report", "--notebook", "own.ipynb", "--output", "many")[0] == 2
    (folder / "jobs.jsonl").write_text(json.dumps({"notebook": "own.ipynb"}))
    assert stabkit("batch", "jobs.jsonl", "--output", "many")[0] == 2


def test_a_list_of_jobs_may_come_from_a_pipe_that_a_shell_names(stabkit, folder):
    reading, writing = os.pipe()
    os.write(writing, b'{"notebook": "no_such_thing"}\n')
    os.close(writing)

    code, _, err = stabkit("batch", f"/dev/fd/{reading}", "--output", "many")

    os.close(reading)
    assert code == 2
    assert "no_such_thing" in err


def test_names_that_are_no_text_are_spelt_out(stabkit, folder):
    strange = os.fsdecode(b"caf\xe9.xml")
    (folder / "mixed").mkdir()
    (folder / "good.xml").rename(folder / "mixed" / strange)

    code, out, err = stabkit("read", "mixed", "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["sources"][0]["path"] == "mixed/caf\\xe9.xml"
    assert stabkit("import", f"mixed/{strange}", "--label", "v1", "--data", "data")[0] == 0
    code, out, _ = stabkit("diff", f"mixed/{strange}", "broken.xml", "--format", "json")
    assert (code, json.loads(out)["transitions"]["regressed"]) == (0, ["a::x"])
    code, _, err = stabkit("import", "broken.xml", "--label", "v1", "--data", strange)
    assert code == 2
    assert "not UTF-8 text" in err
    assert "caf\\xe9.xml" in err


def test_a_notebook_that_is_called_like_an_option_is_a_notebook(stabkit, folder):
    (folder / "-rf.ipynb").write_text("{}")

    code, _, err = stabkit("report", "--notebook", "./-rf.ipynb", "--output", "pages")

    assert code == 2
    assert "is not a notebook" in err


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_depth_beyond_measure_is_said_wherever_it_stands(stabkit, folder, opened):
    deep = opened * 50_000 + "1" + ("]" if opened == "[" else "}") * 50_000
    (folder / "jobs.jsonl").write_text(f'{{"parameters": {deep}}}\n')
    (folder / "own.ipynb").write_text(f'{{"cells": {deep}}}')
    (folder / "pages").mkdir()
    (folder / "pages" / "report.json").write_text(deep)
    (folder / "report.json").write_text(deep)
    (folder / "report.sarif").write_text(f'{{"version": "2.1.0", "runs": {deep}}}')

    for words in (
        ["batch", "jobs.jsonl", "--output", "many"],
        ["report", "--notebook", "own.ipynb", "--output", "many"],
        ["index", "pages"],
        ["read", "report.json", "report.sarif"],
    ):
        code, out, err = stabkit(*words)
        assert code == 2, (words, out, err)
        assert len(err) < 2_000
