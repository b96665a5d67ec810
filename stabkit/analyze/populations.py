"""The samples that a measured condition speaks of: one target, metric and kind of connection, on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from stabkit.analyze.sides import Sides
from stabkit.config import Condition

__all__ = ["Population", "find_populations", "is_latency", "judged_rows", "judged_times", "measured_times"]


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


def is_latency(metric: str) -> bool:
    """Return whether a metric is a time that is judged."""
    return metric.endswith("_time") or metric.startswith("event:")


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
    """Return the judged times of both sides from the best column that both have, as ``round`` and ``response_ms``."""
    sides = [judged_rows(population.baseline), judged_rows(population.candidate)]
    for column in ("response_ms", "service_ms", "value"):
        frames = [side[side[column].notna()] for side in sides]
        in_ms = column != "value" or all((frame["unit"] == "ms").all() for frame in frames)
        if in_ms and all(len(frame) for frame in frames):
            before, after = (frame[["round", column]].rename(columns={column: "response_ms"}) for frame in frames)
            return before, after, column
    return sides[0].iloc[:0], sides[1].iloc[:0], None


def measured_times(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the judged times of one side from its best column, as ``round`` and ``response_ms``."""
    judged = judged_rows(samples)
    for column in ("response_ms", "service_ms", "value"):
        known = judged[judged[column].notna()]
        if len(known) and (column != "value" or (known["unit"] == "ms").all()):
            return known[["round", column]].rename(columns={column: "response_ms"})
    return judged.iloc[:0]
