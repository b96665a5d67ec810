"""The words of conditions and needs, computed: why a condition came out as it did, and what would decide it.

Every sentence here is made of a result from ``analyze``; none is typed for a case. Regressions are never *caused by*
anything here: evidence side by side *coincides with*.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from stabkit.analyze import ConditionResult, Estimate, Gate
from stabkit.case import AGAIN, Again
from stabkit.kinds import NO_CONDITION, kind_of
from stabkit.numbers import SPACE, amount_text, at_most
from stabkit.report.display import Reason, Section
from stabkit.report.words.acceptances import accepted_clause, accepted_until_text
from stabkit.report.words.change_facts import changed_facts_text, fact_name
from stabkit.report.words.estimates import (
    change_text,
    failures_text,
    margin_text,
    shares_text,
    size_in_margins,
    value_text,
    values_text,
)
from stabkit.report.words.needs import doubts, need_command
from stabkit.report.words.population_names import plain_quantity, quantity_words
from stabkit.text import all_of, count, joined, plain, plural, verb
from stabkit.vocabulary import OUTCOMES, SAID, of_websocket

__all__ = [
    "doubt_text",
    "estimate_text",
    "lacks_baseline",
    "leading_estimate",
    "reason",
    "reason_text",
    "reasons",
    "section_of",
    "slow_requests_words",
    "standing_outcome",
    "verdict_sentence",
    "waiting_reason",
    "whole_text",
]

_SLOWER: Final = "slower_than_ms"  # the fact of a condition that judges how many requests are slow
_NOTHING: Final = "No condition could be judged: there is no evidence."
# What the items of a condition say, worst first: (for one, for many); where any kind has such, with its noun.
_STATE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "regressed": ("{noun} regressed", "{nouns} regressed"),
    "new_failing": ("new test fails", "new tests fail"),
    "new": ("new {noun}", "new {nouns}"),
    "reopened": ("reopened {noun}", "reopened {nouns}"),
    "updated": ("finding rose in severity", "findings rose in severity"),
    "fail": ("{noun} fails", "{nouns} fail"),
    "unproven": ("{noun} fails now and then", "{nouns} fail now and then"),
    "unconfirmed": ("test fails now, not yet confirmed", "tests fail now, not yet confirmed"),
    "disappeared": ("test disappeared", "tests disappeared"),
    "newly_skipped": ("test is newly skipped", "tests are newly skipped"),
    "added": ("added test fails", "added tests fail"),
    "flaky": ("test is flaky", "tests are flaky"),
    "known_failure": ("check fails as before", "checks fail as before"),
    "not_checked": ("check was not made", "checks were not made"),
    "missing": ("check is gone", "checks are gone"),
    "not_scanned": ("finding was not scanned for again", "findings were not scanned for again"),
    "lost": ("test of earlier runs ran on neither side", "tests of earlier runs ran on neither side"),
    "still_failing": ("known failure remains", "known failures remain"),
    "suppressed": ("finding was silenced", "findings were silenced"),
    "rare": ("{noun} fails now and then, as before", "{nouns} fail now and then, as before"),
    "accepted": ("{noun} accepted", "{nouns} accepted"),
    "moved": ("finding moved", "findings moved"),
    "fixed": ("fixed", "fixed"),
}
# Good or neutral news: counted, not named.
_QUIET: Final = ("still_failing", "moved", "fixed", "not_scanned", "suppressed", "flaky", "lost", "rare", "accepted")
_BAD_FIRST: Final = tuple(_STATE_WORDS)
_SPOKEN: Final = ("new", "reopened", "updated")  # findings that say on the first screen what they found


def section_of(condition: ConditionResult) -> Section:
    """Return the section that shows the condition's evidence."""
    kind = kind_of(condition.kind)
    if kind.probed and (of_websocket(condition.metric) or condition.facts.get("probe") == "websocket"):
        return Section.websocket
    return Section[kind.section]


