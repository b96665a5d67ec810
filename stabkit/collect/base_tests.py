"""Running the baseline's own tests against the candidate: whether what was promised is still kept."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from stabkit.change import Git, write_mixed_tree
from stabkit.collect.suites import run_suite
from stabkit.config import TestSuite
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.vocabulary import BAD, BASE_TESTS, STATUS_COUNTS

__all__ = ["run_base_tests"]


def run_base_tests(
    name: str,
    suite: TestSuite,
    *,
    repository: Path,
    base: str,
    head: str,
    root: Path,
    known_failures: Collection[str] = (),
) -> Evidence:
    """Run a suite with the test files of ``base`` on everything else of ``head``.

    The code of the candidate is executed, in a folder of its own: only where ``[changes] base_tests`` asks for it.

    Parameters
    ----------
    name : str
        The suite's name.
    suite : TestSuite
        Its command; a suite of report files cannot be run.
    repository : Path
        The git repository.
    base, head : str
        Commits.
    root : Path
        Folder of the configuration, within the repository.
    known_failures : collection of str
        Ids of tests that failed in the baseline already: failing here too they break no promise.

    Returns
    -------
    Evidence
        One row of ``checks``, target ``changes``: ``pass``, ``fail`` with the tests that broke, or ``not_checked`` with
        the reason.
    """
    if not suite.command:
        return _row(
            "not_checked", detail=f"the suite {name!r} has no command: its report files say nothing of other code"
        )
    top = Path(Git(repository).read("rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").rstrip("\n"))
    with tempfile.TemporaryDirectory(prefix="stabkit-base-tests-") as text:
        folder = Path(text)
        files = write_mixed_tree(repository, base, head, folder)
        if not files:
            return _row("not_checked", detail="the baseline holds no test file")
        inner = folder / (root.resolve().relative_to(top.resolve()) if root.resolve().is_relative_to(top) else "")
        alone = suite.model_copy(update={"confirm_reruns": 0, "rerun_command": ()})
        found = run_suite(name, alone, root=inner)
    faults = found["sources"]
    if (faults["status"] == "error").any() or found["tests"].empty:
        told = faults["message"].dropna()
        return _row("not_checked", detail=str(told.iloc[0]) if len(told) else "the run gave no report")
    last = found["tests"].sort_values("attempt").groupby("test_id").tail(1)
    broken = sorted(set(last.loc[last["status"].isin(BAD), "test_id"]) - set(known_failures))
    passed = int(last["status"].isin(STATUS_COUNTS["passed"]).sum())
    if broken:
        return _row(
            "fail",
            observed=f"{len(broken)} of {len(last)} broke",
            detail="; ".join(broken[:20]),
        )
    if not passed:
        return _row("not_checked", detail="none of them passed or failed")
    return _row("pass", observed=f"{passed} of {len(last)} passed")


def _row(outcome: str, *, detail: str | None = None, **told: Any) -> Evidence:
    known = {"target": "changes", "check": BASE_TESTS, "expected": "they pass on the candidate", "outcome": outcome}
    row: dict[str, Any] = {**known, "detail": None if detail is None else redact_text(detail), **told}
    return Evidence.of(checks=pd.DataFrame([row]))
