"""The lines of the change checklist: each ``pass``, ``fail`` or ``not_checked``, with what was examined.

A line that examined nothing is never a pass. Proven answers come from parsed files; where only a pattern was matched,
the detail says heuristic.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from stabkit.change.api_breaks import api_break
from stabkit.change.dependencies import is_lock, read_dependencies
from stabkit.change.paths import categorise
from stabkit.change.python_code import dotted, parse
from stabkit.change.snapshots import Snapshots
from stabkit.change.variables import ENV_FILE, assigned, variables
from stabkit.redact import redact_text

__all__ = ["checklist"]

Place = tuple[str, str]
"""A path, and what stands there: the line and the rest of the text."""


@dataclass(frozen=True)
class Answer:
    """How a line of the checklist came out.

    Attributes
    ----------
    outcome, observed, detail : str
        As in the table ``checks``.
    paths : tuple of str
        Every file that fails it, also those that the detail has no room for.
    """

    outcome: str
    observed: str
    detail: str
    paths: tuple[str, ...] = ()


_SHOWN: Final = 20
_MOST_SETTINGS: Final = 100_000
_FIELDS: Final = re.compile(r"(^|\.)(Column|mapped_column|relationship|\w+Field|ForeignKey|Field)$")
_DROPS: Final = re.compile(
    r"(?i)\b(drop\s+(table|column|schema|database|type)|truncate\s|delete\s+from|drop_(table|column)|"
    r"RemoveField|DeleteModel)"
)


def checklist(snapshots: Snapshots | None, why: str = "") -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Return one ``checks`` row a line, and path -> the lines that fail by that file.

    All lines are ``not_checked`` because of ``why`` if there are no snapshots.
    """
    lines: tuple[tuple[str, str, Callable[[Snapshots], Answer]], ...] = (
        ("no API break", "no break in public signatures", lambda known: Answer(*api_break(known))),
        ("no dependency change", "resolved versions equal", _dependencies),
        ("no environment variable change", "names and defaults equal", _environment),
        ("no schema change", "no migration, model field or schema file changed", _schema),
        ("no configuration change", "key paths and values equal", _configuration),
        ("rollback possible", "nothing irreversible", _rollback),
    )
    rows: list[dict[str, Any]] = []
    refused: dict[str, list[str]] = {}
    for check, expected, answer in lines:
        found = answer(snapshots) if snapshots else Answer("not_checked", "", why)
        row = {"target": "changes", "check": check, "expected": expected, "observed": found.observed or None}
        rows.append(row | {"outcome": found.outcome, "detail": redact_text(found.detail)})
        for path in found.paths:
            refused.setdefault(path, []).append(check)
    return rows, refused


def _dependencies(snapshots: Snapshots) -> Answer:
    known = [path for path in snapshots.head_tree if _is_dependency(path)]
    known += [path for path in snapshots.base_tree if _is_dependency(path) and path not in snapshots.head_tree]
    if not known:
        return Answer("not_checked", "", "no dependency file was found")
    locks = [path for path in known if is_lock(path)]
    found: list[Place] = []
    unread = []
    for change in snapshots.changes:
        if not (_is_dependency(change.path) or _is_dependency(change.base_path)):
            continue
        old, new = (
            set() if content is None else read_dependencies(path, content)
            for path, content in ((change.base_path, snapshots.before(change)), (change.path, snapshots.after(change)))
        )
        if snapshots.unread(change) or old is None or new is None:
            unread.append(change.path)
            continue
        found += [(change.path, f": - {item}") for item in sorted(old - new)]
        found += [(change.path, f": + {item}") for item in sorted(new - old)]
    examined = f"dependency files examined: {len(known)}, lock files among them: {len(locks)}"
    if found:
        return _no(found, "changed dependencies", examined)
    if unread:
        return Answer("not_checked", "", f"could not be parsed: {', '.join(unread[:_SHOWN])}")
    if not locks and not all(_all_pinned(snapshots, path) for path in known):
        observed = "declared ranges equal; resolved versions unknown"
        return Answer("not_checked", observed, f"{examined}; commit a lock file")
    return Answer("pass", "all equal", examined)


