"""Whether the same environment variables are read and set, with the same values: a line of the checklist.

The whole trees of both ends are compared, so that a read which moves to another file is no change. What the facts say:
the noun ``read`` is a variable that the code asks for, before and after its default; ``set`` one that a deployment file
gives a value, before and after that value; ``default`` a read whose default is another; and ``unset`` a read that has
no default, of a variable that no file of the tree sets: whoever deploys must set it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from stabkit.change.environment.masked import shown
from stabkit.change.environment.python import SETTINGS
from stabkit.change.environment.uses import REQUIRED
from stabkit.change.environment.variables import Place, Variables, load_tree
from stabkit.change.facts import Answer, Fact, Scope, answered
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_environment"]

_SCOPES: Final[tuple[Scope, ...]] = ("production", "ci", "development")
# What a system, a shell or a runner sets for every process.
_GIVEN: Final = re.compile(
    r"HOME|PATH|USER|USERNAME|LOGNAME|SHELL|LANG|LC_\w+|TERM|COLORTERM|PWD|TMPDIR|TEMP|TMP|HOSTNAME|DISPLAY|TZ|CI|NO_COLOR|FORCE_COLOR|XDG_\w+|GITHUB_\w+|GITLAB_\w+|CI_\w+|RUNNER_\w+|"
    r"KUBERNETES_\w+|APPDATA|LOCALAPPDATA|PROGRAMFILES|PROGRAMDATA|USERPROFILE|SYSTEMROOT|COMSPEC|EDITOR|VISUAL|PAGER|COLUMNS|LINES|SSH_\w+|VIRTUAL_ENV|CONDA_\w+|PYTHON\w+|GOPATH|GOROOT|"
    r"CARGO_\w+|OUT_DIR|NODE_ENV|(HTTPS?|NO|ALL|FTP)_PROXY|(https?|no|all|ftp)_proxy|SSL_CERT_\w+|secrets\..*|vars\..*",
    re.IGNORECASE,
)
_SHOWN: Final = 10


def answer_environment(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    base, head, unread = load_tree(snapshots)
    found = [*_read(base, head), *_set(base, head, snapshots)]
    found.sort(key=lambda fact: (fact.noun != "unset", fact.scope != "production", fact.path, fact.line or 0))
    examined = base.searched | head.searched
    return answered(found, len(examined), "source and deployment files", why=_open(base, head, unread))


def _open(base: Variables, head: Variables, unread: set[str]) -> str | None:
    """Return what could not be seen; names made at run time only where the range changes them."""
    parts = []
    if unread:
        parts.append(f"could not be read: {_listed(sorted(unread))}")
    changed = base.unparsed | head.unparsed
    if changed:
        parts.append(f"could not be parsed: {_listed(sorted(changed))}")
    made: list[str] = []
    for here, there in ((base, head), (head, base)):
        known = Counter(place.use.name for place in there.dynamic if place.scope == "production")
        for place in here.dynamic:
            if place.scope == "production" and not known[place.use.name]:
                made.append(f"{place.path}:{place.use.line} {place.use.name[:80]}")
            known[place.use.name] -= 1
    if made:
        parts.append(f"names made at run time: {_listed(sorted(set(made)))}")
    return "; ".join(parts) or None


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _read(base: Variables, head: Variables) -> Iterator[Fact]:
    for name in sorted(base.reads.keys() | head.reads.keys()):
        before, after = base.reads.get(name, []), head.reads.get(name, [])
        given = _GIVEN.fullmatch(name) is not None and not name.startswith(("secrets.", "vars."))
        for scope in _SCOPES:
            if given and scope != "production":
                continue  # a script or test that asks for what every process has tells nobody to set it
            old, new = ([place for place in places if place.scope == scope] for places in (before, after))
            if old and new:
                if (defaults := (_defaults(old), _defaults(new))) and defaults[0] != defaults[1]:
                    yield _other_default(name, old, new, head)
            elif new and not _elsewhere(before, after, scope):
                unset = scope == "production" and _unset(name, new, head)
                yield _fact(name, new[0], ("added", "unset" if unset else "read"), None, _told(name, _defaults(new)))
            elif old and not _elsewhere(after, before, scope):
                yield _fact(name, old[0], ("removed", "read"), _told(name, _defaults(old)), None)


def _elsewhere(there: Iterable[Place], here: Iterable[Place], scope: Scope) -> bool:
    """Say whether a read of tests or CI is news of another: at the other end of any scope, or of production here."""
    if scope == "production":
        return False
    return any(True for _ in there) or any(place.scope == "production" for place in here)


def _other_default(name: str, old: list[Place], new: list[Place], head: Variables) -> Fact:
    before, after = _defaults(old), _defaults(new)
    place = next((p for p in new if p.use.value not in before), new[0])
    unset = place.scope == "production" and bool(before - {None, REQUIRED}) and _unset(name, new, head)
    noun = "unset" if unset else "default"
    old_told, new_told = _told(name, before - after or before), _told(name, after - before or after)
    return _fact(name, place, ("changed", noun), old_told, new_told)


def _defaults(places: list[Place]) -> set[str | None]:
    """Return the defaults of a variable; a read that would fail is none where the same file asks first."""
    asked = {place.path for place in places if place.use.value != REQUIRED}
    return {place.use.value for place in places if place.use.value != REQUIRED or place.path not in asked}


def _told(name: str, defaults: set[str | None]) -> str | None:
    texts = sorted({text for default in defaults if (text := shown(name, default)) is not None})
    return " | ".join(texts) if texts else None


def _unset(name: str, reads: list[Place], head: Variables) -> bool:
    if _GIVEN.fullmatch(name) or any(place.use.value not in (None, REQUIRED) for place in reads):
        return False
    return not any(_gives(name, place) for place in head.sets.get(name, ()))


def _gives(name: str, place: Place) -> bool:
    """Say whether a file gives a value: one that only hands on what it was given does not, nor does a test or CI."""
    value = place.use.value
    if place.scope == "ci" or categorise(place.path) == "test" or value is None:
        return False
    return re.fullmatch(rf"\$\{{?{re.escape(name)}(:?\?[^}}]*)?\}}?", value) is None


def _set(base: Variables, head: Variables, snapshots: Snapshots) -> Iterator[Fact]:
    gone = base.reads.keys() - head.reads.keys()
    for name in sorted(base.sets.keys() | head.sets.keys()):
        if name.startswith(SETTINGS):
            continue  # what a project's settings say is told as its configuration
        for scope in _SCOPES:
            old, new = ([p for p in end.sets.get(name, []) if p.scope == scope] for end in (base, head))
            old, new = _without(old, new, by_path=True), _without(new, old, by_path=True)
            old, new = _without(old, new, by_path=False), _without(new, old, by_path=False)
            for place in list(old):
                # Of a file that is gone, the value went on into another.
                same = [p for p in new if p.path == place.path or place.path not in snapshots.head_tree]
                if same:
                    new.remove(same[0])
                    before, after = shown(name, place.use.value), shown(name, same[0].use.value)
                    yield _fact(name, same[0], ("changed", "set"), before, after)
                    continue
                unset = (
                    name not in gone and scope == "production" and _unset(name, head.reads.get(name, []), head)
                ) and any(p.scope == "production" for p in head.reads.get(name, ()))
                yield _fact(name, place, ("removed", "unset" if unset else "set"), shown(name, place.use.value), None)
            for place in new:
                yield _fact(name, place, ("added", "set"), None, shown(name, place.use.value))


def _without(places: list[Place], others: list[Place], *, by_path: bool) -> list[Place]:
    """Return the places whose value the other end does not set as often."""
    known = Counter((place.path if by_path else "", place.use.value) for place in others)
    left = []
    for place in places:
        key = (place.path if by_path else "", place.use.value)
        if known[key] > 0:
            known[key] -= 1
        else:
            left.append(place)
    return left


def _fact(name: str, place: Place, told: tuple[str, str], before: str | None, after: str | None) -> Fact:
    return Fact(place.path, place.use.line, name, *told, before, after, place.use.proven, place.scope)
