"""The samples that a measured condition speaks of: one target, metric and kind of connection, on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stabkit.analyze.sides import Sides
from stabkit.config import Condition

__all__ = ["Population", "find_populations", "judged_rows", "judged_times", "measured_times"]


@dataclass(frozen=True, eq=False)
class Population:
    """The samples of one target, metric and kind of connection, on both sides."""

    target: str
    metric: str
    connection: str | None
    baseline: pd.DataFrame
    candidate: pd.DataFrame

    @property
    def name(self) -> str:
        """What it is called where a condition speaks of several."""
        kind = f", {self.connection} connections" if self.connection else ""
        return f"{self.target} {self.metric}{kind}"


def find_populations(condition: Condition, sides: Sides, wanted: Any, *, split: bool = True) -> list[Population]:
    """Return the populations; ``split`` keeps fresh and reused connections apart, as times must be."""
    before, after = (_chosen(frame, condition, wanted) for frame in sides.table("samples"))
    if not split:
        before, after = (frame.assign(connection=None, warmup=False) for frame in (before, after))
    keys = sorted({*_keys(before), *_keys(after)}, key=lambda key: tuple(part or "" for part in key))
    return [Population(*key, _of(before, key), _of(after, key)) for key in keys]


def _chosen(samples: pd.DataFrame, condition: Condition, wanted: Any) -> pd.DataFrame:
    if condition.target is not None:
        samples = samples[samples["target"] == condition.target]
    if condition.metric is not None:
        return samples[samples["metric"] == condition.metric]
    return samples[samples["metric"].map(wanted).astype(bool)]


def _keys(samples: pd.DataFrame) -> set[tuple[str, str, str | None]]:
    # The request that opens a reused connection is fresh and warm-up: alone it is no population.
    samples = samples[~samples["warmup"].fillna(value=False).astype(bool)]
    rows = samples[["target", "metric", "connection"]].drop_duplicates().itertuples(index=False)
    return {
        (target, metric, connection if isinstance(connection, str) else None) for target, metric, connection in rows
    }


def _of(samples: pd.DataFrame, key: tuple[str, str, str | None]) -> pd.DataFrame:
    target, metric, connection = key
    same = samples["connection"].isna() if connection is None else samples["connection"] == connection
    chosen = samples[(samples["target"] == target) & (samples["metric"] == metric) & same]
    return chosen.sort_values(["round", "sequence"], kind="stable")


def judged_rows(samples: pd.DataFrame) -> pd.DataFrame:
    """Leave out failures and warm-up; what is null about warm-up is none."""
    warmup = samples["warmup"].fillna(value=False).astype(bool)
    return samples[samples["ok"].fillna(value=False).astype(bool) & ~warmup]


def judged_times(population: Population) -> tuple[pd.DataFrame, pd.DataFrame, str | None]:
    """Return the judged times of both sides from the best column that both have, as ``round`` and ``response_ms``.

    A column that has them all goes before one that lacks some; a good request without a time stays, as null: it is
    missing evidence, which whoever judges must refuse.
    """
    sides = [judged_rows(population.baseline), judged_rows(population.candidate)]
    column = _best_column(sides)
    if column is None:
        return sides[0].iloc[:0], sides[1].iloc[:0], None
    before, after = (side[["round", column]].rename(columns={column: "response_ms"}) for side in sides)
    return before, after, column


def measured_times(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the judged times of one side from its best column, as :func:`judged_times` does."""
    judged = judged_rows(samples)
    column = _best_column([judged])
    return judged.iloc[:0] if column is None else judged[["round", column]].rename(columns={column: "response_ms"})


def _best_column(sides: Sequence[pd.DataFrame]) -> str | None:
    columns = ["response_ms", "service_ms"]
    if all((side.loc[side["value"].notna(), "unit"] == "ms").all() for side in sides):
        columns.append("value")
    known = [name for name in columns if all(side[name].notna().any() for side in sides)]
    whole = (name for name in known if all(side[name].notna().all() for side in sides))
    return next(whole, known[0] if known else None)
