"""A cold start: the first rounds of a run, or the first requests of each round, that take far longer than the rest."""

from __future__ import annotations

from typing import Final

import pandas as pd

from stabkit.analyze.facts import Need
from stabkit.analyze.latency.populations import Population, own_times

__all__ = ["cold_start"]

_FAR: Final = 2.0  # times as long
_LEAST_ROUNDS: Final = 4
_MOST: Final = 1 / 3  # of the rounds, or of a round's requests; what is slow for longer is slow


def cold_start(population: Population) -> tuple[Need, ...]:
    """Return what each side lacks: a warm-up, where its beginning alone is slow.

    Examples
    --------
    >>> times = [90.0] * 2 + [9.0] * 8
    >>> rows = pd.DataFrame({"round": range(10), "response_ms": times, "warmup": False, "ok": True})
    >>> rows = rows.assign(service_ms=None, value=None, unit=None)
    >>> [need.numbers for need in cold_start(Population("api", "response_time", None, rows.iloc[:0], rows))]
    [(('rounds', 2.0), ('times', 10.0))]
    """
    found = []
    for side, rows in (("baseline", population.baseline), ("candidate", population.candidate)):
        times = own_times(rows)
        for about, noun, parts in (
            ("cold_rounds", "rounds", times.groupby("round")["response_ms"].median()),
            ("cold_requests", "requests", _by_place(times)),
        ):
            slow = _slow_beginning(parts)
            if slow is not None:
                numbers = ((noun, float(slow[0])), ("times", round(slow[1], 1)))
                found.append(Need(None, "rounds", "cold_start", about, (population.measured,), numbers, side=side))  # type: ignore[arg-type]
                break
    return tuple(found)


def _by_place(times: pd.DataFrame) -> pd.Series:
    """Return the median of the first requests of all rounds, of the second, and so on."""
    place = times.groupby("round").cumcount()
    several = times["round"].nunique() >= _LEAST_ROUNDS
    return times.groupby(place)["response_ms"].median() if several else times["response_ms"].iloc[:0]


def _slow_beginning(medians: pd.Series) -> tuple[int, float] | None:
    """Return how many of the first are slow, and how many times as slow; None if any later one is as well."""
    if len(medians) < _LEAST_ROUNDS:
        return None
    usual = float(medians.iloc[len(medians) // 2 :].median())
    slow = (medians > _FAR * usual).to_numpy()
    first = int(slow.argmin())
    if usual <= 0 or not 0 < first <= max(1, _MOST * len(medians)) or slow[first:].any():
        return None
    return first, float(medians.iloc[:first].median()) / usual
