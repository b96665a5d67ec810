"""How one condition came out, step by step: what was measured, what was asked of it, and what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from stabkit.analyze.outcome import ConditionResult, Estimate, Gate, to_json
from stabkit.errors import UsageError, nearest
from stabkit.report.display import Column, Group, Piece, Statement, Table
from stabkit.report.needs import doubts, need_command
from stabkit.report.numbers import confidence_text, significant
from stabkit.report.sections.metrics import estimate_table
from stabkit.report.sentences import reason_text, standing_outcome
from stabkit.report.wording import count, plain, sentence

__all__ = ["explain", "explanation_document", "find_condition"]

_QUESTIONS: Final = {
    "latency": "Is the median and is the 99th percentile at most a margin slower?",
    "slow_requests": "Did the share of slow requests grow by less than a margin?",
    "objective": "Is the quantile below its limit, whatever the baseline was?",
    "error_rate": "Did the share of failed requests grow by less than a margin?",
    "checks": "Does every check pass that passed before?",
    "tests": "Does every test pass that passed before, and are all of them still there?",
    "findings": "Is no finding new, in scans that can be compared?",
    "resource": "Are the level and its growth within a margin?",
}
_ITEMS: Final = 20


def find_condition(gate: Gate, name: str) -> ConditionResult:
    """Return the condition of that name, whatever its case.

    Raises
    ------
    UsageError
        There is none; names the nearest, else all.
    """
    found = {condition.name.lower(): condition for condition in gate.conditions}
    if name.lower() in found:
        return found[name.lower()]
    names = [condition.name for condition in gate.conditions]
    guess = nearest(name, names)
    hint = f"Did you mean {guess!r}?" if guess else f"Conditions: {', '.join(names) or 'none'}."
    raise UsageError(f"There is no condition {name!r}.", where="CONDITION", hint=hint)


def explain(gate: Gate, condition: ConditionResult) -> Piece:
    """Return the question of a condition, its answer, its estimates with the rule that decided, and what it lacks."""
    pieces: list[Piece] = [Statement(_lead(gate, condition))]
    if condition.estimates:
        pairs = [(condition, estimate) for estimate in condition.estimates]
        pieces.append(estimate_table(pairs, plain(condition.name), confidence=gate.confidence))
        pieces.append(_rules(condition, gate.confidence))
    if condition.items:
        pieces.append(_items(condition))
    open_ = doubts(condition)
    if open_:
        pieces.append(_open(condition, open_))
    return Group(tuple(pieces))


def explanation_document(gate: Gate, condition: ConditionResult) -> dict[str, Any]:
    """Return the condition with all that it rests on, in the contract of ``stabkit explain --format json``."""
    return {"schema": 1, "verdict": gate.verdict, "confidence": gate.confidence, "condition": to_json(condition)}


def _lead(gate: Gate, condition: ConditionResult) -> tuple[str, ...]:
    first = f"{plain(condition.name)}: {condition.outcome}; {reason_text(condition)}"
    asked = _QUESTIONS.get(condition.kind, "")
    gating = "" if condition.gating else "It is shown, but does not decide the verdict."
    return tuple(text for text in (sentence(first), asked, gating, f"The verdict is {gate.verdict}.") if text)


def _rules(condition: ConditionResult, confidence: float) -> Table:
    columns = (
        Column("metric", "Estimate", "head"),
        Column("rule", "Rule that decided"),
        Column("p", "p, worse", "number"),
        Column("method", "Method"),
    )
    rows = tuple(
        {
            "metric": plain(estimate.name),
            "rule": _rule(condition, estimate, confidence),
            "p": None if estimate.p_worse is None else significant(estimate.p_worse, 2),
            "method": plain(estimate.method) if estimate.method else None,
        }
        for estimate in condition.estimates
    )
    return Table(columns, rows, "How each estimate was judged")


def _rule(condition: ConditionResult, estimate: Estimate, confidence: float) -> str:
    interval = f"the {confidence_text(confidence)} interval"
    bound, nothing = ("the limit", "the limit") if condition.kind == "objective" else ("the margin", "no change")
    outcome = estimate.outcome
    if standing_outcome(condition, estimate) != outcome:
        return f"{outcome} by itself, but a doubt outside it leaves it open"
    if outcome in ("stable", "improved"):
        return f"{interval} ends below {bound if outcome == 'stable' else nothing}"
    if outcome == "regressed":
        beyond = f", and beyond {bound} as a whole" if estimate.beyond_margin else ""
        return f"{interval} begins above {nothing}{beyond}"
    if estimate.high is None or not math.isfinite(estimate.high):
        return f"{interval} has no upper end yet: too few samples reach so far into the tail"
    reaches = f"{interval} reaches beyond {bound}, but not far enough to show a worsening"
    return f"{bound} lies within {interval}" if condition.kind == "objective" else reaches


def _items(condition: ConditionResult) -> Table:
    columns = (Column("state", "State", "outcome"), Column("what", "What", "head"))
    rows = tuple(
        {"state": plain(str(item.get("state", "")).replace("_", " ")), "what": plain(item.get("what", ""))}
        for item in condition.items
    )
    return Table(columns, rows, f"What moved or blocks: {count(len(rows), 'item')}", limit=_ITEMS)


def _open(condition: ConditionResult, open_: Sequence[str]) -> Statement:
    command = next((found for need in condition.needs if (found := need_command(condition, need))), None)
    return Statement(tuple(sentence(f"open: {text}") for text in open_), command)
