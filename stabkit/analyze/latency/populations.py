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
from stabkit.analyze.once import once_for_each
from stabkit.analyze.outcome import ConditionResult, Estimate
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.config import Condition
from stabkit.samples import best_column, counted, milliseconds
from stabkit.schema import Evidence

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
    divided = _by_connection if split else _whole
    before, after = (divided(side) for side in (sides.baseline or _NOTHING, sides.candidate))
    keys = {key for side in (before, after) for key in side.measured if _speaks_of(condition, key, wanted)}
    return [
        known.get(key) or Population(*key, before.rows(key), after.rows(key), sides.paired)
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


def _speaks_of(condition: Condition, key: Key, wanted: Any) -> bool:
    target, metric, _ = key
    if condition.target not in (None, target):
        return False
    return bool(wanted(metric)) if condition.metric is None else metric == condition.metric


class _Divided:
    """The samples of one side by target, metric and kind of connection; each population's rows are taken once."""

    def __init__(self, samples: pd.DataFrame) -> None:
        self._samples = samples
        kinds = samples["connection"].fillna("")
        found = samples.groupby(["target", "metric", kinds], sort=False).indices
        self._places = {
            (str(target), str(metric), str(kind) or None): at for (target, metric, kind), at in found.items()
        }
        self._taken: dict[Key, pd.DataFrame] = {}

    @cached_property
    def measured(self) -> tuple[Key, ...]:
        """The keys of its populations: the request that opens a reused connection is fresh and warm-up, alone none."""
        warmup = self._samples["warmup"].fillna(value=False).to_numpy(dtype=bool)
        return tuple(key for key, at in self._places.items() if not warmup[at].all())

    def rows(self, key: Key) -> pd.DataFrame:
        """Return the rows of a population in time order; none if the side has none of it."""
        if key not in self._taken:
            rows = self._samples.iloc[self._places.get(key, [])]
            self._taken[key] = rows.sort_values(["round", "sequence"], kind="stable")
        return self._taken[key]


# As every condition that judges times or failures needs them.
@once_for_each
def _by_connection(side: RunEvidence) -> _Divided:
    return _Divided(side.evidence["samples"])


@once_for_each
def _whole(side: RunEvidence) -> _Divided:
    return _Divided(side.evidence["samples"].assign(connection=None, warmup=False))


_NOTHING: Final = RunEvidence({}, Evidence())


def _times(rows: pd.DataFrame, column: str | None) -> pd.DataFrame:
    chosen = rows.iloc[:0] if column is None else rows
    return pd.DataFrame({"round": chosen["round"], "response_ms": milliseconds(chosen, column or "response_ms")})
