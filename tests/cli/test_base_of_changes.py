"""The git range of a collection that names no base: it starts at the baseline run's commit, and that is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stabkit.cli import run
from stabkit.store import open_store

CONFIG = '[project]\ndata = "runs"\n[changes]\nrepository = "."\n'


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, text: str) -> str:
    (folder / "a.py").write_text(text)
    git(folder, "add", "a.py")
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STABKIT_CONFIG", raising=False)
    monkeypatch.delenv("STABKIT_DATA", raising=False)
    git(tmp_path, "init", "-q")
    (tmp_path / "report.xml").write_text('<testsuite name="s"><testcase classname="c" name="t"/></testsuite>')
    (tmp_path / "stabkit.toml").write_text(CONFIG + '[tests.unit]\nfiles = ["report.xml"]\n')
    return tmp_path


def test_changes_start_at_the_commit_of_the_run_before(project: Path, capsys: Any) -> None:
    first = commit(project, "x = 1\n")
    assert run(["collect", "--label", "one"]) == 0
    assert "changes are counted from" not in capsys.readouterr().err
    second = commit(project, "x = 2\n")
    assert run(["collect", "--label", "two"]) == 0
    store = open_store(project / "runs")
    assert f"changes are counted from {first[:12]}, the commit of run one" in capsys.readouterr().err
    changes = store.evidence("two")["changes"]
    assert changes[["path", "base_commit", "head_commit"]].values.tolist() == [["a.py", first, second]]
    assert len(store.evidence("one")["changes"]) == 0


def test_a_configured_base_stays(project: Path, capsys: Any) -> None:
    first = commit(project, "x = 1\n")
    commit(project, "x = 2\n")
    assert run(["collect", "--label", "one"]) == 0
    commit(project, "x = 3\n")
    (project / "stabkit.toml").write_text(CONFIG + f'base = "{first}"\n')
    assert run(["collect", "--label", "two"]) == 0
    assert "counted from" not in capsys.readouterr().err
    assert set(open_store(project / "runs").evidence("two")["changes"]["base_commit"]) == {first}


def test_a_folder_without_git_says_that_changes_are_not_recorded(project: Path, capsys: Any) -> None:
    shutil.rmtree(project / ".git")
    assert run(["collect", "--label", "v1"]) == 0
    assert "changes are not recorded" in capsys.readouterr().err
    text = CONFIG + 'base = "v0"\n'
    (project / "stabkit.toml").write_text(text)
    assert run(["collect", "--label", "v2"]) == 2
    assert "This is no git repository. Name one, or leave the changes out." in capsys.readouterr().err
