"""The committed batches of a store: its markers, read once each, and the runs that they make together."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from stabkit.errors import SchemaError, StoreError
from stabkit.schema import conform, empty
from stabkit.store.batches import COMMITS, Batch, read_marker
from stabkit.store.chronology import in_order
from stabkit.store.manifests import COMPACTIONS, Manifest, read_manifest
from stabkit.store.seals import broken_links, newest

if TYPE_CHECKING:
    from stabkit.store.places import Place

__all__ = ["SIGN", "Markers"]

SIGN: Final = "stabkit-store.json"
"""The file that says that a place is a store, and which one."""

_LOG: Final = logging.getLogger(__name__)


class Markers:
    """What is committed, looked up anew at each question; a marker that was read is never read again.

    Parameters
    ----------
    place : Place
        Where the store lies.
    until : mapping, optional
        Newest markers with their sha256, as :func:`stabkit.store.seals.newest` gave them once: only they count, and
        what they followed, whatever was stored since.
    """

    def __init__(self, place: Place, until: Mapping[str, str] | None = None) -> None:
        self._place = place
        self._until = until
        self._store: str | None = None
        self._sign_read = False
        self._listed: list[str] = []
        self._markers: dict[str, Batch] = {}
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
        if self._listed != names or self.faults:
            self._read(names)
            self._listed = names
        return self._committed

    @property
    def identity(self) -> str | None:
        """What tells this store from others; None of one that an older stabkit made."""
        if not self._sign_read:
            try:
                found = json.loads(self._place.read(SIGN)).get("id")
            except (OSError, ValueError, AttributeError, RecursionError):
                found = None
            self._store = found if isinstance(found, str) else None
            self._sign_read = True
        return self._store

    def next_place(self) -> tuple[int, dict[str, str]]:
        """Return the number of the next batch, and the newest markers that it follows, by name with their sha256.

        The number is one more than any that can be seen. 0 and none where nothing may be looked at.
        """
        try:
            # One look: what another writer stores meanwhile must not be followed without being counted.
            seen = self.readable()
        except StoreError:  # a place that may be written and not read
            return 0, {}
        return 1 + max((batch.sequence for batch in seen.values()), default=0), newest(seen)

    def readable(self) -> dict[str, Batch]:
        """Return every marker that can be read, by its name."""
        self.batches()
        return dict(self._markers)

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
        names = list(self._listed)
        read = dict(zip(names, self._place.read_all(names, self._marker), strict=True))
        held = self.manifest().batches
        self._settle(read, held)
        for name, marker in read.items():
            if isinstance(marker, Batch) and name in held and held[name].digest != marker.digest:
                what = "This commit marker is not the one that the last compaction saw: one of them was changed."
                hint = "Restore it from a backup; other runs stay readable."
                self.faults.setdefault(name, StoreError(what, where=self._where(name), hint=hint))

    def _where(self, name: str) -> str:
        return self._place.where(f"{COMMITS}/{name}")

    def _read(self, names: Sequence[str]) -> None:
        there = set(names)
        known = {name: marker for name, marker in self._markers.items() if name in there}
        fresh = [name for name in names if name not in known]
        if len(fresh) > 1:  # one is as quickly read as the manifest
            known = {**self.manifest().batches, **known}
            fresh = [name for name in names if name not in known]
        read = dict(zip(fresh, self._place.read_all(fresh, self._marker), strict=True))
        held = self._manifest.batches if self._until is None else {}
        self._settle({name: known[name] if name in known else read[name] for name in names}, held)

    def _settle(self, markers: Mapping[str, Batch | StoreError], held: Mapping[str, Batch]) -> None:
        """Take what was read; what those after it do not know again is broken, and its run with it."""
        readable = {name: marker for name, marker in markers.items() if isinstance(marker, Batch)}
        unreadable = {name: marker for name, marker in markers.items() if isinstance(marker, StoreError)}
        faults = dict(unreadable)
        listed: set[str] = set()

        def there(name: str) -> bool:
            # A listing is no snapshot: it may hold a marker and lack an older one, if both came meanwhile.
            if name not in markers and not listed:
                listed.update(self._place.names(COMMITS))
            return name in markers or name in listed

        for name, fault in broken_links(readable, there, self.identity, self._where):
            faults.setdefault(name, fault)
        for name in held.keys() - markers.keys():
            if there(name):
                continue
            hint = "Restore it from a backup, and find out who removed it; other runs stay readable."
            faults.setdefault(name, StoreError("This commit marker was removed.", where=self._where(name), hint=hint))
        for name, fault in faults.items():
            self._tell(fault)
            readable.pop(name, None)
        if self._until is not None:
            readable = _followed(readable, self._until)
        same = self._runs is not None and self._markers == readable and faults.keys() == self.faults.keys()
        self._markers = dict(readable)
        self.faults = faults
        if same:
            return
        batches = sorted(
            readable.values(), key=lambda b: (b.sequence, b.committed_at, b.run_id, b.batch_id), reverse=True
        )
        self._committed = list({batch.batch_id: batch for batch in batches}.values())[::-1]
        self._runs = None

    def _marker(self, name: str) -> Batch | StoreError:
        try:
            return read_marker(self._place, name)
        except StoreError as error:
            return error  # a damaged one is read again at each question, as it may be restored

    def _tell(self, fault: StoreError) -> None:
        if str(fault) not in self._told:
            self._told.add(str(fault))
            _LOG.warning("%s", fault)

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


def _followed(markers: Mapping[str, Batch], until: Mapping[str, str]) -> dict[str, Batch]:
    """Return the markers that were there when these were the newest ones."""
    wanted = [name for name, digest in until.items() if name in markers and markers[name].digest == digest]
    found: dict[str, Batch] = {}
    while wanted:
        name = wanted.pop()
        if name not in found and name in markers:
            found[name] = markers[name]
            wanted += markers[name].after
    return found


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
