"""Whether more requests are slow than before: a guard of the tail that a few hundred requests can decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from stabkit.analyze.bounds import (
    CONFIDENCE,
    QuantileBounds,
    RunNoise,
    clustered_quantile,
    level_of,
    serial_quantile,
    smallest_level,
    t_quantile,
)
from stabkit.analyze.needs import MIN_ROUNDS, MIN_SAMPLES, START
from stabkit.analyze.outcome import Estimate, Need, Outcome
from stabkit.analyze.rounds import Rounds, read_rounds
from stabkit.errors import UsageError

__all__ = ["MARGIN", "USUAL", "compare_slow_requests", "default_margin"]

MARGIN: Final = 0.04
"""Slow requests more than before that are allowed, as a share of all; why 4 %: docs/decisions."""

USUAL: Final = 0.95
"""Without an objective, the slow requests are those beyond this quantile of the baseline."""

_POWER: Final = (1.96 + 0.84) / 1.96
_OUT_OF_PROPORTION: Final = 10


def default_margin(quantile: float | None) -> float:
    """Return the margin where none is configured: never more than all that an objective of that quantile allows.

    Examples
    --------
    >>> default_margin(None), round(default_margin(0.99), 4)
    (0.04, 0.01)
    """
    return MARGIN if quantile is None else min(MARGIN, 1 - quantile)


@dataclass(frozen=True, eq=False)
class _Share:
    """The share of slow requests of one side, and how many independent ones it is worth."""

    share: float
    n: float
    df: float

    def at(self, level: float) -> tuple[float, float]:
        """Return Wilson's bounds with Student's t, each with one-sided error ``level``."""
        t2 = t_quantile(level, self.df) ** 2
        centre = (self.share + t2 / (2 * self.n)) / (1 + t2 / self.n)
        half = math.sqrt(t2 * (self.share * (1 - self.share) / self.n + t2 / (4 * self.n**2))) / (1 + t2 / self.n)
        return min(self.share, max(0.0, centre - half)), max(self.share, min(1.0, centre + half))


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
    Requests of a round are alike, so each side's share has its variance between rounds (one round: its long-run
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
    noise = run_noise if "run_noise_unknown" in flags else None  # interleaved rounds hold it already
    if noise is not None:
        flags = tuple(flag for flag in flags if flag != "run_noise_unknown")
    known: dict[str, Any] = {
        "name": "slow requests", "unit": "share", "scale": "difference", "margin": allowed, "n_baseline": before.n,
        "n_candidate": after.n, "rounds": min(before.count, after.count), "flags": flags,
    }  # fmt: skip
    fewest = min(before.n, after.n)
    if fewest < MIN_SAMPLES:
        reason = {0: "missing", 1: "one_sample"}.get(fewest, "too_few_samples")
        need = Need(START[0], "rounds", reason, f"{START[1]} samples a round")
        return Estimate(outcome="inconclusive", need=need, **known), slower_than_ms
    limit = _quantile(before, USUAL) if slower_than_ms is None else None
    log_limit = limit.estimate if limit is not None else math.log(slower_than_ms or 1.0)
    contrast = replace(_contrast(before, after, log_limit, limit), noise=noise)
    change = contrast.change
    low, high = contrast.at(level_of(confidence))
    outcome = _outcome(low, high, allowed)
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
        p_worse=_p_worse(change, contrast.at),
        beyond_margin=low > allowed,
        method=f"Newcombe, {'variance between rounds' if before.count > 1 else 'long-run variance'}",
        need=_need(contrast, (low, high), before, after, allowed) if outcome == "inconclusive" else None,
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


def _quantile(side: Rounds, p: float) -> QuantileBounds:
    return (serial_quantile if side.count == 1 else clustered_quantile)(side, p, tick=side.tick)


@dataclass(frozen=True, eq=False)
class _Contrast:
    """The difference of both shares, with bounds at every level."""

    shares: tuple[_Share, _Share]
    after: Rounds
    limit: QuantileBounds | None
    log_limit: float
    noise: RunNoise | None = None

    @property
    def change(self) -> float:
        return self.shares[1].share - self.shares[0].share

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds, each with one-sided error ``level``."""
        b, c = self.shares
        (l_b, u_b), (l_c, u_c) = b.at(level), c.at(level)
        down, up = b.share - l_b, u_b - b.share
        if self.limit is not None:
            earlier, later = self.limit.at(level)
            moved = _slow(self.after, earlier) - c.share, c.share - _slow(self.after, later)
            # With ties the limit may stand firm while the baseline's share beyond it does not.
            down, up = (max(down, moved[0]), max(up, moved[1])) if self.limit.tick else moved
        less, more = 0.0, 0.0
        if self.noise is not None:
            reach = self.noise.at(level)
            less = c.share - _slow(self.after, self.log_limit + reach)
            more = _slow(self.after, self.log_limit - reach) - c.share
        return self.change - math.hypot(c.share - l_c, up, less), self.change + math.hypot(u_c - c.share, down, more)


