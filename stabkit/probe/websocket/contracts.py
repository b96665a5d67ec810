"""What the sessions of a WebSocket target owe, counted check by check after each round."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stabkit.config import EventContract, SequenceRule, WebSocketTarget
from stabkit.errors import EvidenceError
from stabkit.paths import MISSING, find_field, read_json
from stabkit.probe.tally import Tally
from stabkit.probe.websocket.conversation import Record
from stabkit.probe.websocket.sequences import Event, evaluate_sequence

if TYPE_CHECKING:
    from stabkit.probe.payload_schema import PayloadSchema

__all__ = ["ContractTallies", "event_type", "parse"]

_FIELD: Final = "type"


def parse(record: Record) -> tuple[list[Event], list[tuple[int, str]]]:
    """Return a session's JSON objects, and of the other messages position and fault."""
    events, faults = [], []
    for index, (at_ns, message) in enumerate(record.messages):
        try:
            payload = read_json(message)
        except ValueError as error:
            faults.append((index, f"not JSON: {error}"))
            continue
        if isinstance(payload, dict):
            events.append(Event(index, record.ms(at_ns), payload))
        else:
            faults.append((index, f"JSON, but not an object: {type(payload).__name__}"))
    return events, faults


def event_type(event: Event, type_field: str) -> str | None:
    """Return an event's type; None if it has none that is text."""
    value = find_field(event.payload, type_field)
    return value if isinstance(value, str) else None


