"""The rows that the cases of a JUnit report become: one each, or one an attempt where cases carry attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stabkit.read.tests._parts.case_columns import TEXT, seconds

__all__ = ["Attempt", "Floats", "Integers", "Rows", "spread_attempts"]

Integers = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Attempt:
    """One try of a case; ``kind`` is flaky or rerun if an element of its own told of it, ``time`` what that said."""

    status: str
    message: str
    time: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Rows:
    """The rows of ``tests``, an entry a row; the dictionaries only where a row is no plain pass in its first attempt.

    ``case`` is the row's place in :class:`CaseColumns`, ``suite`` in the suites (-1 outside any).
    """

    case: Integers
    suite: Integers
    time_s: Floats
    attempts: dict[int, int]
    statuses: dict[int, str]
    messages: dict[int, str]

    @property
    def superseded(self) -> int:
        """Attempts that a later one of the same case follows."""
        return len(self.case) - (int(self.case[-1]) + 1 if len(self.case) else 0)


def spread_attempts(rows: Rows, attempts_of: Mapping[int, Sequence[Attempt]]) -> Rows:
    """Turn each case with attempts into a row an attempt, oldest first; its own result is the last."""
    origin: list[int] = []
    spread = Rows(rows.case, rows.suite, rows.time_s, {}, {}, {})
    times: dict[int, str | None] = {}
    for row in range(len(rows.case)):
        tries = [Attempt(rows.statuses.get(row, "pass"), rows.messages.get(row, ""))]
        if row in attempts_of:
            tries = _tries(attempts_of[row], tries[0])
            # The duration that the case states is its last attempt's; the others have their own.
            times |= {len(origin) + number: attempt.time for number, attempt in enumerate(tries[:-1])}
        for number, attempt in enumerate(tries, start=1):
            place = len(origin)
            origin.append(row)
            spread.statuses[place] = attempt.status
            if attempt.message:
                spread.messages[place] = attempt.message
            if len(tries) > 1:
                spread.attempts[place] = number
    cases = np.array(origin, dtype="int64")
    time_s = rows.time_s[cases]
    time_s[list(times)] = seconds(pa.array(times.values(), TEXT))
    return Rows(cases, rows.suite[cases], time_s, spread.attempts, spread.statuses, spread.messages)


def _tries(earlier: Sequence[Attempt], final: Attempt) -> list[Attempt]:
    if all(attempt.kind == "flaky" for attempt in earlier):
        return [*earlier, final]
    # The case's own failure was the first try, the reruns followed and failed too.
    first = Attempt(final.status if final.status in ("fail", "error") else "fail", final.message)
    last = earlier[-1]
    return [first, *earlier[:-1], Attempt(last.status, last.message)]
