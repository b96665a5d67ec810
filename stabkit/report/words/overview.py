"""The words of a whole report, computed from its gate: summary, facts strip, recommendations, conclusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from stabkit.analyze import ConditionResult, Estimate, Gate
from stabkit.case import AGAIN, Again
from stabkit.kinds import KINDS, NO_CONDITION, kind_of
from stabkit.numbers import amount_text
from stabkit.report.words.acceptances import accepted_strip
from stabkit.report.words.change_facts import changed_facts_text
from stabkit.report.words.estimates import size_in_margins
from stabkit.report.words.gaps import measured_text, missing_text
from stabkit.report.words.needs import deciding_command, need_command, needs_both, within_reach
from stabkit.report.words.sentences import (
    doubt_text,
    estimate_text,
    lacks_baseline,
    reason,
    reason_text,
    standing_outcome,
    verdict_sentence,
)
from stabkit.report.words.steps import Advice
from stabkit.report.words.wording import sentence
from stabkit.text import capital, count, joined, plain, verb

__all__ = [
    "advice",
    "apart_text",
    "change_clause",
    "conclusion_texts",
    "facts_strip",
    "headline_text",
    "largest_change",
    "run_name",
    "summary_texts",
    "title_text",
]

WORD: Final = {"stable": "Stable", "regressed": "Regressed", "inconclusive": "Inconclusive"}


def run_name(run: pd.Series | None) -> str:
    """Return how people call a run: its label with the short commit; ``nothing`` without a run."""
    if run is None:
        return "nothing"
    label = plain(run["label"]) if pd.notna(run["label"]) else plain(run["run_id"])
    return f"{label} ({plain(run['commit'])[:7]})" if pd.notna(run["commit"]) else label


def title_text(baseline: pd.Series | None, candidate: pd.Series) -> str:
    """Return the report's title: the two runs."""
    against = f" against {run_name(baseline)}" if baseline is not None else ", first run"
    return f"Stability of {run_name(candidate)}{against}"


def apart_text() -> str:
    """Return what stands beside the title where both runs were not probed in the same rounds."""
    return "measured at different times, which differ by themselves"


# Why there is no baseline -> how a verdict without one begins.
_LACKING: Final[Mapping[str, str]] = {
    "first_run": "The first run has no baseline to compare with",
    "same_version": "No run of another version that can be read comes before this one",
    "one_side": "One side alone was given, and no baseline to compare it with",
}


def headline_text(gate: Gate, *, lacking: str | None = None) -> str:
    """Return the verdict's one sentence; ``lacking``: why the run has nothing to be compared with, as a case knows it.

    Examples
    --------
    >>> headline_text(Gate("inconclusive", ()), lacking="same_version")[:60]
    'No run of another version that can be read comes before this'
    """
    if lacking is not None:
        return f"{_LACKING[lacking]}; {_lower(verdict_sentence(gate))}"
    return verdict_sentence(gate)


def summary_texts(gate: Gate, *, lacking: str | None = None, declared: bool = True) -> tuple[str, str, str]:
    """Return three sentences: the verdict, the largest change, the largest doubt."""
    return (
        f"{WORD[gate.verdict]}: {_lower(headline_text(gate, lacking=lacking))}",
        largest_change(gate),
        largest_doubt(gate, declared=declared),
    )


def _lower(text: str) -> str:
    return text if text[:1].isdigit() else text[:1].lower() + text[1:]


def largest_change(gate: Gate) -> str:
    """Return the change that weighs most, as a sentence."""
    found = change_clause(gate)
    return sentence(f"the {found['rank']} change is {found['text']}") if found else _no_change(gate, _comparing(gate))


def _comparing(gate: Gate) -> list[ConditionResult]:
    return [c for c in gate.conditions if kind_of(c.kind).compares]  # a limit has no baseline


def change_clause(gate: Gate) -> dict[str, str] | None:
    """Return the ``text`` of the change that weighs most, and its ``rank``; None if nothing is shown to have changed.

    What is broken comes first, and is the gravest; then the largest shift of a metric.
    """
    broken = [c for c in gate.conditions if c.exact and c.outcome == "regressed"]
    if broken:
        return {"rank": "gravest", "text": f"{plain(broken[0].name)}: {reason_text(broken[0])}"}
    moved = [(c, e) for c in _comparing(gate) for e in c.estimates if _shift(e) > 0]
    if not moved:
        return None
    # The shift itself ranks, not its outcome: an improvement of half is larger news than 2 % inside the margin.
    condition, estimate = max(moved, key=lambda pair: (standing_outcome(*pair) == "regressed", _shift(pair[1])))
    return {"rank": "largest", "text": f"{plain(condition.name)}: {estimate_text(estimate, condition)}"}


