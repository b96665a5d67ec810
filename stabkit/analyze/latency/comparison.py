"""Whether response times stayed the same: median and 99th percentile, in proven terms."""

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
    MIN_ROUNDS,
    MIN_SAMPLES,
    Contrast,
    QuantileBounds,
    QuantileContrast,
    Rounds,
    RunNoise,
    as_ratio,
    holm_limit,
    level_of,
    more_samples,
    need_for,
    one_sided_p,
    paired_contrast,
    quantile_of,
    read_rounds,
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
_BEYOND: Final = 10  # samples of a round beyond its quantile; with fewer a round's own p99 is merely its maximum


@dataclass(frozen=True)
class LatencyComparison:
    """Median and 99th percentile of the candidate against the baseline.

    Attributes
    ----------
    outcome : str
        ``stable`` only if neither is worse than its margin; ``regressed`` if Holm's procedure over the two one-sided
        p-values at 2.5 % rejects one that is not within its margin; ``improved`` likewise, the other no worse than its
        margin; else ``inconclusive``.
    need : Need or None
        What would decide it; None unless inconclusive.
    quantiles : tuple of Estimate
        ``p50`` and ``p99``, ratios with unadjusted bounds at ``confidence``.
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
    with its variance between rounds. Separate runs: Welch on log quantiles per round, and the same for p99.

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
    wanted = [(name, p, allowed) for (name, p), allowed in zip(_QUANTILES.items(), (margin, tail_margin), strict=True)]
    if design.n < MIN_SAMPLES:
        need = _too_few(design)
        found = tuple(_unjudged(design, name, p, allowed, need) for name, p, allowed in wanted)
        return LatencyComparison("inconclusive", need, found, design.flags)
    judged = [_judge(design, name, p, allowed) for name, p, allowed in wanted]
    estimates = tuple(estimate for estimate, _, _ in judged)
    outcome = _combine(estimates, [better for _, better, _ in judged], design.level)
    needs = [need for estimate, _, need in judged if estimate.outcome not in ("stable", "improved") and need]
    flags = dict.fromkeys((*design.flags, *(flag for estimate in estimates for flag in estimate.flags)))
    return LatencyComparison(outcome, _largest(needs) if outcome == "inconclusive" else None, estimates, tuple(flags))


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
    ticks = (b.tick, c.tick)
    if design.kind != "single" and min(b.sizes.min(), c.sizes.min()) * (1 - p) >= _BEYOND - 1e-9:
        logs_b, logs_c = b.log_quantiles(p), c.log_quantiles(p)
        tick = (ticks[0] / math.exp(logs_b.mean()) + ticks[1] / math.exp(logs_c.mean())) / 2
        if design.kind == "paired":
            return paired_contrast(logs_b, logs_c, tick=tick), "paired t over rounds"
        return welch_contrast(logs_b, logs_c, tick=tick, noise=design.noise.get(p)), "Welch over rounds"
    sides = quantile_of(b, p), quantile_of(c, p)
    if design.kind != "single":
        sides = _alike(*sides)
    words = {"single": "order statistics, long-run variance"}.get(design.kind, "order statistics, clustered variance")
    return QuantileContrast(sides, design.noise.get(p)), words


def _alike(b: QuantileBounds, c: QuantileBounds) -> tuple[QuantileBounds, QuantileBounds]:
    """Return both sides as clustered as they are together: a few bad rounds may by chance lie on one side alone."""
    inflation = (b.inflation + c.inflation) / 2
    sd_b, sd_c = (math.sqrt(inflation * side.n * side.p * (1 - side.p)) for side in (b, c))
    return replace(b, rank_sd=sd_b), replace(c, rank_sd=sd_c)


def _judge(design: _Design, name: str, p: float, margin: float) -> tuple[Estimate, float, Need | None]:
    """Return the estimate, the p-value of "candidate better", and what would decide it."""
    contrast, method = _contrast(design, p)
    low, high = contrast.at(design.level)
    g = math.log1p(margin)
    outcome = outcome_within(low, high, g)
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
    worse, better = one_sided_p(contrast)
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
    return estimate, better, need


def _combine(estimates: Sequence[Estimate], better: Sequence[float], level: float) -> Outcome:
    fine = [estimate.outcome in ("stable", "improved") for estimate in estimates]
    worse = [cast("float", estimate.p_worse) for estimate in estimates]
    limit = holm_limit(worse, level)
    if any(p <= limit and estimate.outcome == "regressed" for p, estimate in zip(worse, estimates, strict=True)):
        return "regressed"
    if not all(fine):
        return "inconclusive"
    limit = holm_limit(better, level)
    won = any(p <= limit and estimate.outcome == "improved" for p, estimate in zip(better, estimates, strict=True))
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
