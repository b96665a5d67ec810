"""Whether response times stayed the same: the median and the slowest requests, in proven terms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, cast

import numpy as np

from stabkit.analyze.latency.objectives import objective_estimate
from stabkit.analyze.latency.quantiles import quantile_shift
from stabkit.analyze.outcome import Estimate, Need, Outcome, outcome_within
from stabkit.analyze.statistics import (
    CONFIDENCE,
    MEDIAN,
    MIN_ROUNDS,
    MIN_SAMPLES,
    SLOWEST,
    Contrast,
    QuantileBounds,
    QuantileContrast,
    Rounds,
    RunNoise,
    TailMeanContrast,
    alike_rounds,
    as_ratio,
    holm_limit,
    level_of,
    more_samples,
    need_for,
    one_sided_p,
    paired_contrast,
    quantile_of,
    read_rounds,
    tail_means,
    welch_contrast,
)
from stabkit.errors import SchemaError, UsageError

__all__ = [
    "LatencyComparison",
    "RunNoise",
    "compare_latency",
    "objective_estimate",
    "quantile_shift",
]

_QUANTILES: Final = {"p50": 0.50, "p99": 0.99}
TAIL_MEAN_MARGIN: Final = 0.75
"""Of the margin of the 99th percentile, what is allowed of the slowest 5 %: 15 % beside 20 %."""

_NARROWER: Final = 1.6  # so much narrower p99 must be to decide in place of the mean that sees rare requests
_BEYOND: Final = 10  # samples of a round beyond its quantile; with fewer a round's own p99 is merely its maximum


@dataclass(frozen=True)
class LatencyComparison:
    """Median and slowest requests of the candidate against the baseline.

    Attributes
    ----------
    outcome : str
        ``stable`` only if neither the median nor the tail is worse than its margin, the tail by the one of its two
        measures that tells more here; ``regressed`` if Holm's procedure over all one-sided p-values at 2.5 % rejects
        one that is not within its margin; ``improved`` likewise, the others no worse than their margins; else
        ``inconclusive``.
    need : Need or None
        What would decide it; None unless inconclusive.
    quantiles : tuple of Estimate
        ``p50`` and ``p99``, ratios with unadjusted bounds at ``confidence``.
    slowest : Estimate or None
        The ratio of the geometric means of the slowest 5 %, likewise; None where that are too few requests.
    flags : tuple of str
        ``run_noise_unknown`` the sides were not interleaved and no noise between runs is known; ``rounds_unpaired``
        rounds of one side only were left out; ``rounds_unequal`` one round against several; ``few_rounds`` fewer than
        five, never stable; ``slower_within_margin`` proven slower, by less than the margin; ``clock_tick`` the clock
        is coarser than the evidence.
    """

    outcome: Outcome
    need: Need | None
    quantiles: tuple[Estimate, ...]
    flags: tuple[str, ...] = ()
    slowest: Estimate | None = None

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Whatever was measured; the measure of the tail that does not decide has the flag ``not_deciding``."""
        return self.quantiles if self.slowest is None else (*self.quantiles, self.slowest)

    @property
    def deciding(self) -> tuple[Estimate, ...]:
        """What the outcome rests on: the median, and the measure of the tail that is worse most surely, or decides."""
        median, *tail = self.estimates
        worse = [e for e in tail if e.outcome == "regressed"]
        if worse:
            return median, min(worse, key=lambda e: 1.0 if e.p_worse is None else e.p_worse)
        return median, *(e for e in tail if "not_deciding" not in e.flags)


class _RunNoiseLike(Protocol):
    @property
    def sd(self) -> float: ...

    @property
    def df(self) -> float: ...


_NoiseGiven = RunNoise | tuple[float, float] | Sequence[float] | _RunNoiseLike


@dataclass(frozen=True, eq=False)
class _Design:
    """Both sides as they can be compared."""

    baseline: Rounds
    candidate: Rounds
    kind: str  # "single", "paired", "unpaired"
    noise: Mapping[float, RunNoise]  # by quantile; empty: unknown, or held by the interleaved rounds already
    flags: tuple[str, ...]
    level: float

    @property
    def sides(self) -> tuple[Rounds, Rounds]:
        return self.baseline, self.candidate

    @property
    def rounds(self) -> int:
        return min(side.count for side in self.sides)

    @property
    def n(self) -> int:
        return min(side.n for side in self.sides)

    @property
    def enough_for_stable(self) -> bool:
        return all(side.count <= 1 or side.count >= MIN_ROUNDS for side in self.sides)


