"""The variables that the settings classes of pydantic read: prefix, aliases, nested and inherited fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from stabkit.change.environment.python.bindings import Names, literal
from stabkit.change.environment.uses import REQUIRED, Use
from stabkit.change.python_code import dotted

__all__ = ["settings_reads"]

_ALIASES: Final = ("validation_alias", "alias", "env")
_DEEPEST: Final = 5


@dataclass(frozen=True)
class _Options:
    prefix: str = ""
    delimiter: str = ""
    sensitive: bool = False
    fields: dict[str, list[str]] = field(default_factory=dict)


def settings_reads(names: Names) -> list[Use]:
    """Return the variables that the settings classes of a file read."""
    classes = {node.name: node for node in names.nodes if isinstance(node, ast.ClassDef)}
    found: list[Use] = []
    for node in classes.values():
        if _is_settings(node, classes, names, 0):
            found += _reads(node, classes, names, _options(node, classes, names, 0))
    return found


def _is_settings(node: ast.ClassDef, classes: dict[str, ast.ClassDef], names: Names, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    for base in node.bases:
        name = names.resolved(base)
        if name.rpartition(".")[2] == "BaseSettings":
            return True
        if name in classes and _is_settings(classes[name], classes, names, depth + 1):
            return True
    # A base that another file defines is one if the class is configured as only settings are.
    calls = [getattr(item.value, "func", None) for item in node.body if isinstance(item, ast.Assign)]
    return any(dotted(call).endswith("SettingsConfigDict") for call in calls)


def _options(node: ast.ClassDef, classes: dict[str, ast.ClassDef], names: Names, depth: int) -> _Options:
    options = _Options()
    for base in reversed(node.bases):
        parent = classes.get(names.resolved(base))
        if parent is not None and depth < _DEEPEST:
            options = _options(parent, classes, names, depth + 1)
    given: list[tuple[str, ast.expr]] = [(word.arg, word.value) for word in node.keywords if word.arg]
    for item in node.body:
        if isinstance(item, ast.Assign | ast.AnnAssign) and item.value is not None:
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            if any(dotted(target) == "model_config" for target in targets):
                given += _pairs(item.value)
        elif isinstance(item, ast.ClassDef) and item.name == "Config":
            given += [(dotted(i.targets[0]), i.value) for i in item.body if isinstance(i, ast.Assign)]
    for key, value in given:
        texts = names.texts(value)
        if key == "env_prefix" and texts:
            options = replace(options, prefix=texts[0])
        elif key == "env_nested_delimiter" and texts:
            options = replace(options, delimiter=texts[0])
        elif key == "case_sensitive" and isinstance(value, ast.Constant):
            options = replace(options, sensitive=bool(value.value))
        elif key == "fields" and isinstance(value, ast.Dict):
            options = replace(options, fields=dict(_configured(value, names)))
    return options


def _pairs(value: ast.expr) -> list[tuple[str, ast.expr]]:
    if isinstance(value, ast.Call):
        return [(word.arg, word.value) for word in value.keywords if word.arg]
    if isinstance(value, ast.Dict):
        return [(str(k.value), v) for k, v in zip(value.keys, value.values, strict=True) if isinstance(k, ast.Constant)]
    return []


def _configured(value: ast.Dict, names: Names) -> Iterator[tuple[str, list[str]]]:
    for key, inner in _pairs(value):
        found = [name for word, given in _pairs(inner) if word == "env" for name in _aliases(given, names)]
        if found:
            yield key, found


def _reads(
    node: ast.ClassDef, classes: dict[str, ast.ClassDef], names: Names, options: _Options, depth: int = 0
) -> list[Use]:
    found: dict[str, list[Use]] = {}
    if depth > _DEEPEST:
        return []
    for base in reversed(node.bases):
        parent = classes.get(names.resolved(base))
        if parent is not None:
            for use in _reads(parent, classes, names, options, depth + 1):
                found[use.name] = [use]
    for item in node.body:
        target: ast.expr | None = item.target if isinstance(item, ast.AnnAssign) else None
        value = item.value if isinstance(item, ast.AnnAssign) else None
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):
            target, value = item.targets[0], item.value
        if not isinstance(target, ast.Name) or target.id.startswith("_") or target.id == "model_config":
            continue
        annotation = item.annotation if isinstance(item, ast.AnnAssign) else None
        if annotation is not None and "ClassVar" in dotted(getattr(annotation, "value", annotation)):
            continue
        aliases, default = _field(value, annotation, names)
        inner = _inner(annotation, classes)
        if inner is not None and options.delimiter and not aliases:
            nested = replace(options, prefix=f"{options.prefix}{target.id}{options.delimiter}", fields={})
            uses = _reads(inner, classes, names, nested, depth + 1)
        else:
            full = aliases or options.fields.get(target.id) or [f"{options.prefix}{target.id}"]
            uses = [Use(n if options.sensitive else n.upper(), item.lineno, default) for n in full]
        found[target.id] = uses
    # An inherited field that this class defines anew is read once.
    every = {use.name: use for uses in found.values() for use in uses}
    return list(every.values())


def _field(value: ast.expr | None, annotation: ast.expr | None, names: Names) -> tuple[list[str], str | None]:
    """Return the names that a field is given, and its default."""
    aliases: list[str] = []
    calls = [part for part in ast.walk(annotation) if isinstance(part, ast.Call)] if annotation is not None else []
    default = REQUIRED if value is None else literal(value)
    if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] in ("Field", "FieldInfo"):
        calls.append(value)
        given = next((w.value for w in value.keywords if w.arg in ("default", "default_factory")), None)
        given = value.args[0] if given is None and value.args else given
        default = REQUIRED if given is None else literal(given)
    if default in ("...", "Ellipsis"):
        default = REQUIRED
    if value is None and annotation is not None and "Optional" in dotted(getattr(annotation, "value", annotation)):
        default = None
    for call in calls:
        words = {w.arg: w.value for w in call.keywords if w.arg in _ALIASES}
        chosen = next((words[word] for word in _ALIASES if word in words), None)
        aliases += _aliases(chosen, names) if chosen is not None else []
    return aliases, default


def _aliases(node: ast.expr, names: Names) -> list[str]:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [name for item in node.elts for name in _aliases(item, names)]
    if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "AliasChoices":
        return [name for item in node.args for name in _aliases(item, names)]
    if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "AliasPath":
        return _aliases(node.args[0], names) if node.args else []
    return names.texts(node) or []


def _inner(annotation: ast.expr | None, classes: dict[str, ast.ClassDef]) -> ast.ClassDef | None:
    if annotation is None:
        return None
    return next((classes[p.id] for p in ast.walk(annotation) if isinstance(p, ast.Name) and p.id in classes), None)
