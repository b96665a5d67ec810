"""What a run answers to: its id, a prefix, its label, and steps back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stabkit.errors import StoreError, UnknownRunError
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store

START = datetime(2025, 9, 14, 12, 24, tzinfo=UTC)


def run_at(hours: int, label: str) -> dict[str, object]:
    return new_run(label=label, started_at=START + timedelta(hours=hours))


def test_references(tmp_path: Path) -> None:
    store = open_store(tmp_path, create=True)
    first, second, third = (store.append(run_at(i, label), Evidence()) for i, label in enumerate(["a", "b", "a"]))
    assert store.runs()["run_id"].tolist() == [first, second, third]
    assert store.resolve("latest") == third
    assert store.resolve("latest~2") == first
    assert store.resolve("a") == third
    assert store.resolve("a~1") == first
    assert store.resolve(second) == second
    assert store.resolve(second[:-2]) == second
    with pytest.raises(StoreError, match="3 runs begin with"):
        store.resolve("20250914")
    for unknown in ("latest~3", "c", "", "b~1"):
        with pytest.raises(UnknownRunError):
            store.resolve(unknown)
    store.append(run_at(9, "long-label"), Evidence())
    with pytest.raises(UnknownRunError, match=r"Did you mean 'long-label'") as caught:
        store.resolve("lnog-label")
    assert caught.value.hint
