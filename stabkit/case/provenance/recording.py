"""What a verdict rests on: runs with their tables, files, the store at that time, the configuration, the day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

from stabkit.analyze import RunEvidence, Sides
from stabkit.store import Store

__all__ = ["MOST_NEWEST", "recorded"]

MOST_NEWEST: Final = 100
"""How many newest markers stand for a store at most. A store that an older stabkit wrote has as many as batches."""


def recorded(sides: Sides, store: Store | None, place: str | None, asked: Sequence[str]) -> dict[str, Any]:
    """Return what a verdict rests on, as JSON values.

    Parameters
    ----------
    sides : Sides
        What is judged.
    store : Store or None
        Where both runs come from; None if they are files.
    place : str or None
        How the store is called from the working folder.
    asked : sequence of str
        Baseline and candidate as they were named.

    Returns
    -------
    dict
        ``sides``: of each run ``side``, ``run_id`` and ``batches`` (as :meth:`stabkit.store.Store.committed` gives
        them), or ``files`` with path and sha256; ``store``: ``id``, ``place`` (None unless it lies in the working
        folder), ``newest`` (None if more than 100); None without a store; ``asked``: the paths of files, likewise;
        ``configuration``: sha256 of the resolved one; ``judged_on``: the day, ISO 8601.
    """
    both = (("baseline", sides.baseline), ("candidate", sides.candidate))
    newest = None if store is None else store.newest()
    return {
        "sides": [_side(name, side, store) for name, side in both if side is not None],
        "store": None
        if store is None or newest is None
        else {
            "id": store.identity,
            "place": place if place is not None and _inside(place) else None,
            "newest": newest if len(newest) <= MOST_NEWEST else None,
        },
        "asked": [name if _inside(name) else None for name in asked] if store is None else None,
        "configuration": sides.config.sha256,
        "judged_on": None if sides.today is None else sides.today.isoformat(),
    }


def _inside(text: str) -> bool:
    """Say whether a text is a path that stays in the working folder, as it is written."""
    path = PurePath(text)
    return bool(text) and not path.is_absolute() and ".." not in path.parts and "://" not in text and text[0] != "~"


def _side(name: str, side: RunEvidence, store: Store | None) -> dict[str, Any]:
    run_id = str(side.run["run_id"])
    batches = store.committed(run_id) if store is not None else []
    if batches:
        return {"side": name, "run_id": run_id, "batches": batches}
    sources = side.evidence["sources"][["path", "sha256"]].astype(object)
    files = [{"path": str(path), "sha256": digest} for path, digest in sources.itertuples(index=False, name=None)]
    return {"side": name, "run_id": run_id, "files": [file for file in files if isinstance(file["sha256"], str)]}
