"""What a run may be called: id, prefix, label, commit, ``latest``, the newest of a branch, and steps back from it."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from stabkit.errors import StoreError, UnknownRunError
from stabkit.store.markers import Markers

__all__ = ["resolve", "word_of"]

_RELATIVE: Final = re.compile(r"(?P<name>.+?)~(?P<back>\d{1,9})", re.DOTALL)
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_LATEST_OF: Final = "latest:"
_WORD: Final = re.compile(r"(latest|last-stable)(~\d+)?|(latest|baseline-of):.*", re.DOTALL)


def word_of(reference: str) -> str | None:
    """Return the word that a reference begins with, if it is one that no label may be.

    Examples
    --------
    >>> word_of("latest~1"), word_of("latest:main"), word_of("last-stable"), word_of("baseline-of:HEAD"), word_of("v1")
    ('latest', 'latest:', 'last-stable', 'baseline-of:', None)
    """
    found = _WORD.fullmatch(reference)
    return None if found is None else found[1] or f"{found[3]}:"


def resolve(reference: str, markers: Markers, history: pd.DataFrame, *, where: str) -> str:
    """Return the run id that a reference names, as :meth:`stabkit.store.Store.resolve` promises.

    Parameters
    ----------
    reference : str
        As a user wrote it.
    markers : Markers
        What is committed.
    history : DataFrame
        The runs that ``latest``, branches and commits count, oldest first.
    where : str
        The store's place, for errors.

    Raises
    ------
    UnknownRunError
        No run answers to it.
    StoreError
        A prefix fits several runs, or a damaged marker may hide the run that is meant.
    """
    runs = markers.runs()
    ids: list[str] = runs["run_id"].tolist()
    if reference in ids:
        return reference
    broken = markers.damage_of(reference)
    if broken:
        raise broken
    name, back = reference, 0
    labels = set(runs["label"].dropna())
    relative = _RELATIVE.fullmatch(reference)
    if relative and reference not in labels:
        name, back = relative["name"], int(relative["back"])
    among = _called(name, runs, history)
    if back < len(among):
        return _undamaged(among[-1 - back], markers)
    fitting = [run_id for run_id in ids if run_id.startswith(reference)] if reference else []
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(fitting[:5])
        raise StoreError(
            f"{len(fitting)} runs begin with {reference!r}: {shown}.", where=where, hint="Give more of the run id."
        )
    among = _of_commit(name, history, where) if name not in labels else []
    if back < len(among):
        return _undamaged(among[-1 - back], markers)
    branches = history["branch"].dropna() if name.startswith(_LATEST_OF) else runs["branch"].iloc[:0]
    known = [f"{_LATEST_OF}{branch}" for branch in branches] or [*runs["label"].dropna(), *ids]
    raise UnknownRunError(reference, list(dict.fromkeys(known)), where=where)


def _called(name: str, runs: pd.DataFrame, history: pd.DataFrame) -> list[str]:
    """Return the ids of the runs of a label, of a branch or of the whole history, oldest first."""
    if name == "latest":
        return list(history["run_id"])
    labelled: list[str] = runs.loc[runs["label"] == name, "run_id"].tolist()
    if labelled or not name.startswith(_LATEST_OF):
        return labelled
    return list(history.loc[history["branch"] == name.removeprefix(_LATEST_OF), "run_id"])


def _of_commit(name: str, history: pd.DataFrame, where: str) -> list[str]:
    """Return the ids of the runs of one commit, given whole or by its first seven digits or more; oldest first."""
    if not _COMMIT.fullmatch(name):
        return []
    fitting = history[history["commit"].fillna("").str.startswith(name.lower())]
    commits = fitting["commit"].drop_duplicates().tolist()
    if len(commits) > 1:
        shown = ", ".join(commit[:12] for commit in commits[:5])
        what = f"{len(commits)} commits that runs are of begin with {name!r}: {shown}."
        raise StoreError(what, where=where, hint="Give more of the commit.")
    return list(fitting["run_id"])


def _undamaged(run_id: str, markers: Markers) -> str:
    # Names sort by time: a damaged marker behind this run may be the newer one that was meant.
    for name, fault in markers.faults.items():
        if name > run_id:
            raise StoreError(
                f"A newer run may be meant, but its marker is damaged. {fault.what}",
                where=fault.where,
                hint=f"Restore it or move it away, or name the run by its id: {run_id}",
            )
    return run_id