def _is_dependency(path: str) -> bool:
    return categorise(path) == "dependency" and not path.endswith("setup.py")


def _all_pinned(snapshots: Snapshots, path: str) -> bool:
    blob = snapshots.head_tree.get(path)
    if blob is None or not path.endswith(".txt"):
        return False
    content = snapshots.git.contents([blob]).get(blob.object_id)
    found = read_dependencies(path, content) if content is not None else None
    return bool(found) and all(re.fullmatch(r"\S+ [\w.!+-]+|--hash=\S+", item) for item in found or ())


def _environment(snapshots: Snapshots) -> Answer:
    before: dict[str, tuple[str, Place]] = {}
    after: dict[str, tuple[str, Place]] = {}
    dynamic, unread, heuristic, examined = [], [], False, 0
    for change in snapshots.changes:
        if categorise(change.path) in ("doc", "test"):
            examined += 1
            continue
        if snapshots.unread(change):
            unread.append(change.path)
            continue
        examined += 1
        for path, content, names in (
            (change.base_path, snapshots.before(change), before),
            (change.path, snapshots.after(change), after),
        ):
            named = [] if content is None else variables(path, content)
            if named is None:
                unread.append(path)
                continue
            heuristic = heuristic or not path.endswith(".py")
            dynamic += [f"{path}:{line}" for name, _, line in named if name is None]
            for name, default, line in named:
                if name is not None:
                    names.setdefault(f"{name}={default}", (name, (path, f":{line}")))
    found = [(path, f"{at}: - {name}") for key, (name, (path, at)) in sorted(before.items()) if key not in after]
    found += [(path, f"{at}: + {name}") for key, (name, (path, at)) in sorted(after.items()) if key not in before]
    text = f"examined {examined} changed files" + (", some by pattern only (heuristic)" if heuristic else "")
    if found:
        return _no(found, "changed names or defaults", text)
    if unread or dynamic:
        parts = [f"could not be read: {', '.join(unread[:_SHOWN])}"] if unread else []
        parts += [f"names made at run time: {', '.join(sorted(set(dynamic))[:_SHOWN])}"] if dynamic else []
        return Answer("not_checked", "", "; ".join(parts))
    return Answer("pass", "all equal", text)


def _schema(snapshots: Snapshots) -> Answer:
    found: list[Place] = []
    unread = []
    for change in snapshots.changes:
        category = categorise(change.path)
        if category == "test":
            continue
        if category == "migration" or change.path.endswith((".proto", ".avsc", ".prisma")):
            if not change.path.endswith("__init__.py"):
                found.append((change.path, f":1: {change.status}"))
        elif change.path.endswith(".py"):
            old, new = parse(snapshots.before(change) or b""), parse(snapshots.after(change) or b"")
            if snapshots.unread(change) or old is None or new is None:
                unread.append(change.path)
                continue
            before, after = _fields(old), _fields(new)
            found += [(change.base_path, f":{before[key]}: - {key}") for key in sorted(before.keys() - after.keys())]
            found += [(change.path, f":{after[key]}: + {key}") for key in sorted(after.keys() - before.keys())]
    examined = f"examined {len(snapshots.changes)} changed files: migrations, schema files, model fields"
    if found:
        return _no(found, "changed", examined)
    if unread:
        return Answer("not_checked", "", f"could not be parsed: {', '.join(unread[:_SHOWN])}")
    return Answer("pass", "none", examined)


def _fields(tree: ast.Module) -> dict[str, int]:
    found = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for item in node.body:
            if not isinstance(item, ast.Assign | ast.AnnAssign):
                continue
            target = item.targets[0] if isinstance(item, ast.Assign) else item.target
            if isinstance(item.value, ast.Call) and _FIELDS.search(dotted(item.value.func)):
                found[f"{node.name}.{ast.unparse(target)} = {ast.unparse(item.value)}"] = item.lineno
    return found


