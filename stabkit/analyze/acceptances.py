"""What ``[[accepted]]`` accepts of two runs: never as good as mended, and never what was not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import pandas as pd

from stabkit.analyze.facts import Need
from stabkit.analyze.findings import GONE, FindingComparison
from stabkit.analyze.outcome import ConditionResult
from stabkit.analyze.sides import Sides
from stabkit.analyze.tests import TestComparison
from stabkit.config import Acceptance
from stabkit.vocabulary import BAD

__all__ = [
    "Accepted", "accepted_between", "accepted_condition", "accepted_items", "finding_names", "risk_names",
    "what_is_accepted",
]  # fmt: skip

# What was seen to be bad. What is gone, skipped or was not looked for is missing evidence, which nobody can accept.
_SEEN: Final = (
    "regressed", "new_failing", "unconfirmed", "added", "flaky", "new", "reopened", "updated", "fail",
)  # fmt: skip


@dataclass(frozen=True)
class Accepted:
    """How one entry of ``[[accepted]]`` stands.

    Attributes
    ----------
    kind, what, reason, owner, until : str
        As declared.
    state : str
        ``accepted``; ``expired``, its day has passed and what it meant counts again; ``unmatched``, nothing is as it
        says.
    matches : tuple of str
        What it means in these runs.
    """

    kind: str
    what: str
    reason: str
    owner: str
    until: str
    state: Literal["accepted", "expired", "unmatched"]
    matches: tuple[str, ...] = ()


def finding_names(finding: Mapping[Any, Any]) -> tuple[str | None, ...]:
    """Return the names that a finding goes by: rule and place, with and without the line, and its fingerprint."""
    rule, path, line = (_known(finding.get(name)) for name in ("rule", "path", "line"))
    places = [path, f"{path}:{int(line)}" if line is not None else None] if path else []
    named = [f"{rule} {place}" for place in places if place] or [rule]
    return (*named, _known(finding.get("fingerprint")))


def risk_names(fact: Mapping[Any, Any]) -> tuple[str | None, ...]:
    """Return the names that something a change takes away goes by: its path, what it is, and the fact itself."""
    path, what = _known(fact.get("path")), _known(fact.get("what"))
    line = _known(fact.get("line"))
    return (path, f"{path}:{line}" if path and line is not None else None, what, _known(fact.get("fact")))


def _known(value: Any) -> Any:
    return None if pd.isna(value) else value


def accepted_items(items: Iterable[dict[str, Any]], kind: str, sides: Sides) -> list[dict[str, Any]]:
    """Return the items of a condition, with the state ``accepted`` where one was seen to be bad and is accepted."""
    return [_accepted(item, kind, sides) for item in items]


def _accepted(item: dict[str, Any], kind: str, sides: Sides) -> dict[str, Any]:
    if item["state"] not in _SEEN:
        return item
    entry = sides.acceptance(kind, *_names(item, kind))
    if entry is None:
        return item
    told = {"accepted": _told(entry) | {"was": item["state"]}, "gates": False, "blocks": False, "confirmed": False}
    return item | {"state": "accepted"} | told


def _names(item: Mapping[Any, Any], kind: str) -> tuple[str | None, ...]:
    if kind == "finding":
        return finding_names(item)
    return risk_names(item) if kind == "risk" else (item["what"],)


def _told(entry: Acceptance) -> dict[str, str]:
    return {"reason": entry.reason, "owner": entry.owner, "until": entry.until.isoformat()}


def accepted_condition(result: ConditionResult, doubts: Sequence[Need], sides: Sides) -> ConditionResult:
    """Return a result; one that regressed and is accepted does not gate, unless something leaves its evidence open.

    Accepted is whatever gets worse in it. What it measures beside that and cannot tell is as open as it would be alone.
    """
    entry = sides.acceptance("condition", result.name) if result.outcome == "regressed" else None
    if entry is None:
        return result
    facts = {**result.facts, "accepted_as": _told(entry)}
    needs = tuple(dict.fromkeys((*result.needs, *doubts, *_open_estimates(result))))
    if needs:
        return replace(result, outcome="inconclusive", exact=False, needs=needs, facts=facts)
    return replace(result, gating=False, facts=facts)


def _open_estimates(result: ConditionResult) -> list[Need]:
    """Return what would decide each measured quantity that is open, and that the condition rests on."""
    open_ = [e for e in result.estimates if e.outcome == "inconclusive" and "not_deciding" not in e.flags]
    return [e.need or Need(None, "samples", "wide_interval") for e in open_]


def what_is_accepted(
    results: Sequence[ConditionResult], others: Iterable[object], sides: Sides
) -> tuple[Accepted, ...]:
    """Return how each entry stands, in the order of the configuration."""
    compared = [*(one.comparison for one in results), *others]
    there: dict[str, Sequence[Named]] = {
        "finding": [n for one in compared if isinstance(one, FindingComparison) for n in _findings(one.states)],
        "test": [n for one in compared if isinstance(one, TestComparison) for n in _tests(one.transitions)],
        "condition": [(one.name, (one.name,)) for one in results if one.outcome == "regressed"],
        "risk": [*_facts(results), *((path, (path,)) for path in sides.candidate.evidence["changes"]["path"])],
    }
    return tuple(_standing(entry, there[entry.kind], sides) for entry in sides.config.accepted)


def accepted_between(
    transitions: pd.DataFrame | None, states: pd.DataFrame | None, sides: Sides
) -> tuple[Accepted, ...]:
    """Return how the entries about tests and findings stand, of which there are any on either side."""
    there = {} if transitions is None else {"test": list(_tests(transitions))}
    there |= {} if states is None else {"finding": list(_findings(states))}
    return tuple(_standing(one, there[one.kind], sides) for one in sides.config.accepted if one.kind in there)


Named = tuple[str, tuple[str | None, ...]]


def _standing(entry: Acceptance, there: Iterable[Named], sides: Sides) -> Accepted:
    matches = tuple(dict.fromkeys(name for name, names in there if entry.fits(*names)))
    state: Literal["accepted", "expired", "unmatched"] = "accepted" if matches else "unmatched"
    state = state if entry.in_force(sides.day) else "expired"
    return Accepted(entry.kind, entry.what, **_told(entry), state=state, matches=matches)


def _findings(states: pd.DataFrame) -> Iterator[Named]:
    for row in states[~states["state"].isin(GONE)].to_dict("records"):
        names = finding_names(row)
        yield str(names[-2]), names


def _tests(transitions: pd.DataFrame) -> Iterator[Named]:
    bad = transitions["candidate_status"].isin(BAD) | (transitions["transition"] == "flaky")
    yield from ((test, (test,)) for test in transitions.loc[bad, "test_id"])


def _facts(results: Iterable[ConditionResult]) -> Iterator[Named]:
    for one in results:
        if one.kind == "change":
            yield from ((str(item.get("what") or item.get("path")), risk_names(item)) for item in one.items)
