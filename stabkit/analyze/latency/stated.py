"""Counts that load tools state of requests which they do not keep: exact, and judged as such."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stabkit.analyze.facts import Measured
from stabkit.analyze.once import once_for_each
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.samples import failed

__all__ = ["Counts", "StatedRequests", "load_claims", "stated_requests"]


@dataclass(frozen=True)
class Counts:
    """How many requests there were, and how many of them failed."""

    n: int
    failed: int

    @property
    def empty(self) -> bool:
        """True if there was none."""
        return self.n == 0


_NONE = Counts(0, 0)


@dataclass(frozen=True)
class StatedRequests:
    """The requests of one target by what tools counted of them; one side at least keeps none of them."""

    target: str
    baseline: Counts
    candidate: Counts

    @property
    def measured(self) -> Measured:
        """What was measured."""
        return Measured(self.target, "response_time")

    @property
    def name(self) -> str:
        """What it is called where a condition speaks of several."""
        return str(self.measured)


@once_for_each
def load_claims(side: RunEvidence) -> tuple[tuple[Mapping[str, Any], Mapping[Any, Any]], ...]:
    """Return what each load file of a run claims, and its row of ``sources``."""
    if "sources" not in side.evidence.tables:
        return ()  # asked for with every condition
    sources = side.evidence["sources"]
    found = []
    for source in sources[sources["kind"] == "load"].to_dict("records"):
        if isinstance(source["claimed"], str) and source["status"] != "error" and source["format"] != "stabkit":
            claimed = json.loads(source["claimed"])
            if isinstance(claimed, dict):
                found.append((claimed, source))
    return tuple(found)


def stated_requests(sides: Sides) -> dict[str, StatedRequests]:
    """Return what summaries count of each target; a side that keeps its requests is counted by them.

    The tool's own line over all endpoints is none of them, and counts only where the file belongs to one target.
    """
    counted = {name: _counts(side) for name, side in sides.named}
    targets = sorted(set().union(*counted.values()))
    found = {}
    for target in targets:
        both = {name: _together(counted[name].get(target, _NONE), _kept(side, target)) for name, side in sides.named}
        found[target] = StatedRequests(target, both.get("baseline", _NONE), both["candidate"])
    return found


def _counts(side: RunEvidence) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for claimed, source in load_claims(side):
        endpoints = claimed.get("endpoints") or []
        own = source["target"] if isinstance(source["target"], str) else None
        if own is not None and "total" in claimed:
            endpoints = [claimed["total"]]
        for entry in endpoints if not source["rows"] else []:
            if entry.get("n") is None or entry.get("failed") is None:
                continue
            target = own or str(entry.get("target"))
            own_counts = Counts(entry["n"], min(entry["failed"], entry["n"]))
            found[target] = _together(found.get(target, _NONE), own_counts)
    return found


def _together(first: Counts, second: Counts) -> Counts:
    return Counts(first.n + second.n, first.failed + second.failed)


def _kept(side: RunEvidence, target: str) -> Counts:
    samples = side.evidence["samples"]
    rows = samples[(samples["target"] == target) & (samples["metric"] == "response_time")]
    return Counts(len(rows), int(failed(rows).sum()))