def verdict_sentence(gate: Gate) -> str:
    """Return how the gating conditions came out, counted.

    Examples
    --------
    >>> verdict_sentence(Gate("inconclusive"))
    'No condition could be judged: there is no evidence.'
    """
    gating = [c for c in gate.conditions if c.gating]
    if all(c.kind == NO_CONDITION.name for c in gating):
        return "No condition could be judged: evidence is missing." if gating else _NOTHING
    counts = Counter(c.outcome for c in gating)
    total, bad, open_ = len(gating), counts["regressed"], counts["inconclusive"]
    good = counts["stable"] + counts["improved"]
    better = f", {counts['improved']} of them better than before" if counts["improved"] else ""
    if good == total:
        taken = "; ".join(["", *filter(None, [accepted_clause(gate)])])
        held = f"{all_of(total, 'condition')} {verb('holds', total)}"
        return f"{held}{better}{taken}."
    if total == 1:
        return "The one condition regressed." if bad else "The one condition is undecided."
    parts = [f"{bad} of {total} conditions regressed"] if bad else []
    parts += [f"{open_} {verb('is', open_)} undecided" if bad else _undecided(open_, total)] if open_ else []
    parts += [f"{good} {verb('holds', good)}"] if good else []
    return f"{', '.join(parts)}{better}."


def _undecided(amount: int, total: int) -> str:
    return (
        f"{all_of(total, 'condition')} are undecided"
        if amount == total
        else f"{amount} of {total} conditions {verb('is', amount)} undecided"
    )


def reason(condition: ConditionResult, again: Again = AGAIN) -> Reason:
    """Return one condition in words, for the verdict, the risks and the tables."""
    need = next((n for n in condition.needs), None)
    command = need_command(condition, need, again) if condition.outcome == "inconclusive" else None
    return Reason(
        outcome=condition.outcome,
        subject=plain(condition.name),
        text=reason_text(condition),
        command=command,
        section=section_of(condition),
        alike=_alike(condition),
    )


def _alike(condition: ConditionResult) -> str:
    """Return what reasons have in common that a reader takes as one: kind, outcome and the doubt that weighs most."""
    need = condition.needs[0] if condition.needs and condition.outcome == "inconclusive" else None
    doubt = f"{need.reason} {need.about}" if need else ""
    broken = (
        " ".join(sorted({str(item.get("fault") or item.get("what")) for item in condition.items})) if not need else ""
    )
    return f"{condition.outcome} {condition.kind} {doubt} {broken}"


def lacks_baseline(condition: ConditionResult) -> bool:
    """Say whether nothing but a baseline keeps the condition open, as in a first run."""
    needs = [(need.unit, need.reason) for need in condition.needs]
    return condition.outcome == "inconclusive" and set(needs) == {("runs", "missing")}


def waiting_reason(conditions: Sequence[ConditionResult]) -> Reason:
    """Return the conditions that wait for a baseline as one reason."""
    names = joined((c.name for c in conditions), most=4)
    subject = count(len(conditions), "condition")
    return Reason("inconclusive", subject, f"without a baseline to compare with: {names}", None, Section.key_metrics)


def reasons(gate: Gate, again: Again = AGAIN) -> tuple[Reason, ...]:
    """Return the verdict's reasons in order of weight; conditions that only wait for a baseline are one reason."""
    waiting = [condition for condition in gate.reasons if lacks_baseline(condition)]
    others = [reason(condition, again) for condition in gate.reasons if not lacks_baseline(condition)]
    return (*others, waiting_reason(waiting)) if waiting else tuple(others)


def reason_text(condition: ConditionResult) -> str:
    """Return what was seen and the doubt that weighs most, without the condition's name; more are counted."""
    found = doubts(condition)
    more = [f"{count(len(found) - 1, 'further doubt')}"] if found[1:] else []
    return _clauses(condition, [*found[:1], *more])


def whole_text(condition: ConditionResult) -> str:
    """Return what was seen and everything that leaves it open, without the condition's name."""
    return _clauses(condition, doubts(condition))


def doubt_text(condition: ConditionResult) -> str:
    """Return the doubt that weighs most alone; what was seen, if the condition is decided."""
    found = doubts(condition)
    return found[0] if found else reason_text(condition)


def _clauses(condition: ConditionResult, open_: Sequence[str]) -> str:
    if kind_of(condition.kind).judges != "items":
        seen = _estimates_text(condition)
    else:
        # The doubts of an open condition name the same tests and findings.
        seen = "" if open_ else _items_text(condition)
    taken = condition.facts.get("accepted_as")
    if condition.facts.get("fault"):
        seen = f"{plain(condition.facts['fault'], 120)}: {seen}"
    clauses = [part for part in [seen, *open_, accepted_until_text(taken) if taken else ""] if part]
    return "; ".join(clauses) if clauses else _nothing_text(condition)


def _nothing_text(condition: ConditionResult) -> str:
    if condition.outcome == "inconclusive":
        what = kind_of(condition.kind).evidence
        return f"no evidence: no {what}" if what else "no evidence"
    return {"stable": "nothing got worse", "improved": "got better"}.get(condition.outcome, "got worse")


