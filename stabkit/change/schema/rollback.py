"""Whether the change can be taken back without losing data: a line of the checklist."""

from __future__ import annotations

from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.schema.migrations import irreversible_steps, understood
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_rollback"]


def answer_rollback(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    found: list[Fact] = []
    examined, guessed = 0, []
    for change in snapshots.changes:
        content = snapshots.after(change)
        if categorise(change.path) != "migration" or content is None:
            continue
        examined += 1
        if not understood(change.path):
            guessed.append(change.path)
        before = {_step(fact) for fact in irreversible_steps(change.base_path, snapshots.before(change))}
        found += [fact for fact in irreversible_steps(change.path, content) if _step(fact) not in before]
    why = f"searched by pattern alone: {', '.join(guessed)}" if guessed else None
    return answered(found, examined, "migrations", why=why)


def _step(fact: Fact) -> tuple[str, str, str]:
    return fact.change, fact.noun, fact.what
