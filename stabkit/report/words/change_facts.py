"""The words of what a change does, fact by fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from stabkit.numbers import amount_text
from stabkit.text import plain

__all__ = ["changed_facts_text", "fact_name", "fact_text"]

_SHOWN: Final = 3
_NAMES: Final[Mapping[str, str]] = {
    "irreversible_migration": "irreversible migration",
    "api_break": "API break",
    "deleted_module": "deleted module",
    "dependency_change": "changed dependency",
    "environment_change": "changed environment variable",
    "schema_change": "schema change",
    "configuration_change": "configuration change",
    "breaking_migration": "migration that the old code does not survive",
    "secret_added": "added secret",
    "contract_break": "contract break",
    "entry_point_removed": "removed command or option",
    "permission_widened": "wider CI permission",
    "flag_change": "changed feature flag",
}
# What happened -> the clause; of an object and its parts.
_CLAUSES: Final[Mapping[str, str]] = {
    "parameter_removed": "the public {noun} {what} lost its parameter {before}",
    "parameter_moved": "the public {noun} {what} moved its parameter {before}",
    "parameter_added_required": "the public {noun} {what} demands a new parameter {after}",
    "parameter_changed_required": "the public {noun} {what} demands its parameter {after} now",
    "parameter_changed_default": "the public {noun} {what} has another default of {before}",
    "parameter_changed_kind": "the public {noun} {what} takes its parameter {before} in another way",
    "return_changed_type": "the public {noun} {what} returns another type",
    "object_removed": "the public {noun} {what} is gone",
    "object_changed_kind": "the public name {what} is of another kind",
    "attribute_changed_type": "the public {noun} {what} has another type",
    "class_removed_base": "the public class {what} lost a base class",
    "deleted": "module {path} deleted",
    "renamed": "module {path} renamed to {after}",
    "dropped": "migration {file} drops the {noun} {what}",
    "emptied": "migration {file} deletes rows of the table {what}",
    "one_way": "migration {file} has no way back ({what})",
    "matched": "migration {file} may lose data ({what})",
    "narrowed": "migration {file} narrows the {noun} {what}",
    "retyped": "migration {file} gives the {noun} {what} another type",
    "renamed_away": "migration {file} renames the {noun} {what} to {after}",
    "required": "migration {file} adds the {noun} {what}, which must not be null and has no default",
    "not_null": "migration {file} lets the {noun} {what} be null no more",
    "default_dropped": "migration {file} drops the default of the {noun} {what}",
    "unique": "migration {file} demands that {what} is unique",
    "checked": "migration {file} holds {what} to a new rule",
    "value_removed": "migration {file} takes the value {what} away",
    "taken_back": "the database knows migration {file}, and the candidate does not",
}
_SIDES: Final = 60


def fact_name(fact: str) -> str:
    """Return a fact as people call it.

    Examples
    --------
    >>> fact_name("api_break")
    'API break'
    """
    return _NAMES.get(fact, plain(fact.replace("_", " ")))


def fact_text(fact: Mapping[str, Any], *, placed: bool = True) -> str:
    """Return what a change does, as one clause; ``placed`` false where its file is told beside it.

    Examples
    --------
    >>> fact = {"fact": "api_break", "path": "shop/api.py", "what": "shop.api.total", "noun": "function"}
    >>> fact_text({**fact, "change": "parameter_removed", "before": "tax"})
    'the public function shop.api.total lost its parameter tax'
    >>> fact_text({"fact": "deleted_module", "path": "shop/legacy.py", "change": "deleted"})
    'module shop/legacy.py deleted'
    """
    names = ("path", "what", "noun", "before", "after")
    said = {name: plain(fact.get(name) or "") for name in names}
    said |= {"file": PurePosixPath(said["path"]).stem, "noun": said["noun"] or "name"}
    change = str(fact.get("change") or "")
    if change in _CLAUSES:
        return _CLAUSES[change].format(**said)
    return _plain_text(change, said if placed else {**said, "path": ""})


def _plain_text(change: str, said: Mapping[str, str]) -> str:
    """Return a fact that needs no clause of its own: what, what became of it, where it stands."""
    before, after = plain(said["before"], _SIDES), plain(said["after"], _SIDES)
    what = said["what"]
    if before and after:
        text = f"{what}: {before} → {after}"
    elif change in ("added", "removed", "changed"):
        side = after or before
        text = f"{what} {change}" + (f" ({side})" if side else "")
    else:
        text = f"{what}: {change.replace('_', ' ')}"
    noun = "" if said["noun"] == "name" or said["noun"] in text else f"{said['noun']} "
    return f"{noun}{text} in {said['path']}" if said["path"] else f"{noun}{text}"


def changed_facts_text(facts: Sequence[Mapping[str, Any]]) -> str:
    """Return the gravest few facts, and how many more there are; of each kind one before the second of any.

    Examples
    --------
    >>> gone = [{"fact": "deleted_module", "path": f"shop/{n}.py", "change": "deleted"} for n in "abcde"]
    >>> changed_facts_text(gone)
    'module shop/a.py deleted; module shop/b.py deleted; module shop/c.py deleted; and 2 more breaking changes'
    """
    seen: dict[str, int] = {}
    ranks = []
    for number, fact in enumerate(facts):
        kind = str(fact.get("fact"))
        ranks.append((seen.setdefault(kind, 0), number))
        seen[kind] += 1
    chosen = sorted(number for _, number in sorted(ranks)[:_SHOWN])
    parts = [fact_text(facts[number]) for number in chosen]
    rest = len(facts) - len(parts)
    more = [f"and {amount_text(rest)} more breaking change{'s' if rest > 1 else ''}"] if rest else []
    return "; ".join([*parts, *more])
