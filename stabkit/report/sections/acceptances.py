"""What is accepted until a day, as a table: shown apart, since nobody mended it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from stabkit.analyze import Accepted, ConditionResult
from stabkit.report.display import Column, Table
from stabkit.report.words import acceptance_state
from stabkit.text import joined, plain, verb

__all__ = ["accepted_table", "with_accepted"]


def accepted_table(accepted: Iterable[Accepted]) -> Table:
    """Return what is accepted, why, by whom and until when; what has expired and what matches nothing as well."""
    entries = tuple(accepted)
    rows = tuple(
        {
            "what": (plain(one.what, 160), f"{one.kind}; {_meant(one)}"),
            "state": acceptance_state(one),
            "reason": plain(one.reason, 240),
            "owner": plain(one.owner, 80),
            "until": one.until,
        }
        for one in entries
    )
    columns = (
        Column("what", "Accepted", "head"),
        Column("state", "State", "outcome"),
        Column("reason", "Because"),
        Column("owner", "Owner", phone=False),
        Column("until", "Until"),
    )
    return Table(columns, rows, "Accepted until a day, and not mended", limit=max(1, len(rows)))


def with_accepted(
    frame: pd.DataFrame, conditions: Iterable[ConditionResult], keys: Mapping[str, str], state: str
) -> pd.DataFrame:
    """Return what became of tests or findings, with the state ``accepted`` where the gate spared them.

    Parameters
    ----------
    frame : DataFrame
        A row a test or finding.
    conditions : iterable of ConditionResult
        Those that judged them.
    keys : mapping
        A column of the frame -> the key of an item that says the same: together they tell which row an item is of.
    state : str
        The column that says what became of a row.

    Returns
    -------
    DataFrame
        With a column ``accepted``: the ``reason``, ``owner``, ``until`` and what it ``was`` of a row that is, else
        null.
    """
    taken = {
        tuple(item.get(key) for key in keys.values()): item["accepted"]
        for condition in conditions
        for item in condition.items
        if item.get("state") == "accepted"
    }
    if not taken:
        return frame.assign(accepted=None)
    rows = frame[list(keys)].astype(object)
    told = [taken.get(tuple(row)) for row in rows.where(rows.notna(), None).itertuples(index=False)]
    found = frame.assign(accepted=pd.Series(told, index=frame.index, dtype=object))
    return found.assign(**{state: found[state].mask(found["accepted"].notna(), "accepted")})


def _meant(one: Accepted) -> str:
    """Return what an entry keeps from gating, and apart from it what else it means."""
    others = [name for name in one.matches if name not in one.spares]
    if one.state != "accepted" or not others:
        return joined(map(plain, one.matches), most=4) or "nothing"
    beside = f"{verb('does', len(others))} not gate: {joined(map(plain, others), most=4)}"
    return "; ".join(part for part in (joined(map(plain, one.spares), most=4), beside) if part)
