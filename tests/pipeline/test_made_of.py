"""What a report is made of, and what makes it another one; no notebook runs here."""

import json
from datetime import UTC, datetime

import pandas as pd
import pytest

from stabkit.pipeline.made_of import Ingredients, same
from stabkit.pipeline.reports import Job
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store

CHECKS = Evidence.of(checks=pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]}))


def add(store, label, day):
    return store.append(new_run(label=label, started_at=datetime(2026, 1, day, tzinfo=UTC)), CHECKS)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(tmp_path / "runs", create=True)
    add(store, "v1", 2)
    add(store, "v2", 3)
    return store


def of(**parameters):
    return Ingredients().of(Job("stability_report", {"data": "runs", **parameters}))


def test_a_later_run_changes_what_latest_means_and_no_pair_before_it(store):
    pair, latest = of(baseline="v1", candidate="v2"), of()
    assert pair["runs"] == latest["runs"] == {"baseline": store.resolve("v1"), "candidate": store.resolve("v2")}
    assert json.loads(json.dumps(pair)) == pair
    add(store, "v3", 4)
    assert of(baseline="v1", candidate="v2") == pair
    assert of()["runs"]["candidate"] == store.resolve("v3")
    assert of(baseline="")["runs"]["baseline"] == store.resolve("v2")


def test_more_evidence_of_a_run_an_earlier_run_or_an_aa_run_change_a_pair(store):
    seen = [of(baseline="v1", candidate="v2")]
    store.append({"run_id": store.resolve("v2")}, CHECKS)
    seen.append(of(baseline="v1", candidate="v2"))
    add(store, "v0", 1)
    seen.append(of(baseline="v1", candidate="v2"))
    add(store, "aa/x/1a", 9)
    seen.append(of(baseline="v1", candidate="v2"))
    assert len({json.dumps(made) for made in seen}) == 4
    assert len({json.dumps(made["runs"]) for made in seen}) == 1


def test_a_whole_history_changes_with_every_run(store):
    before = Ingredients().of(Job("test_trends", {"data": "runs"}))
    add(store, "v3", 4)
    assert Ingredients().of(Job("test_trends", {"data": "runs"})) != before


def test_files_and_folders_count_by_their_content(store, tmp_path):
    for side in ("before", "after"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "junit.xml").write_text("<testsuite/>")
    (tmp_path / "stabkit.toml").write_text("[project]\n")
    first = of(baseline="before", candidate="after")
    assert set(first["files"]) == {"baseline", "candidate", "config"}
    (tmp_path / "stabkit.toml").write_text("[project]\nname = 'x'\n")
    second = of(baseline="before", candidate="after")
    (tmp_path / "after" / "more.xml").write_text("<testsuite/>")
    assert len({json.dumps(made["files"]) for made in (first, second, of(baseline="before", candidate="after"))}) == 3


def test_what_cannot_be_told_is_never_the_same(store):
    assert of(baseline="v1", candidate="nowhere") is None
    assert not same(None, {"made_of": None, "exit_code": 0})
    made = of()
    assert same(made, {"made_of": made, "verdict": "inconclusive", "exit_code": 3})
    for told in ({"verdict": None, "exit_code": 2}, {"verdict": "stable"}, {"verdict": ["stable"], "exit_code": 0}):
        assert not same(made, {"made_of": made, **told})


def test_secrets_are_not_recorded(notebook):
    path = notebook("1", parameters="api_token = ''\nurl = ''")
    made = Ingredients().of(Job(str(path), {"api_token": "hunter2", "url": "https://ann:hunter2@host/"}))
    assert "hunter2" not in json.dumps(made)
