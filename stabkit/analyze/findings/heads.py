"""Folders that have another name in each run: a checkout, a build, an image with its tag, unpacked.

Such a part stands at the head of the paths, before the files that it holds, and everything beneath it is the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from stabkit.text import TEMPORARY_ROOT

__all__ = ["Heads", "changed_heads"]

_Parts = tuple[str, ...]

_ROOTED: Final = re.compile(r"/|[A-Za-z]:/")
# What machines write into the name of a folder: digests, dates, versions, ids and numbers of builds.
_VOLATILE: Final = re.compile(
    r"@?sha\d+[:-][0-9a-fA-F]{8,}+"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\d{4}-\d\d-\d\d(?:[T_-]\d\d(?:[:.-]?\d\d){0,2}Z?)?"
    r"|(?<![A-Za-z0-9])v?\d++(?:\.\d++)++(?:[-+._]?(?:rc|alpha|beta|dev|snapshot|post|final|release)[\w.]*)?"
    r"|(?<![A-Za-z0-9])(?=[0-9a-f]*+(?<=\d)|[0-9]*[a-f]+[0-9])[0-9a-f]{7,64}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])\d{5,}(?![A-Za-z0-9])"
    r"|@\d++$",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"^\d++$|(?i:^(?:build|job|run|runner|pipeline|checkout|workspace|work|pr|mr)[-_.#]?\d++$)"
)
_COUNTED: Final = re.compile(r"(?i)(?<=[-_])(?:pr|mr|build|run|job)[-_.#]?\d++$")
_TEMPORARY: Final = re.compile(r"(?i)^(?:tmp|temp)[-_.]?\w*\d\w*$|^tmp[-_.]?\w+$")
_TEMPORARY_ROOT: Final = re.compile(rf"(?i)^{TEMPORARY_ROOT}/")
_RANDOM: Final = re.compile(r".*\d|.*[a-z].*[A-Z]|(?:checkout|clone|repo|src|scan|work|workspace|build|job)[-_.]")
_RUNNER: Final = re.compile(r"^/builds/[\w-]+/\d+/")
_IMAGE: Final = re.compile(r"^([\w.-]+):[\w][\w.-]*(?=$|@| \()")
_DIGEST: Final = re.compile(r"@sha\d+:")
_ARCHIVE: Final = re.compile(r"(?i)\.(?:tar|tgz|tar\.\w+|zip|jar|war|ear|whl|img|iso|sif)$")


@dataclass(frozen=True)
class Heads:
    """Heads of the baseline's paths, and what stands in their place in the candidate's."""

    changed: Mapping[str, str] = field(default_factory=dict)

    def path(self, path: str) -> str:
        """Return the candidate's path of a path of the baseline.

        Examples
        --------
        >>> Heads({"shop-1.4.tar": "shop-1.5.tar"}).path("shop-1.4.tar/etc/passwd")
        'shop-1.5.tar/etc/passwd'
        """
        for old, new in self.changed.items():
            if path == old or path.startswith(old + "/"):
                return new + path[len(old) :]
        return path

    def text(self, text: str) -> str:
        """Return a sentence of the baseline with the heads that it names as the candidate writes them."""
        for old, new in self.changed.items():
            text = text.replace(old, new).replace(old.replace("/", "\\"), new.replace("/", "\\"))
        return text


def changed_heads(before: Collection[str], after: Collection[str]) -> Heads:
    """Return the heads of paths that changed by themselves between two scans.

    Parameters
    ----------
    before, after : collection of str
        All paths that each side tells of, with forward slashes.

    Notes
    -----
    Two heads are one if they differ in what machines write alone (:data:`_VOLATILE` and its like), if neither stands on
    the other side too, and if the difference comes right behind what all paths share: a version in the midst of a
    repository is a folder as any other.

    Examples
    --------
    >>> changed_heads(["/work/123/a.py", "/work/123/b/c.py"], ["/work/124/a.py"]).changed
    {'/work/123': '/work/124'}
    >>> changed_heads(["service-a/main.py"], ["service-b/main.py"]).changed
    {}
    """
    old, new = ({_parts(path) for path in side} for side in (before, after))
    shared = _shared([*old, *new])
    by_mask: dict[_Parts, set[_Parts]] = defaultdict(set)
    for path in new - old:
        by_mask[_mask(path)].add(path)
    found: dict[_Parts, set[_Parts]] = defaultdict(set)
    for path in old - new:
        for other in by_mask.get(_mask(path), ()):
            first, rest = _difference(path, other)
            if first == shared or (_rooted(path) and _alone(path[:first], path[first], old)):
                found[path[:rest]].add(other[:rest])
    sides = {side: {path[:n] for path in paths for n in range(1, len(path) + 1)} for side, paths in
             (("old", old), ("new", new))}  # fmt: skip
    taken: dict[_Parts, int] = defaultdict(int)
    for heads in found.values():
        for head in heads:
            taken[head] += 1
    changed = {
        "/".join(head): "/".join(next(iter(others)))
        for head, others in found.items()
        if len(others) == 1
        and taken[next(iter(others))] == 1
        and head not in sides["new"]
        and next(iter(others)) not in sides["old"]
    }
    return Heads(dict(sorted(changed.items(), key=lambda item: -len(item[0]))))


def _parts(path: str) -> _Parts:
    return tuple(path.split("/"))


def _rooted(path: _Parts) -> bool:
    return bool(_ROOTED.match("/".join(path) + "/"))


def _shared(paths: list[_Parts]) -> int:
    """Return how many leading folders all paths have in common."""
    if not paths:
        return 0
    least, most = min(paths), max(paths)
    return next((n for n, (one, two) in enumerate(zip(least, most, strict=False)) if one != two), len(least))


def _difference(one: _Parts, two: _Parts) -> tuple[int, int]:
    """Return the first place in which two paths of one length differ, and that behind the last."""
    places = [n for n, (first, second) in enumerate(zip(one, two, strict=True)) if first != second]
    return places[0], places[-1] + 1


def _alone(folder: _Parts, name: str, paths: Iterable[_Parts]) -> bool:
    """Say whether all paths in a folder lie in the one that is named."""
    size = len(folder)
    return all(path[size : size + 1] == (name,) for path in paths if path[:size] == folder)


def _mask(path: _Parts) -> _Parts:
    """Return a path with what machines write in its folders as ``#``; its file's name stays, unless it is an image."""
    whole = "/".join(path)
    root = _TEMPORARY_ROOT.match(whole)
    below = None if root is None else root.group().count("/")
    masked = []
    for place, part in enumerate(path):
        if below is not None and place < below:
            masked.append("#" if "/folders/" in whole and place >= below - 3 else part)
        elif below is not None and place == below and place < len(path) - 1 and _RANDOM.match(part):
            masked.append("#")
        elif place < len(path) - 1 or any(p.search(part) for p in (_IMAGE, _DIGEST, _ARCHIVE)):
            masked.append(_masked(part))
        else:
            masked.append(part)
    if _RUNNER.match(whole):
        masked[2] = "#"
    return tuple(masked)


def _masked(part: str) -> str:
    if _NUMBERED.match(part) or _TEMPORARY.match(part):
        return re.sub(r"\d++", "#", part) if _NUMBERED.match(part) else "#"
    part = _IMAGE.sub(r"\1:#", part)
    return _COUNTED.sub("#", _VOLATILE.sub("#", part))