def _no_change(gate: Gate, comparing: Sequence[ConditionResult]) -> str:
    outcomes = {standing_outcome(c, e) for c in comparing for e in c.estimates}
    if not outcomes:
        good = dict.fromkeys(kind_of(c.kind) for c in gate.conditions if c.outcome in ("stable", "improved"))
        counted = [f"no {kind.noun}" for kind in KINDS.values() if kind in good and kind.noun and not kind.probed]
        return (
            sentence("no metric was compared", f"{joined(counted)} got worse") if counted else "Nothing was compared."
        )
    if outcomes == {"inconclusive"}:
        return "No change is proven, and none is excluded."
    return "None of the judged metrics is shown to have moved."


def _shift(estimate: Estimate) -> float:
    """How far a change surely is from none, in multiples of the margin; 0 if the interval holds no change."""
    if estimate.change is None or estimate.low is None or estimate.high is None:
        return 0.0
    neutral = 1.0 if estimate.scale == "ratio" else 0.0
    return 0.0 if estimate.low <= neutral <= estimate.high else size_in_margins(estimate)


def largest_doubt(gate: Gate, *, declared: bool = True) -> str:
    """Return the doubt that weighs most and what would settle it, as a sentence.

    ``declared``: a configuration says what is to be measured; without one, nothing can be missing of it.
    """
    open_ = [c for c in gate.reasons if c.outcome == "inconclusive"]
    if open_ and all(lacks_baseline(c) for c in open_):
        return sentence(f"{count(len(open_), 'condition')} {verb('needs', len(open_))} a baseline to be compared with")
    if open_:
        rest = f"; {count(len(open_) - 1, 'further condition')} {verb('is', len(open_) - 1)} open" if open_[1:] else ""
        return sentence(f"the largest doubt is {plain(open_[0].name)}: {reason_text(open_[0])}{rest}")
    if gate.missing:
        return sentence(f"not measured: {missing_text(gate.missing)}")
    if gate.unjudged:
        amount = len(gate.unjudged)
        judged = f"{verb('is', amount)} measured but judged by no condition"
        return sentence(f"{count(amount, 'metric')} {judged}: {joined(map(measured_text, gate.unjudged))}")
    if not declared:
        return "No condition is open; no configuration says what else was to be measured."
    return "No condition is open, and no evidence that was asked for is missing."


