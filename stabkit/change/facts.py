"""What a change does, one fact each, as values: where, what, how it was before and after, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from stabkit.redact import redact_text

__all__ = ["Answer", "Fact", "Remedy", "Scope", "answered"]

Scope = Literal["production", "development", "ci"]
Outcome = Literal["pass", "fail", "not_checked"]
Remedy = Literal["lock_file"]

_KEPT: Final = 500
_SHOWN: Final = 20
_SIGNS: Final = {"added": "+ ", "removed": "- "}


@dataclass(frozen=True)
class Fact:
    """One thing that a change does.

    Attributes
    ----------
    path : str
        The file that shows it.
    line : int or None
        In that file; of what is gone, in the file as it was.
    what : str
        The name of the thing: a function, a table's column, a variable, a key.
    change : str
        What happened to it: ``added``, ``removed``, ``changed``, or what only a line of its own knows.
    noun : str
        What kind of thing it is: ``function``, ``column``; empty where the line says so.
    before, after : str or None
        How it was and is.
    proven : bool
        False where only a pattern was matched, or where what was seen need not break anything.
    scope : str
        What it touches: the system in ``production``, its ``development``, or ``ci``.
    """

    path: str
    line: int | None
    what: str
    change: str = "changed"
    noun: str = ""
    before: str | None = None
    after: str | None = None
    proven: bool = True
    scope: Scope = "production"

    def text(self) -> str:
        """Return it in a few words, as the detail of a check names it."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {_SIGNS.get(self.change, '')}{self.what}"


@dataclass(frozen=True)
class Answer:
    """How a line of the checklist came out.

    Attributes
    ----------
    outcome : str
        As in the table ``checks``.
    facts : tuple of Fact
        All that was found.
    examined : int
        How many files the line looked at, at both ends of the range together once each; never those it passed over.
    noun : str
        What those files are, in the plural: ``lock files``.
    why : str or None
        Why it is not checked, or why it may not have found all.
    settled : bool
        True where ``why`` leaves no doubt that there is no such fact: a range without a migration drops nothing,
        though nobody tried a rollback.
    method : str or None
        The tool and what it looks at, where that is not plain.
    remedy : str or None
        What would let the line be answered next time: ``lock_file``, one that is committed.
    """

    outcome: Outcome
    facts: tuple[Fact, ...] = ()
    examined: int = 0
    noun: str = "files"
    why: str | None = None
    settled: bool = False
    method: str | None = None
    remedy: Remedy | None = None

    def row(self) -> dict[str, Any]:
        """Return it as columns of the table ``checks``; secrets are masked."""
        count = f"{self.examined} {self.noun} examined"
        shown = [fact.text() for fact in self.facts[:_SHOWN]]
        if len(self.facts) > _SHOWN:
            shown.append(f"and {len(self.facts) - _SHOWN} more")
        detail = "; ".join(filter(None, [*shown, self.why, self.method, count]))
        observed = {"pass": "none found", "fail": f"{len(self.facts)} found"}.get(self.outcome)
        return {
            "observed": observed,
            "outcome": self.outcome,
            "detail": redact_text(detail),
            "facts": self._facts_json(),
        }

    def _facts_json(self) -> str:
        ordered = sorted(self.facts, key=lambda fact: not fact.proven)[:_KEPT]
        rows: list[dict[str, Any]] = [
            {key: redact_text(value) if isinstance(value, str) else value for key, value in asdict(fact).items()}
            for fact in ordered
        ]
        why = None if self.why is None else redact_text(self.why)
        told = {
            "examined": self.examined,
            "noun": self.noun,
            "open": None if self.settled else why,
            "why": why,
            "method": self.method,
            "remedy": self.remedy,
            "total": len(self.facts),
            "facts": rows,
        }
        return json.dumps(told, ensure_ascii=False)


def answered(
    facts: Sequence[Fact], examined: int, noun: str = "files", *, why: str | None = None, method: str | None = None
) -> Answer:
    """Return the answer of a line that looked for facts: one found is a no, and nothing looked at is never a yes.

    Parameters
    ----------
    facts : sequence of Fact
        What was found.
    examined : int
        How many files were looked at.
    noun : str
        What those files are, in the plural.
    why : str, optional
        Why not all could be looked at: then none found is no yes.
    method : str, optional
        As of :class:`Answer`.

    Examples
    --------
    >>> answered([], 3).outcome, answered([], 0).outcome, answered([], 3, why="a.py cannot be parsed").outcome
    ('pass', 'not_checked', 'not_checked')
    """
    found = tuple(facts)
    if found:
        return Answer("fail", found, examined, noun, why, method=method)
    if why is not None:
        return Answer("not_checked", (), examined, noun, why, method=method)
    if not examined:
        return Answer("not_checked", (), 0, noun, f"no {noun} found", settled=True, method=method)
    return Answer("pass", (), examined, noun, method=method)
