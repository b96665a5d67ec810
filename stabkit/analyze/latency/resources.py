"""Whether a process uses more than before, and whether it grows: readings per round."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.outcome import Estimate, Need, Outcome, outcome_within
from stabkit.analyze.statistics import (
    CONFIDENCE,
    LEVEL,
    MIN_ROUNDS,
    OUT_OF_PROPORTION,
    START,
    FloatArray,
    MeanContrast,
    Rounds,
    as_ratio,
    level_of,
    need_for,
    neighbour_correlation,
    one_sided_p,
    paired_contrast,
    read_rounds,
    t_quantile,
    theil_sen,
    welch_contrast,
    widening,
    with_power,
)
from stabkit.errors import SchemaError, UsageError
from stabkit.vocabulary import Worse

__all__ = ["compare_resource"]

_UNITS: Final = {"memory": "MB", "cpu": "s", "container_memory": "MB", "container_cpu": "s"}
_GROWING: Final = ("memory", "container_memory")
_SMALLEST: Final = {
    "cpu": 0.01,
    "threads": 1.0,
    "open_files": 1.0,
    "sockets": 1.0,
    "container_processes": 1.0,
    "oom_kills": 1.0,
}
"""The least step of a reading that may be 0, added to all where one is: a tick of the kernel's accounting, or one more.

