"""The tests of two runs compared with all that is known of them: renames, history, deleted files, what is left out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import pandas as pd

from stabkit.analyze.confirmation import BAD, GOOD
from stabkit.analyze.coverage import explained
from stabkit.analyze.final_attempts import deciding_attempts
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.analyze.transitions import renamed, test_transitions

__all__ = ["compare_tests", "disagreeing_tests", "expected_tests", "lost_tests"]

RECENT_RUNS: Final = 5
FEWEST_RUNS: Final = 3
"""Most of fewer runs than this is one run's word."""


def compare_tests(sides: Sides, suite: str | None = None) -> pd.DataFrame:
    """Return what became of each test of a suite, or of all; columns as :func:`test_transitions` has them."""
    before, after = sides.table("tests")
    return test_transitions(
        before,
        after,
        history=sides.earlier("tests"),
        aliases=sides.config.test_aliases,
        suite=suite,
        deleted_files=_deleted_files(sides),
        left_out=_left_out(sides, suite),
        disagreeing=frozenset().union(*(disagreeing_tests(sides, side) for _, side in sides.named)),
    )


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
    earlier = sides.earlier("tests")
    parts = [own.evidence["tests"].assign(run_id=str(own.fact("run_id")))] if own.complete else []
    if earlier is not None:
        parts.insert(0, earlier[earlier["run_id"].isin(runs["run_id"])])
    tests = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["suite", "run_id", "test_id"])
    tests = renamed(tests if suite is None else tests[tests["suite"] == suite], sides.config.test_aliases)
    holding = set(tests["run_id"])
    order = [run for run in [*runs["run_id"], own.fact("run_id")] if run in holding]
    recent = list(dict.fromkeys(order))[-RECENT_RUNS:]
    if len(recent) < FEWEST_RUNS:
        return frozenset()
    held = tests[tests["run_id"].isin(recent)].drop_duplicates(["run_id", "test_id"])["test_id"].value_counts()
    return frozenset(held.index[held > len(recent) / 2])


def lost_tests(sides: Sides, transitions: pd.DataFrame, suite: str | None = None) -> list[str]:
    """Return the expected tests that neither side holds, and that nothing explains, sorted."""
    lost = expected_tests(sides, suite) - set(transitions["test_id"])
    return sorted(lost - explained(lost, _deleted_files(sides), _left_out(sides, suite)).keys())


def disagreeing_tests(sides: Sides, side: RunEvidence) -> frozenset[str]:
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
    final = deciding_attempts(renamed(tests, sides.config.test_aliases), ["run_id", "test_id"])
    good, bad = (set(final.loc[final["status"].isin(words), "test_id"]) for words in (GOOD, BAD))
    return frozenset(good & bad)


def _deleted_files(sides: Sides) -> Collection[str]:
    changes = sides.candidate.evidence["changes"]
    deleted: list[str] = changes.loc[changes["status"] == "deleted", "path"].tolist()
    return deleted


def _left_out(sides: Sides, suite: str | None) -> Collection[str]:
    suites = sides.config.tests
    return [pattern for name in suites if suite in (None, name) for pattern in suites[name].left_out]
