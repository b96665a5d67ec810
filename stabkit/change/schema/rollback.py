"""Whether the change can be taken back without losing data: a line of the checklist."""

from __future__ import annotations

from typing import Final

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.schema.migrations import LOOKED_FOR
from stabkit.change.schema.range_migrations import RangeMigrations, range_migrations
from stabkit.change.schema.tables import changed_models
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_rollback", "without_migration"]

_PARSED: Final = (".py", ".sql", ".ddl", ".cql", ".xml", ".yml", ".yaml", ".json")
_METHOD: Final = "Django, Alembic and SQL parsed; other languages by pattern"


def answer_rollback(snapshots: Snapshots) -> Answer:
    """Return the answer of the line: what the range's migrations lose, and which of them nothing takes back.

    Only what is new in a migration counts: an older step was applied before. A table or column that the range itself
    made held nothing.

    Notes
    -----
    A range may take migrations away: its base is newer than its head, as when an earlier version is to be deployed
    again. The database stays as those migrations left it, and the code that is deployed then does not know them, nor
    can it take them back, since they are not there. So each is a fact, ``taken_back``: proven if what the migration did
    stops code that does not know it (a column dropped, or one that must not be null) or has lost data; a mere pattern
    otherwise, because a table or a nullable column more hinders nobody, and because a migration that was never deployed
    may go. A migration whose steps stand in another file of the head (moved, renumbered, squashed) is not taken away.
    """
    found = range_migrations(snapshots)
    facts = [
        Fact(one.path, one.line, one.what, one.change, one.noun, one.before, one.after, one.proven)
        for one in found.effects
        if one.loses
    ]
    facts += [
        Fact(path, line, words, "one_way", "step", proven=path.lower().endswith(_PARSED))
        for path, line, words in found.one_way
    ]
    for path, effects in found.taken.items():
        grave = [one for one in effects if one.breaks or one.loses]
        did = ", ".join(f"{one.change} {one.what}" for one in grave[:5]) or "nothing that stops older code"
        proven = any(one.proven for one in grave)
        facts.append(Fact(path, 1, path.rpartition("/")[2], "taken_back", "migration", before=did, proven=proven))
    facts.sort(key=lambda fact: (fact.path, fact.line or 0))
    if not found.examined and not found.unread:
        return without_migration(snapshots, found)
    return answered(facts, len(found.examined), "migrations", why=found.why, method=_METHOD)


def without_migration(snapshots: Snapshots, found: RangeMigrations) -> Answer:
    """Return the answer of a range in which no migration changed: nothing to look at, and why."""
    models = changed_models(snapshots)
    if models:
        shown = ", ".join(models[:5])
        return Answer("not_checked", noun="migrations", why=f"models changed without a migration: {shown}")
    if found.known:
        why = f"no migration changed ({found.known} there)"
    else:
        why = f"no migration found in the whole tree (looked for {LOOKED_FOR})"
    return Answer("not_checked", noun="migrations", why=why, settled=True)
