"""Runs by reference, by folder and by file; what is not there is said with the nearest name."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from stabkit.case.run_evidence import load_run, run_before
from stabkit.errors import EvidenceError, UnknownRunError

JUNIT = "<testsuite name='s'><testcase classname='c' name='t' time='0.1'/></testsuite>"


def test_a_run_of_the_store(worse_store):
    found = load_run("v1.3", worse_store)
    assert found.run["label"] == "v1.3"
    assert set(found.evidence["tests"]["run_id"]) == {found.run["run_id"]}


def test_a_folder_is_named_by_itself_or_by_its_records(tmp_path):
    folder = tmp_path / "night build"
    folder.mkdir()
    (folder / "junit.xml").write_text(JUNIT)
    assert load_run(str(folder)).run["label"] == "night build"
    facts = {"label": "v9", "started_at": "2026-01-02T03:04:05Z", "environment": "staging"}
    (folder / "run.json").write_text(json.dumps({"stabkit": 1, "run": facts}))
    found = load_run(str(folder))
    assert (found.run["label"], found.run["environment"]) == ("v9", "staging")
    assert found.run["started_at"] == pd.Timestamp("2026-01-02T03:04:05Z")
    assert len(found.evidence["tests"]) == 1


def test_equal_files_are_the_same_run(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "junit.xml").write_text(JUNIT)
    assert load_run(str(tmp_path / "a")).run["run_id"] == load_run(str(tmp_path / "b")).run["run_id"]


def test_one_broken_file_makes_the_run_incomplete(tmp_path):
    (tmp_path / "junit.xml").write_text(JUNIT)
    assert load_run(str(tmp_path)).run["complete"]
    (tmp_path / "other.xml").write_text("<testsuite><testcase")
    assert not load_run(str(tmp_path)).run["complete"]


def test_an_empty_folder_is_no_run(tmp_path):
    with pytest.raises(EvidenceError, match="no evidence file"):
        load_run(str(tmp_path))


@pytest.mark.parametrize("reference", ["v1.33", "no/such/folder", "~nobody-of-this-name/reports", ""])
def test_nothing_answers(worse_store, reference):
    with pytest.raises(UnknownRunError, match="folder of evidence files"):
        load_run(reference, worse_store)


def test_the_first_run_has_none_before(worse_store):
    runs = worse_store.runs()
    assert run_before(runs.iloc[0], worse_store) is None
    assert run_before(runs.iloc[2], worse_store) == runs["run_id"].iloc[1]


def test_another_environment_is_no_baseline(worse_store):
    foreign = worse_store.runs().iloc[2].copy()
    foreign["environment"] = "production"
    assert run_before(foreign, worse_store) is None


def test_the_same_version_collected_before_is_no_baseline(worse_store):
    runs = worse_store.runs()
    again = runs.iloc[2].copy()
    again["label"], again["commit"] = runs["label"].iloc[1], "c" * 40
    assert run_before(again, worse_store) == runs["run_id"].iloc[1]
    again["commit"] = runs["commit"].iloc[1]
    assert run_before(again, worse_store) == runs["run_id"].iloc[0]
