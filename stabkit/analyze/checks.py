"""The checks of two runs: each once on either side, and whether it is kept less often now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from stabkit.analyze.statistics import LEVEL, fisher_exact, holm_limit
from stabkit.kinds import usual_margin
from stabkit.vocabulary import CHECK_OUTCOMES

__all__ = ["CheckComparison", "CheckState", "check_states", "united_checks", "worst_checks"]

_WORDS: Final = {"failed": "fail", "passed": "pass", "undecided": "not_checked"}  # column that counts it -> outcome
_STEP, _STEPS = 1.1, 60  # the count that proves is looked for in steps of a tenth, up to 600 times as many
_MANY: Final = 20  # rows of one check, from which on they are a share without being counted


@dataclass(frozen=True, eq=False)
class CheckComparison:
    """The checks that were compared.

    Attributes
    ----------
    baseline, candidate : DataFrame
        From :func:`worst_checks`.
    """

    baseline: pd.DataFrame
    candidate: pd.DataFrame

    @property
    def both(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The baseline's checks, then the candidate's."""
        return self.baseline, self.candidate


def worst_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Return one row a check, its worst result; by target and check, under the index that the row had.

    Parameters
    ----------
    checks : DataFrame
        Rows of the table ``checks`` of one run; a check may have been made several times, a row each or counted.
        Counts outweigh the word beside them: what counts a failure failed, and only what was made, each time decided,
        and is said to hold, holds.

    Returns
    -------
    DataFrame
        The same columns, with ``times`` it was made, how many of them ``passed``, ``failed`` and were ``undecided``,
        and whether it is a ``share`` of many: counted where it was made, or of twenty rows and more.

    Examples
    --------
    >>> rows = pd.DataFrame({"target": "api", "check": "id", "outcome": ["pass", "fail", "pass"], "detail": None})
    >>> worst_checks(rows)[["outcome", "failed", "times"]].values.tolist()
    [['fail', 1, 3]]
    """
    counted = _is_counted(checks)
    outcome = _by_counts(checks["outcome"], counted, _counts(checks, checks["outcome"], counted))
    keys = list(zip(checks["target"].tolist(), checks["check"].tolist(), strict=True))
    rank = outcome.map({word: rank for rank, word in enumerate(reversed(CHECK_OUTCOMES))}).tolist()
    order = list(zip(keys, rank, checks["detail"].fillna("").tolist(), strict=True))
    # A run has some tens of checks, which pandas takes longer to group than Python to sort.
    worst = {keys[row]: row for row in sorted(range(len(keys)), key=order.__getitem__)}
    number = {key: group for group, key in enumerate(worst)}
    of, rows = np.array([number[key] for key in keys], dtype=np.intp), list(worst.values())

    def of_each(numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        sums = np.zeros(len(rows), dtype=np.int64)
        np.add.at(sums, of, numbers)
        return sums

    sums = {column: of_each(numbers) for column, numbers in _counts(checks, outcome, counted).items()}
    times = sums["failed"] + sums["passed"] + sums["undecided"]
    share = (of_each(counted) > 0) | (times >= _MANY)
    return checks.iloc[rows].assign(outcome=outcome.iloc[rows], **sums, times=times, share=share)


def _counts(
    checks: pd.DataFrame, outcome: pd.Series, counted: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.int64]]:
    """Return how often each row says it was so: what was counted, else once; an uncounted failure is one at least."""
    found = {}
    for column, word in _WORDS.items():
        once = (outcome == word).to_numpy(dtype=np.int64, na_value=0)
        once = once if word == "fail" else np.where(counted, 0, once)
        given = checks[column].astype("Int64") if column in checks else None
        found[column] = once if given is None else np.where(given.isna(), once, given.to_numpy(np.int64, na_value=0))
    return found


def _is_counted(checks: pd.DataFrame) -> npt.NDArray[np.bool_]:
    given = [checks[column].notna().to_numpy() for column in _WORDS if column in checks]
    return np.any(given, axis=0) if given else np.zeros(len(checks), dtype=bool)


def _by_counts(
    outcome: pd.Series, counted: npt.NDArray[np.bool_], counts: Mapping[str, npt.NDArray[np.int64]]
) -> pd.Series:
    """Return the outcome of each row, where it is counted that of its counts.

    A row that says to hold and was never made, or not always decided, is not checked; nor is one that says to fail and
    counts no failure: word and counts contradict each other, and neither proves anything.
    """
    passed = (outcome == "pass").to_numpy(dtype=bool, na_value=False)
    held = passed & (counts["passed"] > 0) & (counts["undecided"] == 0)
    told = np.where(counts["failed"] != 0, "fail", np.where(held, "pass", "not_checked"))
    return outcome.where(~counted, pd.Series(told, index=outcome.index, dtype="str"))


def united_checks(comparisons: Iterable[CheckComparison]) -> CheckComparison | None:
    """Return several comparisons as one, each check once, in the order of the evidence; None of none."""
    found = list(comparisons)
    if not found:
        return None
    sides = zip(*(one.both for one in found), strict=True)
    return CheckComparison(*(pd.concat(side).drop_duplicates(["target", "check"]).sort_index() for side in sides))


@dataclass(frozen=True)
class CheckState:
    """How one check stands against the baseline.

    Attributes
    ----------
    row : mapping
        The candidate's row of :func:`worst_checks`; of a check that is gone, the baseline's.
    before : mapping or None
        The baseline's row; None if it has none.
    state : str
        ``kept``; ``fixed``, it failed before; ``rare``, it fails now and then, and not more often by the margin;
        ``fail``, it is proven to fail where it did not, or more often; ``unproven``, it fails now and then, and whether
        more often is open; ``known_failure``, it failed always on both sides; ``not_checked``; ``missing``, it is gone.
    p : float or None
        Of a share, that equal services differ as much; None where nothing is left to chance.
    more : int or None
        How many more times it has to be made to decide.
    """

    row: Mapping[Any, Any]
    before: Mapping[Any, Any] | None
    state: Literal["kept", "fixed", "rare", "fail", "unproven", "known_failure", "not_checked", "missing"]
    p: float | None = None
    more: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Target and check."""
        return self.row["target"], self.row["check"]


