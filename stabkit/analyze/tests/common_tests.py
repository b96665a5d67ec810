"""Whether two test runs cover the same tests, and which errors hide tests that used to run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import pandas as pd

from stabkit.vocabulary import STATUS_COUNTS

__all__ = [
    "FEWEST_COMMON",
    "Coverage",
    "coverage",
    "expected_to_fail",
    "explained",
    "hidden_by",
    "hidden_tests",
]

FEWEST_COMMON: Final = 0.9
"""Below this share of common tests two runs cover different subsets."""


@dataclass(frozen=True)
class Coverage:
    """How many tests each of two runs holds, and both.

    Attributes
    ----------
    before, after, common : int
        Tests present on that side, whatever their result; on both.
    """

    before: int
    after: int
    common: int

    @property
    def all(self) -> int:
        """Tests that either side holds."""
        return self.before + self.after - self.common

    @property
    def comparable(self) -> bool:
        """True if the sides share at least 90 % of all tests."""
        return bool(self.all) and self.common >= FEWEST_COMMON * self.all


def coverage(transitions: pd.DataFrame) -> Coverage:
    """Return what two runs have in common, from :func:`stabkit.analyze.tests.transitions.test_transitions`."""
    before, after = transitions["baseline_status"].notna(), transitions["candidate_status"].notna()
    return Coverage(int(before.sum()), int(after.sum()), int((before & after).sum()))


def expected_to_fail(transitions: pd.DataFrame) -> list[str]:
    """Return the tests that passed before and are now expected to fail: no regression by the rules, and no success."""
    passed = transitions["baseline_status"].isin(STATUS_COUNTS["passed"])
    marked = passed & (transitions["candidate_status"] == "xfail")
    found: list[str] = transitions.loc[marked, "test_id"].tolist()
    return found


def hidden_tests(transitions: pd.DataFrame) -> dict[str, list[str]]:
    """Return the errors that hide tests, each with the ids that it hides."""
    hidden = transitions[transitions["hidden_by"].notna()]
    return {str(error): ids.tolist() for error, ids in hidden.groupby("hidden_by")["test_id"]}


def hidden_by(transitions: pd.DataFrame) -> dict[str, str]:
    """Return the tests that disappeared and the new error that hides each.

    Notes
    -----
    An error hides what lies below the module or class that it is named after: a module that cannot be imported, a
    ``setUpClass`` that fails. It also hides its neighbours, the tests of the same class or file, if all of them went:
    a hook that fails, a file that does not load, a package that does not build.
    """
    gone = transitions.loc[transitions["transition"] == "disappeared", "test_id"].tolist()
    added = (transitions["transition"] == "added") & (transitions["candidate_status"] == "error")
    errors = transitions.loc[added, ["test_id", "name"]].values.tolist()
    if not gone or not errors:
        return {}
    modules = {module: test_id for test_id, name in errors for module in _modules(test_id, name)}
    hidden = {test: error for test in gone if (error := _above(test, modules)) is not None}
    kept = transitions["baseline_status"].notna() & transitions["candidate_status"].notna()
    still = {_neighbours(test) for test in transitions.loc[kept, "test_id"]}
    alone = {_neighbours(test_id): test_id for test_id, _ in errors if _neighbours(test_id) not in still}
    near = {test: alone[place] for test in gone if (place := _neighbours(test)) in alone}
    return near | hidden


def explained(
    tests: Collection[str], deleted_files: Collection[str], left_out: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tests that are gone for a known reason: with their deleted file, and with the glob of ``left_out``."""
    files = {module: path for path in deleted_files if (module := _dotted(path))}
    deleted = {test: file for test in tests if (file := _above(test, files)) is not None}
    return deleted, {test: glob for glob in left_out for test in tests if fnmatchcase(test, glob)}


def _modules(test_id: str, name: Any) -> set[str]:
    """Return the modules or classes that an error may be named after: its id, its name, ``setUpClass (a.B)``."""
    inside = re.search(r"\(([\w.]+)\)$", name) if isinstance(name, str) else None
    return {_dotted(test_id), _dotted(name), inside.group(1) if inside else ""} - {""}


def _above(test: str, modules: Mapping[str, str]) -> str | None:
    """Return what stands for the innermost module or class that a test lies in."""
    head = _dotted(test)
    while (end := head.rfind(".")) > 0:
        head = head[:end]
        if head in modules:
            return modules[head]
    return None


def _neighbours(test_id: str) -> str:
    return test_id.rpartition("::")[0]


def _dotted(test_id: Any) -> str:
    """Return an id or path as dots, so that ``a/b.py::C::t`` lies in ``a.b``."""
    if not isinstance(test_id, str):
        return ""
    text = re.sub(r"\.py(?=::|$)", "", test_id.replace("\\", "/"))
    return text.replace("::", ".").replace("/", ".").strip(".")
