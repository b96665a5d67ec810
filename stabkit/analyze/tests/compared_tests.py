"""The tests of two runs compared with all that is known of them: renames, history, deleted files, what is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from glob import escape
from typing import Final

import pandas as pd

from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.analyze.tests.common_tests import explained
from stabkit.analyze.tests.final_attempts import deciding_attempts
from stabkit.analyze.tests.identity import Identity
from stabkit.analyze.tests.transitions import renamed, test_transitions, worst_first
from stabkit.config import literal_brackets
from stabkit.vocabulary import BAD, GOOD

__all__ = ["TestComparison", "compare_tests", "disagreeing_tests", "expected_tests", "lost_tests", "united_tests"]

RECENT_RUNS: Final = 5
FEWEST_RUNS: Final = 3
"""Most of fewer runs than this is one run's word."""


@dataclass(frozen=True, eq=False)
class TestComparison:
    """The tests of a suite, or of all, compared.

    Attributes
    ----------
    suite : str or None
        None: of all suites together.
    transitions : DataFrame
        From :func:`compare_tests`.
    lost : list of str
        From :func:`lost_tests`.
    expected : frozenset of str
        From :func:`expected_tests`.
    """

    __test__ = False  # pytest collects imported classes called Test*; this is none
    suite: str | None
    transitions: pd.DataFrame
    lost: list[str]
    expected: frozenset[str]

    @classmethod
    def of(cls, sides: Sides, suite: str | None = None) -> TestComparison:
        """Compare the tests of a suite, or of all."""
        transitions = compare_tests(sides, suite)
        return cls(suite, transitions, lost_tests(sides, transitions, suite), expected_tests(sides, suite))


def united_tests(comparisons: Iterable[TestComparison]) -> pd.DataFrame | None:
    """Return the transitions of several comparisons, each test once, as its own suite has it; None without tests.

    An id that several suites hold is told apart as ``id [suite]``.
    """
    found = {one.suite: one.transitions for one in comparisons if len(one.transitions)}
    if not found:
        return None
    if (whole := found.pop(None, None)) is not None:
        found[None] = whole[~whole["suite"].isin(list(found))]
    frame = pd.concat(found.values(), ignore_index=True)
    return worst_first(_told_apart(frame, _of_several_suites(frame)))


def compare_tests(sides: Sides, suite: str | None = None) -> pd.DataFrame:
    """Return what became of each test of a suite, or of all; columns as :func:`test_transitions` has them.

    Notes
    -----
    Two suites may run the same tests, on two versions of a language say. Of all suites together an id that several of
    them hold on one side is told apart as ``id [suite]``: a break in one would hide behind a failure in the other.
    """
    before, after = (_apart(sides, frame, suite) for frame in sides.table("tests"))
    earlier = sides.earlier("tests")
    return test_transitions(
        before,
        after,
        history=None if earlier is None else _apart(sides, earlier, suite),
        deleted_files=_deleted_files(sides),
        left_out=_left_out(sides, suite),
        disagreeing=frozenset().union(*(disagreeing_tests(sides, side, suite) for _, side in sides.named)),
    )


def _of(sides: Sides, tests: pd.DataFrame, suite: str | None) -> pd.DataFrame:
    """Return the tests of a suite, or of all, under their newest names, each result under an id of its own."""
    own = [_apart(sides, side.evidence["tests"], suite) for _, side in sides.named]
    return Identity.of(own).named(_apart(sides, tests, suite))


def _apart(sides: Sides, tests: pd.DataFrame, suite: str | None) -> pd.DataFrame:
    """Return the tests of a suite, or of all, under their newest names, those of several suites told apart."""
    tests = renamed(_in(tests, suite), sides.config.test_aliases)
    if suite is not None:
        return tests
    own = (renamed(side.evidence["tests"], sides.config.test_aliases) for _, side in sides.named)
    return _told_apart(tests, frozenset().union(*map(_of_several_suites, own)))


def _in(tests: pd.DataFrame, suite: str | None) -> pd.DataFrame:
    own = None if suite is None else tests["suite"] == suite
    return tests if own is None or own.all() else tests[own]  # of a million tests a copy


def _told_apart(tests: pd.DataFrame, shared: Collection[str]) -> pd.DataFrame:
    """Return tests, those of these ids with the suite behind the id."""
    if not shared:
        return tests
    apart = tests["test_id"].isin(shared)
    return tests.assign(test_id=tests["test_id"].mask(apart, tests["test_id"] + " [" + tests["suite"] + "]"))


