"""Whether the old code runs on the new schema: a line of the checklist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import is_code
from stabkit.change.schema.effects import Effect
from stabkit.change.schema.migrations import is_migration_path
from stabkit.change.schema.range_migrations import range_migrations
from stabkit.change.schema.rollback import without_migration
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_old_code"]

_METHOD: Final = "Django, Alembic and SQL parsed; other languages by pattern"
_MOST_FILES: Final = 4_000
_SOUGHT: Final = 20
_NO_READER: Final = (".sh", ".bash", ".sql", ".proto", ".css", ".scss", ".html", ".ps1")


def answer_old_code(snapshots: Snapshots) -> Answer:
    """Return the answer of the line: what code that knows the old schema alone would miss, or could not write.

    While a version is rolled out, and after it was rolled back, old code meets the new schema. It fails on a table or
    column that is gone or has another name, on a column that must not be null and that nothing fills in (Django drops
    the default of a field once its column is there), and may fail on a narrower type, a value or a rule.

    Notes
    -----
    If the range takes migrations away, the code that is to run is the older one and the schema the newer one: what
    those migrations did is told then.
    """
    found = range_migrations(snapshots)
    effects = [one for one in found.effects if one.breaks]
    effects += [one for taken in found.taken.values() for one in taken if one.breaks]
    if not found.examined and not found.unread:
        return without_migration(snapshots, found)
    readers = _readers(snapshots, effects)
    facts = [
        Fact(e.path, e.line, e.what, e.change, e.noun, readers.get(e.what, e.before), e.after, e.proven)
        for e in sorted(effects, key=lambda one: (one.path, one.line))
    ]
    return answered(facts, len(found.examined), "migrations", why=found.why, method=_METHOD)


def _readers(snapshots: Snapshots, effects: Iterable[Effect]) -> dict[str, str]:
    """Return what is gone -> where the old code names it, the first place of all, table and column in one file."""
    gone = [one for one in effects if one.change in ("dropped", "renamed_away") and one.noun in ("table", "column")]
    paths = [
        path
        for path in snapshots.base_tree
        if is_code(path) and not (is_migration_path(path) or path.endswith(_NO_READER))
    ]
    if not gone or len(paths) > _MOST_FILES:
        return {}
    snapshots.load(snapshots.base_tree[path] for path in paths)
    found: dict[str, str] = {}
    for one in gone[:_SOUGHT]:
        table, _, column = one.what.rpartition(".")
        stem = re.sub(r"(?i)(ies|es|s|y)$", "", (table or column).rpartition(".")[2]).replace("_", "").lower()
        word = re.compile(rf"\b{re.escape(column)}\b".encode())
        for path in paths:
            content = snapshots.content(snapshots.base_tree[path])
            if content is None or not (hit := word.search(content)):
                continue
            if column and table and stem.encode() not in content.lower().replace(b"_", b""):
                continue
            line = content.count(b"\n", 0, hit.start()) + 1
            found[one.what] = f"named in {path}:{line}"
            break
    return found
