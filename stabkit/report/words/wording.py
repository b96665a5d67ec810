"""Metrics as people call them, and clauses as sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from stabkit.analyze import ConditionResult, Estimate
from stabkit.analyze.latency import JudgedPopulation, Population, judged_populations
from stabkit.text import LONGEST_NAME, capital, plain
from stabkit.vocabulary import metric_of

__all__ = [
    "known_text",
    "metric_words",
    "place_text",
    "population_of",
    "population_words",
    "quantity_words",
    "sentence",
]

_SPACES: Final = re.compile(r"[^\S\u202f\u00a0]+")


def metric_words(metric: str | None) -> str:
    """Return a metric's name as people say it.

    Examples
    --------
    >>> metric_words("connect_time"), metric_words("event:done")
    ('connect time', 'arrival of done')
    """
    if metric is None:
        return "metric"
    return plain(metric_of(metric).words)


def population_words(population: Population, *, apart: bool) -> str:
    """Return what a population holds, in words; ``apart`` names its kind of connection, to tell it from others."""
    kind = f", {population.connection} connections" if apart and population.connection else ""
    return f"{plain(population.target)} {metric_words(population.metric)}{kind}"


def population_of(condition: ConditionResult, estimate: Estimate) -> JudgedPopulation | None:
    """Return the population that an estimate is of, where its condition judges several; None for the only one."""
    judged = judged_populations(condition)
    return next((one for one in judged if any(own is estimate for own in one.estimates)), None) if judged[1:] else None


def quantity_words(condition: ConditionResult, estimate: Estimate) -> str:
    """Return what an estimate is of: p50; of which population, where its condition judges several."""
    found = population_of(condition, estimate)
    if found is None:
        return plain(estimate.name)
    quantity = next(word for word, own in zip(found.quantities, found.estimates, strict=True) if own is estimate)
    return f"{population_words(found.population, apart=True)}, {plain(quantity)}"


def sentence(*clauses: str) -> str:
    """Return clauses, those that say something, as one sentence with a capital and a full stop.

    Examples
    --------
    >>> sentence("no source failed", "", "2 were repaired")
    'No source failed; 2 were repaired.'
    """
    text = "; ".join(_SPACES.sub(" ", clause).strip().rstrip(".;") for clause in clauses if clause.strip())
    return f"{capital(text)}." if text else ""


def known_text(value: object, longest: int = LONGEST_NAME) -> str | None:
    r"""Return foreign text as one short line; None for a missing value of any kind.

    Examples
    --------
    >>> known_text("chat\nservice"), known_text(float("nan"))
    ('chat service', None)
    """
    return None if pd.isna(value) else plain(value, longest)


def place_text(row: Mapping[Any, Any]) -> str:
    """Return where a finding stands.

    Examples
    --------
    >>> place_text({"path": "a.py", "line": 3}), place_text({"path": None, "line": None})
    ('a.py:3', 'place not stated')
    """
    if pd.isna(row["path"]):
        return "place not stated"
    return plain(row["path"]) + (f":{row['line']}" if pd.notna(row["line"]) else "")
