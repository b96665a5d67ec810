"""The words of what a change does, fact by fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from stabkit.numbers import amount_text
from stabkit.text import plain

__all__ = ["changed_facts_text", "fact_name", "fact_text"]

_SHOWN: Final = 3
_SIDES: Final = 60
# A fact as people call it, and several of them.
_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "irreversible_migration": ("irreversible step of a migration", "irreversible steps of migrations"),
    "breaking_migration": ("step that the old code does not survive", "steps that the old code does not survive"),
    "secret_added": ("added secret", "added secrets"),
    "api_break": ("API break", "API breaks"),
    "deleted_module": ("deleted module", "deleted modules"),
    "contract_break": ("contract break", "contract breaks"),
    "entry_point_removed": ("command or option removed", "commands or options removed"),
    "permission_widened": ("wider right", "wider rights"),
    "dependency_change": ("changed dependency", "changed dependencies"),
    "environment_change": ("changed environment variable", "changed environment variables"),
    "schema_change": ("schema change", "schema changes"),
    "configuration_change": ("changed setting", "changed settings"),
    "flag_change": ("changed feature flag", "changed feature flags"),
}
# What happened -> the clause. {owner} is a function without the parameter that stands behind it in parentheses.
_CLAUSES: Final[Mapping[str, str]] = {
    "parameter_removed": "the public {noun} {owner} lost its parameter {parameter}",
    "parameter_moved": "the public {noun} {owner} moved its parameter {parameter}",
    "parameter_added_required": "the public {noun} {owner} demands a new parameter {parameter}",
    "parameter_changed_required": "the public {noun} {owner} demands its parameter {parameter} now",
    "parameter_changed_default": "the public {noun} {owner} has another default: {before} → {after}",
    "parameter_changed_kind": "the public {noun} {owner} takes its parameter {parameter} in another way",
    "parameter_changed_type": "the public {noun} {owner} takes another type: {before} → {after}",
    "return_changed_type": "the public {noun} {what} returns another type: {before} → {after}",
    "object_removed": "the public {noun} {what} is gone",
    "object_changed_kind": "the public name {what} is of another kind",
    "attribute_changed_type": "the public {noun} {what} has another type: {before} → {after}",
    "attribute_changed_value": "the public {noun} {what} has another value: {before} → {after}",
    "enum_changed_value": "the member {what} has another value: {before} → {after}",
    "class_removed_base": "the public class {what} lost a base class",
    "abstract_method_added": "the public class {what} demands a new method of its subclasses",
    "awaited_changed": "the public {noun} {what} is awaited in another way",
    "became_final": "the public {noun} {what} may be changed no more by subclasses",
    "binding_changed": "the public {noun} {what} is called in another way",
    "exception_added": "the public {noun} {what} may raise anew: {after}",
    "export_removed": "the name {what} is exported no more",
    "field_added_required": "the public class {what} demands a new field",
    "fields_changed": "the public class {what} has other fields",
    "setter_removed": "the public {noun} {what} can be set no more",
    "signature_changed": "the public {noun} {what} is called in another way: {before} → {after}",
    "deleted": "module {path} deleted",
    "renamed": "module {path} renamed to {after}",
    "dropped": "migration {file} drops the {noun} {what}",
    "emptied": "migration {file} deletes rows of the table {what}",
    "overwritten": "migration {file} writes over what the column {what} held",
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
# What a variable of the environment is, and what became of it.
_VARIABLES: Final[Mapping[tuple[str, str], str]] = {
    ("unset", "added"): "{what} is read without a default, and set nowhere",
    ("unset", "changed"): "{what} has no default any more, and is set nowhere",
    ("unset", "removed"): "{what} is set nowhere any more, and has no default",
    ("read", "added"): "{what} is read",
    ("read", "removed"): "{what} is read no more",
    ("default", "changed"): "{what} has another default: {before} → {after}",
    ("set", "added"): "{what} is set",
    ("set", "removed"): "{what} is set no more",
    ("set", "changed"): "{what} is set otherwise: {before} → {after}",
}
# These nouns say what the line says already.
_UNSAID: Final = ("name", "key", "value", "secret", "permission", "trigger")
# Contracts know these words too: they speak of no migration and of no Python.
_FOREIGN_NOUNS: Final = ("field", "property", "route", "path", "operation", "rpc", "enum value", "schema", "body")
_SIZES: Final = ("major", "minor", "patch", "pre-release")


def fact_name(fact: str, amount: float | None = 1) -> str:
    """Return a fact as people call it, or so many of them.

    Examples
    --------
    >>> fact_name("api_break"), fact_name("dependency_change", 2)
    ('API break', 'changed dependencies')
    """
    return _NAMES[fact][amount != 1] if fact in _NAMES else plain(fact.replace("_", " "))


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
    owner, bracket, rest = said["what"].partition("(")
    parameter = rest.rstrip(")") if bracket else said["before"] or said["after"]
    said |= {"file": PurePosixPath(said["path"]).stem, "noun": said["noun"] or "name"}
    said |= {"owner": owner, "parameter": parameter}
    change = str(fact.get("change") or "")
    if change in _CLAUSES and said["noun"] not in _FOREIGN_NOUNS:
        return _clause(_CLAUSES[change], said)
    clause = _VARIABLES.get((said["noun"], change)) if fact.get("fact") == "environment_change" else None
    text = _clause(clause, said) if clause else _plain_text(change, said)
    return f"{text} in {said['path']}" if placed and said["path"] else text


def _clause(clause: str, said: Mapping[str, str]) -> str:
    """Return a clause with what it speaks of; without both sides, it ends before them."""
    if not (said["before"] and said["after"]):
        clause = clause.removesuffix(": {before} → {after}")
    return clause.format(**{**said, "before": plain(said["before"], _SIDES), "after": plain(said["after"], _SIDES)})


def _plain_text(change: str, said: Mapping[str, str]) -> str:
    """Return a fact that needs no clause of its own: what it is, and what became of it."""
    before, after = plain(said["before"], _SIDES), plain(said["after"], _SIDES)
    what, noun = said["what"], said["noun"]
    if before and after:
        text = f"{what}: {before} → {after}"
    elif change in ("added", "removed", "changed"):
        side = after or before
        text = f"{what} {change}" + (f" ({side})" if side and side not in what else "")
    else:
        text = f"{what}: {change.replace('_', ' ')}"
    size = next((word for word in _SIZES if noun.endswith(word)), None)
    if size:
        return f"{text}, {noun}"
    return text if noun in _UNSAID or noun in text else f"{noun} {text}"


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
