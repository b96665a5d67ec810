"""The checks of two runs: each once on either side, by its worst result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from stabkit.vocabulary import CHECK_OUTCOMES

__all__ = ["CheckComparison", "united_checks", "worst_checks"]


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

    Returns
    -------
    DataFrame
        The same columns, with ``times`` it was made and how many of them ``failed``.

    Examples
    --------
    >>> rows = pd.DataFrame({"target": "api", "check": "id", "outcome": ["pass", "fail", "pass"], "detail": None})
    >>> worst_checks(rows)[["outcome", "failed", "times"]].values.tolist()
    [['fail', 1, 3]]
    """
    key = ["target", "check"]
    rank = checks["outcome"].map({word: rank for rank, word in enumerate(reversed(CHECK_OUTCOMES))})
    order = checks.assign(_rank=rank, _detail=checks["detail"].fillna("")).sort_values(
        [*key, "_rank", "_detail"], kind="stable"
    )
    failed = _counted(order, "failed", (order["outcome"] == "fail").astype("int64"))
    passed = _counted(order, "passed", (order["outcome"] != "fail").astype("int64"))
    of = [order[name] for name in key]
    failed, passed = (numbers.groupby(of).transform("sum") for numbers in (failed, passed))
    order = order.assign(failed=failed, passed=passed, times=failed + passed)
    return order.drop_duplicates(key, keep="last").drop(columns=["_rank", "_detail"])


def _counted(checks: pd.DataFrame, column: str, one: pd.Series) -> pd.Series:
    """Return how often each row says it was so: what was counted, else once."""
    known = checks["failed"].notna() if "failed" in checks else pd.Series(data=False, index=checks.index)
    return one.where(~known, checks[column].fillna(0)).astype("int64") if known.any() else one


def united_checks(comparisons: Iterable[CheckComparison]) -> CheckComparison | None:
    """Return several comparisons as one, each check once, in the order of the evidence; None of none."""
    found = list(comparisons)
    if not found:
        return None
    sides = zip(*(one.both for one in found), strict=True)
    return CheckComparison(*(pd.concat(side).drop_duplicates(["target", "check"]).sort_index() for side in sides))
