"""The words of needs, computed: what leaves a condition open, what would decide it, the command for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from stabkit.analyze import CollectionPlan, ConditionResult, Need
from stabkit.case import AGAIN, Again
from stabkit.kinds import kind_of
from stabkit.numbers import SPACE, amount_text, at_most, duration
from stabkit.report.words.gaps import detail_text
from stabkit.text import count, plain, shell

__all__ = ["deciding_command", "doubts", "need_command", "need_text", "needs_both", "takes_text", "within_reach"]

LONGEST_DETAIL: Final = 200
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

# More of the same evidence decides nothing here: the system itself, the configuration, or the margin has to change.
_NO_COMMAND: Final = (
    "not_rerun", "not_collected", "failing_on_both_sides", "smallest_margin", "false_alarms", "undeclared",
    "cold_start", "same_address",
)  # fmt: skip
# What these tests do is known: the same suite, collected once more, says the same.
_SAME_AGAIN: Final = (
    "gone_variants",
    "disappeared", "newly_skipped", "added", "lost_tests", "common_tests", "no_common_test", "expected_to_fail",
    "environments", "same_run", "units", "machines", "machine_unknown", "line_noise",
)  # fmt: skip
# What another tool has to bring: nothing that stabkit collects would.
_OTHER_HANDS: Final = (
    "single_requests",
    "failing_checks",
    "gone_checks",
    "load_rate",
    "load_users",
    "load_seconds",
    "load_requests",
    "load_targets",
    "one_deploy",
    "window_series",
    "window_values",
)


def doubts(condition: ConditionResult) -> tuple[str, ...]:
    """Return what leaves a condition open, one clause each, in order of weight; nothing if it is decided.

    Examples
    --------
    >>> lost = [Need(None, "evidence", "missing", "tests", ("unit",), side=side) for side in ("baseline", "candidate")]
    >>> doubts(ConditionResult("unit tests", "tests", "inconclusive", needs=tuple(lost)))
    ('no tests of unit in both runs',)
    """
    if condition.outcome != "inconclusive":
        return ()
    points = kind_of(condition.kind).scale == "points"
    sides: dict[Need, list[str | None]] = {}
    for need in condition.needs:
        sides.setdefault(replace(need, side=None), []).append(need.side)
    # What no further round cures comes first: a service that did not answer.
    order = sorted(sides.items(), key=lambda pair: pair[0].about != "source_failed")
    merged = (replace(need, side="both" if len(set(found)) > 1 else found[0]) for need, found in order)
    return tuple(dict.fromkeys(need_text(need, points=points, have=_have(condition, need)) for need in merged))


def _have(condition: ConditionResult, need: Need) -> int:
    """Return how many rounds or samples a side there are of what a need asks more of; 0 if that is not known."""
    sizes = [e.rounds if need.unit == "rounds" else e.n_candidate for e in condition.estimates]
    sizes += [int(times) for name, times in need.numbers if name == "have"]
    return max(sizes, default=0) if need.unit in ("rounds", "samples") else 0


def need_text(need: Need, *, points: bool = False, have: int = 0) -> str:
    """Return what is missing and what would decide it, as one clause without a full stop.

    Margins are per cent, or with ``points`` percentage points. The side may be ``both``. Where it is known how much
    there is, ``have``, the whole of what is needed is said: a collection begins from nothing.

    Examples
    --------
    >>> need_text(Need(8, "rounds", "wide_interval"))
    '8 more rounds would decide'
    >>> need_text(Need(None, "evidence", "missing", "scan", ("lint",), side="candidate"))
    'no scan of lint in the candidate'
    >>> need_text(Need(8, "rounds", "wide_interval"), have=10)
    '10 rounds were too few; about 18 are needed, measured afresh'
    """
    detail = plain(detail_text(need), LONGEST_DETAIL)
    amount = count(need.amount, "more " + need.unit.removesuffix("s")) if need.amount else ""
    would = f"{amount} would decide" if amount else ""
    if need.amount and have > 1:
        few = f"{count(have, need.unit.removesuffix('s'))} were too few"
        would = f"{few}; about {amount_text(have + need.amount)} are needed, measured afresh"
    if need.unit == "days" and need.amount:
        would = f"about {amount} without a deploy would decide: placebo_days in stabkit.toml, up to 28"
    if need.reason in ("one_sample", "too_few_samples") and need.about == "round_size":  # not a subject
        would, detail = f"{amount}, {detail}, would decide", ""
    if need.decidable_margin is not None and not (points and need.decidable_margin >= 1):  # no rate differs by more
        margin = f"{at_most(need.decidable_margin * 100, 3)}{SPACE}{'points' if points else '%'}"
        would = "; ".join(part for part in (would, f"this evidence settles an allowed change of {margin}") if part)
    if need.reason == "not_comparable" and need.unit == "scans":
        would = "one tool, its rules and files on both sides would decide"
    if need.reason == "short_line":
        would = f"about {amount} of this line would decide"
    if need.reason in ("missing", "not_collected", "not_checked", "partial", "undeclared", "not_repeated"):
        would = ""
    elif need.about in ("flaky", "more_flaky"):
        return f"{detail}; more reruns would tell"
    elif need.reason == "not_rerun" and need.amount:
        keys = "rerun_command, confirm_reruns of its suite in stabkit.toml"
        would = f"{count(need.amount, 'rerun')} of each would decide: {keys}"
    return "; ".join(part for part in (_head(need, detail), would) if part) or "not decided"


def _head(need: Need, detail: str) -> str:
    whose, where = _WHOSE.get(need.side or "", ""), _WHERE.get(need.side or "", "")
    whole = {
        "missing": f"{detail or 'no evidence'}{where}",
        "not_collected": f"{detail}{where}: its baseline_directory in stabkit.toml, or stabkit import, would give it",
        "partial": f"{whose}{detail or 'evidence is incomplete'}",
        "many_metrics": detail,
        "wide_interval": detail if need.about is not None else "",
        "smallest_margin": detail,
        "undeclared": detail,
        "cold_start": f"a cold start{where}: {detail}",
        "same_address": detail,
        "short_line": "",
        "not_repeated": detail,
        "one_sample": "one sample shows no spread",
        "too_few_samples": detail or "too few samples",
        "tail_unbounded": "the tail has no upper bound yet",
        "run_noise_unknown": "one run a side does not cover machine noise",
    }
    if need.reason in whole:
        return whole[need.reason]
    if need.about in ("machines", "machine_unknown"):
        return detail
    if need.about == "missed_before":  # an objective; of which connections, says the name of the condition
        return "the baseline missed it as well"
    subject = {
        "not_rerun": "fails now, not rerun often enough",
        "prober_late": f"too noisy, {whose or 'the '}prober was itself late",
        "false_alarms": "identical systems come out as changed here",
        "failing_on_both_sides": "it fails on both sides",
    }.get(need.reason, plain(need.reason.replace("_", " ")))
    return f"{subject}: {detail}" if detail else subject


def takes_text(plan: CollectionPlan | None) -> str | None:
    """Return how long a planned collection takes, in words; None if it is not known.

    Examples
    --------
    >>> takes_text(CollectionPlan(40, 3.1))
    'about 2\u202fmin'
    """
    seconds = None if plan is None else plan.seconds
    if seconds is None:
        return None
    return f"about {duration(60 * round(seconds / 60) if seconds >= 90 else math.ceil(seconds))}"


def need_command(condition: ConditionResult, need: Need | None, again: Again = AGAIN) -> str | None:
    """Return the command that collects what the condition lacks; None if no command can.

    A part collected alone would be a run that lacks the rest, so the whole is collected again, under the same names.
    """
    return _command([(condition, need)], again)


def deciding_command(conditions: Iterable[ConditionResult], again: Again = AGAIN) -> str | None:
    """Return the one command that collects what these conditions lack; None if collecting more decides none of them.

    Some of them may still be out of its reach: :func:`within_reach` says which it decides.

    Examples
    --------
    >>> lost = Need(None, "evidence", "missing", "scan", ("lint",), side="candidate")
    >>> names = ("lint", "unit")
    >>> open_ = [ConditionResult(n, "tests", "inconclusive", target=n, needs=(lost,)) for n in names]
    >>> deciding_command(open_, Again("v1.5"))
    'stabkit collect --label v1.5'
    """
    return _command([(c, c.needs[0]) for c in conditions if c.outcome == "inconclusive" and c.needs], again)


def within_reach(conditions: Iterable[ConditionResult], again: Again = AGAIN) -> tuple[ConditionResult, ...]:
    """Return the open conditions that collecting more of the same can decide, in their order."""
    return tuple(c for c in conditions if c.outcome == "inconclusive" and c.needs and _reached(c, c.needs[0], again))


def needs_both(conditions: Iterable[ConditionResult], again: Again = AGAIN) -> tuple[ConditionResult, ...]:
    """Return the open conditions that no command decides until the baseline's version is running beside the other."""
    return tuple(
        c
        for c in conditions
        if again.stored
        and c.outcome == "inconclusive"
        and c.needs
        and _helps(c.needs[0])
        and again.gathers(c.target)
        and not again.reaches(c.needs[0])
    )


