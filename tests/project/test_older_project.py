"""A store and a configuration that commit 621f889 wrote, kept as they are: judged, reported, followed, added to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stabkit.cli import run
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store

OLDER = Path(__file__).parent / "older" / "621f889"
CONDITIONS = {"lint": "inconclusive", "unit tests": "inconclusive", "api response time": "inconclusive"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(OLDER, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_the_fixture_stays_small() -> None:
    assert sum(path.stat().st_size for path in OLDER.rglob("*") if path.is_file()) < 100_000


def test_a_gate_gives_what_it_gave(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", "v3", "v4", "--format", "json"]) == 3
    out, err = capsys.readouterr()
    assert {one["name"]: one["outcome"] for one in json.loads(out)["gate"]["conditions"]} == CONDITIONS
    assert "warning" not in err


def test_a_report_and_a_trend_are_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "v3", "v4", "--output", "reports"]) == 3
    result = json.loads((folder / "reports" / "stability_report.json").read_text())
    assert (result["verdict"], result["failure"]) == ("inconclusive", None)
    assert run(["verify", "reports/stability_report.html"]) == 0
    capsys.readouterr()
    assert run(["trend", "api", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["pieces"][1]["rows"]) == 4


def test_it_is_whole_added_to_and_compacted(folder: Path) -> None:
    store = open_store(folder / "data")
    assert (store.check().whole, store.check().unsealed, len(store.runs())) == (True, 10, 4)
    before = store.evidence("v4")
    store.append(new_run(label="v5", environment="staging"), Evidence({"tests": before["tests"]}))
    open_store(folder / "data").compact()
    again = open_store(folder / "data")
    assert (again.check().whole, again.check().unsealed, len(again.runs())) == (True, 10, 5)
    assert again.evidence("v4")["tests"].equals(before["tests"])
