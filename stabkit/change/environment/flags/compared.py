"""Whether the same feature flags have the same values: a line of the checklist.

The whole trees of both ends are compared. The noun ``flag`` is one that the code asks for, before and after its
default; ``value`` is what a file or a module of settings sets one to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.environment.code_reads import language
from stabkit.change.environment.configuration import is_configuration
from stabkit.change.environment.flags.files import file_flags, is_flag_file
from stabkit.change.environment.flags.reads import code_flags, may_name_flags, python_flags
from stabkit.change.environment.masked import shown
from stabkit.change.environment.places import foreign, scope_of
from stabkit.change.environment.uses import Use
from stabkit.change.environment.variables import Place
from stabkit.change.facts import Answer, Fact, Scope, answered
from stabkit.change.git import Blob
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_flags"]

_SCOPES: Final[tuple[Scope, ...]] = ("production", "ci", "development")
_SETTINGS: Final = re.compile(
    r"(^|/)([^/]*(settings|config|conf|flags?|features?|toggles?|constants)[^/]*\.py|(settings|config)/[^/]+\.py)$"
)
_BUNDLED: Final = re.compile(rb"(?im)[\"']?(feature_?-?flags?|features|feature_?toggles|toggles|flags)[\"']?\s*[:=\]]")
_DOCUMENTS: Final = (".yml", ".yaml", ".json", ".toml")
_BATCH: Final = 2_000


def answer_flags(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    ends = [
        {path: blob for path, blob in tree.items() if _may_name(path)}
        for tree in (snapshots.base_tree, snapshots.head_tree)
    ]
    every = [blob for blobs in ends for blob in blobs.values()]
    for start in range(0, len(every), _BATCH):
        snapshots.load(every[start : start + _BATCH])
    holding: set[str] = set()
    open_: set[str] = set()
    places: list[dict[str, list[Place]]] = []
    known: dict[tuple[str, str], list[Use] | None] = {}
    for blobs, other in zip(ends, reversed(ends), strict=True):
        found: dict[str, list[Place]] = {}
        for path in sorted(blobs):
            blob = blobs[path]
            key = (path, blob.object_id)
            if key not in known:
                known[key] = _flags(path, blob, snapshots)
            uses = known[key]
            if uses is None:
                if path not in other or other[path].object_id != blob.object_id:
                    open_.add(path)
                continue
            if uses:
                holding.add(path)
            for use in uses:
                found.setdefault(use.name, []).append(Place(path, use, scope_of(path)))
        places.append(found)
    why = f"could not be read or parsed: {', '.join(sorted(open_)[:10])}" if open_ else None
    facts = list(_compared(*places))
    if not holding and not facts and why is None:
        return Answer("not_checked", (), 0, "files with feature flags", "no feature flag found", settled=True)
    return answered(facts, len(holding), "files with feature flags", why=why)


def _may_name(path: str) -> bool:
    if path.endswith(".py") or language(path) not in (None, "shell"):
        return not foreign(path)
    return path.endswith(_DOCUMENTS) and (is_flag_file(path) or is_configuration(path)) and not foreign(path)


def _flags(path: str, blob: Blob, snapshots: Snapshots) -> list[Use] | None:
    content = snapshots.content(blob)
    if content is None:
        return None
    if path.endswith(_DOCUMENTS):
        if not is_flag_file(path) and not _BUNDLED.search(content):
            return []
        found = file_flags(path, content)
        return [] if found is None and not is_flag_file(path) else found
    settings = bool(_SETTINGS.search(path)) and categorise(path) != "test"
    if not may_name_flags(content, settings=settings or not path.endswith(".py")):
        return []
    if path.endswith(".py"):
        tree = snapshots.parsed(blob)
        return None if tree is None else python_flags(tree, settings=settings)
    return code_flags(path, content.decode("utf-8", "replace"))


def _compared(base: dict[str, list[Place]], head: dict[str, list[Place]]) -> Iterator[Fact]:
    for name in sorted(base.keys() | head.keys()):
        before, after = base.get(name, []), head.get(name, [])
        for scope in _SCOPES:
            for noun in ("flag", "value"):
                old, new = ([p for p in places if p.scope == scope and _noun(p) == noun] for places in (before, after))
                values = [{p.use.value for p in places} for places in (old, new)]
                if old and new and values[0] != values[1]:
                    place = next((p for p in new if p.use.value not in values[0]), new[0])
                    yield _fact(
                        place, "changed", noun, values[0] - values[1] or values[0], values[1] - values[0] or values[1]
                    )
                elif new and not old and not _told_elsewhere(before, after, scope):
                    yield _fact(new[0], "added", noun, set(), values[1])
                elif old and not new and not _told_elsewhere(after, before, scope):
                    yield _fact(old[0], "removed", noun, values[0], set())


def _told_elsewhere(there: list[Place], here: list[Place], scope: Scope) -> bool:
    """Say whether a flag in tests or CI is no news, because the other end or production has it."""
    if scope == "production":
        return False
    return bool(there) or any(place.scope == "production" for place in here)


def _noun(place: Place) -> str:
    return "value" if place.path.endswith(_DOCUMENTS) else "flag"


def _fact(place: Place, change: str, noun: str, before: set[str | None], after: set[str | None]) -> Fact:
    name = place.use.name
    return Fact(
        place.path,
        place.use.line,
        name,
        change,
        noun,
        _told(name, before),
        _told(name, after),
        place.use.proven,
        place.scope,
    )


def _told(name: str, values: set[str | None]) -> str | None:
    texts = sorted(text for value in values if (text := shown(name, value)) is not None)
    return " | ".join(texts) if texts else None
