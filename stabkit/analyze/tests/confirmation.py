"""Whether a failing test is broken or a flake: how many failures in a row, in fresh processes, settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import pandas as pd

from stabkit.vocabulary import BAD, GOOD

__all__ = ["FlakeBasis", "attempts_to_confirm", "chance_of_flakes", "past_results"]

_FEWEST_ATTEMPTS: Final = 2
_MOST_ATTEMPTS: Final = 200  # beyond that a rerun is no answer
_BROKEN_RUN: Final = 0.8
_JUDGED_FOR_BROKEN_RUN: Final = 5  # below, one broken test would be a broken run


@dataclass(frozen=True)
class FlakeBasis:
    """What is known of one test's flakiness before its failure today.

    Attributes
    ----------
    failures, passes : int
        Earlier results of this test, the baseline's included, one per run.
    flaky_seen : int
        Tests of the same suite that were seen to fail and pass within one run.
    at_risk : int
        Tests that could have gone from good to bad.
    """

    failures: int
    passes: int
    flaky_seen: int
    at_risk: int


def chance_of_flakes(basis: FlakeBasis, attempts: int) -> tuple[float, str]:
    """Return the chance that a test which is not broken fails so often in a row, and what it rests on.

    Parameters
    ----------
    basis : FlakeBasis
        What is known of the test.
    attempts : int
        Failed attempts in fresh processes, the first included.

    Returns
    -------
    tuple of float and str
        E[flake ** attempts], and ``own history`` or ``suite``.

    Notes
    -----
    *Own history*: the flake rate has the posterior Beta(0.5 + failures, 0.5 + passes). With few runs it never gets
    small, however often the test fails.

    *Suite*, only for a test never seen to fail before: the share of flaky tests is borrowed from its suite. At most
    ``1 + flaky_seen`` of its ``at_risk`` tests are taken to be flaky, so at least one hidden one is always allowed
    for; a flaky test may fail at any rate, Beta(1, 1), and passed in the baseline, Beta(1, 2). Hence E = share *
    2 / ((k + 1)(k + 2)): with no flaky test seen, at most 5 % over the suite from five attempts on, whatever its size.

    Both are bounds under their model; the smaller one counts, so that more passes never ask for more attempts.
    Attempts are taken as independent: a full disk fails all of them.

    Examples
    --------
    >>> chance, basis = chance_of_flakes(FlakeBasis(0, 1, 0, 1_000), 5)
    >>> round(chance * 1_000, 4), basis
    (0.0476, 'suite')
    >>> chance_of_flakes(FlakeBasis(3, 17, 0, 1_000), 5)[1]
    'own history'
    """
    own = _beta_moment(0.5 + basis.failures, 0.5 + basis.passes, attempts)
    if basis.failures:
        return own, "own history"
    share = min(1.0, (1 + basis.flaky_seen) / max(1, basis.at_risk))
    borrowed = share * _beta_moment(1.0, 2.0, attempts)
    return (borrowed, "suite") if borrowed <= own else (own, "own history")


def _beta_moment(a: float, b: float, k: int) -> float:
    return math.prod((a + i) / (a + b + i) for i in range(k))


def attempts_to_confirm(basis: FlakeBasis) -> int | None:
    """Return how many failures in a row, the first included, confirm a break at 5 % over all tests at risk.

    Returns
    -------
    int or None
        At least two: a failure that was not rerun confirms nothing. None if 200 attempts are not enough: a test that
        flaky proves nothing by failing.

    Examples
    --------
    >>> attempts_to_confirm(FlakeBasis(0, 20, 0, 1_000)), attempts_to_confirm(FlakeBasis(0, 1, 0, 17))
    (4, 5)
    """
    limit = 0.05 / max(1, basis.at_risk)
    for attempts in range(_FEWEST_ATTEMPTS, _MOST_ATTEMPTS + 1):
        if chance_of_flakes(basis, attempts)[0] <= limit:
            return attempts
    return None


def past_results(history: pd.DataFrame) -> pd.DataFrame:
    """Return one row per earlier run and test: did any attempt fail, did any succeed.

    Parameters
    ----------
    history : DataFrame
        Rows of the table ``tests`` from several runs; rows without run_id are left out.

    Returns
    -------
    DataFrame
        Columns run_id, test_id, failed, good (bool). Skips are left out, and runs in which more than 80 % of at least
        five tests failed: they tell of their machine, not of their tests.
    """
    judged = history[history["status"].isin(BAD | GOOD) & history["run_id"].notna()]
    bad = judged["status"].isin(BAD)
    by_test = judged.assign(failed=bad, good=~bad).groupby(["run_id", "test_id"], as_index=False)
    per_run = by_test[["failed", "good"]].any()
    lost = (per_run["failed"] & ~per_run["good"]).groupby(per_run["run_id"])
    broken = (lost.transform("mean") > _BROKEN_RUN) & (lost.transform("size") >= _JUDGED_FOR_BROKEN_RUN)
    return per_run[~broken].reset_index(drop=True)