Levels are compared as ratios, and 0 has none. Of any other reading the differences are judged then."""

_MIN_GROWTH_ROUNDS: Final = 8
_WANDERS: Final = 0.3  # lag-1 correlation about the trend; below it steps say more of the noise than of a walk


def compare_resource(
    baseline: pd.DataFrame,
    candidate: pd.DataFrame,
    *,
    metric: str,
    margin: float,
    paired: bool = True,
    confidence: float = CONFIDENCE,
    worse: Worse = "higher",
    absolute_margin: float | None = None,
    unit: str | None = None,
) -> tuple[Estimate, ...]:
    """Say whether a resource kept its level, and for memory whether it grows faster than before.

    Parameters
    ----------
    baseline, candidate : DataFrame
        ``round`` and ``value``, one or more readings a round, in time order.
    metric : str
        ``memory`` and ``container_memory`` (readings above 0) are judged for growth as well; any other, such as
        ``cpu``, for its level only.
    margin : float
        Allowed relative increase of the level, and of the growth over the rounds collected.
    paired : bool
        True if equal round numbers were measured next to each other.
    confidence : float
        Of the interval between both bounds.
    worse : str
        ``higher`` or ``lower``; the margin is how much more or less is allowed. What falls is not judged for growth.
    absolute_margin : float, optional
        Allowed worsening of the level in the unit of the readings; it takes the place of ``margin`` there.
    unit : str, optional
        Of the readings; by default that of the metric as stabkit itself measures it.

    Returns
    -------
    tuple of Estimate
        ``level``: the difference of means where an absolute margin is given or a reading is not above 0, else the ratio
        of means over rounds, on logs. For memory ``growth per round``: the ratio by which the candidate grows each
        round beyond the baseline (1 is equal growth), ``baseline`` and ``candidate`` being each side's own growth, per
        cent of its level each round; its margin per round is the one that adds up to ``margin`` over the rounds. Fewer
        than five rounds for the level, or eight for growth, are never stable and not judged.

    Notes
    -----
    Level: paired t, or Welch, on the mean log reading of each round, widened by √((1+r)/(1-r)) for the lag-1
    correlation r about a straight line: memory that wanders stays high or low for several rounds. Differences likewise,
    on the readings themselves; without an absolute margin, ``margin`` is taken of the baseline's mean. Of a mean of 0
    that is nothing: no change at all is stable then, and whatever is surely worse regressed.

    Growth: Theil-Sen slopes of the log readings with Sen's bounds (doi:10.1080/01621459.1968.10480934), widened
    likewise and no narrower than the mean of its steps where it wanders; contrasted by MOVER. A leak of the candidate
    alone is proven growth beyond the margin: ``regressed``; a slower one is ``inconclusive`` until more rounds show it,
    or ``stable`` with the flag ``growing`` where even its upper bound keeps within the margin over as many rounds.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> def side(step):
    ...     return pd.DataFrame({"round": np.arange(20), "value": 60 + step * np.arange(20) + rng.normal(0, 0.3, 20)})
    >>> [e.outcome for e in compare_resource(side(0), side(0), metric="memory", margin=0.1)]
    ['stable', 'stable']
    >>> [e.outcome for e in compare_resource(side(0), side(2), metric="memory", margin=0.1)]
    ['regressed', 'regressed']
    """
    if not (math.isfinite(margin) and margin > 0):
        raise UsageError(f"margin is {margin!r}.", where="compare_resource", hint="Give a number above 0, as 0.10.")
    if worse == "lower" and absolute_margin is None and margin >= 1:
        raise SchemaError(f"a margin of {margin:g} allows any loss where lower is worse", where="compare_resource")
    grows = metric in _GROWING and worse == "higher"
    sides, flags = _read(baseline, candidate, metric)
    differences = absolute_margin is not None or any(bool((side.values <= 0).any()) for side in sides)
    logs = [_per_round(side, side.values if differences else side.logs) for side in sides]
    labels = [side.labels for side in sides]
    known: dict[str, Any] = {
        "scale": "difference" if differences else "ratio", "n_baseline": sides[0].n, "n_candidate": sides[1].n,
        "rounds": min(side.count for side in sides), "worse": worse,
    }  # fmt: skip
    if paired and min(side.count for side in sides):
        common = np.intersect1d(labels[0], labels[1])
        if common.size >= 2:
            sides = [side.take(common) for side in sides]
            logs = [values[np.isin(own, common)] for values, own in zip(logs, labels, strict=True)]
            labels = [common, common]
            known["rounds"] = int(common.size)
        else:
            paired = False
    if not paired:
        flags = (*flags, "run_noise_unknown")
    error = level_of(confidence)
    own = {**known, "unit": _UNITS.get(metric, "") if unit is None else unit, "flags": flags}
    if differences:
        level = _difference(logs, paired, (margin, absolute_margin), error, own)
    else:
        level = _level(logs, paired, margin, error, own)
    if not grows:
        return (level,)
    logs = [_per_round(side, side.logs) for side in sides]
    return level, _growth(
        logs, labels, margin, error, {**known, "scale": "ratio", "unit": "% per round", "flags": flags}
    )


def _per_round(side: Rounds, values: FloatArray) -> FloatArray:
    return np.add.reduceat(values, side.starts[:-1]) / side.sizes if side.n else values


def _read(baseline: pd.DataFrame, candidate: pd.DataFrame, metric: str) -> tuple[list[Rounds], tuple[str, ...]]:
    frames = [baseline, candidate]
    flags: tuple[str, ...] = ()
    if metric in _SMALLEST and all("value" in frame.columns for frame in frames):
        zero = any(bool((frame["value"] == 0).any()) for frame in frames)
        if zero:
            frames = [frame.assign(value=frame["value"] + _SMALLEST[metric]) for frame in frames]
            flags = ("zero_readings",)
    names = ("baseline", "candidate")
    positive = metric in _GROWING  # no process holds no memory
    read = [read_rounds(f, where=n, column="value", positive=positive) for f, n in zip(frames, names, strict=True)]
    return read, flags


def _level(
    logs: list[FloatArray],
    paired: bool,  # noqa: FBT001
    margin: float,
    error: float,
    known: dict[str, Any],
) -> Estimate:
    rounds = min(values.size for values in logs)
    if rounds < MIN_ROUNDS:
        return Estimate(name="level", outcome="inconclusive", margin=margin, need=_few(rounds, MIN_ROUNDS), **known)
    contrast = _contrast(logs, paired, known["worse"])
    method = "paired t over rounds" if paired else "Welch over rounds"
    g = math.log1p(margin) if known["worse"] == "higher" else -math.log1p(-margin)
    estimate, outcome = _estimate("level", contrast, g, error, {**known, "method": method})
    need = None
    if outcome == "inconclusive":
        need = need_for(contrast, n=rounds, rounds=rounds, by_rounds=True, g=g, level=error)
    return Estimate(**{**estimate, "need": need, "margin": margin})


def _contrast(values: list[FloatArray], paired: bool, worse: Worse) -> MeanContrast:  # noqa: FBT001
    """Return the contrast of both sides' values per round, turned so that more of it is worse."""
    if worse == "lower":
        values = [-side for side in values]
    contrast = paired_contrast(values[0], values[1]) if paired else welch_contrast(values[0], values[1])
    parts = [values[1] - values[0]] if paired else values
    # A leak is no correlation: what neighbours have in common is seen about a line.
    return replace(contrast, se=contrast.se * max(widening(neighbour_correlation(part)) for part in parts))


