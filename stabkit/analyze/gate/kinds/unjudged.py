"""What no condition speaks of, compared all the same: it is shown as what is judged is, and decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import pandas as pd

from stabkit.analyze.checks import CheckComparison, worst_checks
from stabkit.analyze.findings import FindingComparison, compare_findings
from stabkit.analyze.sides import Sides
from stabkit.analyze.tests import TestComparison

__all__ = ["compare_the_rest"]


def compare_the_rest(judged: Iterable[object], sides: Sides) -> tuple[object, ...]:
    """Return the comparisons of the tests, scans and checks that none of these comparisons holds."""
    known = list(judged)
    return (*_suites(known, sides), *_tools(known, sides), *_checks(known, sides))


def _suites(judged: Iterable[object], sides: Sides) -> Iterator[TestComparison]:
    held = {found.suite for found in judged if isinstance(found, TestComparison)}
    suites = set().union(*(frame["suite"].unique() for frame in sides.table("tests")))
    yield from (TestComparison.of(sides, suite) for suite in sorted(suites - held) if None not in held)


def _tools(judged: Iterable[object], sides: Sides) -> Iterator[FindingComparison]:
    held = {scan for found in judged if isinstance(found, FindingComparison) for scan in found.scans}
    before, after = (
        _without(frame, {scan for of, scan in held if of == side}, "scan_id")
        for side, frame in zip(("baseline", "candidate"), sides.table("scans"), strict=True)
    )
    for tool in sorted({*before["tool"], *after["tool"]}):
        yield compare_findings(sides, (before[before["tool"] == tool], after[after["tool"] == tool]))


def _checks(judged: Iterable[object], sides: Sides) -> Iterator[CheckComparison]:
    frames = [frame for found in judged if isinstance(found, CheckComparison) for frame in found.both]
    held = {name for frame in frames for name in zip(frame["target"], frame["check"], strict=True)}
    before, after = (_without(frame, held, "target", "check") for frame in sides.table("checks"))
    if len(before) or len(after):
        yield CheckComparison(worst_checks(before), worst_checks(after))


def _without(frame: pd.DataFrame, held: Collection[object], *key: str) -> pd.DataFrame:
    """Return the rows whose key, one value or a tuple of several, is not held."""
    names = frame[key[0]] if len(key) == 1 else zip(*(frame[name] for name in key), strict=True)
    return frame[pd.Series([name not in held for name in names], index=frame.index, dtype="bool")]
