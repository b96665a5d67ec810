"""A range of time: the right rows, and no more read than they need."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.errors import StoreError, UsageError
from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.batches import arrow_schema
from stabkit.store.reading import queries

START = datetime(2026, 1, 5, tzinfo=UTC)
HOURS = 6


def add(store: Store, day: int, *, timed: bool = True) -> str:
    """Store a run whose samples are due over six hours; the last one has no time of its own unless all are timed."""
    when = START + timedelta(days=day)
    due = [when + timedelta(hours=hour) for hour in range(HOURS)]
    samples = pd.DataFrame(
        {"target": "api", "metric": "response_time", "round": 0, "sequence": range(HOURS), "ok": True}
        | {"due_at": due if timed else [*due[:-1], None], "response_ms": [100.0 * day + hour for hour in range(HOURS)]}
    )
    checks = pd.DataFrame({"target": ["api"], "check": [f"day {day}"], "outcome": ["pass"]})
    return store.append(new_run(label=f"v{day}", started_at=when), Evidence.of(samples=samples, checks=checks))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store(tmp_path_factory.mktemp("long"), create=True)
    for day in range(5):
        add(store, day, timed=day != 3)
    return store


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(since=st.none() | st.integers(-10, 130), until=st.none() | st.integers(-10, 130), runs=st.none() | st.just("v3"))
def test_rows_are_those_of_the_range(long: Store, since: int | None, until: int | None, runs: str | None) -> None:
    low, high = (None if hours is None else START + timedelta(hours=hours) for hours in (since, until))
    every = long.read("samples", runs)
    started = long.runs().set_index("run_id")["started_at"]
    moments = every["due_at"].fillna(every["run_id"].map(started))
    inside = pd.Series(True, index=every.index)
    inside &= moments >= low if low else True
    inside &= moments < high if high else True
    expected = every[inside].reset_index(drop=True)
    pd.testing.assert_frame_equal(long.read("samples", runs, since=low, until=high), expected)


def test_other_tables_go_by_the_start_of_their_run(long: Store) -> None:
    assert long.read("checks", since="2026-01-06", until="2026-01-08")["check"].tolist() == ["day 1", "day 2"]
    assert long.read("runs", since=date(2026, 1, 8))["label"].tolist() == ["v3", "v4"]
    assert long.read("checks", "v0", since="2026-01-06").empty


def test_files_outside_the_range_are_not_read(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data", create=True)
    for day in range(4):
        add(store, day)
    path = next(store.root.glob("table=samples/day=2026-01-05/*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 0xFF  # in the rows; the footer stays
    path.write_bytes(bytes(content))
    assert len(store.read("samples", since="2026-01-06")) == 18
    assert (
        open_store(store.root).read("samples", columns=["response_ms"], since="2026-01-08")["response_ms"].min() == 300
    )
    with pytest.raises(StoreError, match="hash differs"):
        open_store(store.root).read("samples", since="2026-01-05")
    path.write_bytes(b"PAR1")  # of a file that says nothing of itself, everything may be meant
    with pytest.raises(StoreError, match="hash differs"):
        open_store(store.root).read("samples", since="2026-01-06")


def test_columns_and_times_are_pushed_down_into_the_scan(long: Store) -> None:
    files = long._live([long.resolve("v1")], "samples")
    with queries.connection(long.place, files) as database:
        source = queries.samples(long.place, database, files)
        text = f"EXPLAIN SELECT response_ms FROM {source} WHERE due_at >= '2026-01-06T03:00Z'"
        ((_, plan),) = database.execute(text).fetchall()
    scan = plan[plan.index("READ_PARQUET") :]
    assert "due_at >= " in scan
    assert "response_ms" in scan
    unneeded = set(arrow_schema("samples").names) - {"response_ms", "due_at"}
    assert not [name for name in unneeded if name in scan]


@pytest.mark.parametrize("wrong", ["yesterday-ish", object(), ""])
def test_what_is_no_time_is_said(long: Store, wrong: object) -> None:
    with pytest.raises(UsageError, match="since is no time") as caught:
        long.read("samples", since=wrong)
    assert caught.value.hint


def test_a_time_is_utc_unless_it_says_otherwise(long: Store) -> None:
    hours = long.read("samples", since="2026-01-06T01:00", until="2026-01-06T02:00")["response_ms"].tolist()
    assert hours == [101.0]
    assert (
        long.read("samples", since="2026-01-06T03:00+02:00", until="2026-01-06T02:00Z")["response_ms"].tolist() == hours
    )
