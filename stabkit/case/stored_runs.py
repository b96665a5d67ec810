"""The runs of a store, with the tables that a history is drawn from; loaded once and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stabkit.case.again import Again
from stabkit.case.settings import open_project, places
from stabkit.config import Config
from stabkit.runs import order_runs
from stabkit.schema import Evidence

__all__ = ["StoredRuns", "load_history"]


@dataclass(frozen=True)
class StoredRuns:
    """What a store holds of its runs.

    Attributes
    ----------
    runs : DataFrame
        Oldest first; table ``runs``.
    evidence : Evidence
        The tables that were asked for, of these runs.
    config : Config
    again : Again
        How to collect once more.
    """

    runs: pd.DataFrame
    evidence: Evidence
    config: Config
    again: Again


def load_history(
    *tables: str,
    data: str | Path | None = None,
    config: str | Path | Config | None = None,
    last: int | None = None,
) -> StoredRuns:
    """Return the runs of a store with some of their tables.

    Parameters
    ----------
    tables : str
        Their names; what is not asked for is not read.
    data, config : optional
        As :func:`stabkit.case.settings.open_project` takes them.
    last : int, optional
        Only that many newest runs; None or 0: all of them.

    Raises
    ------
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Examples
    --------
    >>> found = load_history("tests", data="data/sample", last=2)
    >>> found.runs["label"].tolist(), found.evidence["tests"]["run_id"].nunique()
    (['v1.4', 'v1.5'], 2)
    """
    store, settings, path = open_project(data, config)
    assert store is not None  # it is needed
    runs = order_runs(store.runs())
    runs = runs.tail(last).reset_index(drop=True) if last else runs
    of = runs["run_id"].tolist() if last else None
    evidence = Evidence({name: store.read(name, runs=of) for name in tables})
    again = Again(places=places(settings, path, store), settings=settings.collect)
    return StoredRuns(runs, evidence, settings, again)
