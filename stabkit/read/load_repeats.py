"""One load test told by several files: as its requests in two formats, as requests and their summary, as two summaries.

Requests counted twice would prove twice as much: such a file is left out, and its ``sources`` row says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

import pandas as pd

from stabkit.read.loads._parts.requests import SKETCH
from stabkit.schema import Evidence

__all__ = ["once_each", "without_sketches"]

_ALIKE: Final = 0.95  # of the requests that both could list; clocks are cut at other digits
_LEAST: Final = 5  # requests; fewer may be alike by chance
# Files that one run of a tool writes side by side, by how their names end.
_SIBLINGS: Final = ("_stats_history.csv", "_stats.csv", "_failures.csv", "_exceptions.csv")


@dataclass
class _Told:
    """What is known of a load file by which another that tells the same is recognised."""

    path: str
    form: str
    rows: int
    digest: str | None
    claimed: Mapping[str, Any]
    checks: set[tuple[str, str]] = field(default_factory=set)

    @property
    def counts(self) -> tuple[int, int] | None:
        """How many requests were made and how many failed, where a summary says both."""
        endpoints = self.claimed.get("endpoints", [])
        whole = [self.claimed["total"]] if "total" in self.claimed else endpoints
        known = [(entry.get("n"), entry.get("failed")) for entry in whole]
        if not known or any(None in pair for pair in known):
            return None
        return sum(n for n, _ in known), sum(failed for _, failed in known)


def once_each(contents: Iterable[Evidence], *, keep: bool = False) -> Iterator[Evidence]:
    """Yield each file's evidence, that of one load test once; with ``keep`` only what is equal is said, and all stays.

    Requests go before a summary of them, and of two files with the same requests the one that lists more.
    """
    held = list(contents)
    told = {place: _told(evidence) for place, evidence in enumerate(held) if _is_load(evidence)}
    order = sorted(told, key=lambda place: (-told[place].rows, place))
    origin: dict[int, tuple[_Told, str]] = {}
    for number, place in enumerate(order):
        own = told[place]
        earlier = (told[other] for other in order[:number] if other not in origin)
        found = next(((other, how) for other in earlier if (how := _same(other, own)) is not None), None)
        if found is not None:
            origin[place] = found
    for place, evidence in enumerate(held):
        plain = without_sketches(evidence)
        yield plain if place not in origin else _noted(plain, *origin[place], keep=keep)


def without_sketches(evidence: Evidence) -> Evidence:
    """Return the evidence without what was only noted to recognise a second file of one load test."""
    sources = evidence["sources"]
    if not sources["claimed"].fillna("").str.contains(f'"{SKETCH}"', regex=False).any():
        return evidence
    claims = [json.loads(text) if isinstance(text, str) else None for text in sources["claimed"]]
    kept = [{key: value for key, value in claim.items() if key != SKETCH} if claim else None for claim in claims]
    texts = [json.dumps(claim, sort_keys=True) if claim else None for claim in kept]
    return Evidence({**evidence.tables, "sources": sources.assign(claimed=pd.array(texts, dtype="str"))})


def _is_load(evidence: Evidence) -> bool:
    sources = evidence["sources"]
    return len(sources) == 1 and sources["kind"].eq("load").all() and sources["status"].ne("error").all()


def _told(evidence: Evidence) -> _Told:
    source = evidence["sources"].iloc[0]
    claimed = json.loads(source["claimed"]) if isinstance(source["claimed"], str) else {}
    if len(evidence["samples"]):
        claimed["total"] = {"n": len(evidence["samples"]), "failed": int((~evidence["samples"]["ok"]).sum())}
    checks = evidence["checks"]
    return _Told(
        str(source["path"]),
        str(source["format"]),
        int(source["rows"]),
        source["sha256"] if isinstance(source["sha256"], str) else None,
        claimed,
        set(zip(checks["target"], checks["check"], strict=True)),
    )


def _same(first: _Told, later: _Told) -> str | None:
    """Return in what way a later file tells the load test of the first; None if it is another."""
    if first.digest is not None and first.digest == later.digest:
        return "equal to"
    if later.rows:
        return "the same requests as" if _requests_alike(first, later) else None
    if _side_by_side(first, later):
        return "the same load test as"
    if first.form != later.form:
        return None
    counts = first.counts is not None and sum(first.counts) > 0 and first.counts == later.counts
    return "the same load test as" if counts and _times_alike(first, later) else None


def _requests_alike(first: _Told, later: _Told) -> bool:
    """Say whether the smallest hashes of the later file are among those of the first, as far as both reach."""
    ours, theirs = (told.claimed.get(SKETCH, []) for told in (first, later))
    if not ours or min(first.rows, later.rows) < _LEAST:
        return False
    reach = max(ours) if first.rows > len(ours) else float("inf")
    asked = [value for value in theirs if value <= reach]
    return len(asked) >= _LEAST and len({*asked} & {*ours}) >= _ALIKE * len(asked)


def _times_alike(first: _Told, later: _Told) -> bool:
    """Say whether no percentile that both state of everything differs; requests state none."""
    if first.rows:
        return True
    whole = [told.claimed.get("total") or (told.claimed.get("endpoints") or [{}])[0] for told in (first, later)]
    names = ("p50_ms", "p95_ms", "p99_ms")
    return all(whole[0][name] == whole[1][name] for name in names if all(name in said for said in whole))


def _side_by_side(first: _Told, later: _Told) -> bool:
    """Say whether one run of the tool wrote both, by their names: ``x_stats.csv`` and ``x_stats_history.csv``."""
    stems = []
    for told in (first, later):
        path = PurePath(told.path)
        end = next((end for end in _SIBLINGS if path.name.removesuffix(".gz").endswith(end)), None)
        if end is None:
            return False
        stems.append((path.parent, path.name.removesuffix(".gz").removesuffix(end)))
    return stems[0] == stems[1] and first.counts is not None


def _noted(evidence: Evidence, first: _Told, how: str, *, keep: bool) -> Evidence:
    """Return what is left of a file that tells what the first one does: its row, and checks that the first has not."""
    sources = evidence["sources"]
    if keep:
        note = f"{how} {first.path}: counts once in a run" if how != "equal to" else None
        said = sources["message"].iloc[0]
        text = "; ".join(part for part in (said if isinstance(said, str) else None, note) if part) or None
        return Evidence({**evidence.tables, "sources": sources.assign(message=pd.array([text], dtype="str"))})
    checks = evidence["checks"]
    known = pd.Series(list(zip(checks["target"], checks["check"], strict=True)), index=checks.index, dtype="object")
    left = checks[~known.isin(first.checks)]
    status = sources["status"].iloc[0] if how == "equal to" else "ok"  # what it lacks, the first file has
    row = sources.assign(rows=0, message=f"{how} {first.path}: left out", claimed=None, status=status)
    return Evidence.of(sources=row, checks=left)
