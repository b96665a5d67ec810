"""Populations as people call them: target, metric, and the kind of connection where there are several."""

from __future__ import annotations

from typing import Final

from stabkit.analyze import ConditionResult, Estimate
from stabkit.analyze.latency import JudgedPopulation, Population, judged_populations
from stabkit.report.words.wording import metric_words
from stabkit.text import plain

__all__ = ["plain_quantity", "population_of", "population_words", "quantity_words"]

# What a percentile is to those who know none, with its name behind where a table uses it.
_PLAIN: Final = {"p50": "median", "p99": "slowest 1 % (p99)"}


def plain_quantity(name: str) -> str:
    """Return what a quantity is in plain words.

    Examples
    --------
    >>> plain_quantity("p50"), plain_quantity("p90")
    ('median', 'p90')
    """
    return _PLAIN.get(name, plain(name))


def population_words(population: Population, *, apart: bool) -> str:
    """Return what a population holds, in words; ``apart`` names its kind of connection, to tell it from others."""
    kind = f", {population.connection} connections" if apart and population.connection else ""
    kind += f" of {plain(population.series)}" if population.series else ""
    return f"{plain(population.target)} {metric_words(population.metric)}{kind}"


def population_of(condition: ConditionResult, estimate: Estimate) -> JudgedPopulation | None:
    """Return the population that an estimate is of, where its condition judges several; None for the only one."""
    judged = judged_populations(condition)
    return next((one for one in judged if any(own is estimate for own in one.estimates)), None) if judged[1:] else None


def quantity_words(condition: ConditionResult, estimate: Estimate) -> str:
    """Return what an estimate is of: p50; of which population, where its condition judges several."""
    found = population_of(condition, estimate)
    if found is None:
        return plain_quantity(estimate.name)
    quantity = next(word for word, own in zip(found.quantities, found.estimates, strict=True) if own is estimate)
    return f"{population_words(found.population, apart=True)}, {plain_quantity(quantity)}"