def compare_latency(
    baseline: Any,
    candidate: Any,
    *,
    margin: float = 0.05,
    tail_margin: float = 0.20,
    paired: bool = True,
    run_noise: _NoiseGiven | Mapping[str, _NoiseGiven] | None = None,
    confidence: float = CONFIDENCE,
) -> LatencyComparison:
    """Say whether response times stayed within the margins, or what is missing to say it.

    Parameters
    ----------
    baseline, candidate : array-like or DataFrame
        1-D milliseconds in time order, shape (n,): one round. Or a frame with ``round`` and ``response_ms``, rows of a
        round in time order. Warm-up and failed requests left out. Not changed.
    margin, tail_margin : float
        Allowed relative growth of the median and of the 99th percentile; 0.05 is 5 %.
    paired : bool
        True if equal round numbers were measured next to each other; False for two separate runs.
    run_noise : RunNoise, (sd, df), sequence of float, or mapping of these by ``p50`` and ``p99``, optional
        How much the log ratio of two identical runs varies in this environment: known, or the log ratios of A/A pairs
        (a list, array or Series; only a tuple of two is read as (sd, df)). Interleaved rounds need none and ignore it.
    confidence : float
        Of the interval between both bounds. A look among several planned ones takes more than 0.95, so that all looks
        together err no more often than one.

    Returns
    -------
    LatencyComparison
        Never an error for want of evidence: no sample, one sample, or fewer than ten are ``inconclusive``.

    Raises
    ------
    SchemaError
        A value is null, infinite, zero or negative, is no number, or a column is missing.
    UsageError
        A margin, the run noise or the confidence is no such number, or a quantile lacks its noise.

    Notes
    -----
    One round a side: order statistics with a long-run variance of their ranks, contrasted by MOVER. Interleaved
    rounds: paired t on log quantiles per round, or for a p99 of rounds below 1000 samples the quantile of all samples
    with its variance between rounds. Separate runs: Welch on log quantiles per round, and the same for p99. Means over
    rounds are widened where neighbouring rounds are alike. The median is that of the mid-distribution, which a coarse
    clock moves smoothly. The slowest 5 % by their mean log time, variance by the jackknife over rounds; worse only if
    the excess over one limit of both sides says so too (:func:`.tail_means`).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> def side(ms):
    ...     times = ms * np.exp(0.1 * rng.standard_normal(3000))
    ...     return pd.DataFrame({"round": np.repeat(np.arange(30), 100), "response_ms": times})
    >>> compare_latency(side(20), side(20)).outcome, compare_latency(side(20), side(22)).outcome
    ('stable', 'regressed')
    >>> need = compare_latency([125.0], [126.0]).need
    >>> need.amount, need.unit, need.reason
    (30, 'rounds', 'one_sample')
    """
    for name, value in (("margin", margin), ("tail_margin", tail_margin)):
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name} is {value!r}.", where="compare_latency", hint="Give a number above 0, as 0.05.")
    design = _design(
        read_rounds(baseline, where="baseline"),
        read_rounds(candidate, where="candidate"),
        paired,
        _noises(run_noise),
        level_of(confidence),
    )
    if design.n < MIN_SAMPLES:
        need = _too_few(design)
        margins = zip(_QUANTILES.items(), (margin, tail_margin), strict=True)
        found = tuple(_unjudged(design, name, p, allowed, need) for (name, p), allowed in margins)
        return LatencyComparison("inconclusive", need, found, design.flags)
    median = _judge(design, "p50", *_contrast(design, _QUANTILES["p50"]), margin)
    p99 = _judge(design, "p99", *_contrast(design, _QUANTILES["p99"]), tail_margin)
    tail = _tail(design, p99, tail_margin)
    judged = (median, *tail)
    outcome = _combine(judged, design.level)
    needs = [one.need for one in judged if one.decides and not one.fine and one.need]
    estimates = [one.estimate for one in judged]
    flags = dict.fromkeys((*design.flags, *(flag for one in judged if one.decides for flag in one.estimate.flags)))
    return LatencyComparison(
        outcome,
        _largest(needs) if outcome == "inconclusive" else None,
        (estimates[0], estimates[1]),
        tuple(flags),
        estimates[2] if len(estimates) > 2 else None,
    )


def _noises(given: Any) -> Mapping[float, RunNoise]:
    if not isinstance(given, Mapping):
        noise = _noise(given)
        return {} if noise is None else dict.fromkeys(_QUANTILES.values(), noise)
    found = {p: _noise(given.get(name)) for name, p in _QUANTILES.items()}
    known = {p: noise for p, noise in found.items() if noise is not None}
    if set(given) - set(_QUANTILES) or (known and len(known) < len(found)):
        raise UsageError(
            f"run_noise is given for {', '.join(map(repr, given))}.",
            where="run_noise",
            hint=f"Give each of {', '.join(_QUANTILES)}: noise that one quantile lacks would count as none.",
        )
    return known


