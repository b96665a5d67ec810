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
    "Accepted", "accepted_between", "accepted_condition", "accepted_items", "accepted_risk", "finding_names",
    "risk_names", "what_is_accepted",
]  # fmt: skip

# Kind -> what was seen to be bad. What is gone, skipped or was not looked for is missing evidence, which nobody can
# accept.
_SEEN: Final[Mapping[str, frozenset[str]]] = {
    "finding": frozenset({"new", "reopened", "updated"}),
    "test": frozenset({"regressed", "new_failing", "unconfirmed", "added", "flaky"}),
    "risk": frozenset({"fail"}),
}


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
        What it means in these runs, whether it would gate or not.
    spares : tuple of str
        Those of them that would gate without it; where nothing gates, as between two files, those that got worse.
    """

    kind: str
    what: str
    reason: str
    owner: str
    until: str
    state: Literal["accepted", "expired", "unmatched"]
    matches: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()


def finding_names(finding: Mapping[Any, Any]) -> tuple[str | None, ...]:
    """Return the names that a finding goes by: rule and place, with and without the line, and its fingerprint."""
    rule, path, line = (_known(finding.get(name)) for name in ("rule", "path", "line"))
    places = [path, f"{path}:{int(line)}" if line is not None else None] if path else []
    named = [f"{rule} {place}" for place in places if place] or [rule]
    return (*named, _known(finding.get("fingerprint")))


def risk_names(fact: Mapping[Any, Any]) -> tuple[str | None, ...]:
    """Return the names that something a change takes away goes by: its path, what it is, and the fact itself.

    A parameter goes by its function too.
    """
    path, what = _known(fact.get("path")), _known(fact.get("what"))
    line = _known(fact.get("line"))
    owner = what.partition("(")[0] if what else None
    return (path, f"{path}:{line}" if path and line is not None else None, what, owner, _known(fact.get("fact")))


def _known(value: Any) -> Any:
    return None if pd.isna(value) else value


def accepted_items(items: Iterable[dict[str, Any]], kind: str, sides: Sides) -> list[dict[str, Any]]:
    """Return the items of a condition, with the state ``accepted`` where one was seen to be bad and is accepted.

    What would decide nothing by itself, as a finding below the floor, is left as it is.
    """
    if not any(entry.kind == kind for entry in sides.config.accepted):
        return list(items)
    return [_accepted(item, kind, sides) for item in items]


def _accepted(item: dict[str, Any], kind: str, sides: Sides) -> dict[str, Any]:
    if item["state"] not in _SEEN[kind] or not (item.get("gates", True) and item.get("blocks", True)):
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


def accepted_risk(item: Mapping[str, Any], sides: Sides) -> dict[str, str] | None:
    """Return why, by whom and until when what a change takes away is accepted; None if it is not."""
    entry = sides.acceptance("risk", *risk_names(item))
    return None if entry is None else _told(entry)


def _told(entry: Acceptance) -> dict[str, str]:
    return {"reason": entry.reason, "owner": entry.owner, "until": entry.until.isoformat()}


def accepted_condition(result: ConditionResult, doubts: Sequence[Need], sides: Sides) -> ConditionResult:
    """Return a result; one that regressed and is accepted does not gate, unless something leaves its evidence open.

    Accepted is whatever gets worse in it. What it measures beside that and cannot tell is as open as it would be alone.
    """
    gates = result.gating and result.outcome == "regressed"
    entry = sides.acceptance("condition", result.name) if gates else None
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
    if not sides.config.accepted:
        return ()
    compared = [*(one.comparison for one in results), *others]
    there: dict[str, list[Named]] = {
        "finding": [n for one in compared if isinstance(one, FindingComparison) for n in _findings(one.states)],
        "test": [n for one in compared if isinstance(one, TestComparison) for n in _tests(one.transitions)],
        "condition": [_named_condition(one) for one in results if one.outcome == "regressed" or _spared(one)],
        "risk": [*_facts(results), *((path, (path,), False) for path in sides.candidate.evidence["changes"]["path"])],
    }
    kinds: Mapping[str, str] = {"findings": "finding", "tests": "test"}
    spared = {
        (kind, str(item["what"]))
        for one in results
        if one.gating and (kind := kinds.get(one.kind)) is not None
        for item in one.items
        if item["state"] == "accepted"
    }
    for kind in kinds.values():
        there[kind] = [(name, names, (kind, name) in spared) for name, names, _ in there[kind]]
    return tuple(_standing(entry, there[entry.kind], sides) for entry in sides.config.accepted)


def accepted_between(
    transitions: pd.DataFrame | None, states: pd.DataFrame | None, sides: Sides
) -> tuple[Accepted, ...]:
    """Return how the entries about tests and findings stand, of which there are any on either side."""
    if not sides.config.accepted:
        return ()
    there = {} if transitions is None else {"test": list(_tests(transitions))}
    there |= {} if states is None else {"finding": list(_findings(states))}
    return tuple(_standing(one, there[one.kind], sides) for one in sides.config.accepted if one.kind in there)


Named = tuple[str, tuple[str | None, ...], bool]
"""How a thing is shown, the names it goes by, and whether it got worse."""


def _standing(entry: Acceptance, there: Iterable[Named], sides: Sides) -> Accepted:
    fitting = [(name, worse) for name, names, worse in there if entry.fits(*names)]
    matches = tuple(dict.fromkeys(name for name, _ in fitting))
    state: Literal["accepted", "expired", "unmatched"] = "accepted" if matches else "unmatched"
    state = state if entry.in_force(sides.day) else "expired"
    spares = tuple(dict.fromkeys(name for name, worse in fitting if worse and state == "accepted"))
    return Accepted(entry.kind, entry.what, **_told(entry), state=state, matches=matches, spares=spares)


def _findings(states: pd.DataFrame) -> Iterator[Named]:
    for row in states[~states["state"].isin(GONE)].to_dict("records"):
        names = finding_names(row)
        yield str(names[-2]), names, row["state"] in _SEEN["finding"] and not row["suppressed"]


def _tests(transitions: pd.DataFrame) -> Iterator[Named]:
    bad = transitions["candidate_status"].isin(BAD) | (transitions["transition"] == "flaky")
    for test, transition in transitions.loc[bad, ["test_id", "transition"]].itertuples(index=False):
        yield test, (test,), transition in _SEEN["test"]


def _spared(result: ConditionResult) -> bool:
    return "accepted_as" in result.facts


def _named_condition(result: ConditionResult) -> Named:
    return result.name, (result.name,), _spared(result)


def _facts(results: Iterable[ConditionResult]) -> Iterator[Named]:
    for one in results:
        if one.kind == "change":
            for item in one.items:
                spared = one.gating and item["state"] == "accepted"
                yield str(item.get("what") or item.get("path")), risk_names(item), spared