def _difference(
    means: list[FloatArray],
    paired: bool,  # noqa: FBT001
    margins: tuple[float, float | None],
    error: float,
    known: dict[str, Any],
) -> Estimate:
    """Return the estimate of the level as a difference, as of what may be 0."""
    margin, absolute = margins
    rounds = min(values.size for values in means)
    if rounds < MIN_ROUNDS:
        return Estimate(name="level", outcome="inconclusive", margin=absolute, need=_few(rounds, MIN_ROUNDS), **known)
    contrast = _contrast(means, paired, known["worse"])
    g = margin * abs(contrast.baseline) if absolute is None else absolute
    low, high = contrast.at(error)
    outcome: Outcome = "stable" if low == high == 0 else outcome_within(low, high, g)
    need = None
    if outcome == "inconclusive":
        # The half-width falls with the root of the rounds.
        planned = with_power(error) * (high - low) / 2
        total = max(rounds + 1, math.ceil(rounds * (planned / g) ** 2)) if g > 0 else math.inf
        need = Need(None, "rounds", "undeclared", "absolute_margin", numbers=(("decides", max(high, planned)),))
        if total <= OUT_OF_PROPORTION * rounds:
            need = Need(int(total) - rounds, "rounds", "wide_interval")
    sign = -1 if known["worse"] == "lower" else 1
    ends = sorted((sign * low, sign * high))
    return Estimate(
        name="level",
        outcome=outcome,
        baseline=sign * contrast.baseline + 0.0,  # never −0
        candidate=sign * contrast.candidate + 0.0,
        change=sign * (contrast.candidate - contrast.baseline) + 0.0,
        low=ends[0] + 0.0,
        high=ends[1],
        margin=g or None,
        p_worse=one_sided_p(contrast)[0],
        beyond_margin=low > g,
        method=f"{'paired t' if paired else 'Welch'} over rounds, of differences",
        need=need,
        **known,
    )


def _growth(
    logs: list[FloatArray], labels: list[FloatArray], margin: float, error: float, known: dict[str, Any]
) -> Estimate:
    rounds = min(values.size for values in logs)
    name = "growth per round"
    if rounds < _MIN_GROWTH_ROUNDS:
        return Estimate(name=name, outcome="inconclusive", need=_few(rounds, _MIN_GROWTH_ROUNDS), **known)
    span = max(float(own[-1] - own[0]) for own in labels)
    g = math.log1p(margin) / span
    contrast = _SlopeContrast(*(_Slope(own, values) for own, values in zip(labels, logs, strict=True)))
    estimate, outcome = _estimate(name, contrast, g, error, {**known, "method": "Theil-Sen slopes of logs"})
    estimate |= {side: 100 * math.expm1(getattr(contrast, side)) for side in ("baseline", "candidate")}
    if outcome == "stable" and estimate["low"] > 1:
        estimate["flags"] = (*estimate["flags"], "growing")
    need = None
    if outcome == "inconclusive":
        _, high = contrast.at(error)
        # The error of a slope falls with rounds^1.5, and the margin per round with rounds: √rounds is gained.
        planned = with_power(error) * (high - contrast.candidate + contrast.baseline)
        total = max(rounds + 1, math.ceil(rounds * (planned / g) ** 2))
        need = Need(total - rounds, "rounds", "wide_interval", subjects=(name,))
        if total > OUT_OF_PROPORTION * rounds:
            need = replace(need, reason="smallest_margin", decidable_margin=as_ratio(span * max(high, planned)) - 1)
    return Estimate(**{**estimate, "need": need})


