"""How long a new collection has to be so that it decides a whole gate: one number for all of its open conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from stabkit.analyze.outcome import CollectionPlan, ConditionResult, Estimate
from stabkit.analyze.sides import Sides
from stabkit.analyze.statistics import MIN_ROUNDS, OUT_OF_PROPORTION, FloatArray, level_of, t_quantiles

__all__ = ["plan_collection"]

_POWER: Final = 0.80
_RESERVE: Final = 1.2  # the spread is known from the very rounds that were too few
# Further rounds of the same kind take these doubts away.
_ROUNDS_HELP: Final = ("wide_interval", "too_few_samples", "one_sample", "tail_unbounded")


def plan_collection(conditions: Sequence[ConditionResult], sides: Sides) -> CollectionPlan | None:
    """Return how many rounds would decide all measured conditions at once; None where rounds decide none of the open.

    Parameters
    ----------
    conditions : sequence of ConditionResult
        Of one gate.
    sides : Sides
        What they were judged by: its confidence is that of the new collection, its rounds took as long as those will.

    Notes
    -----
    A collection starts afresh, so what is stable now has to be shown again. With each interval's standard error s from
    R rounds, an unchanged metric is shown to be within its margin g by R' rounds with probability
    Φ((g - t(R' - 1) s') / s'), s' = s √(R/R'); the smallest R' is taken whose product over all metrics is 80 %, metrics
    counted as independent, which errs towards more rounds where they are not. What each open condition asks for by
    itself is the least.
    """
    open_ = [c for c in conditions if c.gating and c.outcome == "inconclusive"]
    # Failures are counted over all rounds, and their estimates do not say how many those were.
    have = max((e.rounds for c in conditions for e in c.estimates), default=0)
    have = have or int(sides.candidate.evidence["samples"]["round"].nunique())
    least = max((_asked(c, have) for c in open_), default=0)
    if not least:
        return None
    measured = [_Measured.of(e, e.rounds or have) for c in conditions if c.gating for e in c.estimates if _plannable(e)]
    rounds = _rounds([one for one in measured if one is not None], max(have, MIN_ROUNDS), level_of(sides.confidence))
    return CollectionPlan(max(least, rounds), _seconds_per_round(sides))


def _asked(condition: ConditionResult, have: int) -> int:
    """Return how many rounds in all a condition asks for by itself."""
    found = 0
    for need in condition.needs:
        if need.reason not in _ROUNDS_HELP or not need.amount:
            continue
        size = max((e.n_candidate // (e.rounds or have) for e in condition.estimates if e.rounds or have), default=0)
        if need.unit == "rounds":
            found = max(found, have + need.amount)
        elif need.unit == "samples" and size:
            found = max(found, have + math.ceil(need.amount / size))
    return found


def _plannable(estimate: Estimate) -> bool:
    if estimate.outcome in ("regressed", "improved") or not estimate.margin:
        return False
    # More of the same would not decide it: a smaller margin is out of reach.
    return estimate.need is None or estimate.need.reason in _ROUNDS_HELP


@dataclass(frozen=True)
class _Measured:
    """Half-width and margin of one estimate, on the scale on which it is symmetric."""

    half: float
    margin: float
    rounds: int
    failures: bool  # False if no request failed at all: then the bound falls with the requests, not with their root

    @classmethod
    def of(cls, estimate: Estimate, rounds: int) -> _Measured | None:
        low, high, margin = estimate.low, estimate.high, estimate.margin
        if rounds < 2 or low is None or high is None or margin is None or not math.isfinite(high - low):
            return None
        if estimate.scale == "ratio":
            if low <= 0 or estimate.worse == "lower":
                return None
            return cls(math.log(high / low) / 2, math.log1p(margin), rounds, failures=True)
        failures = bool(estimate.baseline or estimate.candidate)
        return cls((high - low) / 2, margin, rounds, failures=failures)

    def shown(self, counts: FloatArray, level: float) -> FloatArray:
        """Return with which probability as many rounds show it within its margin, if nothing changed."""
        from scipy.special import ndtr

        if not self.failures:
            return (self.half * self.rounds / counts < self.margin).astype(np.float64)
        error = self.half / float(t_quantiles(level, np.array([self.rounds - 1.0]))[0])
        errors = np.maximum(error * np.sqrt(self.rounds / counts), 1e-12)
        found: FloatArray = ndtr((self.margin - t_quantiles(level, counts - 1) * errors) / errors)
        return found


def _rounds(measured: Iterable[_Measured], have: int, level: float) -> int:
    counts = np.arange(MIN_ROUNDS, OUT_OF_PROPORTION * have + 1, dtype=np.float64)
    together = np.ones(counts.size)
    for one in measured:
        together *= one.shown(counts, level)
    enough = np.flatnonzero(together >= _POWER)
    return math.ceil(_RESERVE * counts[enough[0]]) if enough.size else 0


def _seconds_per_round(sides: Sides) -> float | None:
    """Return how long a round took, of all targets and of both sides where they were probed together."""
    samples = sides.candidate.evidence["samples"]
    if sides.baseline is not None and sides.paired:
        samples = pd.concat([samples[["round", "due_at"]], sides.baseline.evidence["samples"][["round", "due_at"]]])
    begun = samples.dropna(subset=["round", "due_at"]).groupby("round")["due_at"].min().sort_values()
    if len(begun) < 2:
        return None
    return float((begun.iloc[-1] - begun.iloc[0]).total_seconds()) / (len(begun) - 1)
