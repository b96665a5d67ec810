"""Opening a store whose runs answer to every reference."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from stabkit.config import Config
from stabkit.errors import StabkitError
from stabkit.store import Store, is_store, open_store, word_of

__all__ = ["baseline_named", "first_parameters", "open_runs"]

_SAMPLE: Final = "data/sample"


def open_runs(path: Path | str | None = None, *, create: bool = False) -> Store:
    """Return the store in that folder, or at that address; without one, the project's.

    Parameters
    ----------
    path : Path or str, optional
        A relative path is looked up from the working folder upwards, as git does; the first that is a store wins.
        ``s3://bucket/prefix`` is a store on object storage: credentials and the endpoint come from the environment.
        None or empty: the store that the nearest ``stabkit.toml`` names, from the working folder upwards; without one,
        ``data``.
    create : bool
        Make the store (in the working folder, if the path is relative) where there is none.

    Returns
    -------
    Store
        Its runs answer to label, id, commit, ``latest``, ``latest:BRANCH``, ``last-stable`` and ``baseline-of:COMMIT``.

    Raises
    ------
    StoreError
        There is no store, or it cannot be made.
    ConfigError
        The ``stabkit.toml`` that would name it cannot be used.

    Examples
    --------
    >>> open_runs("data/sample").run("last-stable")["label"]
    'v1.5'
    """
    store = open_store(path, create=create)
    store.beyond = _answer
    return store


def baseline_named(reference: str, candidate: pd.Series | None, store: Store, config: Config | None = None) -> str:
    """Return the id of the run that a reference names as the baseline of a candidate; the reference if any store knows.

    Parameters
    ----------
    reference : str
        As a user wrote it.
    candidate : Series or None
        The run that is judged; None: no run in particular.
    store : Store
        Where runs are looked up.
    config : Config, optional
        None: the nearest ``stabkit.toml``.
    """
    if word_of(reference) in (None, "latest"):
        return reference
    from stabkit.case.loaded import verdict_of  # all that judges
    from stabkit.case.references import named_run
    from stabkit.case.settings import find_settings

    settings = find_settings(None, None, store)[0] if config is None else config
    return named_run(
        reference, store, settings, lambda run_id: verdict_of(run_id, store, settings), candidate=candidate
    )


def first_parameters() -> dict[str, str]:
    """Return what a notebook may begin with here: a store with runs, two of them, and a target that both measured.

    Returns
    -------
    dict
        ``data`` (empty: the project's store, else the recorded history), ``baseline``, ``candidate`` and ``target``;
        ``data`` alone where there is no store with two runs and a target.
    """
    for data in ("", _SAMPLE):
        try:
            if data and not is_store(data):
                continue
            store = open_runs(data)
            runs = store.runs()
            if len(runs) < 2:
                continue
            last = list(runs["run_id"])[-2:]
            found = store.samples(last, ["run_id", "target", "metric"])
        except StabkitError:
            continue
        timed = found[found["metric"] == "response_time"]
        shared = [set(timed.loc[timed["run_id"] == run, "target"]) for run in last]
        for target in timed["target"].value_counts().index:
            if all(target in one for one in shared):
                pair = ("v1.4", "v1.5") if data == _SAMPLE else ("latest~1", "latest")
                return {"data": data, "baseline": pair[0], "candidate": pair[1], "target": str(target)}
    return {"data": ""}


def _answer(reference: str, store: Store) -> str:
    return baseline_named(reference, None, store)
