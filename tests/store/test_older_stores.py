"""Stores that earlier versions wrote, kept as they were written: read, added to, compacted."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from stabkit.schema import TABLES, Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.compaction import GRACE

LATER = datetime.now(UTC) + 2 * GRACE


# first: before runs had looks, and samples a hop. compacted: with a manifest that names its packs alone, the files they
# replaced removed.
@pytest.fixture(params=["first", "compacted"])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    shutil.copytree(Path(__file__).parent / "older" / request.param, tmp_path / "data")
    return open_store(tmp_path / "data")


def test_an_older_store_is_read_with_the_columns_of_today(older: Store) -> None:
    assert older.runs()["label"].tolist() == ["v0", "v1", "v2"]
    assert older.runs()["looks"].isna().all()
    samples = older.evidence("v1")["samples"]
    assert list(samples.columns) == list(TABLES["samples"].names)
    assert samples["response_ms"].tolist()[1:] == [11.0, 12.0, 13.0]
    assert samples["error"].tolist()[0] == "refused"
    assert samples["hop"].isna().all()
    assert older.sql("SELECT count(*) AS n, count(hop) AS hops FROM samples").loc[0].tolist() == [12, 0]
    assert older.read("tests", ["v0"])["status"].tolist() == ["pass", "fail"]
    assert older.check().whole


def test_an_older_store_is_added_to_and_compacted(older: Store) -> None:
    samples = pd.DataFrame({"target": ["api"], "metric": "response_time", "round": 0, "sequence": 0, "ok": True})
    older.append(new_run(label="v3"), Evidence.of(samples=samples.assign(response_ms=20.0, hop=1)))
    before = [older.read(name).astype(str).values.tolist() for name in TABLES]
    older.compact()
    older.compact(now=LATER)
    again = open_store(older.root)
    assert [again.read(name).astype(str).values.tolist() for name in TABLES] == before
    assert again.read("samples")["hop"].dropna().tolist() == [1]
    assert again.check().whole
    assert again.check().unnamed == ()
    answer = again.quantiles((0.5,), by=("run_id",), runs=["v0"])
    assert answer[["n", "failed"]].values.tolist() == [[3, 1]]
    assert answer["p50"].item() == pytest.approx(11.0, rel=0.01)


# o: written by a version without seals, n: by one with them; packed by the older, then by the newer.
def test_two_versions_write_to_one_store_in_turn(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "older" / "turns", tmp_path / "data")
    store = open_store(tmp_path / "data")
    assert store.runs()["label"].tolist() == ["o1", "n2", "o3", "n4", "o5", "n6", "o7", "n8"]
    assert store.read("tests", list(store.runs()["label"]))["test_id"].tolist() == ["a::x"] * 8
    assert (store.check().whole, store.check().unsealed) == (True, 4)
    tests = store.evidence("n8")["tests"]
    store.append(new_run(label="n9"), Evidence({"tests": tests}))
    store.compact(now=LATER)
    again = open_store(store.root)
    assert (again.check().whole, len(again.runs()), len(again.read("tests"))) == (True, 9, 9)


@pytest.mark.parametrize("label", ["o3", "n4"])
def test_a_run_of_either_version_cannot_be_taken_away_unseen(tmp_path: Path, label: str) -> None:
    shutil.copytree(Path(__file__).parent / "older" / "turns", tmp_path / "data")
    next((tmp_path / "data" / "commits").glob(f"*-{label}-*.json")).unlink()
    assert not open_store(tmp_path / "data").check().whole
