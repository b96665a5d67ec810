"""What A/A runs have shown of an environment, read from the store for each judgement."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import SelfPair, measure_noise
from stabkit.analyze.statistics import MetricNoise
from stabkit.config import Config
from stabkit.runs import aa_sitting
from stabkit.schema import Evidence
from stabkit.store import Store

__all__ = ["KEPT_PAIRS", "known_noise", "self_pairs"]

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
