"""What became of each test between two runs: by id, on its final status, never by totals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final

import pandas as pd

from stabkit.analyze.rows import unique, values
from stabkit.analyze.statistics import sign_test
from stabkit.analyze.tests.common_tests import explained, hidden_by
from stabkit.analyze.tests.confirmation import FlakeBasis, attempts_to_confirm, chance_of_flakes, past_results
from stabkit.analyze.tests.final_attempts import SEVERITY, deciding_attempts
from stabkit.analyze.tests.identity import Identity
from stabkit.config import is_expression, replaced
from stabkit.vocabulary import BAD, GOOD

__all__ = [
    "TRANSITIONS",
    "UNMOVED",
    "failing_tests",
    "renamed",
    "suite_summary",
    "test_results",
    "test_transitions",
    "worst_first",
]

TRANSITIONS: Final = (
    "regressed",
    "flaky",
    "disappeared",
    "newly_skipped",
    "still_failing",
    "added",
    "fixed",
    "still_skipped",
    "still_passing",
)
UNMOVED: Final = ("still_skipped", "still_passing")
"""Transitions of tests that came out as before, and well."""


def test_results(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the final status of each test of one run.

    Parameters
    ----------
    tests : DataFrame
        Rows of the table ``tests`` of one run, any order.

    Returns
    -------
    DataFrame
        One row a test id, in order of id: test_id, suite, class, name, status (of the last attempt), attempts,
        recovered (failed and good attempts in one run: flaky), failures (failed attempts), fresh_failures (the first
        attempt if it failed, and failed reruns in processes of their own), time_s (sum over attempts, null if none has
        one), message (of the last failed attempt). Empty if ``tests`` is.

    Notes
    -----
    The same id several times under one attempt number is not declared as a retry: the worst result wins, also where
    only some of them were retried (:func:`.deciding_attempts`). A failed attempt followed
    by a pass is a pass, and ``recovered``. Retries inside the same process share its state and add nothing to
    ``fresh_failures``.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"suite": "s", "class": None, "name": "t", "test_id": "t", "attempt": [1, 2], "status": ["fail", "pass"],
    ...      "time_s": [0.5, 0.25], "message": ["boom", None], "fresh_process": [None, True]})
    >>> test_results(rows)[["status", "attempts", "recovered", "fresh_failures", "time_s"]].values.tolist()
    [['pass', 2, True, 1, 0.75]]
    """
    results = _results(tests)
    return results.sort_values("test_id", ignore_index=True)


