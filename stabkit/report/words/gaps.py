"""The words of what is lacking: what a need is about, evidence that is missing, why scans cannot be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

import pandas as pd

from stabkit.analyze import Accepted, ConditionResult, Difference, Measured, Missing, Need, to_json
from stabkit.numbers import SPACE, at_most
from stabkit.report.words.change_facts import fact_name
from stabkit.report.words.wording import metric_words
from stabkit.text import joined, plural, verb
from stabkit.vocabulary import LISTED

__all__ = [
    "as_json",
    "break_text",
    "detail_text",
    "difference_text",
    "differences_texts",
    "hidden_text",
    "measured_text",
    "missing_text",
    "score_text",
    "set_change_text",
]

_LISTED: Final = 5  # names in one clause; the need holds all
_NAMED: Final = 20  # of a need that may hold a million: no sentence speaks of more of them one by one


def measured_text(what: Measured) -> str:
    """Return what was measured as people say it.

    Examples
    --------
    >>> measured_text(Measured("chat", "event:done")), measured_text(Measured("api", "response_time", "reused"))
    ('chat arrival of done', 'api response time, reused connections')
    """
    return str(replace(what, metric=metric_words(what.metric) if what.metric else None))


def names_text(names: Sequence[str], total: int | None = None) -> str:
    """Return names, the first five of them; ``total``: of so many, where only the first are given."""
    left = (len(names) if total is None else total) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {left} more" if left > 0 else "")


def detail_text(need: Need, *, exactly: bool = False) -> str:
    """Return what a need is about, as one clause; empty where its reason says all.

    ``exactly`` calls metrics as the tables do.

    Examples
    --------
    >>> lost = Need(None, "evidence", "missing", "samples", (Measured("api", "response_time"),), side="candidate")
    >>> detail_text(lost), detail_text(lost, exactly=True)
    ('no samples of api response time', 'no samples of api response_time')
    >>> detail_text(Need(None, "evidence", "missing", "hidden_tests", ("a", "b"), (("errors", 1),)))
    '1 collection error hides 2 tests'
    """
    total = len(need.subjects)
    names = [_subject_text(subject, exactly=exactly) for subject in need.subjects[:_NAMED]]
    if need.about == "hidden_tests":
        return hidden_text(int(dict(need.numbers)["errors"]), total)
    if need.about in _OF_FACTS:
        names[:1] = map(fact_name, names[:1])
    words = _DETAILS.get(need.about or need.reason, "{all}")
    known = [*names, *_ANYONE.get(need.about or "", ())]
    said = {name: _number_text(name, value) for name, value in need.numbers}
    said |= {"all": names_text(names, total), "tests": _tests(total), "are": verb("is", total)}
    try:
        text = words.format(*known, **said)
    except LookupError:  # the reason alone is known
        return ""
    return text.replace(SPACE, " ") if exactly else text


def _subject_text(subject: Any, *, exactly: bool) -> str:
    if isinstance(subject, Measured):
        return str(subject) if exactly else measured_text(subject)
    if isinstance(subject, Missing):
        return _missing_item(subject)
    return difference_text(subject) if isinstance(subject, Difference) else str(subject)


def _number_text(name: str, value: float) -> str:
    """Return a number with the unit that ends its name."""
    if name == "quantile":
        return f"p{100 * value:g}"
    if name.endswith("_share"):
        return f"{at_most(100 * value, 3 if name == 'least_share' else 2)}{SPACE}%"
    return f"{at_most(value, 2)}{SPACE}ms" if name.endswith("_ms") else at_most(value, 6)


def _tests(n: int) -> str:
    return f"{n} test{'' if n == 1 else 's'}"


def hidden_text(errors: int, tests: int) -> str:
    """Return the clause about tests that errors hide.

    Examples
    --------
    >>> hidden_text(1, 16)
    '1 collection error hides 16 tests'
    """
    said = "1 collection error hides" if errors == 1 else f"{errors} collection errors hide"
    return f"{said} {_tests(tests)}"


# About, or reason where it has one cause -> the clause: {0} is the first name, {all} and {tests} are of all names.
_DETAILS: Final[Mapping[str, str]] = {
    "baseline": "no baseline to compare {0} with",
    "samples": "no samples of {0}",
    "samples_on_either_side": "no samples of {0} on either side",
    "good_requests": "no good request of {0}",
    "requests": "no requests",
    "readings": "no readings",
    "tests": "no tests of {0}",
    "checks": "no checks of {0}",
    "scan": "no scan of {0}",
    "coverage": "no coverage report of {0}",
    "coverage_gone": "its reports no longer speak of {all}",
    "coverage_untold": "no report speaks of {all}",
    "coverage_lines": "which lines changed is not recorded of {all}",
    "declared": "no {0}",
    "objective": "no objective is stated",
    "conditions": "no gating condition, and no evidence to derive one from",
    "round_size": "{samples} samples a round",
    "empty_sides": "no samples: {all}; {samples} samples a round",
    "rounds": "fewer than {least} rounds",
    "lost_tests": "{tests} of most recent runs ran on neither side: {all}",
    "gone_variants": "every result of {all} is gone ({results})",
    "disappeared": "{tests} disappeared: {all}",
    "newly_skipped": "{tests} newly skipped: {all}",
    "added": "{tests} added, failing, without a baseline: {all}",
    "no_common_test": "no test has a result on both sides",
    "common_tests": "common tests: {common} of {expected}",
    "flaky": "flaky now: {all}",
    "more_flaky": "flaky now: {tests} that were not before, {no_longer} the other way round: {all}",
    "expected_to_fail": "{tests} that passed {are} now expected to fail: {all}",
    "not_scanned": "not scanned for again: {all}",
    "missed_before": "{0} missed it before as well",
    "now_and_then": "now and then failing, too rarely to prove and too often to rule out: {all}",
    "git_range": "no git range is recorded, which [changes] in stabkit.toml names,",
    "fact_not_recorded": "{0}: no check with its values is recorded",
    "fact_unproven": "{0}: suspected in {1}, not proven",
    "fact_open": "{0}: {1}",
    "range_empty": "{0}: the range changes no file",
    "collection": "collection was not completed",
    "source_failed": "{0} could not be read: {1}",
    "source_partial": "{0} is incomplete: {1}",
    "source_old": "{0} is old: {1}",
    "source_bare": "{0} decides nothing: {1}",
    "environments": "environment {0} against {1}",
    "same_run": "the baseline and the candidate are the same run",
    "units": "{0} in {1} against {2}",
    "direction": 'whether more or less of {0} is worse is not declared: worse = "higher" or "lower" in stabkit.toml',
    "absolute_margin": "what may be 0 needs an absolute_margin in its own unit in stabkit.toml; "
    "this evidence decides {decides}",
    "series": "{baseline} series of {0} before and {candidate} now, which no label pairs: "
    "let the query make one of them",
    "round_gaps": "{rounds} of {asked} rounds lack requests of {0}, all of them or half",
    "without_reading": "{rounds} of {asked} rounds have no reading of {0}",
    "cold_rounds": "the first {rounds} rounds of {0} took {times} times as long as those after them; "
    "warmup_requests or warmup_s in stabkit.toml leaves it out",
    "cold_requests": "the first {requests} requests of each round of {0} took {times} times as long as "
    "those after them; warmup_requests or warmup_s in stabkit.toml leaves them out",
    "same_address": "both versions were asked at one address, {0}: that compares a version with itself",
    "unsourced": "no source tells how {all} {are} read",
    "failures": "{candidate_share} of {0} failed, {baseline_share} before, and no condition judges failures",
    "failing_checks": "{all} failed by the load tool's own judgement, and no condition judges checks",
    "gone_checks": "{all} passed before by the load tool's own judgement and is gone, and no condition judges checks",
    "single_requests": "no single requests: counts do not say whether failures came together",
    "load_rate": "{before} requests a second against {after}",
    "load_users": "{before} users at once against {after}",
    "load_seconds": "a load of {before} s against one of {after} s",
    "load_requests": "{before} requests of {0} against {after}",
    "load_targets": "the load lacks {all}",
    "placebo_days": "{days} days without a deploy to compare with",
    "one_deploy": "the windows of {0} are of one deploy only where both sides are collected together: "
    "--baseline-label and --deployed-at",
    "window_noise": "within the windows themselves {days} days show more than the margin: longer windows help",
    "window_values": "{values} readings of {0} in the window, at least {least} are needed",
    "window_series": "{series} series of {0} in one window: let the query make one of them, as sum() or max() does",
    "late_at_quantile": "{late_ms} at {quantile}, {allowed_ms} are allowed",
    "slowest_late": "{late_ms} among the slowest {share}, {allowed_ms} are allowed",
    "slow_by_lateness": "{slow_share} of the requests are slow by that alone, {allowed_share} are allowed",
    "not_repeated": "looks slower (+{slower_share}); run the candidate once more: red only if it repeats",
    "more_slow": "more requests look slow (+{slower_share} of all); run the candidate once more: "
    "red only if it repeats",
    "runs_disagree": "another run of this version was slower (+{slower_share}); run it once more: "
    "stable only if most of its runs are",
    "accepted_level": "slower than the accepted level by {slower_share}; run the candidate once more: "
    "red only if it repeats",
    "small_steps": "slower than the accepted level by {slower_share}, in small steps; run the candidate once more: "
    "red only if it repeats",
    "line_noise": "runs of this line differ by more than the margin bears: measure both versions side by side",
    "machines": "another machine, times not compared: {0} against {1}",
    "machine_unknown": "another machine may have measured, times not compared: one run does not say where it was made",
    "noise_alone": "the noise between runs alone fills the margin: only rounds that both sides share help",
    "many_metrics": "worse by itself, but not proven among {metrics} metrics",
    "run_noise_unknown": "the rounds of the two sides were not interleaved",
    "false_alarms": "{alarms} of {pairs} A/A pairs came out as a change, at least {least_share}",
}
_OF_FACTS: Final = ("fact_not_recorded", "fact_unproven", "fact_open", "range_empty")
# Whom a need speaks of where it names nobody.
_ANYONE: Final[Mapping[str, Sequence[str]]] = {
    "tests": ("any suite",),
    "checks": ("any target",),
    "scan": ("any tool",),
    "coverage": ("any kind",),
    "source_failed": ("no message",),
    "source_partial": ("no message",),
    "source_bare": ("no message",),
}

# Evidence of a kind -> how a gap of it begins; the name follows.
_KINDS: Final[Mapping[str, str]] = {
    "samples": "samples of ",
    "readings": "readings of ",
    "tests": "tests of ",
    "scan": "scan ",
    "coverage": "coverage report ",
    "changes": "record of the changes",
    "baseline": "baseline run",
}


def _where(sides: Sequence[str]) -> str:
    return "" if not sides else " in both runs" if len(sides) > 1 else f" in the {sides[0]}"


def _missing_item(missing: Missing) -> str:
    return f"{_KINDS[missing.kind]}{missing.name or ''}{_where(missing.sides)}"


def missing_text(missing: Iterable[Missing]) -> str:
    """Return what is not there; things of one kind that the same side lacks are named together.

    Examples
    --------
    >>> missing_text(Missing("samples", name, ("candidate",)) for name in ("api", "auth"))
    'samples of api and auth in the candidate'
    """
    found: dict[tuple[str, str], list[str]] = {}
    for one in missing:
        if one.kind in ("samples", "readings", "tests"):
            head, words = _KINDS[one.kind], one.name or ""
        else:
            head, words = "", "a baseline" if one.kind == "baseline" else _missing_item(replace(one, sides=()))
        found.setdefault((head, _where(one.sides)), []).append(words)
    return joined((f"{head}{joined(names)}{where}" for (head, where), names in found.items()), most=4)


def difference_text(difference: Difference) -> str:
    """Return why scans cannot be compared, or what had to be assumed, as one clause.

    Examples
    --------
    >>> difference_text(Difference("incomplete", "ruff", "baseline"))
    'the baseline scan of ruff is incomplete'
    >>> difference_text(Difference("versions", "ruff", subjects=("0.4", "0.5")))
    'ruff 0.4 against 0.5'
    """
    scan = f"the {difference.side} scan" if difference.side else "either scan"
    said = {
        "whose": f"{difference.side} " if difference.side else "",
        "side": difference.side,
        "scan": scan,
        "tool": difference.tool,
    }
    return _DIFFERENCES[difference.code].format(*difference.subjects, *difference.numbers, **said)


_DIFFERENCES: Final[Mapping[str, str]] = {
    "no_scan_at_all": "no scan on either side",
    "no_scan": "no {whose}scan of {tool}",
    "incomplete": "{scan} of {tool} is incomplete",
    "only_totals": "{scan} of {tool} claims {0} findings and lists {1}",
    "listed_less": "{scan} of {tool} claims {0} findings and lists {1}; those listed count",
    "more_unlisted": "{tool} leaves {0} of the findings that it claims unlisted, {1} before",
    "versions": "{tool} {0} against {1}",
    "unknown_rules": "the rules of {tool} are unknown, the declared ones are assumed",
    "unknown_files": "the scanned files of {tool} are unknown, the declared ones are assumed",
    "rules_on_one_side": "the rules of {tool} are known on one side only",
    "files_on_one_side": "the scanned files of {tool} are known on one side only",
    "rules": "the rules of {tool} differ",
    "files": "the scanned files of {tool} differ",
    "scanned_files": "the scanned files of {tool} differ, {0} no longer and {1} newly scanned",
    "file_counts": "the numbers of files that {tool} scanned differ",
    "files_by_range": "the scanned files of {tool} differ as the range changed them",
    "folders": "the paths of {tool} start in different folders, such as {0} and {1}",
    "scans_gone": "a scan of {tool} is gone: {0}",
    "scans_added": "a scan of {tool} has no baseline: {0}",
    "scopes_gone": "{tool} no longer reports on {0}",
    "rules_off": "rules of {tool} are switched off now: {0}",
    "changed_heads": "{0} and {1} are taken to be the same folder",
    "lines_not_followed": (
        "the lines that git moved are not followed: the paths of the findings start in another folder than git's"
    ),
}


def differences_texts(differences: Iterable[Difference]) -> tuple[str, ...]:
    """Return differences as clauses, those that say the same of either scan put as one.

    Examples
    --------
    >>> differences_texts([Difference("incomplete", "ruff", "baseline"), Difference("incomplete", "ruff", "candidate")])
    ('either scan of ruff is incomplete',)
    """
    found: dict[Difference, set[Difference]] = {}
    for one in differences:
        found.setdefault(replace(one, side=None), set()).add(one)
    merged = (alike if len(sides) > 1 else next(iter(sides)) for alike, sides in found.items())
    return tuple(map(difference_text, merged))


def break_text(differences: Iterable[Difference]) -> str:
    """Return what parts a scan from the one before it over the runs, or had to be assumed, as clauses.

    Examples
    --------
    >>> break_text([Difference("versions", "ruff", subjects=("0.4", "0.5")), Difference("incomplete", side="baseline")])
    'version 0.4 to 0.5; scan before incomplete'
    """
    return "; ".join(
        _BREAKS[one.code].format(*one.subjects, *one.numbers, scan="scan before" if one.side == "baseline" else "scan")
        for one in differences
    )


_BREAKS: Final[Mapping[str, str]] = {
    "versions": "version {0} to {1}",
    "rules": "rules changed",
    "files": "scope changed",
    "file_counts": "files scanned {0} to {1}",
    "incomplete": "{scan} incomplete",
    "after_incomplete": "follows an incomplete scan",
    "unknown_version": "version unknown, taken as unchanged",
    "unknown_rules": "rules unknown, taken as unchanged",
    "unknown_files": "scope unknown, taken as unchanged",
}


def set_change_text(added: Any, removed: Any) -> str | None:
    """Return how the set of judged tests changed since the run before; None if it did not.

    Examples
    --------
    >>> set_change_text(3, 1), set_change_text(0, 2), set_change_text(pd.NA, pd.NA)
    ('3 tests added, 1 test removed or skipped', '2 tests removed or skipped', None)
    """
    changes = ((added, "added"), (removed, "removed or skipped"))
    return ", ".join(f"{_tests(n)} {word}" for n, word in changes if pd.notna(n) and n) or None


def score_text(claim: Mapping[Any, Any]) -> str | None:
    """Return why a score has no value, or is not known better; None if it is exact.

    Examples
    --------
    >>> score_text({"why": "no_files", "findings": 1}), score_text({"why": None})
    ('1 finding in 0 counted files', None)
    """
    if pd.isna(claim["why"]):
        return None
    said = {"found": plural("finding", claim["findings"])} if claim["why"] == "no_files" else {}
    if claim["why"] == "spread":
        said = {"low": claim["denominator"] - claim["numerator"], "high": claim["denominator"] - claim["numerator_low"]}
    return _SCORES[claim["why"]].format(findings=claim["findings"], **said)


_SCORES: Final[Mapping[str, str]] = {
    "files_unknown": "the number of files is unknown",
    "findings_unknown": "the number of findings is unknown",
    "no_files": "{findings} {found} in 0 counted files",
    "spread": "{findings} findings lie in {low} to {high} files",
    "inferred": "the count is the one that the claimed score allows",
}


def as_json(result: object) -> Any:
    """Return a result as JSON, with the words of what is lacking beside its values.

    Notes
    -----
    Of the items of a condition the first :data:`stabkit.vocabulary.LISTED` of each state are listed, in order, and so
    are the subjects of a need and what an accepted entry matches; ``more`` says how many there are beyond, and is left
    out where that is none.

    Examples
    --------
    >>> as_json(Need(None, "rounds", "many_metrics", numbers=(("metrics", 12),)))["detail"]
    'worse by itself, but not proven among 12 metrics'
    """
    return to_json(result, _SAID)


def _need_json(need: Need) -> dict[str, Any]:
    listed, more = need.subjects[:LISTED], max(0, len(need.subjects) - LISTED)
    return {
        "amount": need.amount,
        "unit": need.unit,
        "reason": need.reason,
        "detail": detail_text(need, exactly=True) or None,
        "decidable_margin": None if need.decidable_margin is None else to_json(need.decidable_margin),
        "side": need.side,
        "about": need.about,
        "subjects": [_subject_text(subject, exactly=True) for subject in listed],
        **({"more": more} if more else {}),
        "numbers": to_json(dict(need.numbers)),
    }


def _condition_json(condition: ConditionResult) -> dict[str, Any]:
    held: Counter[str] = Counter()
    listed = []
    for item in condition.items:
        state = str(item.get("state"))
        held[state] += 1
        if held[state] <= LISTED:
            listed.append(item)
    more = {state: number - LISTED for state, number in held.items() if number > LISTED}
    found = {
        f.name: to_json(listed if f.name == "items" else getattr(condition, f.name), _SAID)
        for f in fields(condition)
        if f.repr
    }
    return found | ({"more": more} if more else {})


def _accepted_json(one: Accepted) -> dict[str, Any]:
    more = max(0, len(one.matches) - LISTED)
    cut = replace(one, matches=one.matches[:LISTED], spares=one.spares[:LISTED])
    found: dict[str, Any] = to_json(cut)
    return found | ({"more": more} if more else {})


_SAID: Final[Mapping[type, Callable[[Any], Any]]] = {
    Need: _need_json,
    Missing: _missing_item,
    Measured: str,
    Difference: difference_text,
    ConditionResult: _condition_json,
    Accepted: _accepted_json,
}
