"""Whether both sides were put under the same load: times under another load are not comparable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from stabkit.analyze.facts import Need
from stabkit.analyze.latency.stated import load_claims, stated_requests
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.config import Condition
from stabkit.kinds import KINDS

__all__ = ["different_load", "load_facts"]

_RATE: Final = 1.25  # times as many requests a second, or users; see docs/decisions/0014
_LASTED: Final = 2.0  # times as long
_FEWER: Final = 2.0  # times as many requests of one endpoint
_SURE: Final = 4.0  # standard deviations of a rate, or of a number, that only chance makes differ


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
    """Return why times, or failures, cannot show that nothing changed: the load was another one.

    A closed loop asks less of a service that became slower, so a lower rate alone proves nothing: it casts doubt on
    ``stable``, and takes nothing away from what is shown to be worse. Where times stayed the same, so does the rate of
    a closed loop. Failures are compared under any load, but not where half of an endpoint's requests are gone: several
    tools leave out those that got no answer, and a log may have lost them.
    """
    kind = KINDS[condition.kind]
    if not kind.compares or sides.baseline is None:
        return ()
    if kind.judges == "failures":
        return tuple(_halved(condition, sides))
    if kind.judges != "times":
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


def _halved(condition: Condition, sides: Sides) -> list[Need]:
    """Return the endpoints of which the candidate holds half the requests of the baseline, or fewer, beyond chance."""
    counted = _counted(sides)
    return [
        Need(None, "runs", "not_comparable", "load_requests", (target,), (("before", before), ("after", after)))
        for target, (before, after) in sorted(counted.items())
        if condition.target in (None, target)
        if before >= _FEWER * after > 0 and before - after > _SURE * math.sqrt(before + after)
    ]


def _counted(sides: Sides) -> dict[str, tuple[int, int]]:
    """Return how many requests of each endpoint the load files of either side tell of, one by one or as a number."""
    held = [Counter(_asked_of(side, sides)) for _, side in sides.named]
    counted = {target: (held[0][target], held[1][target]) for target in held[0]}
    return counted | {target: (one.baseline.n, one.candidate.n) for target, one in stated_requests(sides).items()}


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
    return set(_asked_of(side, sides))


def _asked_of(side: RunEvidence, sides: Sides) -> list[str]:
    """Return the endpoint of each request that load files list."""
    if not any(source["rows"] for _, source in load_claims(side)):
        return []
    samples = side.evidence["samples"]
    asked = samples["metric"].isin(["response_time", "transaction_time"]) & samples["due_at"].isna()
    probed = samples["target"].isin([*sides.config.http, *sides.config.websocket])
    return list(samples.loc[asked & ~probed & samples["hop"].isna(), "target"])
