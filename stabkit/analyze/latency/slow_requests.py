"""Whether more requests are slow than before: a guard of the tail that a few hundred requests can decide."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from stabkit.analyze.outcome import Estimate, Need, outcome_within
from stabkit.analyze.statistics import (
    CONFIDENCE,
    MIN_ROUNDS,
    MIN_SAMPLES,
    OUT_OF_PROPORTION,
    USUAL,
    PairedShares,
    Rounds,
    RunNoise,
    ShareContrast,
    level_of,
    more_samples,
    p_worse,
    quantile_of,
    read_rounds,
    separate_shares,
    with_power,
)
from stabkit.errors import UsageError

__all__ = ["MARGIN", "USUAL", "compare_slow_requests", "default_margin"]

MARGIN: Final = 0.04
"""Slow requests more than before that are allowed, as a share of all; why 4 %: docs/decisions."""


def default_margin(quantile: float | None) -> float:
    """Return the margin where none is configured: never more than all that an objective of that quantile allows.

    Examples
    --------
    >>> default_margin(None), round(default_margin(0.99), 4)
    (0.04, 0.01)
    """
    return MARGIN if quantile is None else min(MARGIN, 1 - quantile)


def compare_slow_requests(
    baseline: Any,
    candidate: Any,
    *,
    margin: float | None = None,
    slower_than_ms: float | None = None,
    paired: bool = True,
    run_noise: RunNoise | None = None,
    confidence: float = CONFIDENCE,
) -> tuple[Estimate, float | None]:
    """Say whether the share of slow requests stayed within an absolute margin.

    Parameters
    ----------
    baseline, candidate : array-like or DataFrame
        As for ``compare_latency``: milliseconds in time order, one round, or a frame with ``round`` and
        ``response_ms``. Failed requests are left out: they count as errors.
    margin : float, optional
        Absolute; 0.04 allows four requests in a hundred more to be slow. :data:`MARGIN` if None.
    slower_than_ms : float, optional
        What is slow, ms. None: whatever is slower than the baseline's own 95th percentile.
    paired : bool
        True if equal round numbers were measured next to each other; rounds of one side only are then left out.
    run_noise : RunNoise, optional
        How much the log ratio of two identical runs varies, near the limit. Interleaved rounds need none and ignore it.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    Estimate
        On the ``difference`` scale, unit ``share``. Fewer than ten requests a side are ``inconclusive``, two to four
        rounds are never ``stable``. Flags: ``run_noise_unknown`` the sides were not interleaved and no noise between
        runs is known; ``few_rounds``.
    float or None
        The limit in ms; None where there is too little to take it from.

    Raises
    ------
    SchemaError
        As for ``compare_latency``.
    UsageError
        The margin is no share between 0 and 1, or the limit is not above 0.

    Notes
    -----
    Five or more interleaved rounds: Student's t on their differences, never narrower than Newcombe's interval of
    independent requests (:class:`.PairedShares`); what slows the machine slows both
    sides of a round, so this decides with a third of the rounds.

    Else: requests of a round are alike, so each side's share has its variance between rounds (one round: its long-run
    variance), never below that of independent requests, and Student's t; Wilson's bounds with as many requests as that
    variance is worth (Korn and Graubard 1998, Survey Methodology 24:193) are contrasted as Newcombe does. A limit taken
    from the baseline is itself an estimate: moved to the ends of its interval it moves the candidate's share, which
    takes the place of the baseline's own half-width (with ties the larger of both counts). Neither side counts as less
    clustered than both together. Noise between separate runs moves all times alike: the
    candidate's share beyond a limit moved by as much widens the interval.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> before, after = (20 * np.exp(0.1 * rng.standard_normal(900)) for _ in range(2))
    >>> compare_slow_requests(before, after)[0].outcome
    'stable'
    >>> compare_slow_requests(before, np.where(np.arange(900) % 12, after, 3 * after))[0].outcome
    'regressed'
    """
    allowed = MARGIN if margin is None else margin
    if not 0 < allowed < 1 or (slower_than_ms is not None and not 0 < slower_than_ms < math.inf):
        raise UsageError(
            f"The margin is {allowed!r}, the limit {slower_than_ms!r} ms.",
            where="compare_slow_requests",
            hint="Give a share between 0 and 1, such as 0.04, and a limit above 0 ms or none.",
        )
    before, after, flags = _sides(baseline, candidate, paired=paired)
    apart = "run_noise_unknown" in flags
    noise = run_noise if apart else None  # interleaved rounds hold it already
    if noise is not None:
        flags = tuple(flag for flag in flags if flag != "run_noise_unknown")
    known: dict[str, Any] = {
        "name": "slow requests", "unit": "share", "scale": "difference", "margin": allowed, "n_baseline": before.n,
        "n_candidate": after.n, "rounds": min(before.count, after.count), "flags": flags,
    }  # fmt: skip
    fewest = min(before.n, after.n)
    if fewest < MIN_SAMPLES:
        return Estimate(outcome="inconclusive", need=more_samples(fewest), **known), slower_than_ms
    limit = quantile_of(before, USUAL) if slower_than_ms is None else None
    log_limit = limit.estimate if limit is not None else math.log(slower_than_ms or 1.0)
    contrast: ShareContrast
    if before.count >= MIN_ROUNDS and np.array_equal(before.labels, after.labels) and not apart:
        contrast = PairedShares(before, after, log_limit, limit)
    else:
        contrast = separate_shares(before, after, log_limit, limit, noise)
    change = contrast.change
    level = level_of(confidence)
    low, high = contrast.at(level)
    outcome = outcome_within(low, high, allowed)
    if outcome in ("stable", "improved") and "few_rounds" in flags:
        outcome = "inconclusive"
    extra = ("worse_within_margin",) if outcome == "stable" and low > 0 else ()
    estimate = Estimate(
        outcome=outcome,
        baseline=contrast.shares[0].share,
        candidate=contrast.shares[1].share,
        change=change,
        low=low,
        high=high,
        p_worse=p_worse(change, contrast.at),
        beyond_margin=low > allowed,
        method=contrast.method,
        need=_need(contrast, level, before, after, allowed) if outcome == "inconclusive" else None,
        **{**known, "flags": (*flags, *extra)},
    )
    return estimate, math.exp(log_limit)


def _sides(baseline: Any, candidate: Any, *, paired: bool) -> tuple[Rounds, Rounds, tuple[str, ...]]:
    before, after = read_rounds(baseline, where="baseline"), read_rounds(candidate, where="candidate")
    flags: list[str] = []
    common = np.intersect1d(before.labels, after.labels) if paired else np.empty(0)
    if common.size >= 2:
        before, after = before.take(common), after.take(common)
    else:
        flags.append("run_noise_unknown")
    if any(1 < side.count < MIN_ROUNDS for side in (before, after)):
        flags.append("few_rounds")
    return before, after, tuple(flags)


def _need(contrast: ShareContrast, level: float, before: Rounds, after: Rounds, margin: float) -> Need:
    """Return what would decide it: four times in five if nothing changed, as for response times."""
    rounds = min(before.count, after.count)
    by_rounds = rounds > 1
    have = rounds if by_rounds else min(before.n, after.n)
    unit: Any = "rounds" if by_rounds else "samples"
    low, high = contrast.at(level)
    planned = with_power(level) * (high - contrast.change)
    total = math.ceil(have * (planned / margin) ** 2)
    if total <= have:
        total = max(have + 1, math.ceil(have * ((high - low) / margin) ** 2))
    if by_rounds:
        total = max(total, MIN_ROUNDS)
    if total > OUT_OF_PROPORTION * have:
        return Need(total - have, unit, "smallest_margin", decidable_margin=max(high, planned))
    return Need(total - have, unit, "wide_interval")