def _noise(given: Any) -> RunNoise | None:
    if given is None or isinstance(given, RunNoise):
        return given
    try:
        if hasattr(given, "sd") and hasattr(given, "df"):
            noise = RunNoise(float(given.sd), float(given.df))
        elif isinstance(given, tuple) and len(given) == 2:
            noise = RunNoise(float(given[0]), float(given[1]))
        else:
            ratios = np.asarray(given, dtype=np.float64).ravel()
            if ratios.size == 0:
                return None  # no history is the same as not knowing
            noise = RunNoise(math.sqrt(float(ratios @ ratios) / ratios.size), float(ratios.size))
    except (TypeError, ValueError) as error:
        raise SchemaError("run_noise does not hold numbers.", where="run_noise", hint="Give log ratios.") from error
    if not (math.isfinite(noise.sd) and noise.sd >= 0 and math.isfinite(noise.df) and noise.df > 0):
        raise UsageError(
            f"run_noise gives a standard deviation of {noise.sd:g} from {noise.df:g} pairs.",
            where="run_noise",
            hint="Give log ratios of identical pairs, or (sd, number of pairs).",
        )
    return noise


def _design(
    baseline: Rounds,
    candidate: Rounds,
    paired: bool,  # noqa: FBT001
    noise: Mapping[float, RunNoise],
    level: float,
) -> _Design:
    flags: list[str] = []
    kind = "unpaired" if min(baseline.count, candidate.count) > 1 else "single"
    if kind == "unpaired" and paired:
        common = np.intersect1d(baseline.labels, candidate.labels)
        if common.size >= 2:
            kind = "paired"
            if common.size < max(baseline.count, candidate.count):
                flags.append("rounds_unpaired")
                baseline, candidate = baseline.take(common), candidate.take(common)
        else:
            flags.append("rounds_unpaired")
    if kind == "single" and max(baseline.count, candidate.count) > 1:
        flags.append("rounds_unequal")
    if kind == "paired":
        noise = {}  # interleaved rounds hold the noise between runs already
    elif not noise:
        flags.append("run_noise_unknown")
    design = _Design(baseline, candidate, kind, noise, tuple(flags), level)
    if not design.enough_for_stable:
        flags.append("few_rounds")
    return _Design(baseline, candidate, kind, noise, tuple(flags), level)


def _contrast(design: _Design, p: float) -> tuple[Contrast, str]:
    b, c = design.sides
    if design.kind != "single" and min(b.sizes.min(), c.sizes.min()) * (1 - p) >= _BEYOND - 1e-9:
        logs_b, logs_c = b.log_quantiles(p), c.log_quantiles(p)
        tick = 0.0
        if p != MEDIAN or b.coarse or c.coarse:
            tick = (b.tick / math.exp(logs_b.mean()) + c.tick / math.exp(logs_c.mean())) / 2
        if design.kind == "paired":
            return alike_rounds(paired_contrast(logs_b, logs_c, tick=tick), logs_c - logs_b), "paired t over rounds"
        welch = welch_contrast(logs_b, logs_c, tick=tick, noise=design.noise.get(p))
        return alike_rounds(welch, logs_b, logs_c), "Welch over rounds"
    sides = quantile_of(b, p), quantile_of(c, p)
    if design.kind != "single":
        sides = _alike(*sides)
    words = {"single": "order statistics, long-run variance"}.get(design.kind, "order statistics, clustered variance")
    return QuantileContrast(sides, design.noise.get(p)), words


def _tail(design: _Design, p99: _Judged, tail_margin: float) -> tuple[_Judged, ...]:
    """Return both measures of the tail, the one that does not decide marked as such; p99 alone where requests are few.

    Which one tells more is read from the quieter side of each: a candidate whose rare requests got slow widens its own
    tail mean, and would choose the measure that does not see them.
    """
    b, c = (side.blocks() for side in design.sides)
    noise = max(design.noise.values(), key=lambda found: found.sd, default=None)
    contrast = tail_means(b, c, paired=design.kind == "paired", noise=noise)
    if contrast is None:
        return (p99,)
    over = "blocks of time" if design.kind == "single" else "rounds"
    margin = TAIL_MEAN_MARGIN * tail_margin
    slowest = _judge(design, SLOWEST, contrast, f"expected shortfall of logs, jackknife over {over}", margin)
    quantile = min(_half(quantile_of(side, _QUANTILES["p99"]), design.level) for side in design.sides)
    mean = min(side.half_width(design.level) for side in contrast.sides)
    if mean / math.log1p(margin) <= _NARROWER * quantile / math.log1p(tail_margin):
        return p99.beside(), slowest
    return p99, slowest.beside()


def _half(bounds: QuantileBounds, level: float) -> float:
    return bounds.at(level)[1] - bounds.estimate