def check_states(
    compared: CheckComparison, *, level: float = LEVEL, margin: float | None = None
) -> tuple[CheckState, ...]:
    """Say of each check whether it is kept less often than before.

    Parameters
    ----------
    compared : CheckComparison
        Both sides.
    level : float
        The one-sided error of what is proven.
    margin : float, optional
        By how much the share of failures has to be shown not to have grown; None: that of the error rate.

    Returns
    -------
    tuple of CheckState
        Those of the candidate in their order, then those that are gone.

    Notes
    -----
    What fails always, and did not before, is broken: nothing is left to chance. What fails now and then is a share of
    many, and one request in two thousand fails on either side of equal services: more failures are proven by Fisher's
    exact test, by Holm's procedure over all such checks that failed at all. What is not proven is kept only where the
    upper bound of the increase is below the margin; else it is open. Where the baseline has no such check, or did not
    count it, it is taken to have kept it as often as it was made now: that can prove failures, and never their absence.
    Rows that nobody counted are each an expectation of their own, up to twenty.

    Examples
    --------
    >>> def run(failed, n):
    ...     rows = {"target": "api", "check": ["body"], "outcome": "fail" if failed else "pass", "detail": None}
    ...     return worst_checks(pd.DataFrame(rows | {"failed": failed, "passed": n - failed}))
    >>> def state(before, now, n=2000):
    ...     return check_states(CheckComparison(run(before, n), run(now, n)))[0].state
    >>> state(0, 6), state(0, 5), state(1, 1), state(0, 2, n=2), state(0, 1, n=2)
    ('fail', 'unproven', 'rare', 'fail', 'unproven')
    """
    before = {(row["target"], row["check"]): row for row in compared.baseline.to_dict("records")}
    rows = compared.candidate.to_dict("records")
    margin = usual_margin("error_rate") if margin is None else margin
    found = [_state(row, before.pop((row["target"], row["check"]), None), margin) for row in rows]
    family = [each.p for each in found if each.p is not None]
    limit = holm_limit(family, level)
    settled = [_settled(each, limit, level / max(1, len(family))) for each in found]
    return (*settled, *(CheckState(row, row, "missing") for row in before.values()))


def _state(row: Mapping[Any, Any], before: Mapping[Any, Any] | None, margin: float) -> CheckState:
    """Return how a check stands before several are set against each other: a share may still be proven worse."""
    known = before is not None and before["outcome"] != "not_checked"
    failed, n = _failures(before) if known and before else (0, 0)
    if row["outcome"] == "not_checked":
        return CheckState(row, before, "not_checked")
    if row["outcome"] == "pass":
        return CheckState(row, before, "fixed" if _was_broken(before, row) else "kept")
    if not failed and not (row["share"] and row["passed"]):
        return CheckState(row, before, "fail")
    if before is not None and failed and (failed == n or not before["share"] or not row["share"]):
        return CheckState(row, before, "known_failure")
    now, made = _failures(row)
    counted = before is not None and n > 0 and before["share"]
    n = n if counted else made
    from stabkit.analyze.latency import compare_counts  # it loads scipy, which what compares no shares does without

    p = fisher_exact(failed, n, now, made)
    estimate = compare_counts(failed, n, now, made, margin=margin)
    if counted and estimate.high is not None and estimate.high < margin:
        return CheckState(row, before, "not_checked" if row["undecided"] else "rare", p)
    more = estimate.need.amount if estimate.need is not None and estimate.need.unit == "samples" else None
    return CheckState(row, before, "unproven", p, more)


def _failures(row: Mapping[Any, Any]) -> tuple[int, int]:
    """Return how often a check failed, and of how many times that were decided."""
    return int(row["failed"]), int(row["failed"] + row["passed"])


def _settled(one: CheckState, limit: float, strictest: float) -> CheckState:
    """Return a check beside the others: proven to fail, or open with what would decide it."""
    if one.p is None:
        return one
    if one.p <= limit:
        return replace(one, state="fail")
    return replace(one, more=_until_proven(one, strictest)) if one.state == "unproven" and one.more is None else one


def _until_proven(one: CheckState, level: float) -> int | None:
    """Return how many more times a check has to be made, on both sides, that the same shares prove it to fail more.

    At least as often again: at the very count that proves it, chance decides between red and open. None where no count
    would do.
    """
    now, made = _failures(one.row)
    before, n = _failures(one.before) if one.before is not None and one.before["share"] else (0, 0)
    n = n or made
    for factor in 2 * _STEP ** np.arange(_STEPS):
        first, n_first, second, n_second = (round(number * float(factor)) for number in (before, n, now, made))
        if fisher_exact(first, n_first, second, n_second) <= level:
            return n_second - made
    return None


def _was_broken(before: Mapping[Any, Any] | None, row: Mapping[Any, Any]) -> bool:
    """Say whether a check that is kept now was not: always failing, or proven to have failed more often."""
    if before is None or before["outcome"] != "fail":
        return False
    failed, passed = int(before["failed"]), int(before["passed"])
    if not (before["share"] and passed and row["share"]):
        return True
    return fisher_exact(0, int(row["passed"]), failed, failed + passed) <= LEVEL