def _contrast(before: Rounds, after: Rounds, log_limit: float, limit: QuantileBounds | None) -> _Contrast:
    shares = [_slow(side, log_limit) for side in (before, after)]
    # Rounds with many slow requests may by chance lie on one side only, and all or none slow shows nothing of how alike
    # the requests of a round are: no side counts as less clustered than both together.
    found = [_inflation(side, share) for side, share in zip((before, after), shares, strict=True)]
    known = [worth for worth in found if worth is not None] or [1.0]
    together = sum(known) / len(known)
    worths = [max(together, worth or 1.0) for worth in found]
    df = _joint_df(
        [w * _variance(s, side.n) for w, s, side in zip(worths, shares, (before, after), strict=True)],
        [_df(before), _df(after)],
    )
    b, c = (
        _Share(share, side.n / worth, df) for side, share, worth in zip((before, after), shares, worths, strict=True)
    )
    if limit is not None:
        limit = replace(limit, df=df, rank_sd=math.sqrt(worths[0] * limit.n * limit.p * (1 - limit.p)))
    return _Contrast((b, c), after, limit, log_limit)


def _variance(share: float, n: int) -> float:
    return share * (1 - share) / n


def _joint_df(variances: Sequence[float], dfs: Sequence[float]) -> float:
    """Return Welch's degrees of freedom of a difference."""
    spread = sum(v**2 / df for v, df in zip(variances, dfs, strict=True))
    return sum(variances) ** 2 / spread if spread > 0 else min(dfs)


def _slow(side: Rounds, log_limit: float) -> float:
    return (side.n - int(np.searchsorted(side.ordered, log_limit, side="right"))) / side.n


def _inflation(side: Rounds, slow: float) -> float | None:
    """Return how many requests carry as much as one independent one; None where all or none are slow.

    The share at most the limit is the rank of the quantile that lies there, so its variance is that of this rank.
    """
    if not 0 < slow < 1:
        return None
    return _quantile(side, 1 - slow).inflation


def _df(side: Rounds) -> float:
    return side.count - 1 if side.count > 1 else _quantile(side, USUAL).df


def _outcome(low: float, high: float, margin: float) -> Outcome:
    if high < 0 and low <= -margin:
        return "improved"
    if high < margin:
        return "stable"
    return "regressed" if low > 0 else "inconclusive"


def _p_worse(change: float, bounds: Callable[[float], tuple[float, float]]) -> float:
    if change == 0:
        return 0.5
    if change > 0:
        return smallest_level(lambda level: bounds(level)[0] > 0)
    return 1 - smallest_level(lambda level: bounds(level)[1] < 0)


def _need(contrast: _Contrast, bounds: tuple[float, float], before: Rounds, after: Rounds, margin: float) -> Need:
    """Return what would decide it: four times in five if nothing changed, as for response times."""
    rounds = min(before.count, after.count)
    by_rounds = rounds > 1
    have = rounds if by_rounds else min(before.n, after.n)
    unit: Any = "rounds" if by_rounds else "samples"
    low, high = bounds
    half = high - contrast.change
    total = math.ceil(have * (_POWER * half / margin) ** 2)
    if total <= have:
        total = max(have + 1, math.ceil(have * ((high - low) / margin) ** 2))
    if by_rounds:
        total = max(total, MIN_ROUNDS)
    if total > _OUT_OF_PROPORTION * have:
        return Need(total - have, unit, "smallest_margin", None, max(high, half * _POWER))
    return Need(total - have, unit, "wide_interval")
