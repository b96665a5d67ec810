"""How one condition came out, step by step: what was measured, what was asked of it, and what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from stabkit.analyze import ConditionResult, Estimate, Gate
from stabkit.case import AGAIN, Again
from stabkit.errors import UsageError, nearest
from stabkit.kinds import kind_of
from stabkit.numbers import confidence_text, significant
from stabkit.report.display import Column, Group, Piece, Statement, Table
from stabkit.report.words import (
    as_json,
    change_text,
    doubts,
    facts_text,
    item_text,
    line_texts,
    margin_text,
    need_command,
    quantity_words,
    reason_text,
    sample_text,
    sentence,
    standing_outcome,
    usual_texts,
    value_text,
)
from stabkit.text import count, joined, plain
from stabkit.vocabulary import LISTED, SAID

__all__ = ["explain", "explanation_document", "find_condition"]

# What is exact needs no interval: the rule that decided is the same for every item.
_EXACT_RULES: Final = {
    "stable": "nothing got worse, and nothing that was there is missing",
    "improved": "nothing got worse, and something was repaired",
    "inconclusive": "nothing is proven worse, but something is not known",
}
_FLAGS: Final = {
    "run_noise_unknown": "how much runs differ by themselves is not known",
    "rounds_unpaired": "not every round has a partner in the other run",
    "slower_within_margin": "shown to be slower, by less than the margin",
    "worse_within_margin": "shown to be worse, by less than the margin",
    "clock_tick": "widened by the tick of the clock",
    "growing": "shown to grow, by less than the margin",
    "learnt_from_history": "how much runs differ is learnt from the history of the line",
    "small_steps": "against the accepted level, which no single step left",
    "accepted_level": "against the accepted level",
    "level_unsettled": "the newest level is of one or two runs",
    "noise_grew": "runs differ more lately than before",
    "fewer_requests": "widened: fewer requests than the runs of the line",
    "calibrated": "at the pace that the machine had, by a fixed piece of work in each run",
    "zero_readings": "readings of zero",
    "placebo_days": "against days without a deploy",
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


def explain(gate: Gate, condition: ConditionResult, again: Again = AGAIN) -> Piece:
    """Return the question of a condition, its answer, every number it rests on with the rule, and what it lacks."""
    first = f"{plain(condition.name)}: {SAID.get(condition.outcome, condition.outcome)}; {reason_text(condition)}"
    gating = "" if condition.gating else "It is shown, but does not decide the verdict."
    asked = [kind_of(condition.kind).question, gating, f"The verdict is {gate.verdict}."]
    asked += [sentence(text) for text in line_texts(condition)]
    pieces: list[Piece] = [Statement((sentence(first),)), Statement(tuple(text for text in asked if text))]
    if condition.estimates:
        pieces += [_numbers(condition, gate.confidence), _rules(condition, gate.confidence)]
        usual = usual_texts(condition)
        pieces += [Statement(usual)] if usual else []
    else:
        pieces.append(_exact_rule(condition))
    if condition.items:
        pieces.append(_items(condition))
    open_ = doubts(condition)
    if open_:
        pieces.append(_open(condition, open_, again))
    return Group(tuple(pieces))


def explanation_document(gate: Gate, condition: ConditionResult) -> dict[str, Any]:
    """Return the condition with all that it rests on, in the contract of ``stabkit explain --format json``."""
    return {"schema": 1, "verdict": gate.verdict, "confidence": gate.confidence, "condition": as_json(condition)}


def _numbers(condition: ConditionResult, confidence: float) -> Table:
    limit = "Allowed" if kind_of(condition.kind).compares else "Limit"
    columns = (
        Column("estimate", "Estimate", "head"),
        Column("n", "n"),
        Column("baseline", "Before", "number"),
        Column("candidate", "Now", "number"),
        Column("change", f"Change [{confidence_text(confidence)}]", "number"),
        Column("margin", limit, "number"),
        Column("outcome", "Outcome", "outcome"),
    )
    rows = tuple(
        {
            "estimate": quantity_words(condition, estimate),
            "n": sample_text(estimate),
            "baseline": _value(estimate.baseline, estimate.unit),
            "candidate": _value(estimate.candidate, estimate.unit),
            "change": _change(condition, estimate),
            "margin": _margin(condition, estimate),
            "outcome": standing_outcome(condition, estimate),
        }
        for estimate in condition.estimates
    )
    return Table(columns, rows, plain(condition.name))


def _value(value: float | None, unit: str) -> str | None:
    return None if value is None else value_text(value, unit)


def _change(condition: ConditionResult, estimate: Estimate) -> str | None:
    if not kind_of(condition.kind).compares:  # a level, not a change: its interval
        ends = [None if v is None or not math.isfinite(v) else value_text(v, "") for v in (estimate.low, estimate.high)]
        return f"[{ends[0]}, {ends[1]}]" if all(ends) else None
    return None if estimate.change is None else change_text(estimate)


def _margin(condition: ConditionResult, estimate: Estimate) -> str | None:
    if not kind_of(condition.kind).compares and estimate.margin is not None:
        return f"below {value_text(estimate.margin, estimate.unit)}"
    return margin_text(estimate) or None


def _rules(condition: ConditionResult, confidence: float) -> Table:
    columns = (
        Column("estimate", "Estimate", "head"),
        Column("rule", "Rule that decided"),
        Column("p", "p, worse", "number"),
        Column("method", "Method"),
        Column("flags", "Remarks"),
    )
    rows = tuple(
        {
            "estimate": quantity_words(condition, estimate),
            "rule": _rule(condition, estimate, confidence),
            "p": None if estimate.p_worse is None else _p(estimate.p_worse),
            "method": plain(estimate.method) if estimate.method else None,
            "flags": joined(_FLAGS.get(flag, flag.replace("_", " ")) for flag in estimate.flags) or None,
        }
        for estimate in condition.estimates
    )
    return Table(columns, rows, "How each estimate was judged")


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else significant(value, 2)


def _rule(condition: ConditionResult, estimate: Estimate, confidence: float) -> str:
    interval = f"the {confidence_text(confidence)} interval"
    bound, nothing = ("the margin", "no change") if kind_of(condition.kind).compares else ("the limit", "the limit")
    outcome = estimate.outcome
    if standing_outcome(condition, estimate) != outcome:
        return f"{SAID.get(outcome, outcome)} by itself, but a doubt outside it leaves it open"
    falls = estimate.worse == "lower"
    if outcome in ("stable", "improved"):
        return f"{interval} {'begins above' if falls else 'ends below'} {bound if outcome == 'stable' else nothing}"
    if outcome == "regressed":
        beyond = f", and beyond {bound} as a whole" if estimate.beyond_margin else ""
        return f"{interval} {'ends below' if falls else 'begins above'} {nothing}{beyond}"
    return _open_rule(condition, estimate, interval, bound)


def _open_rule(condition: ConditionResult, estimate: Estimate, interval: str, bound: str) -> str:
    if max(estimate.n_baseline, estimate.n_candidate) <= 1:
        return "one sample has no interval"
    if estimate.low is None and estimate.high is None:
        return "too little evidence for an interval"
    if estimate.need is not None and estimate.need.reason == "not_repeated":
        if estimate.need.about == "runs_disagree":
            rule = f"{interval} ends below {bound}, but another run of this version is slower: its runs disagree"
        else:
            rule = f"{interval} begins above no change, in one run of the candidate: red only if it repeats"
        return rule
    if estimate.high is None or not math.isfinite(estimate.high):
        return f"{interval} has no upper end yet: too few samples reach so far into the tail"
    if not kind_of(condition.kind).compares:
        return f"{bound} lies within {interval}"
    if estimate.margin is None:
        rule = f"no absolute_margin is declared, and {interval} holds no change"
    elif estimate.worst is not None and estimate.worst < estimate.margin:
        ends = "begins above" if estimate.worse == "lower" else "ends below"
        rule = f"{interval} {ends} {bound}, but of too few rounds to be trusted"
    else:
        rule = f"{interval} reaches beyond {bound}, but not far enough to show a worsening"
    return rule


def _exact_rule(condition: ConditionResult) -> Statement:
    outcome = condition.outcome
    rule = kind_of(condition.kind).rule if outcome == "regressed" else _EXACT_RULES[outcome]
    numbers = facts_text(condition)
    return Statement(tuple(sentence(text) for text in (numbers, f"rule: {rule}" if rule else "") if text))


def _items(condition: ConditionResult) -> Table:
    columns = (Column("state", "State", "outcome"), Column("what", "What", "head"), Column("why", "Numbers"))
    listed = condition.items[:LISTED]
    rows = tuple(
        {
            "state": plain(str(item.get("state", "")).replace("_", " ")),
            "what": plain(item.get("what", "")),
            "why": item_text(condition.kind, item) or None,
        }
        for item in listed
    )
    total = len(condition.items)
    caption = f"What moved or blocks: {count(total, 'item')}"
    return Table(columns, rows, caption, limit=_ITEMS, left_out=total - len(listed))


def _open(condition: ConditionResult, open_: Sequence[str], again: Again) -> Statement:
    commands = (need_command(condition, need, again) for need in condition.needs)
    command = next((found for found in commands if found), None)
    return Statement(tuple(sentence(f"open: {text}") for text in open_), command)
