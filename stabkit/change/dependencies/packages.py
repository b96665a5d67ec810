"""What differs between two lists of dependencies: one fact a package and scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stabkit.change.dependencies.entries import Entry
from stabkit.change.dependencies.versions import size_of, version_key
from stabkit.change.facts import Fact, Scope

__all__ = ["Named", "package_facts"]

_SCOPES: Final[tuple[Scope, ...]] = ("production", "development", "ci")
# Of these, a side that tells nothing says nothing.
_TOLD: Final = ("source", "hash", "commit")
_SHORT: Final = 80


@dataclass(frozen=True)
class Named:
    """A dependency with the file that names it: its project, ecosystem and path, and whether that file is a lock."""

    project: str
    ecosystem: str
    path: str
    lock: bool
    entry: Entry


_Key = tuple[str, str, str, Scope]


def package_facts(
    before: Sequence[Named], after: Sequence[Named], base: set[str], head: set[str]
) -> tuple[list[Fact], list[str]]:
    """Return what differs, direct before transitive and production before all else, and what cannot be compared.

    Parameters
    ----------
    before, after : sequence of Named
        What both ends name.
    base, head : set of str
        The paths of both ends.
    """
    sides = [_by_package(named) for named in (before, after)]
    one_sided, why = _one_sided(before, after)
    found: list[tuple[_Key, bool, Fact]] = []
    for key in sorted(sides[0].keys() | sides[1].keys()):
        # What Go builds stands in go.mod; go.sum only guards it.
        for lock in (False, True) if key[1] == "go" else (True, False):
            old, new = ([one for one in side.get(key, ()) if one.lock == lock] for side in sides)
            if lock and key[:2] in one_sided:
                continue
            fact = _fact(key, old, new)
            if fact is not None:
                direct = any(one.entry.direct for one in (new or old))
                found.append((key, direct, fact))
                break
    kept = _moved(found, base, head)
    kept.sort(key=lambda one: (not one[1], _SCOPES.index(one[0][3]), one[2].path, one[2].what))
    return [fact if direct else replace(fact, noun=f"transitive {fact.noun}") for _, direct, fact in kept], why


def _by_package(named: Iterable[Named]) -> dict[_Key, list[Named]]:
    named = list(named)
    built: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in named:
        if one.ecosystem == "go" and not one.lock:
            built[one.project, one.entry.name].add(one.entry.version)
    found: dict[_Key, list[Named]] = defaultdict(list)
    for one in named:
        # go.sum also keeps the sums of versions that are not built: go.mod says which are.
        versions = built.get((one.project, one.entry.name)) if one.lock and one.ecosystem == "go" else None
        if versions is None or one.entry.version in versions:
            found[one.project, one.ecosystem, one.entry.name, one.entry.scope or "production"].append(one)
    return found


def _one_sided(before: Sequence[Named], after: Sequence[Named]) -> tuple[set[tuple[str, str]], list[str]]:
    """Return the projects that have a lock at one end alone, though they are there at both."""
    locks, manifests = (
        [{(one.project, one.ecosystem) for one in side if one.lock == lock} for side in (before, after)]
        for lock in (True, False)
    )
    found = {key for key in locks[0] ^ locks[1] if key in manifests[0] and key in manifests[1]}
    why = []
    for side, word, end in ((after, "new", "before"), (before, "gone", "now")):
        paths = sorted({one.path for one in side if one.lock and (one.project, one.ecosystem) in found})
        why += [f"{path} is {word}: resolved versions {end} unknown" for path in paths]
    return found, why


def _fact(key: _Key, old: Sequence[Named], new: Sequence[Named]) -> Fact | None:
    if not old and not new:
        return None
    _, _, name, scope = key
    versions = [{one.entry.version for one in side} for side in (old, new)]
    proven = all(one.entry.proven for one in (*old, *new))
    if not old or not new:
        there = new or old
        change = "added" if new else "removed"
        said = _said(versions[1] or versions[0])
        before, after = (None, said) if new else (said, None)
        return Fact(there[0].path, there[0].entry.line, name, change, "dependency", before, after, proven, scope)
    if versions[0] != versions[1]:
        place = next((one for one in new if one.entry.version not in versions[0]), new[0])
        apart = [versions[0] - versions[1], versions[1] - versions[0]]
        shown = apart if all(apart) else versions
        was, now = _said(shown[0]), _said(shown[1])
        return Fact(place.path, place.entry.line, name, "changed", size_of(was, now), was, now, proven, scope)
    return _otherwise(key, old, new, proven=proven)


def _said(versions: set[str]) -> str:
    return ", ".join(version or "any" for version in sorted(versions, key=version_key))


def _otherwise(key: _Key, old: Sequence[Named], new: Sequence[Named], *, proven: bool) -> Fact | None:
    """Return a fact of a package whose version is the same: where it comes from, what it holds, when it is wanted."""
    sides = [_details(side) for side in (old, new)]
    for kind in sorted(sides[0].keys() | sides[1].keys(), key=lambda kind: (kind == "hash", kind)):
        before, after = (side.get(kind, set()) for side in sides)
        if before == after or (kind in _TOLD and all(one.lock for one in (*old, *new)) and not (before and after)):
            continue
        if kind == "hash":
            pair = _hashes_apart(before, after)
            if pair is None:
                continue
            before, after = pair
        gone, come = sorted(before - after), sorted(after - before)
        place = next((one for one in new if any(pair[1] in come for pair in one.entry.details)), new[0])
        said = [f"{kind} {', '.join(values)[:_SHORT] or 'none'}" for values in (gone, come)]
        return Fact(place.path, place.entry.line, key[2], "changed", kind, said[0], said[1], proven, key[3])
    return None


def _details(side: Sequence[Named]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in side:
        for kind, value in one.entry.details:
            found[kind].add(value)
    return found


def _hashes_apart(before: set[str], after: set[str]) -> tuple[set[str], set[str]] | None:
    """Return the hashes that contradict each other; None for more or fewer files of the same, or another algorithm."""
    sides: list[dict[str, set[str]]] = []
    for values in (before, after):
        by_algorithm: dict[str, set[str]] = defaultdict(set)
        for value in values:
            algorithm = value.partition(":")[0] if ":" in value else value.partition("-")[0] if "-" in value else ""
            by_algorithm[algorithm].add(value)
        sides.append(by_algorithm)
    for algorithm in sides[0].keys() & sides[1].keys():
        old, new = sides[0][algorithm], sides[1][algorithm]
        if not old <= new and not new <= old:
            return old, new
    return None


def _moved(found: Sequence[tuple[_Key, bool, Fact]], base: set[str], head: set[str]) -> list[tuple[_Key, bool, Fact]]:
    """Return facts without what a file that is gone and a new one name alike; of another version, one fact of both."""
    gone = {
        (key[1:], fact.what): (number, fact)
        for number, (key, _, fact) in enumerate(found)
        if fact.change == "removed" and fact.path not in head
    }
    come = {
        (key[1:], fact.what): (number, fact)
        for number, (key, _, fact) in enumerate(found)
        if fact.change == "added" and fact.path not in base
    }
    dropped: set[int] = set()
    changed: dict[int, Fact] = {}
    for name in gone.keys() & come.keys():
        (first, old), (second, new) = gone[name], come[name]
        dropped.add(first)
        if old.before == new.after:
            dropped.add(second)
        else:
            noun = size_of(old.before or "", new.after or "")
            changed[second] = replace(new, change="changed", before=old.before, noun=noun)
    return [
        (key, direct, changed.get(number, fact))
        for number, (key, direct, fact) in enumerate(found)
        if number not in dropped
    ]
