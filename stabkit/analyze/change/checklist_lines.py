"""The production-readiness checklist: every line ``yes``, ``no`` or ``not_checked``, no tick without a check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze.change.recorded_facts import Line, lines
from stabkit.analyze.checks import worst_checks
from stabkit.analyze.outcome import ConditionResult, Gate
from stabkit.config import ChecklistLine, Config
from stabkit.vocabulary import BASE_TESTS, CHANGE_FACTS, CHANGE_LINES, CHECK_OUTCOMES, OPEN, SAID

__all__ = ["readiness"]

_OUTCOMES: Final = {"stable": "yes", "improved": "yes", "regressed": "no", "inconclusive": "not_checked"}
_AS_BEFORE: Final = ("still_failing", "fixed", "moved", "known_failure", "rare")
_WORST_FIRST: Final = ("no", "not_checked", "yes")
_ANSWERS: Final = {"pass": "yes", "fail": "no", "not_checked": "not_checked"}

Row = dict[str, Any]


def readiness(
    checks: pd.DataFrame, gate: Gate | None, config: Config | None = None, answered: Sequence[Line] | None = None
) -> pd.DataFrame:
    """Return the production-readiness checklist.

    Parameters
    ----------
    checks : DataFrame
        The table ``checks`` of the candidate.
    gate : Gate or None
        The verdict; without it, lines that rest on conditions are not checked.
    config : Config, optional
        Mission-critical suites and further lines of its ``checklist``.
    answered : sequence of Line, optional
        The lines of the change, where they are known already; else those of ``checks``.

    Returns
    -------
    DataFrame
        ``line, answer, because, method, evidence, by_hand, found``: ``answer`` is ``yes``, ``no`` or ``not_checked``;
        ``method`` names the table or condition it rests on, null if none does; ``evidence`` the details, null if there
        are none; ``by_hand`` is true of a line that only a person can answer; ``found`` holds the :class:`Line` of the
        change, whose ``line`` it is, with ``because`` null. In a fixed order, configured lines last.
    """
    changes = {found.line: found for found in (lines(checks) if answered is None else answered)}
    conditions = gate.conditions if gate else ()
    ranged = [
        _row(name, changes[name].answer, None, method="changes") | {"found": changes[name]} for name in CHANGE_LINES
    ]
    rows = [_services(checks, conditions), ranged[0], _compatible(changes, checks), *ranged[1:]]
    findings = [c for c in conditions if c.kind == "findings"]
    rows.append(_by_conditions("compliance and security kept", findings, "no scan was compared"))
    rows.append(_tests_kept([c for c in conditions if c.kind == "tests"]))
    critical = {name for name, suite in (config.tests if config else {}).items() if suite.mission_critical}
    rows += [_mission_critical(conditions, critical)] if critical else []
    rows += [_configured(line, checks, conditions) for line in (config.checklist if config else ())]
    rows = _once(rows)
    return pd.DataFrame(rows, columns=["line", "answer", "because", "method", "evidence", "by_hand", "found"])


def _row(line: str, answer: str, because: str | None, *, method: str | None = None, evidence: str | None = None) -> Row:
    told = {"line": line, "answer": answer, "because": because, "method": method, "evidence": evidence or None}
    return {**told, "by_hand": False, "found": None}


def _once(rows: Sequence[Row]) -> list[Row]:
    """Return each line once: one that is declared in the words of a computed one has the worse of both answers."""
    kept: dict[str, Row] = {}
    for row in rows:
        name = str(row["line"]) if row["found"] is None else CHANGE_FACTS[CHANGE_LINES[str(row["line"])][0]]
        same = kept.setdefault(name.casefold(), row)
        if not row["by_hand"] and _WORST_FIRST.index(row["answer"]) < _WORST_FIRST.index(same["answer"]):
            kept[name.casefold()] = row
    return list(kept.values())


def _services(checks: pd.DataFrame, conditions: Sequence[ConditionResult]) -> Row:
    line, probes = "services healthy", worst_checks(checks[checks["target"] != "changes"]).sort_index()
    if probes.empty:
        return _row(line, "not_checked", "no probe ran")
    # What fails now and then, no more often than before, is judged to be kept.
    rare = {(i["target"], i["check"]) for c in conditions for i in c.items if i.get("state") == "rare"}
    kept = pd.Series([key in rare for key in zip(probes["target"], probes["check"], strict=True)], index=probes.index)
    probes = probes.assign(outcome=probes["outcome"].mask(kept, "pass"))
    answer, shown = _worst(probes)
    targets = probes["target"].nunique()
    on = f"{targets} targets" if targets > 1 else "1 target"
    because = f"{int((probes['outcome'] == 'pass').sum())} of {len(probes)} checks on {on} passed"
    return _row(line, answer, because, method="checks", evidence=shown)


def _worst(checks: pd.DataFrame) -> tuple[str, str | None]:
    for outcome in ("fail", "not_checked"):
        found = checks[checks["outcome"] == outcome]
        if len(found):
            return _ANSWERS[outcome], "; ".join(
                f"{t}: {c}" for t, c in zip(found["target"], found["check"], strict=True)
            )
    return "yes", None


def _by_check(line: str, checks: pd.DataFrame, target: str | None, check: str) -> Row:
    found = checks[checks["check"] == check]
    if target is not None:
        found = found[found["target"] == target]
    if found.empty:
        return _row(line, "not_checked", f"there is no check {check!r}")
    worst = found.loc[found["outcome"].map(CHECK_OUTCOMES.index).sort_values(kind="stable").index[0]]
    observed, detail = (worst[name] if pd.notna(worst[name]) else None for name in ("observed", "detail"))
    because = observed or (detail if worst["outcome"] == "not_checked" else None) or str(worst["outcome"])
    return _row(line, _ANSWERS[worst["outcome"]], because, method=f"checks: {check}", evidence=detail)


def _compatible(changes: Mapping[str, Line], checks: pd.DataFrame) -> Row:
    line, method = "backward compatible", "derived"
    asked = ("api", "contracts", "entry_points", "old_code_new_schema")
    broken = [name for name in asked if changes[name].answer == "no"]
    tried = _by_check(line, checks, "changes", BASE_TESTS)
    if broken:
        told = f"answered no: {', '.join(name.replace('_', ' ') for name in broken)}"
        lost = f"; the baseline's own tests: {tried['because']}" if tried["answer"] == "no" else ""
        return _row(line, "no", told + lost, method=method)
    if tried["method"] is None:
        return _row(line, "not_checked", "the baseline's own tests were not run against the candidate")
    if tried["answer"] != "yes":
        return tried
    unsure = [name for name in asked if changes[name].answer == "not_checked" and not changes[name].settled]
    if unsure:
        words = ", ".join(name.replace("_", " ") for name in unsure)
        return _row(line, "not_checked", f"the baseline's own tests pass, but not checked: {words}", method=method)
    return _row(line, "yes", f"the baseline's own tests: {tried['because']}; nothing they rely on broke", method=method)


def _by_conditions(line: str, conditions: Sequence[ConditionResult], nothing: str) -> Row:
    if not conditions:
        return _row(line, "not_checked", nothing)
    for outcome in OPEN:
        found = [c for c in conditions if c.outcome == outcome]
        if found:
            names = ", ".join(c.name for c in found)
            worse = [item for c in found for item in c.items if item.get("state") not in _AS_BEFORE]
            evidence = "; ".join(str(item.get("what")) for item in worse[:5])
            return _row(
                line,
                _OUTCOMES[outcome],
                f"{SAID.get(outcome, outcome)}: {names}",
                method="conditions",
                evidence=evidence,
            )
    accepted = [str(item.get("what")) for c in conditions for item in c.items if item.get("state") == "accepted"]
    if accepted:
        return _row(line, "no", f"accepted: {len(accepted)}", method="conditions", evidence="; ".join(accepted[:5]))
    return _row(line, "yes", f"stable: {', '.join(c.name for c in conditions)}", method="conditions")


def _tests_kept(conditions: Sequence[ConditionResult]) -> Row:
    line = "test infrastructure: all tests kept"
    if not conditions:
        return _row(line, "not_checked", "no test suite was compared")
    gone = [str(item.get("what")) for c in conditions for item in c.items if item.get("state") == "disappeared"]
    if gone:
        return _row(
            line,
            "no",
            f"{len(gone)} test{'s' if len(gone) > 1 else ''} vanished",
            method="conditions",
            evidence="; ".join(gone[:20]),
        )
    blind = [
        c.name for c in conditions if any(need.reason in ("missing", "not_collected", "partial") for need in c.needs)
    ]
    if blind:
        return _row(line, "not_checked", f"a side is missing or partial: {', '.join(blind)}", method="conditions")
    return _row(line, "yes", f"all kept: {', '.join(c.name for c in conditions)}", method="conditions")


def _mission_critical(conditions: Sequence[ConditionResult], suites: Collection[str]) -> Row:
    line = "mission-critical tests keep their results"
    judged = [c for c in conditions if c.kind == "tests" and (c.target in suites or c.target is None)]
    unjudged = sorted(set(suites) - {c.target for c in judged}) if all(c.target for c in judged) else []
    if unjudged:
        return _row(line, "not_checked", f"no condition judges: {', '.join(unjudged)}")
    return _by_conditions(line, judged, "no suite was compared")


def _configured(line: ChecklistLine, checks: pd.DataFrame, conditions: Sequence[ConditionResult]) -> Row:
    if line.condition is not None:
        found = [c for c in conditions if c.name == line.condition]
        return _by_conditions(line.line, found, f"there is no condition {line.condition!r}")
    if line.check is not None:
        return _by_check(line.line, checks, line.target, line.check)
    return _row(line.line, "not_checked", "manual: not verified") | {"by_hand": True}
