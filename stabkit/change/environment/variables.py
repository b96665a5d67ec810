"""The environment variables of a whole tree: every file that may read or set one, looked at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from stabkit.change.environment.code_reads import CODE_HINT, code_uses, language
from stabkit.change.environment.deployment import ENV_FILE, deployment_uses, is_deployment
from stabkit.change.environment.notebooks import notebook_uses
from stabkit.change.environment.places import foreign, scope_of
from stabkit.change.environment.python import SETTINGS, is_settings_module, may_read, python_uses, settings_given
from stabkit.change.environment.shell_reads import shell_reads
from stabkit.change.environment.uses import Use, Uses
from stabkit.change.facts import Scope
from stabkit.change.git import Blob
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["Place", "Variables", "load_tree"]

_BATCH: Final = 2_000
_MOST_NAMES: Final = 200
_DEPLOYED: Final = re.compile(rb"(?i)env|variables|\$\{|kind:\s*[\"']?(configmap|secret)|literals|secrets\.|vars\.")
# Of Python that cannot be parsed, the plainest of reads.
_PLAIN_READ: Final = re.compile(r"(?:environ(?:\.get\(|\[)|getenv\()\s*[\"'](\w+)[\"']")


@dataclass(frozen=True)
class Place:
    """One use of a variable, and the file that it stands in."""

    path: str
    use: Use
    scope: Scope


class Variables:
    """What the files of one end of a range do with variables, by the name of each.

    Attributes
    ----------
    reads, sets : dict of str to list of Place
        In order of path and line.
    dynamic : list of Place
        Names made at run time.
    searched : set of str
        The files that were looked at.
    unparsed : set of str
        Those of them that are no valid document of their kind.
    """

    def __init__(self) -> None:
        self.reads: dict[str, list[Place]] = {}
        self.sets: dict[str, list[Place]] = {}
        self.dynamic: list[Place] = []
        self.searched: set[str] = set()
        self.unparsed: set[str] = set()

    @property
    def nouns(self) -> tuple[tuple[str, dict[str, list[Place]]], ...]:
        """Reads and sets, each with its word."""
        return ("read", self.reads), ("set", self.sets)

    def in_order(self) -> None:
        """Put the places of each name in order of path and line."""
        for _, uses in self.nouns:
            for places in uses.values():
                places.sort(key=lambda place: (place.path, place.use.line))
        self.dynamic.sort(key=lambda place: (place.path, place.use.line))

    def add(self, path: str, uses: Uses | None) -> None:
        """Take over what a file does; None for one that cannot be parsed."""
        self.searched.add(path)
        if uses is None:
            self.unparsed.add(path)
            return
        scope = scope_of(path)
        for found, by_name in ((uses.reads, self.reads), (uses.sets, self.sets)):
            for use in sorted(found, key=lambda use: use.line):
                by_name.setdefault(use.name, []).append(Place(path, use, scope))
        self.dynamic += [Place(path, use, scope) for use in uses.dynamic]


def load_tree(snapshots: Snapshots) -> tuple[Variables, Variables, set[str]]:
    """Return the variables of both ends, and the paths of changed files that could not be read.

    Of a file that both ends share only what concerns a variable that the changed files use otherwise is looked for: all
    else is the same at both ends, whatever it is.
    """
    ends = [_candidates(tree) for tree in (snapshots.base_tree, snapshots.head_tree)]
    shared = {path for path, blob in ends[0].items() if path in ends[1] and ends[1][path].object_id == blob.object_id}
    found = [Variables(), Variables()]
    unread: set[str] = set()
    snapshots.load(blob for blobs in ends for path, blob in blobs.items() if path not in shared)
    for variables, blobs in zip(found, ends, strict=True):
        for path in sorted(blobs.keys() - shared):
            content = snapshots.content(blobs[path])
            if content is None:
                unread.add(path)
                continue
            variables.add(path, _uses(path, content, snapshots, blobs[path], same=False))
    concerns = _concerning(_otherwise(*found))
    known: dict[str, Uses | None] = {}
    if concerns is not None:
        order = sorted(shared)
        for start in range(0, len(order), _BATCH):  # git prints no more than a limit at once
            snapshots.load(ends[0][path] for path in order[start : start + _BATCH])
        for path in order:
            content = snapshots.content(ends[0][path])
            if content is not None and concerns.search(content):
                known[path] = _uses(path, content, snapshots, ends[0][path], same=True)
    for variables in found:
        for path in sorted(shared):
            variables.add(path, known.get(path, Uses()))
        variables.in_order()
    return found[0], found[1], unread


def _otherwise(base: Variables, head: Variables) -> set[str]:
    """Return the variables that the changed files use otherwise at one end than at the other."""
    told = [
        Counter((name, noun, p.scope, p.use.value) for noun, uses in end.nouns for name in uses for p in uses[name])
        for end in (base, head)
    ]
    return {key[0] for key in (told[0] - told[1]) + (told[1] - told[0])}


def _concerning(names: set[str]) -> re.Pattern[bytes] | None:
    """Return what a file holds that may use one of these variables; None for no name.

    Settings classes spell a name in small letters, and put a prefix before it that stands elsewhere in the file.
    """
    if not names:
        return None
    if len(names) > _MOST_NAMES:
        return re.compile(b"")
    words = {max(re.findall(r"\w+", name.removeprefix(SETTINGS)) or [""], key=len) for name in names}
    return re.compile("|".join(["prefix", *map(re.escape, sorted(words))]).encode(), re.IGNORECASE)


def _candidates(tree: Mapping[str, Blob]) -> dict[str, Blob]:
    return {path: blob for path, blob in tree.items() if _may_use(path) and not foreign(path)}


def _may_use(path: str) -> bool:
    if path.endswith((".py", ".ipynb")) or language(path) is not None:
        return True
    if not is_deployment(path):
        return False
    return not path.endswith(".json") or categorise(path) not in ("test", "doc", "dependency")


def _uses(path: str, content: bytes, snapshots: Snapshots, blob: Blob, *, same: bool) -> Uses | None:
    kind = language(path)
    if path.endswith(".py"):
        # A changed file that is no Python leaves a question open, whatever it holds.
        looked_at = may_read(content) or is_settings_module(path) or (not same and categorise(path) != "test")
        return _python(path, content, snapshots, blob, same=same) if looked_at else Uses()
    if path.endswith(".ipynb"):
        uses = notebook_uses(content) if may_read(content) else Uses()
        return Uses() if uses is None and same else uses
    if kind is not None:
        if kind == "shell":
            return Uses(reads=shell_reads(content.decode("utf-8", "replace")))
        return code_uses(path, content.decode("utf-8", "replace")) if CODE_HINT.search(content) else Uses()
    if not ENV_FILE.search(path) and not _DEPLOYED.search(content):
        return Uses()
    uses = deployment_uses(path, content)
    # What both ends hold alike, and what only tests read, leaves no question open.
    return Uses() if uses is None and (same or scope_of(path) == "development") else uses


def _python(path: str, content: bytes, snapshots: Snapshots, blob: Blob, *, same: bool) -> Uses | None:
    tree = snapshots.parsed(blob)
    if tree is None:
        return Uses(reads=list(_plain_reads(content))) if same else None
    given = settings_given(tree) if is_settings_module(path) else []
    if not may_read(content):
        return Uses(sets=given)
    try:
        found = python_uses(tree)
    except RecursionError:
        return None
    # What a test sets, it sets for itself.
    if categorise(path) == "test":
        return Uses(reads=found.reads, dynamic=found.dynamic)
    found.sets += given
    return found


def _plain_reads(content: bytes) -> Iterable[Use]:
    text = content.decode("utf-8", "replace")
    for match in _PLAIN_READ.finditer(text):
        yield Use(match[1], text.count("\n", 0, match.start()) + 1, proven=False)
