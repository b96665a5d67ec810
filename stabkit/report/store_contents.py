"""What a store holds, in a sentence: how many runs, from when to when, and which evidence they have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from stabkit.case import open_project, places
from stabkit.config import Config
from stabkit.report.display import NoEvidence, Statement
from stabkit.report.sections import history_subject
from stabkit.report.words import sentence
from stabkit.runs import order_runs
from stabkit.text import count, joined

__all__ = ["stored_runs"]

_TOLD: Final = ("samples", "checks", "tests", "scans", "changes")


def stored_runs(data: str | Path | None = None, *, config: str | Path | Config | None = None) -> Statement | NoEvidence:
    """Return which runs a store holds and which evidence they have; a page that shows it first is headed by it.

    Parameters
    ----------
    data : str or Path, optional
        The store. None or empty: the project's, as :func:`stabkit.open` finds it.
    config : str, Path or Config, optional
        None or empty: the ``stabkit.toml`` of the store, else the nearest.

    Returns
    -------
    Statement or NoEvidence
        One sentence; without a run, that there is none.

    Raises
    ------
    StoreError, ConfigError
        There is no store, or the configuration is wrong.

    Examples
    --------
    >>> stored_runs("data/sample").sentences[0].split(";")[:2]
    ['34 runs in 1 environment', ' all have samples, checks, tests and scans']
    """
    store, settings, path = open_project(data, config)
    assert store is not None, "it is needed"
    runs = order_runs(store.runs())
    subject = history_subject(runs, settings)
    if subject is None:
        return NoEvidence("runs", command=" ".join(["stabkit", "collect", *places(settings, path, store)]))
    held = Counter(table for run_id in runs["run_id"] for table in store.tables(run_id))
    whole = [table for table in _TOLD if held[table] == len(runs)]
    told = [f"all have {joined(whole, most=len(_TOLD))}"] if whole else []
    told += [f"{count(held[table], 'run has', 'runs have')} {table}" for table in _TOLD if 0 < held[table] < len(runs)]
    head = f"{count(len(runs), 'run')} in {count(runs['environment'].nunique(), 'environment')}"
    return Statement((sentence(head, *(told or ["none has evidence"])),), subject=subject)
