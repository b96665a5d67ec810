"""Looking at a comparison while it is still being collected: what each look may spend, and whether to go on.

Whoever looks after every round and stops at the first alarm, alarms on most identical systems. Planned looks share one
error rate instead: each spends a part of it, little at first, and all parts together are what one look spends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import ndtr, ndtri

from stabkit.analyze.outcome import ConditionResult, Gate, VerdictWord
from stabkit.analyze.statistics import CONFIDENCE, FloatArray
from stabkit.errors import SchemaError, UsageError

__all__ = [
    "Look",
    "alpha_spent",
    "look_confidence",
    "look_verdict",
    "read_looks",
    "stated_confidence",
    "undecided",
    "write_looks",
]

_FARTHEST: Final = 7.5  # standard errors: what lies beyond is below 1e-13
_NODES: Final = 400  # of the integral over what a look leaves within its bounds; more change no digit that is shown
_AT_ONCE: Final = 0.001  # of the budget used by then: looks as near as that are one

# Waiting for these is in vain: no further round takes such a doubt away.
_IN_VAIN: Final = frozenset({"failing_on_both_sides", "false_alarms", "not_comparable", "partial"})


@dataclass(frozen=True)
class Look:
    """One look at the evidence while it was collected.

    Attributes
    ----------
    rounds : int
        Rounds that both sides held.
    share : float
        Of the budget used by then, 0 to 1; 1 is the last look.
    confidence : float
        Of the intervals that this look took.
    verdict : str or None
        What the measured conditions amounted to; None for rounds beyond the last look, after an interrupt.
    """

    rounds: int
    share: float
    confidence: float
    verdict: str | None = None


def alpha_spent(share: float) -> float:
    """Return the two-sided error that all looks up to a share of the budget may spend together; 0.05 at the end.

    Notes
    -----
    alpha(t) = 2 - 2 Φ(1.96 / √t): the O'Brien-Fleming shape of Lan and DeMets 1983, doi:10.1093/biomet/70.3.659.

    Examples
    --------
    >>> [round(alpha_spent(share), 5) for share in (0.2, 0.4, 0.6, 0.8, 1.0)]
    [1e-05, 0.00194, 0.0114, 0.02843, 0.05]
    """
    if not 0 <= share <= 1:
        raise UsageError(f"The share of the budget is {share!r}.", where="alpha_spent", hint="It lies between 0 and 1.")
    return 2 * float(ndtr(-1.959963984540054 / math.sqrt(share))) if share > 0 else 0.0


def look_confidence(shares: Sequence[float]) -> float:
    """Return the confidence of the newest look's intervals, from the shares of the budget at all looks up to it.

    Parameters
    ----------
    shares : sequence of float
        Of the budget at each look, ascending, above 0 and at most 1.

    Notes
    -----
    What is seen at one look is seen again at the next, with what was added: a bound that left out nothing before cannot
    err anew by all that its level allows. The exact boundary takes that into account: the chance that a Wiener process
    leaves it at a look and at none before is what :func:`alpha_spent` grows by (recursive integration of Armitage,
    McPherson and Rowe 1969, doi:10.2307/2343787).

    Examples
    --------
    >>> fifths = (0.2, 0.4, 0.6, 0.8, 1.0)
    >>> [round(look_confidence(fifths[:looks]), 4) for looks in range(1, 6)]
    [1.0, 0.9981, 0.9893, 0.9758, 0.9609]
    """
    given = (0.0, *shares)
    if len(given) < 2 or any(not before < now for before, now in pairwise(given)):
        raise UsageError(
            f"The looks are at {', '.join(map(str, shares)) or 'no share'} of the budget.",
            where="looks",
            hint="Looks go forward.",
        )
    # An error below 1e-12 is no error that a float next to 1 could hold; its bounds are then as wide as they get.
    return 1 - max(1e-12, 2 * float(ndtr(-_path(tuple(given[1:])).bound)))


@dataclass(frozen=True, eq=False)
class _Path:
    """A Wiener process that stayed within the bounds of all looks up to one: where it is, and how likely.

    ``density`` holds the weights of the integral; ``time`` is the share of the budget it was integrated to.
    """

    bound: float
    places: FloatArray
    density: FloatArray
    time: float


@lru_cache(maxsize=256)
def _path(shares: tuple[float, ...]) -> _Path:
    if not shares:
        return _Path(math.inf, np.zeros(1), np.ones(1), 0.0)
    now, before = shares[-1], _path(shares[:-1])
    spend = alpha_spent(now) - alpha_spent(shares[-2] if len(shares) > 1 else 0.0)
    if now - before.time < _AT_ONCE * now:
        # Hardly anything was added: what both looks have in common is not worth an integral; errors add up.
        return replace(before, bound=min(_FARTHEST, -float(ndtri(spend / 2))))
    from scipy.optimize import brentq  # slow to import, and only a collection that looks needs it

    step = math.sqrt(now - before.time)

    def left_over(bound: float) -> float:
        reach = bound * math.sqrt(now)
        outside = ndtr((before.places - reach) / step) + ndtr((-reach - before.places) / step)
        return float(before.density @ outside) - spend

    bound = float(brentq(left_over, 0.0, _FARTHEST)) if left_over(_FARTHEST) < 0 else _FARTHEST
    nodes, weights = leggauss(_NODES)
    reach = bound * math.sqrt(now)
    moved = (reach * nodes[:, None] - before.places[None, :]) / step
    there = np.exp(-0.5 * moved**2) @ before.density / (step * math.sqrt(2 * math.pi))
    return _Path(bound, reach * nodes, reach * weights * there, now)


def undecided(gate: Gate) -> tuple[ConditionResult, ...]:
    """Return the conditions that further rounds could still decide; empty if it is time to stop.

    Those of a proven regression need no waiting for, nor those without any measurement (tests and scans come later,
    and a target of one side only never gets any), nor doubts that rounds do not take away.
    """
    if gate.verdict == "regressed":
        return ()
    return tuple(
        result
        for result in gate.conditions
        if result.gating
        and result.outcome == "inconclusive"
        and result.estimates
        and (not result.needs or any(need.reason not in _IN_VAIN for need in result.needs))
    )


def look_verdict(gate: Gate) -> VerdictWord:
    """Return what the measured conditions of a gate amount to; tests and scans may come later."""
    if gate.verdict == "regressed":
        return "regressed"
    measured = [result.outcome for result in gate.conditions if result.gating and result.estimates]
    return "stable" if measured and set(measured) <= {"stable", "improved"} else "inconclusive"


def write_looks(looks: Sequence[Look]) -> str:
    """Return looks as the JSON that a run keeps."""
    return json.dumps([asdict(look) for look in looks])


def read_looks(text: Any) -> tuple[Look, ...]:
    """Return the looks that a run keeps; none where it says nothing.

    Raises
    ------
    SchemaError
        It is no such JSON: how often was looked is then unknown, and no interval would be right.
    """
    if text is None:
        return ()
    try:
        stated = json.loads(text)
        looks = tuple(
            Look(int(one["rounds"]), float(one["share"]), float(one["confidence"]), one.get("verdict"))
            for one in stated
        )
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise _unreadable(text) from error
    if not all(0 < look.confidence < 1 and 0 <= look.share <= 1 and look.rounds >= 0 for look in looks):
        raise _unreadable(text)
    return looks


def _unreadable(text: Any) -> SchemaError:
    return SchemaError(
        f"The looks of the run cannot be read: {str(text)[:80]!r}.",
        where="table runs, column looks",
        hint="It holds a JSON list of rounds, share and confidence; null if it was looked at once, at the end.",
    )


def stated_confidence(text: Any) -> float:
    """Return the confidence that a later judgement of a run must take: that of its last look, never below 0.95.

    Examples
    --------
    >>> stated_confidence(None), stated_confidence('[{"rounds": 8, "share": 0.4, "confidence": 0.9981}]')
    (0.95, 0.9981)
    """
    looks = read_looks(text)
    # Evidence is untrusted: it may ask for more certainty, not for less.
    return max(CONFIDENCE, looks[-1].confidence) if looks else CONFIDENCE
