"""The words of needs, computed: what leaves a condition open, what would decide it, the command for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from stabkit.analyze.outcome import ConditionResult, Need
from stabkit.report.wording import count, named_metrics, plain, shell

__all__ = ["deciding_command", "doubts", "need_command", "need_text"]

LONGEST_DETAIL: Final = 200
# Of more targets than this, everything is collected: the command must fit on a line.
_NAMED_TARGETS: Final = 3
_WHOSE: Final[Mapping[str, str]] = {
    "baseline": "the baseline's ",
    "candidate": "the candidate's ",
    "both": "each run's ",
}
_WHERE: Final[Mapping[str, str]] = {
    "baseline": " in the baseline",
    "candidate": " in the candidate",
    "both": " in both runs",
}


def doubts(condition: ConditionResult) -> tuple[str, ...]:
    """Return what leaves a condition open, one clause each, in order of weight; nothing if it is decided.

    Examples
    --------
    >>> lost = [Need(None, "evidence", "missing", "no tests of unit", side=side) for side in ("baseline", "candidate")]
    >>> doubts(ConditionResult("unit tests", "tests", "inconclusive", needs=tuple(lost)))
    ('no tests of unit in both runs',)
    """
    if condition.outcome != "inconclusive":
        return ()
    points = condition.kind in ("error_rate", "slow_requests")
    sides: dict[Need, list[str | None]] = {}
    for need in condition.needs:
        sides.setdefault(replace(need, side=None), []).append(need.side)
    merged = (replace(need, side="both" if len(set(found)) > 1 else found[0]) for need, found in sides.items())
    return tuple(dict.fromkeys(need_text(need, points=points) for need in merged))


def need_text(need: Need, *, points: bool = False) -> str:
    """Return what is missing and what would decide it, as one clause without a full stop.

    Margins are per cent, or with ``points`` percentage points. The side may be ``both``.

    Examples
    --------
    >>> need_text(Need(8, "rounds", "wide_interval"))
    '8 more rounds would decide'
    >>> need_text(Need(None, "evidence", "missing", "no scan of lint", side="candidate"))
    'no scan of lint in the candidate'
    """
    detail = named_metrics(plain(need.detail, LONGEST_DETAIL)) if need.detail else ""
    amount = count(need.amount, "more " + need.unit.removesuffix("s")) if need.amount else ""
    would = f"{amount} would decide" if amount else ""
    if need.reason in ("one_sample", "too_few_samples") and "a round" in detail:  # the size of a round, not a subject
        would, detail = f"{amount}, {detail}, would decide", ""
    if need.decidable_margin is not None:
        margin = f"{need.decidable_margin * 100:.3g} {'pp' if points else '%'}"
        would = f"this margin is out of reach: the evidence could decide one of {margin}"
    if need.reason in ("missing", "not_checked", "partial"):
        would = ""
    elif need.reason == "not_rerun" and detail.startswith("flaky now"):
        return f"{detail}; more reruns would tell"
    elif need.reason == "not_rerun" and need.amount:
        would = f"{count(need.amount, 'rerun')} of each would decide"
    return "; ".join(part for part in (_head(need, detail), would) if part) or "not decided"


def _head(need: Need, detail: str) -> str:
    whose, where = _WHOSE.get(need.side or "", ""), _WHERE.get(need.side or "", "")
    whole = {
        "missing": f"{detail or 'no evidence'}{where}",
        "partial": f"{whose}{detail or 'evidence is incomplete'}",
        "many_metrics": detail,
        "wide_interval": "",
        "smallest_margin": "",
        "one_sample": "one sample shows no spread",
        "too_few_samples": detail or "too few samples",
        "tail_unbounded": "the tail has no upper bound yet",
        "run_noise_unknown": "one run a side does not cover machine noise",
    }
    if need.reason in whole:
        return whole[need.reason]
    subject = {
        "not_rerun": "fails now, not rerun often enough",
        "prober_late": f"{whose or 'the '}prober was itself late",
        "false_alarms": "identical systems come out as changed here",
        "failing_on_both_sides": "it fails on both sides",
    }.get(need.reason, plain(need.reason.replace("_", " ")))
    return f"{subject}: {detail}" if detail else subject


def need_command(condition: ConditionResult, need: Need | None) -> str | None:
    """Return the command that collects what the condition lacks; None if no command can."""
    words: list[object] = ["stabkit", "collect"]
    # Out of proportion: nobody should paste a command for thousands of rounds.
    in_reach = need is not None and need.decidable_margin is None
    if need is not None and in_reach and need.amount and need.unit in ("rounds", "samples"):
        rounds = _rounds_in_all(condition, need)
        words += ["--rounds", rounds] if rounds else []
    if condition.target:
        words += ["--only", condition.target]
    return shell(words)


def deciding_command(conditions: Iterable[ConditionResult]) -> str | None:
    """Return the one command that collects what these conditions lack; None if collecting more decides none of them.

    Examples
    --------
    >>> lost = Need(None, "evidence", "missing", "no scan of lint", side="candidate")
    >>> names = ("lint", "unit")
    >>> deciding_command(ConditionResult(n, "tests", "inconclusive", target=n, needs=(lost,)) for n in names)
    'stabkit collect --only lint --only unit'
    """
    rounds, targets = [], []
    for condition in conditions:
        need = next(iter(condition.needs), None)
        if condition.outcome != "inconclusive" or need is None or need.decidable_margin is not None:
            continue
        targets.append(condition.target)
        amount = _rounds_in_all(condition, need) if need.amount and need.unit in ("rounds", "samples") else None
        rounds.append(amount or 0)
    if not targets:
        return None
    words: list[object] = ["stabkit", "collect"]
    words += ["--rounds", max(rounds)] if any(rounds) else []
    named = list(dict.fromkeys(targets))
    if None not in named and len(named) <= _NAMED_TARGETS:
        words += [word for target in named for word in ("--only", target)]
    return shell(words)


def _rounds_in_all(condition: ConditionResult, need: Need) -> int | None:
    """Return how many rounds a new collection needs: those there are and those missing; None if unknown.

    A collection starts afresh, so "4 more" after 8 are 12. Samples come in whole rounds.
    """
    known = [e for e in condition.estimates if e.rounds and e.n_candidate]
    have = max((e.rounds for e in known), default=0)
    if need.unit == "rounds":
        return have + (need.amount or 0)
    size = max((e.n_candidate // e.rounds for e in known), default=0)
    return have + math.ceil((need.amount or 0) / size) if size else None
