"""The order of runs: by their start, and by the order in which they were stored where a clock cannot be trusted.

Several machines write one store, each by its own clock. What is stored while it happens (by its own machine's clock, it
ended a moment before it was committed) comes after all that was in the store by then, whatever its clock says. What
was stored later than it happened, such as a history that is brought in afterwards, comes where its start says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from stabkit.store.batches import Batch

__all__ = ["in_order"]

_AT_ONCE: Final = timedelta(hours=1)


def in_order(runs: Sequence[tuple[Batch, datetime, datetime]]) -> list[int]:
    """Return the positions of runs, the oldest first.

    Parameters
    ----------
    runs : sequence of tuple
        Of each run the batch that was committed first, its start and its end.

    Notes
    -----
    A hybrid logical clock (Kulkarni et al. 2014, doi:10.1007/978-3-319-14472-6_2): the place of a run is its start, but
    not before any run that its writer could see. Runs that an older stabkit wrote have no sequence: they come where
    their start says, and push nothing back.
    """
    places: dict[int, datetime] = {}
    newest = datetime.min.replace(tzinfo=UTC)
    for number in sorted(range(len(runs)), key=lambda number: _stored(*runs[number][:2])):
        batch, started, ended = runs[number]
        live = batch.sequence > 0 and abs(datetime.fromisoformat(batch.committed_at) - ended) <= _AT_ONCE
        places[number] = max(started, newest) if live else started
        newest = max(newest, places[number]) if batch.sequence else newest
    return sorted(places, key=lambda number: (places[number], *_stored(*runs[number][:2])))


def _stored(batch: Batch, started: datetime) -> tuple[int, datetime, str]:
    return batch.sequence, started, batch.run_id
