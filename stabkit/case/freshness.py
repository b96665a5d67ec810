"""Old evidence is not new: a file that an earlier run held already says nothing of this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from stabkit.analyze import RunEvidence
from stabkit.schema import Evidence
from stabkit.sources import Fault, doubted
from stabkit.store import Store

if TYPE_CHECKING:
    from stabkit.collect import Collection

__all__ = ["doubt_old_files", "doubt_old_sides", "fresh_collection"]

_LOOKED_AT: Final = 60  # runs back
_COLUMNS: Final = ("run_id", "kind", "sha256", "content_sha256", "written_at", "fault")
_ASKED: Final[Mapping[str, str]] = {
    "tests": "did the tests run?",
    "scan": "did the scan run?",
    "coverage": "did the tests run?",
    "load": "did the load test run?",
    "records": "was anything measured?",
}
# Times counted from the start of a test, not from an epoch, may agree by chance.
_ABSOLUTE: Final = pd.Timestamp("2000-01-01", tz="UTC")
_FEWEST_SAME: Final = 2


def doubt_old_files(run: Mapping[str, Any] | pd.Series, evidence: Evidence, store: Store) -> Evidence:
    """Return the evidence of a run that is about to be stored, its files partial that an earlier run held already.

    Parameters
    ----------
    run : mapping or Series
        Its row of the table ``runs``. An earlier run of the same label and commit is the same version brought once
        more, after a retry say: the same file is right there.
    evidence : Evidence
        What it holds.
    store : Store
        The runs so far; the newest 60 are looked at.

    Returns
    -------
    Evidence
        A file that holds times is never written twice alike; any other is old if it was not even written again.
    """
    if evidence["sources"]["sha256"].isna().all():
        return evidence
    runs = store.runs()
    runs = runs[runs["run_id"] != run["run_id"]].tail(_LOOKED_AT)
    if runs.empty:
        return evidence
    again = set(runs.loc[_equal(runs["label"], run["label"]) & _equal(runs["commit"], run["commit"]), "run_id"])
    known = store.read("sources", runs["run_id"].tolist(), _COLUMNS)
    names = dict(zip(runs["run_id"], runs["label"].fillna(runs["run_id"]), strict=True))
    own = known["run_id"].isin(again) & ~known["fault"].eq("old").fillna(value=False)
    # What this version brought before, as something new, is its own.
    others = known[~known["run_id"].isin(again) & ~_content(known).isin(_content(known[own]).dropna())]
    return _doubt(evidence, others.assign(name=others["run_id"].map(names)), timely=True)


def fresh_collection(collection: Collection, store: Store) -> Collection:
    """Return a collection with the files partial, and their runs not complete, that an earlier run held already."""
    evidence = {side: doubt_old_files(run, collection.evidence[side], store) for side, run in collection.runs.items()}
    runs = {
        side: {**run, "complete": bool(run["complete"]) and not evidence[side].failed}
        for side, run in collection.runs.items()
    }
    return replace(collection, runs=runs, evidence=evidence)


def doubt_old_sides(before: RunEvidence | None, after: RunEvidence, *, timely: bool) -> RunEvidence:
    """Return the candidate with what it shares with the baseline partial: the same file, the same measurements.

    Parameters
    ----------
    before, after : RunEvidence
        The two sides.
    timely : bool
        True if a file of both that has the same time is the same one. Not so of two folders, whose files may have been
        written by one copy in one tick of the clock.
    """
    if before is None:
        return after
    together = after.fact("collection_id") is not None and after.fact("collection_id") == before.fact("collection_id")
    name = str(before.fact("label") or before.fact("run_id"))
    known = before.evidence["sources"].assign(name=name)
    evidence = _doubt(after.evidence, known, timely=timely and not together)
    if not together:
        evidence = _doubt_samples(evidence, before.evidence["samples"], name)
    if evidence is after.evidence:
        return after
    return RunEvidence(pd.Series({**dict(after.run), "complete": False}), evidence)


def _doubt(evidence: Evidence, known: pd.DataFrame, *, timely: bool) -> Evidence:
    """Return the evidence with each source partial whose file is among those known."""
    sources = evidence["sources"]
    first: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for kind, content, written, name in zip(
        known["kind"], _content(known), known["written_at"], known["name"], strict=True
    ):
        if isinstance(content, str):
            first.setdefault((kind, content), []).append((name, written))
    doubts: dict[str, list[bool]] = {}
    told = zip(
        sources["kind"], _content(sources), sources["written_at"], sources["once"], sources["fault"], strict=True
    )
    for number, (kind, content, written, once, fault) in enumerate(told):
        held = first.get((kind, content), []) if isinstance(content, str) and fault != "old" else []
        sure = not pd.isna(once) and bool(once)
        whose = next((name for name, at in held if sure or (timely and not pd.isna(at) and at == written)), None)
        if whose is not None:
            why = f"the file of run {whose}: {_ASKED.get(kind, 'is it new?')}"
            doubts.setdefault(why, [False] * len(sources))[number] = True
    for why, which in doubts.items():
        sources = doubted(sources, pd.Series(which, index=sources.index), Fault(why, "old"))
    return evidence if not doubts else Evidence({**evidence.tables, "sources": sources})


def _doubt_samples(evidence: Evidence, before: pd.DataFrame, name: str) -> Evidence:
    """Return the evidence with the sources partial whose samples the baseline holds too: a log that was appended to.

    Two measurements at the same microsecond with the same result are one.
    """
    after = evidence["samples"]
    both = [frame.loc[frame["due_at"] > _ABSOLUTE] for frame in (before, after)]
    if any(frame.empty for frame in both) or both[1]["due_at"].min() > both[0]["due_at"].max():
        return evidence
    key = ["target", "metric", "due_at", "response_ms", "value", "hop"]
    sides = [frame[key].drop_duplicates() for frame in both]
    counts = [frame.groupby("target").size() for frame in sides]
    sources = evidence["sources"]
    for target, count in sides[0].merge(sides[1], on=key).groupby("target").size().items():
        if count < max(_FEWEST_SAME, min(counts[0][target], counts[1][target])):
            continue  # neither side holds all of the other's
        own = sources["target"].eq(target) | sources["path"].eq(target)
        own = own if own.any() else sources["kind"].isin(["load", "records"]) & sources["target"].isna()
        own &= ~sources["fault"].eq("old").fillna(value=False)
        why = f"{count:,} of its measurements are those of run {name}: was it measured again?"
        sources = doubted(sources, own, Fault(why, "old"))
    if sources is evidence["sources"]:
        return evidence
    return Evidence({**evidence.tables, "sources": sources})


def _content(sources: pd.DataFrame) -> pd.Series:
    return sources["content_sha256"].fillna(sources["sha256"])


def _equal(values: pd.Series, wanted: Any) -> pd.Series:
    same = values.isna() if wanted is None or pd.isna(wanted) else values.eq(wanted)
    return same.fillna(value=False).astype(bool)
