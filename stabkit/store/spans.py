"""Ranges of time, as a reader of the store states them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from stabkit.errors import UsageError

__all__ = ["Span", "day_of", "moment_of"]


@dataclass(frozen=True)
class Span:
    """A range of time, ``until`` excluded; None is no bound.

    Samples are in it by the time they were due, and by the start of their run where that is not known; the rows of
    other tables by the start of their run.
    """

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Return True if a moment is in the range."""
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None


def moment_of(given: datetime | date | str | None, name: str) -> datetime | None:
    """Return a time with a zone: a date is its beginning, and UTC is meant where no zone is said.

    Raises
    ------
    UsageError
        It cannot be read; ``name`` says which it was.
    """
    if given is None:
        return None
    try:
        moment = pd.Timestamp(given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} is no time: {given!r}.", hint="Such as 2026-01-31 or 2026-01-31T12:00Z.") from error
    if moment is pd.NaT:
        raise UsageError(f"{name} is no time: {given!r}.", hint="Such as 2026-01-31 or 2026-01-31T12:00Z.")
    whole: datetime = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return whole


def day_of(given: date | str | None, name: str) -> date | None:
    """Return the UTC day of such a time."""
    moment = moment_of(given, name)
    return None if moment is None else moment.date()
