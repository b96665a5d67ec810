"""Retention: which samples are old enough to go, what stays of them, and what must stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd

from stabkit.runs import is_aa
from stabkit.store.batches import Batch
from stabkit.store.manifests import Manifest
from stabkit.store.places import DataFile

__all__ = ["KEPT_RUNS", "Pruning", "plan"]

KEPT_RUNS: Final = 2
"""The newest runs of an environment keep their samples at any age: they are what the next one is compared with."""


@dataclass(frozen=True)
class Pruning:
    """What a pruning removes, or would.

    Attributes
    ----------
    before : datetime
        Samples of runs that ended before it go.
    runs : tuple of str
        Ids of the runs whose samples go; all else of them stays.
    samples, files, bytes : int
        How many, in how many files of what size.
    held : int
        Older runs whose samples stay, since they share a file with a newer run or are the newest of an environment.
    paths : tuple of str
        Data files of batches that are read no more.
    done : bool
        False: only said.
    """

    before: datetime
    runs: tuple[str, ...]
    samples: int
    files: int
    bytes: int
    held: int
    paths: tuple[str, ...]
    done: bool = False


def plan(batches: Sequence[Batch], manifest: Manifest, runs: pd.DataFrame, before: datetime) -> Pruning:
    """Return which samples may go.

    Parameters
    ----------
    batches : sequence of Batch
        The batches that count.
    manifest : Manifest
        The newest one: samples go by whole files, and a pack holds several runs.
    runs : DataFrame
        Every run, A/A runs too.
    before : datetime
        With a zone.
    """
    ended = runs["finished_at"].fillna(runs["started_at"])
    old = set(runs.loc[ended < before, "run_id"]) - _kept(runs)
    held_by: dict[DataFile, list[tuple[str, str]]] = {}
    for batch in batches:
        for file in batch.files:
            if file.table == "samples" and file.path not in manifest.dropped:
                live = manifest.packs.get(file.path, file)
                held_by.setdefault(live, []).append((batch.run_id, file.path))
    going = {file: held for file, held in held_by.items() if all(run in old for run, _ in held)}
    gone = {run for held in going.values() for run, _ in held}
    with_samples = {run for held in held_by.values() for run, _ in held}
    past = set(runs.loc[ended < before, "run_id"]) & with_samples
    return Pruning(
        before=before,
        runs=tuple(run for run in runs["run_id"] if run in gone),
        samples=sum(file.rows for file in going),
        files=len(going),
        bytes=sum(file.bytes for file in going),
        held=len(past - gone),
        paths=tuple(path for held in going.values() for _, path in held),
    )


def _kept(runs: pd.DataFrame) -> set[str]:
    """Return the newest runs of each environment; of A/A runs those of its newest collection, which tell its noise."""
    aa = runs["label"].map(is_aa).astype(bool)
    environments = runs["environment"].fillna("")
    newest: set[str] = set(runs[~aa].groupby(environments[~aa], sort=False).tail(KEPT_RUNS)["run_id"])
    for _, own in runs[aa].groupby(environments[aa], sort=False):
        sitting = own["label"].str.rpartition("/")[0]
        newest |= set(own.loc[sitting == sitting.iloc[-1], "run_id"])
    return newest
