"""The store that is meant where none is named, and what a notebook may begin with."""

import shutil
from pathlib import Path

import pytest

import stabkit
from stabkit.case import first_parameters
from stabkit.errors import StoreError

SAMPLE = Path("tests/data/demo_history").resolve()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project(folder, store="runs"):
    (folder / "stabkit.toml").write_text(f'[project]\ndata = "{store}"\n')
    shutil.copytree(SAMPLE, folder / store)


def test_without_a_path_the_store_is_that_of_the_nearest_configuration(folder, monkeypatch):
    project(folder)
    (folder / "analysis" / "deep").mkdir(parents=True)
    monkeypatch.chdir(folder / "analysis" / "deep")
    assert stabkit.open().root == folder / "runs"
    assert str(stabkit.open("").run("latest")["label"]) == "v1.5"
    assert stabkit.stability_report("v1.4", "v1.5").gate.verdict
    assert len(stabkit.test_trends(last=2).runs) == 2
    assert len(stabkit.compliance_history().scans)
    assert stabkit.latency_deltas("v1.4", "v1.5", target="chat").pairs
    assert len(stabkit.change_impact("v1.4", "v1.5").case.after["changes"])


def test_a_recorded_history_nearby_is_named_and_never_taken_for_the_project(folder):
    shutil.copytree(SAMPLE, folder / "data" / "sample")
    with pytest.raises(StoreError, match=r"no stabkit\.toml") as caught:
        stabkit.open()
    assert "stabkit.open('data/sample')" in caught.value.hint


def test_a_notebook_begins_with_the_runs_of_the_project_or_with_the_recorded_history(folder):
    assert first_parameters() == {"data": ""}
    shutil.copytree(SAMPLE, folder / "data" / "sample")
    sample = {"data": "data/sample", "baseline": "v1.4", "candidate": "v1.5", "target": "chat"}
    assert first_parameters() == sample
    project(folder)
    assert first_parameters() == {**sample, "data": "", "baseline": "latest~1", "candidate": "latest"}
