"""The populations of a case: as its conditions judged them, and beside them those that no condition speaks of."""

from __future__ import annotations

from collections.abc import Callable

from stabkit.analyze import Gate, Sides
from stabkit.analyze.latency import Population, find_populations, judged_populations
from stabkit.config import Condition

__all__ = ["case_populations"]


def case_populations(
    gate: Gate, sides: Sides, wanted: Callable[[str], bool], *, split: bool = True
) -> tuple[Population, ...]:
    """Return the populations of the metrics that are wanted, those that were judged as their judges kept them.

    Parameters
    ----------
    gate, sides : Gate, Sides
        The verdict and what it was reached on.
    wanted : callable
        Says of a metric whether its populations are.
    split : bool
        False: fresh and reused connections, warm-up and failures count together, as requests do.
    """
    kept = {
        judged.population.key: judged.population
        for condition in gate.conditions
        if (condition.kind != "error_rate") == split
        for judged in judged_populations(condition)
    }
    every = Condition(name="every", kind="latency")
    return tuple(find_populations(every, sides, wanted, split=split, known=kept))
