"""Endpoints of load files under the same names on both sides, where either has so many that patterns stand for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from stabkit.analyze import RunEvidence
from stabkit.endpoints import is_pattern, renamed
from stabkit.schema import Evidence

__all__ = ["grouped_alike"]


def grouped_alike(
    before: RunEvidence | None, after: RunEvidence, patterns: Sequence[str] = ()
) -> tuple[RunEvidence | None, RunEvidence]:
    """Return both sides with the endpoints that a pattern stands for under its name.

    Parameters
    ----------
    patterns : sequence of str
        Those of the configuration. Where one side was read with so many endpoints that a pattern took their place, it
        counts for the few of the other side too.
    """
    sides = [side for side in (before, after) if side is not None]
    if not any(side.evidence["sources"]["kind"].eq("load").any() for side in sides):
        return before, after
    found = {name for side in sides for name in _endpoints(side.evidence) if is_pattern(name)}
    wanted = [*patterns, *sorted(found)]
    if not wanted:
        return before, after
    return None if before is None else _grouped(before, wanted), _grouped(after, wanted)


def _endpoints(evidence: Evidence) -> set[str]:
    return {*evidence["samples"]["target"], *(name for claim in _claims(evidence) for name in _stated(claim))}


def _claims(evidence: Evidence) -> Iterable[Mapping[str, Any]]:
    sources = evidence["sources"]
    for text in sources.loc[sources["kind"] == "load", "claimed"].dropna():
        yield json.loads(text)


def _stated(claim: Mapping[str, Any]) -> list[str]:
    return [str(entry.get("target")) for entry in claim.get("endpoints") or []]


def _grouped(side: RunEvidence, patterns: Sequence[str]) -> RunEvidence:
    evidence = side.evidence
    tables = dict(evidence.tables)
    for name in ("samples", "checks"):
        if name in tables:
            targets = renamed(tables[name]["target"], patterns)
            if not targets.equals(tables[name]["target"]):
                moved = targets != tables[name]["target"]
                tables[name] = _renumbered(tables[name].assign(target=targets), moved)
    sources = evidence["sources"]
    load = sources["kind"].eq("load") & sources["claimed"].notna()
    if load.any():
        claims = sources["claimed"].mask(load, sources["claimed"].map(lambda text: _claim(text, patterns)))
        tables["sources"] = sources.assign(claimed=claims.astype("str"))
    return RunEvidence(side.run, Evidence(tables))


def _renumbered(rows: pd.DataFrame, moved: pd.Series) -> pd.DataFrame:
    """Return samples numbered anew where several series became one, in the order of the file."""
    if "sequence" not in rows:
        return rows
    anew = rows["target"].isin(rows.loc[moved, "target"].unique())
    numbers = rows[anew].groupby(["target", "metric"], sort=False).cumcount().astype("Int64")
    return rows.assign(sequence=rows["sequence"].mask(anew, numbers.reindex(rows.index)))


def _claim(text: object, patterns: Sequence[str]) -> object:
    if not isinstance(text, str):
        return text
    claim = json.loads(text)
    endpoints = claim.get("endpoints")
    if not endpoints:
        return text
    names = renamed(pd.Series(_stated(claim), dtype="str"), patterns)
    claim["endpoints"] = [
        entry
        if name == entry.get("target")
        else {"target": name, **{k: entry[k] for k in ("n", "failed") if k in entry}}
        for name, entry in zip(names, endpoints, strict=True)
    ]
    return json.dumps(claim, sort_keys=True)
