"""The runs before a comparison: which of them count, and what is read of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from stabkit.analyze import RunEvidence, Sides
from stabkit.config import Config
from stabkit.schema import Evidence, conform
from stabkit.store import Store

__all__ = ["HISTORY_RUNS", "JUDGING", "runs_before", "runs_until", "tables_of", "until", "with_history"]

HISTORY_RUNS: Final = 60
"""A history of more runs adds pixels, not insight, and costs reading."""

JUDGING: Final = ("tests", "scans", "findings")
"""The tables of earlier runs that a verdict needs."""


def with_history(before: RunEvidence, after: RunEvidence, store: Store, config: Config) -> Sides:
    """Return two runs of a store as they are judged: with the runs before them; what A/A runs show is left out."""
    earlier = runs_before(runs_until(before, after, store), before).tail(HISTORY_RUNS)
    return Sides(
        config, before, after, tables_of(store, earlier, JUDGING), history_runs=earlier, today=datetime.now(UTC).date()
    )


def runs_until(before: RunEvidence | None, after: RunEvidence, store: Store | None) -> pd.DataFrame:
    """Return the runs of the candidate's environment up to it, oldest first; of files the two sides."""
    if store is None:
        return conform("runs", pd.DataFrame([dict(side.run) for side in (before, after) if side is not None]))
    runs = store.runs()
    environment = after.run["environment"]
    same = runs["environment"].isna() if pd.isna(environment) else runs["environment"] == environment
    return runs[same & until(runs, after.run)].reset_index(drop=True)


def runs_before(runs: pd.DataFrame, before: RunEvidence | None) -> pd.DataFrame:
    """Return the runs from which flake rates, expected tests and reopened findings are learnt.

    Only runs before the baseline: in one between the two sides the change may be at work already, and its true failures
    would pass for flakes.
    """
    if before is not None and before.run["run_id"] in set(runs["run_id"]):
        return runs[until(runs, before.run) & (runs["run_id"] != before.run["run_id"])]
    return runs


def until(runs: pd.DataFrame, run: Any) -> pd.Series:
    """Say which runs come no later than this one: by their order in the store; of evidence outside it by its start."""
    place = runs.index[runs["run_id"] == run["run_id"]]
    if len(place):
        return pd.Series(runs.index <= place[0], index=runs.index)
    return runs["started_at"] <= run["started_at"]


def tables_of(store: Store, runs: pd.DataFrame, names: Sequence[str]) -> Evidence:
    """Return the tables of these runs."""
    wanted = runs["run_id"].tolist()
    return Evidence({name: store.read(name, runs=wanted) for name in names} if wanted else {})
