"""What an analysis concludes: estimates with bounds, condition outcomes, and the gate.

These are results, not rows: frozen, free of I/O, turned into words by ``report`` and into JSON by :func:`to_json`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from stabkit.analyze.facts import Measured, Missing, Need
from stabkit.vocabulary import EXIT_CODES, OPEN, OUTCOMES, Worse

if TYPE_CHECKING:
    from stabkit.config import Condition

__all__ = [
    "ConditionResult",
    "Estimate",
    "Gate",
    "Need",
    "Outcome",
    "VerdictWord",
    "combine",
    "outcome_within",
    "result_of",
    "to_json",
]

Outcome = Literal["stable", "improved", "regressed", "inconclusive"]
VerdictWord = Literal["stable", "regressed", "inconclusive"]
Scale = Literal["ratio", "difference"]
Comparison = TypeVar("Comparison")


@dataclass(frozen=True)
class Estimate:
    """One quantity of the candidate against the baseline, with 95 % bounds unless the gate says otherwise.

    ``change``, ``low`` and ``high`` are ratios candidate / baseline on the ``ratio`` scale and differences
    candidate - baseline on the ``difference`` scale; an unbounded side is infinite, an unknown one None. Where
    ``worse`` is ``lower``, the margin is how much less is allowed.
    """

    name: str
    unit: str
    scale: Scale
    outcome: Outcome
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    p_worse: float | None = None
    beyond_margin: bool = False
    n_baseline: int = 0
    n_candidate: int = 0
    rounds: int = 0
    method: str = ""
    flags: tuple[str, ...] = ()
    need: Need | None = None
    worse: Worse = "higher"

    @property
    def worst(self) -> float | None:
        """How much worse it may be by its interval, on the scale of the margin; None if that is not bounded.

        Examples
        --------
        >>> ratio = Estimate("level", "", "ratio", "stable", low=0.75, high=1.25, margin=0.5)
        >>> ratio.worst, dataclasses.replace(ratio, low=0.5, worse="lower").worst
        (0.25, 0.5)
        """
        bound = self.low if self.worse == "lower" else self.high
        if bound is None or not math.isfinite(bound):
            return None
        away = bound - (self.scale == "ratio")
        return -away if self.worse == "lower" else away


@dataclass(frozen=True)
class ConditionResult:
    """How one condition came out.

    Attributes
    ----------
    items : tuple of mappings
        What got worse or blocks, one by one: tests, findings, checks; each with at least ``state`` and ``what``.
    facts : mapping
        Counts and values that sentences are made of.
    exact : bool
        True if a ``regressed`` here needs no correction for many metrics: a confirmed broken test, a new finding, a
        failed check.
    comparison : object or None
        What the judge compared, whole, as its kind has it: findings with their states, tests with their transitions,
        checks, populations of times. Whoever shows the evidence takes it from here; it is not part of the JSON.
    """

    name: str
    kind: str
    outcome: Outcome
    target: str | None = None
    metric: str | None = None
    gating: bool = True
    severity: str = "normal"
    advice: str | None = None
    exact: bool = False
    estimates: tuple[Estimate, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    comparison: object | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class CollectionPlan:
    """How long a new collection has to be to decide every condition that rounds can decide, in four cases of five.

    Attributes
    ----------
    rounds : int
        In all: a collection starts afresh.
    seconds_per_round : float or None
        As the rounds at hand took; None where their times are not known.
    """

    rounds: int
    seconds_per_round: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long it takes; None if unknown."""
        return None if self.seconds_per_round is None else self.rounds * self.seconds_per_round


