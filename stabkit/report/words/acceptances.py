"""The words of what is accepted: how much, until when, and what of it has ended or is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from stabkit.analyze import Accepted, Gate
from stabkit.kinds import kind_of
from stabkit.numbers import amount_text
from stabkit.text import count, joined, plain, verb

__all__ = ["acceptance_state", "accepted_clause", "accepted_strip", "accepted_until_text"]

_LONGEST: Final = 120


def accepted_strip(accepted: Iterable[Accepted]) -> str:
    """Return what is accepted, expired, and matches nothing, named; empty if nothing is declared.

    Examples
    --------
    >>> rule = ("legacy", "ann", "2026-12-31")
    >>> two = ("R1 a.py:1", "R1 b.py:2")
    >>> accepted_strip([Accepted("finding", "R1 *", *rule, "accepted", two, two)])
    '2 findings until 2026-12-31'
    >>> accepted_strip([Accepted("finding", "R1 *", *rule, "accepted", two, two[:1])])
    '1 finding until 2026-12-31 (also matches 1 that does not gate)'
    >>> accepted_strip([Accepted("test", "t::a", *rule, "expired"), Accepted("test", "t::b", *rule, "unmatched")])
    'ended with 2026-12-31: t::a; matches nothing: t::b'
    """
    entries = list(accepted)
    parts = [_taken(one) for one in entries if one.state == "accepted"]
    parts += [f"ended with {one.until}: {_named(one)}" for one in entries if one.state == "expired"]
    lost = [_named(one) for one in entries if one.state == "unmatched"]
    parts += [f"{verb('matches', len(lost))} nothing: {joined(lost, most=4)}"] if lost else []
    return "; ".join(parts)


def _taken(one: Accepted) -> str:
    """Return what an entry keeps from gating, and how much it means besides."""
    spared, others = len(one.spares), len(one.matches) - len(one.spares)
    idle = f"{verb('does', others)} not gate"
    if not spared:
        return f"matches {count(others, one.kind)} that {idle}, until {one.until}"
    more = f" (also matches {amount_text(others)} that {idle})" if others else ""
    return f"{count(spared, one.kind)} until {one.until}{more}"


def accepted_clause(gate: Gate) -> str:
    """Return what is good only because somebody accepts it, as one clause; empty where nothing is.

    Examples
    --------
    >>> from stabkit.analyze import ConditionResult
    >>> test = {"state": "accepted", "what": "t::a"}
    >>> accepted_clause(Gate("stable", (ConditionResult("unit", "tests", "stable", items=(test, test)),)))
    '2 tests are accepted, not mended'
    """
    conditions = sum("accepted_as" in one.facts for one in gate.conditions)
    items: Counter[str] = Counter()
    for one in gate.conditions:
        if one.gating:
            items[kind_of(one.kind).noun or "item"] += sum(item.get("state") == "accepted" for item in one.items)
    parts = [count(amount, noun) for noun, amount in (("condition", conditions), *sorted(items.items())) if amount]
    total = conditions + items.total()
    return f"{joined(parts, most=len(parts))} {verb('is', total)} accepted, not mended" if parts else ""


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
