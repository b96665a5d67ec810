"""The words of what is accepted: how much, until when, and what of it has ended or is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from stabkit.analyze import Accepted
from stabkit.text import count, joined, plain, verb

__all__ = ["acceptance_state", "accepted_strip", "accepted_until_text"]

_LONGEST: Final = 120


def accepted_strip(accepted: Iterable[Accepted]) -> str:
    """Return what is accepted, expired, and matches nothing, named; empty if nothing is declared.

    Examples
    --------
    >>> rule = ("legacy", "ann", "2026-12-31")
    >>> accepted_strip([Accepted("finding", "R1 *", *rule, "accepted", ("R1 a.py:1", "R1 b.py:2"))])
    '2 findings until 2026-12-31'
    >>> accepted_strip([Accepted("test", "t::a", *rule, "expired"), Accepted("test", "t::b", *rule, "unmatched")])
    'expired on 2026-12-31: t::a; matches nothing: t::b'
    """
    entries = list(accepted)
    parts = [f"{count(len(one.matches), one.kind)} until {one.until}" for one in entries if one.state == "accepted"]
    parts += [f"expired on {one.until}: {_named(one)}" for one in entries if one.state == "expired"]
    lost = [_named(one) for one in entries if one.state == "unmatched"]
    parts += [f"{verb('matches', len(lost))} nothing: {joined(lost, most=4)}"] if lost else []
    return "; ".join(parts)


def _named(one: Accepted) -> str:
    return plain(one.what, _LONGEST)


def acceptance_state(one: Accepted) -> str:
    """Return how an entry stands, as a table says it."""
    return "matches nothing" if one.state == "unmatched" else one.state


def accepted_until_text(told: Mapping[str, Any]) -> str:
    """Return who accepts an item, why and until when.

    Examples
    --------
    >>> accepted_until_text({"reason": "vendor code", "owner": "ann", "until": "2026-12-31"})
    'accepted by ann until 2026-12-31: vendor code'
    """
    owner, until = (plain(told.get(name) or "nobody", _LONGEST) for name in ("owner", "until"))
    return f"accepted by {owner} until {until}: {plain(told.get('reason') or '', _LONGEST)}"
