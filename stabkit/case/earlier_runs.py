"""The runs before a comparison: which of them count, and what is read of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import pandas as pd

from stabkit.analyze import EarlierRun, RunEvidence, Sides
from stabkit.analyze.line import earlier_run
from stabkit.case.endpoints import grouped_alike
from stabkit.config import Config
from stabkit.schema import Evidence, conform
from stabkit.store import Store

__all__ = [
    "HISTORY_RUNS",
    "JUDGING",
    "line_before",
    "runs_before",
    "runs_until",
    "tables_of",
    "tables_of_both",
    "unknown_levels",
    "until",
    "with_history",
]

HISTORY_RUNS: Final = 60
"""A history of more runs adds pixels, not insight, and costs reading."""

JUDGING: Final = ("tests", "scans", "findings")
"""The tables of earlier runs that a verdict needs."""

_FIRST: Final = 10  # runs of the accepted level, which stay however many follow
_NEWEST: Final = 50
_REPEATS: Final = 3
_AT_ONCE: Final = 5
_KNOWN: Final[WeakKeyDictionary[Store, dict[str, EarlierRun]]] = WeakKeyDictionary()
# What a stored run leaves behind never changes, and a search for the last stable run asks for it again and again.
_OF_SAMPLES: Final = (
    "run_id", "target", "metric", "round", "sequence", "due_at", "service_ms", "response_ms", "value", "unit",
    "connection", "warmup", "ok",
)  # fmt: skip


def with_history(before: RunEvidence, after: RunEvidence, store: Store, config: Config) -> Sides:
    """Return two runs of a store as they are judged: with the runs before them; what A/A runs show is left out."""
    earlier = runs_before(runs_until(before, after, store), before).tail(HISTORY_RUNS)
    return Sides(
        config, before, after, tables_of(store, earlier, JUDGING), history_runs=earlier, today=datetime.now(UTC).date()
    )


def runs_until(before: RunEvidence | None, after: RunEvidence, store: Store | None) -> pd.DataFrame:
    """Return the runs of the candidate's environment up to it, oldest first; of files the two sides."""
    if store is None:
        return conform("runs", pd.DataFrame([dict(side.run) for side in (before, after) if side is not None]))
    runs = store.runs()
    environment = after.run["environment"]
    same = runs["environment"].isna() if pd.isna(environment) else runs["environment"] == environment
    return runs[same & until(runs, after.run)].reset_index(drop=True)


def runs_before(runs: pd.DataFrame, before: RunEvidence | None) -> pd.DataFrame:
    """Return the runs from which flake rates, expected tests and reopened findings are learnt.

    Only runs before the baseline: in one between the two sides the change may be at work already, and its true failures
    would pass for flakes.
    """
    if before is not None and before.run["run_id"] in set(runs["run_id"]):
        return runs[until(runs, before.run) & (runs["run_id"] != before.run["run_id"])]
    return runs


def until(runs: pd.DataFrame, run: Any) -> pd.Series:
    """Say which runs come no later than this one: by their order in the store; of evidence outside it by its start."""
    place = runs.index[runs["run_id"] == run["run_id"]]
    if len(place):
        return pd.Series(runs.index <= place[0], index=runs.index)
    return runs["started_at"] <= run["started_at"]


def tables_of(store: Store, runs: pd.DataFrame, names: Sequence[str]) -> Evidence:
    """Return the tables of these runs."""
    wanted = runs["run_id"].tolist()
    return Evidence({name: store.read(name, runs=wanted) for name in names} if wanted else {})


def tables_of_both(
    store: Store, first: tuple[pd.DataFrame, Sequence[str]], second: tuple[pd.DataFrame, Sequence[str]]
) -> tuple[Evidence, Evidence]:
    """Return some tables of some runs, and some of others, as :func:`tables_of` does: what both want is read once."""
    common = [name for name in first[1] if name in second[1]]
    read = tables_of(store, pd.concat([first[0], second[0]]).drop_duplicates("run_id").sort_index(), common)

    def of(runs: pd.DataFrame, names: Sequence[str]) -> Evidence:
        if runs.empty:
            return Evidence()
        shared = {name: frame[frame["run_id"].isin(runs["run_id"])] for name, frame in read.tables.items()}
        rest = tables_of(store, runs, [name for name in names if name not in common])
        return Evidence({name: frame.reset_index(drop=True) for name, frame in shared.items()} | dict(rest.tables))

    return of(*first), of(*second)