def _configuration(snapshots: Snapshots) -> Answer:
    found: list[Place] = []
    unread, examined = [], 0
    for change in snapshots.changes:
        if categorise(change.path) != "config":
            continue
        examined += 1
        old, new = (
            {} if content is None else _settings(path, content)
            for path, content in ((change.base_path, snapshots.before(change)), (change.path, snapshots.after(change)))
        )
        if snapshots.unread(change) or old is None or new is None:
            unread.append(change.path)
            continue
        keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        found += [(change.path, f": {key}") for key in keys]
    known = sum(categorise(path) == "config" for path in snapshots.head_tree)
    text = f"examined {examined} changed of {known} configuration files"
    if found:
        return _no(found, "changed key paths", text)
    if unread:
        return Answer("not_checked", "", f"could not be parsed: {', '.join(unread[:_SHOWN])}")
    if not examined and not known:
        return Answer("not_checked", "", "no configuration file was found")
    return Answer("pass", "all equal", text)


def _settings(path: str, content: bytes) -> dict[str, str] | None:  # noqa: PLR0911 - one return a format
    try:
        text = content.decode("utf-8")
        if path.endswith(".toml"):
            return dict(_flat(tomllib.loads(text)))
        if path.endswith(".json"):
            return dict(_flat(json.loads(text)))
        if path.endswith((".ini", ".cfg")):
            parser = configparser.RawConfigParser()
            parser.read_string(text)
            own = {f"{part}.{key}": value for part in parser.sections() for key, value in parser.items(part)}
            return own | {f"DEFAULT.{key}": value for key, value in parser.defaults().items()}
        if path.endswith(".properties") or ENV_FILE.search(path):
            return {name: value for name, value, _ in assigned(text)}
        if path.endswith((".yml", ".yaml")):
            import yaml  # type: ignore[import-untyped, unused-ignore]

            # Aliases of aliases may stand for more keys than any memory holds.
            found = dict(islice(_flat(list(yaml.safe_load_all(text))), _MOST_SETTINGS + 1))
            return found if len(found) <= _MOST_SETTINGS else None
    except Exception:  # noqa: BLE001 - any parser may refuse foreign text in its own way; the answer is "not parsed"
        return None
    return None


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{prefix}[{number}]")
    else:
        yield prefix or "(all)", repr(value)


def _rollback(snapshots: Snapshots) -> Answer:
    found: list[Place] = []
    examined = 0
    schema = _schema(snapshots)
    for change in snapshots.changes:
        content = snapshots.after(change)
        if categorise(change.path) != "migration" or content is None:
            continue
        examined += 1
        text = content.decode("utf-8", "replace")
        forward = text.partition("def downgrade(")[0]
        steps = [(forward.count("\n", 0, step.start()) + 1, step[0]) for step in _DROPS.finditer(forward)]
        steps += [(line, "RunPython without reverse") for line in _one_way(parse(content))]
        found += [(change.path, f":{line}: {step}") for line, step in steps]
    if found:
        return _no(found, "irreversible steps", f"examined {examined} migrations by pattern (heuristic)")
    if schema.outcome == "not_checked":
        return Answer("not_checked", "", f"the schema was not checked: {schema.detail}")
    if not examined:
        changed = "models or schema files changed without a migration"
        return Answer("not_checked", "", changed if schema.outcome == "fail" else "the range holds no migration")
    return Answer(
        "pass", "nothing irreversible", f"examined {examined} migrations by pattern (heuristic); {schema.detail}"
    )


def _one_way(tree: ast.Module | None) -> list[int]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    return [
        node.lineno
        for node in calls
        if dotted(node.func).endswith(("RunPython", "RunSQL"))
        and len(node.args) < 2
        and not any(keyword.arg in ("reverse_code", "reverse_sql") for keyword in node.keywords)
    ]


def _no(found: list[Place], what: str, examined: str) -> Answer:
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    detail = "; ".join(path + rest for path, rest in found[:_SHOWN]) + more + f"; {examined}"
    return Answer("fail", f"{len(found)} {what}", detail, tuple(dict.fromkeys(path for path, _ in found)))