class ContractTallies:
    """The checks of one target's messages, counted over all connected sessions.

    Parameters
    ----------
    target : WebSocketTarget
        What is expected.
    validator : PayloadSchema or None
        Of the schema file.
    secrets : tuple of str
        Values that no row may hold.
    """

    def __init__(self, target: WebSocketTarget, validator: PayloadSchema | None, secrets: tuple[str, ...] = ()) -> None:
        tally = partial(Tally, secrets=secrets)
        self._target = target
        self._contract = target.event
        self._type_field = target.event.type_field if target.event else _FIELD
        self._validator = validator
        self._deadline = f"in {target.listen_ms / 1000:g} s"
        self._connected = 0
        self._frames = tally("frames are JSON", "JSON objects", "messages")
        self._reply = tally("reply", self._reply_words(), "replies")
        self._subprotocol = tally("subprotocol", " or ".join(target.subprotocols), "sessions")
        self._pings = tally("pings", f"answered within {target.pong_within_ms:g} ms", "pings")
        self._close = tally("close code", str(target.expect_close), "sessions")
        self._sequences = [
            (rule, tally(f"sequence {rule.name}", _rule_words(rule), "sequences")) for rule in target.sequence
        ]
        contract = target.event or EventContract()
        self._types = {t: tally(f"event {t}", f"seen {self._deadline}", "sessions") for t in contract.types}
        self._any = tally("event any", f"at least one {self._deadline}", "sessions")
        self._fields = {p: tally(f"field {p}", "present", "events") for p in contract.required}
        self._schema = tally("schema", f"valid by {contract.schema_file}", "events")
        self._known = tally("type known", "one of " + ", ".join(contract.types), "events")
        self._unique = tally("ids unique", f"{contract.id_field} never twice", "events")
        self._sender_time = tally("sender time", f"{contract.time_field} never goes back", "events")

    def add(self, record: Record, events: list[Event], faults: list[tuple[int, str]]) -> None:
        """Judge one connected session."""
        self._connected += 1
        place = f"round {record.round_number}, session {record.number}"
        for _ in events:
            self._frames.add(met=True)
        for index, fault in faults:
            self._frames.add(met=False, deviation=f"{place}, event {index}: {fault}")
        self._judge_session(record, place)
        replies = self._judge_replies(record, place)
        if self._contract is not None:
            self._judge_events(self._contract, record, events, replies, place)
        ended_ms = self._listened_ms(record)
        for rule, tally in self._sequences:
            result = evaluate_sequence(
                rule, events, type_field=self._type_field, ended_ms=ended_ms, deadline=record.deadline
            )
            if result.fault:
                tally.add(met=False, deviation=f"{place}: {result.fault}")
            for key in result.keys:
                named = place if key.key is None else f"{place}, key {key.key!r}"
                if key.undecided:
                    tally.skip(f"{named}: {key.undecided}")
                else:
                    tally.add(key.fault is None, f"{named}: {key.fault}")

    def rows(self, target: str, *, why: str | None) -> list[dict[str, Any]]:
        """Return all rows; ``not_checked`` for the given reason if no session was connected."""
        contract = self._contract or EventContract()
        tallies = [self._frames]
        if self._target.subprotocols:
            tallies.append(self._subprotocol)
        if self._target.ping_every_ms is not None:
            tallies.append(self._pings)
        if self._target.expect_close is not None:
            tallies.append(self._close)
        if any(message.reply_within_ms is not None for message in self._target.send):
            tallies.append(self._reply)
        tallies += self._types.values()
        if self._contract is not None and not contract.types:
            tallies.append(self._any)
        tallies += self._fields.values()
        if self._validator is not None:
            tallies.append(self._schema)
        if contract.unknown_type == "fail":
            tallies.append(self._known)
        if contract.id_field:
            tallies.append(self._unique)
        if contract.time_field:
            tallies.append(self._sender_time)
        tallies += [tally for _, tally in self._sequences]
        nothing = why or f"no event arrived {self._deadline}"
        unpinged = why or "no session lasted until a ping"
        return [tally.row(target, nothing=unpinged if tally is self._pings else nothing) for tally in tallies]

    def _listened_ms(self, record: Record) -> float:
        return self._target.listen_ms if record.deadline else record.ms(record.ended_ns)

    def _judge_session(self, record: Record, place: str) -> None:
        """Judge what holds for the session as a whole."""
        chosen = record.subprotocol
        self._subprotocol.add(chosen is not None, f"{place}: none was chosen")
        for number, trip_ms in enumerate(record.pings):
            self._pings.add(trip_ms is not None, f"{place}, ping {number}: no pong")
        closed = f"{record.close_code}, {record.abnormal}" if record.abnormal else f"{record.close_code}"
        seen = f"expected, not seen in {self._listened_ms(record) / 1000:.3g} s" if record.deadline else closed
        self._close.add(not record.deadline and record.close_code == self._target.expect_close, f"{place}: {seen}")

    def _judge_replies(self, record: Record, place: str) -> set[int]:
        """Count each expected reply; return the positions of the messages taken as replies."""
        taken: set[int] = set()
        sent = dict(record.sent)
        for position, message in enumerate(self._target.send):
            if message.reply_within_ms is None:
                continue
            named = f"{place}, message {position}"
            if position not in sent:
                self._reply.add(
                    met=False, deviation=f"{named}: not sent, the session had ended: {record.abnormal or 'closed'}"
                )
                continue
            after = [(i, at) for i, (at, _) in enumerate(record.messages) if at >= sent[position] and i not in taken]
            if not after:
                self._reply.add(met=False, deviation=f"{named}: expected, not seen in {message.reply_within_ms:g} ms")
                continue
            index, at_ns = after[0]
            took = (at_ns - sent[position]) / 1e6
            taken.add(index)
            record.replies.append((sent[position], at_ns))
            self._reply.add(took <= message.reply_within_ms, f"{named}: took {took:.0f} ms")
        return taken

    def _judge_events(
        self, contract: EventContract, record: Record, events: list[Event], replies: set[int], place: str
    ) -> None:
        seen = {event_type(event, self._type_field) for event in events}
        listened = f"{self._listened_ms(record) / 1000:.3g} s"
        for name, tally in self._types.items():
            tally.add(name in seen, f"{place}: expected, not seen in {listened}")
        self._any.add(bool(events), f"{place}: expected, not seen in {listened}")
        known_ids: dict[str, int] = {}
        latest: tuple[float, int] | None = None
        for event in events:
            kind = event_type(event, self._type_field)
            named = f"{place}, event {event.index} ({kind or 'no type'})"
            if contract.unknown_type == "fail" and not (kind is None and event.index in replies):
                self._known.add(kind in contract.types, f"{named}: type not expected")
            if not self._is_contracted(contract, event, kind, replies):
                continue
            self._judge_shape(event, named)
            if contract.id_field:
                self._judge_id(find_field(event.payload, contract.id_field), event.index, known_ids, named)
            if contract.time_field:
                latest = self._judge_time(find_field(event.payload, contract.time_field), event.index, latest, named)

    def _is_contracted(self, contract: EventContract, event: Event, kind: str | None, replies: set[int]) -> bool:
        # An acknowledgement is no event, and what has another, allowed type has a contract of its own. But an event
        # that lost its type must not escape by that.
        if kind is None:
            return event.index not in replies
        return not contract.types or kind in contract.types

    def _judge_shape(self, event: Event, named: str) -> None:
        for path, tally in self._fields.items():
            tally.add(find_field(event.payload, path) is not MISSING, f"{named}: {path} is missing")
        if self._validator is not None:
            try:
                fault = self._validator.fault(event.payload)
            except EvidenceError as error:
                self._schema.skip(error.what)
            else:
                self._schema.add(fault is None, f"{named}: {fault}")

    def _judge_id(self, value: Any, index: int, known: dict[str, int], named: str) -> None:
        if value is MISSING or value is None:
            return  # said by the required fields
        if isinstance(value, (dict, list)):
            self._unique.add(met=False, deviation=f"{named}: the id is no text or number")
            return
        text = json.dumps(value)
        self._unique.add(text not in known, lambda: f"{named}: id {text} was event {known[text]}")
        known.setdefault(text, index)

    def _judge_time(
        self, value: Any, index: int, latest: tuple[float, int] | None, named: str
    ) -> tuple[float, int] | None:
        if value is MISSING or value is None:
            return latest
        stamp = _timestamp(value)
        if stamp is None:
            self._sender_time.add(met=False, deviation=f"{named}: {value!r} is no time")
            return latest
        self._sender_time.add(
            latest is None or stamp >= latest[0],
            lambda: f"{named}: {(latest[0] - stamp) * 1000:.0f} ms before event {latest[1]}" if latest else "",
        )
        return (stamp, index) if latest is None or stamp > latest[0] else latest

    def _reply_words(self) -> str:
        limits = sorted({m.reply_within_ms for m in self._target.send if m.reply_within_ms is not None})
        return "within " + " or ".join(f"{limit:g} ms" for limit in limits)


def _rule_words(rule: SequenceRule) -> str:
    text = f"{' > '.join(rule.steps)} ({rule.mode}"
    if rule.key:
        text += f", per {rule.key}"
    if rule.gap_ms is not None:
        text += f", gaps up to {rule.gap_ms:g} ms"
    if rule.total_ms is not None:
        text += f", {rule.total_ms:g} ms in total"
    return text + ")"


def _timestamp(value: Any) -> float | None:
    """Return seconds of an ISO 8601 text or a number; numbers are compared in whatever unit they have."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e18 else None
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
