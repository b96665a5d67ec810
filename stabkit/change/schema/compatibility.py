"""Whether the old code runs on the new schema: a line of the checklist."""

from __future__ import annotations

from stabkit.change.facts import Answer
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_old_code"]


def answer_old_code(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    return Answer("not_checked", why="not looked for")
