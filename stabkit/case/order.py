"""Runs whose place in the order of a store is not what their clocks say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["Behind", "behind"]


@dataclass(frozen=True)
class Behind:
    """A run that was stored after another of its environment, and says that it began before it.

    Attributes
    ----------
    run, newest : Series
        Rows of the table ``runs``: the run itself, and the one that began last of those stored before it.
    """

    run: pd.Series
    newest: pd.Series


def behind(runs: pd.DataFrame, run_id: Any) -> Behind | None:
    """Return what makes the clock of a run doubtful; None if it began after all that was stored before it.

    Parameters
    ----------
    runs : DataFrame
        The table ``runs`` in the order of the store, oldest first.
    run_id : str
        The run that is asked about; one outside the store is never behind.
    """
    place = runs.index[runs["run_id"] == run_id]
    if not len(place):
        return None
    run = runs.loc[place[0]]
    before = runs.loc[: place[0]]
    there = run["environment"]
    same = before[
        before["environment"].isna() if pd.isna(there) else before["environment"].eq(there).fillna(value=False)
    ]
    newest = same.loc[same["started_at"].idxmax()]
    return Behind(run, newest) if newest["started_at"] > run["started_at"] else None
