"""The difference of two shares of slow requests with bounds at any level: of paired rounds, or of separate sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol

import numpy as np

from stabkit.analyze.statistics.bounds import (
    LEVEL,
    QuantileBounds,
    RunNoise,
    quantile_of,
    t_quantile,
)
from stabkit.analyze.statistics.rounds import FloatArray, Rounds
from stabkit.analyze.statistics.shares import wilson_bounds

__all__ = ["USUAL", "PairedShares", "SeparateShares", "Share", "ShareContrast", "separate_shares"]

USUAL: Final = 0.95
"""Without an objective, the slow requests are those beyond this quantile of the baseline."""


class ShareContrast(Protocol):
    """A difference of two shares of slow requests."""

    @property
    def shares(self) -> tuple[Share, Share]:
        """Baseline's and candidate's."""

    @property
    def change(self) -> float:
        """Candidate's minus baseline's."""

    @property
    def method(self) -> str:
        """How the bounds come about, in words."""

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds, each with one-sided error ``level``."""


@dataclass(frozen=True, eq=False)
class Share:
    """The share of slow requests of one side, and how many independent ones it is worth."""

    share: float
    n: float
    df: float

    def at(self, level: float) -> tuple[float, float]:
        """Return Wilson's bounds with Student's t, each with one-sided error ``level``."""
        low, high = wilson_bounds(self.share, self.n, t_quantile(level, self.df))
        return float(low), float(high)


def slow_share(side: Rounds, log_limit: float) -> float:
    """Return the share of requests beyond a limit."""
    return (side.n - int(np.searchsorted(side.ordered, log_limit, side="right"))) / side.n


@dataclass(frozen=True, eq=False)
class PairedShares:
    """The difference of the shares over interleaved rounds, which met the same moments of the machine.

    Attributes
    ----------
    before, after : Rounds
        With equal labels.
    limit : QuantileBounds or None
        The baseline's quantile that the limit was taken from; None if it is stated.

    Notes
    -----
    Student's t on the rounds' contributions c - k b to the difference (a ratio estimator's residuals; Cochran 1977,
    Sampling Techniques, 6.3), never narrower than Newcombe's interval of independent requests. A limit taken from the
    baseline moves with it: to first order the candidate's share answers with k, the ratio of both densities near the
    limit. k is itself uncertain, so the larger spread of k and 1 counts.
    """

    before: Rounds
    after: Rounds
    log_limit: float
    limit: QuantileBounds | None

    @cached_property
    def shares(self) -> tuple[Share, Share]:
        """Both shares, each worth as many requests as there are; the variance of independent ones needs no estimate."""
        b, c = (Share(slow_share(side, self.log_limit), side.n, math.inf) for side in (self.before, self.after))
        return b, c

    @property
    def method(self) -> str:
        """How the bounds come about, in words."""
        return "paired t over rounds, Newcombe's interval at least"

    @property
    def change(self) -> float:
        """Candidate's share minus the baseline's."""
        return self.shares[1].share - self.shares[0].share

    @cached_property
    def _spread(self) -> float:
        b, c = (self._contributions(side) for side in (self.before, self.after))
        rounds = self.before.count
        return max(math.sqrt(rounds / (rounds - 1) * float(np.square(c - k * b).sum())) for k in {1.0, self._answer})

    def _contributions(self, side: Rounds) -> FloatArray:
        slow = np.add.reduceat((side.logs > self.log_limit).astype(float), side.starts[:-1])
        found: FloatArray = (slow - slow.sum() / side.n * side.sizes) / side.n
        return found

    @cached_property
    def _answer(self) -> float:
        """k: how far the candidate's share moves for each step of the baseline's, as the limit moves."""
        if self.limit is None:
            return 1.0
        low, high = self.limit.at(LEVEL)
        moved = [slow_share(side, low) - slow_share(side, high) for side in (self.before, self.after)]
        return moved[1] / moved[0] if moved[0] > 0 else 1.0

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds, each with one-sided error ``level``."""
        b, c = self.shares
        half = t_quantile(level, self.before.count - 1) * self._spread
        (l_b, u_b), (l_c, u_c) = b.at(level), c.at(level)
        k = max(1.0, self._answer)
        down, up = math.hypot(c.share - l_c, k * (u_b - b.share)), math.hypot(u_c - c.share, k * (b.share - l_b))
        return self.change - max(half, down), self.change + max(half, up)


@dataclass(frozen=True, eq=False)
class SeparateShares:
    """The difference of the shares of two runs, or of too few rounds to pair, with bounds at every level."""

    shares: tuple[Share, Share]
    after: Rounds
    limit: QuantileBounds | None
    log_limit: float
    noise: RunNoise | None = None

    @property
    def method(self) -> str:
        """How the bounds come about, in words."""
        return f"Newcombe, {'variance between rounds' if self.after.count > 1 else 'long-run variance'}"

    @property
    def change(self) -> float:
        """Candidate's share minus the baseline's."""
        return self.shares[1].share - self.shares[0].share

    def at(self, level: float) -> tuple[float, float]:
        """Return the bounds, each with one-sided error ``level``."""
        b, c = self.shares
        (l_b, u_b), (l_c, u_c) = b.at(level), c.at(level)
        down, up = b.share - l_b, u_b - b.share
        if self.limit is not None:
            earlier, later = self.limit.at(level)
            moved = slow_share(self.after, earlier) - c.share, c.share - slow_share(self.after, later)
            # With ties the limit may stand firm while the baseline's share beyond it does not.
            down, up = (max(down, moved[0]), max(up, moved[1])) if self.limit.tick else moved
        less, more = 0.0, 0.0
        if self.noise is not None:
            reach = self.noise.at(level)
            less = c.share - slow_share(self.after, self.log_limit + reach)
            more = slow_share(self.after, self.log_limit - reach) - c.share
        return self.change - math.hypot(c.share - l_c, up, less), self.change + math.hypot(u_c - c.share, down, more)


def separate_shares(
    before: Rounds, after: Rounds, log_limit: float, limit: QuantileBounds | None, noise: RunNoise | None = None
) -> SeparateShares:
    """Return the contrast of both sides' own variances; ``limit`` is the quantile that gave the limit, if one did."""
    shares = [slow_share(side, log_limit) for side in (before, after)]
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
        Share(share, side.n / worth, df) for side, share, worth in zip((before, after), shares, worths, strict=True)
    )
    if limit is not None:
        limit = replace(limit, df=df, rank_sd=math.sqrt(worths[0] * limit.n * limit.p * (1 - limit.p)))
    return SeparateShares((b, c), after, limit, log_limit, noise)


def _variance(share: float, n: int) -> float:
    return share * (1 - share) / n


def _joint_df(variances: Sequence[float], dfs: Sequence[float]) -> float:
    """Return Welch's degrees of freedom of a difference."""
    spread = sum(v**2 / df for v, df in zip(variances, dfs, strict=True))
    return sum(variances) ** 2 / spread if spread > 0 else min(dfs)


def _inflation(side: Rounds, slow: float) -> float | None:
    """Return how many requests carry as much as one independent one; None where all or none are slow.

    The share at most the limit is the rank of the quantile that lies there, so its variance is that of this rank.
    """
    if not 0 < slow < 1:
        return None
    return quantile_of(side, 1 - slow).inflation


def _df(side: Rounds) -> float:
    return side.count - 1 if side.count > 1 else quantile_of(side, USUAL).df
