"""Which runs a verdict learns flake rates from: those before the baseline, mass failures set aside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from stabkit.case.loaded import load_case
from stabkit.runs import new_run
from stabkit.schema import Evidence
from stabkit.store import Store, open_store

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = [f"t{number}" for number in range(12)]


def add(store: Store, number: int, *, bad: dict[str, int] | None = None) -> None:
    rows = [
        {"suite": "unit", "name": name, "test_id": name, "attempt": attempt, "status": "fail" if bad and name in bad
         else "pass", "fresh_process": True}
        for name in NAMES
        for attempt in range(1, (bad or {}).get(name, 1) + 1)
    ]  # fmt: skip
    run = new_run(label=f"v{number}", environment="local", started_at=START + timedelta(days=number))
    store.append(run, Evidence.of(tests=pd.DataFrame(rows)))


def flake(store: Store, baseline: str, candidate: str) -> Any:
    conditions = load_case(baseline, candidate, data=store.root).gate.conditions
    items = next(condition for condition in conditions if condition.kind == "tests").items
    return next(item for item in items if item["what"] == "t0")


@pytest.fixture
def store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STABKIT_CONFIG", raising=False)
    return open_store(tmp_path / "runs", create=True)


def test_commands_can_be_pasted_where_the_report_was_made(store: Store, tmp_path: Any) -> None:
    ids = []
    for number in range(2):
        add(store, number)
        ids.append(store.resolve(f"v{number}"))
    assert load_case("v0", "v1", data=store.root).command == f"stabkit report {ids[0]} {ids[1]} --data runs"
    (tmp_path / "a b").mkdir()
    elsewhere = tmp_path / "a b" / "stabkit.toml"
    elsewhere.write_text('[project]\ndata = "../runs"\n')
    case = load_case("v0", "v1", data=store.root, config=elsewhere)
    assert case.command == f"stabkit report {ids[0]} {ids[1]} --config 'a b/stabkit.toml'"
    assert case.again.collect == "stabkit collect --config 'a b/stabkit.toml'"
    (tmp_path / "stabkit.toml").write_text('[project]\ndata = "runs"\n')
    assert load_case("v0", "v1", data=store.root).command == f"stabkit report {ids[0]} {ids[1]}"


def test_flake_rates_come_from_the_runs_before_the_baseline(store: Store) -> None:
    for number in range(4):
        add(store, number, bad={"t0": 1} if number % 2 else None)
    add(store, 4)
    add(store, 5, bad={"t0": 6})
    known = flake(store, "v4", "v5")
    assert (known["flake_basis"], known["flake_rate"]) == ("own history", pytest.approx(2.5 / 6))  # 2 of 5, Jeffreys
    assert known["state"] == "unconfirmed"  # six failures in a row are no news of so flaky a test


def test_a_run_between_the_two_sides_is_no_history(store: Store) -> None:
    add(store, 0)
    add(store, 1)
    add(store, 2, bad={"t0": 6})  # the change is at work already
    add(store, 3, bad={"t0": 6})
    found = flake(store, "v1", "v3")
    assert (found["state"], found["flake_basis"]) == ("regressed", "suite")


def test_an_old_baseline_has_the_history_before_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stabkit.case.loaded.HISTORY_RUNS", 2)
    for number in range(3):
        add(store, number, bad={"t0": 1} if number == 1 else None)
    add(store, 3)
    for number in range(4, 7):
        add(store, number, bad={"t0": 6})  # the change is at work already
    found = flake(store, "v3", "v6")
    assert (found["flake_basis"], found["flake_rate"]) == ("own history", pytest.approx(1.5 / 4))  # 1 of 3, Jeffreys


def test_a_run_in_which_nearly_all_failed_tells_of_its_machine(store: Store) -> None:
    add(store, 0, bad=dict.fromkeys(NAMES, 1))
    add(store, 1)
    add(store, 2, bad={"t0": 6})
    assert flake(store, "v1", "v2")["state"] == "regressed"
