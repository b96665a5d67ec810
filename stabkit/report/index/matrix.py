"""The matrix of an index: the newest report of each subject against the conditions that several of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stabkit.report.index.lines import NO_TIME, Placed
from stabkit.report.index.results import Result
from stabkit.vocabulary import OPEN

__all__ = ["Matrix", "matrix", "newest_of_each"]

# More columns than this no longer fit on a page; those that are not stable are shown first.
SHOWN_CONDITIONS: Final = 12


@dataclass(frozen=True)
class Matrix:
    """Which condition came out how in which report.

    Attributes
    ----------
    conditions : tuple of str
        Columns: those open most often first, then by name.
    lines : tuple of (int, tuple)
        The place of each report in the order given, and an outcome per column; None where it has no such condition.
    more : int
        Shared conditions that are not shown.
    """

    conditions: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str | None, ...]], ...]
    more: int = 0


def newest_of_each(reports: Sequence[Placed]) -> list[Result]:
    """Return the newest report of each subject and environment, those without conditions left out; in their order."""
    newest: dict[tuple[str, str, str], Result] = {}
    for one in (placed.result for placed in reports):
        known = newest.get((one.notebook, one.title, one.environment))
        if one.outcomes and (known is None or (one.at or NO_TIME) > (known.at or NO_TIME)):
            newest[one.notebook, one.title, one.environment] = one
    return [placed.result for placed in reports if any(placed.result is one for one in newest.values())]


def matrix(reports: Sequence[Mapping[str, str]]) -> Matrix | None:
    """Return the matrix of several reports' conditions; None if no condition is shared.

    Examples
    --------
    >>> matrix([{"store errors": "regressed", "a": "stable"}, {"store errors": "regressed"}]).conditions
    ('store errors',)
    >>> matrix([{"a": "stable"}]) is None
    True
    """
    times = Counter(name for report in reports for name in report)
    shared = [name for name, amount in times.items() if amount > 1]
    if not shared:
        return None
    open_ = Counter(name for report in reports for name, outcome in report.items() if outcome in OPEN)
    ordered = sorted(shared, key=lambda name: (-open_[name], name))
    shown = tuple(ordered[:SHOWN_CONDITIONS])
    lines = tuple(
        (place, tuple(report.get(name) for name in shown))
        for place, report in enumerate(reports)
        if any(name in report for name in shown)
    )
    return Matrix(shown, lines, len(ordered) - len(shown))
