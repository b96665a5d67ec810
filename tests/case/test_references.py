"""Runs by what they are: the last stable one, the newest of a branch, the one that a commit grew from; in any order."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import stabkit as library
from stabkit.case import behind, load_case
from stabkit.cli import run
from stabkit.errors import StoreError, UsageError
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store


def suite_of(*failing):
    """Return a suite of five tests, some failing in a fresh process each time they are tried."""
    rows = [
        {"source": "unit", "suite": "unit", "name": f"t{n}", "test_id": f"t{n}", "attempt": attempt,
         "status": "fail" if n in failing else "pass", "fresh_process": True}
        for n in range(5)
        for attempt in range(1, 8 if n in failing else 2)
    ]  # fmt: skip
    return Evidence.of(tests=pd.DataFrame(rows))


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository of five commits in a line, and one beside it."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "stabkit.toml").write_text('[project]\ndata = "runs"\n')
    (tmp_path / ".gitignore").write_text("runs\n")
    git(tmp_path, "add", ".")
    for number in range(5):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", f"c{number}")
    git(tmp_path, "checkout", "-q", "-b", "fix", "main~3")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "beside")
    git(tmp_path, "checkout", "-q", "main")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STABKIT_DATA", raising=False)
    monkeypatch.delenv("STABKIT_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def store(project):
    return library.open(project / "runs", create=True)


def put(store, label, revision, evidence=None, *, minutes=0, environment="ci", branch="main", folder="."):
    started = datetime.now(UTC) + timedelta(minutes=minutes)
    row = new_run(label=label, environment=environment, branch=branch, started_at=started)
    row["commit"] = git(folder, "rev-parse", revision) if revision else None
    return store.append(row, evidence if evidence is not None else suite_of())


def judged(*words):
    """Return the labels of baseline and candidate, and the verdict, as gate says them."""
    case = load_case(*words)
    return case.baseline.run["label"], case.candidate.run["label"], case.gate.verdict


def test_a_run_is_its_commit_or_the_beginning_of_it(store):
    put(store, "a", "main~1")
    put(store, "b", "main")
    whole = git(".", "rev-parse", "main~1")
    for name in (whole, whole[:7], whole[:12].upper()):
        assert store.run(name)["label"] == "a"
    put(store, "again", "main~1")
    assert [store.run(name)["label"] for name in (whole, f"{whole[:8]}~1")] == ["again", "a"]
    with pytest.raises(StoreError, match="No run"):
        store.resolve("0123456")


def test_the_newest_of_a_branch(store):
    put(store, "m1", "main~2")
    put(store, "m2", "main~1")
    put(store, "f1", "fix", branch="fix")
    assert [store.run(name)["label"] for name in ("latest:main", "latest:main~1", "latest:fix")] == ["m2", "m1", "f1"]
    assert judged("latest:main", "latest:fix") == ("m2", "f1", "stable")
    # As a baseline it is a run before the candidate: never the candidate itself, nor one that came after it.
    assert judged("latest:main", "m2")[:2] == ("m1", "m2")
    with pytest.raises(StoreError, match=r"latest:mian.*"):
        store.resolve("latest:mian")


def test_the_run_that_a_commit_grew_from(store):
    put(store, "c1", "main~3")
    put(store, "beside", "fix", branch="fix")
    put(store, "c3", "main~1", minutes=-10)  # its runner's clock is behind
    put(store, "other", "main~1", environment="windows")
    put(store, "c4", "main")
    assert judged("baseline-of:main", "latest") == ("c3", "c4", "stable")
    assert judged("baseline-of:main~1", "c3")[:2] == ("c1", "c3")
    assert judged("baseline-of:fix", "beside")[:2] == ("c1", "beside")
    assert store.run("baseline-of:main~1")["label"] == "c1"
    with pytest.raises(StoreError, match="none has a run"):
        load_case("baseline-of:main~3", "c1")
    with pytest.raises(UsageError, match="No commit 'nope'"):
        load_case("baseline-of:nope", "latest")
    with pytest.raises(StoreError, match=r"stabkit\.open"):
        open_store("runs").resolve("baseline-of:main")


def test_an_import_knows_its_commit_by_its_label(project, capsys):
    for number, revision in enumerate(("main~1", "main")):
        commit = git(".", "rev-parse", revision)
        git(".", "checkout", "-q", commit)
        report = f'<testsuite name="s"><testcase name="t" time="0.{number + 1}"/></testsuite>'
        (project / "junit.xml").write_text(report)
        assert run(["import", "tests", "junit.xml", "--label", commit]) == 0
    assert run(["gate", f"baseline-of:{commit}", commit]) == 0
    assert "against " + git(".", "rev-parse", "main~1") in capsys.readouterr().out


def test_the_last_stable_run(store):
    put(store, "v1", "main~4")
    with pytest.raises(StoreError, match="none of 1 runs is STABLE"):
        store.resolve("last-stable")
    put(store, "v2", "main~3")
    put(store, "v3", "main~2", suite_of(1))
    put(store, "v4", "main~1", suite_of(1, 2))
    assert judged("v3", "v4")[2] == "regressed"
    assert judged("last-stable", "v4") == ("v2", "v4", "regressed")
    put(store, "v5", "main")
    assert judged("last-stable", "v5")[0] == "v2"
    assert store.run("last-stable")["label"] == "v5"
    assert store.run("last-stable~1")["label"] == "v2"


@pytest.mark.parametrize("words", [["compare"], ["diff"], ["explain"], ["report", "--output", "pages"], ["gate"]])
def test_every_command_takes_them(store, words, capsys):
    for label, revision in (("v1", "main~2"), ("v2", "main~1"), ("v3", "main")):
        put(store, label, revision)
    more = ["unit tests"] if words == ["explain"] else []
    for baseline in ("last-stable", "latest:main", "baseline-of:main", git(".", "rev-parse", "main~1")):
        assert run([words[0], baseline, "latest", *more, *words[1:]]) == 0, capsys.readouterr().err
    assert run([words[0], "latest:nowhere", "latest", *more, *words[1:]]) == 2
    assert "No run answers to 'latest:nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize("label", ["last-stable", "latest:main", "baseline-of:HEAD", "latest", "last-stable~2"])
def test_no_label_means_another_run(project, label, capsys):
    (project / "r.xml").write_text('<testsuite name="s"><testcase name="t"/></testsuite>')
    assert run(["import", "tests", "r.xml", "--label", label]) == 2
    assert "no command could name it" in capsys.readouterr().err


def test_a_runner_whose_clock_is_behind_makes_no_false_green(store, capsys):
    put(store, "v1", "main~2", minutes=-30)
    put(store, "v2", "main~1")
    put(store, "v3", "main", suite_of(3), minutes=-10)  # newer than v2, says the store
    assert store.runs()["label"].tolist() == ["v1", "v2", "v3"]
    assert judged(None, "latest") == ("v2", "v3", "regressed")
    assert behind(store.runs(), store.resolve("v3")).newest["label"] == "v2"
    assert run(["gate", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    (note,) = json.loads(out)["notes"]
    assert "The run v3 says that it began at" in note
    assert "which was stored earlier" in note
    assert "judged: v3 (" in err
    assert run(["runs"]) == 0
    assert "The run v3 says" in capsys.readouterr().err


def test_a_history_brought_in_later_comes_where_its_times_say(store):
    put(store, "new", "main")
    put(store, "old", "main~3", minutes=-60 * 24 * 30)
    assert store.runs()["label"].tolist() == ["old", "new"]
    assert store.run("latest")["label"] == "new"


def test_two_jobs_in_one_store_are_told_apart(store, capsys):
    put(store, "linux", "main", environment="linux")
    put(store, "windows", "main", environment="windows", branch="fix")
    assert run(["gate", "latest~1", "latest"]) == 3
    out, err = capsys.readouterr()
    assert "environment linux against windows" in out
    assert "The baseline linux is of branch main, windows of fix." in out
    assert ", fix, windows, " in err
