"""Whether the share of failed requests stayed the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from stabkit.analyze.outcome import Estimate, Need, outcome_within
from stabkit.analyze.statistics import (
    CONFIDENCE,
    MIN_ROUNDS,
    OUT_OF_PROPORTION,
    FloatArray,
    PairedShares,
    Rounds,
    Share,
    ShareContrast,
    level_of,
    p_worse,
    read_rounds,
    separate_shares,
    t_quantile,
    with_power,
)
from stabkit.errors import SchemaError, UsageError

__all__ = ["compare_counts", "compare_failures", "compare_rates"]

_BLOCKS: Final = 10
_GOOD, _FAILED = 1.0, 2.0
_BETWEEN: Final = math.log(1.5)

Bounds = Callable[[float], tuple[float, float]]


def compare_rates(
    failed_baseline: float,
    n_baseline: float,
    failed_candidate: float,
    n_candidate: float,
    *,
    margin: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Say whether the failure rate of independent requests stayed within an absolute margin.

    Parameters
    ----------
    failed_baseline, n_baseline, failed_candidate, n_candidate : int
        Failures among requests of each side.
    margin : float
        Absolute: 0.005 allows half a percentage point more failures.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    Estimate
        On the ``difference`` scale, unit ``share``. Without requests on a side: ``inconclusive``.

    Notes
    -----
    Newcombe's hybrid score interval (method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I)
    of Wilson's bounds (1927, doi:10.1080/01621459.1927.10502953): safe where neither side failed at all.

    Examples
    --------
    >>> compare_rates(0, 765, 0, 765, margin=0.005).outcome, compare_rates(0, 600, 0, 600, margin=0.005).outcome
    ('stable', 'inconclusive')
    >>> compare_rates(0, 1000, 30, 1000, margin=0.005).outcome
    'regressed'
    """
    _check_counts(failed_baseline, n_baseline, "baseline")
    _check_counts(failed_candidate, n_candidate, "candidate")
    _check_margin(margin)
    counts = int(n_baseline), int(n_candidate)
    if min(counts) == 0:
        need = Need(_proving(margin, level_of(confidence)), "samples", "missing", "requests")
        return Estimate(outcome="inconclusive", need=need, **_known(counts, margin))
    b = Share(failed_baseline / n_baseline, n_baseline, math.inf)
    c = Share(failed_candidate / n_candidate, n_candidate, math.inf)

    def bounds(level: float) -> tuple[float, float]:
        (l_b, u_b), (l_c, u_c) = b.at(level), c.at(level)
        change = c.share - b.share
        return change - math.hypot(c.share - l_c, u_b - b.share), change + math.hypot(u_c - c.share, b.share - l_b)

    method = "Newcombe, Wilson bounds"
    return _estimate((b, c), counts, bounds, margin=margin, confidence=confidence, method=method)


