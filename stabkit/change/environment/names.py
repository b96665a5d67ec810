"""Whether the same environment variables are read, with the same defaults: a line of the checklist."""

from __future__ import annotations

from stabkit.change.environment.variables import variables
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_environment"]


def answer_environment(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    before: dict[str, Fact] = {}
    after: dict[str, Fact] = {}
    dynamic: list[str] = []
    unread: list[str] = []
    examined = 0
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
            dynamic += [f"{path}:{line}" for name, _, line in named if name is None]
            for name, default, line in named:
                if name is not None:
                    parsed = path.endswith(".py")
                    names.setdefault(f"{name}={default}", Fact(path, line, name, word, proven=parsed))
    found = [fact for key, fact in sorted(before.items()) if key not in after]
    found += [fact for key, fact in sorted(after.items()) if key not in before]
    parts = [f"could not be read: {', '.join(unread)}"] if unread else []
    parts += [f"names made at run time: {', '.join(sorted(set(dynamic)))}"] if dynamic else []
    return answered(found, examined, "changed files", why="; ".join(parts) or None)