def _estimates_text(condition: ConditionResult) -> str:
    estimate = leading_estimate(condition)
    return estimate_text(estimate, condition) if estimate else ""


# Doubts that lie outside an estimate: what it says by itself does not stand.
_OUTER_DOUBTS: Final = (
    "run_noise_unknown",
    "prober_late",
    "not_comparable",
    "partial",
    "many_metrics",
    "false_alarms",
    "failing_on_both_sides",
)


def standing_outcome(condition: ConditionResult, estimate: Estimate) -> str:
    """Return the outcome that an estimate has within its condition: never more certain than the condition is.

    Examples
    --------
    >>> from stabkit.analyze.outcome import Need
    >>> slower = Estimate("p95", "ms", "ratio", "regressed")
    >>> doubted = ConditionResult("c", "latency", "inconclusive", needs=(Need(None, "rounds", "many_metrics"),))
    >>> standing_outcome(doubted, slower)
    'inconclusive'
    """
    if condition.outcome == "inconclusive" and any(need.reason in _OUTER_DOUBTS for need in condition.needs):
        return "inconclusive"
    return estimate.outcome


def leading_estimate(condition: ConditionResult) -> Estimate | None:
    """Return the estimate that speaks for the condition: of its outcome, the largest in its margin."""
    same = [e for e in condition.estimates if standing_outcome(condition, e) == condition.outcome] or list(
        condition.estimates
    )
    return max(same, key=lambda estimate: (estimate.change is not None, size_in_margins(estimate)), default=None)


def estimate_text(estimate: Estimate, condition: ConditionResult | None = None) -> str:
    """Return one estimate in words: name, both values, change with interval, and how it stands to its margin."""
    if condition is not None and not kind_of(condition.kind).compares:
        return _limit_text(estimate, condition)
    slow = condition is not None and _SLOWER in condition.facts
    name = plain_quantity(estimate.name) if condition is None else quantity_words(condition, estimate)
    name = slow_requests_words(condition) if condition is not None and slow else name
    if condition is not None and kind_of(condition.kind).judges == "failures":
        name = "failed requests"
    counted = condition is not None and kind_of(condition.kind).judges == "failures"
    values = (failures_text(estimate) if counted else "") or values_text(estimate)
    parts = [f"{name}{':' if slow and estimate.change is not None else ''} {values}".strip()]
    alone = max(estimate.n_baseline, estimate.n_candidate) <= 1 and estimate.n_candidate > 0
    if alone:
        parts.append("n = 1 a side" if estimate.n_baseline else "n = 1")
    elif estimate.change is not None:
        parts.append(change_text(estimate))
    if "small_steps" in estimate.flags or "accepted_level" in estimate.flags:
        parts.append(f"against the accepted level{', in small steps' if 'small_steps' in estimate.flags else ''}")
    outcome = estimate.outcome if condition is None else standing_outcome(condition, estimate)
    standing = _standing(estimate, outcome)
    if standing and outcome == "inconclusive" and condition is not None and _too_late(condition):
        standing = f"not judged, because the prober was late; {standing}"
    if outcome == "regressed" and condition is not None and condition.outcome == "inconclusive":
        standing = f"{standing} by itself"  # not beside the other estimates of the condition
    text = ", ".join(parts)
    return f"{text}; {standing}" if standing else text


def _too_late(condition: ConditionResult) -> bool:
    """Say whether the prober's own lateness alone keeps a condition open."""
    return {need.reason for need in condition.needs} == {"prober_late"}


def slow_requests_words(condition: ConditionResult) -> str:
    r"""Return what counts as slow, in words.

    Examples
    --------
    >>> facts = {"slower_than_ms": {"chat response_time": 23.4}, "limit": "baseline p95"}
    >>> slow_requests_words(ConditionResult("c", "slow_requests", "stable", facts=facts)).replace("\u202f", " ")
    'requests slower than 23.4 ms, the p95 of the baseline'
    """
    limits = list((condition.facts.get(_SLOWER) or {}).values())
    own = condition.facts.get("limit") == "baseline p95"
    what = "the p95 of the baseline" if own else "the objective"
    if len(set(limits)) != 1:  # several populations, each with its own limit, or none could be taken
        return f"requests slower than {what}"
    return f"requests slower than {value_text(float(limits[0]), 'ms')}, {what}"


def _standing(estimate: Estimate, outcome: str) -> str:
    if estimate.margin is None or estimate.change is None:
        return ""
    margin = margin_text(estimate)
    if outcome == "regressed":
        return f"more than the {margin} allowed" if estimate.beyond_margin else f"worse; allowed {margin}"
    if outcome == "improved":
        return f"better; allowed {margin}"
    return f"within the {margin} allowed" if outcome == "stable" else f"allowed {margin}"


