"""Compaction: what is read stays the same, whatever happens while files are packed; checks and exports of a store."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from stabkit.errors import StoreError, UsageError
from stabkit.schema import TABLES, Evidence
from stabkit.store import Compaction, Store, new_run, open_store
from stabkit.store.compaction import GRACE

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
LATER = datetime.now(UTC) + 2 * GRACE


def add(store: Store, number: int, label: str | None = None) -> str:
    samples = pd.DataFrame(
        {
            "target": "api",
            "metric": "response_time",
            "round": [0, 1],
            "sequence": [0, 0],
            "ok": True,
            "response_ms": number,
        }
    )
    checks = pd.DataFrame({"target": ["api"], "check": [f"check {number}"], "outcome": ["pass"]})
    run = new_run(label=label or f"v{number}", started_at=START + timedelta(hours=7 * number))
    return store.append(run, Evidence.of(samples=samples, checks=checks))


def content(store: Store) -> list[list[object]]:
    """Return all that a reader sees, run by run and at once."""
    seen = [store.read(name).astype(str).values.tolist() for name in TABLES]
    by_run = [store.evidence(run)["samples"]["response_ms"].tolist() for run in store.runs()["run_id"]]
    query = "select run_id, count(*) n, sum(response_ms) total from samples group by run_id order by run_id"
    return [*seen, by_run, store.sql(query).values.tolist()]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(tmp_path / "data", create=True)
    for number in range(6):
        add(store, number)
    add(store, 6, label="aa/x/1a")
    return store


def files(store: Store) -> list[str]:
    """Return the names of the data files, without sketches."""
    found = store.root.glob("table=*/day=*/*.parquet")
    return sorted(path.name for path in found if not path.name.startswith("sketch-"))


def test_what_is_read_stays_the_same(store: Store) -> None:
    before = content(store)
    done = store.compact()
    assert (done.packed, done.packs, done.removed) == (14, 2, 0)
    for reader in (store, open_store(store.root)):
        assert content(reader) == before
        assert reader.evidence("aa/x/1a")["samples"]["response_ms"].tolist() == [6.0, 6.0]
    add(store, 7)
    assert len(store.read("samples")) == 14
    done = store.compact()
    assert (done.packed, done.packs) == (4, 2)  # the small packs grow
    assert store.compact() == Compaction()
    assert len(store.read("samples")) == 14
    assert store.read("samples")["response_ms"].tolist() == sorted(store.read("samples")["response_ms"])


def test_replaced_files_stay_for_readers_at_work_and_go_later(store: Store) -> None:
    before = content(store)
    store.compact()
    assert len(files(store)) == 14 + 2
    assert store.compact(now=datetime.now(UTC) + GRACE / 2).removed == 0
    done = store.compact(now=LATER)
    assert (done.removed, done.packed) == (14, 0)
    assert done.freed_bytes > 0
    assert len(files(store)) == 2
    assert content(open_store(store.root)) == before
    assert open_store(store.root).check().whole


def test_two_compactions_at_once_lose_and_double_nothing(store: Store) -> None:
    before = content(store)
    readers = [open_store(store.root) for _ in range(4)]
    barrier = threading.Barrier(4)

    def compact(reader: Store) -> Compaction:
        reader.runs()
        barrier.wait(30)
        return reader.compact()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(compact, readers))
    # Who lost the race left nothing behind; who came later found it done.
    assert sum(each.packed for each in done) == 14
    assert len(files(store)) == 14 + 2
    assert len(list((store.root / "compactions").glob("*.json"))) == 1
    assert content(open_store(store.root)) == before
    open_store(store.root).compact(now=LATER)
    assert content(open_store(store.root)) == before


def test_a_changed_file_stops_a_compaction_before_anything_is_changed(store: Store) -> None:
    victim = sorted(store.root.glob("table=checks/*/*.parquet"))[2]
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="hash differs"):
        store.compact()
    assert len(files(store)) == 14
    assert not (store.root / "compactions").exists()
    found = open_store(store.root).check()
    assert not found.whole
    assert [Path(str(fault.where)).name for fault in found.faults] == [victim.name]


def test_a_damaged_manifest_counts_for_nothing_and_the_files_it_replaced_are_missed(store: Store) -> None:
    before = content(store)
    store.compact()
    (manifest,) = (store.root / "compactions").glob("*.json")
    whole = manifest.read_text()
    for damage in (whole[:100], whole.replace("table=samples/", "../../table=samples/"), '{"schema": 99}', "[]"):
        manifest.write_text(damage)
        assert content(open_store(store.root)) == before  # the old files are still there
    manifest.write_text(whole)
    store.compact(now=LATER)
    first, second = sorted((store.root / "compactions").glob("*.json"))
    second.write_text(second.read_text()[:100])
    assert content(open_store(store.root)) == before  # the one before it names the same packs
    assert not open_store(store.root).check().whole
    first.write_text(whole[:100])
    with pytest.raises(StoreError, match="is missing"):
        open_store(store.root).read("samples")
    assert not open_store(store.root).check().whole


def test_a_pack_that_is_gone_keeps_what_it_replaced(store: Store) -> None:
    store.compact()
    next(store.root.glob("table=samples/*/pack-*")).unlink()
    with pytest.raises(StoreError, match="is missing"):
        store.compact(now=LATER)
    assert len(files(store)) == 14 + 1


COMPACT = """
import sys
from stabkit.store import open_store
print("ready", flush=True)
open_store(sys.argv[1]).compact()
"""


def test_a_kill_at_any_moment_of_a_compaction_changes_nothing_that_is_read(store: Store) -> None:
    before = content(store)
    drawn = random.Random(3)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", COMPACT, str(store.root)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(drawn.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert content(open_store(store.root)) == before
    store.compact()
    assert content(open_store(store.root)) == before
    assert open_store(store.root).check().whole


def test_a_check_names_what_nobody_names_once_it_is_old(store: Store) -> None:
    left = store.root / "table=samples" / "day=2026-01-05" / "killed-run.parquet"
    left.write_bytes(b"half")
    assert store.check().unnamed == ()
    long_ago = time.time() - 7200
    os.utime(left, (long_ago, long_ago))
    found = store.check()
    assert found.unnamed == ("table=samples/day=2026-01-05/killed-run.parquet",)
    assert found.whole
    (store.root / "commits").joinpath("x-y.json").write_text("{")
    assert not open_store(store.root).check().whole


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_an_export_holds_what_is_read(store: Store, tmp_path: Path, form: str) -> None:
    written = store.export(tmp_path / "out", ["v1", "v2"], form=form)
    assert sorted(path.name for path in written) == [f"{name}.{form}" for name in ("checks", "runs", "samples")]
    read = pd.read_csv if form == "csv" else pd.read_parquet
    assert read(tmp_path / "out" / f"samples.{form}")["response_ms"].tolist() == [1.0, 1.0, 2.0, 2.0]
    with pytest.raises(StoreError, match="exists already"):
        store.export(tmp_path / "out", form=form)


def test_a_formula_in_a_name_is_a_text_in_csv(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data", create=True)
    checks = pd.DataFrame({"target": ["=cmd|' /C calc'!A0"], "check": ["+1"], "outcome": ["pass"]})
    store.append(new_run(label="-v"), Evidence.of(checks=checks))
    store.export(tmp_path / "out", form="csv")
    row = pd.read_csv(tmp_path / "out" / "checks.csv").iloc[0]
    assert (row["target"], row["check"]) == ("'=cmd|' /C calc'!A0", "'+1")
    assert pd.read_csv(tmp_path / "out" / "runs.csv")["label"].item() == "'-v"


def test_an_unknown_form_and_a_place_that_cannot_be_written_are_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xlsx"):
        store.export(tmp_path / "out", form="xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        store.export(tmp_path / "file")


def test_runs_of_many_years_measured_in_one_month_share_packs(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data", create=True)
    for number in range(5):
        add_release(store, number, measured_at=START)
    before = content(store)
    done = store.compact()
    assert (done.packed, done.packs) == (10, 2)
    assert content(open_store(store.root)) == before
    assert open_store(store.root).check().whole


def test_only_samples_are_packed_by_the_month_in_which_their_runs_ended(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data", create=True)
    for number in range(4):
        add_release(store, number, measured_at=START + timedelta(days=20 * number))  # January, January, February, March
    before = content(store)
    done = store.compact()
    assert (done.packed, done.packs) == (2 + 4, 2)
    assert len(list(store.root.glob("table=samples/day=*/pack-*"))) == 1
    assert len(list(store.root.glob("table=checks/day=*/pack-*"))) == 1
    assert content(open_store(store.root)) == before


def add_release(store: Store, number: int, *, measured_at: datetime) -> None:
    """Store a run dated years before it was measured."""
    frames = {
        "samples": pd.DataFrame(
            {"target": "api", "metric": "response_time", "round": [0, 1], "sequence": 0, "ok": True, "response_ms": 9.0}
        ),
        "checks": pd.DataFrame({"target": ["api"], "check": [f"check {number}"], "outcome": ["pass"]}),
    }
    dated = START - timedelta(days=400 * (9 - number))
    store.append(new_run(label=f"v{number}", started_at=dated, finished_at=measured_at), Evidence.of(**frames))