def line_before(
    before: RunEvidence | None, after: RunEvidence, store: Store | None, known: pd.DataFrame, config: Config
) -> tuple[tuple[EarlierRun, ...], tuple[EarlierRun, ...]]:
    """Return the line of a candidate and other runs of its version, oldest first; nothing where rounds were shared.

    Parameters
    ----------
    known : DataFrame
        The runs of the candidate's environment up to it, in the order of the store.

    Returns
    -------
    tuple, tuple
        Complete runs up to the baseline, the first that were accepted and the newest; those of the candidate's
        version, itself left out.
    """
    if store is None or before is None or before.run["run_id"] not in set(known["run_id"]):
        return (), ()
    together = after.fact("collection_id")
    if together is not None and together == before.fact("collection_id"):
        return (), ()
    complete = known[known["complete"].fillna(value=False).astype(bool) & (known["run_id"] != after.run["run_id"])]
    same = _same_version(complete, after)
    line = complete[~same & until(known, before.run).reindex(complete.index)]
    accepted = _accepted(line, config)
    begin = int(accepted.to_numpy().argmax()) if accepted.any() else 0
    places = sorted({*range(begin, min(begin + _FIRST, len(line))), *range(max(0, len(line) - _NEWEST), len(line))})
    begins = str(line["run_id"].iloc[begin]) if accepted.any() else None
    again = complete[same]
    if after.fact("commit") is None:  # names are used again: what bore this one before the baseline may be anything
        again = again[~until(known, before.run).reindex(again.index)]
    repeats = _kept(again.tail(_REPEATS), store, after, config)
    return _kept(line.iloc[places], store, after, config, begins), repeats


def unknown_levels(known: pd.DataFrame, config: Config) -> tuple[str, ...]:
    """Return the names under ``[line] accepted`` that no run bears: nothing was accepted by them."""
    names = () if config.line is None else config.line.accepted
    borne = set(known[["run_id", "label", "commit"]].to_numpy().ravel())
    return tuple(name for name in names if name not in borne)


def _same_version(runs: pd.DataFrame, after: RunEvidence) -> pd.Series:
    known = {name: after.fact(name) for name in ("label", "commit")}
    same = pd.Series(data=any(value is not None for value in known.values()), index=runs.index)
    for name, value in known.items():
        same &= runs[name].isna() if value is None else runs[name].eq(value).fillna(value=False).astype(bool)
    return same


def _accepted(runs: pd.DataFrame, config: Config) -> pd.Series:
    """Return where the newest accepted level begins: the first run of the last name that was accepted."""
    names = () if config.line is None else config.line.accepted
    named = runs[["run_id", "label", "commit"]].isin(names).any(axis=1)
    if not named.any():
        return named
    last = runs[named].iloc[-1]
    alike = runs["label"].eq(last["label"]).fillna(value=False).astype(bool) | runs["run_id"].eq(last["run_id"])
    return pd.Series(runs.index == runs.index[named & alike][0], index=runs.index)


def _kept(
    runs: pd.DataFrame, store: Store, after: RunEvidence, config: Config, accepted: str | None = None
) -> tuple[EarlierRun, ...]:
    """Return what runs leave behind, the one whose level was accepted among them."""
    # Under a pattern of endpoints a run leaves other names behind for each candidate.
    plain = not config.load.endpoints and not after.evidence["sources"]["kind"].eq("load").any()
    known = _KNOWN.setdefault(store, {}) if plain else {}
    lacking = runs[~runs["run_id"].isin(list(known))]
    for start in range(0, len(lacking), _AT_ONCE):
        part = lacking.iloc[start : start + _AT_ONCE]
        ids = part["run_id"].tolist()
        tables = {
            "samples": store.read("samples", runs=ids, columns=_OF_SAMPLES),
            "sources": store.read("sources", ids),
        }
        for _, row in part.iterrows():
            own = {name: frame[frame["run_id"] == row["run_id"]] for name, frame in tables.items()}
            side, _ = grouped_alike(RunEvidence(row, Evidence(own)), after, config.load.endpoints)
            assert side is not None
            known[row["run_id"]] = earlier_run(side)
    return tuple(known[run_id].accepted() if run_id == accepted else known[run_id] for run_id in runs["run_id"])