@dataclass(frozen=True)
class Gate:
    """The verdict and everything it rests on.

    Attributes
    ----------
    conditions : tuple of ConditionResult
        In order of weight: regressed, inconclusive, improved, stable; within each by severity, then by size.
    missing : tuple of Missing
        Evidence that is declared or expected and not there.
    unjudged : tuple of Measured
        Metrics in the evidence that no condition speaks of.
    confidence : float
        Of the interval between both bounds of every measured estimate: 0.95, or that of the last planned look.
    others : tuple
        Comparisons of the tests, scans and checks that no condition speaks of: they are shown, and decide nothing.
    plan : CollectionPlan or None
        How many rounds would decide all that is open and that rounds can decide; None where they decide nothing.
    accepted : tuple of Accepted
        How each entry of ``[[accepted]]`` stands; none of them is evidence of anything.
    """

    verdict: VerdictWord
    conditions: tuple[ConditionResult, ...] = ()
    missing: tuple[Missing, ...] = ()
    unjudged: tuple[Measured, ...] = ()
    confidence: float = 0.95
    others: tuple[object, ...] = field(default=(), repr=False, compare=False)
    plan: CollectionPlan | None = None
    accepted: tuple[Any, ...] = ()

    def compared(self, kind: type[Comparison]) -> tuple[Comparison, ...]:
        """Return the comparisons of one kind: those that were judged, in order of weight, then the others."""
        found = (*(condition.comparison for condition in self.conditions), *self.others)
        return tuple(one for one in found if isinstance(one, kind))

    @property
    def exit_code(self) -> int:
        """0 stable, 1 regressed, 3 inconclusive."""
        return EXIT_CODES[self.verdict]

    @property
    def reasons(self) -> tuple[ConditionResult, ...]:
        """The gating conditions that are neither stable nor improved, in order of weight."""
        return tuple(c for c in self.conditions if c.gating and c.outcome in OPEN)


def outcome_within(low: float, high: float, margin: float) -> Outcome:
    """Return the outcome of bounds around no change, 0; ``improved`` is what ``regressed`` is with the sides swapped.

    Examples
    --------
    >>> outcome_within(-0.01, 0.02, 0.05), outcome_within(0.01, 0.09, 0.05), outcome_within(-0.01, 0.09, 0.05)
    ('stable', 'regressed', 'inconclusive')
    """
    if high < 0 and low <= -margin:
        return "improved"
    if high < margin:
        return "stable"
    return "regressed" if low > 0 else "inconclusive"


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of several: the worst, and improved only if nothing is open; none at all proves nothing.

    Examples
    --------
    >>> combine(["stable", "improved"]), combine(["improved", "inconclusive"]), combine([])
    ('improved', 'inconclusive', 'inconclusive')
    """
    order: tuple[Outcome, ...] = OUTCOMES
    return next((word for word in order if word in outcomes), "inconclusive")


def result_of(condition: Condition, outcome: Outcome, **parts: Any) -> ConditionResult:
    """Return the result of a condition, with everything the configuration says about it."""
    return ConditionResult(
        name=condition.name,
        kind=condition.kind,
        outcome=outcome,
        target=condition.target,
        metric=condition.metric,
        gating=condition.gating,
        severity=condition.severity,
        advice=condition.advice,
        **parts,
    )


_PLAIN: Final = frozenset({str, int, bool, type(None)})


def to_json(result: object, said: Mapping[type, Callable[[Any], Any]] = MappingProxyType({})) -> Any:  # noqa: PLR0911 - one return a type
    """Return a result as plain JSON values; infinite bounds and NaN become null, what a repr leaves out is left out.

    Parameters
    ----------
    said : mapping, optional
        Type -> what stands for a value of it, where more is to be said than its fields.

    Examples
    --------
    >>> to_json(Need(5, "rounds", "wide_interval"))["amount"]
    5
    """
    kind = type(result)
    if kind in said:
        return said[kind](result)
    if kind in _PLAIN:
        return result
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return {f.name: to_json(getattr(result, f.name), said) for f in dataclasses.fields(result) if f.repr}
    if isinstance(result, Mapping):
        return {str(key): to_json(value, said) for key, value in result.items()}
    if isinstance(result, (list, tuple)):
        return [to_json(value, said) for value in result]
    if isinstance(result, float):
        return result if math.isfinite(result) else None
    if hasattr(result, "item"):  # a numpy scalar
        return to_json(result.item())
    return result if result is None or isinstance(result, (str, int, bool)) else str(result)
