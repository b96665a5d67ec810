"""The migrations of a range: which are new in it, which are taken away by it, and what they do."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from weakref import WeakKeyDictionary

from stabkit.change.git import Blob
from stabkit.change.paths import categorise
from stabkit.change.ranges import Change
from stabkit.change.schema.effects import Effect, effects_of, known_names
from stabkit.change.schema.migrations import (
    Migration,
    Operation,
    down_path,
    family,
    is_migration_path,
    natural,
    read_migration,
)
from stabkit.change.schema.schema_state import SchemaState, same_name
from stabkit.change.snapshots import Snapshots

__all__ = ["RangeMigrations", "range_migrations"]

Step = tuple[str, Operation]

_MOST_EARLIER: Final = 2_000
_ALTERS: Final = re.compile(rb"(?i)\balter\s+table\b|\bdrop\s+(table|column)\b|\brename\s+table\b|\bsp_rename\b")
_SCHEMA_FILE: Final = re.compile(r"(?i)(^|/)(schema|structure|dump|init|seed|latest)[^/]*\.(sql|ddl)$")
_REVISION: Final = re.compile(rb"(?m)^(down_)?revision(?:\s*:[^=\n]*)?\s*=\s*(.*)$")


@dataclass
class RangeMigrations:
    """What a range's migrations do.

    Attributes
    ----------
    examined : set of str
        The migration files that were looked at, of both ends.
    known : int
        How many files of both ends have a migration's path.
    effects : list of Effect
        Of those that are new, by what is new in them.
    one_way : list of (str, int, str)
        Path, line and words of steps that nothing takes back.
    taken : mapping of str to list of Effect
        The migrations that the range takes away, with what they had done.
    unread : list of str
        What could not be read, by file, in words.
    unknown : list of str
        What was not known of the schema before.
    """

    examined: set[str] = field(default_factory=set)
    known: int = 0
    effects: list[Effect] = field(default_factory=list)
    one_way: list[tuple[str, int, str]] = field(default_factory=list)
    taken: dict[str, list[Effect]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def why(self) -> str | None:
        """Why not all may have been found; None if all was read."""
        parts = list(dict.fromkeys(self.unread))
        if self.unknown:
            parts.append(f"what was there before is not known of {', '.join(self.unknown[:10])}")
        return "; ".join(parts[:20]) or None


_READ: WeakKeyDictionary[Snapshots, RangeMigrations] = WeakKeyDictionary()


def range_migrations(snapshots: Snapshots) -> RangeMigrations:
    """Return the migrations of a range, read once for all lines."""
    if snapshots not in _READ:
        _READ[snapshots] = _Reading(snapshots).read()
    return _READ[snapshots]


class _Reading:
    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots = snapshots
        self.told = RangeMigrations()
        self.new: dict[str, list[Step]] = defaultdict(list)
        self.old: dict[str, list[Step]] = defaultdict(list)
        self.deleted: dict[str, set[str]] = defaultdict(set)

    def read(self) -> RangeMigrations:
        shots, told = self.snapshots, self.told
        paths = {path for tree in (shots.base_tree, shots.head_tree) for path in tree if is_migration_path(path)}
        told.known = len(paths)
        for change in shots.changes:
            if is_migration_path(change.path) or is_migration_path(change.base_path):
                self._changed(change, proven=True)
            elif self._elsewhere(change):
                self._changed(change, proven=False)
        for name in sorted({*self.new, *self.old}):
            self._told(name)
        return told

    def _elsewhere(self, change: Change) -> bool:
        """Say whether a changed file of SQL alters tables, wherever it lies; queries and whole schemas do not."""
        path = change.path
        if not path.lower().endswith((".sql", ".ddl")) or categorise(path) == "test" or _SCHEMA_FILE.search(path):
            return False
        return _ALTERS.search(self.snapshots.after(change) or b"") is not None

    def _changed(self, change: Change, *, proven: bool) -> None:
        shots, told = self.snapshots, self.told
        if shots.unread(change):
            told.unread.append(f"{change.path} cannot be read")
            return
        after = self._one(change.path, shots.after(change), shots.head_tree, proven=proven)
        before = self._one(change.base_path, shots.before(change), shots.base_tree, proven=proven)
        if after is None and before is None:
            return
        told.examined.add(change.path)
        down = self._leads_back(change)
        if down:
            told.one_way.append(down)
        if before is not None and before.examined:
            name = family(change.base_path if after is None else change.path)  # a moved file stays itself
            self.old[name] += [(change.base_path, one) for one in before.forward]
            if change.status == "deleted":
                self.deleted[name].add(change.base_path)
        if after is not None and after.examined:
            self.new[family(change.path)] += [(change.path, one) for one in after.forward]
            told.unread += [
                f"{change.path}: {words}" for words in after.unread if before is None or words not in before.unread
            ]
            known = Counter(words for _, words in before.one_way) if before else Counter()
            for line, words in [*after.one_way, *self._empty_down(change.path)]:
                if known[words]:
                    known[words] -= 1
                else:
                    told.one_way.append((change.path, line, words))

    def _one(self, path: str, content: bytes | None, tree: Mapping[str, Blob], *, proven: bool) -> Migration | None:
        if content is None:
            return None
        migration = read_migration(path, content, tree)
        if migration is None:
            return None
        made = {same_name(one.table) for one in migration.forward if one.kind == "create_table"}
        if _SCHEMA_FILE.search(path):
            # A whole schema, for an empty database: it makes room for each table that it makes.
            kept = [one for one in migration.forward if one.kind != "drop_table" or same_name(one.table) not in made]
            return replace(migration, forward=tuple(kept))
        if proven:
            return migration
        kept = [
            replace(one, proven=False)
            for one in migration.forward
            if one.kind not in ("delete_rows", "empty_table", "update_rows") and same_name(one.table) not in made
        ]
        return replace(migration, forward=tuple(kept), one_way=(), unread=())

    def _leads_back(self, change: Change) -> tuple[str, int, str] | None:
        """Return that a file which led back is gone, or empty now, while the one that leads forward stays."""
        shots = self.snapshots
        up = re.sub(r"(?i)down(?=\.[\w.]+$)", "up", change.base_path)
        if down_path(up) != change.base_path or up not in shots.head_tree or up not in shots.base_tree:
            return None
        if _says(shots.after(change)) or not _says(shots.content(shots.head_tree[up])):
            return None
        return up, 1, f"{change.base_path.rpartition('/')[2]} is {'gone' if change.status == 'deleted' else 'empty'}"

    def _empty_down(self, path: str) -> list[tuple[int, str]]:
        down = down_path(path)
        blob = self.snapshots.head_tree.get(down) if down else None
        content = self.snapshots.content(blob)
        if down and content is not None and not _says(content) and path not in self.snapshots.base_tree:
            return [(1, f"{down.rpartition('/')[2]} is empty")]
        return []

    def _told(self, name: str) -> None:
        """Tell what the migrations of one family do, those that are new and those that are taken away."""
        new, old = self._ordered(self.new[name]), self._ordered(self.old[name])
        fresh = _without(new, old)
        lost = [step for step in _without(old, new) if step[0] in self.deleted[name]]
        if lost:
            # A squashed migration makes at once what those that it replaces made one after the other.
            made = {same_name(one.table) for _, one in fresh if one.kind == "create_table"}
            held = {
                (same_name(one.table), column.name.lower())
                for _, one in new
                if one.kind == "create_table"
                for column in one.columns
            }
            lost = [
                (path, one)
                for path, one in lost
                if same_name(one.table) not in made and (same_name(one.table), one.name.lower()) not in held
            ]
            before = {same_name(one.table) for _, one in old if one.kind == "create_table"}
            fresh = [step for step in fresh if step[1].kind != "create_table" or same_name(step[1].table) not in before]
        if fresh:
            found, unknown = effects_of(fresh, self._state(name, fresh, self.snapshots.base_tree))
            self.told.effects += found
            self.told.unknown += unknown
        gone = sorted(self.deleted[name] & {path for path, _ in lost}, key=natural)
        if gone:
            state = self._state(name, lost, self.snapshots.head_tree)
            found, _ = effects_of(lost, state)
            for path in gone:
                self.told.taken[path] = [one for one in found if one.path == path]

    def _ordered(self, steps: list[Step]) -> list[Step]:
        paths = sorted({path for path, _ in steps}, key=natural)
        follows = {path: found for path in paths if path.endswith(".py") if (found := self._revisions(path))}
        if follows:
            names = {own: path for path, (own, _) in follows.items()}
            placed: list[str] = []
            waiting = list(paths)
            while waiting:
                ready = [
                    p for p in waiting if not {names.get(n) for n in follows.get(p, ("", ()))[1]} & set(waiting) - {p}
                ]
                taken = ready or waiting[:1]
                placed += taken
                waiting = [path for path in waiting if path not in taken]
            paths = placed
        places = {path: number for number, path in enumerate(paths)}
        return sorted(steps, key=lambda step: places[step[0]])

    def _revisions(self, path: str) -> tuple[str, tuple[str, ...]] | None:
        """Return an Alembic migration's own revision and those that it follows."""
        blob = self.snapshots.head_tree.get(path) or self.snapshots.base_tree.get(path)
        found = {}
        for down, value in _REVISION.findall((self.snapshots.content(blob) or b"")[:20_000]):
            found[bool(down)] = re.findall(r"['\"]([^'\"]+)['\"]", value.decode("utf-8", "replace"))
        own = found.get(False)
        return (own[0], tuple(found.get(True, ()))) if own else None

    def _state(self, name: str, steps: list[Step], tree: Mapping[str, Blob]) -> SchemaState:
        """Return what the migrations of the family had led to, as far as they name what is touched."""
        words = known_names(steps)
        words |= {word.rpartition(".")[2] for word in words}
        if all(one.kind in ("create_table", "add_column") for _, one in steps):
            return SchemaState()
        other = {path for path, _ in steps if path in self.deleted[name]}
        paths = [path for path in tree if is_migration_path(path) and family(path) == name and path not in other]
        paths = sorted(paths, key=natural)[-_MOST_EARLIER:]
        self.snapshots.load(tree[path] for path in paths)
        earlier: list[Operation] = []
        for path in paths:
            content = self.snapshots.content(tree[path])
            if content is None:
                continue
            lowered = content.lower()
            if any(word.encode() in lowered for word in words):
                migration = read_migration(path, content, tree)
                earlier += migration.forward if migration is not None and migration.examined else ()
        return SchemaState(earlier)


def _without(steps: Iterable[Step], others: Iterable[Step]) -> list[Step]:
    known = Counter(one.key for _, one in others)
    left = []
    for path, one in steps:
        if known[one.key]:
            known[one.key] -= 1
        else:
            left.append((path, one))
    return left


def _says(content: bytes | None) -> bool:
    return bool(re.sub(rb"--[^\n]*|\s|;", b"", content or b""))
