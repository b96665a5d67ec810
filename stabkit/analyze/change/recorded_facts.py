"""What the checks of a git range found, read back as values: by the condition, the first screen and the JSON alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from stabkit.vocabulary import CHANGE_FACTS, GRAVE_FACTS

__all__ = ["RangeCheck", "distinct_facts", "grave_facts", "range_checks"]

_TEXTS: Final = ("path", "what", "change", "noun", "before", "after")


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
        Changed files that it looked at.
    why_open : str or None
        Why it may not have found all.
    found : tuple of mappings
        ``fact, path, line, what, change, noun, before, after, confidence``; ``confidence`` is ``proven`` or
        ``heuristic``.
    """

    fact: str
    outcome: str
    recorded: bool = False
    examined: int = 0
    why_open: str | None = None
    found: tuple[Mapping[str, Any], ...] = ()


def range_checks(checks: pd.DataFrame, facts: Iterable[str] = tuple(CHANGE_FACTS)) -> tuple[RangeCheck, ...]:
    """Return the checks of the git range that look for these facts, in their order; none where none was recorded.

    Examples
    --------
    >>> row = {"target": "changes", "check": "no API break", "outcome": "pass", "facts": '{"examined": 2}'}
    >>> [(check.fact, check.examined, check.found) for check in range_checks(pd.DataFrame([row]))]
    [('api_break', 2, ())]
    """
    mine = checks[checks["target"] == "changes"]
    return tuple(
        _read(fact, row) for fact in facts for row in mine[mine["check"] == CHANGE_FACTS[fact]].to_dict("records")
    )


def grave_facts(checks: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Return what a range is proven to take away from those who rely on it, the gravest first, each once."""
    return tuple(one for one in distinct_facts(range_checks(checks, GRAVE_FACTS)) if one["confidence"] == "proven")


def distinct_facts(checks: Iterable[RangeCheck]) -> tuple[Mapping[str, Any], ...]:
    """Return what checks found, each once: a module that is gone is a break of the API too, and one thing."""
    found = [one for check in checks for one in check.found]
    modules = {one["path"] for one in found if one["fact"] == "deleted_module" and one["confidence"] == "proven"}
    return tuple(one for one in found if one["fact"] != "api_break" or one["path"] not in modules)


def _read(fact: str, row: Mapping[Any, Any]) -> RangeCheck:
    try:
        values = json.loads(row["facts"]) if isinstance(row.get("facts"), str) else None
    except (ValueError, RecursionError):
        values = None
    outcome = str(row["outcome"])
    if not isinstance(values, Mapping):
        return RangeCheck(fact, outcome)
    listed, examined, why = values.get("facts"), values.get("examined"), values.get("open")
    rows = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return RangeCheck(
        fact,
        outcome,
        recorded=True,
        examined=max(examined, 0) if isinstance(examined, int) else 0,
        why_open=why if isinstance(why, str) else None,
        found=tuple(_fact(fact, one) for one in rows),
    )


def _fact(fact: str, row: Mapping[Any, Any]) -> Mapping[str, Any]:
    line = row.get("line")
    texts = {name: row[name] if isinstance(row.get(name), str) else None for name in _TEXTS}
    number = line if isinstance(line, int) and not isinstance(line, bool) else None
    confidence = "proven" if row.get("proven") is True else "heuristic"
    return {"fact": fact, **texts, "line": number, "confidence": confidence}
