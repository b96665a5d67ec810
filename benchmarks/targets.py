"""Whether a simulated share keeps its target, as far as the simulation's error lets one say."""

from __future__ import annotations

import math

__all__ = ["met"]


def met(share: float, limit: float, trials: int, *, at_most: bool = True) -> str:
    """Return ``met``, ``MISSED``, or that the share misses the limit by no more than two standard errors."""
    if share <= limit if at_most else share >= limit:
        return "met"
    near = abs(share - limit) <= 2 * math.sqrt(limit * (1 - limit) / max(1, trials))
    return "not met, within the simulation's error" if near else "MISSED"