def _reached(condition: ConditionResult, need: Need, again: Again) -> bool:
    aside = need.reason == "run_noise_unknown"  # A/A runs ask one version alone
    return _helps(need) and again.gathers(condition.target) and (aside or again.reaches(need))


def _command(pairs: Sequence[tuple[ConditionResult, Need | None]], again: Again) -> str | None:
    if not again.stored:
        return None
    helped = [(condition, need) for condition, need in pairs if need is None or _reached(condition, need, again)]
    noise = [need is not None and need.reason == "run_noise_unknown" for _, need in helped]
    if noise and all(noise) and not again.both:
        return shell(["stabkit", "aa", *again.places])
    helped = [pair for pair, aside in zip(helped, noise, strict=True) if again.both or not aside]
    if not helped:
        return None
    needs = [need for _, need in helped]
    one_side = needs[0] if len({need.side if need else None for need in needs}) == 1 else None
    # Whatever weighs most, such as a late prober: the new collection has to be long enough for every doubt.
    wanted = [(c, need) for c, given in helped for need in (given, *c.needs) if need and _helps(need)]
    rounds = max((_rounds_in_all(condition, need, again.rounds) or 0 for condition, need in wanted), default=0)
    if rounds and again.plan is not None:  # one collection decides all that rounds can decide
        rounds = max(rounds, again.plan.rounds)
    return again.command(one_side, rounds)


def _helps(need: Need) -> bool:
    # A file that is old is as old once it is collected again: first the tool that writes it has to run.
    hopeless = need.about in (*_SAME_AGAIN, *_OTHER_HANDS, "source_old") or need.reason in _NO_COMMAND
    return not hopeless and need.decidable_margin is None and need.unit != "days"


def _rounds_in_all(condition: ConditionResult, need: Need, collected: int) -> int | None:
    """Return how many rounds a new collection needs: those there are and those missing; None if unknown.

    A collection starts afresh, so "4 more" after 8 are 12. Samples come in whole rounds.
    """
    if not need.amount or need.unit not in ("rounds", "samples"):
        return None
    known = [(e.rounds or collected, e.n_candidate) for e in condition.estimates if e.n_candidate]
    known += [(collected, int(times)) for name, times in need.numbers if name == "have"]
    have = max((rounds for rounds, _ in known), default=0)
    if need.unit == "rounds":
        return have + need.amount
    size = max((n // rounds for rounds, n in known if rounds), default=0)
    return have + math.ceil(need.amount / size) if size else None
