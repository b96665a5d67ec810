"""Pairs of which nothing changed: A/A runs, two runs of one commit, neighbouring rounds of one run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import SelfPair, UnchangedPair, measure_noise
from stabkit.analyze.statistics import MIN_ROUNDS, MetricNoise
from stabkit.case.settings import open_project, places
from stabkit.config import Config
from stabkit.runs import aa_sitting, order_runs
from stabkit.schema import Evidence
from stabkit.store import Store

__all__ = ["KEPT_PAIRS", "MOST_PAIRS", "UnchangedPairs", "known_noise", "load_unchanged_pairs", "self_pairs"]

KEPT_PAIRS: Final = 100
"""The newest A/A pairs that count; older ones speak of an environment as it was."""


def self_pairs(store: Store, environment: Any) -> tuple[SelfPair, ...]:
    """Return the stored A/A pairs of an environment, oldest first, no more than the newest hundred.

    Parameters
    ----------
    store : Store
        Where ``stabkit aa`` put them.
    environment : str or null
        Null: the runs that name none.
    """
    runs = store.runs(aa=True)
    same = runs["environment"].isna() if pd.isna(environment) else runs["environment"] == environment
    runs = runs[same & runs["collection_id"].notna()]
    pairs = [pair for _, pair in runs.groupby("collection_id", sort=False) if len(pair) == 2][-KEPT_PAIRS:]
    if not pairs:
        return ()
    samples = store.read("samples", runs=[run_id for pair in pairs for run_id in pair["run_id"]])
    by_run = {str(run_id): frame for run_id, frame in samples.groupby("run_id", sort=False)}

    def side(run: pd.Series) -> RunEvidence:
        frame = by_run.get(run["run_id"])
        return RunEvidence(run, Evidence() if frame is None else Evidence.of(samples=frame))

    return tuple(SelfPair(aa_sitting(pair["label"].iloc[0]), side(pair.iloc[0]), side(pair.iloc[1])) for pair in pairs)


def known_noise(store: Store | None, environment: Any, config: Config) -> tuple[MetricNoise, ...]:
    """Return what all A/A pairs of an environment show; nothing without a store or without pairs."""
    return () if store is None else measure_noise(self_pairs(store, environment), config)


MOST_PAIRS: Final = 40
"""As many unchanged pairs are judged: 40 without an alarm still allow 9 %, and more would take minutes."""

_ENOUGH: Final = 10  # of A/A pairs and pairs of one commit; with fewer, halves of runs are taken too


@dataclass(frozen=True, eq=False)
class UnchangedPairs:
    """The pairs of a store between which nothing changed, and what they are judged by.

    Attributes
    ----------
    pairs : tuple of UnchangedPair
        Oldest first.
    noise : tuple of MetricNoise
        What A/A runs of the environment show.
    environment : str or None
    runs : int
        Complete runs of this environment that keep samples, A/A runs left out.
    short : int
        Of these, the newest that were to be halved and have too few rounds for it.
    span : tuple of Timestamp or None
        When the first and the last of these runs began, UTC.
    places : tuple of str
        The options that say where configuration and store are, unless they are found by themselves.
    """

    pairs: tuple[UnchangedPair, ...]
    noise: tuple[MetricNoise, ...]
    config: Config
    environment: str | None = None
    runs: int = 0
    short: int = 0
    span: tuple[pd.Timestamp, pd.Timestamp] | None = None
    places: tuple[str, ...] = ()


def load_unchanged_pairs(
    data: str | Path | None = None, config: str | Path | Config | None = None, *, most: int = MOST_PAIRS
) -> UnchangedPairs:
    """Return the newest pairs of a store between which nothing changed, in the environment of its newest complete run.

    Parameters
    ----------
    data, config : optional
        As :func:`stabkit.case.settings.open_project` takes them.
    most : int
        No more pairs than these.

    Raises
    ------
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Notes
    -----
    A/A pairs first; two runs of one commit, each run in one pair; where these are fewer than ten, the neighbouring
    rounds of each run, its even rounds against its odd ones. Both halves of a run saw the same moments: what separate
    runs differ by is not between them.
    """
    store, settings, path = open_project(data, config)
    assert store is not None  # it is needed
    runs, aa = order_runs(store.runs()), order_runs(store.runs(aa=True))
    if runs.empty and aa.empty:
        return UnchangedPairs((), (), settings, places=places(settings, path, store))
    whole = [frame[frame["complete"]] for frame in (runs, aa)]
    environment = next(frame for frame in (*whole, runs, aa) if len(frame))["environment"].iloc[-1]
    own = runs[_same(runs["environment"], environment) & runs["complete"]]
    found = [
        UnchangedPair("aa", pair.first, pair.second)
        for pair in self_pairs(store, environment)
        if pair.first.complete and pair.second.complete
    ]
    # An array: of no run at all, a list would choose columns.
    kept = own[np.array(["samples" in store.tables(run_id) for run_id in own["run_id"]], dtype=bool)]
    found = [*_of_one_commit(store, kept, most), *found][-most:]
    short = 0
    if len(found) < _ENOUGH:
        halves, short = _halves(store, kept, most - len(found))
        found = [*halves, *found]
    known = None if pd.isna(environment) else str(environment)
    noise = known_noise(store, environment, settings)
    span = (kept["started_at"].min(), kept["started_at"].max()) if len(kept) else None
    return UnchangedPairs(tuple(found), noise, settings, known, len(kept), short, span, places(settings, path, store))


def _same(environments: pd.Series, environment: Any) -> pd.Series:
    return environments.isna() if pd.isna(environment) else environments == environment


def _of_one_commit(store: Store, runs: pd.DataFrame, most: int) -> list[UnchangedPair]:
    """Return the newest pairs of neighbouring runs of one commit, each run in one pair alone: none counts twice.

    Two labels of one commit that were collected together are two things that somebody wanted to compare.
    """
    pairs = []
    for _, same in runs[runs["commit"].notna()].groupby("commit", sort=False):
        together = same.dropna(subset=["collection_id"]).groupby("collection_id")["label"].nunique()
        parts = [part for _, part in same.groupby("label", sort=False)] if (together > 1).any() else [same]
        for part in parts:
            ids = part["run_id"].tolist()
            pairs += list(zip(ids[::2], ids[1::2], strict=False))
    pairs = sorted(pairs, key=lambda pair: runs.index[runs["run_id"] == pair[1]][0])[-most:]
    sides = _sides(store, runs, [run_id for pair in pairs for run_id in pair])
    return [UnchangedPair("same_commit", sides[first], sides[second]) for first, second in pairs]


def _sides(store: Store, runs: pd.DataFrame, wanted: list[str]) -> dict[str, RunEvidence]:
    if not wanted:
        return {}
    samples = store.read("samples", runs=wanted)
    rows = runs.set_index("run_id", drop=False)
    return {
        str(run_id): RunEvidence(rows.loc[run_id], Evidence({"samples": frame.reset_index(drop=True)}))
        for run_id, frame in samples.groupby("run_id", sort=False)
    }


def _halves(store: Store, runs: pd.DataFrame, most: int) -> tuple[list[UnchangedPair], int]:
    """Return the halves of the newest runs that can be halved, and how many newer ones have too few rounds."""
    pairs: list[UnchangedPair] = []
    short, left = 0, runs["run_id"].tolist()
    while left and len(pairs) < most:
        taken = left[-(most - len(pairs)) :]
        left = left[: -len(taken)]
        sides = _sides(store, runs, taken)
        found = [_halved(sides[run_id]) for run_id in taken if run_id in sides]
        halved = [pair for pair in found if pair is not None]
        pairs, short = [*halved, *pairs], short + len(found) - len(halved)
    return pairs, short


def _halved(side: RunEvidence) -> UnchangedPair | None:
    """Return neighbouring rounds of a run against each other, each going first in turn; None if they are too few."""
    samples = side.evidence["samples"]
    number = samples["round"].rank(method="dense").astype("int64") - 1
    pairs = (int(number.max()) + 1) // 2
    if pairs < MIN_ROUNDS:
        return None
    place, second = number // 2, (number + number // 2) % 2 == 1
    whole = place < pairs
    parts = [
        Evidence({"samples": samples[whole & chosen].assign(round=place[whole & chosen].astype("Int64"))})
        for chosen in (~second, second)
    ]
    return UnchangedPair("rounds", *(_half(side, name, part) for name, part in zip("ab", parts, strict=True)))


def _half(side: RunEvidence, name: str, evidence: Evidence) -> RunEvidence:
    """Return one half of a run as a run of its own; both were collected together, whatever the run was."""
    row = {**dict(side.run), "run_id": f"{side.run['run_id']}/{name}", "collection_id": str(side.run["run_id"])}
    return RunEvidence(pd.Series(row), evidence)
