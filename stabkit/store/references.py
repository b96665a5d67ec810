"""What a run may be called: its id, a prefix of it, its label, ``latest``, and steps back from there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stabkit.errors import StoreError, UnknownRunError
from stabkit.store.markers import Markers

__all__ = ["resolve"]

_RELATIVE: Final = re.compile(r"(?P<name>.+?)~(?P<back>\d{1,9})", re.DOTALL)


def resolve(reference: str, markers: Markers, history: Sequence[str], *, where: str) -> str:
    """Return the run id that a reference names, as :meth:`stabkit.store.Store.resolve` promises.

    Parameters
    ----------
    reference : str
        As a user wrote it.
    markers : Markers
        What is committed.
    history : sequence of str
        Ids of the runs that ``latest`` counts, oldest first.
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
    among = history if name == "latest" else runs.loc[runs["label"] == name, "run_id"].tolist()
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
    raise UnknownRunError(reference, list(dict.fromkeys([*runs["label"].dropna(), *ids])), where=where)


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