def facts_strip(
    gate: Gate,
    changes: pd.DataFrame,
    *,
    examined: bool = False,
    declared: bool = True,
    grave: Sequence[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """Return what got worse and better, what stayed, what changed, and what was not measured; a few words each.

    ``examined``: changes were looked for, so that none recorded means none. ``declared``: a configuration says what is
    to be measured. ``grave``: what the change is proven to take away, which is said whether a condition judges it or
    not.
    """
    changed = "no file" if examined and changes.empty else changed_text(changes)
    if grave:
        told = f"{count(len(grave), 'breaking change')}: {changed_facts_text(grave)}"
        changed = told if changes.empty else f"{changed}; {told}"
    strip = {
        "Worse": _worse(gate),
        "Better": _tally(gate, "improved", ("fixed",)),
        "Stable": _stable(gate),
        "Changed": changed,
        "Not measured": _not_measured(gate, declared=declared),
    }
    return strip | ({"Accepted": accepted_strip(gate.accepted)} if gate.accepted else {})


def _not_measured(gate: Gate, *, declared: bool) -> str:
    if gate.missing:
        return missing_text(gate.missing)
    lacking = [
        c.name
        for c in gate.conditions
        if any(need.reason in ("missing", "not_collected", "partial") for need in c.needs)
    ]
    if not lacking and not declared:
        return "what no configuration asks for"
    if not lacking:
        return "nothing that was asked for"
    named = [name for name in lacking if name != NO_CONDITION.name]
    return f"evidence of {joined(named, most=3)}" if named else "what is incomplete and no condition judges"


def _worse(gate: Gate) -> str:
    worse = _tally(gate, "regressed", ("regressed", "new_failing", "new", "reopened", "updated", "fail"))
    below = _findings(gate, "below_floor")
    return f"{worse} ({amount_text(below)} below the floor)" if below else worse


def _findings(gate: Gate, fact: str) -> int:
    return sum(int(condition.facts.get(fact) or 0) for condition in gate.conditions if condition.kind == "findings")


def _tally(gate: Gate, outcome: str, states: Sequence[str]) -> str:
    metrics = sum(standing_outcome(c, e) == outcome for c in gate.conditions for e in c.estimates)
    items: Counter[str] = Counter()
    for condition in gate.conditions:
        noun = kind_of(condition.kind).noun
        if noun:
            listed = sum(str(item.get("state")) in states for item in condition.items)
            counted = sum(
                int(condition.facts.get(state) or 0) for state in states if _is_count(condition.facts.get(state))
            )
            items[noun] += max(listed, counted)
    parts = [count(metrics, "metric")] if metrics else []
    parts += [count(amount, noun) for noun, amount in items.items() if amount]
    return ", ".join(parts) or "nothing"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _stable(gate: Gate) -> str:
    stable = sum(c.outcome == "stable" for c in gate.conditions)
    silenced = _findings(gate, "suppressed")
    parts = [count(stable, "condition")] if stable else []
    parts += [f"{count(silenced, 'finding')} silenced, not fixed"] if silenced else []
    return ", ".join(parts) or "nothing"


def changed_text(changes: pd.DataFrame) -> str:
    """Return commits, files and areas of a range; says so if the range is not known."""
    if changes.empty:
        return "not recorded"
    commits = changes["range_commits"].dropna()
    head = [count(int(commits.iloc[0]), "commit")] if len(commits) else []
    head.append(count(int(changes["path"].nunique()), "file"))
    areas = changes["area"].dropna().value_counts()
    # Equal counts in the order of their names, so that equal input gives equal words.
    names = sorted(areas.index, key=lambda name: (-int(areas[name]), str(name)))
    where = f" in {joined(names, most=3, more='areas')}" if names else ""
    return f"{', '.join(head)}{where}"


def advice(gate: Gate, *, first: bool = False, again: Again = AGAIN, change: Sequence[Advice] = ()) -> list[Advice]:
    """Return what to do now and later, each with the row that caused it; in order of weight.

    ``change``: what is to be done about the change itself; while some of it comes first, no verdict is leave to deploy.
    """
    collect = again.command() if again.gathers(None) else None
    found = [_deploy(gate, first=first, again=again, change=change)]
    told = [c for c in gate.reasons if not lacks_baseline(c)]
    if {c.kind for c in told} != {NO_CONDITION.name}:
        found += _for_conditions(told, again)
    found += [step for step in change if step.when == "now"]
    missing = [what for what in gate.missing if not first or what.kind != "baseline"]
    if missing:
        found.append(Advice("now", "collect what is declared", f"not there: {missing_text(missing)}", collect))
    found += [
        _near_margin(c, e, again) for c in gate.conditions if c.outcome == "stable" for e in c.estimates if _near(e)
    ]
    known = [c for c in gate.conditions if any(i.get("state") == "still_failing" for i in c.items)]
    for condition in known:
        names = [i.get("what", "") for i in condition.items if i.get("state") == "still_failing"]
        what = f"fix {count(len(names), 'known failure')} of {plain(condition.target or condition.name)}"
        found.append(Advice("later", what, joined(names)))
    if len(gate.unjudged) == 1:
        name = plain(measured_text(gate.unjudged[0]))
        found.append(Advice("later", f"add a condition for {name}", "it is measured and judged by none"))
    elif gate.unjudged:
        what = f"add conditions for {count(len(gate.unjudged), 'metric')}"
        found.append(
            Advice("later", what, f"measured and judged by none: {joined(map(measured_text, gate.unjudged), most=6)}")
        )
    found += [step for step in change if step.when != "now"]
    # One command in the first line is enough.
    rest = (replace(advice, command=None) if advice.command == found[0].command else advice for advice in found[1:])
    return [found[0], *rest]


def _deploy(gate: Gate, *, first: bool, again: Again, change: Sequence[Advice]) -> Advice:
    before = sum(step.when == "now" for step in change)
    if gate.verdict == "stable" and before:
        what = f"deploy only after {'what follows' if before > 1 else 'the step below'}"
        return Advice("now", what, f"{verdict_sentence(gate).rstrip('.')}, but the change asks for more")
    if gate.verdict == "stable":
        return Advice("now", "deploy", verdict_sentence(gate))
    if gate.verdict == "regressed":
        return Advice("now", "do not deploy", verdict_sentence(gate))
    if all(condition.kind == NO_CONDITION.name for condition in gate.conditions):
        return Advice("now", "collect evidence", "no condition could be judged", again.collect)
    if first:
        what = "keep this run as the baseline and collect again after the next change"
        return Advice("now", what, "there is no earlier run to compare with", again.collect)
    command = deciding_command(gate.reasons, again)
    reached, open_ = within_reach(gate.reasons, again), [c for c in gate.reasons if c.outcome == "inconclusive"]
    what = "collect what is missing before deciding"
    if command and len(reached) < len(open_):
        what = f"collect what can decide {joined(c.name for c in reached)}"
    if command is None and needs_both(gate.reasons, again):
        what = (
            "measure both versions again, in the same rounds: start the old one too, give each target its baseline_url"
        )
    return Advice("now", what, verdict_sentence(gate), command)


def _for_conditions(conditions: Sequence[ConditionResult], again: Again) -> list[Advice]:
    """Return a step for each condition; those of one target that more evidence decides are one step."""
    found: dict[object, list[ConditionResult]] = {}
    for number, condition in enumerate(conditions):
        own = condition.advice or condition.target is None or not within_reach([condition])
        found.setdefault(number if own else condition.target, []).append(condition)
    groups = found.values()
    return [_for_condition(group[0], again) if len(group) == 1 else _for_target(group, again) for group in groups]


def _for_target(group: Sequence[ConditionResult], again: Again) -> Advice:
    because = doubt_text(group[0])
    others = len({doubt_text(condition) for condition in group} - {because})
    because += f"; {count(others, 'further doubt')}" if others else ""
    return Advice("now", f"decide {joined(c.name for c in group)}", because, deciding_command(group, again))


# Then the prober or the collection is at fault: what the configuration advises about the system has no cause.
_OF_THE_PROBER: Final = ("prober_late", "false_alarms", "run_noise_unknown", "partial")


def _for_condition(condition: ConditionResult, again: Again) -> Advice:
    line = reason(condition, again)
    because = doubt_text(condition)
    if condition.advice and not (condition.needs and condition.needs[0].reason in _OF_THE_PROBER):
        return Advice("now", plain(condition.advice, 200), f"{line.subject}: {because}", line.command)
    task = "decide {}" if condition.outcome == "inconclusive" else "find why {} regressed"
    return Advice("now", task.format(line.subject), because, line.command)


def _near(estimate: Estimate) -> bool:
    """Say whether the bound has used up more than four fifths of the margin."""
    return estimate.margin is not None and estimate.worst is not None and estimate.worst > 0.8 * estimate.margin


def _near_margin(condition: ConditionResult, estimate: Estimate, again: Again) -> Advice:
    return Advice(
        "later",
        f"watch {plain(condition.name)}",
        f"its bound is near the margin: {estimate_text(estimate, condition)}",
        need_command(condition, None, again),
    )


def conclusion_texts(
    gate: Gate, sources: pd.DataFrame, *, lacking: str | None = None, runs: int = 2
) -> tuple[str, ...]:
    """Return the verdict in one sentence, then what this report cannot know, one sentence each."""
    found = [f"{WORD[gate.verdict]}: {_lower(headline_text(gate, lacking=lacking))}"]
    if gate.missing:
        found.append(sentence(f"it cannot know what was not measured: {missing_text(gate.missing)}"))
    bad = sources[sources["status"].isin(["partial", "error"])]
    if len(bad):
        paths = sorted(set(bad["path"]))
        found.append(sentence(f"{count(len(bad), 'source')} could not be read whole: {joined(paths)}"))
    if gate.unjudged:
        found.append(sentence(f"no condition speaks of {joined(map(measured_text, gate.unjudged))}"))
    if gate.accepted:
        found.append(sentence(f"what is accepted is not mended: {accepted_strip(gate.accepted)}"))
    loose = [c for c in gate.conditions if not c.gating and "accepted_as" not in c.facts]
    if loose:
        found.append(
            sentence(
                f"{count(len(loose), 'condition')} {verb('does', len(loose))} not gate: {joined(c.name for c in loose)}"
            )
        )
    if runs == 2 and lacking is None:
        found.append("It compares two runs in one environment and says nothing of other load, data or users.")
    found.append("It shows what coincides, not causes.")
    return tuple(capital(text) for text in found)