def _limit_text(estimate: Estimate, condition: ConditionResult) -> str:
    limit = condition.facts.get("below_ms")
    if limit is None:
        limit = estimate.margin
    if estimate.candidate is None:
        return ""
    seen = f"{quantity_words(condition, estimate)} {value_text(estimate.candidate, estimate.unit)}"
    if limit is None:
        return seen
    goal = f"the objective is below {value_text(float(limit), estimate.unit)}"
    low, high = estimate.low, estimate.high
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        seen = f"{seen} (likely {value_text(low, '')} to {value_text(high, '')})"
    kept = {"stable": ", and it is met", "improved": ", and it is met", "regressed": ", and it is missed"}
    return f"{seen}; {goal}{kept.get(standing_outcome(condition, estimate), '')}"


def _items_text(condition: ConditionResult) -> str:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for item in condition.items:
        if item.get("gates", True) or item.get("state") in _QUIET:
            groups.setdefault(str(item.get("state", "")), []).append(item)
    if condition.outcome in ("stable", "improved") or not groups:
        return _facts_text(condition)
    if condition.kind == "change":
        return changed_facts_text([item for item in condition.items if item.get("state") == "fail"])
    if condition.kind == "coverage":
        return _coverage_badly(condition)
    order = sorted(groups, key=lambda state: _BAD_FIRST.index(state) if state in _BAD_FIRST else len(_BAD_FIRST))
    noun = kind_of(condition.kind).noun or "item"
    return "; ".join(_group_text(state, groups[state], noun) for state in order[:3])


def _group_text(state: str, items: Sequence[Mapping[str, Any]], noun: str) -> str:
    other = plain(state.replace("_", " ")).replace("{", "").replace("}", "")
    one, many = _STATE_WORDS.get(state, (other, other))
    words = (one if len(items) == 1 else many).format(noun=noun, nouns=plural(noun, 2))
    head = f"{amount_text(len(items))} {words}"
    if state == "fixed":
        head = f"{count(len(items), noun)} {verb('was', len(items))} fixed"
    confirmed = [item for item in items if item.get("confirmed")]
    if state in ("regressed", "new_failing") and len(confirmed) == len(items):
        reruns = {int(item["reruns"]) for item in items if item.get("reruns") is not None}
        each = " each" if len(items) > 1 else ""
        if len(reruns) == 1 and min(reruns) > 0:
            head += f", confirmed by {count(min(reruns), 'rerun')}{each}"
        elif reruns and min(reruns) > 0:
            head += f", confirmed by {min(reruns)} to {max(reruns)} reruns each"
        else:
            head += ", confirmed"
    severities = Counter(str(item["severity"]) for item in items if item.get("severity"))
    if state in ("new", "reopened", "updated") and severities:
        whole = len(severities) == 1 and severities.total() == len(items)
        each = "" if len(items) == 1 else "all "
        counted = joined(f"{n} {plain(word)}" for word, n in severities.most_common())
        head += f" ({each}{plain(next(iter(severities)))})" if whole else f" ({counted})"
    names = "" if state in _QUIET else joined((_item_name(item) for item in items), most=2)
    return f"{head}: {names}" if names else head


def _item_name(item: Mapping[str, Any]) -> str:
    what = plain(item.get("what", ""))
    if item.get("path"):
        line = f":{item['line']}" if item.get("line") is not None else ""
        found = what if str(item["path"]) in what else f"{what} in {plain(item['path'])}{line}"
        says = item.get("detail") if item.get("state") in _SPOKEN else None
        return f"{found}, “{plain(says, 100)}”" if says else found
    failed = item.get("state") == "fail"
    detail, expected = (item.get(key) if failed else None for key in ("observed", "expected"))
    if failed and item.get("fault"):
        wanted = f", expected {plain(expected, 40)}" if expected else ""
        return f"{what}: {plain(item['fault'], 120)}{wanted}"
    if expected and detail:
        return f"{what} (expected {plain(expected, 40)}, observed {plain(detail, 40)})"
    return what


def _facts_text(condition: ConditionResult) -> str:
    facts = condition.facts
    total = facts.get("total")
    if condition.outcome not in ("stable", "improved"):
        return ""
    words = _WELL.get(condition.kind)
    if words is not None:
        return words(facts, total)
    noun = kind_of(condition.kind).noun
    return f"{count(int(total), noun)}, none worse" if noun and total is not None else ""


