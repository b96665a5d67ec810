"""The rules of an event contract, pure: fields, and the order of events by arrival.

No clock, no socket: what is judged are the messages of one session with the time each arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from stabkit.config import SequenceRule
from stabkit.paths import MISSING, find_field

__all__ = ["Event", "KeyResult", "SequenceResult", "evaluate_sequence"]


@dataclass(frozen=True)
class Event:
    """One message of a session that was a JSON object.

    Attributes
    ----------
    index : int
        Position among all messages of the session, from 0.
    at_ms : float
        Arrival after the connection was made, in ms.
    """

    index: int
    at_ms: float
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class KeyResult:
    """How one key's events kept the rule.

    Attributes
    ----------
    key : str or None
        None where the rule has no key.
    fault : str or None
        The first violation; None if kept or undecided.
    undecided : str or None
        Why nothing can be said: it began too late to finish.
    """

    key: str | None
    fault: str | None = None
    undecided: str | None = None


@dataclass(frozen=True)
class SequenceResult:
    """How one session kept one rule."""

    keys: tuple[KeyResult, ...]
    fault: str | None = None


def evaluate_sequence(
    rule: SequenceRule, events: Sequence[Event], *, type_field: str, ended_ms: float, deadline: bool
) -> SequenceResult:
    """Say, key by key, whether one session's events kept the rule.

    Parameters
    ----------
    rule : SequenceRule
        ``strict``: the key's events are exactly the steps; ``subsequence``: others may lie between; ``any_order``: all
        steps present. Gap and total limits are in ms between the matched events.
    events : sequence of Event
        In order of arrival, which is the order judged.
    type_field : str
        Dotted path of the event type.
    ended_ms : float
        When listening ended, ms after the connection was made.
    deadline : bool
        True if listening ended because its time was up; a key that began too late is then undecided, where the rule
        states how long it may take.

    Returns
    -------
    SequenceResult
        Keys in order of first appearance. ``fault`` is set if fewer keys than ``at_least`` were seen.
    """
    groups = _by_key(rule, events, type_field)
    keys = tuple(
        _evaluate_key(rule, key, group, type_field, ended_ms=ended_ms, deadline=deadline)
        for key, group in groups.items()
    )
    fault = None
    if len(keys) < rule.at_least:
        what = "sequence" if rule.key is None else f"key in {rule.key}"
        fault = (
            f"expected at least {rule.at_least} {what}, seen {len(keys)} in {_seconds(ended_ms)}; "
            f"the first step would be {rule.steps[0]!r}"
        )
    return SequenceResult(keys, fault)


def _by_key(rule: SequenceRule, events: Sequence[Event], type_field: str) -> dict[str | None, list[Event]]:
    groups: dict[str | None, list[Event]] = {}
    for event in events:
        key = None
        if rule.key is not None:
            value = find_field(event.payload, rule.key)
            if value is MISSING or value is None or isinstance(value, (dict, list)):
                continue
            key = value if isinstance(value, str) else repr(value)
        groups.setdefault(key, []).append(event)
    steps = set(rule.steps)
    # Events that belong to no step, such as another kind of message with the same id, make no sequence of their own.
    return {key: group for key, group in groups.items() if any(_type(event, type_field) in steps for event in group)}


def _evaluate_key(
    rule: SequenceRule, key: str | None, events: list[Event], type_field: str, *, ended_ms: float, deadline: bool
) -> KeyResult:
    matched, fault, complete = _match(rule, events, type_field)
    if fault is None or not complete:
        # A limit that is broken already is a fault, however late the key began.
        late = _limits(rule, matched, type_field)
        if late is not None:
            return KeyResult(key, fault=late)
    if fault is None:
        return KeyResult(key)
    if not complete and deadline and matched:
        allowed = _allowed_ms(rule, len(matched))
        if allowed is not None and matched[0].at_ms + allowed > ended_ms:
            left = ended_ms - matched[0].at_ms
            return KeyResult(
                key, undecided=f"began {_seconds(left)} before listening ended, and may take {_seconds(allowed)}"
            )
    return KeyResult(key, fault=fault if complete else f"{fault} in {_seconds(ended_ms)}")


def _allowed_ms(rule: SequenceRule, matched: int) -> float | None:
    bounds = []
    if rule.total_ms is not None:
        bounds.append(rule.total_ms)
    if rule.gap_ms is not None:
        bounds.append(rule.gap_ms * max(len(rule.steps) - 1, matched - 1))
    return min(bounds) if bounds else None


def _match(rule: SequenceRule, events: list[Event], type_field: str) -> tuple[list[Event], str | None, bool]:
    """Return the matched events, the first fault, and whether more time could not mend it."""
    if rule.mode == "any_order":
        return _match_any_order(rule, events, type_field)
    if rule.mode == "strict":
        return _match_strict(rule, events, type_field)
    matched: list[Event] = []
    for event in events:
        if len(matched) < len(rule.steps) and _type(event, type_field) == rule.steps[len(matched)]:
            matched.append(event)
    if len(matched) == len(rule.steps):
        return matched, None, True
    missing = rule.steps[len(matched)]
    early = next((event for event in events if _type(event, type_field) == missing), None)
    if early is not None:
        before = rule.steps[len(matched) - 1] if matched else None
        return matched, f"step {missing!r} came at event {early.index}, before {before!r}; not seen after it", False
    after = [e for e in events if _type(e, type_field) in rule.steps[len(matched) + 1 :]]
    if after:
        seen = f"step {missing!r} is missing before {_type(after[0], type_field)!r} (event {after[0].index})"
        return matched, f"{seen}, not seen", True
    return matched, f"step {missing!r} was expected, not seen", False


def _match_strict(rule: SequenceRule, events: list[Event], type_field: str) -> tuple[list[Event], str | None, bool]:
    matched: list[Event] = []
    for event in events:
        found = _type(event, type_field)
        if len(matched) == len(rule.steps):
            return matched, f"{found!r} (event {event.index}) follows the last step", True
        expected = rule.steps[len(matched)]
        if found != expected:
            return matched, f"expected {expected!r}, got {found!r} (event {event.index})", True
        matched.append(event)
    if len(matched) == len(rule.steps):
        return matched, None, True
    return matched, f"step {rule.steps[len(matched)]!r} was expected, not seen", False


def _match_any_order(rule: SequenceRule, events: list[Event], type_field: str) -> tuple[list[Event], str | None, bool]:
    wanted = list(rule.steps)
    matched = []
    for event in events:
        found = _type(event, type_field)
        if found in wanted:
            wanted.remove(found)
            matched.append(event)
    return matched, (f"step {wanted[0]!r} was expected, not seen" if wanted else None), not wanted


def _limits(rule: SequenceRule, matched: list[Event], type_field: str) -> str | None:
    for before, after in pairwise(matched):
        gap = after.at_ms - before.at_ms
        if rule.gap_ms is not None and gap > rule.gap_ms:
            pair = f"{_type(before, type_field)!r} to {_type(after, type_field)!r}"
            return f"{pair} (event {after.index}) took {gap:.0f} ms, allowed {rule.gap_ms:g} ms"
    if rule.total_ms is not None and len(matched) > 1:
        total = matched[-1].at_ms - matched[0].at_ms
        if total > rule.total_ms:
            return f"took {total:.0f} ms in total, allowed {rule.total_ms:g} ms"
    return None


def _type(event: Event, type_field: str) -> str | None:
    value = find_field(event.payload, type_field)
    return value if isinstance(value, str) else None


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3g} s"
