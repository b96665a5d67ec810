"""The words of which runs are compared, and of what is odd about their order, branches, places and probing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stabkit.analyze.latency import crowded
from stabkit.case import Behind, Case
from stabkit.numbers import measure, moment
from stabkit.report.words.wording import known_text, sentence
from stabkit.text import joined, plain

__all__ = ["behind_text", "crowding_text", "lineage_notes", "sides_text"]


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
