"""A plugin of stabkit: a reader, a notebook, and a kind of condition."""

from __future__ import annotations

import stabkit

__all__ = ["tests_of_suites"]


def tests_of_suites(data: str) -> stabkit.Table:
    """Return how many tests each suite of a store has."""
    tests = stabkit.open(data).read("tests")
    sizes = tests.groupby("suite", as_index=False)["test_id"].nunique()
    return stabkit.Table.of(sizes.rename(columns={"test_id": "tests"}), caption="Tests of each suite")