def compare_counts(
    failed_baseline: int,
    n_baseline: int,
    failed_candidate: int,
    n_candidate: int,
    *,
    margin: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Say whether the failure rate stayed within a margin, where counts alone are known, and not when requests failed.

    As :func:`compare_rates`; but failures may have come together, as in one bad minute, which no count shows. What is
    worse without being beyond the margin for sure is therefore open.

    Examples
    --------
    >>> compare_counts(0, 1000, 900, 1000, margin=0.005).outcome, compare_counts(4, 1000, 20, 1000, margin=0.01).outcome
    ('regressed', 'inconclusive')
    """
    found = compare_rates(
        failed_baseline, n_baseline, failed_candidate, n_candidate, margin=margin, confidence=confidence
    )
    if found.outcome == "improved" or (found.outcome == "regressed" and not found.beyond_margin):
        need = Need(None, "evidence", "missing", "single_requests")
        return replace(found, outcome="inconclusive", need=need)
    return found


def compare_failures(
    baseline: pd.DataFrame,
    candidate: pd.DataFrame,
    *,
    margin: float,
    paired: bool = True,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Say whether the failure rate stayed within an absolute margin, failures coming in clusters or not.

    Parameters
    ----------
    baseline, candidate : DataFrame
        ``round`` and ``ok`` (true for a good request), rows of a round in time order. Nulls are an error.
    margin : float
        Absolute: 0.005 allows half a percentage point more failures.
    paired : bool
        True if equal round numbers were measured next to each other.
    confidence : float
        Of the interval between both bounds.

    Returns
    -------
    Estimate
        As of :func:`compare_rates`.

    Notes
    -----
    What makes one request fail makes its neighbours fail: thirty failures of one bad minute are one incident, and
    happen to either side of identical systems. Shares are therefore compared as those of slow requests are
    (:mod:`.share_contrasts`): by their variance between rounds, never below that of independent
    requests. A lone round is cut into ten blocks of time. Where no request failed, nothing shows of clusters, and
    requests count as independent. Rare bad rounds are seldom all seen: the upper bound is at least that of one more
    candidate round as bad as its worst, beside a usual one of the baseline.

    Examples
    --------
    >>> rounds = np.repeat(np.arange(10), 100)
    >>> fine = pd.DataFrame({"round": rounds, "ok": True})
    >>> compare_failures(fine, fine.assign(ok=np.arange(1000) % 30 > 0), margin=0.005).outcome
    'regressed'
    >>> compare_failures(fine, fine.assign(ok=np.arange(1000) > 33), margin=0.005).outcome
    'inconclusive'
    """
    _check_margin(margin)
    before, after = _rounds(baseline, "baseline"), _rounds(candidate, "candidate")
    failed = [int((side.values == _FAILED).sum()) for side in (before, after)]
    if min(before.n, after.n) == 0 or not any(failed):
        return compare_rates(failed[0], before.n, failed[1], after.n, margin=margin, confidence=confidence)
    counts = before.n, after.n
    if paired and before.count >= MIN_ROUNDS and np.array_equal(before.labels, after.labels):
        contrast: ShareContrast = PairedShares(before, after, _BETWEEN, None)
        hedge: ShareContrast = PairedShares(_one_more(before, np.median), _one_more(after, np.max), _BETWEEN, None)
        method = contrast.method
    else:
        before, after = _in_blocks(before), _in_blocks(after)
        contrast = separate_shares(before, after, _BETWEEN, None)
        hedge = separate_shares(before, _one_more(after, np.max), _BETWEEN, None)
        method = "Newcombe, variance between rounds or tenths of a round"

    def bounds(level: float) -> tuple[float, float]:
        low, high = contrast.at(level)
        return low, max(high, hedge.at(level)[1])

    return _estimate(contrast.shares, counts, bounds, margin=margin, confidence=confidence, method=method)


def _one_more(side: Rounds, like: Callable[[FloatArray], Any]) -> Rounds:
    """Return the rounds and one more, like the one whose failures are nearest to what ``like`` makes of all."""
    if side.count < 2:
        return side
    failed = np.add.reduceat((side.values == _FAILED).astype(float), side.starts[:-1]) / side.sizes
    chosen = int(np.argmin(np.abs(failed - float(like(failed)))))
    again = side.values[side.starts[chosen] : side.starts[chosen + 1]]
    return Rounds(
        np.concatenate([side.values, again]),
        np.append(side.starts, side.n + again.size),
        np.append(side.labels, side.labels[-1] + 1),
    )


def _rounds(frame: pd.DataFrame, where: str) -> Rounds:
    """Return requests as rounds of two values, for good and failed."""
    ok = frame["ok"].astype(object)
    if ok.isna().any() or not ok.map(lambda value: isinstance(value, (bool, np.bool_))).all():
        raise SchemaError("ok holds a value that is neither true nor false.", where=where, hint="Give booleans.")
    times = pd.DataFrame({"round": frame["round"], "response_ms": np.where(ok.astype(bool), _GOOD, _FAILED)})
    return read_rounds(times, where=where)


def _in_blocks(side: Rounds) -> Rounds:
    """Cut a lone round into ten blocks of time; incidents are mostly shorter."""
    blocks = min(_BLOCKS, side.n)
    if side.count > 1 or blocks < 2:
        return side
    starts = np.linspace(0, side.n, blocks + 1).round().astype(np.intp)
    return Rounds(side.values, starts, np.arange(blocks, dtype=np.float64))


def _known(counts: tuple[int, int], margin: float) -> dict[str, Any]:
    return {
        "name": "error rate", "unit": "share", "scale": "difference", "margin": margin,
        "n_baseline": counts[0], "n_candidate": counts[1],
    }  # fmt: skip


def _estimate(
    shares: tuple[Share, Share],
    counts: tuple[int, int],
    bounds: Bounds,
    *,
    margin: float,
    confidence: float,
    method: str,
) -> Estimate:
    b, c = (side.share for side in shares)
    level = level_of(confidence)
    low, high = bounds(level)
    outcome = outcome_within(low, high, margin)
    need = _need(c - b, (low, high), min(counts), margin, level, none=b == c == 0)
    return Estimate(
        outcome=outcome,
        baseline=b,
        candidate=c,
        change=c - b,
        low=low,
        high=high,
        p_worse=p_worse(c - b, bounds),
        beyond_margin=low > margin,
        method=method,
        flags=("worse_within_margin",) if outcome == "stable" and low > 0 else (),
        need=need if outcome == "inconclusive" else None,
        **_known(counts, margin),
    )


def _proving(margin: float, level: float) -> int:
    """Return the requests a side that prove the margin if none fails."""
    return math.floor(t_quantile(level, math.inf) ** 2 * (1 / margin - 1)) + 1


def _need(change: float, bounds: tuple[float, float], n: int, margin: float, level: float, *, none: bool) -> Need:
    low, high = bounds
    planned = with_power(level) * (high - change)
    total: float = _proving(margin, level) if none else n * (planned / margin) ** 2
    if total <= n:
        total = max(n + 1, n * ((high - low) / margin) ** 2)
    more = math.ceil(total - n)
    if total > OUT_OF_PROPORTION * n:
        return Need(more, "samples", "smallest_margin", decidable_margin=max(high, planned))
    return Need(more, "samples", "wide_interval")


def _check_counts(failed: float, n: float, where: str) -> None:
    if not (math.isfinite(failed) and math.isfinite(n) and 0 <= failed <= n):
        raise SchemaError(
            f"{failed} failures among {n} requests are no counts.",
            where=where,
            hint="Failures lie between 0 and the number of requests.",
        )


def _check_margin(margin: float) -> None:
    if not 0 < margin < 1:
        raise UsageError(
            f"margin is {margin!r}.", where="error rate", hint="Give a share between 0 and 1, such as 0.005."
        )
