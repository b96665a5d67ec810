"""What the checks of a git range found, read back as values: by the condition, the first screen and the JSON alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from stabkit.vocabulary import BASE_TESTS, CHANGE_FACTS, CHANGE_LINES, GRAVE_FACTS, MISSING_COMMIT

__all__ = [
    "Line",
    "RangeCheck",
    "distinct_facts",
    "grave_facts",
    "is_grave",
    "lines",
    "missing_commits",
    "range_checks",
]

Answer = Literal["yes", "no", "not_checked"]
Accept = Callable[[Mapping[str, Any]], Mapping[str, str] | None]

_TEXTS: Final = ("path", "what", "change", "noun", "before", "after")
_ANSWERS: Final[Mapping[str, Answer]] = {"pass": "yes", "fail": "no", "not_checked": "not_checked"}
_SCOPES: Final = ("production", "development", "ci")


@dataclass(frozen=True)
class RangeCheck:
    """One check of the git range.

    Attributes
    ----------
    fact : str
        What it looks for, of :data:`stabkit.vocabulary.CHANGE_FACTS`.
    outcome : str
        As in the table ``checks``.
    recorded : bool
        False if its values are not in the evidence, as of a record written by hand.
    examined : int
        Files that it looked at.
    noun : str
        What they are, in the plural.
    why : str or None
        Why it is not checked, or may not have found all.
    why_open : str or None
        The same where it leaves a doubt: a range without a migration leaves none that it drops nothing.
    method : str or None
        The tool, and what it looks at.
    total : int
        How many facts there were; ``found`` holds the first of very many.
    found : tuple of mappings
        ``fact, path, line, what, change, noun, before, after, confidence, scope``; ``confidence`` is ``proven`` or
        ``heuristic``.
    told : str or None
        What a record written by hand says of it, which holds no values.
    remedy : str or None
        What would let it be answered next time.
    """

    fact: str
    outcome: str
    recorded: bool = False
    examined: int = 0
    noun: str = "files"
    why: str | None = None
    why_open: str | None = None
    method: str | None = None
    total: int = 0
    found: tuple[Mapping[str, Any], ...] = ()
    told: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of the checklist of a change, answered from all that looked for its facts.

    Attributes
    ----------
    line : str
        Of :data:`stabkit.vocabulary.CHANGE_LINES`.
    answer : str
        ``yes``: looked for and not there; ``no``: found; ``not_checked``: unknown.
    items : tuple of mappings
        As :attr:`RangeCheck.found`, with ``accepted``: reason, owner and last day where somebody accepts it, else None.
    examined : int
        Files that were looked at.
    noun : str
        What they are.
    why : str or None
        Why it is not checked, or may not be all.
    method : str or None
        The tool.
    total : int
        How many items there were.
    told : str or None
        What a record written by hand says of it.
    recorded : bool
        False where nobody asked: no range was collected, or by an older version.
    settled : bool
        True where it is not checked because there is nothing of the kind.
    remedy : str or None
        What would let it be answered next time.
    """

    line: str
    answer: Answer
    items: tuple[Mapping[str, Any], ...] = ()
    examined: int = 0
    noun: str = "files"
    why: str | None = None
    method: str | None = None
    total: int = 0
    told: str | None = None
    recorded: bool = True
    settled: bool = False
    remedy: str | None = None

    @property
    def spared(self) -> bool:
        """True if it is answered no, and somebody accepts each single item."""
        return self.answer == "no" and bool(self.items) and all(one["accepted"] is not None for one in self.items)


def range_checks(checks: pd.DataFrame, facts: Iterable[str] = tuple(CHANGE_FACTS)) -> tuple[RangeCheck, ...]:
    """Return the checks of the git range that look for these facts, in their order; none where none was recorded.

    Examples
    --------
    >>> row = {"target": "changes", "check": "no API break", "outcome": "pass", "facts": '{"examined": 2}'}
    >>> [(check.fact, check.examined, check.found) for check in range_checks(pd.DataFrame([row]))]
    [('api_break', 2, ())]
    """
    mine = checks[checks["target"] == "changes"].to_dict("records")
    return tuple(_read(fact, row) for fact in facts for row in mine if row["check"] == CHANGE_FACTS[fact])


def lines(checks: pd.DataFrame, accept: Accept | None = None) -> tuple[Line, ...]:
    """Return every line of the checklist of a change; not checked where nothing was recorded of it.

    Parameters
    ----------
    checks : DataFrame
        The table of that name.
    accept : callable, optional
        Item -> what is said of its acceptance, or None.

    Examples
    --------
    >>> row = {"target": "changes", "check": "no secret added", "outcome": "pass", "facts": '{"examined": 2}'}
    >>> [(line.line, line.answer) for line in lines(pd.DataFrame([row])) if line.answer != "not_checked"]
    [('secrets', 'yes')]
    """
    known = range_checks(checks)
    return tuple(
        _line(name, [check for check in known if check.fact in facts], accept or _nobody_accepts)
        for name, facts in CHANGE_LINES.items()
    )


