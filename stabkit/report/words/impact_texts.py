"""The words of a change's impact: the lines of its checklist, its risk and the reasons for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from stabkit.analyze.change import ChangeRisk, Line, Reason
from stabkit.numbers import amount_text, significant
from stabkit.report.words.change_facts import fact_name, fact_text
from stabkit.text import count, joined, plain

__all__ = ["file_reason_text", "item_place", "line_name", "line_text", "risk_input_texts", "risk_text", "risk_texts"]

_SHOWN: Final = 3
_PLURAL: Final = re.compile(r"(?<=\w)s\b")
_NAMES: Final[Mapping[str, str]] = {
    "api": "API",
    "dependencies": "Dependencies",
    "environment": "Environment variables",
    "schema": "Schema",
    "old_code_new_schema": "Old code on the new schema",
    "rollback": "Rollback",
    "configuration": "Configuration",
    "flags": "Feature flags",
    "ci": "CI permissions",
    "secrets": "Secrets",
    "contracts": "Contracts",
    "entry_points": "Commands and options",
}
_YES: Final[Mapping[str, str]] = {
    "api": "no signature-level break found",
    "dependencies": "the same versions",
    "environment": "the same names and defaults",
    "schema": "the same tables",
    "old_code_new_schema": "all that the old code needs is there",
    "rollback": "nothing irreversible",
    "configuration": "the same settings",
    "flags": "the same flags",
    "ci": "no wider than before",
    "secrets": "none added",
    "contracts": "no break found",
    "entry_points": "all are still there",
}
# One thing that was found, in the singular: two of them are counted.
_NO: Final[Mapping[str, str]] = {
    "api": "break",
    "dependencies": "change",
    "environment": "change",
    "schema": "change",
    "old_code_new_schema": "step that the old code does not survive",
    "rollback": "step without a way back",
    "configuration": "changed setting",
    "flags": "changed flag",
    "ci": "wider right",
    "secrets": "secret",
    "contracts": "break",
    "entry_points": "removal",
}
_MANY: Final[Mapping[str, str]] = {
    "old_code_new_schema": "steps that the old code does not survive",
    "rollback": "steps without a way back",
}


def line_name(line: str, *, inside: bool = False) -> str:
    """Return what a line of the checklist is about; ``inside`` a sentence, not as its first word.

    Examples
    --------
    >>> line_name("old_code_new_schema"), line_name("flags", inside=True), line_name("ci", inside=True)
    ('Old code on the new schema', 'feature flags', 'CI permissions')
    """
    name = _NAMES.get(line, plain(line.replace("_", " ")))
    return name[:1].lower() + name[1:] if inside and not name[:2].isupper() else name


def line_text(line: Line, *, most: int = _SHOWN) -> str:
    """Return what a line found: the items, what was examined without finding any, or why it is not checked.

    Examples
    --------
    >>> line_text(Line("secrets", "yes", examined=14, noun="changed files"))
    'none added (14 changed files examined)'
    >>> line_text(Line("entry_points", "yes", examined=1, noun="files with commands or options"))
    'all are still there (1 file with commands or options examined)'
    >>> line_text(Line("rollback", "not_checked", why="no migration changed"))
    'no migration changed'
    """
    if line.told and not line.items:
        return plain(line.told, 240)
    if line.answer == "not_checked" and not line.items:
        return plain(line.why or "not recorded", 240)
    if line.answer == "yes":
        return f"{_YES[line.line]} ({_examined(line)} examined)"
    items = [_item(one) for one in _apart(line.items, most)]
    more = line.total - len(items)
    counted = count(line.total, _NO[line.line], _MANY.get(line.line))
    if accepted := sum(one["accepted"] is not None for one in line.items):
        counted += f", {'all' if line.spared else amount_text(accepted)} accepted"
    text = f"{counted}: " + "; ".join(items) + (f"; and {amount_text(more)} more" if more > 0 else "")
    if line.answer == "not_checked":
        return f"{plain(line.why or 'not sure', 160)}; possibly {text}"
    return text


def _examined(line: Line) -> str:
    """Return what a line looked at; of one thing, its first plural is none."""
    noun = plain(line.noun)
    return f"{amount_text(line.examined)} {_PLURAL.sub('', noun, count=1) if line.examined == 1 else noun}"


def _apart(items: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Return the first few, what touches production before what does not."""
    order = ("production", "ci", "development")
    return sorted(items, key=lambda one: order.index(one["scope"]))[:most]


