"""The conditions of a gate as test cases in JUnit XML, which every CI service shows.

Source: the form that Jenkins and the schema of Ant's junitreport read (``testsuites``, ``testsuite``, ``testcase`` with
``failure``, ``error``, ``skipped``).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from stabkit.report.words import decision_text, reason_text, title_text, whole_text
from stabkit.text import plain

if TYPE_CHECKING:
    from stabkit.analyze import ConditionResult
    from stabkit.case import Case

__all__ = ["gate_junit"]

_WORDS: Final = {"regressed": "failure", "inconclusive": "error"}
# What XML 1.0 has no character for.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def gate_junit(case: Case, *, lenient: bool = False) -> str:
    """Return the verdict and the conditions of a case as JUnit XML.

    Parameters
    ----------
    case : Case
    lenient : bool
        True where an inconclusive verdict passes: what is undecided is then skipped, else it is an error.

    Returns
    -------
    str
        One suite: a case ``verdict``, then a case for each condition, by its kind and name. Regressed is a failure,
        inconclusive an error. A condition that does not gate never fails; what it found is skipped, with its words.

    Notes
    -----
    The first case fails whenever the verdict is not stable, so that a report is never green by the conditions alone.
    """
    gate = case.gate
    run = case.candidate.run
    baseline = case.baseline.run if case.baseline is not None else None
    told = [_told("stabkit", "verdict", gate.verdict, decision_text(gate, lacking=case.lacking), lenient=lenient)]
    told += [_condition(condition, lenient=lenient) for condition in gate.conditions]
    counts = Counter(child.tag for one in told for child in one)
    totals = {
        "tests": str(len(told)),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "skipped": str(counts["skipped"]),
    }
    suites = ElementTree.Element("testsuites", {"name": "stabkit", **totals})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _xml(title_text(baseline, run)), **totals})
    suite.set("timestamp", run["started_at"].strftime("%Y-%m-%dT%H:%M:%S"))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("verdict", gate.verdict), ("exit_code", gate.exit_code)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": str(value)})
    suite.extend(told)
    ElementTree.indent(suites, " ")
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False)


def _condition(condition: ConditionResult, *, lenient: bool) -> ElementTree.Element:
    where, said = f"stabkit.{condition.kind}", whole_text(condition)
    if not condition.gating and condition.outcome in _WORDS:
        case = ElementTree.Element("testcase", {"classname": where, "name": _xml(plain(condition.name))})
        message = f"{condition.outcome}, and does not gate: {reason_text(condition)}"
        ElementTree.SubElement(case, "skipped", {"message": _xml(message)})
        return case
    return _told(where, plain(condition.name), condition.outcome, said, lenient=lenient)


def _told(where: str, name: str, outcome: str, said: str, *, lenient: bool) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"classname": where, "name": _xml(name)})
    word = _WORDS.get(outcome)
    if word == "error" and lenient:
        ElementTree.SubElement(case, "skipped", {"message": _xml(f"undecided: {said}")})
    elif word is not None:
        ElementTree.SubElement(case, word, {"type": outcome, "message": _xml(said)}).text = _xml(said)
    else:
        ElementTree.SubElement(case, "system-out").text = _xml(said)
    return case


def _xml(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