def _nobody_accepts(_: Mapping[str, Any]) -> None:
    return None


def grave_facts(checks: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Return what a range is proven to take away from those who rely on it, the gravest first, each once."""
    return tuple(one for one in distinct_facts(range_checks(checks, GRAVE_FACTS)) if is_grave(one))


def is_grave(fact: Mapping[str, Any]) -> bool:
    """Say whether a fact is proven, and takes something away from the running system or from those who rely on it."""
    return (
        fact["fact"] in GRAVE_FACTS
        and fact["confidence"] == "proven"
        and (fact["scope"] != "development" or fact["fact"] in ("irreversible_migration", "breaking_migration"))
    )


def missing_commits(checks: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Return the commits of the baseline that the candidate lacks, the newest first: ``commit`` and ``subject``."""
    mine = checks[(checks["target"] == "changes") & (checks["check"] == MISSING_COMMIT)]
    found = [one for row in mine.to_dict("records") for one in _read("", row).found]
    return tuple({"commit": one["before"], "subject": one["what"]} for one in found)


def broken_promises(checks: pd.DataFrame) -> tuple[str, str] | None:
    """Return how many of the baseline's own tests broke on the candidate, and which; None where none did."""
    mine = checks[(checks["target"] == "changes") & (checks["check"] == BASE_TESTS) & (checks["outcome"] == "fail")]
    if mine.empty:
        return None
    return _text(mine["observed"].iloc[0]) or "some broke", _text(mine["detail"].iloc[0]) or ""


def distinct_facts(checks: Iterable[RangeCheck]) -> tuple[Mapping[str, Any], ...]:
    """Return what checks found, each once.

    A module that is gone is a break of the API too, and a dropped column one that the old code misses: one thing each.
    """
    found = [one for check in checks for one in check.found]
    modules = {one["path"] for one in found if one["fact"] == "deleted_module" and one["confidence"] == "proven"}
    steps = {_step(one) for one in found if one["fact"] == "irreversible_migration"}
    return tuple(
        one
        for one in found
        if not (one["fact"] == "api_break" and one["path"] in modules)
        and not (one["fact"] == "breaking_migration" and _step(one) in steps)
    )


def _step(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return one["path"], one["line"], one["what"], one["change"]


def _line(name: str, known: list[RangeCheck], accept: Accept) -> Line:
    if not known:
        return Line(name, "not_checked", recorded=False)
    worst = min(known, key=lambda check: ("fail", "not_checked", "pass").index(check.outcome))
    # Of several checks, one that has nothing to look at takes no yes away: a repository may have modules and no API.
    asked = [check for check in known if check.outcome != "not_checked" or check.why_open is not None] or known
    answer = _ANSWERS[min((check.outcome for check in asked), key=("fail", "not_checked", "pass").index)]
    whys = dict.fromkeys(check.why for check in asked if check.why is not None)
    most = max(asked, key=lambda check: check.examined)
    return Line(
        name,
        answer,
        items=tuple({**one, "accepted": accept(one)} for one in distinct_facts(known)),
        examined=most.examined,
        noun=most.noun,
        why="; ".join(whys) or (worst.why if answer == "not_checked" else None),
        method=next((check.method for check in known if check.method), None),
        total=sum(check.total for check in known),
        told=next((check.told for check in asked if check.told), None),
        remedy=next((check.remedy for check in asked if check.remedy), None),
        settled=answer == "not_checked" and all(check.recorded and check.why_open is None for check in known),
    )


def _read(fact: str, row: Mapping[Any, Any]) -> RangeCheck:
    try:
        values = json.loads(row["facts"]) if isinstance(row.get("facts"), str) else None
    except (ValueError, RecursionError):
        values = None
    outcome = str(row["outcome"])
    if not isinstance(values, Mapping):
        told = _text(row.get("observed")) or _text(row.get("detail"))
        return RangeCheck(fact, outcome, why=told if outcome == "not_checked" else None, told=told)
    listed = values.get("facts")
    rows = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return RangeCheck(
        fact,
        outcome,
        recorded=True,
        examined=_count(values.get("examined")),
        noun=_text(values.get("noun")) or "files",
        why=_text(values.get("why")) or _text(values.get("open")),
        why_open=_text(values.get("open")),
        method=_text(values.get("method")),
        total=max(_count(values.get("total")), len(rows)),
        found=tuple(_fact(fact, one) for one in rows),
        remedy=_text(values.get("remedy")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int:
    return max(value, 0) if isinstance(value, int) else 0


def _fact(fact: str, row: Mapping[Any, Any]) -> Mapping[str, Any]:
    line = row.get("line")
    texts = {name: _text(row.get(name)) for name in _TEXTS}
    number = line if isinstance(line, int) and not isinstance(line, bool) else None
    confidence = "proven" if row.get("proven") is True else "heuristic"
    scope = row.get("scope") if row.get("scope") in _SCOPES else "production"
    return {"fact": fact, **texts, "line": number, "confidence": confidence, "scope": scope}
