"""Whether what a verdict rested on is still there, and unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stabkit.errors import StoreError
from stabkit.store import Store

__all__ = ["Lost", "lost_since"]


@dataclass(frozen=True)
class Lost:
    """One thing that is no longer as a verdict found it.

    Attributes
    ----------
    what : str
        A run, and a table of it where one is meant.
    how : {"gone", "removed", "changed", "added", "unreadable"}
        Gone with its run, batch or samples; removed from a batch that is there.
    whole_run : bool
        Nothing of the run is there.
    """

    what: str
    how: Literal["gone", "removed", "changed", "added", "unreadable"]
    whole_run: bool = False

    def __str__(self) -> str:
        return f"{self.what} {'is' if self.how in ('gone', 'unreadable') else 'was'} {self.how}"


def lost_since(side: Mapping[str, Any], store: Store) -> Iterator[Lost]:
    """Yield what of a run of a store is no longer as it was recorded; nothing where all of it is.

    Parameters
    ----------
    side : mapping
        A run, as :func:`stabkit.case.provenance.recorded` recorded it: ``run_id`` and ``batches``.
    store : Store
        Where it is looked for.
    """
    run_id = str(side["run_id"])
    try:
        now = {batch["marker"]: batch for batch in store.committed(run_id)}
        if run_id not in store.runs()["run_id"].array and run_id not in store.runs(aa=True)["run_id"].array:
            yield Lost(f"run {run_id}", "unreadable" if any(store.damaged) and now else "gone", whole_run=True)
            return
        if store.pruned(run_id):
            yield Lost(f"table samples of run {run_id}", "gone")
            return
        store.evidence(run_id)
    except StoreError:
        yield Lost(f"run {run_id}", "unreadable")
        return
    for batch in side["batches"]:
        found = now.pop(batch["marker"], None)
        if found is None:
            yield Lost(f"batch {batch['marker']}", "gone")
            continue
        yield from _tables(run_id, batch["tables"], found["tables"])
        if found["tables"] == batch["tables"] and found["sha256"] != batch["sha256"]:
            yield Lost(f"marker {batch['marker']}", "changed")


def _tables(run_id: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Lost]:
    for table in sorted({*before, *now}):
        if table not in now:
            yield Lost(f"table {table} of run {run_id}", "removed")
        elif table not in before:
            yield Lost(f"table {table} of run {run_id}", "added")
        elif now[table] != before[table]:
            yield Lost(f"table {table} of run {run_id}", "changed")
