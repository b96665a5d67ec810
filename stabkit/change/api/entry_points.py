"""Whether commands and their options stay: a line of the checklist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from stabkit.change.api.commands import (
    READS_OPTIONS,
    Command,
    Parameter,
    container_start,
    declared_commands,
    harder,
    masked,
    matched_options,
    may_declare,
    named_by_path,
    python_options,
)
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.git import Blob
from stabkit.change.paths import categorise
from stabkit.change.ranges import Change
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_entry_points"]

_DOCKERFILE: Final = re.compile(r"(?:.*/)?(?:[^/]*[.-])?(?:Docker|Container)file(?:[.-][^/]*)?")
_OTHERS: Final = (".go", ".js", ".mjs", ".cjs", ".ts", ".mts", ".rs", ".rb", ".java", ".kt", ".cs", ".php")
_TOOLS: Final = re.compile(
    r"(?i)(^|/)(tools?|scripts?|hack|ci|\.github|dev|benchmarks?)/|(^|/)(setup|noxfile|tasks)\.py$"
)
# The commands that are typed by their name, whatever makes them.
_TYPED: Final = ("command", "Go command", "Rust command")
_ASIDE: Final = re.compile(r"(?i)(^|/)(examples?|docs?|benchmarks?|vendor|third_party|node_modules|samples?)/")


@dataclass
class _Seen:
    """What the line has looked at, and what it could not read."""

    examined: set[str] = field(default_factory=set)
    unread: dict[str, None] = field(default_factory=dict)


def answer_entry_points(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    A command that is declared in another file, or starts another function, is the same command. Options are those of a
    command or of the function that sets up its parser; only changed files can have lost any. What is added and not
    demanded breaks nobody. Another default is told as found by pattern: it need not matter.
    """
    seen = _Seen()
    facts = [*_commands(snapshots, seen), *_options(snapshots, seen), *_starts(snapshots, seen)]
    _count_modules(snapshots, seen)
    why = f"could not be read: {', '.join(seen.unread)}" if seen.unread else None
    if not seen.examined and not facts and why is None:
        return Answer("not_checked", noun="files", why="no command found", settled=True)
    facts = [replace(fact, scope="development") if _TOOLS.search(fact.path) else fact for fact in facts]
    facts.sort(key=lambda fact: (fact.scope != "production", not fact.proven, fact.path, fact.line or 0))
    return answered(facts, len(seen.examined), "files with commands or options", why=why)


def _count_modules(snapshots: Snapshots, seen: _Seen) -> None:
    """Count the modules that take options, whether they changed or not."""
    blobs = [snapshots.head_tree[path] for path in snapshots.modules if not _set_aside(path)]
    snapshots.load(blobs)
    seen.examined |= {blob.path for blob in blobs if READS_OPTIONS.search(snapshots.content(blob) or b"")}


def _set_aside(path: str) -> bool:
    return categorise(path) == "test" or _ASIDE.search(path) is not None


def _commands(snapshots: Snapshots, seen: _Seen) -> Iterator[Fact]:
    """Yield the declared commands that are gone."""
    trees = snapshots.base_tree, snapshots.head_tree
    manifests = [blob for tree in trees for path, blob in tree.items() if may_declare(path)]
    snapshots.load(manifests)
    known = {blob: _declared(snapshots, blob) for blob in manifests}
    unread = {blob.path for blob, commands in known.items() if commands is None}
    changed = {path for c in snapshots.changes for path in (c.path, c.base_path)}
    seen.unread |= dict.fromkeys(sorted(unread & changed))
    sides: list[dict[tuple[str, str], Command]] = []
    for tree in trees:
        blobs = [blob for path, blob in tree.items() if may_declare(path) and path not in unread]
        commands = [one for blob in blobs for one in known[blob] or ()] + named_by_path(tree)
        seen.examined |= {one.path for one in commands}
        sides.append({(one.kind, one.name): one for one in reversed(commands)})
    old, new = sides
    names = {name for kind, name in new if kind in _TYPED}
    for key in old.keys() - new.keys():
        command = old[key]
        # A command that another kind of file makes now is still there, under its name.
        if key[0] in _TYPED and key[1] in names:
            continue
        yield Fact(command.path, command.line, command.name, "removed", command.kind, command.target or None, None)


def _declared(snapshots: Snapshots, blob: Blob) -> list[Command] | None:
    content = snapshots.content(blob)
    if content is None:
        return None
    try:
        return declared_commands(blob.path, content)
    except Exception:  # noqa: BLE001 - any parser may refuse foreign text in its own way; the answer is "not read"
        return None


