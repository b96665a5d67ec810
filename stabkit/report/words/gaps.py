"""The words of what is lacking: what a need is about, evidence that is missing, why scans cannot be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from stabkit.analyze import Difference, Measured, Missing, Need, to_json
from stabkit.numbers import SPACE
from stabkit.report.words.wording import metric_words
from stabkit.text import joined

__all__ = [
    "alarms_text",
    "as_json",
    "detail_text",
    "difference_text",
    "differences_texts",
    "hidden_text",
    "measured_text",
    "missing_text",
]

_LISTED: Final = 5  # names in one clause; the need holds all

Numbers = Mapping[str, float]


def measured_text(what: Measured) -> str:
    """Return what was measured as people say it.

    Examples
    --------
    >>> measured_text(Measured("chat", "event:done")), measured_text(Measured("api", "response_time", "reused"))
    ('chat arrival of done', 'api response time, reused connections')
    """
    return str(Measured(what.target, metric_words(what.metric) if what.metric else None, what.connection))


def names_text(names: Sequence[str]) -> str:
    """Return names, the first five of them."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


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
    names = [_subject_text(subject, exactly=exactly) for subject in need.subjects]
    words = _DETAILS.get(need.about or need.reason)
    text = words(names, dict(need.numbers)) if words else names_text(names)
    return text.replace(SPACE, " ") if exactly else text


def _subject_text(subject: Any, *, exactly: bool) -> str:
    if isinstance(subject, Measured):
        return str(subject) if exactly else measured_text(subject)
    if isinstance(subject, Missing):
        return _missing_item(subject)
    return difference_text(subject) if isinstance(subject, Difference) else str(subject)


def _tests(n: int) -> str:
    return f"{n} test{'' if n == 1 else 's'}"


def _named(head: str, anyone: str) -> Callable[[list[str], Numbers], str]:
    return lambda names, _: f"{head} {names[0] if names else anyone}"


def _source(state: str) -> Callable[[list[str], Numbers], str]:
    return lambda names, _: f"{names[0]} {state}: {names[1] if names[1:] else 'no message'}"


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}g}{SPACE}%"


def _hidden(names: list[str], numbers: Numbers) -> str:
    return hidden_text(int(numbers["errors"]), len(names))


def hidden_text(errors: int, tests: int) -> str:
    """Return the clause about tests that errors hide.

    Examples
    --------
    >>> hidden_text(1, 16)
    '1 collection error hides 16 tests'
    """
    said = "1 collection error hides" if errors == 1 else f"{errors} collection errors hide"
    return f"{said} {_tests(tests)}"


def _expected_to_fail(names: list[str], _: Numbers) -> str:
    what = "1 test that passed is" if len(names) == 1 else f"{len(names)} tests that passed are"
    return f"{what} now expected to fail: {names_text(names)}"


def _more_flaky(names: list[str], numbers: Numbers) -> str:
    counts = f"{len(names)} tests that were not before, {numbers['no_longer']:g} the other way round"
    return f"flaky now: {counts}: {names_text(names)}"


def _round_size(names: list[str], numbers: Numbers) -> str:
    none = f"no samples: {', '.join(names)}; " if names else ""
    return f"{none}{numbers['samples']:g} samples a round"


def _units(names: list[str], _: Numbers) -> str:
    return f"{names[0]} in {' against '.join(unit or 'no unit' for unit in names[1:])}"


def _failures(names: list[str], numbers: Numbers) -> str:
    shares = [_percent(numbers[f"{side}_share"]) for side in ("candidate", "baseline")]
    return f"{shares[0]} of {names[0]} failed, {shares[1]} before, and no condition judges failures"


def _late(_: list[str], numbers: Numbers) -> str:
    late, allowed = (f"{numbers[key]:.2g}{SPACE}ms" for key in ("late_ms", "allowed_ms"))
    return f"{late} at p{100 * numbers['quantile']:g}, {allowed} are allowed"


def _slow_by_lateness(_: list[str], numbers: Numbers) -> str:
    seen = f"{_percent(numbers['share'])} of the requests are slow by that alone"
    return f"{seen}, {_percent(numbers['allowed_share'])} are allowed"


def alarms_text(numbers: Numbers) -> str:
    """Return how often identical systems came out as changed; empty where that is not known."""
    if not numbers:
        return ""
    least = f"at least {_percent(numbers['least_share'], 3)}"
    return f"{numbers['alarms']:g} of {numbers['pairs']:g} A/A pairs came out as a change, {least}"


def _of_tests(words: str) -> Callable[[list[str], Numbers], str]:
    return lambda names, _: f"{_tests(len(names))} {words}: {names_text(names)}"


