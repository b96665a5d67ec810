"""A candidate against its line: stable, slower, or open, for one statistic of one target."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stabkit.analyze.earlier import RunValue
from stabkit.analyze.facts import About, Need
from stabkit.analyze.line.baseline import Level, accepted_level, recent_level
from stabkit.analyze.line.calibration import Calibration, calibration_of
from stabkit.analyze.line.interval import Difference, extra_variance
from stabkit.analyze.line.need import line_need
from stabkit.analyze.line.noise import LineNoise, line_noise
from stabkit.analyze.outcome import Outcome, outcome_within
from stabkit.analyze.statistics import LEVEL, as_ratio

__all__ = ["FEWEST_RUNS", "LineJudgement", "judge_on_line", "slower_versions"]

FEWEST_RUNS: Final = 3
"""Of a line, below which it says nothing of how much runs differ."""


@dataclass(frozen=True)
class LineJudgement:
    """How a candidate stands to its line.

    Attributes
    ----------
    outcome : str
        ``stable`` if both upper bounds are inside the margin; ``regressed`` if a lower bound is above no change, it is
        not stable, and a second run of the candidate says the same; ``improved`` mirrors it; else ``inconclusive``.
    runs : tuple of RunValue
        The runs that count, oldest first: those that were shown slower, twice, and not accepted are left out.
    noise : LineNoise
    recent, accepted : Level
        The level of the newest runs, and the one that does not move.
    against, against_accepted : Difference
        The candidate against each.
    error : float
        One-sided, of every bound.
    crept : bool
        True if the level of the newest runs hides what the accepted one shows.
    slower : bool
        True if a lower bound is above no change and it is not stable, repeated or not.
    repeated : bool
        True if both the candidate and another run of its version are shown to be slower, within the margin or beyond.
    need : Need or None
        What would decide it; None unless inconclusive.
    calibrated : bool
        True if all values were brought to one pace of the machine first.
    """

    outcome: Outcome
    runs: tuple[RunValue, ...]
    noise: LineNoise
    recent: Level
    accepted: Level
    against: Difference
    against_accepted: Difference
    error: float
    crept: bool
    slower: bool
    repeated: bool = False
    need: Need | None = None
    calibrated: bool = False

    @property
    def leading(self) -> Difference:
        """The difference that decides: from the newest runs, unless the accepted level alone shows it."""
        return self.against_accepted if self.crept else self.against

    @property
    def in_small_steps(self) -> bool:
        """True if the accepted level alone shows it, and nowhere in the line is a step to be seen."""
        return self.crept and self.slower and len(self.noise.starts) == 1

    @property
    def level(self) -> Level:
        """The level of that difference."""
        return self.accepted if self.crept else self.recent

    @property
    def level_runs(self) -> tuple[RunValue, ...]:
        """The runs of that level, oldest first."""
        return self.runs[self.level.first : self.level.first + self.level.count]


def judge_on_line(
    history: Sequence[RunValue],
    candidate: RunValue,
    margin: float,
    *,
    repeats: Sequence[RunValue] = (),
    error: float = LEVEL,
    left_out: Collection[str] | None = None,
) -> LineJudgement | None:
    """Say how a candidate stands to the runs before it; None where there are too few.

    Parameters
    ----------
    history : sequence of RunValue
        Earlier runs of the line, oldest first, without those of the candidate's version.
    candidate : RunValue
        The run that is judged.
    margin : float
        On the scale of the values: ln(1 + margin).
    repeats : sequence of RunValue
        Other runs of the candidate's version. Without one that agrees nothing is ``regressed``; and whoever runs a slow
        version until it looks fast proves nothing: it is ``stable`` only if most of its runs are not slower.
    error : float
        One-sided, of every bound.
    left_out : collection of str, optional
        Versions that are no measure of others; those that :func:`slower_versions` finds if None.

    Notes
    -----
    Prediction intervals (Hahn and Meeker 1991, "Statistical Intervals", doi:10.1002/9780470316771): a new run against
    the mean of k runs varies by s sqrt(1 + 1/k). Against the newest runs a change shows at once; against the accepted
    ones also what came in steps that are too small to be seen.

    Examples
    --------
    >>> line = [RunValue(x) for x in (3.00, 3.01, 2.99, 3.00, 3.02, 2.98, 3.01)]
    >>> judge_on_line(line, RunValue(3.01), 0.1).outcome
    'stable'
    >>> slower = judge_on_line(line, RunValue(3.2), 0.1)
    >>> slower.outcome, slower.need.reason, judge_on_line(line, RunValue(3.2), 0.1, repeats=[RunValue(3.21)]).outcome
    ('inconclusive', 'not_repeated', 'regressed')
    """
    gone = slower_versions(history, margin, error) if left_out is None else left_out
    last = _last_accepted(history)
    runs = [run for place, run in enumerate(history) if place <= last or run.version not in gone]
    measure = _Measure.of(runs)
    if measure is None:
        return None
    found = _compared(measure, candidate, margin, error)
    others = [_compared(measure, repeat, margin, error) for repeat in repeats]
    outcome = _within(found, margin)
    if outcome in ("regressed", "improved") and outcome not in [_within(one, margin) for one in others]:
        outcome = "inconclusive" if outcome == "regressed" else "stable"
    need = None
    if outcome == "inconclusive":
        need = _once_more(found) if found.slower else line_need(found.noise, found.level, margin, error=error)
    slower = [one for one in others if one.slower]
    if outcome in ("stable", "improved") and 2 * len(slower) > len(others):
        outcome, need = "inconclusive", _disagree(slower)
    repeated = _lowest(found) > 0 and any(_lowest(one) > 0 for one in others)
    return replace(found, outcome=outcome, repeated=repeated, need=need)


@dataclass(frozen=True)
class _Measure:
    """What the runs of a line are a measure by: their noise and both levels, and at which pace of the machine."""

    runs: tuple[RunValue, ...]
    noise: LineNoise
    recent: Level
    accepted: Level
    calibration: Calibration | None = None

    @classmethod
    def of(cls, runs: Sequence[RunValue]) -> _Measure | None:
        """Return what these runs are a measure by; None of too few."""
        noise = line_noise(runs) if len(runs) >= FEWEST_RUNS else None
        if noise is None or noise.df < FEWEST_RUNS - 1:
            return None
        return cls(tuple(runs), noise, recent_level(runs, noise), accepted_level(runs))

    def at_one_pace(self) -> _Measure:
        """Return the measure of the same runs at one pace of the machine, where their values follow it."""
        found = calibration_of(self.runs)
        if found is None:
            return self
        runs = tuple(found.brought(run) for run in self.runs)
        return _Measure(runs, found.noise, recent_level(runs, found.noise), accepted_level(runs), found)

    def difference(self, candidate: RunValue, level: Level) -> Difference:
        """Return a candidate against one of the levels."""
        extra, leverage = extra_variance(candidate, self.runs, level), 0.0
        if self.calibration is not None:
            leverage = self.calibration.leverage(candidate, self.runs[level.first : level.first + level.count])
            candidate = self.calibration.brought(candidate)
        return Difference.of(candidate, level, self.noise, extra, leverage)


def _compared(measure: _Measure, candidate: RunValue, margin: float, error: float) -> LineJudgement:
    """Return a candidate against both levels, whatever a second run says."""
    if candidate.calibration is not None:
        measure = measure.at_one_pace()
    runs, noise, recent, accepted = measure.runs, measure.noise, measure.recent, measure.accepted
    against, anchored = (measure.difference(candidate, level) for level in (recent, accepted))
    (low, high), (anchor_low, anchor_high) = against.at(error), anchored.at(error)
    stable = max(high, anchor_high) < margin
    crept = not stable and (high < margin or (anchor_low > 0 >= low))
    slower = not stable and max(low, anchor_low) > 0
    return LineJudgement("inconclusive", runs, noise, recent, accepted, against, anchored, error, crept, slower,
                         calibrated=measure.calibration is not None)  # fmt: skip


def _within(found: LineJudgement, margin: float) -> Outcome:
    """Return what the bounds alone say."""
    if found.slower:
        return "regressed"
    low, high = found.against.at(found.error)
    if max(high, found.against_accepted.at(found.error)[1]) >= margin:
        return "inconclusive"
    return outcome_within(low, high, margin)


def _lowest(found: LineJudgement) -> float:
    """Return the lower bound that lies highest: what is shown of being slower."""
    return max(one.at(found.error)[0] for one in (found.against, found.against_accepted))


def _disagree(slower: Sequence[LineJudgement]) -> Need:
    share = max(as_ratio(one.leading.change) - 1 for one in slower)
    return Need(1, "runs", "not_repeated", "runs_disagree", numbers=(("slower_share", share),), side="candidate")


def _once_more(found: LineJudgement) -> Need:
    slower = as_ratio(found.leading.change) - 1
    about: About | None = ("small_steps" if found.in_small_steps else "accepted_level") if found.crept else None
    return Need(1, "runs", "not_repeated", about, numbers=(("slower_share", slower),), side="candidate")


def slower_versions(history: Sequence[RunValue], margin: float, error: float = LEVEL) -> frozenset[str]:
    """Return the versions of a line that two runs showed to be slower, and that nobody accepted.

    They are no measure of others: else a step would be red once, and the level a few runs later.
    """
    last = _last_accepted(history)
    kept: list[RunValue] = []
    slower: set[str] = set()
    for place, run in enumerate(history):
        before = kept[-1] if kept else None
        if before is not None and run.version is not None and before.version == run.version and place - 1 > last:
            measure = _Measure.of(kept[:-1])
            if measure is not None and all(_compared(measure, one, margin, error).slower for one in (before, run)):
                slower.add(run.version)
                kept.pop()
        if place <= last or run.version not in slower:
            kept.append(run)
    return frozenset(slower)


def _last_accepted(history: Sequence[RunValue]) -> int:
    """Return the place of the newest run whose level was accepted; of the first without any."""
    return max((place for place, run in enumerate(history) if run.accepted), default=0)
