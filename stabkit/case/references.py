"""References that need more than the store: the last stable run, and the run that a commit grew from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.case.earlier_runs import until
from stabkit.change import Git
from stabkit.config import Config
from stabkit.errors import EvidenceError, StoreError
from stabkit.store import Store, word_of

__all__ = ["VerdictOf", "named_run"]

VerdictOf = Callable[[str], str]
"""Says how a run of the store comes out against the run before it."""

_LOOKED_AT: Final = 60  # runs back
_BACK: Final = re.compile(r"~(\d{1,9})$")
_SHORT_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


def named_run(
    reference: str, store: Store, config: Config, verdict_of: VerdictOf, *, candidate: pd.Series | None = None
) -> str:
    """Return the id of the run that ``last-stable``, ``baseline-of:COMMIT`` or ``latest:BRANCH`` names.

    Any other reference is returned as it is, for the store to answer.

    Parameters
    ----------
    reference : str
        As a user wrote it.
    store : Store
        Where runs are looked up.
    config : Config
        Where its repository is, for ancestors.
    verdict_of : callable
        Asked for ``last-stable``, of the newest run first.
    candidate : Series, optional
        The run that is judged: then the baseline is meant, a run before it and of its environment.

    Raises
    ------
    StoreError
        No run answers; says why.
    UsageError
        There is no such commit.
    """
    word = word_of(reference)
    known = store.runs()
    if word in (None, "latest") or reference in set(known["label"]):
        return reference
    runs = known if candidate is None else _before(known, candidate)
    if word == "baseline-of:":
        return _of_ancestor(reference, reference.removeprefix(word), runs, store, config)
    back = int(found[1]) if (found := _BACK.search(reference)) else 0
    if word == "last-stable":
        complete = runs.loc[runs["complete"].astype(bool), "run_id"][::-1].head(_LOOKED_AT)
        stable = (run_id for run_id in complete if verdict_of(run_id) == "stable")
        why = f"none of {len(complete)} runs is STABLE against the run before it"
        return _taken(reference, stable, back, why, store)
    branch = reference.removeprefix("latest:").removesuffix(found[0] if found else "")
    of_branch = iter(runs.loc[runs["branch"] == branch, "run_id"][::-1])
    branches = ", ".join(sorted(set(runs["branch"].dropna()))[:5])
    return _taken(reference, of_branch, back, f"the branches of its runs: {branches or 'none'}", store)


def _before(runs: pd.DataFrame, candidate: pd.Series) -> pd.DataFrame:
    place = candidate["environment"]
    there = runs["environment"].isna() if pd.isna(place) else runs["environment"].eq(place).fillna(value=False)
    return runs[until(runs, candidate) & (runs["run_id"] != candidate["run_id"]) & there.astype(bool)]


def _taken(reference: str, found: Iterator[str], back: int, why: str, store: Store) -> str:
    for run_id in islice(found, back, None):
        return run_id
    raise StoreError(
        f"No run answers to {reference!r}: {why}.",
        where=str(store.place),
        hint="Name a run by its label or id; list them with: stabkit runs",
    )


def _of_ancestor(reference: str, commit: str, runs: pd.DataFrame, store: Store, config: Config) -> str:
    """Return the newest run of the nearest ancestor that has one: git says what came before, no clock does."""
    repository = config.path(config.changes.repository) if config.changes else config.root.resolve()
    try:
        git = Git(repository if repository.is_dir() else Path.cwd())
        start = git.commit(commit)
    except EvidenceError as error:
        raise StoreError(
            f"No run answers to {reference!r}: {error.what}",
            where=error.where,
            hint="Name a run by its label or id; list them with: stabkit runs",
        ) from error
    # An import may know its commit by its label alone.
    commits = runs["commit"].fillna(runs["label"].where(runs["label"].fillna("").str.fullmatch(_SHORT_COMMIT)))
    known = dict(zip(commits, runs["run_id"], strict=True))
    whole = {name: run_id for name, run_id in known.items() if isinstance(name, str)}
    short = [name for name in whole if len(name) < len(start)]
    for line in git.read("rev-list", "--topo-order", start).decode("ascii").split()[1:]:
        names = [line] if line in whole else [name for name in short if line.startswith(name)]
        if names:
            return str(whole[names[-1]])
    shallow = git.shallow
    raise StoreError(
        f"No run answers to {reference!r}: of {'what this shallow clone holds of ' if shallow else ''}"
        f"the ancestors of {start[:12]} none has a run.",
        where=str(store.place),
        hint="Fetch the whole history: git fetch --unshallow" if shallow else "Collect a run of an ancestor first.",
    )
