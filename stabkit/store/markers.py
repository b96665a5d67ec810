"""The committed batches of a store: its markers, read once each, and the runs that they make together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from stabkit.errors import SchemaError, StoreError
from stabkit.schema import conform, empty
from stabkit.store.batches import COMMITS, Batch, read_marker
from stabkit.store.chronology import in_order
from stabkit.store.manifests import COMPACTIONS, Manifest, read_manifest

if TYPE_CHECKING:
    from stabkit.store.places import Place

__all__ = ["Markers"]

_LOG: Final = logging.getLogger(__name__)


class Markers:
    """What is committed, looked up anew at each question; a marker that was read is never read again.

    Parameters
    ----------
    place : Place
        Where the store lies.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._markers: dict[str, Batch | StoreError] = {}
        self._committed: list[Batch] = []
        self._runs: pd.DataFrame | None = None
        self._manifest = Manifest()
        self._manifests: list[str] = []
        self._told: set[str] = set()
        self.faults: dict[str, StoreError] = {}
        self.manifest_faults: tuple[StoreError, ...] = ()

    def manifest(self) -> Manifest:
        """Return the newest manifest."""
        try:
            names = self._place.names(COMPACTIONS)
            if names != self._manifests:
                self._manifest, self.manifest_faults = read_manifest(self._place)
                self._manifests = names
        except OSError as error:
            raise _unreadable(self._place, COMPACTIONS, error) from error
        return self._manifest

    def batches(self) -> list[Batch]:
        """Return the batches that count, in the order of their commitment: each batch id once, as first committed."""
        try:
            names = [name for name in self._place.names(COMMITS) if name.endswith(".json")]
        except OSError as error:
            raise _unreadable(self._place, COMMITS, error) from error
        if list(self._markers) != names or self.faults:
            self._read(names)
        return self._committed

    def next_sequence(self) -> int:
        """Return the number of the next batch: one more than any that can be seen; 0 where none may be looked at."""
        try:
            return 1 + max((batch.sequence for batch in self.batches()), default=0)
        except StoreError:  # a place that may be written and not read
            return 0

    def readable(self) -> dict[str, Batch]:
        """Return every marker that can be read, by its name."""
        self.batches()
        return {name: marker for name, marker in self._markers.items() if isinstance(marker, Batch)}

    def damage_of(self, run_id: str) -> StoreError | None:
        """Return what is wrong with a marker of this run, if anything is."""
        return next((fault for name, fault in self.faults.items() if name.startswith(f"{run_id}-")), None)

    def runs(self) -> pd.DataFrame:
        """Return every run that has no damaged marker as the ``runs`` table, oldest first."""
        batches = self.batches()
        if self._runs is None:
            self._runs = self._merge(batches)
        return self._runs

    def read_each(self) -> None:
        """Read every marker itself, those too that the manifest holds; for checks."""
        names = list(self._markers)
        read = self._place.read_all(names, self._marker)
        self.faults = {name: marker for name, marker in zip(names, read, strict=True) if isinstance(marker, StoreError)}

    def _read(self, names: Sequence[str]) -> None:
        known = {name: marker for name, marker in self._markers.items() if isinstance(marker, Batch)}
        fresh = [name for name in names if name not in known]
        if len(fresh) > 1:  # one is as quickly read as the manifest
            known = {**self.manifest().batches, **known}
            fresh = [name for name in names if name not in known]
        read = dict(zip(fresh, self._place.read_all(fresh, self._marker), strict=True))
        self._markers = {name: known[name] if name in known else read[name] for name in names}
        self.faults = {name: marker for name, marker in self._markers.items() if isinstance(marker, StoreError)}
        batches = [marker for marker in self._markers.values() if isinstance(marker, Batch)]
        batches.sort(key=lambda batch: (batch.sequence, batch.committed_at, batch.run_id, batch.batch_id), reverse=True)
        self._committed = list({batch.batch_id: batch for batch in batches}.values())[::-1]
        self._runs = None

    def _marker(self, name: str) -> Batch | StoreError:
        try:
            return read_marker(self._place, name)
        except StoreError as error:
            if str(error) not in self._told:  # a damaged one is read again at each question, as it may be restored
                self._told.add(str(error))
                _LOG.warning("%s", error)
            return error

    def _merge(self, batches: Sequence[Batch]) -> pd.DataFrame:
        groups: dict[str, list[Batch]] = {}
        for batch in batches:
            groups.setdefault(batch.run_id, []).append(batch)
        # By the batch that was committed first: runs come in the order in which they were stored.
        whole = [group for name, group in groups.items() if not self.damage_of(name)]
        rows = [_merged(group) for group in whole]
        if not rows:
            return empty("runs")
        try:
            frame = conform("runs", pd.DataFrame(rows, dtype=object))
        except SchemaError as error:
            raise StoreError(
                f"A commit marker holds a wrong runs row: {error.what}",
                where=self._place.where(COMMITS),
                hint="Restore it from a backup, or move it away.",
            ) from error
        order = in_order([(group[0], *times) for group, times in zip(whole, _times(frame), strict=True)])
        return frame.iloc[order].reset_index(drop=True)


def _times(frame: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    return zip(frame["started_at"], frame["finished_at"].fillna(frame["started_at"]), strict=True)


def _merged(batches: Sequence[Batch]) -> Mapping[str, Any]:
    row: dict[str, Any] = {}
    for batch in batches:
        row |= {name: value for name, value in batch.run.items() if value is not None}
    row["complete"] = all(batch.run["complete"] for batch in batches)
    row["started_at"] = min(batch.run["started_at"] for batch in batches)
    ends = [batch.run["finished_at"] for batch in batches if batch.run["finished_at"]]
    row["finished_at"] = max(ends) if ends else None
    return row


def _unreadable(place: Place, folder: str, error: OSError) -> StoreError:
    what = f"The store cannot be read: {error.strerror or error}."
    return StoreError(what, where=place.where(folder), hint="Check the place, and that this user may read it.")
