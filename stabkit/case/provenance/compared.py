"""Whether what a verdict rested on is still there, and unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stabkit.errors import StoreError
from stabkit.store import Store

__all__ = ["Difference", "compared"]


@dataclass(frozen=True)
class Difference:
    """One thing that is no longer as a verdict found it.

    Attributes
    ----------
    what : str
        A run, and a table of it where one is meant.
    how : {"gone", "changed", "added", "unreadable"}
    """

    what: str
    how: Literal["gone", "changed", "added", "unreadable"]

    def __str__(self) -> str:
        return f"{self.what} {'is' if self.how in ('gone', 'unreadable') else 'was'} {self.how}"


def compared(side: Mapping[str, Any], store: Store) -> Iterator[Difference]:
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
            yield Difference(f"run {run_id}", "unreadable" if any(store.damaged) and now else "gone")
            return
        if store.pruned(run_id):
            yield Difference(f"table samples of run {run_id}", "gone")
            return
        store.evidence(run_id)
    except StoreError:
        yield Difference(f"run {run_id}", "unreadable")
        return
    for batch in side["batches"]:
        found = now.pop(batch["marker"], None)
        if found is None:
            yield Difference(f"batch {batch['marker']}", "gone")
            continue
        yield from _tables(run_id, batch["tables"], found["tables"])
        if found["tables"] == batch["tables"] and found["sha256"] != batch["sha256"]:
            yield Difference(f"marker {batch['marker']}", "changed")


def _tables(run_id: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for table in sorted({*before, *now}):
        if table not in now:
            yield Difference(f"table {table} of run {run_id}", "gone")
        elif table not in before:
            yield Difference(f"table {table} of run {run_id}", "added")
        elif now[table] != before[table]:
            yield Difference(f"table {table} of run {run_id}", "changed")
