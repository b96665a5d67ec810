"""The numbers behind conditions that are judged one by one: of tests, findings and checks, and of each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stabkit.analyze import ConditionResult
from stabkit.analyze.findings import FINDING_STATES
from stabkit.kinds import kind_of
from stabkit.numbers import significant
from stabkit.report.words.acceptances import accepted_until_text
from stabkit.report.words.change_facts import fact_name, fact_text
from stabkit.report.words.estimates import shares_text, value_text
from stabkit.report.words.gaps import difference_text
from stabkit.text import count, joined, plain

__all__ = ["facts_text", "item_text"]

_LONGEST = 120
_STRETCHES = 8


def facts_text(condition: ConditionResult) -> str:
    """Return how many tests, findings or checks a condition rests on; empty if it rests on none.

    Examples
    --------
    >>> facts = {"total": 3, "passed": 2, "common": 3}
    >>> facts_text(ConditionResult("api contract", "checks", "inconclusive", facts=facts))
    '3 checks, 3 of them in the baseline too; 2 pass'
    """
    facts = condition.facts
    if not any(facts.get(name) for name in ("total", "baseline_tests", "examined")):
        return ""
    words = _FACTS.get(condition.kind)
    noun = kind_of(condition.kind).noun
    return words(facts) if words else count(facts["total"], noun) if noun and "total" in facts else ""


def _checks_text(facts: Mapping[str, Any]) -> str:
    if "common" not in facts:
        return ""
    said = f"{count(facts['total'], 'check')}, {facts['common']} of them in the baseline too"
    return f"{said}; {facts.get('passed', 0)} pass"


def _tests_text(facts: Mapping[str, Any]) -> str:
    passed = [facts.get(f"{side}_pass") for side in ("baseline", "candidate")]
    parts = [
        f"{count(facts['total'], 'test')} in the candidate, {facts['baseline_tests']} in the baseline, "
        f"{facts['common']} judged in both"
    ]
    if None not in passed:
        parts.append(f"{passed[0]} → {passed[1]} pass")
    p = facts.get("mcnemar_p")
    if p is not None and p == p:  # noqa: PLR0124 - NaN alone differs from itself
        parts.append(f"McNemar's p {significant(float(p), 2)}")
    return "; ".join(parts)


def _findings_text(facts: Mapping[str, Any]) -> str:
    moved = [f"{facts[state]} {state.replace('_', ' ')}" for state in FINDING_STATES if facts.get(state)]
    compared = "the scans can be compared" if facts.get("comparable") else "the scans cannot be compared"
    why = joined(map(difference_text, facts.get("why") or facts.get("assumed") or ()))
    parts = [
        f"{count(facts['total'], 'finding')} in both runs together",
        joined(moved),
        f"{facts.get('gating', 0)} gating",
        f"{facts['below_floor']} new below the floor" if facts.get("below_floor") else "",
    ]
    return "; ".join([*(part for part in parts if part), f"{compared}: {why}" if why else compared])


def _change_text(facts: Mapping[str, Any]) -> str:
    asked = joined(fact_name(str(fact)) for fact in facts.get("facts") or ())
    return f"looked for {asked} in {count(int(facts.get('examined') or 0), 'changed file')}"


def _coverage_text(facts: Mapping[str, Any]) -> str:
    lines, files = count(int(facts.get("total") or 0), "line"), count(int(facts.get("files") or 0), "file")
    parts = [f"{facts.get('covered', 0)} of {lines} in {files} ran"]
    if facts.get("changed") is not None:
        asked = value_text(float(facts["least"]), "share")
        parts.append(f"{facts['changed_covered']} of {count(facts['changed'], 'changed line')}, {asked} asked for")
    if facts.get("baseline_total"):
        parts.append(f"{facts['baseline_covered']} of {facts['baseline_total']} in the baseline")
    return "; ".join(parts)


# Kinds whose counts and items have words of their own; others say how many there are, and the detail of each.
_FACTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "checks": _checks_text,
    "tests": _tests_text,
    "findings": _findings_text,
    "change": _change_text,
    "coverage": _coverage_text,
}


def item_text(kind: str, item: Mapping[str, Any]) -> str:
    """Return the numbers and the cause of one test, finding or check, as far as they are known.

    Examples
    --------
    >>> item_text("checks", {"expected": "200", "observed": "500", "failed": 3, "times": 5})
    'expected 200, observed 500; failed 3 of 5 times'
    """
    words = _PARTS.get(kind)
    parts = words(item) if words else []
    if item.get("accepted"):
        parts = [*parts, accepted_until_text(item["accepted"])]
    detail = item.get("detail")
    if detail and not any(str(detail) in part for part in parts):
        parts = [*parts, plain(detail, _LONGEST)]
    return "; ".join(part for part in parts if part)


def _test_parts(item: Mapping[str, Any]) -> list[str]:
    parts = []
    before, after = item.get("baseline_status"), item.get("candidate_status")
    if before or after:
        parts.append(f"{plain(before or 'not there')} → {plain(after or 'not there')}")
    if item.get("attempts"):
        parts.append(f"failed {item.get('failures') or 0} of {count(item['attempts'], 'attempt')}")
    if item.get("need_reruns"):
        parts.append(f"{count(item['need_reruns'], 'more rerun')} would tell")
    if item.get("flake_rate") is not None:
        basis = f", {plain(item['flake_basis'])}" if item.get("flake_basis") else ""
        parts.append(f"flake rate {value_text(float(item['flake_rate']), 'share')}{basis}")
    parts += [f"{words} {plain(item[key])}" for key, words in _TEST_CAUSES if item.get(key)]
    return parts


_TEST_CAUSES = (("hidden_by", "hidden by"), ("explained_by", "explained by"), ("gone_with", "gone with"))


def _finding_parts(item: Mapping[str, Any]) -> list[str]:
    parts = [plain(item["severity"])] if item.get("severity") else []
    if item.get("matched_by"):
        parts.append(f"matched by {plain(item['matched_by'])}")
    parts += [plain(item["reason"])] if item.get("reason") else []
    parts += ["suppressed"] if item.get("suppressed") else []
    parts += ["gates"] if item.get("gates") else []
    parts += ["below the floor"] if item.get("below_floor") else []
    return parts


def _check_parts(item: Mapping[str, Any]) -> list[str]:
    named = [f"{key} {plain(item[key], _LONGEST)}" for key in ("expected", "observed") if item.get(key)]
    parts = [", ".join(named)] if named else []
    if item.get("times"):
        parts.append(f"failed {item.get('failed') or 0} of {count(item['times'], 'time')}")
    if item.get("baseline_times"):
        parts.append(f"{item.get('baseline_failed') or 0} of {count(item['baseline_times'], 'time')} before")
    return parts


def _change_parts(item: Mapping[str, Any]) -> list[str]:
    if not item.get("fact"):
        return []
    line = f":{item['line']}" if item.get("line") is not None else ""
    place = f"{plain(item.get('path') or '', _LONGEST)}{line}"
    return [fact_name(str(item["fact"])), fact_text(item), place, str(item.get("confidence") or "")]


def _coverage_parts(item: Mapping[str, Any]) -> list[str]:
    if item.get("baseline_total"):
        return [shares_text(item)]
    if not item.get("missed"):
        return []
    stretches = [str(first) if first == last else f"{first}-{last}" for first, last in item["missed"]]
    missed = sum(last - first + 1 for first, last in item["missed"])
    return [
        f"{missed} of {count(int(item['changed']), 'changed line')} did not run: {joined(stretches, most=_STRETCHES)}"
    ]


_PARTS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "tests": _test_parts,
    "findings": _finding_parts,
    "checks": _check_parts,
    "change": _change_parts,
    "coverage": _coverage_parts,
}
