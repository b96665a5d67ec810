"""The parts of the recording that need no package index: which releases, their trees, the suite, what is kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from stabkit.config import load_config
from stabkit.demo.releases import recording
from stabkit.demo.releases.environments import find_uv
from stabkit.demo.releases.recording import record_releases
from stabkit.demo.releases.released import RELEASES, released_at
from stabkit.demo.releases.servers import Server
from stabkit.demo.releases.trees import commit_release
from stabkit.demo.repository import start_repository
from stabkit.errors import UsageError
from stabkit.schema import Evidence

SUITE = Path(recording.__file__).parent / "suite"


def test_releases_stand_in_the_order_in_which_they_came_out():
    days = [released_at(label) for label in RELEASES]
    assert len(days) >= 40
    assert days == sorted(set(days))


def test_the_suite_holds_forty_cases_and_more(tmp_path):
    shutil.copytree(SUITE, tmp_path / "suite", ignore=shutil.ignore_patterns("__pycache__"))
    words = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--base-url", "http://127.0.0.1:9")
    told = subprocess.run([sys.executable, *words], cwd=tmp_path / "suite", capture_output=True, text=True, check=True)
    assert int(re.search(r"(\d+) tests collected", told.stdout)[1]) >= 40


def test_a_release_is_committed_with_what_it_requires_on_its_day(tmp_path):
    packages = tmp_path / "site-packages"
    (packages / "datasette" / "__pycache__").mkdir(parents=True)
    (packages / "datasette" / "app.py").write_text("ONE = 1\n")
    (packages / "datasette" / "__pycache__" / "app.pyc").write_bytes(b"0")
    metadata = packages / "datasette-0.46.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Name: datasette\nRequires-Dist: httpx (>=0.15)\nRequires-Dist: click (~=7.1)\n"
        'Requires-Dist: black ; extra == "test"\n'
    )
    trees = tmp_path / "trees"
    start_repository(trees)
    commit = commit_release(trees, "0.46", packages)
    assert (trees / "requirements.txt").read_text() == "click~=7.1\nhttpx>=0.15\n"
    shown = subprocess.run(
        ["git", "log", "-1", "--format=%H %aI %D"], cwd=trees, capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith(f"{commit} 2020-08-09T12:00:00")
    assert "tag: 0.46" in shown
    assert not list(trees.rglob("*.pyc"))


def test_what_judges_loads_and_holds_no_path_of_the_machine(tmp_path):
    config = recording._write_config(tmp_path / "stabkit.toml", 12)
    assert config.sha256 == load_config(tmp_path / "stabkit.toml").sha256
    assert {"home", "table", "rows"} == set(config.http)
    text = (tmp_path / "stabkit.toml").read_text()
    assert str(tmp_path) not in text
    assert sys.executable not in text


def test_the_addresses_of_a_release_are_in_its_configuration(tmp_path):
    config = recording._config(tmp_path, "0.46", Server(port=8123, pid=os.getpid()), 3)
    assert {target.url.partition("/")[2].split("/")[1] for target in config.http.values()} == {"127.0.0.1:8123"}
    assert config.resources["server"].pid == os.getpid()
    assert (tmp_path / "suite" / "test_http_interface.py").is_file()


def test_of_a_message_the_first_line_is_kept():
    tests = pd.DataFrame(
        {
            "test_id": ["a", "b"],
            "suite": "s",
            "name": ["a", "b"],
            "attempt": 1,
            "status": ["fail", "pass"],
            "message": ["assert 404 == 200\n at 0x7f", None],
        }
    )
    kept = recording._first_lines(Evidence.of(tests=tests))["tests"]["message"]
    assert kept[0] == "assert 404 == 200"
    assert pd.isna(kept[1])


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "old").touch()
    with pytest.raises(UsageError, match="not empty"):
        record_releases(tmp_path)


def test_without_uv_it_is_said_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        find_uv()
    assert caught.value.hint == "Install it with: pip install uv"