def _results(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the results in any order: of tests that are told once each, nothing has to be copied."""
    columns = list(_RESULT)
    if tests.empty:
        return pd.DataFrame({name: pd.Series(dtype=_DTYPES.get(name, "str")) for name in columns})
    if unique(tests["test_id"]):
        return _told_once(tests)[columns]
    rank = tests["status"].map(SEVERITY)
    order = tests.assign(_rank=rank, _message=tests["message"].fillna("")).sort_values(
        ["test_id", "attempt", "_rank", "_message"], kind="stable"
    )
    attempts = order.drop_duplicates(["test_id", "attempt"], keep="last")
    bad = attempts["status"].isin(BAD)
    first = ~attempts.duplicated("test_id")
    fresh = attempts["fresh_process"].astype("boolean").fillna(value=False).astype(bool)
    attempts = attempts.assign(_bad=bad, _good=attempts["status"].isin(GOOD), _fresh=bad & (first | fresh))
    by_id = attempts.groupby("test_id", sort=True)
    last = deciding_attempts(tests, ["test_id"]).set_index("test_id")
    # A failure that nothing retried is no recovery, whatever else bears its id.
    stands = last["status"].isin(BAD) & (last["finals"] > 1)
    result = last[["suite", "class", "name", "status"]].assign(
        attempts=by_id.size(),
        recovered=by_id["_bad"].any() & by_id["_good"].any() & ~stands,
        failures=by_id["_bad"].sum(),
        fresh_failures=by_id["_fresh"].sum(),
        time_s=order.groupby("test_id")["time_s"].sum(min_count=1),
        message=attempts[bad].drop_duplicates("test_id", keep="last").set_index("test_id")["message"],
    )
    result = result.reset_index()[columns]
    return result.astype({name: _DTYPES.get(name, "str") for name in columns})


def _told_once(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the results of tests of which each has one row: nothing is to be weighed."""
    rows = tests[["test_id", "suite", "class", "name", "status", "time_s", "message"]]
    rows = rows.reset_index(drop=True)
    bad = rows["status"].isin(BAD)
    failures = bad.astype("int64")
    found = {name: rows[name].astype(_DTYPES.get(name, "str")) for name in rows}
    found |= {"failures": failures, "fresh_failures": failures, "message": found["message"].where(bad)}
    fixed = {"attempts": pd.Series(1, index=rows.index), "recovered": pd.Series(data=False, index=rows.index)}
    return pd.DataFrame({**fixed, **found}, copy=False)


def failing_tests(tests: pd.DataFrame, *, tried: bool = False) -> dict[str, frozenset[str]]:
    """Return suite -> ids of the tests of one run whose last word is bad; table ``tests``.

    ``tried``: only those that failed in a process of their own as well. One that failed once may be a flake.
    """
    found = {}
    for suite, rows in tests.groupby("suite"):
        results = test_results(rows)
        bad = results["status"].isin(BAD) & ((results["fresh_failures"] > 1) | (not tried))
        found[str(suite)] = frozenset(results.loc[bad, "test_id"])
    return found


_RESULT: Final = (
    *("test_id", "suite", "class", "name", "status", "attempts", "recovered", "failures", "fresh_failures"),
    *("time_s", "message"),
)
_DTYPES: Final[Mapping[str, str]] = {
    "attempts": "int64",
    "recovered": "bool",
    "failures": "int64",
    "fresh_failures": "int64",
    "time_s": "float64",
}


def test_transitions(
    baseline_tests: pd.DataFrame,
    candidate_tests: pd.DataFrame,
    *,
    history: pd.DataFrame | None = None,  # noqa: PT028 - no test, in spite of its name
    aliases: Mapping[str, str] | None = None,  # noqa: PT028 - no test, in spite of its name
    suite: str | None = None,  # noqa: PT028 - no test, in spite of its name
    deleted_files: Collection[str] = (),  # noqa: PT028 - no test, in spite of its name
    left_out: Collection[str] = (),  # noqa: PT028 - no test, in spite of its name
    disagreeing: Collection[str] = (),  # noqa: PT028 - no test, in spite of its name
) -> pd.DataFrame:
    """Say of each test what became of it, and whether a break is confirmed.

    Parameters
    ----------
    baseline_tests, candidate_tests : DataFrame
        Rows of the table ``tests``, of one run each.
    history : DataFrame, optional
        Rows of the table ``tests`` of earlier runs of the same environment, from which flake rates are learnt.
    aliases : Mapping, optional
        Old test id -> new test id, for renamed tests; applied to both sides, since both may be older than a rename.
    suite : str, optional
        Only this suite.
    deleted_files : Collection of str
        Paths deleted between the runs; they explain the disappearance of the tests in them.
    left_out : Collection of str
        Globs of ids that are not to run any more, or not here; they explain it too.
    disagreeing : Collection of str
        Ids that failed and passed at the commit of one side: a change of theirs is ``flaky``.

    Returns
    -------
    DataFrame
        One row a result, those of one id told apart as :class:`.Identity` says, worst transition first, then by id:
        test_id, suite, transition (one of :data:`TRANSITIONS`), baseline_status, candidate_status (null if absent),
        confirmed (a regressed or an added test that fails), attempts, failures, fresh_failures, recovered (of the
        candidate), flake_rate (expected share of failures without a cause), flake_basis (``own history`` or
        ``suite``), flake_chance (that so many failures are flakes), at_risk, need_reruns (null if nothing is open or no
        number would do), gone_with (the browser, host or report of which every result disappeared), hidden_by (the
        collection error that hides a disappeared test), explained_by (the deleted file, or left_out and its glob),
        left_out (that glob by itself), baseline_time_s, candidate_time_s, message.

    Notes
    -----
    A regressed test is confirmed if all its attempts failed, k of them in fresh processes, and the chance that k
    flakes did it is at most 0.05 / m for m tests at risk (good in the baseline, with a result in the candidate);
    :func:`.chance_of_flakes` has the model. A pass among the candidate's failures makes it
    ``flaky``, and so does a baseline that itself recovered. skip to a result is ``added``. Of an id with more results
    than before, those beyond their number that are good are not told: nothing was lost or broken.
    """
    own = [renamed(_of_suite(tests, suite), aliases) for tests in (baseline_tests, candidate_tests)]
    identity = Identity.of(own)
    before, after = (_results(identity.named(tests)) for tests in own)
    past = past_results(identity.named(renamed(_of_suite(history, suite), aliases))) if history is not None else None
    known = identity.surplus(*own)
    if known:
        after = after[~(after["test_id"].isin(known) & after["status"].isin(GOOD))].reset_index(drop=True)
    flaky_seen = int(before["recovered"].sum() + after["recovered"].sum())
    frame = _joined(before, after)
    del before, after  # of millions of tests a second copy
    facts = ("baseline_status", "candidate_status", "baseline_recovered", "recovered")
    told = [*(frame[name] for name in facts), frame["test_id"].isin(disagreeing)]
    # A handful of combinations tell of millions of tests.
    frame["transition"] = pd.Series(map(cache(_transition), *map(values, told)), index=frame.index, dtype="str")
    frame = _confirm(worst_first(frame), past, flaky_seen=flaky_seen)
    frame = frame.assign(gone_with=_gone_with(frame, identity.gone(*own)))
    return _explain(frame, deleted_files, left_out)


def _gone_with(frame: pd.DataFrame, gone: Mapping[str, str]) -> pd.Series:
    return _looked_up(frame["test_id"].where(frame["transition"] == "disappeared"), gone) if gone else _nothing(frame)


def _nothing(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(None, index=frame.index, dtype="str")


def _looked_up(ids: pd.Series, known: Mapping[str, str]) -> pd.Series:
    return ids.map(known).astype("str")


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Return transitions in the order of :data:`TRANSITIONS`, then by id."""
    by_id = frame["test_id"].reset_index(drop=True).sort_values(kind="stable").index
    rank = frame["transition"].map({name: place for place, name in enumerate(TRANSITIONS)}).to_numpy()
    return frame.take(by_id[rank[by_id].argsort(kind="stable")]).reset_index(drop=True)


# pytest collects imported functions called test_*; these are no tests.
test_results.__test__ = False  # type: ignore[attr-defined]
test_transitions.__test__ = False  # type: ignore[attr-defined]


def _of_suite(tests: pd.DataFrame, suite: str | None) -> pd.DataFrame:
    return tests if suite is None else tests[tests["suite"] == suite]


def renamed(tests: pd.DataFrame, aliases: Mapping[str, str] | None) -> pd.DataFrame:
    """Return tests under their newest names; an old name stays where its run holds the new one too.

    An old name between slashes is a regular expression: wherever it is found in an id, the new name takes its place.

    Raises
    ------
    ConfigError
        Such an expression takes too long on these ids.
    """
    if not aliases:
        return tests
    runs = tests["run_id"].fillna("").tolist() if "run_id" in tests else [""] * len(tests)
    present = set(zip(runs, tests["test_id"], strict=True))
    patterns = {old[1:-1]: name for old, name in aliases.items() if is_expression(old)}
    if patterns:
        tests = tests.assign(test_id=_masked(tests["test_id"], patterns))
    new = {old: _newest(old, aliases) for old in aliases}
    named = [
        old if (run, new.get(old, old)) in present else new.get(old, old)
        for run, old in zip(runs, tests["test_id"], strict=True)
    ]
    return tests.assign(test_id=pd.Series(named, index=tests.index, dtype="str"))


def _masked(ids: pd.Series, patterns: Mapping[str, str]) -> pd.Series:
    before = ids.unique().tolist()
    after = before
    for pattern, name in patterns.items():
        after = replaced(pattern, name, after, where="test_aliases")
    return ids.map(dict(zip(before, after, strict=True))).astype(ids.dtype)


def _newest(name: str, aliases: Mapping[str, str]) -> str:
    """Follow a chain of renames to its end; a circle ends where it closes."""
    seen = {name}
    while (name := aliases.get(name, name)) not in seen:
        seen.add(name)
    return name


def _transition(baseline: str | None, candidate: str | None, *again: bool | None) -> str:
    """Return what became of a test; ``again``: did a side recover, do runs of a commit disagree."""
    recovered_b, recovered_c, disagrees = again
    if candidate is None:
        return "disappeared"
    if candidate == "skip" and baseline is not None:
        return "still_skipped" if baseline == "skip" else "newly_skipped"
    if baseline is None or baseline == "skip":
        return "added"
    now_bad, changed = candidate in BAD, (baseline in BAD) != (candidate in BAD)
    if recovered_c is True or (changed and (recovered_b is True or disagrees)):
        return "flaky"
    words = ("regressed", "fixed") if changed else ("still_failing", "still_passing")
    return words[0] if now_bad else words[1]


def _joined(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the results of both sides test by test, in any order.

    A merge of both frames would copy every column of both, and where the same tests ran nothing has to move at all.
    Rows of either side are called by their place, from 0.
    """
    places = [side[["test_id"]].assign(at=side.index) for side in (before, after)]
    if places[0].equals(places[1]):
        both = places[0].rename(columns={"at": "at_b"}).assign(at_c=places[1]["at"])
    else:
        both = places[0].merge(places[1], on="test_id", how="outer", suffixes=("_b", "_c"))

    def of(side: pd.DataFrame, at: pd.Series, name: str) -> pd.Series:
        whole = len(at) == len(side) and bool((at == side.index).all())
        # A place of -1 is none of the rows: the value there is null.
        found = side[name] if whole else side[name].reindex(at.fillna(-1).astype("int64"))
        return found.set_axis(both.index)

    def own(name: str) -> tuple[pd.Series, pd.Series]:
        return of(before, both["at_b"], name), of(after, both["at_c"], name)

    def newest(name: str) -> pd.Series:
        old, new = own(name)
        return new.fillna(old) if new.hasnans else new

    def counted(name: str) -> pd.Series:
        return of(after, both["at_c"], name).astype("Int64")

    columns = {"test_id": both["test_id"], **{name: newest(name) for name in ("suite", "class", "name")}}
    columns["transition"] = pd.Series("", index=both.index, dtype="str")
    columns["baseline_status"], columns["candidate_status"] = own("status")
    columns |= {name: counted(name) for name in ("attempts", "failures", "fresh_failures")}
    recovered = [side.astype("boolean") for side in own("recovered")]
    columns["recovered"], columns["baseline_recovered"] = reversed(recovered)
    columns["baseline_time_s"], columns["candidate_time_s"] = own("time_s")
    columns["message"] = newest("message")
    return pd.DataFrame(columns, copy=False)


def _confirm(frame: pd.DataFrame, past: pd.DataFrame | None, *, flaky_seen: int) -> pd.DataFrame:
    at_risk = int((frame["baseline_status"].isin(GOOD) & frame["candidate_status"].isin(BAD | GOOD)).sum())
    failed: Mapping[str, int] = past.groupby("test_id")["failed"].sum().to_dict() if past is not None else {}
    counts: Mapping[str, int] = past["test_id"].value_counts().to_dict() if past is not None else {}
    fails = frame["transition"].eq("added") & frame["candidate_status"].isin(BAD)
    open_ = (fails | frame["transition"].isin(["regressed", "flaky"])) & frame["failures"].notna()
    rows = frame.loc[open_]
    ids = values(rows["test_id"])
    seen = [int(failed.get(test, 0)) for test in ids]
    # The baseline belongs to what was known before; a baseline that had to retry is a failure seen.
    failures = [n + (again is True) for n, again in zip(seen, values(rows["baseline_recovered"]), strict=True)]
    good = values(rows["baseline_status"].isin(GOOD))
    passes = [int(counts.get(test, 0)) - n + was for test, n, was in zip(ids, seen, good, strict=True)]

    @cache
    def confirmation(*of_test: Any) -> _Confirmation:
        flaky, attempts, fresh, failures, passes = of_test
        return _confirmation(FlakeBasis(failures, passes, flaky_seen, at_risk), attempts, fresh, flaky=flaky)

    facts = (rows["transition"].eq("flaky"), rows["failures"], rows["fresh_failures"])
    told = list(map(confirmation, *map(values, facts), failures, passes))
    for place, (name, dtype, nothing) in enumerate(_CONFIRMATION):
        column = pd.Series(nothing, index=frame.index, dtype=dtype)
        column.loc[open_] = pd.array([one[place] for one in told], dtype=dtype)
        frame[name] = column
    return frame.assign(at_risk=at_risk)


_Confirmation = tuple[bool, float | None, str | None, float | None, int | None]
# The columns that these are, with the value of a test that nothing is to be confirmed of.
_CONFIRMATION: Final = (
    ("confirmed", "bool", False),
    ("flake_rate", "float64", None),
    ("flake_basis", "str", None),
    ("flake_chance", "float64", None),
    ("need_reruns", "Int64", None),
)


def _confirmation(basis: FlakeBasis, failures: int, fresh: int, *, flaky: bool) -> _Confirmation:
    rate, source = chance_of_flakes(basis, 1)
    if flaky:
        return False, rate, source, chance_of_flakes(basis, failures)[0], None
    chance, source = chance_of_flakes(basis, fresh)
    wanted = attempts_to_confirm(basis)
    confirmed = wanted is not None and fresh >= wanted
    need = None if confirmed or wanted is None else wanted - fresh
    return confirmed, rate, source, chance, need


def _explain(frame: pd.DataFrame, deleted_files: Collection[str], left_out: Collection[str]) -> pd.DataFrame:
    gone = frame.loc[frame["transition"] == "disappeared", "test_id"].tolist()
    deleted, left = explained(gone, deleted_files, left_out)
    told = deleted | {test: f"left_out {glob}" for test, glob in left.items()}
    reasons = {"hidden_by": hidden_by(frame), "explained_by": told, "left_out": left}
    ids = frame["test_id"]
    return frame.assign(
        **{name: _looked_up(ids, found) if found else _nothing(frame) for name, found in reasons.items()}
    )


def suite_summary(transitions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a suite: counts of both sides, transitions, and the exact McNemar test of the change.

    Parameters
    ----------
    transitions : DataFrame
        From :func:`test_transitions`.

    Returns
    -------
    DataFrame
        In order of suite: suite, baseline_good, baseline_judged, candidate_good, candidate_judged (skips apart),
        baseline_pass, candidate_pass ("260/273"), baseline_skipped, candidate_skipped, baseline_tests, candidate_tests,
        common (tests with a result on both sides), one column per transition, confirmed, mcnemar_p,
        baseline_time_s, candidate_time_s.

    Notes
    -----
    McNemar's exact test: of the tests that changed sides, the share that broke, two-sided against one half; 1.0 if none
    changed. It speaks of the direction of the whole suite and decides nothing: five broken and five fixed give 1.0.

    Examples
    --------
    >>> rows = pd.DataFrame({"test_id": ["a", "b"], "suite": "s", "name": ["a", "b"], "class": None, "attempt": 1,
    ...     "status": ["pass", "fail"], "time_s": 0.1, "message": None, "fresh_process": None})
    >>> suite_summary(test_transitions(rows, rows))[["baseline_pass", "candidate_pass", "mcnemar_p"]].values.tolist()
    [['1/2', '1/2', 1.0]]
    """
    rows = [{"suite": name, **_summary(group)} for name, group in transitions.groupby("suite", sort=True)]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["suite"])


def _summary(group: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for side in ("baseline", "candidate"):
        status = group[f"{side}_status"]
        good, judged = int(status.isin(GOOD).sum()), int(status.isin(GOOD | BAD).sum())
        row |= {
            f"{side}_good": good,
            f"{side}_judged": judged,
            f"{side}_pass": f"{good}/{judged}",
            f"{side}_skipped": int((status == "skip").sum()),
            f"{side}_tests": int(status.notna().sum()),
            f"{side}_time_s": group[f"{side}_time_s"].sum(min_count=1),
        }
    before, after = group["baseline_status"], group["candidate_status"]
    broke = int((before.isin(GOOD) & after.isin(BAD)).sum())
    mended = int((before.isin(BAD) & after.isin(GOOD)).sum())
    row["common"] = int((before.isin(GOOD | BAD) & after.isin(GOOD | BAD)).sum())
    row |= {name: int((group["transition"] == name).sum()) for name in TRANSITIONS}
    row["confirmed"] = int(group["confirmed"].sum())
    row["mcnemar_p"] = sign_test(broke, mended)
    return row
