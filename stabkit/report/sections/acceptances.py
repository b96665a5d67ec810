"""What is accepted until a day, as a table: shown apart, since nobody mended it."""

from __future__ import annotations

from collections.abc import Iterable

from stabkit.analyze import Accepted
from stabkit.report.display import Column, Table
from stabkit.report.words import acceptance_state
from stabkit.text import joined, plain, verb

__all__ = ["accepted_table"]


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


def _meant(one: Accepted) -> str:
    """Return what an entry keeps from gating, and apart from it what else it means."""
    others = [name for name in one.matches if name not in one.spares]
    if one.state != "accepted" or not others:
        return joined(map(plain, one.matches), most=4) or "nothing"
    beside = f"{verb('does', len(others))} not gate: {joined(map(plain, others), most=4)}"
    return "; ".join(part for part in (joined(map(plain, one.spares), most=4), beside) if part)
