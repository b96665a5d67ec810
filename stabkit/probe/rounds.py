"""What a probe is, and the interleaved rounds in which the probes of several sides take their turns.

When baseline and candidate are both up, each round holds a block of both, in an order drawn from a stored seed: drift
of the machine then touches both alike.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

import numpy as np

from stabkit.errors import UsageError
from stabkit.redact import redact_evidence
from stabkit.schema import Evidence

__all__ = ["Interrupted", "Probe", "Progress", "run_rounds"]

_log = logging.getLogger(__name__)


class Probe(Protocol):
    """One target of one side, measured round by round.

    Attributes
    ----------
    target : str
        The configured name.
    planned : int
        Samples planned for a round, for progress.
    """

    target: str
    planned: int

    def open(self) -> None:
        """Make ready; raises ConfigError only. A target that cannot be reached is evidence, not an error."""

    def run(self, round_number: int) -> None:
        """Take the samples of one round, counted from 0."""

    def close(self) -> None:
        """Let go of connections; may be called twice."""

    def evidence(self) -> Evidence:
        """Return samples, checks and one sources row; valid at any time, also after an interrupt."""


class Progress(Protocol):
    """Who is told how far the collection is."""

    def start(self, task: str, total: int) -> None:
        """Begin a task of that many samples."""

    def advance(self, amount: int = 1) -> None:
        """Count samples as done."""

    def finish(self) -> None:
        """End the task, complete or not."""


class Interrupted(KeyboardInterrupt):
    """The collection was interrupted; carries what was measured until then.

    Attributes
    ----------
    evidence : dict of str to Evidence
        By side, as :func:`run_rounds` would have returned it.
    rounds : int
        Rounds that all sides completed.
    """

    def __init__(self, evidence: dict[str, Evidence], rounds: int) -> None:
        super().__init__(f"interrupted after {rounds} complete rounds")
        self.evidence = evidence
        self.rounds = rounds


def run_rounds(
    sides: Mapping[str, Sequence[Probe]],
    *,
    rounds: int,
    seed: int,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> dict[str, Evidence]:
    """Run every side's probes in every round and return the evidence of each side.

    Parameters
    ----------
    sides : mapping of str to sequence of Probe
        Usually ``baseline`` and ``candidate``; each side's probes run in the given order.
    rounds : int
        At least 1.
    seed : int
        Of the generator that draws the order of sides in each round; equal seeds give equal orders.
    progress : Progress, optional
        Told once at the start and after each probe's part of a round.
    stop : callable, optional
        Asked before each round; true ends the collection there, so that all sides hold equally many rounds.

    Returns
    -------
    dict of str to Evidence
        One entry per side, also for a side without probes.

    Raises
    ------
    Interrupted
        On KeyboardInterrupt, with the evidence so far. All probes are closed, as they are on any other error.
    ConfigError
        A probe cannot be opened as configured.
    UsageError
        Fewer than one round.
    """
    if rounds < 1:
        raise UsageError(f"{rounds} rounds measure nothing.", where="rounds", hint="Ask for at least one.")
    generator = np.random.default_rng(seed)
    names = list(sides)
    done = 0
    with ExitStack() as stack:
        stack.enter_context(_garbage_kept())
        if progress is not None:
            progress.start("probing", rounds * sum(probe.planned for name in names for probe in sides[name]))
            stack.callback(progress.finish)
        try:
            for name in names:
                for probe in sides[name]:
                    stack.callback(_close, name, probe)
                    probe.open()
            for round_number in range(rounds):
                if stop is not None and stop():
                    break
                for index in generator.permutation(len(names)):
                    _run_side(sides[names[int(index)]], round_number, progress)
                done = round_number + 1
        except KeyboardInterrupt as interrupt:
            raise Interrupted(_evidence(sides), done) from interrupt
        return _evidence(sides)


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Keep Python's own garbage collection out of the schedule: it stops the prober for tens of milliseconds.

    By ``benchmarks/prober.py``, with it the 99th percentile of the own lateness is 11 to 38 times higher.
    """
    enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def _run_side(probes: Sequence[Probe], round_number: int, progress: Progress | None) -> None:
    for probe in probes:
        probe.run(round_number)
        gc.collect()  # between blocks, where nobody waits; cheap, since what was there before is frozen
        if progress is not None:
            progress.advance(probe.planned)


def _evidence(sides: Mapping[str, Sequence[Probe]]) -> dict[str, Evidence]:
    merged = {name: Evidence().merge(*(probe.evidence() for probe in probes)) for name, probes in sides.items()}
    return {name: Evidence(redact_evidence(evidence.tables)) for name, evidence in merged.items()}


def _close(side: str, probe: Probe) -> None:
    try:
        probe.close()
    except Exception:  # noqa: BLE001 - the evidence is measured; a failed good-bye must not lose it
        _log.warning("Probe %s of %s could not be closed.", probe.target, side, exc_info=True)
