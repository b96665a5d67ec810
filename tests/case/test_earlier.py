"""What a new collection takes from stored runs: the failing tests and the commit of its baseline."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from stabkit.case.earlier import Earlier, look_back
from stabkit.runs import new_run
from stabkit.schema import Evidence
from stabkit.store import Store, open_store


@pytest.fixture
def store(tmp_path: Any) -> Store:
    return open_store(tmp_path / "runs", create=True)


def add(store: Store, label: str, *, place: str = "local", tests: Any = None, **run: Any) -> str:
    rows = [
        {"suite": "unit", "name": name, "test_id": name, "attempt": number, "status": status}
        for name, statuses in (tests or {}).items()
        for number, status in enumerate(statuses, start=1)
    ]
    evidence = Evidence.of(tests=pd.DataFrame(rows)) if rows else Evidence()
    return store.append(new_run(label=label, environment=place, **run), evidence)


def test_an_empty_store_says_nothing(store: Store) -> None:
    assert look_back(store, "local", "v1") == Earlier()


def test_the_named_baseline_comes_before_the_newest(store: Store) -> None:
    named = add(store, "v1", tests={"a": ["fail"], "b": ["fail", "pass"], "c": ["error"]}, commit="1" * 40)
    other = add(store, "v2", tests={"a": ["pass"], "b": ["no_result"]}, commit="2" * 40)
    found = look_back(store, "local", "v1")
    assert (found.failing, found.failing_in) == ({"unit": frozenset({"a", "c"})}, named)
    assert (found.base, found.base_of) == ("1" * 40, named)
    for label in (None, "not stored"):
        found = look_back(store, "local", label)
        assert (found.failing, found.base_of) == ({"unit": frozenset({"b"})}, other)


def test_what_failed_once_and_was_not_tried_again_may_be_a_flake(store: Store) -> None:
    rows = [
        {"suite": "unit", "name": name, "test_id": name, "attempt": attempt, "status": "fail", "fresh_process": fresh}
        for name, attempt, fresh in (("once", 1, True), ("again", 1, True), ("again", 2, True), ("within", 1, False))
    ]
    rows.append({**rows[-1], "attempt": 2})
    store.append(new_run(label="v1", environment="local"), Evidence.of(tests=pd.DataFrame(rows)))
    found = look_back(store, "local", "v1")
    assert found.failing == {"unit": frozenset({"once", "again", "within"})}
    assert found.tried == {"unit": frozenset({"again"})}


def test_other_environments_and_incomplete_runs_say_nothing_of_tests(store: Store) -> None:
    good = add(store, "v1", tests={"a": ["fail"]})
    add(store, "v2", tests={"b": ["fail"]}, complete=False)
    add(store, "v3", tests={"c": ["fail"]}, place="elsewhere", commit="3" * 40)
    assert look_back(store, "local") == Earlier({"unit": frozenset({"a"})}, good)
    assert look_back(store, None) == Earlier()


def test_a_named_baseline_without_a_commit_borrows_none(store: Store) -> None:
    add(store, "v2", commit="2" * 40)
    add(store, "v1")
    assert look_back(store, "local", "v1").base is None
    older = add(store, "v0", commit="0" * 40)
    add(store, "v0")
    assert look_back(store, "local", "v0").base_of == older


def test_the_same_version_collected_again_is_not_its_own_baseline(store: Store) -> None:
    old = add(store, "v1", tests={"a": ["pass"]}, commit="1" * 40)
    new = add(store, "v2", tests={"a": ["fail"]}, commit="2" * 40)
    again = look_back(store, "local", again=("v2", "2" * 40))
    assert (again.failing, again.base_of) == ({"unit": frozenset()}, old)
    for other in (("v2", "3" * 40), ("v3", "2" * 40), (None, "2" * 40), ("v2", None)):
        assert look_back(store, "local", again=other).base_of == new
