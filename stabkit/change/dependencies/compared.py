"""Whether both ends resolve the same versions: a line of the checklist."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import normpath
from typing import Final

from stabkit.change.dependencies.entries import Entry
from stabkit.change.dependencies.files import File, file_of, may_name_images, read_file
from stabkit.change.dependencies.packages import Named, package_facts
from stabkit.change.dependencies.python_locks import reached
from stabkit.change.dependencies.python_manifests import read_requirements
from stabkit.change.facts import Answer, Fact, Remedy, Scope, answered
from stabkit.change.git import Blob
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_dependencies"]

_LARGEST: Final = 32 * 1024 * 1024
_SHOWN: Final = 5
# Here a lock at the top holds what the packages beneath it ask for.
_WORKSPACES: Final = ("javascript", "rust", "java", "dart")
_INCLUDED: Final = re.compile(rb"(?m)^[ \t]*(?:-[rc]|--requirement|--constraint)(?:[ \t]*=[ \t]*|[ \t]+|(?=\w))(\S+)")
_ASIDE: Final = re.compile(
    r"(?i)(^|/)(docs?|examples?|samples?|benchmarks?|tools|scripts|\.devcontainer|demos?|[^/]*templates?)/"
)


@dataclass
class _Ends:
    """The files of both ends, each read once."""

    snapshots: Snapshots
    files: dict[str, File] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)
    known: dict[tuple[str, str], list[tuple[str, Entry]] | None] = field(default_factory=dict)

    def read(self, blob: Blob) -> list[tuple[str, Entry]] | None:
        """Return what a file names; None if it cannot be read."""
        key = (blob.path, blob.object_id)
        if key not in self.known:
            self.known[key] = self._read(blob)
        return self.known[key]

    def _read(self, blob: Blob) -> list[tuple[str, Entry]] | None:
        content = self.snapshots.content(blob)
        if content is None:  # a lock file may be larger than any code
            content = self.snapshots.git.contents([blob], largest=_LARGEST).get(blob.object_id)
        if content is None:
            return None
        try:
            return read_file(self.files[blob.path], content)
        except Exception:  # noqa: BLE001 - any parser may refuse foreign text in its own way; the answer is "not read"
            return None

    def named(self, tree: Mapping[str, Blob], projects: set[tuple[str, str]]) -> list[Named]:
        """Return what the files of some projects name at one end; a lock that is the same at both is passed over."""
        blobs = [
            tree[path]
            for path, file in self.files.items()
            if path in tree and (file.project, file.ecosystem) in projects and not self._equal_lock(file)
        ]
        self.snapshots.load(blobs)
        found: list[Named] = []
        for blob in blobs:
            file = self.files[blob.path]
            entries = None if blob.path in self.unread else self.read(blob)
            found += [
                Named(file.project, ecosystem, blob.path, file.role == "lock", _placed(entry, blob.path))
                for ecosystem, entry in entries or ()
            ]
        return found

    def _equal_lock(self, file: File) -> bool:
        trees = self.snapshots.base_tree, self.snapshots.head_tree
        return file.role == "lock" and trees[0].get(file.path) == trees[1].get(file.path)


def _placed(entry: Entry, path: str) -> Entry:
    """Return an entry with the scope that its folder gives it."""
    aside = entry.scope in ("production", None) and _aside(path)
    return replace(entry, scope="development") if aside else entry


def _aside(path: str) -> bool:
    return categorise(path) == "test" or _ASIDE.search(path) is not None


def answer_dependencies(snapshots: Snapshots) -> Answer:
    """Return the answer of the line.

    Notes
    -----
    Only the projects whose files differ are read, whole: what a lock resolves and what is declared are put together by
    package and scope. Written otherwise is no change. Where ranges are all there is, equal ranges are no proof.
    """
    ends = _Ends(snapshots)
    for path in {**snapshots.base_tree, **snapshots.head_tree}:
        if (file := file_of(path)) is not None:
            ends.files[path] = file
    _include(ends)
    touched = _touched(ends)
    before, after = (ends.named(tree, touched) for tree in (snapshots.base_tree, snapshots.head_tree))
    before, after = (_scoped(named) for named in (before, after))
    facts, why = package_facts(before, after, set(snapshots.base_tree), set(snapshots.head_tree))
    why = [*why, *_left_behind(ends, facts)]
    modules = _submodules(snapshots)
    facts = [*facts, *modules]
    if ends.unread:
        why.append(f"could not be read: {', '.join(ends.unread)}")
    remedy: Remedy | None = None
    if not facts and not why and (loose := _loose(ends)):
        remedy = "lock_file"
        names = ", ".join(loose[:_SHOWN]) + (f" and {len(loose) - _SHOWN} more" if len(loose) > _SHOWN else "")
        why.append(f"declared ranges equal; resolved versions unknown ({names})")
    answer = answered(facts, len(ends.files) + len(modules), "dependency files", why="; ".join(why) or None)
    return replace(answer, remedy=remedy)


def _include(ends: _Ends) -> None:
    """Take in the files that a requirements file names, whatever they are called: they are of its project."""
    trees = ends.snapshots.base_tree, ends.snapshots.head_tree
    waiting = [path for path, file in ends.files.items() if file.read is read_requirements]
    ends.snapshots.load(tree[path] for tree in trees for path in waiting if path in tree)
    while waiting:
        path = waiting.pop()
        for tree in trees:
            for name in _INCLUDED.findall(ends.snapshots.content(tree.get(path)) or b""):
                folder = path.rpartition("/")[0]
                other = normpath(f"{folder}/{name.decode('utf-8', 'replace')}".lstrip("/"))
                if other in tree and other not in ends.files:
                    ends.files[other] = replace(ends.files[path], path=other)
                    waiting.append(other)


def _submodules(snapshots: Snapshots) -> list[Fact]:
    """Return the repositories within this one whose commit is another."""
    found = []
    for change in snapshots.changes:
        if change.submodule:
            before, after = (None if not name.strip("0") else name[:12] for name in change.ids)
            kind = "added" if before is None else "removed" if after is None else "changed"
            found.append(Fact(change.path, None, change.path, kind, "submodule", before, after))
    return found


def _touched(ends: _Ends) -> set[tuple[str, str]]:
    """Return the projects of which a file differs; a changed file that cannot be read is noted."""
    touched: set[tuple[str, str]] = set()
    snapshots = ends.snapshots
    for change in snapshots.changes:
        for path, blob in ((change.base_path, snapshots.old(change)), (change.path, snapshots.new(change))):
            if path not in ends.files and blob is not None and path.endswith((".yml", ".yaml")):
                file = may_name_images(path, snapshots.content(blob) or b"")
                if file is not None:
                    ends.files[path] = file
        for path, blob in ((change.base_path, snapshots.old(change)), (change.path, snapshots.new(change))):
            if path in ends.files:
                touched.add((ends.files[path].project, ends.files[path].ecosystem))
                if (blob is not None and ends.read(blob) is None) or (blob is None and not change.regular):
                    ends.unread[path] = None
    return touched


def _scoped(named: list[Named]) -> list[Named]:
    """Return entries of locks with the scope and directness that what is declared beside them gives them."""
    declared: dict[str, dict[str, set[Scope]]] = defaultdict(lambda: defaultdict(set))
    for one in named:
        if not one.lock and one.entry.scope is not None and one.ecosystem:
            declared[one.ecosystem][one.entry.name].add(one.entry.scope)
    needed: dict[str, set[str]] = {}
    for ecosystem, names in declared.items():
        entries = [one.entry for one in named if one.lock and one.ecosystem == ecosystem]
        if any(entry.scope is None for entry in entries):
            needed[ecosystem] = reached(entries, {name for name, scopes in names.items() if "production" in scopes})
    told = {one.ecosystem for one in named if one.lock and one.entry.requires}
    found: list[Named] = []
    for one in named:
        entry, names, roots = one.entry, declared.get(one.ecosystem) or {}, needed.get(one.ecosystem)
        if one.lock:
            # Without a word of who needs whom, what nothing declares may be needed by anything.
            anyone = roots is None or entry.name in roots or (one.ecosystem not in told and entry.name not in names)
            scope: Scope = entry.scope or ("production" if anyone else "development")
            entry = replace(entry, scope=scope, direct=entry.direct and (not names or entry.name in names))
        found.append(replace(one, entry=entry))
    return found


def _is_locked(entry: Entry) -> bool:
    """Say whether a lock would hold it: no language or tool, nothing that only builds the package."""
    return not any(kind in ("runtime", "tool") or value.startswith("[") for kind, value in entry.details)


def _left_behind(ends: _Ends, facts: Sequence[Fact]) -> list[str]:
    """Return, of each manifest whose ranges changed, that its lock did not."""
    snapshots = ends.snapshots
    found: dict[str, None] = {}
    for path in dict.fromkeys(fact.path for fact in facts):
        file, blob = ends.files[path], snapshots.head_tree.get(path)
        if file.role != "manifest" or blob is None:
            continue
        apart = {entry.name for _, entry in ends.read(blob) or () if not _is_locked(entry)}
        if not {fact.what for fact in facts if fact.path == path} - apart:
            continue
        locks = _locks(ends, file)
        same = [lock for lock in locks if snapshots.base_tree.get(lock) == snapshots.head_tree.get(lock)]
        if locks and len(same) == len(locks):
            found[f"{path} changed, its lock {', '.join(locks)} did not"] = None
    return list(found)


def _locks(ends: _Ends, file: File) -> list[str]:
    """Return the locks of a manifest at the head: those beside it, or above it where locks are shared."""
    folders = [file.project]
    if file.ecosystem in _WORKSPACES:
        parts = file.project.split("/") if file.project else []
        folders = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    for folder in folders:
        found = [
            path
            for path, one in ends.files.items()
            if (one.role, one.ecosystem, one.project) == ("lock", file.ecosystem, folder)
            and path in ends.snapshots.head_tree
        ]
        if found:
            return found
    name = file.path.removesuffix(".in") + ".txt"
    return [name] if file.path.endswith(".in") and name in ends.snapshots.head_tree else []


def _loose(ends: _Ends) -> list[str]:
    """Return the manifests of the running system that declare ranges which nothing at the head resolves."""
    tree = ends.snapshots.head_tree
    wanted = [
        file
        for path, file in ends.files.items()
        if path in tree and file.role == "manifest" and file.ecosystem not in ("", "runtime")
    ]
    ends.snapshots.load(tree[file.path] for file in wanted)
    pinned: dict[tuple[str, str], set[str]] = defaultdict(set)
    open_: dict[str, tuple[File, set[str]]] = {}
    for file in wanted:
        entries = [(ecosystem, _placed(entry, file.path)) for ecosystem, entry in ends.read(tree[file.path]) or ()]
        pinned[file.ecosystem, file.project] |= {entry.name for _, entry in entries if entry.exact}
        names = {entry.name for _, entry in entries if entry.scope == "production" and _is_open(entry, file)}
        if names and not _locks(ends, file):
            open_[file.path] = (file, names)
    return sorted(path for path, (file, names) in open_.items() if names - pinned[file.ecosystem, file.project])


def _is_open(entry: Entry, file: File) -> bool:
    # Without a version, the platform or central file that is imported names it.
    managed = not entry.version and file.ecosystem in ("java", "dotnet")
    runtime = any(kind in ("runtime", "tool") for kind, _ in entry.details)
    return not entry.exact and not managed and not runtime
