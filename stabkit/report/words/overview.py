"""The words of a whole report, computed from its gate: summary, facts strip, recommendations, conclusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from stabkit.analyze import ConditionResult, Estimate, Gate
from stabkit.case import AGAIN, Again
from stabkit.kinds import KINDS, NO_CONDITION, kind_of
from stabkit.numbers import amount_text, moment
from stabkit.report.words.acceptances import accepted_strip
from stabkit.report.words.change_facts import changed_facts_text
from stabkit.report.words.decision import ship_text
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
    "dated_text",
    "facts_strip",
    "largest_change",
    "run_name",
    "summary_texts",
    "title_text",
]

_DATED_OTHERWISE: Final = pd.Timedelta(days=7)  # no collection lasts so long
_NAMED: Final = 4  # conditions that a step names; more are counted
_STEPS_OF_A_TASK: Final = 3  # steps that ask for the same; the third stands for all further ones
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


def dated_text(runs: Iterable[Mapping[str, Any] | pd.Series]) -> str | None:
    """Return when runs were measured that bear another date, such as that of their release; None where none does.

    Parameters
    ----------
    runs : iterable
        Rows of the table ``runs``. One whose collection ended more than a week after it began was not collected all
        that time: it is dated by something else.

    Examples
    --------
    >>> released, measured = pd.Timestamp("2020-08-09", tz="UTC"), pd.Timestamp("2026-11-30T12:00", tz="UTC")
    >>> dated_text([{"started_at": released, "finished_at": measured}]).replace(chr(0xA0), " ")
    'measured on 30 Nov 2026, and dated earlier'
    """
    known = [(run["started_at"], run["finished_at"]) for run in runs if pd.notna(run["finished_at"])]
    ends = [finished for started, finished in known if finished - started > _DATED_OTHERWISE]
    days = list(dict.fromkeys(moment(end).partition(",")[0] for end in sorted(ends)))
    if not days:
        return None
    when = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    return f"measured {when}, and dated earlier"


def summary_texts(gate: Gate, *, declared: bool = True) -> tuple[str, str, str]:
    """Return three sentences: how many conditions hold, the largest change, the largest doubt.

    What the verdict says of a condition is not said again: its name leads there.
    """
    change, doubt = largest_change(gate, briefly=True), largest_doubt(gate, declared=declared)
    for rank in ("largest", "gravest"):  # one condition is named once
        told = change.removeprefix(f"The {rank} change is ").removesuffix(".")
        if told != change and doubt.startswith(f"The largest doubt is {told}"):
            doubt = f"It is the largest doubt too{doubt.removeprefix(f'The largest doubt is {told}')}"
    return f"{WORD[gate.verdict]}: {_lower(verdict_sentence(gate))}", change, doubt


def _lower(text: str) -> str:
    return text if text[:1].isdigit() else text[:1].lower() + text[1:]


def largest_change(gate: Gate, *, briefly: bool = False) -> str:
    """Return the change that weighs most, as a sentence; ``briefly``: what is among the reasons is only named."""
    found = change_clause(gate)
    if found and briefly:
        named = next((plain(c.name) for c in gate.reasons if found["text"].startswith(f"{plain(c.name)}: ")), None)
        if named:
            return sentence(f"the {found['rank']} change is {named}, as the verdict above says")
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
        return "Whether a metric changed is undecided."
    return "No judged metric moved for certain."


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
    if open_ and all(c.kind == NO_CONDITION.name for c in open_):
        return "There is nothing to judge yet."
    if open_:
        left = len(open_) - 1
        rest = f"; {count(left, 'further condition')} {verb('is', left)} undecided" if left else ""
        return sentence(f"the largest doubt is {plain(open_[0].name)}, as the verdict above says{rest}")
    if gate.missing:
        return sentence(f"not measured: {missing_text(gate.missing)}")
    if gate.unjudged:
        amount = len(gate.unjudged)
        judged = f"{verb('is', amount)} measured but judged by no condition"
        return sentence(f"{count(amount, 'metric')} {judged}: {joined(map(measured_text, gate.unjudged))}")
    decided = "Every condition is decided" if gate.conditions else "There is no condition to be decided"
    more = "and everything that was asked for was collected"
    return f"{decided}; a configuration would say what else to measure." if not declared else f"{decided}, {more}."


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
        return "not known, as no configuration says what to measure"
    if not lacking:
        return "nothing"
    if all(c.kind == NO_CONDITION.name and [n.about for n in c.needs] == ["conditions"] for c in gate.conditions):
        return "anything to judge"
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
        return "not known, as no git range was given"
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
    return list(_one_command(found, deciding_command(gate.reasons, again)))


def _one_command(steps: Sequence[Advice], deciding: str | None) -> Iterator[Advice]:
    """Yield the steps, of the commands that collect again the one that the verdict names, and that once."""
    told = False
    for step in steps:
        again = step.command is not None and not step.command.startswith("git ")
        yield replace(step, command=None if told else deciding or step.command) if again else step
        told = told or again


def _deploy(gate: Gate, *, first: bool, again: Again, change: Sequence[Advice]) -> Advice:
    before = sum(step.when == "now" for step in change)
    if gate.verdict == "stable" and before:
        what = f"ship only after {'what follows' if before > 1 else 'the step below'}"
        return Advice("now", what, "every condition holds, but the change asks for more")
    if gate.verdict == "stable":
        return Advice("now", "ship", "every condition holds")
    if gate.verdict == "regressed":
        worse = [c.name for c in gate.reasons if c.outcome == "regressed"]
        return Advice("now", "do not ship", f"regressed: {joined(worse, most=_NAMED)}")
    if all(condition.kind == NO_CONDITION.name for condition in gate.conditions):
        return Advice("now", "collect evidence", "no condition could be judged", again.collect)
    if first:
        what = "keep this run as the baseline and collect again after the next change"
        return Advice("now", what, "there is no earlier run to compare with", again.collect)
    command = deciding_command(gate.reasons, again)
    reached, open_ = within_reach(gate.reasons, again), [c for c in gate.reasons if c.outcome == "inconclusive"]
    what = "collect what is missing before deciding"
    if command and len(reached) < len(open_):
        what = f"collect what can decide {joined((c.name for c in reached), most=_NAMED)}"
    if command is None and needs_both(gate.reasons, again):
        what = (
            "measure both versions again, in the same rounds: start the old one too, give each target its baseline_url"
        )
    return Advice("now", what, f"undecided: {joined((c.name for c in open_), most=_NAMED)}", command)


def _for_conditions(conditions: Sequence[ConditionResult], again: Again) -> list[Advice]:
    """Return a step for each condition; those of one target that more evidence decides are one step."""
    found: dict[object, list[ConditionResult]] = {}
    for number, condition in enumerate(conditions):
        own = condition.advice or condition.target is None or not within_reach([condition])
        found.setdefault(number if own else condition.target, []).append(condition)
    once: dict[object, list[ConditionResult]] = {}
    for number, group in enumerate(found.values()):  # many that lack the same are one step too
        own = any(condition.advice or condition.outcome != "inconclusive" for condition in group)
        lack = tuple((_task(condition), doubt_text(condition)) for condition in group)
        once.setdefault(number if own else lack, []).extend(group)
    groups = _of_one_task(list(once.values()))
    return [_for_condition(group[0], again) if len(group) == 1 else _for_target(group, again) for group in groups]


def _of_one_task(groups: Sequence[list[ConditionResult]]) -> list[list[ConditionResult]]:
    """Return the groups; where very many ask for one task, the first two stand alone and the others are one."""
    asked: dict[str, list[list[ConditionResult]]] = {}
    for group in groups:
        if group[0].outcome == "inconclusive" and not any(condition.advice for condition in group):
            asked.setdefault(_task(group[0]), []).append(group)
    merged: list[list[ConditionResult]] = list(groups)
    for alike in asked.values():
        if len(alike) > _STEPS_OF_A_TASK:
            first, *rest = alike[_STEPS_OF_A_TASK - 1 :]
            joint = [condition for group in (first, *rest) for condition in group]
            merged = [joint if one is first else one for one in merged if not any(one is other for other in rest)]
    return merged


def _for_target(group: Sequence[ConditionResult], again: Again) -> Advice:
    because = doubt_text(group[0])
    others = len({doubt_text(condition) for condition in group} - {because})
    because += f"; {count(others, 'further doubt')}" if others else ""
    return Advice("now", f"{_task(group[0])} {joined(c.name for c in group)}", because, deciding_command(group, again))


def _for_condition(condition: ConditionResult, again: Again) -> Advice:
    line = reason(condition, again)
    because = doubt_text(condition)
    if condition.advice and condition.outcome == "regressed":
        return Advice("now", plain(condition.advice, 200), f"{line.subject}: {because}", line.command)
    task = f"{_task(condition)} {line.subject}" if condition.outcome == "inconclusive" else None
    return Advice("now", task or f"find why {line.subject} regressed", because, line.command)


def _task(condition: ConditionResult) -> str:
    """Return what to do about an open condition, by what weighs most in it; its name follows."""
    need = condition.needs[0] if condition.needs else None
    if need is None:
        return "decide"
    if need.decidable_margin is not None and kind_of(condition.kind).judges == "times":
        return "take a quieter machine, or allow more, for"
    if need.unit in ("rounds", "samples") and need.amount:
        return "measure longer for"
    return _TASKS.get(need.reason, "decide")


_TASKS: Final[Mapping[str, str]] = {
    "missing": "collect what is missing of",
    "not_collected": "collect what is missing of",
    "partial": "collect what is missing of",
    "not_checked": "make the checks of",
    "not_comparable": "make both sides comparable for",
    "prober_late": "measure on a quieter machine for",
}


def _near(estimate: Estimate) -> bool:
    """Say whether the bound has used up more than four fifths of the margin."""
    return estimate.margin is not None and estimate.worst is not None and estimate.worst > 0.8 * estimate.margin


def _near_margin(condition: ConditionResult, estimate: Estimate, again: Again) -> Advice:
    return Advice(
        "later",
        f"watch {plain(condition.name)}",
        f"it holds, with little to spare: {estimate_text(estimate, condition)}",
        need_command(condition, None, again),
    )


def conclusion_texts(
    gate: Gate, sources: pd.DataFrame, *, lacking: str | None = None, runs: int = 2, before: int = 0
) -> tuple[str, ...]:
    """Return the decision in a few words, then what this report cannot know, one sentence each.

    ``before``: steps that the change asks for before it may be shipped.
    """
    found = [f"{WORD[gate.verdict]}: {ship_text(gate, before=before)}."]
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