def _item(one: Mapping[str, Any]) -> str:
    beside = [word for word in (one["scope"],) if word != "production"]
    beside += ["by pattern"] if one["confidence"] == "heuristic" else []
    return fact_text(one) + (f" ({', '.join(beside)})" if beside else "")


def item_place(one: Mapping[str, Any]) -> str:
    """Return where an item stands: ``path:line``."""
    path = plain(one["path"] or "") or "place not stated"
    return path if one["line"] is None else f"{path}:{one['line']}"


def risk_text(risk: ChangeRisk) -> str:
    """Return why a change is as risky as it is in one clause: what it takes away is counted, and told elsewhere.

    Examples
    --------
    >>> broken = Reason("grave", ("api_break", "a.py"), 2, raises=True)
    >>> risk_text(ChangeRisk("HIGH", reasons=(broken, Reason("no_rank"))))
    '2 breaking changes; too little history to rank it'
    """
    grave = sum(int(reason.value or 0) for reason in risk.reasons if reason.code == "grave")
    rest = [_change_reason(reason, risk) for reason in risk.reasons if reason.code != "grave"]
    return "; ".join([*([count(grave, "breaking change")] if grave else []), *filter(None, rest)])


def risk_texts(risk: ChangeRisk) -> tuple[str, ...]:
    """Return why a change is as risky as it is, a clause a reason, what raised it first."""
    return tuple(text for reason in risk.reasons if (text := _change_reason(reason, risk)))


def _change_reason(reason: Reason, risk: ChangeRisk) -> str:
    if reason.code == "rank":
        steps = int(risk.inputs.get("steps") or 1)
        other = "earlier change of code" if steps == 1 else f"earlier stretch of {amount_text(steps)} commits"
        many = other.replace("change", "changes").replace("stretch", "stretches")
        compared = count(int(risk.inputs.get("compared") or 0), other, many)
        return f"larger than {significant(reason.value, 2)} % of {compared}"
    texts = {
        "no_code": "what changed of the running system is no code",
        "no_rank": "too little history to rank it",
        "no_change": "no file changed",
        "idle": "only documents, tests and format changed",
        "no_runtime": "nothing that runs in production changed",
        "critical": f"critical: {joined(map(plain, reason.names))}",
    }
    return texts.get(reason.code) or _found(reason)


def risk_input_texts(risk: ChangeRisk) -> tuple[str, ...]:
    """Return what a change was ranked by, in order of weight.

    Examples
    --------
    >>> risk_input_texts(ChangeRisk("LOW", 12.0, {"lines_added": 3, "files": 1, "folders": 1}))
    ('3 code lines added', '1 code file', '1 folder')
    """
    if not risk.inputs:
        return ()
    return (
        count(risk.inputs.get("lines_added"), "code line") + " added",
        count(risk.inputs.get("files"), "code file"),
        count(risk.inputs.get("folders"), "folder"),
    )


def file_reason_text(reasons: Iterable[Reason]) -> str:
    """Return why a file is as risky as it is.

    Examples
    --------
    >>> file_reason_text([Reason("churn", value=96.2, raises=True), Reason("no_tests")])
    'changed more often than 96 % of the files; no tests named after it'
    """
    return "; ".join(_file_reason(reason) for reason in reasons)


def _file_reason(reason: Reason) -> str:
    texts = {
        "category": f"only {joined(map(plain, reason.names))}",
        "same_code": "equal but for comments and format",
        "churn": f"changed more often than {significant(reason.value, 2)} % of the files",
        "migration": "a migration",
        "critical": f"{joined(map(plain, reason.names))} area",
        "only_additions": "only additions, and no module imports it",
        "no_rule": "no rule fires",
        "tests_failed": f"tests named after it failed: {joined(map(plain, reason.names))}",
        "tests_passed": f"{count(reason.value, 'test')} named after it passed",
        "no_tests": "no tests named after it",
    }
    return texts.get(reason.code) or _found(reason)


def _found(reason: Reason) -> str:
    if reason.code == "grave":
        fact, *paths = reason.names
        where = f" in {joined(map(plain, paths))}" if paths else ""
        return f"{count(reason.value, fact_name(fact), fact_name(fact, 2))}{where}"
    if reason.code == "tests_broken":
        return f"{count(reason.value, 'test')} beside it broke: {joined(map(plain, reason.names))}"
    if reason.code == "findings_new":
        return f"{count(reason.value, 'new finding')} in it: {joined(map(plain, reason.names))}"
    return plain(reason.code.replace("_", " "))
