"""Whether both sides were put under the same load: times under another load are not comparable."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from stabkit.analyze.facts import Need
from stabkit.analyze.latency.stated import load_claims
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.config import Condition
from stabkit.kinds import KINDS

__all__ = ["different_load", "load_facts"]

_RATE: Final = 1.25  # times as many requests a second, or users; see docs/decisions/0013
_LASTED: Final = 2.0  # times as long
_SURE: Final = 4.0  # standard deviations of a rate that only chance makes differ


@dataclass(frozen=True)
class _Load:
    """How heavy the load of one side was."""

    requests: int
    rate: float
    rate_variance: float
    seconds: float
    users: int | None
    regions: frozenset[str]


def different_load(condition: Condition, sides: Sides) -> tuple[Need, ...]:
    """Return why times cannot show that nothing changed: the load was another one.

    A closed loop asks less of a service that became slower, so a lower rate alone proves nothing: it casts doubt on
    ``stable``, and takes nothing away from what is shown to be worse. Where times stayed the same, so does the rate of
    a closed loop.
    """
    kind = KINDS[condition.kind]
    if kind.judges != "times" or not kind.compares or sides.baseline is None:
        return ()
    before, after = _load(sides.baseline), _load(sides.candidate)
    needs = []
    if before is not None and after is not None:
        spread = _SURE * math.sqrt(before.rate_variance + after.rate_variance)
        if _apart(before.rate, after.rate, _RATE) and abs(before.rate - after.rate) > spread:
            needs.append(_need("load_rate", before.rate, after.rate))
        if before.users and after.users and _apart(before.users, after.users, _RATE):
            needs.append(_need("load_users", before.users, after.users))
        if _apart(before.seconds, after.seconds, _LASTED):
            needs.append(_need("load_seconds", before.seconds, after.seconds))
        needs += _lacking(before.regions, after.regions)
    asked = _asked(sides.candidate, sides)
    needs += _lacking(_asked(sides.baseline, sides), asked) if asked else []
    return tuple(needs)


def load_facts(side: RunEvidence) -> tuple[float | None, float | None]:
    """Return how many users a side's load tools were at once, and for how many seconds; None what they do not say."""
    load = _load(side) if side.evidence["sources"]["kind"].eq("load").any() else None
    return (None, None) if load is None else (load.users, load.seconds)


def _lacking(before: Collection[str], after: Collection[str]) -> list[Need]:
    gone = tuple(sorted(set(before) - set(after)))
    return [Need(None, "runs", "not_comparable", "load_targets", gone, side="candidate")] if gone else []


def _need(about: str, before: float, after: float) -> Need:
    numbers = tuple((name, float(f"{value:.3g}")) for name, value in (("before", before), ("after", after)))
    return Need(None, "runs", "not_comparable", about, numbers=numbers)  # type: ignore[arg-type]


def _apart(before: float, after: float, factor: float) -> bool:
    low, high = sorted((before, after))
    return high > factor * low


def _load(side: RunEvidence) -> _Load | None:
    """Return the load of all files of a side together; None if none of them says how long it lasted."""
    loads = [claimed["load"] for claimed, source in load_claims(side) if source["rows"] and "load" in claimed]
    if not loads:
        return None
    users = [load["users"] for load in loads if load.get("users")]
    return _Load(
        sum(load["requests"] for load in loads),
        sum(load["requests"] / load["seconds"] for load in loads),
        sum(load["requests"] / load["seconds"] ** 2 for load in loads),
        max(load["seconds"] for load in loads),
        sum(users) if len(users) == len(loads) else None,
        frozenset(region for load in loads for region in load.get("regions") or []),
    )


def _asked(side: RunEvidence, sides: Sides) -> set[str]:
    """Return the endpoints that load files tell of: whatever no probe of the configuration asks."""
    if not any(source["rows"] for _, source in load_claims(side)):
        return set()
    samples = side.evidence["samples"]
    asked = samples[samples["metric"].isin(["response_time", "transaction_time"]) & samples["due_at"].isna()]
    return set(asked["target"]) - {*sides.config.http, *sides.config.websocket}
