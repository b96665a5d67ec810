"""Sketches: each percentile within 1 % of the sample at its rank, whatever was sketched when."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stabkit.errors import UsageError
from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.compaction import GRACE

START = datetime(2026, 1, 5, 23, tzinfo=UTC)
LATER = datetime.now(UTC) + 2 * GRACE
RANKS = (0.0, 0.07, 0.5, 0.95, 0.99, 1.0)


def add(store: Store, values: list[float | None], *, day: int = 0, **columns: object) -> str:
    when = START + timedelta(days=day)
    count = len(values)
    samples = pd.DataFrame(
        {"target": "api", "metric": "response_time", "round": 0, "sequence": range(count), "ok": True}
        | {"due_at": when, "response_ms": pd.array(values, dtype="float64")}
    )
    return store.append(new_run(label=f"v{day}", started_at=when), Evidence.of(samples=samples.assign(**columns)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data", create=True)


def at_rank(values: list[float], q: float) -> float:
    return sorted(values)[max(1, math.ceil(round(q * len(values), 9))) - 1]


def test_every_percentile_is_within_one_percent_of_the_sample_at_its_rank(store: Store) -> None:
    drawn = np.random.default_rng(7)
    shapes = [
        lambda n: drawn.lognormal(3, 0.5, n),
        lambda n: drawn.pareto(0.7, n) * 1e-3,
        lambda n: drawn.integers(0, 5, n).astype(float),
        lambda n: drawn.normal(0, 1, n),
        lambda n: 10.0 ** drawn.uniform(-300, 300, n) * drawn.choice([-1, 1], n),
        lambda n: np.full(n, drawn.uniform(0.1, 1e6)),
    ]
    sets = {f"{number}": shapes[number % 6](int(drawn.integers(1, 300))) for number in range(120)}
    columns = {"metric": "memory", "unit": "MB", "round": 0, "sequence": 0, "ok": True}
    frame = pd.concat([pd.DataFrame({"target": name, "value": values} | columns) for name, values in sets.items()])
    store.append(new_run(), Evidence.of(samples=frame))
    fresh = store.quantiles(RANKS, metric="memory", by=("target",))
    store.compact()
    pd.testing.assert_frame_equal(store.quantiles(RANKS, metric="memory", by=("target",)), fresh)
    assert len(fresh) == 120
    for row in fresh.to_dict("records"):
        values = sets[row["target"]].tolist()
        assert (row["n"], row["unit"], row["failed"]) == (len(values), "MB", 0)
        for q in RANKS:
            assert row[f"p{100 * q:g}"] == pytest.approx(at_rank(values, q), rel=0.01, abs=0)


def test_the_edges_of_buckets_and_of_numbers(store: Store) -> None:
    values = [0.0, sys.float_info.min, sys.float_info.max, 1.0, *(1.02**power for power in (-500, -1, 1, 2, 500))]
    add(store, values)
    for _ in range(2):
        answer = store.quantiles(tuple(np.arange(1, 10) / 9), by=("target",)).iloc[0]
        found = answer.iloc[-9:].astype(float).tolist()
        assert found == pytest.approx(sorted(values), rel=0.01, abs=0)
        store.compact()


def test_what_is_no_number_is_counted_apart_and_warm_ups_are_left_out(store: Store) -> None:
    add(store, [1.0, math.inf, None, None], ok=[True, True, True, False])
    add(store, [500.0, 2.0], warmup=[True, False])
    for _ in range(2):
        (answer,) = store.quantiles((0.5, 1.0), by=("target",)).to_dict("records")
        assert (answer["n"], answer["failed"], answer["not_finite"]) == (2, 1, 1)
        assert (answer["p50"], answer["p100"]) == (pytest.approx(1, rel=0.01), pytest.approx(2, rel=0.01))
        store.compact()


def test_a_failed_request_is_counted_with_those_that_did_not_fail(store: Store) -> None:
    add(store, [1.0, None, None], ok=[True, False, False], connection=["reused", None, "reused"])
    (answer,) = store.quantiles((0.5,), by=("target",)).to_dict("records")
    assert (answer["n"], answer["failed"], answer["connection"], answer["unit"]) == (1, 2, "reused", "ms")


def test_days_runs_and_populations_are_kept_apart(store: Store) -> None:
    first = add(store, [1.0, 2.0, 3.0, 4.0], due_at=[START, START, START + timedelta(hours=2), None])
    second = add(store, [10.0, 20.0], day=2, connection=["fresh", "reused"])
    for _ in range(2):
        days = store.quantiles((0.5,), by=("day",))
        assert days["day"].astype(str).tolist() == ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-07"]
        assert days["n"].tolist() == [3, 1, 1, 1]  # without a time of its own a sample is of its run's day
        assert days["connection"].fillna("").tolist() == ["", "", "fresh", "reused"]
        assert store.quantiles((0.5,), by=("run_id",), runs=["v0"])["run_id"].tolist() == [first]
        late = store.quantiles((0.5,), by=("run_id",), since="2026-01-06")
        assert late[["run_id", "n"]].values.tolist() == [[first, 1], [second, 1], [second, 1]]
        assert len(store.quantiles((0.5,), by=("run_id",), until="2026-01-06")) == 1
        store.compact()


def test_sketches_of_several_compactions_become_one_and_nothing_is_counted_twice(store: Store) -> None:
    for number in range(5):
        add(store, [float(number + 1)] * 3, day=number)
        store.compact()
        assert store.quantiles((0.5,), by=("target",))["n"].item() == 3 * (number + 1)
    store.compact(now=LATER)
    assert len(list(store.root.glob("table=sketches/*/*.parquet"))) == 1
    assert open_store(store.root).quantiles((0.5,), by=("target",))["n"].item() == 15
    found = store.check()
    assert found.whole
    assert found.unnamed == ()


def test_a_history_without_such_a_metric_has_no_rows(store: Store) -> None:
    assert store.quantiles().empty
    add(store, [1.0])
    assert store.quantiles(metric="memory").empty
    failed = add(store, [None], day=1, ok=False)
    answer = store.quantiles((0.5,), by=("run_id",), runs=[failed])
    assert answer[["n", "failed"]].values.tolist() == [[0, 1]]
    assert answer["p50"].isna().all()


def test_aa_runs_are_no_part_of_a_history(store: Store) -> None:
    add(store, [1.0])
    samples = store.evidence("v0")["samples"].assign(response_ms=100.0)
    store.append(new_run(label="aa/x/1a", started_at=START), Evidence.of(samples=samples))
    for _ in range(2):
        assert store.quantiles((1.0,), by=("target",))["n"].item() == 1
        assert store.quantiles((1.0,), by=("target",), runs="aa/x/1a")["p100"].item() == pytest.approx(100, rel=0.01)
        store.compact()


@pytest.mark.parametrize(("wanted", "by"), [((), ("day",)), ((1.5,), ("day",)), ((0.5,), ("tarket",))])
def test_what_cannot_be_asked_is_said(store: Store, wanted: tuple[float, ...], by: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        store.quantiles(wanted, by=by)
    assert caught.value.hint
