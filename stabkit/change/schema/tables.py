"""Whether the database holds the same tables: a line of the checklist."""

from __future__ import annotations

import ast
import re
from typing import Final

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.python_code import dotted, parse
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_schema"]

_FIELDS: Final = re.compile(r"(^|\.)(Column|mapped_column|relationship|\w+Field|ForeignKey|Field)$")


def answer_schema(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
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
    why = f"could not be parsed: {', '.join(unread)}" if unread else None
    return answered(found, len(snapshots.changes), "changed files", why=why)


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
