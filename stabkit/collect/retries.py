"""Retries that a reporter writes down as further cases of the same id."""

from __future__ import annotations

from stabkit.schema import Evidence

__all__ = ["number_attempts"]


def number_attempts(evidence: Evidence) -> Evidence:
    """Return the evidence with the cases of one id as its attempts in order, within one file and browser or host.

    The last of them counts. Only a configuration can say so (``retries = "same_id"``): parameters that a reporter
    leaves out of the name look the same, and then each result counts. An id whose attempts the file
    numbers itself stays as it is.
    """
    tests = evidence["tests"]
    if not len(tests):
        return evidence
    groups = tests.groupby(["source", "suite", "test_id", "variant"], dropna=False, sort=False)["attempt"]
    numbered = groups.transform("max") > 1
    attempts = tests["attempt"].where(numbered, groups.cumcount() + 1).astype("Int64")
    return Evidence({**evidence.tables, "tests": tests.assign(attempt=attempts)})
