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
from stabkit.change.facts import Fact, facts_json
from stabkit.change.migrations import irreversible_steps, understood
from stabkit.change.modules import gone_modules, module_name
from stabkit.change.paths import categorise
from stabkit.change.python_code import dotted, parse
from stabkit.change.snapshots import Snapshots
from stabkit.change.variables import ENV_FILE, assigned, variables
from stabkit.redact import redact_text

__all__ = ["checklist"]


@dataclass(frozen=True)
class Answer:
    """How a line of the checklist came out.

    Attributes
    ----------
    outcome, observed, detail : str
        As in the table ``checks``.
    facts : tuple of Fact
        All that was found, also what the detail has no room for.
    examined : int
        Files of the range that were looked at.
    why_open : str or None
        Why it may not have found all; None if it has, or if the detail of a line that is not checked says why, and
        empty where such a line asks for more than these facts.
    """

    outcome: str
    observed: str
    detail: str
    facts: tuple[Fact, ...] = ()
    examined: int = 0
    why_open: str | None = None


_SHOWN: Final = 20
_MOST_SETTINGS: Final = 100_000
_FIELDS: Final = re.compile(r"(^|\.)(Column|mapped_column|relationship|\w+Field|ForeignKey|Field)$")


def checklist(snapshots: Snapshots | None, why: str = "") -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Return one ``checks`` row a line, and path -> the lines that fail by that file.

    All lines are ``not_checked`` because of ``why`` if there are no snapshots.
    """
    lines: tuple[tuple[str, str, Callable[[Snapshots], Answer]], ...] = (
        ("no API break", "no break in public signatures", _api),
        ("no public module deleted", "every module is imported by its name", _modules),
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
        open_ = found.why_open
        if open_ is None and found.outcome == "not_checked":
            open_ = found.detail
        row = {"target": "changes", "check": check, "expected": expected, "observed": found.observed or None}
        values = facts_json(found.facts, found.examined, open_ or None)
        rows.append(row | {"outcome": found.outcome, "detail": redact_text(found.detail), "facts": values})
        for path in dict.fromkeys(fact.path for fact in found.facts):
            refused.setdefault(path, []).append(check)
    return rows, refused


def _api(snapshots: Snapshots) -> Answer:
    outcome, observed, detail, facts = api_break(snapshots)
    return Answer(outcome, observed, detail, facts, len(snapshots.changes))


def _modules(snapshots: Snapshots) -> Answer:
    found = gone_modules(snapshots.changes, snapshots.head_tree)
    examined = f"examined {len(snapshots.changes)} changed files"
    if found:
        return _no(found, "public modules gone", examined, len(snapshots.changes))
    if not any(module_name(path) for path in (*snapshots.base_tree, *snapshots.head_tree)):
        return Answer("not_checked", "", "no module of a known language was found")
    return Answer("pass", "none is gone", examined, (), len(snapshots.changes))


def _dependencies(snapshots: Snapshots) -> Answer:
    known = [path for path in snapshots.head_tree if _is_dependency(path)]
    known += [path for path in snapshots.base_tree if _is_dependency(path) and path not in snapshots.head_tree]
    if not known:
        return Answer("not_checked", "", "no dependency file was found")
    locks = [path for path in known if is_lock(path)]
    found: list[Fact] = []
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
        found += [Fact(change.path, None, item, "removed") for item in sorted(old - new)]
        found += [Fact(change.path, None, item, "added") for item in sorted(new - old)]
    examined = f"dependency files examined: {len(known)}, lock files among them: {len(locks)}"
    if found:
        return _no(found, "changed dependencies", examined, len(snapshots.changes), _unparsed(unread))
    if unread:
        return Answer("not_checked", "", _unparsed(unread) or "")
    if not locks and not all(_all_pinned(snapshots, path) for path in known):
        observed = "declared ranges equal; resolved versions unknown"
        return Answer("not_checked", observed, f"{examined}; commit a lock file")
    return Answer("pass", "all equal", examined, (), len(snapshots.changes))


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
    before: dict[str, Fact] = {}
    after: dict[str, Fact] = {}
    dynamic, unread, heuristic, examined = [], [], False, 0
    for change in snapshots.changes:
        if categorise(change.path) in ("doc", "test"):
            examined += 1
            continue
        if snapshots.unread(change):
            unread.append(change.path)
            continue
        examined += 1
        for path, content, names, word in (
            (change.base_path, snapshots.before(change), before, "removed"),
            (change.path, snapshots.after(change), after, "added"),
        ):
            named = [] if content is None else variables(path, content)
            if named is None:
                unread.append(path)
                continue
            heuristic = heuristic or not path.endswith(".py")
            dynamic += [f"{path}:{line}" for name, _, line in named if name is None]
            for name, default, line in named:
                if name is not None:
                    parsed = path.endswith(".py")
                    names.setdefault(f"{name}={default}", Fact(path, line, name, word, proven=parsed))
    found = [fact for key, fact in sorted(before.items()) if key not in after]
    found += [fact for key, fact in sorted(after.items()) if key not in before]
    text = f"examined {examined} changed files" + (", some by pattern only (heuristic)" if heuristic else "")
    parts = [f"could not be read: {', '.join(unread[:_SHOWN])}"] if unread else []
    parts += [f"names made at run time: {', '.join(sorted(set(dynamic))[:_SHOWN])}"] if dynamic else []
    if found:
        return _no(found, "changed names or defaults", text, examined, "; ".join(parts) or None)
    if parts:
        return Answer("not_checked", "", "; ".join(parts))
    return Answer("pass", "all equal", text, (), examined)


def _schema(snapshots: Snapshots) -> Answer:
    found: list[Fact] = []
    unread = []
    for change in snapshots.changes:
        category = categorise(change.path)
        if category == "test":
            continue
        if category == "migration" or change.path.endswith((".proto", ".avsc", ".prisma")):
            if not change.path.endswith("__init__.py"):
                found.append(Fact(change.path, 1, change.status))
        elif change.path.endswith(".py"):
            old, new = parse(snapshots.before(change) or b""), parse(snapshots.after(change) or b"")
            if snapshots.unread(change) or old is None or new is None:
                unread.append(change.path)
                continue
            before, after = _fields(old), _fields(new)
            gone, fresh = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
            found += [Fact(change.base_path, before[key], key, "removed", "field") for key in gone]
            found += [Fact(change.path, after[key], key, "added", "field") for key in fresh]
    examined = f"examined {len(snapshots.changes)} changed files: migrations, schema files, model fields"
    if found:
        return _no(found, "changed", examined, len(snapshots.changes), _unparsed(unread))
    if unread:
        return Answer("not_checked", "", _unparsed(unread) or "")
    return Answer("pass", "none", examined, (), len(snapshots.changes))


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
    found: list[Fact] = []
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
        found += [
            Fact(change.path, None, key, "added" if key not in old else "removed" if key not in new else "changed")
            for key in keys
        ]
    known = sum(categorise(path) == "config" for path in snapshots.head_tree)
    text = f"examined {examined} changed of {known} configuration files"
    if found:
        return _no(found, "changed key paths", text, len(snapshots.changes), _unparsed(unread))
    if unread:
        return Answer("not_checked", "", _unparsed(unread) or "")
    if not examined and not known:
        return Answer("not_checked", "", "no configuration file was found")
    return Answer("pass", "all equal", text, (), len(snapshots.changes))


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
    found: list[Fact] = []
    examined, guessed = 0, []
    schema = _schema(snapshots)
    for change in snapshots.changes:
        content = snapshots.after(change)
        if categorise(change.path) != "migration" or content is None:
            continue
        examined += 1
        if not understood(change.path):
            guessed.append(change.path)
        before = {_step(fact) for fact in irreversible_steps(change.base_path, snapshots.before(change))}
        found += [fact for fact in irreversible_steps(change.path, content) if _step(fact) not in before]
    files = len(snapshots.changes)
    pattern = "" if all(fact.proven for fact in found) and not guessed else " by pattern (heuristic)"
    if found:
        return _no(found, "irreversible steps", f"examined {examined} migrations{pattern}", files)
    if schema.outcome == "not_checked":
        return Answer("not_checked", "", f"the schema was not checked: {schema.detail}")
    if not examined:
        changed = "models or schema files changed without a migration"
        if schema.outcome == "fail":
            return Answer("not_checked", "", changed)
        # Whether a rollback works was not tried; that no migration is irreversible is known.
        return Answer("not_checked", "", "the range holds no migration", (), files, why_open="")
    why = f"searched by pattern alone: {', '.join(guessed[:_SHOWN])}" if guessed else None
    detail = f"examined {examined} migrations{pattern}; {schema.detail}"
    return Answer("pass", "nothing irreversible", detail, (), files, why)


def _step(fact: Fact) -> tuple[str, str, str]:
    return fact.change, fact.noun, fact.what


def _unparsed(paths: list[str]) -> str | None:
    return f"could not be parsed: {', '.join(paths[:_SHOWN])}" if paths else None


def _no(found: list[Fact], what: str, detail: str, examined: int, why_open: str | None = None) -> Answer:
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    shown = "; ".join(fact.text() for fact in found[:_SHOWN]) + more + f"; {detail}"
    return Answer("fail", f"{len(found)} {what}", shown, tuple(found), examined, why_open)
