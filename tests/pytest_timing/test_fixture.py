"""The fixture ``stabkit_measure``, by a real pytest in a folder of its own, found by its entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stabkit.readers import read_file

ROOT = Path(__file__).parents[2]
TESTS = """
import sys

def test_search(stabkit_measure):
    calls = []
    assert stabkit_measure(lambda word: calls.append(word) or word, "needle", times=20, warmup=2) == "needle"
    assert len(calls) == (22 if RECORDED else 1)

def test_blocks(stabkit_measure):
    for _ in range(4):
        with stabkit_measure.block("load"):
            sum(range(1000))

def test_a_failure_is_the_tests_own(stabkit_measure):
    def broken():
        raise KeyError("x")
    try:
        stabkit_measure(broken, name="broken", times=3, warmup=0)
    except KeyError:
        pass

def test_without_it():
    assert not {"pandas", "numpy", "pyarrow", "stabkit.read"} & set(sys.modules)
"""


@pytest.fixture
def suite(tmp_path: Path) -> Any:
    """Run pytest with words in a folder where stabkit is installed with its entry point."""
    noted = tmp_path / "site" / "stabkit-0.1.0.dist-info"
    noted.mkdir(parents=True)
    (noted / "METADATA").write_text("Metadata-Version: 2.1\nName: stabkit\nVersion: 0.1.0\n")
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    (noted / "entry_points.txt").write_text("[pytest11]\n" + "\n".join(f"{n} = {v}" for n, v in points.items()))
    (tmp_path / "fresh").mkdir()
    names = ("GITHUB_", "CI_", "GIT_", "STABKIT_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    path = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])

    def run(*words: str, recorded: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "fresh" / "test_shop.py").write_text(f"RECORDED = {recorded}\n{TESTS}")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *words]
        done = subprocess.run(
            command, cwd=tmp_path / "fresh", env={**kept, "PYTHONPATH": path, **more}, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run.folder = tmp_path / "fresh"  # type: ignore[attr-defined]
    return run


def test_what_tests_time_is_a_record_that_stabkit_reads(suite: Any) -> None:
    words = ["--stabkit-records", "out/times.json", "--stabkit-label", "v2", "--junitxml", "junit.xml"]
    suite(*words, GITHUB_SHA="a1b2c3d4e5f60718293a4b5c6d7e8f9012345678")
    file = suite.folder / "out" / "times.json"
    run = json.loads(file.read_text())["run"]
    assert (run["label"], run["commit"][:7]) == ("v2", "a1b2c3d")
    evidence = read_file(file)
    assert list(evidence["sources"]["status"]) == ["ok"]
    samples = evidence["samples"]
    assert samples.groupby("target").size().to_dict() == {"test_search": 20, "load": 4, "broken": 1}
    assert sorted(samples.loc[samples["target"] == "load", "round"]) == [0, 1, 2, 3]
    assert set(samples["metric"]) == {"call_time"}
    assert (samples["response_ms"] >= 0).all()
    failed = samples[~samples["ok"]]
    assert list(failed["target"]) == ["broken"]
    assert list(failed["error"]) == ["KeyError"]
    told = {one.get("name"): one.get("value") for one in ElementTree.parse(suite.folder / "junit.xml").iter("property")}
    assert told == {"stabkit.label": "v2", "stabkit.commit": "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"}


def test_unless_it_is_asked_nothing_is_timed_or_written(suite: Any) -> None:
    done = suite("--junitxml", "junit.xml", recorded=False)
    assert "4 passed" in done.stdout
    assert sorted(path.name for path in suite.folder.iterdir() if path.name != "__pycache__") == [
        "junit.xml",
        "test_shop.py",
    ]
    assert not list(ElementTree.parse(suite.folder / "junit.xml").iter("property"))


def test_workers_of_xdist_write_their_own(suite: Any) -> None:
    suite("--stabkit-records", "times.json", "-n", "2")
    files = sorted(suite.folder.glob("times*.json"))
    assert files
    assert all(file.name.startswith("times-gw") for file in files)
    assert sum(len(read_file(file)["samples"]) for file in files) == 25


def test_two_records_are_judged(
    suite: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stabkit.cli import run

    for label in ("v1", "v2"):
        suite("--stabkit-records", f"{label}/times.json", "--stabkit-label", label)
    monkeypatch.chdir(suite.folder)
    for label in ("v1", "v2"):
        assert run(["import", "records", f"{label}/times.json", "--label", label, "--data", "runs"]) == 0
    assert run(["compare", "v1", "v2", "--data", "runs"]) == 0
    assert "test_search" in capsys.readouterr().out
