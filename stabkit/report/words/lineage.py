"""The words of which runs are compared, what is odd about them, and which earlier runs they are judged against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze import ConditionResult, Gate
from stabkit.analyze.latency import crowded
from stabkit.case import Behind, Case
from stabkit.numbers import measure, moment, percent
from stabkit.report.words.wording import known_text, sentence
from stabkit.text import count, joined, plain

__all__ = ["behind_text", "crowding_text", "line_notes", "line_texts", "lineage_notes", "sides_text"]


def behind_text(found: Behind) -> str:
    """Return that the clock of a run, or that of a run before it, is wrong."""
    run, newest = _label(found.run), _label(found.newest)
    return sentence(
        f"the run {run} says that it began at {moment(found.run['started_at'])}, before {newest} "
        f"({moment(found.newest['started_at'])}), which was stored earlier: the clock of one of their machines is "
        f"wrong, and {run} counts as the newer run"
    )


def lineage_notes(case: Case) -> tuple[str, ...]:
    """Return what is odd about the two runs of a case: a clock that is behind, a queue of its own, another branch."""
    notes = [behind_text(found) for found in case.behind]
    for name, evidence in (("baseline", case.before), ("candidate", case.after)):
        notes += [crowding_text(name, *found) for found in crowded(evidence["samples"])]
    if case.unknown_levels:
        names = joined(map(plain, case.unknown_levels))
        notes.append(sentence(f"[line] accepted names no run of this environment: {names}"))
    if case.baseline is not None:
        branches = [known_text(side.run["branch"]) for side in (case.baseline, case.candidate)]
        if None not in branches and branches[0] != branches[1]:
            before, after = _label(case.baseline.run), _label(case.candidate.run)
            notes.append(sentence(f"the baseline {before} is of branch {branches[0]}, {after} of {branches[1]}"))
    return tuple(notes)


def crowding_text(side: str, target: str, waited_ms: float, served_ms: float) -> str:
    """Return that most of a target's time is waiting for a free connection of the prober: it measures its own queue.

    Examples
    --------
    >>> crowding_text("candidate", "api", 900.0, 100.0).split(".")[0]
    'Candidate, api: more is asked than it answers'
    """
    return sentence(
        f"{side}, {plain(target)}: more is asked than it answers. Half of its requests waited "
        f"{measure(waited_ms, 'ms')} or more for a free connection "
        f"and were then answered in {measure(served_ms, 'ms')}; the wait counts as "
        "response time. Lower its rate, or raise connections, in stabkit.toml"
    )


def sides_text(case: Case) -> str:
    """Return which two runs are compared: label, commit, branch, environment and start of each."""
    against = f" against {_described(case.baseline.run)}" if case.baseline is not None else ", the first run"
    return f"{_described(case.candidate.run)}{against}"


def _described(run: Any) -> str:
    facts = [run["commit"][:7] if isinstance(run["commit"], str) else None, run["branch"], run["environment"]]
    known = [plain(fact) for fact in facts if isinstance(fact, str)]
    return f"{_label(run)} ({', '.join([*known, moment(run['started_at'])])})"


def _label(run: Any) -> str:
    return plain(run["label"]) if pd.notna(run["label"]) else plain(run["run_id"])


def line_texts(condition: ConditionResult) -> tuple[str, ...]:
    """Return what the times of a condition were judged against, one clause for each statistic that differs in it.

    A last clause names the runs that were left out, with the reason.

    Examples
    --------
    >>> of = {"level_runs": 8, "first": "b12", "last": "b19", "differ_share": 0.014, "accepted": False}
    >>> line_texts(ConditionResult("c", "latency", "stable", facts={"line": {"api": {"p50": of}}}))[0][:60]
    'judged against the last 8 runs of this line (b12 to b19); un'
    """
    lines: Mapping[str, Mapping[str, Any]] = condition.facts.get("line") or {}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for statistics in lines.values():
        for facts in statistics.values():
            found.setdefault(_judged_against(facts), []).append(facts)
    return (*(f"{level}; {_differ(known)}" for level, known in found.items()), *_left_out([condition]))


def line_notes(gate: Gate) -> tuple[str, ...]:
    """Return the same of all conditions together, a sentence of each; nothing where no line was asked."""
    known = [
        facts
        for condition in gate.conditions
        for statistics in (condition.facts.get("line") or {}).values()
        for facts in statistics.values()
    ]
    left_out = tuple(map(sentence, _left_out(gate.conditions)))
    if not known:
        return left_out
    levels = {_judged_against(facts) for facts in known}
    level = levels.pop() if len(levels) == 1 else _judged_against_some(known)
    return (sentence(f"{level}; {_differ(known)}"), *left_out)


_DIFFERING: Final[Mapping[str, str]] = {
    "together": "measured side by side with another version",
    "machine": "from another machine",
    "rate": "at another rate of requests",
    "load": "under another load",
    "requests": "of another number of requests",
}


def _left_out(conditions: Iterable[ConditionResult]) -> tuple[str, ...]:
    """Return which runs of the line the times of conditions were not judged against, in one clause.

    Examples
    --------
    >>> of = {"rate": ("b1", "b2"), "requests": ("b3",)}
    >>> _left_out([ConditionResult("c", "latency", "stable", facts={"left_out_of_line": {"api": of}})])
    ('left out of this line: 2 runs at another rate of requests (b1 and b2), 1 run of another number of requests (b3)',)
    """
    found: dict[str, dict[str, None]] = {}
    for condition in conditions:
        for reasons in (condition.facts.get("left_out_of_line") or {}).values():
            for reason, names in reasons.items():
                found.setdefault(reason, {}).update(dict.fromkeys(names))
    told = [
        f"{count(len(names), 'run')} {_DIFFERING[why]} ({joined(map(plain, names))})" for why, names in found.items()
    ]
    return (f"left out of this line: {', '.join(told)}",) if told else ()


def _judged_against(facts: Mapping[str, Any]) -> str:
    runs, first, last = facts["level_runs"], plain(facts["first"]), plain(facts["last"])
    which = "accepted" if facts["accepted"] else "last"
    if runs == 1:
        return f"judged against the {which} run of this line ({last})"
    return f"judged against the {which} {count(runs, 'run')} of this line ({first} to {last})"


def _judged_against_some(known: Sequence[Mapping[str, Any]]) -> str:
    sizes = sorted({facts["level_runs"] for facts in known})
    runs = f"{sizes[0]} to {sizes[-1]} runs" if len(sizes) > 1 else count(sizes[0], "run")
    return f"judged against {runs} of this line, up to {plain(known[0]['last'])}"


def _differ(known: Sequence[Mapping[str, Any]]) -> str:
    shares = sorted(facts["differ_share"] for facts in known)
    ends = list(dict.fromkeys(percent(share, digits=2) for share in (shares[0], shares[-1])))
    pace = ", at one pace of the machine" if any(facts.get("calibrated") for facts in known) else ""
    return f"unchanged runs differ by {' to '.join(ends)} (learnt from history{pace})"