def _alike(b: QuantileBounds, c: QuantileBounds) -> tuple[QuantileBounds, QuantileBounds]:
    """Return both sides as clustered as they are together: a few bad rounds may by chance lie on one side alone."""
    inflation = (b.inflation + c.inflation) / 2
    sd_b, sd_c = (math.sqrt(inflation * side.n * side.p * (1 - side.p)) for side in (b, c))
    return replace(b, rank_sd=sd_b), replace(c, rank_sd=sd_c)


@dataclass(frozen=True)
class _Judged:
    """One estimate, with what its contrast says of "candidate better" and what would decide it."""

    estimate: Estimate
    better: float
    need: Need | None
    decides: bool = True

    @property
    def fine(self) -> bool:
        return self.estimate.outcome in ("stable", "improved")

    def beside(self) -> _Judged:
        """Return it as what is shown beside the one that decides; a regression that it proves counts all the same."""
        flags = (*self.estimate.flags, "not_deciding")
        return replace(self, estimate=replace(self.estimate, flags=flags), decides=False)


def _judge(design: _Design, name: str, contrast: Contrast, method: str, margin: float) -> _Judged:
    low, high = contrast.at(design.level)
    g = math.log1p(margin)
    worse, better = contrast.p_values if isinstance(contrast, TailMeanContrast) else one_sided_p(contrast)
    outcome = outcome_within(low, high, g)
    if outcome in ("regressed", "improved") and min(worse, better) > design.level:
        outcome = "inconclusive"  # the slowest requests differ, the share beyond one limit of both sides does not
    flags = ["slower_within_margin"] if outcome == "stable" and low > 0 else []
    if outcome == "stable" and not design.enough_for_stable:
        outcome = "inconclusive"
    if math.isclose(high - (contrast.candidate - contrast.baseline), contrast.fixed) and any(
        side.tick for side in design.sides
    ):
        flags.append("clock_tick")
    need = None
    if outcome not in ("stable", "improved"):
        by_rounds = design.kind != "single"
        need = need_for(contrast, n=design.n, rounds=design.rounds, by_rounds=by_rounds, g=g, level=design.level)
        if not design.enough_for_stable:
            need = _few_rounds(design, need)
    bounded = math.isfinite(low) or math.isfinite(high)
    estimate = Estimate(
        name=name,
        unit="ms",
        scale="ratio",
        outcome=outcome,
        baseline=math.exp(contrast.baseline),
        candidate=math.exp(contrast.candidate),
        change=as_ratio(contrast.candidate - contrast.baseline) if bounded else None,
        low=as_ratio(low),
        high=as_ratio(high),
        margin=margin,
        p_worse=worse,
        beyond_margin=low > g,
        n_baseline=design.baseline.n,
        n_candidate=design.candidate.n,
        rounds=design.rounds,
        method=method,
        flags=tuple(flags),
        need=need if outcome == "inconclusive" else None,
    )
    return _Judged(estimate, better, need)


def _combine(judged: Sequence[_Judged], level: float) -> Outcome:
    limit = holm_limit([cast("float", one.estimate.p_worse) for one in judged], level)
    if any(cast("float", one.estimate.p_worse) <= limit and one.estimate.outcome == "regressed" for one in judged):
        return "regressed"
    if not all(one.fine for one in judged if one.decides):
        return "inconclusive"
    limit = holm_limit([one.better for one in judged], level)
    won = any(one.better <= limit and one.estimate.outcome == "improved" for one in judged)
    return "improved" if won else "stable"


def _largest(needs: Sequence[Need]) -> Need | None:
    return max(needs, key=lambda need: need.amount or 0, default=None)


def _few_rounds(design: _Design, need: Need) -> Need:
    missing = MIN_ROUNDS - min(side.count for side in design.sides if side.count > 1)
    planned = need.amount if need.unit == "rounds" and need.amount and need.reason == "wide_interval" else 0
    return Need(max(missing, planned), "rounds", "too_few_samples", "rounds", numbers=(("least", MIN_ROUNDS),))


def _too_few(design: _Design) -> Need:
    empty = [name for name, side in zip(("baseline", "candidate"), design.sides, strict=True) if side.n == 0]
    need = more_samples(design.n)
    return replace(need, about="empty_sides", subjects=tuple(empty)) if empty else need


def _unjudged(design: _Design, name: str, p: float, margin: float, need: Need) -> Estimate:
    """Return an estimate without bounds: too few samples for any."""
    median = p == 0.5  # of a handful of samples a 99th percentile is not even a description
    medians = [float(np.median(side.values)) if side.n and median else None for side in design.sides]
    b, c = medians
    return Estimate(
        name=name,
        unit="ms",
        scale="ratio",
        outcome="inconclusive",
        baseline=b,
        candidate=c,
        change=c / b if b is not None and c is not None else None,
        margin=margin,
        n_baseline=design.baseline.n,
        n_candidate=design.candidate.n,
        rounds=design.rounds,
        method="none: fewer than 10 samples",
        need=need,
    )