def _tests_well(facts: Mapping[str, Any], total: Any) -> str:
    if total is None:
        return ""
    parts = [f"{count(int(total), 'test')}, none regressed"]
    known, fixed = int(facts.get("still_failing") or 0), int(facts.get("fixed") or 0)
    parts += [f"{count(fixed, 'test')} fixed"] if fixed else []
    parts += [f"{count(known, 'known failure')} {verb('remains', known)}"] if known else []
    parts += _accepted(facts)
    return ", ".join(parts)


def _findings_well(facts: Mapping[str, Any], _: Any) -> str:
    open_, fixed = int(facts.get("open") or 0), int(facts.get("fixed") or 0)
    silenced, below = int(facts.get("suppressed") or 0), int(facts.get("below_floor") or 0)
    parts = ["no new finding that gates"]
    parts += [f"{amount_text(below)} new below the floor"] if below else []
    parts += [f"{count(silenced, 'finding')} silenced, not fixed"] if silenced else []
    parts += [f"{count(fixed, 'finding')} fixed"] if fixed else []
    parts += _accepted(facts)
    parts += [f"{amount_text(open_)} still open" if open_ else "none open"]
    return ", ".join(parts)


def _accepted(facts: Mapping[str, Any]) -> list[str]:
    """Return how many items are accepted, which is no good news and no bad one."""
    accepted = int(facts.get("accepted") or 0)
    return [f"{amount_text(accepted)} accepted, not mended"] if accepted else []


def _checks_well(facts: Mapping[str, Any], total: Any) -> str:
    if total is None:
        return ""
    if facts.get("rare"):
        rare = int(facts["rare"])
        often = f"{amount_text(rare)} {verb('fails', rare)} now and then, no more often by the margin"
        return f"{count(int(total), 'check')}, none worse: {often}"
    return "the one check passed" if int(total) == 1 else f"all {amount_text(int(total))} checks passed"


def _change_well(facts: Mapping[str, Any], _: Any) -> str:
    if not facts.get("facts"):
        return ""
    if accepted := _accepted(facts):
        named = joined(fact_name(str(fact)) for fact in facts["facts"])
        return f"no other {named} in {count(int(facts.get('examined') or 0), 'changed file')}, {accepted[0]}"
    none = joined(f"no {fact_name(str(fact))}" for fact in facts["facts"])
    return f"{none} in {count(int(facts.get('examined') or 0), 'changed file')}"


def _coverage_badly(condition: ConditionResult) -> str:
    facts = condition.facts
    bad = [item for item in condition.items if item.get("gates")]
    files = [plain(item["what"]) for item in bad if item.get("line") is not None]
    parts = []
    if files:
        ran = f"{amount_text(int(facts['changed_covered']))} of {count(int(facts['changed']), 'changed line')} ran"
        asked = f"{at_most(100 * float(facts['least']), 2)}{SPACE}% asked for"
        parts.append(f"{ran}, {asked}: {joined(files, most=2)}")
    if len(bad) > len(files):
        parts.append(shares_text(facts))
    return "; ".join(parts)


def _coverage_well(facts: Mapping[str, Any], total: Any) -> str:
    parts = []
    if facts.get("changed") is not None:
        of = int(facts["changed"])
        ran = f"{amount_text(int(facts['changed_covered']))} of {count(of, 'changed line')} ran"
        parts.append(ran if of else "no changed line can run")
    if total and facts.get("baseline_total"):
        parts.append(shares_text(facts))
    return ", ".join(parts)


# Kinds whose good news has words of its own; others count their items.
_WELL: Final[Mapping[str, Callable[[Mapping[str, Any], Any], str]]] = {
    "tests": _tests_well,
    "findings": _findings_well,
    "checks": _checks_well,
    "change": _change_well,
    "coverage": _coverage_well,
}


def outcome_count_text(counts: Mapping[str, int], noun: str) -> str:
    """Return counts by outcome as words, leaving out what is zero.

    Examples
    --------
    >>> outcome_count_text({"regressed": 1, "stable": 3}, "metric")
    '1 metric regressed, 3 are stable'
    """
    parts: list[str] = []
    for outcome in OUTCOMES:
        amount = counts.get(outcome, 0)
        if not amount:
            continue
        subject = count(amount, noun) if not parts else amount_text(amount)
        said = outcome if outcome in ("regressed", "improved") else f"{verb('is', amount)} {SAID.get(outcome, outcome)}"
        parts.append(f"{subject} {said}")
    return ", ".join(parts) or f"no {noun}"
