"""Opening a store whose runs answer to every reference."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from stabkit.config import Config
from stabkit.store import Store, open_store, word_of

__all__ = ["baseline_named", "open_runs"]


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


def _answer(reference: str, store: Store) -> str:
    return baseline_named(reference, None, store)
