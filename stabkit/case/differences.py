"""What moved between two runs, or two pieces of evidence: tests by transition, findings by state."""

from __future__ import annotations

import pandas as pd

from stabkit.analyze import Sides
from stabkit.analyze.findings import FindingComparison, compare_findings, united_findings
from stabkit.analyze.gate import compare_exactly
from stabkit.analyze.tests import TestComparison, united_tests

__all__ = ["moved"]


def moved(
    sides: Sides, changes: pd.DataFrame | None = None, *, apart: bool
) -> tuple[pd.DataFrame | None, FindingComparison | None]:
    """Return what became of each test and of each finding; None where neither side has any test, any scan.

    Parameters
    ----------
    changes : DataFrame, optional
        What changed between the commits of the two scans; else what was recorded with the candidate counts.
    apart : bool
        True: suite by suite and scan by scan, as the verdict has them. Files may name their suites and scans as they
        like: theirs are compared all together.
    """
    found = compare_exactly(sides) if apart else (TestComparison.of(sides),)
    matched = [one for one in found if isinstance(one, FindingComparison)]
    if not apart or (matched and changes is not None):
        matched = [compare_findings(sides, sides.table("scans"), between=changes)]
    return united_tests(one for one in found if isinstance(one, TestComparison)), united_findings(matched)