class _Slope:
    """Theil-Sen slope of one side with bounds at any level."""

    def __init__(self, rounds: FloatArray, logs: FloatArray) -> None:
        found = theil_sen(logs, rounds, level=LEVEL)
        self.slope, self.rounds = found.slope, int(logs.size)
        rest = logs - (found.intercept + self.slope * rounds)
        rest = rest - rest.mean()
        n, spread = logs.size, float(rest @ rest)
        r = neighbour_correlation(rest)
        # Ranked slopes know nothing of a level that moves in one step; the least-squares error does.
        steady = rounds - rounds.mean()
        least = t_quantile(LEVEL, n - 2) * math.sqrt(spread / (n - 2) / float(steady @ steady))
        wide = widening(r)
        # What wanders keeps each of its steps: then their mean is the slope, and no trend line narrows it.
        gaps = np.diff(rounds)
        steps = (np.diff(logs) - self.slope * gaps) / np.sqrt(gaps)
        wander = float(steps.std(ddof=1)) / math.sqrt(float(gaps.sum())) if r > _WANDERS else 0.0
        walk = t_quantile(LEVEL, n - 2) * wander
        self.below = max(walk, wide * max(self.slope - found.low, least))
        self.above = max(walk, wide * max(found.high - self.slope, least))


class _SlopeContrast:
    """The difference of two slopes, by MOVER; other levels by the shape of Student's t from the bounds at 95 %."""

    def __init__(self, baseline: _Slope, candidate: _Slope) -> None:
        self.baseline, self.candidate, self.fixed = baseline.slope, candidate.slope, 0.0
        self._df = min(baseline.rounds, candidate.rounds) - 2
        self._down = math.hypot(candidate.below, baseline.above)
        self._up = math.hypot(candidate.above, baseline.below)

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds of the difference of slopes."""
        share = t_quantile(level, self._df) / t_quantile(LEVEL, self._df)
        delta = self.candidate - self.baseline
        return delta - share * self._down, delta + share * self._up


def _estimate(
    name: str,
    contrast: MeanContrast | _SlopeContrast,
    g: float,
    error: float,
    known: dict[str, Any],
) -> tuple[dict[str, Any], Outcome]:
    low, high = contrast.at(error)
    outcome = outcome_within(low, high, g)
    sign = -1 if known["worse"] == "lower" else 1
    ends = sorted((sign * low, sign * high))
    return {
        **known,
        "name": name,
        "outcome": outcome,
        "baseline": math.exp(sign * contrast.baseline),
        "candidate": math.exp(sign * contrast.candidate),
        "change": as_ratio(sign * (contrast.candidate - contrast.baseline)),
        "low": as_ratio(ends[0]),
        "high": as_ratio(ends[1]),
        "margin": math.expm1(g),
        "p_worse": one_sided_p(contrast)[0],
        "beyond_margin": low > g,
    }, outcome


def _few(rounds: int, least: int) -> Need:
    if rounds == 0:
        return Need(START[0], "rounds", "missing", "readings")
    return Need(least - rounds, "rounds", "too_few_samples", "rounds", numbers=(("least", least),))
