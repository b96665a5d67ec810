"""Collecting until the verdict is reached: interleaved rounds, planned looks, and an end when one of them decides.

The looks share one error rate (:mod:`.looks`), so that stopping early costs no false alarms. Both runs
keep which looks were taken and with which confidence; a later judgement takes that of the last one.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import Look, evaluate_gate, look_confidence, look_verdict, undecided, write_looks
from stabkit.analyze.statistics import MetricNoise
from stabkit.collect import Collection, collect
from stabkit.config import Config
from stabkit.errors import UsageError
from stabkit.probe import Progress
from stabkit.schema import Evidence

__all__ = ["LOOKS", "SequentialCollection", "collect_until_decided"]

_LOG: Final = logging.getLogger(__name__)
LOOKS: Final = 5
"""Planned looks: more of them find a large change a little earlier, and a small one a little later."""


@dataclass(frozen=True)
class SequentialCollection:
    """What was collected, and how it was looked at meanwhile.

    Attributes
    ----------
    collection : Collection
        Both runs keep the looks in their column ``looks``.
    looks : tuple of Look
        In time order; the last one covers all rounds there are.
    """

    collection: Collection
    looks: tuple[Look, ...]


def collect_until_decided(
    config: Config,
    *,
    label: str | None = None,
    baseline_label: str,
    max_rounds: int,
    max_minutes: float | None = None,
    only: Sequence[str] = (),
    base: str | None = None,
    known_failures: Mapping[str, Iterable[str]] | None = None,
    noise: Sequence[MetricNoise] = (),
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> SequentialCollection:
    """Gather all evidence, in rounds that end as soon as a planned look decides every measured condition.

    Parameters
    ----------
    config : Config
        What to collect, and the conditions that the looks judge.
    label, baseline_label, only, base, known_failures, progress
        As for :func:`stabkit.collect.session.collect`.
    max_rounds : int
        The budget of rounds, at least 1.
    max_minutes : float, optional
        The budget of time for the rounds, above 0; none if None. A look is due at each fifth of the budget that is
        used up further.
    noise : sequence of MetricNoise
        What A/A runs of this environment have shown.
    clock : callable
        Seconds from any start.

    Returns
    -------
    SequentialCollection

    Raises
    ------
    UsageError
        A budget of nothing, or what the collection itself refuses.
    """
    if max_rounds < 1:
        raise UsageError(f"{max_rounds} rounds decide nothing.", where="max_rounds", hint="Allow at least one.")
    if max_minutes is not None and not (math.isfinite(max_minutes) and max_minutes > 0):
        raise UsageError(
            f"{max_minutes!r} minutes are no budget.", where="max_minutes", hint="Give a number above 0, or none."
        )
    budget = _Budget(max_rounds, None if max_minutes is None else 60 * max_minutes, clock)
    watch = _Watch(config, budget, tuple(noise))
    collection = collect(
        config,
        label=label,
        baseline_label=baseline_label,
        rounds=max_rounds,
        only=only,
        base=base,
        known_failures=known_failures,
        stop=watch,
        progress=progress,
    )
    watch.close(collection)
    text = write_looks(watch.looks)
    runs = {side: {**run, "looks": text} for side, run in collection.runs.items()}
    return SequentialCollection(replace(collection, runs=runs), tuple(watch.looks))


class _Budget:
    """How much of rounds and time is used, whichever is further."""

    def __init__(self, rounds: int, seconds: float | None, clock: Callable[[], float]) -> None:
        self.rounds = rounds
        self._seconds = seconds
        self._clock = clock
        self._started: float | None = None

    def share(self, rounds: int) -> float:
        """Return the share used after so many rounds, 0 to 1; the time runs from the first question."""
        now = self._clock()
        if self._started is None:
            self._started = now
        used = rounds / self.rounds
        if self._seconds is not None:
            used = max(used, (now - self._started) / self._seconds)
        return min(1.0, used)


class _Watch:
    """Asked before each round: takes the look that is due, and ends the rounds when nothing is left to decide."""

    def __init__(self, config: Config, budget: _Budget, noise: tuple[MetricNoise, ...]) -> None:
        self.looks: list[Look] = []
        self._config = config
        self._budget = budget
        self._noise = noise
        self._rounds = 0
        self._stopped = False

    def __call__(self, rounds: int, evidence: Callable[[], Mapping[str, Evidence]]) -> bool:
        self._rounds = rounds
        share = self._budget.share(rounds)
        if rounds == 0 or share < self._next_due() - 1e-9:
            return False
        self._stopped = self._look(rounds, share, evidence()) or share >= 1
        return self._stopped

    def close(self, collection: Collection) -> None:
        """Account for rounds beyond the last look: whoever judges the run looks at them too."""
        whole = not self._stopped and not collection.interrupted
        rounds = self._budget.rounds if whole else self._rounds
        share = 1.0 if whole else self._budget.share(rounds)
        before = self.looks[-1].share if self.looks else 0.0
        if self._stopped or not before < share:
            return
        if whole:
            self._look(rounds, share, collection.evidence)
        else:
            self.looks.append(Look(rounds, share, self._confidence(share)))

    def _next_due(self) -> float:
        used = self.looks[-1].share if self.looks else 0.0
        return (math.floor(used * LOOKS + 1e-9) + 1) / LOOKS

    def _confidence(self, share: float) -> float:
        return look_confidence([*(look.share for look in self.looks), share])

    def _look(self, rounds: int, share: float, evidence: Mapping[str, Evidence]) -> bool:
        """Judge what there is, with the error that this look may spend; true if nothing is left to decide."""
        confidence = self._confidence(share)
        sides = [
            RunEvidence(
                {
                    "run_id": side,
                    "environment": self._config.project.environment,
                    "collection_id": "this one",
                    "complete": True,
                },
                evidence[side],
            )
            for side in ("baseline", "candidate")
        ]
        gate = evaluate_gate(self._config, sides[0], sides[1], noise=self._noise, confidence=confidence)
        self.looks.append(Look(rounds, share, confidence, look_verdict(gate)))
        _LOG.info("look %d after %d rounds: %s", len(self.looks), rounds, self.looks[-1].verdict)
        return not undecided(gate)
