"""The line of a subject: its reports one after another, what came before each, and how its weightiest metric went."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from stabkit.chart import COLUMNS, PastResult, Sparkline
from stabkit.report.index.results import GROUPS, Result

__all__ = ["Placed", "place_in_lines"]

NO_TIME: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Placed:
    """A report in the line of its subject and environment.

    Attributes
    ----------
    earlier : tuple of Result
        The reports before it with a verdict or a failure, oldest first, eight at most.
    newest : Result or None
        The newest of the line; None if that is this one, or if it has no place in a line.
    """

    result: Result
    earlier: tuple[Result, ...] = ()
    newest: Result | None = None

    @property
    def metric(self) -> str:
        """What weighs most of all that this report and one before it measured; else that this one did; else empty."""
        known = (name for name in self.result.measured if any(name in before.measured for before in self.earlier))
        return next(known, next(iter(self.result.measured), ""))

    @property
    def sparkline(self) -> Sparkline | None:
        """The line up to this report; None if nothing comes before it."""
        if not self.earlier:
            return None
        columns = (PastResult(one.group, one.measured.get(self.metric)) for one in (*self.earlier, self.result))
        return Sparkline(self.metric, tuple(columns))

    def history(self) -> dict[str, Any] | None:
        """Return what the sparkline shows, for machines; None without one, or if a newer report of the line has it."""
        if not self.earlier or self.newest:
            return None
        points = []
        for one in (*self.earlier, self.result):
            value = one.measured.get(self.metric)
            known = {} if value is None else {key: getattr(value, key) for key in ("change", "low", "high", "margin")}
            outcome = None if value is None else value.outcome
            points.append({"file": one.file, "verdict": one.group, "outcome": outcome, **known})
        unit = self.result.measured[self.metric].unit if self.metric else None
        return {"metric": self.metric or None, "unit": "relative" if unit == "%" else unit, "points": points}


def place_in_lines(results: Iterable[Result]) -> list[Placed]:
    """Return each report with those before it of the same subject and environment; by verdict, then newest first.

    A report without a time, or without verdict, has no place in a line. Of two that begin at the same moment neither is
    before the other.
    """
    lines: dict[tuple[str, str, str], list[tuple[datetime, Result]]] = {}
    found = []
    ordered = sorted(results, key=lambda one: (one.at or NO_TIME, one.title, one.file))
    for one in ordered:
        if one.at is not None and one.group != "none":
            lines.setdefault(_line(one), []).append((one.at, one))
    for one in ordered:
        if one.at is None or one.group == "none":
            found.append(Placed(one))
            continue
        line = lines[_line(one)]
        last_at, last = line[-1]
        found.append(Placed(one, _before(line, one.at), last if last_at > one.at else None))
    rank = {group: number for number, (group, _, _) in enumerate(GROUPS)}
    found.reverse()
    return sorted(found, key=lambda one: rank[one.result.group])


def _line(one: Result) -> tuple[str, str, str]:
    """Return what the reports of one line share: another notebook asks another question."""
    return one.notebook, one.title, one.environment


def _before(line: Sequence[tuple[datetime, Result]], at: datetime) -> tuple[Result, ...]:
    end = bisect_left(line, at, key=lambda pair: pair[0])
    return tuple(one for _, one in line[max(0, end - COLUMNS + 1) : end])
