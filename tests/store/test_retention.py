"""Retention: only old samples go, never without their sketch, and never what the next comparison needs."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from stabkit.errors import StoreError, UsageError
from stabkit.schema import TABLES, Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.compaction import GRACE

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def add(store: Store, days_ago: int, environment: str = "ci", label: str | None = None) -> str:
    when = NOW - timedelta(days=days_ago)
    samples = pd.DataFrame(
        {"target": "api", "metric": "response_time", "round": 0, "sequence": range(4), "ok": True}
        | {"due_at": when, "response_ms": float(days_ago)}
    )
    checks = pd.DataFrame({"target": ["api"], "check": ["status"], "outcome": ["pass"]})
    run = new_run(label=label or f"{environment}-{days_ago}", environment=environment, started_at=when)
    return store.append(run, Evidence.of(samples=samples, checks=checks))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(tmp_path / "data", create=True)
    for days in (200, 150, 100, 50, 2):
        add(store, days)
    return store


def everything(store: Store) -> list[list[object]]:
    return [store.read(name).astype(str).values.tolist() for name in TABLES]


def test_a_dry_run_changes_nothing(store: Store) -> None:
    before = sorted(path for path in store.root.rglob("*") if path.is_file())
    found = store.prune(60, now=NOW)
    assert [store.run(run)["label"] for run in found.runs] == ["ci-200", "ci-150", "ci-100"]
    assert (found.samples, found.files, found.held, found.done) == (12, 3, 0, False)
    assert sorted(path for path in store.root.rglob("*") if path.is_file()) == before


def test_samples_go_and_all_else_stays(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    runs, checks, exact = store.runs(), store.read("checks"), store.quantiles(by=("run_id",))
    assert store.prune(60, dry_run=False, now=NOW).done
    for _ in range(2):
        reader = open_store(store.root)
        pd.testing.assert_frame_equal(reader.runs(), runs)
        pd.testing.assert_frame_equal(reader.read("checks"), checks)
        pd.testing.assert_frame_equal(reader.quantiles(by=("run_id",)), exact)
        assert sorted(set(reader.read("samples")["response_ms"])) == [2.0, 50.0]
        assert reader.sql("SELECT count(*) AS n FROM samples")["n"].item() == 8
        assert reader.prune(60, now=NOW).paths == ()
        assert reader.check().whole
        reader.compact(now=NOW + 2 * GRACE)
    assert len(list(store.root.glob("table=samples/*/*.parquet"))) == 2
    assert open_store(store.root).check().unnamed == ()
    with caplog.at_level(logging.WARNING):
        evidence = open_store(store.root).evidence("ci-100")
    assert list(evidence) == ["checks"]
    assert "were pruned on 2026-06-30" in caplog.text


def test_the_newest_runs_of_each_environment_and_its_newest_noise_stay(store: Store) -> None:
    kept = [add(store, days, "old") for days in (300, 400)]
    gone = add(store, 500, "old")
    aa = [add(store, days, "old", label=f"aa/{sitting}/1{side}") for days, sitting, side in
          ((600, "a", "a"), (600, "a", "b"), (550, "b", "a"), (550, "b", "b"))]  # fmt: skip
    found = store.prune(1, now=NOW)
    assert not set(found.runs) & {*kept, *aa[2:]}
    assert {gone, *aa[:2]} <= set(found.runs)
    assert found.held == 2 + 2 + 2  # those, and the two newest of ci


def test_a_pack_goes_whole_and_never_spans_two_months(store: Store) -> None:
    for days in (199, 149):
        add(store, days)
    reordered = open_store(store.root)
    before = everything(reordered)
    reordered.compact(now=NOW)
    assert everything(open_store(store.root)) == before
    days = {path.parent.name[4:11] for path in store.root.glob("table=samples/*/pack-*")}
    assert days <= {"2025-12", "2026-01", "2026-02", "2026-03", "2026-05", "2026-06"}
    two = open_store(store.root.parent / "two", create=True)
    for days_ago in (29, 28, 27, 1, 0):
        add(two, days_ago)
    two.compact(now=NOW)
    held = two.prune(27, now=NOW)
    assert (held.runs, held.held) == ((), 2)  # they share a pack with younger ones
    assert len(two.read("samples")) == 20


def test_what_is_pruned_from_a_pack_stays_in_the_sketch_made_before(store: Store) -> None:
    add(store, 199)
    store = open_store(store.root)
    store.compact(now=NOW)
    exact = store.quantiles(by=("run_id",))
    done = store.prune(60, dry_run=False, now=NOW)
    assert len(done.runs) == 4
    store.compact(now=NOW + 2 * GRACE)
    pd.testing.assert_frame_equal(open_store(store.root).quantiles(by=("run_id",)), exact)
    assert open_store(store.root).check().whole


def test_a_damaged_sketch_keeps_the_samples_on_disk(store: Store) -> None:
    store.prune(60, dry_run=False, now=NOW)
    next(store.root.glob("table=sketches/*/*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="hash differs"):
        open_store(store.root).compact(now=NOW + 2 * GRACE)
    assert len(list(store.root.glob("table=samples/*/*.parquet"))) == 5


def test_no_days_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="keep nothing"):
        store.prune(0)
