"""Several series of one reading: which of the baseline belongs to which of the candidate, by their labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pandas as pd

from stabkit.analyze.latency.populations import Population
from stabkit.vocabulary import Worse

__all__ = ["apart", "worst_of"]

Labels = frozenset[tuple[str, str]]
_NONE: Final = "{}"


def apart(population: Population) -> tuple[Population, ...] | None:
    """Return a population of each series, the sides paired by their labels; None if they cannot be paired.

    One series a side is a pair whatever it is called. Equal labels are a pair; where the sides have no series in
    common, the labels in which every one differs from every one of the other side, such as the name of a pod, are what
    tells the sides apart, and the others pair them. What is left over stands without its other side: a gap.
    """
    before, after = (_by_series(rows) for rows in (population.baseline, population.candidate))
    if len(before) <= 1 and len(after) <= 1:
        return (population,)
    if before and after and not set(before) & set(after):
        before, after = _without(before, after), _without(after, before)
        if (
            len(before) < population.baseline["series"].nunique()
            or len(after) < population.candidate["series"].nunique()
        ):
            return None
    return tuple(
        replace(
            population,
            baseline=before.get(labels, population.baseline.iloc[:0]),
            candidate=after.get(labels, population.candidate.iloc[:0]),
            series=", ".join(f'{name}="{value}"' for name, value in sorted(labels)) or None,
        )
        for labels in sorted({*before, *after}, key=sorted)
    )


def worst_of(population: Population, worse: Worse) -> Population | None:
    """Return the worst reading of each round, whichever series it is of; None if the sides differ in their number.

    If it is worse than before, some series is, however they belong together.
    """
    sides = [population.baseline, population.candidate]
    if len({rows["series"].nunique() for rows in sides}) > 1:
        return None
    ordered = [rows.sort_values("value", ascending=worse == "lower", kind="stable") for rows in sides]
    first = [rows.drop_duplicates("round").sort_values("round") for rows in ordered]
    return replace(population, baseline=first[0], candidate=first[1])


def _by_series(rows: pd.DataFrame) -> dict[Labels, pd.DataFrame]:
    named = rows["series"].fillna(_NONE)
    return {_labels(str(text)): own for text, own in rows.groupby(named, sort=False)}


def _labels(text: str) -> Labels:
    try:
        found = json.loads(text)
    except ValueError:
        found = {"series": text}
    return frozenset((str(k), str(v)) for k, v in found.items()) if isinstance(found, dict) else frozenset()


def _without(own: Mapping[Labels, pd.DataFrame], others: Mapping[Labels, pd.DataFrame]) -> dict[Labels, pd.DataFrame]:
    """Return the series without the labels in which all differ from all of the other side."""
    shared = {name for name, value in (pair for labels in own for pair in labels) if _has(others, name, value)}
    return {frozenset(pair for pair in labels if pair[0] in shared): rows for labels, rows in own.items()}


def _has(series: Mapping[Labels, pd.DataFrame], name: str, value: str) -> bool:
    return any((name, value) in labels for labels in series)
