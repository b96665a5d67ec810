"""The first sentences of a report: ship, do not ship, or why not yet, in words without statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from stabkit.analyze import ConditionResult, Gate, Need
from stabkit.kinds import NO_CONDITION, kind_of
from stabkit.numbers import amount_text
from stabkit.report.words.acceptances import accepted_clause
from stabkit.report.words.estimates import excess_in_margins
from stabkit.report.words.sentences import lacks_baseline, leading_estimate
from stabkit.report.words.wording import metric_words, sentence
from stabkit.text import all_of, count, joined, plain, verb

__all__ = ["decision_text", "ship_text"]

# Up to ten is written as a word.
_TIMES: Final = ("", "", "twice", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NAMED: Final = 2
_LONGEST: Final = 48  # characters of a name that a decision still reads well with


# Why there is no baseline -> what a verdict without one says first.
_LACKING: Final[Mapping[str, str]] = {
    "first_run": ("The first run has no baseline to compare with: keep it, and measure the next version against it."),
    "same_version": "No run of another version that can be read comes before this one, so nothing is compared.",
    "one_side": "One side alone was given, and no baseline to compare it with.",
}


def decision_text(gate: Gate, *, lacking: str | None = None, before: int = 0) -> str:
    """Return what to do with the candidate and why, then how many conditions hold.

    Parameters
    ----------
    lacking : str, optional
        Why there is no baseline to compare with, as a case knows it.
    before : int
        Steps that the change asks for before it may be shipped.

    Examples
    --------
    >>> decision_text(Gate("stable", (ConditionResult("unit", "tests", "stable"),)))
    'Nothing that was checked stands against shipping. The one condition holds.'
    """
    gating = [c for c in gate.conditions if c.gating]
    if all(c.kind == NO_CONDITION.name for c in gating):
        return "Do not ship on this report: nothing could be judged, because evidence is missing."
    told = {"stable": _stable, "regressed": _regressed, "inconclusive": _inconclusive}[gate.verdict]
    first = lacking is not None
    if lacking is not None:
        head = _LACKING[lacking]
    elif gate.verdict == "stable" and before:
        head = f"Ship only after what the change asks for: {count(before, 'step')} under Recommendations."
    else:
        head = told(gate)
    return f"{head} {_rest(gate, gating, first=first)}".strip()


def ship_text(gate: Gate, *, before: int = 0) -> str:
    """Return the decision alone, in a few words.

    Examples
    --------
    >>> ship_text(Gate("regressed"))
    'do not ship'
    """
    if gate.verdict == "stable":
        return "ship, after what the change asks for" if before else "ship"
    return "do not ship" if gate.verdict == "regressed" else "do not ship on this report"


def _rest(gate: Gate, gating: Sequence[ConditionResult], *, first: bool) -> str:
    """Return how many conditions hold, and how many are open where the decision speaks of others."""
    good = sum(c.outcome in ("stable", "improved") for c in gating)
    improved = sum(c.outcome == "improved" for c in gating)
    open_ = sum(c.outcome == "inconclusive" for c in gating)
    better = f", {amount_text(improved)} of them better than before" if improved else ""
    taken = accepted_clause(gate)
    if good == len(gating):
        which = f"{all_of(good, 'condition')} {verb('holds', good)}"
        return sentence(f"{which}{better}", taken)
    parts = []
    if gate.verdict == "regressed" and open_:
        parts.append(f"{count(open_, 'condition')} {verb('is', open_)} undecided")
    if first and gate.verdict == "inconclusive":
        return sentence(f"{amount_text(good)} of {count(len(gating), 'condition')} {verb('holds', good)}", taken)
    if good:
        noun = "" if parts else " condition" if good == 1 else " conditions"
        parts.append(f"the other{noun} holds" if good == 1 else f"the other {amount_text(good)}{noun} hold")
    return sentence(", ".join(parts) + better if parts else "", taken)


def _stable(_: Gate) -> str:
    return "Nothing that was checked stands against shipping."


def _regressed(gate: Gate) -> str:
    """Return what got worse: things that did so in the same way are named together."""
    worse = [c for c in gate.reasons if c.outcome == "regressed"]
    unanswered = {c.target for c in worse if any(item.get("fault") for item in c.items)}
    worse = [c for c in worse if c.kind != "error_rate" or c.target not in unanswered]  # the same requests
    worse = list({(c.kind, _worse_text(c)[0]): c for c in reversed(worse)}.values())[::-1]  # the gravest of its kind
    found: dict[str, list[str]] = {}
    for condition in worse:
        subject, predicate = _worse_text(condition)
        found.setdefault(predicate, []).append(subject)
    told = [f"{joined(dict.fromkeys(subjects))} {predicate}" for predicate, subjects in list(found.items())[:_NAMED]]
    left = len(worse) - sum(map(len, list(found.values())[:_NAMED]))
    more = f"; {count(left, 'further condition')} regressed" if left else ""
    return f"Do not ship: {' and '.join(told)}{more}."


def _worse_text(condition: ConditionResult) -> tuple[str, str]:
    """Return what got worse, and how."""
    words = _WORSE.get(condition.kind)
    return (words(condition) if words else None) or (plain(condition.name, _LONGEST), "got worse")


def _what(condition: ConditionResult) -> str:
    return plain(condition.target or condition.name, _LONGEST)


def _slower(condition: ConditionResult) -> tuple[str, str]:
    what = _what(condition)
    if condition.target and condition.metric not in (None, "response_time"):
        what = f"{metric_words(condition.metric)} of {what}"
    return what, f"slowed{_by_times(condition)}"


def _by_times(condition: ConditionResult) -> str:
    """Return by how much more than is allowed, in whole times of it; empty where that is not known."""
    estimate = leading_estimate(condition)
    if estimate is None or not estimate.beyond_margin:
        return ""
    times = round(excess_in_margins(estimate))
    if times < 2:
        return " by more than you allow"
    if times == 2:
        return " by twice what you allow"
    return f" by {_TIMES[times] if times < len(_TIMES) else amount_text(times)} times what you allow"


def _grew(condition: ConditionResult) -> tuple[str, str]:
    estimate = leading_estimate(condition)
    way = "fell" if estimate is not None and estimate.worse == "lower" else "grew"
    metric = f" {metric_words(condition.metric)}" if condition.metric else ""
    return f"{_what(condition)}{metric}", f"{way}{_by_times(condition)}"


def _more_slow(condition: ConditionResult) -> tuple[str, str]:
    return _what(condition), "had more slow requests than before"


def _more_failed(condition: ConditionResult) -> tuple[str, str]:
    fault = condition.facts.get("fault")
    return _what(condition), "failed more requests than before" + (f" ({plain(fault, 80)})" if fault else "")


def _missed(condition: ConditionResult) -> tuple[str, str]:
    return _what(condition), "missed the objective"


def _with_state(condition: ConditionResult, *states: str) -> list[Mapping[str, Any]]:
    return [item for item in condition.items if item.get("state") in states]


def _broken_checks(condition: ConditionResult) -> tuple[str, str]:
    items = _with_state(condition, "fail")
    faults = list(dict.fromkeys(plain(item["fault"], 80) for item in items if item.get("fault")))
    if faults:
        return _what(condition), f"did not answer as agreed ({joined(faults, most=2)})"
    names = joined((plain(item.get("what", "")) for item in items), most=2)
    return _what(condition), f"broke what was agreed{f' ({names})' if names else ''}"


def _broken_tests(condition: ConditionResult) -> tuple[str, str] | None:
    broken, new = len(_with_state(condition, "regressed")), len(_with_state(condition, "new_failing"))
    if broken:
        more = f", and {count(new, 'new test')} too" if new else ""
        return count(broken, "test"), f"that passed before {verb('fails', broken)} now{more}"
    return (count(new, "new test"), verb("fails", new)) if new else None


def _new_findings(condition: ConditionResult) -> tuple[str, str] | None:
    items = _with_state(condition, "new", "reopened", "updated")
    severities = dict.fromkeys(plain(item["severity"]) for item in items if item.get("severity"))
    severe = f" ({joined(severities)})" if severities else ""
    return (_what(condition), f"reports {count(len(items), 'new finding')}{severe}") if items else None


def _breaking(condition: ConditionResult) -> tuple[str, str] | None:
    amount = len(_with_state(condition, "fail"))
    return ("the change", f"takes away what others rely on ({count(amount, 'breaking change')})") if amount else None


# What got worse, by the kind of a condition; of others its name is said.
_WORSE: Final[Mapping[str, Callable[[ConditionResult], tuple[str, str] | None]]] = {
    "latency": _slower,
    "slow_requests": _more_slow,
    "objective": _missed,
    "error_rate": _more_failed,
    "resource": _grew,
    "checks": _broken_checks,
    "tests": _broken_tests,
    "findings": _new_findings,
    "change": _breaking,
}


def _inconclusive(gate: Gate) -> str:
    """Return why not yet: what the first open condition lacks, with all others that lack the same."""
    open_ = [c for c in gate.reasons if c.outcome == "inconclusive" and not lacks_baseline(c)]
    if not open_:
        return "Do not ship on this report: there is no earlier run to compare with."
    same = [c for c in open_ if _doubt(c) == _doubt(open_[0])]
    names = list(dict.fromkeys(_what(c) for c in same))
    words, many = _WHY_NOT[_doubt(open_[0])]
    text = (words if len(names) == 1 else many).format(names=joined(names))
    left = len(open_) - len(same)
    more = f"; {count(left, 'further condition')} {verb('is', left)} undecided" if left else ""
    return f"Do not ship on this report: {text}{more}."


def _doubt(condition: ConditionResult) -> str:
    """Return why a condition is open, as a key of :data:`_WHY_NOT`."""
    need = condition.needs[0] if condition.needs else None
    if any(one.about == "source_failed" for one in condition.needs):
        return "unread"
    if need is None:
        return "open"
    if need.reason in ("missing", "not_collected"):
        return _GAPS.get(need.about or "", "lacking")
    wide = _OPEN_KINDS.get(kind_of(condition.kind).judges, "open") if _is_wide(need) else "open"
    return _REASONS.get(need.reason, wide)


def _is_wide(need: Need) -> bool:
    return need.reason in ("wide_interval", "tail_unbounded", "many_metrics", "smallest_margin", "run_noise_unknown")


_REASONS: Final[Mapping[str, str]] = {
    "prober_late": "noisy",
    "false_alarms": "noisy",
    "cold_start": "noisy",
    "not_checked": "unchecked",
    "not_comparable": "unlike",
    "same_address": "unlike",
    "one_sample": "few",
    "too_few_samples": "few",
}
_GAPS: Final[Mapping[str, str]] = {
    "samples": "unmeasured",
    "samples_on_either_side": "unmeasured",
    "good_requests": "no answer",
    "requests": "unmeasured",
    "readings": "unmeasured",
    "tests": "untested",
    "disappeared": "gone",
    "scan": "unscanned",
}
_OPEN_KINDS: Final[Mapping[str, str]] = {"times": "slower", "failures": "failing", "readings": "growing"}
# Why a condition is open -> the clause for one, and for several.
_WHY_NOT: Final[Mapping[str, tuple[str, str]]] = {
    "unread": ("what was measured of {names} could not be read",) * 2,
    "unmeasured": ("{names} was not measured on both sides", "{names} were not measured on both sides"),
    "no answer": ("{names} gave no good answer", "{names} gave no good answer"),
    "untested": ("the tests of {names} were not run on both sides",) * 2,
    "gone": ("tests of {names} disappeared",) * 2,
    "unscanned": ("{names} did not scan both sides",) * 2,
    "lacking": ("evidence of {names} is missing",) * 2,
    "noisy": ("the machine was too noisy to judge {names}",) * 2,
    "unlike": ("both sides of {names} cannot be compared", "both sides of {names} cannot be compared"),
    "unchecked": ("not everything of {names} was checked",) * 2,
    "few": ("too little of {names} was measured",) * 2,
    "slower": ("a slowdown of {names} is not ruled out",) * 2,
    "failing": ("more failed requests of {names} are not ruled out",) * 2,
    "growing": ("a growth of {names} is not ruled out",) * 2,
    "open": ("{names} is undecided", "{names} are undecided"),
}
