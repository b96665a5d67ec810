"""Whether a gate can be trusted: pairs of which nothing changed, judged as they are and with planted changes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from stabkit.analyze.gate.evaluation import confidence_of, judge_alone, settle
from stabkit.analyze.gate.following import conditions_of
from stabkit.analyze.gate.planting import PLANTS, Plant, concerned, plant, plants_of
from stabkit.analyze.gate.self_noise import alarm_bounds
from stabkit.analyze.latency import judged_populations
from stabkit.analyze.outcome import ConditionResult, Estimate, Outcome, Scale, VerdictWord
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.analyze.statistics import SLOWEST, MetricNoise
from stabkit.config import Condition, Config
from stabkit.kinds import KINDS
from stabkit.schema import Evidence
from stabkit.vocabulary import Worse

__all__ = [
    "Backtest",
    "CarriedMargin",
    "ConditionBacktest",
    "JudgedPair",
    "NotBacktested",
    "Outcomes",
    "PlantedOutcomes",
    "UnchangedPair",
    "least_caught",
    "run_backtest",
]

PairSource = Literal["aa", "same_commit", "rounds"]

CARRIED: Final = 0.8
"""Of the unchanged pairs, how many a margin is to prove stable."""

PLANTED_PAIRS: Final = 20
"""Changes are planted into so many of the newest pairs: what is caught is no rare event, as a false alarm is."""

_TAILS: Final = ("p99", SLOWEST)
_AWAY: Final = 1e-6  # of a margin: a change that equals it is not beyond it


@dataclass(frozen=True, eq=False)
class UnchangedPair:
    """Two runs, or two halves of one, between which nothing changed.

    Attributes
    ----------
    source : str
        Where it is from: ``aa`` an A/A pair, ``same_commit`` two runs of one commit, ``rounds`` neighbouring rounds of
        one run.
    """

    source: PairSource
    first: RunEvidence
    second: RunEvidence


@dataclass(frozen=True)
class Outcomes:
    """How often something came out how."""

    stable: int = 0
    improved: int = 0
    regressed: int = 0
    inconclusive: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.stable + self.improved + self.regressed + self.inconclusive


@dataclass(frozen=True)
class PlantedOutcomes:
    """What became of one planted change.

    Attributes
    ----------
    missed : int
        Of those that came out stable, how many had moved by more than their margin.
    """

    plant: Plant
    outcomes: Outcomes
    missed: int = 0

    @property
    def caught(self) -> float:
        """The share that came out regressed."""
        return self.outcomes.regressed / self.outcomes.total if self.outcomes.total else 0.0


@dataclass(frozen=True)
class CarriedMargin:
    """The margin that the evidence can carry: the smallest with which 4 of 5 unchanged pairs would be stable.

    Attributes
    ----------
    population : str or None
        What it is of, where the condition judges several.
    quantity : str
        Of the estimate, as ``p50``; ``tail`` for the slowest requests, by whichever measure decided.
    margin : float or None
        The one it has now; of a limit the limit. In the condition's own terms.
    carries : float or None
        None: fewer than 4 of 5 pairs have a bound at all.
    pairs : int
        In which it was estimated.
    """

    quantity: str
    scale: Scale
    unit: str
    margin: float | None
    carries: float | None
    pairs: int
    population: str | None = None
    worse: Worse = "higher"
    limit: bool = False

    @property
    def too_narrow(self) -> bool:
        """True if the margin it has is less than what the evidence can carry."""
        return self.margin is not None and (self.carries is None or self.carries >= self.margin)


@dataclass(frozen=True)
class ConditionBacktest:
    """One condition over all pairs that hold its evidence.

    Attributes
    ----------
    alarms_low, alarms_high : float
        Exact 95 % bounds of the share of unchanged pairs that it calls regressed.
    planted : tuple of PlantedOutcomes
        Each change in the evidence of one target at a time, in no more than the newest 20 pairs.
    """

    name: str
    kind: str
    target: str | None
    metric: str | None
    gating: bool
    unchanged: Outcomes
    alarms_low: float
    alarms_high: float
    planted: tuple[PlantedOutcomes, ...]
    margins: tuple[CarriedMargin, ...]


@dataclass(frozen=True)
class JudgedPair:
    """One pair, as it is."""

    source: PairSource
    first: str
    second: str
    rounds: int
    verdict: VerdictWord
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotBacktested:
    """A condition of which nothing is said, and why.

    Attributes
    ----------
    reason : str
        ``items``: it judges tests, scans, checks or changes, into which nothing can be planted. ``no_samples``: no
        unchanged pair holds its evidence on both sides.
    """

    name: str
    kind: str
    reason: Literal["items", "no_samples"]


@dataclass(frozen=True)
class Backtest:
    """What a gate makes of unchanged pairs, and of changes planted into them.

    Attributes
    ----------
    pairs : tuple of JudgedPair
        Oldest first.
    conditions : tuple of ConditionBacktest
        In the order of the configuration.
    verdicts : Outcomes
        Of the whole gate over the unchanged pairs, its measured conditions alone.
    alarms_low, alarms_high : float
        Exact 95 % bounds of the share of unchanged pairs that the gate calls regressed.
    planted : tuple of PlantedOutcomes
        Verdicts with a change in one target at a time: as many as pairs and targets.
    not_backtested : tuple of NotBacktested
    """

    pairs: tuple[JudgedPair, ...] = ()
    conditions: tuple[ConditionBacktest, ...] = ()
    verdicts: Outcomes = Outcomes()
    alarms_low: float = 0.0
    alarms_high: float = 1.0
    planted: tuple[PlantedOutcomes, ...] = ()
    not_backtested: tuple[NotBacktested, ...] = ()


def least_caught(planted: Sequence[PlantedOutcomes], judges: str) -> Plant | None:
    """Return the smallest change that is caught in 4 of 5 pairs, as are all larger ones; None if none is.

    Parameters
    ----------
    planted : sequence of PlantedOutcomes
        Small changes first; those of a share of the times are left out: they are small in another way.
    judges : str
        ``times``, ``failures`` or ``readings``: what the change is of.
    """
    least = None
    for one in reversed(planted):
        if one.plant.judges != judges or (one.plant.factor is not None and one.plant.share < 1):
            continue
        if one.caught < CARRIED:
            break
        least = one.plant
    return least


def run_backtest(
    pairs: Sequence[UnchangedPair], config: Config, *, noise: Sequence[MetricNoise] = (), seed: int = 1
) -> Backtest:
    """Judge unchanged pairs as they are and with each planted change, and count.

    Parameters
    ----------
    pairs : sequence of UnchangedPair
        Their samples are judged; no other evidence of theirs is.
    config : Config
        Its measured conditions; without any those that follow from the samples.
    noise : sequence of MetricNoise
        What A/A runs show, as :func:`.evaluate_gate` takes it.
    seed : int
        Of which requests are slow or fail where a share of them is.

    Notes
    -----
    A condition is judged by the judge of its kind, once as it is and once with each change that its kind can see. The
    rules of the whole gate, Holm's correction and the verdict, are then applied to the results with a change in one
    target and none in the others: what a release does that makes one service slower. A change counts as beyond the
    margin by what it did to the estimate itself, both taken against the same baseline. Bounds of shares by Clopper and
    Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    trials = [
        list(_trials(pair, config, noise, seed + number, changed=number >= len(pairs) - PLANTED_PAIRS))
        for number, pair in enumerate(pairs)
    ]
    judged = [_Judged.of(pair, found) for pair, found in zip(pairs, trials, strict=True) if found]
    conditions = {trial.condition.name: trial.condition for found in trials for trial in found}
    declared = [c for c in config.conditions if c.name not in conditions]
    order = [c.name for c in config.conditions if c.name in conditions] or list(conditions)
    low, high = alarm_bounds(sum(one.verdict == "regressed" for one in judged), len(judged))
    return Backtest(
        tuple(one.as_pair for one in judged),
        tuple(_of_condition(conditions[name], judged) for name in order),
        _count(one.verdict for one in judged),
        low,
        high,
        _of_gate(judged),
        tuple(NotBacktested(c.name, c.kind, "no_samples" if plants_of(c) else "items") for c in declared),
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """One condition in one pair: as it is, and with each change that its kind can see."""

    condition: Condition
    unchanged: ConditionResult
    planted: dict[Plant, ConditionResult]


def _trials(
    pair: UnchangedPair, config: Config, noise: Sequence[MetricNoise], seed: int, *, changed: bool
) -> Iterator[_Trial]:
    whole = _sides(pair, config, noise)
    for condition in conditions_of(whole):
        changes = plants_of(condition)
        if not changes or not all(concerned(condition, frame).any() for frame in whole.table("samples")):
            continue
        sides = _seen_by(condition, whole)
        unchanged = judge_alone(condition, sides)
        worse: Worse = next((e.worse for e in unchanged.estimates), "higher")
        samples = sides.candidate.evidence["samples"]
        chosen = concerned(condition, samples)
        planted = {
            change: judge_alone(condition, _with(sides, plant(change, samples, chosen, seed=seed, worse=worse)))
            for change in (changes if changed else ())
        }
        yield _Trial(condition, unchanged, planted)


def _sides(pair: UnchangedPair, config: Config, noise: Sequence[MetricNoise]) -> Sides:
    before, after = (
        RunEvidence(side.run, Evidence({"samples": side.evidence["samples"]})) for side in (pair.first, pair.second)
    )
    return Sides(config, before, after, noise=tuple(noise), confidence=confidence_of(before, after))


def _seen_by(condition: Condition, sides: Sides) -> Sides:
    """Return the sides with the samples that the judge of a condition reads: far quicker with those alone.

    Times are judged beside all else of their target, which says how late the prober was.
    """

    def seen(frame: pd.DataFrame) -> pd.DataFrame:
        if KINDS[condition.kind].judges != "times":
            return frame[concerned(condition, frame)]
        return frame if condition.target is None else frame[frame["target"] == condition.target]

    before, after = (
        RunEvidence(side.run, Evidence({"samples": seen(frame)}))
        for (_, side), frame in zip(sides.named, sides.table("samples"), strict=True)
    )
    return Sides(sides.config, before, after, noise=sides.noise, confidence=sides.confidence)


def _with(sides: Sides, samples: pd.DataFrame) -> Sides:
    after = RunEvidence(sides.candidate.run, Evidence({"samples": samples}))
    return Sides(sides.config, sides.baseline, after, noise=sides.noise, confidence=sides.confidence)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A pair with the verdict of its gate, as it is and with each change in each target."""

    as_pair: JudgedPair
    trials: dict[str, _Trial]
    outcomes: dict[str, Outcome]
    planted: dict[tuple[Plant, str | None], tuple[dict[str, Outcome], VerdictWord]]

    @property
    def verdict(self) -> VerdictWord:
        return self.as_pair.verdict

    @classmethod
    def of(cls, pair: UnchangedPair, trials: Sequence[_Trial]) -> _Judged:
        confidence = confidence_of(pair.first, pair.second)
        results, verdict = settle([trial.unchanged for trial in trials], confidence)
        outcomes = {result.name: result.outcome for result in results}
        alarms = tuple(name for name, outcome in outcomes.items() if outcome == "regressed")
        first, second = (str(side.fact("label") or side.fact("run_id")) for side in (pair.first, pair.second))
        rounds = min(int(side.evidence["samples"]["round"].nunique()) for side in (pair.first, pair.second))
        planted = {}
        for change in PLANTS:
            for target in dict.fromkeys(t.condition.target for t in trials if change in t.planted):
                mixed = [
                    t.planted[change] if change in t.planted and target in (None, t.condition.target) else t.unchanged
                    for t in trials
                ]
                settled, word = settle(mixed, confidence)
                planted[change, target] = {result.name: result.outcome for result in settled}, word
        shown = JudgedPair(pair.source, first, second, rounds, verdict, alarms)
        return cls(shown, {trial.condition.name: trial for trial in trials}, outcomes, planted)

    def beyond(self, change: Plant, target: str | None) -> bool:
        """Say whether a change moved any gating condition of a target beyond its margin."""
        return any(
            _beyond(trial, change)
            for trial in self.trials.values()
            if trial.condition.gating and change in trial.planted and target in (None, trial.condition.target)
        )


def _beyond(trial: _Trial, change: Plant) -> bool:
    """Say whether a change moved an estimate by more than its margin: both are against the same baseline."""
    before = {e.name: e for e in trial.unchanged.estimates}
    return any(
        _moved(before[after.name], after, limit=not KINDS[trial.condition.kind].compares)
        for after in trial.planted[change].estimates
        if after.name in before
    )


def _moved(before: Estimate, after: Estimate, *, limit: bool) -> bool:
    if after.change is None or before.change is None or after.margin is None:
        return False
    if limit:
        return after.change > after.margin
    if after.scale == "ratio":
        moved = after.change / before.change - 1 if before.change else math.inf
    else:
        moved = after.change - before.change
    return (-moved if after.worse == "lower" else moved) > after.margin * (1 + _AWAY)


def _count(outcomes: Iterable[str]) -> Outcomes:
    return Outcomes(**Counter(outcomes))


def _of_condition(condition: Condition, judged: Sequence[_Judged]) -> ConditionBacktest:
    name, target = condition.name, condition.target
    those = [one for one in judged if name in one.trials]
    unchanged = _count(one.outcomes[name] for one in those)
    low, high = alarm_bounds(unchanged.regressed, unchanged.total)
    planted = []
    for change in plants_of(condition):
        came = [(one, one.planted[change, target][0][name]) for one in those if change in one.trials[name].planted]
        missed = sum(word in ("stable", "improved") and _beyond(one.trials[name], change) for one, word in came)
        planted.append(PlantedOutcomes(change, _count(word for _, word in came), missed))
    return ConditionBacktest(
        name, condition.kind, target, condition.metric, condition.gating, unchanged, low, high, tuple(planted),
        _margins(condition, [one.trials[name].unchanged for one in those]),
    )  # fmt: skip


def _of_gate(judged: Sequence[_Judged]) -> tuple[PlantedOutcomes, ...]:
    found = []
    for change in PLANTS:
        came = [
            (word, word == "stable" and one.beyond(change, target))
            for one in judged
            for (planted, target), (_, word) in one.planted.items()
            if planted == change
        ]
        if came:
            found.append(PlantedOutcomes(change, _count(word for word, _ in came), sum(missed for _, missed in came)))
    return tuple(found)


def _margins(condition: Condition, results: Sequence[ConditionResult]) -> tuple[CarriedMargin, ...]:
    """Return, quantity by quantity, which margin 4 of 5 of these results would have kept."""
    kept: dict[tuple[str | None, str], list[tuple[float, Estimate]]] = {}
    for result in results:
        worst: dict[tuple[str | None, str], tuple[float, Estimate]] = {}
        judged = judged_populations(result)
        for one in judged:
            for estimate, quantity in zip(one.estimates, one.quantities, strict=True):
                key = (one.population.name if judged[1:] else None, "tail" if quantity in _TAILS else quantity)
                found = (_needed(condition, estimate, key[1]), estimate)
                worst[key] = max(worst.get(key, found), found, key=lambda each: each[0])
        for key, found in worst.items():
            kept.setdefault(key, []).append(found)
    return tuple(_carried(condition, key, found) for key, found in kept.items())


def _carried(
    condition: Condition, key: tuple[str | None, str], found: Sequence[tuple[float, Estimate]]
) -> CarriedMargin:
    population, quantity = key
    estimate = found[-1][1]
    needed = sorted(value for value, _ in found)[math.ceil(CARRIED * len(found)) - 1]
    return CarriedMargin(
        quantity=quantity,
        scale=estimate.scale,
        unit=estimate.unit,
        margin=_declared(condition, estimate, quantity),
        carries=max(0.0, needed) if math.isfinite(needed) else None,
        pairs=len(found),
        population=population,
        worse=estimate.worse,
        limit=not KINDS[condition.kind].compares,
    )


def _needed(condition: Condition, estimate: Estimate, quantity: str) -> float:
    """Return the margin with which an estimate would be stable, in the condition's terms; infinite if none would."""
    declared = _declared(condition, estimate, quantity)
    if estimate.worst is None or not estimate.margin or declared is None:
        return math.inf
    # The slowest 5 % have three quarters of the margin of p99, growth a part of it a round: equal parts of either.
    return estimate.worst * declared / estimate.margin


def _declared(condition: Condition, estimate: Estimate, quantity: str) -> float | None:
    kind = KINDS[condition.kind]
    if quantity == "tail":
        return condition.tail_margin or kind.tail_margin
    if quantity.startswith("growth"):
        return condition.margin or kind.margin
    return estimate.margin