def _options(snapshots: Snapshots, seen: _Seen) -> Iterator[Fact]:
    """Yield the options of changed files that are gone or harder to give."""
    old: list[Parameter] = []
    new: list[Parameter] = []
    for change in snapshots.changes:
        if _set_aside(change.path) or not change.path.endswith((".py", *_OTHERS)):
            continue
        sides = [_found(snapshots, blob) for blob in (snapshots.old(change), snapshots.new(change))]
        before, after = sides
        if before is None or after is None:
            seen.unread[change.path] = None
            continue
        if before or after:
            seen.examined.add(change.path)
        old += [_moved(one, change) for one in before]
        new += after
    yield from _compared(old, new)


def _found(snapshots: Snapshots, blob: Blob | None) -> list[Parameter] | None:
    """Return the options of a file; none for no file, None for one that cannot be read."""
    if blob is None:
        return []
    content = snapshots.content(blob)
    if content is None:
        return None
    if not blob.path.endswith(".py"):
        return matched_options(blob.path, content)
    if not READS_OPTIONS.search(content):
        return []
    tree = snapshots.parsed(blob)
    return None if tree is None else python_options(blob.path, tree)


def _moved(one: Parameter, change: Change) -> Parameter:
    """Return a parameter of the base under the path that its file has now."""
    if change.base_path == change.path or not one.owner.startswith(change.base_path):
        return one
    return replace(one, owner=change.path + one.owner[len(change.base_path) :])


def _compared(old: list[Parameter], new: list[Parameter]) -> Iterator[Fact]:
    before, after = (_by_name(side) for side in (old, new))
    owners = [{owner for owner, _ in side} for side in (before, after)]
    come = {key: next(iter(places.values())) for key, places in after.items() if key not in before}
    for key, places in before.items():
        for one, kept in _paired(places, after.get(key, {})):
            now = kept or _elsewhere(one, come, owners)
            if now is None:
                yield Fact(one.path, one.line, one.what, "removed", one.noun, one.name, None, one.proven)
                continue
            come.pop((now.owner, now.name), None)
            if one.first and now.first:
                for was, is_, sure in harder(one, now):
                    proven = sure and one.proven and now.proven
                    yield Fact(now.path, now.line, now.what, "changed", now.noun, was, is_, proven)
    for one in come.values():
        # Of a command that is new altogether, nobody gives anything yet.
        if one.required and one.owner in owners[0]:
            yield Fact(one.path, one.line, one.what, "added", f"required {one.noun}", None, "required", one.proven)


def _by_name(side: list[Parameter]) -> dict[tuple[str, str], dict[str, Parameter]]:
    """Return parameters by their owner and name, then by file: commands of two groups may have one name."""
    found: dict[tuple[str, str], dict[str, Parameter]] = {}
    for one in side:
        found.setdefault((one.owner, one.name), {}).setdefault(one.path, one)
    return found


def _paired(
    before: Mapping[str, Parameter], after: Mapping[str, Parameter]
) -> Iterator[tuple[Parameter, Parameter | None]]:
    """Yield those of one name with what each is now: in its own file, else in one that had none; None if gone."""
    spare = [one for path, one in after.items() if path not in before]
    for path, one in before.items():
        yield one, after.get(path) or (spare.pop(0) if spare else None)


def _elsewhere(one: Parameter, come: Mapping[tuple[str, str], Parameter], owners: list[set[str]]) -> Parameter | None:
    """Return the same name where another function sets it up now, unless both were and are there."""
    for (owner, name), now in come.items():
        if name == one.name and now.noun == one.noun and (one.owner not in owners[1] or owner not in owners[0]):
            return now
    return None


def _starts(snapshots: Snapshots, seen: _Seen) -> Iterator[Fact]:
    """Yield the containers that start another way."""
    for change in snapshots.changes:
        old, new = snapshots.before(change), snapshots.after(change)
        if not _DOCKERFILE.fullmatch(change.path) or old is None or new is None:
            continue
        seen.examined.add(change.path)
        before, after = container_start(old), container_start(new)
        for verb in before:
            was, (is_, line) = before[verb], after.get(verb, ("", None))
            if was[0] != is_:
                gone = verb not in after
                change_ = "removed" if gone else "changed"
                place = was[1] if gone else line
                sides = masked(was[0]), masked(is_) or None
                yield Fact(change.path, place, verb, change_, "start", *sides, proven=False)