# About, or reason where it has one cause -> the clause, from names and numbers.
_DETAILS: Final[Mapping[str, Callable[[list[str], Numbers], str]]] = {
    "baseline": lambda names, _: f"no baseline to compare {names[0]} with",
    "samples": _named("no samples of", "any target"),
    "samples_on_either_side": lambda names, _: f"no samples of {names[0]} on either side",
    "good_requests": _named("no good request of", "any target"),
    "requests": lambda *_: "no requests",
    "readings": lambda *_: "no readings",
    "tests": _named("no tests of", "any suite"),
    "checks": _named("no checks of", "any target"),
    "scan": _named("no scan of", "any tool"),
    "declared": _named("no", "evidence"),
    "objective": lambda *_: "no objective is stated",
    "conditions": lambda *_: "no gating condition, and no evidence to derive one from",
    "round_size": _round_size,
    "rounds": lambda _, numbers: f"fewer than {numbers['least']:g} rounds",
    "lost_tests": _of_tests("of most recent runs ran on neither side"),
    "hidden_tests": _hidden,
    "disappeared": _of_tests("disappeared"),
    "newly_skipped": _of_tests("newly skipped"),
    "added": _of_tests("added, failing, without a baseline"),
    "no_common_test": lambda *_: "no test has a result on both sides",
    "common_tests": lambda _, numbers: f"common tests: {numbers['common']:g} of {numbers['expected']:g}",
    "flaky": lambda names, _: f"flaky now: {names_text(names)}",
    "more_flaky": _more_flaky,
    "expected_to_fail": _expected_to_fail,
    "not_scanned": lambda names, _: f"not scanned for again: {names_text(names)}",
    "missed_before": lambda names, _: f"{names[0]} missed it before as well",
    "collection": lambda *_: "collection was not completed",
    "source_failed": _source("could not be read"),
    "source_partial": _source("is incomplete"),
    "source_bare": _source("decides nothing"),
    "environments": lambda names, _: f"environment {names[0]} against {names[1]}",
    "same_run": lambda *_: "the baseline and the candidate are the same run",
    "units": _units,
    "failures": _failures,
    "late_at_quantile": _late,
    "slow_by_lateness": _slow_by_lateness,
    "noise_alone": lambda *_: "the noise between runs alone fills the margin: only rounds that both sides share help",
    "many_metrics": lambda _, numbers: (
        f"worse by itself, but not proven among {numbers['metrics']:g} metrics" if numbers else ""
    ),
    "run_noise_unknown": lambda *_: "the rounds of the two sides were not interleaved",
    "false_alarms": lambda _, numbers: alarms_text(numbers),
}

# Evidence of a kind -> how a gap of it begins; the name follows.
_KINDS: Final[Mapping[str, str]] = {
    "samples": "samples of ",
    "readings": "readings of ",
    "tests": "tests of ",
    "scan": "scan ",
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
    return _DIFFERENCES[difference.code](difference)


_DIFFERENCES: Final[Mapping[str, Callable[[Difference], str]]] = {
    "no_scan_at_all": lambda _: "no scan on either side",
    "no_scan": lambda d: f"no {d.side} scan of {d.tool}",
    "incomplete": lambda d: f"{scan_text(d)} of {d.tool} is incomplete",
    "only_totals": lambda d: f"{scan_text(d)} of {d.tool} claims {d.numbers[0]} findings and lists {d.numbers[1]}",
    "listed_less": lambda d: f"{_DIFFERENCES['only_totals'](d)}; those listed count",
    "more_unlisted": lambda d: (
        f"{d.tool} leaves {d.numbers[0]} of the findings that it claims unlisted, {d.numbers[1]} before"
    ),
    "versions": lambda d: f"{d.tool} {d.subjects[0]} against {d.subjects[1]}",
    "unknown_rules": lambda d: f"the rules of {d.tool} are unknown, the declared ones are assumed",
    "unknown_files": lambda d: f"the scanned files of {d.tool} are unknown, the declared ones are assumed",
    "rules_on_one_side": lambda d: f"the rules of {d.tool} are known on one side only",
    "files_on_one_side": lambda d: f"the scanned files of {d.tool} are known on one side only",
    "rules": lambda d: f"the rules of {d.tool} differ",
    "files": lambda d: (
        f"the scanned files of {d.tool} differ"
        + (f", {d.numbers[0]} no longer and {d.numbers[1]} newly scanned" if d.numbers else "")
    ),
    "file_counts": lambda d: f"the numbers of files that {d.tool} scanned differ",
    "files_by_range": lambda d: f"the scanned files of {d.tool} differ as the range changed them",
    "folders": lambda d: (
        f"the paths of {d.tool} start in different folders, such as {d.subjects[0]} and {d.subjects[1]}"
    ),
    "lines_not_followed": lambda _: (
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


def scan_text(difference: Difference) -> str:
    """Return whose scan a difference speaks of."""
    return f"the {difference.side} scan" if difference.side else "either scan"


def as_json(result: object) -> Any:
    """Return a result as JSON, with the words of what is lacking beside its values.

    Examples
    --------
    >>> as_json(Need(None, "rounds", "many_metrics", numbers=(("metrics", 12),)))["detail"]
    'worse by itself, but not proven among 12 metrics'
    """
    return to_json(
        result,
        {
            Need: _need_json,
            Missing: _missing_item,
            Measured: str,
            Difference: difference_text,
        },
    )


def _need_json(need: Need) -> dict[str, Any]:
    return {
        "amount": need.amount,
        "unit": need.unit,
        "reason": need.reason,
        "detail": detail_text(need, exactly=True) or None,
        "decidable_margin": None if need.decidable_margin is None else to_json(need.decidable_margin),
        "side": need.side,
        "about": need.about,
        "subjects": [_subject_text(subject, exactly=True) for subject in need.subjects],
        "numbers": to_json(dict(need.numbers)),
    }
