"""Which attempt of a test is its result, also where one id stands for several tests of which some were retried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from stabkit.errors import UsageError, nearest
from stabkit.schema import conform
from stabkit.vocabulary import BAD, GOOD, STATUSES

__all__ = ["SEVERITY", "deciding_attempts", "final_results"]

SEVERITY: Final[Mapping[str, int]] = {word: rank for rank, word in enumerate(STATUSES)}
"""The worst of several undeclared results of one id counts."""


def deciding_attempts(tests: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Return the row of each test that is its result, with ``finals``: how many rows no retry followed.

    Parameters
    ----------
    tests : DataFrame
        Rows of the table ``tests``, any order.
    key : sequence of str
        The columns that name one test.

    Notes
    -----
    Two shards, or two cases that differ in what their reporter leaves out of the name, may give one id: say failed then
    passed, and failed. Only one of the two failures was retried, so the other is a result, and the worst result counts.
    Which row a retry supersedes is not written down: of the rows of one attempt as many are superseded as there are
    rows of the next attempt, failures first, the mildest first.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": "t", "attempt": [1, 2, 1], "status": ["fail", "pass", "error"], "message": None})
    >>> deciding_attempts(rows, ["id"])[["status", "finals"]].values.tolist()
    [['error', 2]]
    """
    severity = tests["status"].map(SEVERITY).astype("int64")
    rows = tests.assign(_severity=severity, _order=severity.where(tests["status"].isin(BAD), severity + len(SEVERITY)))
    each = [*key, "attempt"]
    rows = rows.sort_values([*each, "_order"], kind="stable")
    if rows.duplicated(list(key)).any():
        sizes = rows.groupby(each, sort=True, dropna=False).size().rename("_size").reset_index()
        sizes["_next"] = sizes.groupby(list(key), dropna=False)["_size"].shift(-1, fill_value=0)
        place = rows.groupby(each, dropna=False).cumcount()
        # Both are in the order of ``each``, so a block of rows takes the number of its own line.
        following = sizes["_next"].repeat(sizes["_size"]).to_numpy()
        rows = rows[place.to_numpy() >= following]
    rows = rows.assign(_message=rows["message"].fillna("") if "message" in rows else "")
    rows = rows.sort_values([*key, "_severity", "attempt", "_message"], kind="stable")
    finals = rows.groupby(list(key), dropna=False)["status"].transform("size")
    decided = rows.assign(finals=finals).drop_duplicates(list(key), keep="last")
    return decided.drop(columns=["_severity", "_order", "_message"])


def final_results(tests: pd.DataFrame, *, suite: str | None = None) -> pd.DataFrame:
    """Return one row for each test of each run: its last word, and whether it recovered on the way.

    Parameters
    ----------
    tests : DataFrame
        Table ``tests``; a row is an attempt.
    suite : str, optional
        Only this suite.

    Returns
    -------
    DataFrame
        ``run_id``, ``suite``, ``test_id``, ``status`` (of the last attempt; the most severe if several rows are
        the last of theirs), ``attempts``, ``recovered`` (a bad attempt, then a good last one).

    Raises
    ------
    UsageError
        There are tests, but none of that suite.
    """
    rows = conform("tests", tests)
    if suite is not None and len(rows):
        known = sorted(rows["suite"].unique())
        if suite not in known:
            guess = nearest(suite, known)
            hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(known)}."
            raise UsageError(f"No test belongs to the suite {suite!r}.", where="table tests", hint=hint)
        rows = rows[rows["suite"] == suite]
    rows = rows[["run_id", "suite", "test_id", "attempt", "status"]].copy()
    rows["bad"] = rows["status"].isin(BAD)
    key = ["run_id", "suite", "test_id"]
    grouped = rows.groupby(key, sort=True, dropna=False)
    result = grouped.agg(attempts=("attempt", "max"), failed=("bad", "any")).reset_index()
    result["status"] = deciding_attempts(rows, key)["status"].to_numpy()  # in the same order
    result["recovered"] = result["failed"] & result["status"].isin(GOOD)
    return result[[*key, "status", "attempts", "recovered"]]