def _of_several_suites(tests: pd.DataFrame) -> frozenset[str]:
    if tests["suite"].nunique(dropna=False) < 2:
        return frozenset()
    pairs = tests[["test_id", "suite"]].drop_duplicates()
    return frozenset(pairs.loc[pairs["test_id"].duplicated(), "test_id"])


def expected_tests(sides: Sides, suite: str | None = None) -> frozenset[str]:
    """Return the tests that most of the last five complete runs on the baseline's branch hold, the baseline included.

    Empty where there are fewer than three such runs: then the baseline's own tests are all that is known.
    """
    if sides.baseline is None or sides.history_runs is None:
        return frozenset()
    runs, own = sides.history_runs, sides.baseline
    branch = own.fact("branch")
    same = runs["branch"].isna() if branch is None else runs["branch"] == branch
    runs = runs[same & runs["complete"].astype(bool)].sort_values("started_at", kind="stable")
    if len(runs) + 1 < FEWEST_RUNS:  # before a million tests are looked at for nothing
        return frozenset()
    earlier = sides.earlier("tests")
    parts = [own.evidence["tests"].assign(run_id=str(own.fact("run_id")))] if own.complete else []
    if earlier is not None:
        parts.insert(0, earlier[earlier["run_id"].isin(runs["run_id"])])
    tests = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["suite", "run_id", "test_id"])
    tests = _of(sides, tests, suite)
    holding = set(tests["run_id"])
    order = [run for run in [*runs["run_id"], own.fact("run_id")] if run in holding]
    recent = list(dict.fromkeys(order))[-RECENT_RUNS:]
    if len(recent) < FEWEST_RUNS:
        return frozenset()
    held = tests[tests["run_id"].isin(recent)].drop_duplicates(["run_id", "test_id"])["test_id"].value_counts()
    return frozenset(held.index[held > len(recent) / 2])


def lost_tests(sides: Sides, transitions: pd.DataFrame, suite: str | None = None) -> list[str]:
    """Return the expected tests that neither side holds, and that nothing explains, sorted."""
    lost = expected_tests(sides, suite)
    lost = lost - set(transitions["test_id"]) if lost else lost
    deleted, left_out = explained(lost, _deleted_files(sides), _left_out(sides, suite))
    return sorted(lost - deleted.keys() - left_out.keys())


def disagreeing_tests(sides: Sides, side: RunEvidence, suite: str | None = None) -> frozenset[str]:
    """Return the tests that earlier runs at the commit of one side, and that side itself, do not agree upon.

    The two sides are not held against each other: at one commit they may differ in what was deployed.
    """
    earlier, commit = sides.earlier("tests"), side.fact("commit")
    if earlier is None or sides.history_runs is None or commit is None:
        return frozenset()
    runs = sides.history_runs
    at_commit = earlier[earlier["run_id"].isin(runs.loc[runs["commit"] == commit, "run_id"])]
    if at_commit.empty:
        return frozenset()
    tests = pd.concat([at_commit, side.evidence["tests"].assign(run_id=str(side.fact("run_id")))], ignore_index=True)
    final = deciding_attempts(_of(sides, tests, suite), ["run_id", "test_id"])
    good, bad = (set(final.loc[final["status"].isin(words), "test_id"]) for words in (GOOD, BAD))
    return frozenset(good & bad)


def _deleted_files(sides: Sides) -> Collection[str]:
    changes = sides.candidate.evidence["changes"]
    deleted: list[str] = changes.loc[changes["status"] == "deleted", "path"].tolist()
    return deleted


def _left_out(sides: Sides, suite: str | None) -> Collection[str]:
    suites = sides.config.tests
    patterns = [(name, pattern) for name in suites if suite in (None, name) for pattern in suites[name].left_out]
    # An id may bear its suite's name, and what tells its results apart.
    return [
        text for name, pattern in patterns for text in _spellings(literal_brackets(pattern), name, apart=suite is None)
    ]


def _spellings(pattern: str, suite: str, *, apart: bool) -> tuple[str, ...]:
    if not apart:
        return pattern, f"{pattern} [[]*]", f"{pattern} [[]*] #*", f"{pattern} #*"
    named = f"{pattern} [[]{escape(suite)}]"
    return pattern, named, f"{named} *", f"{pattern} #*"
