"""The samples of one target, metric and kind of connection, on both sides: the only door to times.

Judges keep the populations that they judged in their results; figures and tables take them from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from stabkit.analyze.facts import Measured
from stabkit.analyze.latency.quantiles import quantile_shift
from stabkit.analyze.outcome import ConditionResult, Estimate
from stabkit.analyze.sides import Sides
from stabkit.config import Condition
from stabkit.samples import best_column, counted, milliseconds

__all__ = ["JudgedPopulation", "Population", "Times", "find_populations", "judged_populations", "own_times"]

Key = tuple[str, str, str | None]
_NONE: Final[Mapping[Key, Any]] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Times:
    """The times of both sides, from the one column that is the time of both.

    Attributes
    ----------
    baseline, candidate : DataFrame
        ``round`` and ``response_ms`` of the requests that count, in time order; a good request without a time stays,
        as null: it is missing evidence, which whoever judges must refuse.
    column : str or None
        Where they are from; None, and no rows, if both sides have no column in common.
    """

    baseline: pd.DataFrame
    candidate: pd.DataFrame
    column: str | None


@dataclass(frozen=True, eq=False)
class Population:
    """The samples of one target, metric and kind of connection, on both sides.

    Attributes
    ----------
    connection : str or None
        ``fresh`` or ``reused``; None where there is no such difference, or where both count together.
    baseline, candidate : DataFrame
        Rows of the table ``samples`` in time order, warm-up and failures among them.
    paired : bool
        True if the rounds of both sides were interleaved.
    series : str or None
        The labels of a reading that there are several of.
    """

    target: str
    metric: str
    connection: str | None
    baseline: pd.DataFrame
    candidate: pd.DataFrame
    paired: bool = True
    series: str | None = None

    @property
    def key(self) -> Key:
        """Target, metric and kind of connection."""
        return self.target, self.metric, self.connection

    @cached_property
    def counted(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows of both sides that count, as :func:`stabkit.samples.counted` says."""
        return counted(self.baseline), counted(self.candidate)

    @cached_property
    def times(self) -> Times:
        """The times of both sides."""
        column = best_column(self.counted)
        before, after = (_times(rows, column) for rows in self.counted)
        return Times(before, after, column)

    @cached_property
    def apart(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The times of each side: those compared, or its own where the sides have no column in common."""
        if self.times.column is not None:
            return self.times.baseline, self.times.candidate
        return own_times(self.baseline), own_times(self.candidate)

    @cached_property
    def shift(self) -> pd.DataFrame:
        """How far each percentile moved, with a band that holds for all of them, as :func:`.quantile_shift` says."""
        return quantile_shift(self.times.baseline, self.times.candidate, paired=self.paired)

    @property
    def measured(self) -> Measured:
        """What was measured, without the samples."""
        return Measured(self.target, self.metric, self.connection, self.series)

    @property
    def name(self) -> str:
        """What it is called where a condition speaks of several."""
        return str(self.measured)


@dataclass(frozen=True, eq=False)
class JudgedPopulation:
    """A population as a condition judged it.

    Attributes
    ----------
    estimates : tuple of Estimate
        Those of the condition's result that are of this population.
    quantities : tuple of str
        What each of them is of it: ``p50``.
    """

    population: Population
    estimates: tuple[Estimate, ...] = ()
    quantities: tuple[str, ...] = ()


def find_populations(
    condition: Condition, sides: Sides, wanted: Any, *, split: bool = True, known: Mapping[Key, Population] = _NONE
) -> list[Population]:
    """Return the populations, in the order of their keys.

    ``split`` keeps fresh and reused connections apart, as times must be. What is ``known`` is taken as it is.
    """
    before, after = (_chosen(frame, condition, wanted) for frame in sides.table("samples"))
    if not split:
        before, after = (frame.assign(connection=None, warmup=False) for frame in (before, after))
    rows = [_by_key(frame) for frame in (before, after)]
    # The request that opens a reused connection is fresh and warm-up: alone it is no population.
    keys = {key for side in rows for key, own in side.items() if not own["warmup"].fillna(value=False).all()}
    return [
        known.get(key)
        or Population(*key, _in_order(rows[0].get(key), before), _in_order(rows[1].get(key), after), sides.paired)
        for key in sorted(keys, key=lambda key: tuple(part or "" for part in key))
    ]


def judged_populations(result: ConditionResult) -> tuple[JudgedPopulation, ...]:
    """Return the populations that a condition judged; none where it judges something else."""
    kept = result.comparison if isinstance(result.comparison, tuple) else ()
    return tuple(judged for judged in kept if isinstance(judged, JudgedPopulation))


def own_times(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the times of one side by itself, from its own best column, as :class:`Times` has them."""
    rows = counted(samples)
    return _times(rows, best_column([rows]))


def _chosen(samples: pd.DataFrame, condition: Condition, wanted: Any) -> pd.DataFrame:
    if condition.target is not None:
        samples = samples[samples["target"] == condition.target]
    if condition.metric is not None:
        return samples[samples["metric"] == condition.metric]
    return samples[samples["metric"].isin([name for name in samples["metric"].unique() if wanted(name)])]


def _by_key(samples: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    kinds = samples["connection"].fillna("")
    return {
        (str(target), str(metric), str(kind) or None): rows
        for (target, metric, kind), rows in samples.groupby(["target", "metric", kinds], sort=False)
    }


def _in_order(rows: pd.DataFrame | None, samples: pd.DataFrame) -> pd.DataFrame:
    return samples.iloc[:0] if rows is None else rows.sort_values(["round", "sequence"], kind="stable")


def _times(rows: pd.DataFrame, column: str | None) -> pd.DataFrame:
    chosen = rows.iloc[:0] if column is None else rows
    return pd.DataFrame({"round": chosen["round"], "response_ms": milliseconds(chosen, column or "response_ms")})
