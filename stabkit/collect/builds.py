"""Artefacts of past builds: which folders are builds, what their paths say of them, and when each happened."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.errors import UsageError
from stabkit.read import expand, told_at
from stabkit.redact import redact_text
from stabkit.runs import claimed_run
from stabkit.schema import Evidence
from stabkit.text import spelt

__all__ = [
    "PLACEHOLDERS",
    "Build",
    "Happened",
    "find_builds",
    "happened",
    "has_placeholder",
    "in_time_order",
    "time_of",
]

PLACEHOLDERS: Final = ("name", "label", "commit", "branch", "environment", "at")
"""What a pattern may name in braces: a part of the path that says this of its build."""

_PLACEHOLDER: Final = re.compile("{(" + "|".join(PLACEHOLDERS) + ")}")
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)  # what is older counts from another epoch, or from none
_AHEAD: Final = timedelta(hours=1)  # a clock that is before ours by more is wrong
_ONE_BUILD: Final = timedelta(days=1)  # reports that are further apart are not of one build
_ONE_COPY: Final = timedelta(minutes=1)  # files all written within it were copied: their times say nothing


@dataclass(frozen=True)
class Build:
    """One folder or file of a past build.

    Attributes
    ----------
    path : str
        As it is read.
    name : str
        What tells it from the others: mostly the name of its folder.
    said : mapping
        What its path says of it, by the placeholders of the pattern.
    """

    path: str
    name: str
    said: Mapping[str, str] = field(default_factory=dict)

    def filled(self, template: str | None) -> str | None:
        """Return a template with what is known of this build in the place of each placeholder.

        Examples
        --------
        >>> Build("b/7-abc", "7-abc", {"commit": "abc"}).filled("build {name} of {commit}")
        'build 7-abc of abc'
        """
        known = {"name": self.name, **self.said}
        if template is None:
            return None
        return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), template)


@dataclass(frozen=True)
class Happened:
    """When a run happened, as its files tell it.

    Attributes
    ----------
    first, last : datetime or None
        None for files of which nothing is known.
    told : bool
        True if the files tell it themselves; else it is when they were written.
    apart : bool
        True if they tell of more than one day: then the newest of them counts.
    """

    first: datetime | None
    last: datetime | None
    told: bool = True
    apart: bool = False


def find_builds(patterns: Sequence[str]) -> list[Build]:
    """Return the folders and files that some patterns name, each once, in the order of their names.

    Parameters
    ----------
    patterns : sequence of str
        Paths or globs. ``{commit}`` and the other :data:`PLACEHOLDERS` stand for any part of one name, as ``*`` does,
        and say what it is: ``artifacts/{label}-{commit}/``.

    Notes
    -----
    Numbers in names are ordered as numbers: ``build-2`` before ``build-10``. A path that is not there stands for
    itself, so that it can be said.
    """
    found: dict[str, Mapping[str, str]] = {}
    for pattern in patterns:
        for path, said in _matching(pattern):
            found.setdefault(path, said)
    names = dict(zip(found, _names(list(found)), strict=True))
    builds = [Build(path, said.get("name", names[path]), said) for path, said in found.items()]
    return sorted(builds, key=lambda build: (_natural(build.path), build.path))


def has_placeholder(texts: Iterable[str | None]) -> bool:
    """Say whether any of these names a placeholder.

    Examples
    --------
    >>> has_placeholder(["artifacts/{commit}/"]), has_placeholder(["artifacts/{a,b}", None])
    (True, False)
    """
    return any(text is not None and _PLACEHOLDER.search(text) is not None for text in texts)


def happened(path: str, evidence: Evidence, now: datetime) -> Happened:
    """Return when a run happened: by what its reports tell, else by when its files were written.

    Parameters
    ----------
    path : str
        The folder or file that it was read from, or a glob of them.
    evidence : Evidence
        What was read.
    now : datetime
        Times that are later cannot be true.

    Notes
    -----
    Reports tell it by the times of their requests, the start of a scan, or a moment beside the word for one. Of a build
    the first moment is its start; where reports tell of more than a day, one was left behind, and the newest counts.
    """
    moments = [m for m in _told(path, evidence) if _OLDEST <= m <= now + _AHEAD]
    if not moments:
        written = [_written(file) for file in expand(path)]
        known = [m for m in written if m is not None and m <= now + _AHEAD]
        return Happened(max(known), max(known), told=False) if known else Happened(None, None, told=False)
    first, last = min(moments), max(moments)
    if last - first > _ONE_BUILD:
        return Happened(last, last, apart=True)
    return Happened(first, last)


def in_time_order(builds: Sequence[tuple[Build, Happened]], now: datetime) -> list[tuple[Build, Happened]]:
    """Return the builds, oldest first, each with a time of its own.

    Where no build tells a time and all were written within a minute they were copied: their names order them. Builds of
    one moment follow each other as their names do, a microsecond apart; one of which nothing is known follows the one
    before it by name.
    """
    known = [when.first for _, when in builds if when.first is not None]
    copied = not any(when.told for _, when in builds) and known and max(known) - min(known) <= _ONE_COPY
    start = min(known) if known else now
    beside: dict[str, datetime] = {}
    at = next((when.first for _, when in builds if when.first is not None), now)
    for build, when in builds:
        at = beside[build.path] = when.first or at
    placed: list[tuple[Build, Happened]] = []
    for build, when in sorted(builds, key=lambda one: start if copied else beside[one[0].path]):
        first = start if copied else beside[build.path]
        if placed and placed[-1][1].first is not None and first <= placed[-1][1].first:
            first = placed[-1][1].first + timedelta(microseconds=1)
        placed.append((build, replace(when, first=first, last=max(when.last or first, first))))
    return placed


def time_of(text: str, now: datetime, *, where: str = "--at") -> datetime:
    """Return a time that somebody wrote, in UTC; without a zone it is taken for UTC.

    Raises
    ------
    UsageError
        It is no time of ISO 8601, or lies in the future: a run of tomorrow would stay the newest.

    Examples
    --------
    >>> time_of("2026-03-01T12:00+02:00", datetime(2027, 1, 1, tzinfo=UTC)).isoformat()
    '2026-03-01T10:00:00+00:00'
    """
    hint = "Write it as 2026-03-01T12:00:00Z."
    try:
        found = datetime.fromisoformat(text.strip())
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text[:60]!r} is no time of ISO 8601.", where=where, hint=hint) from None
    if found > now + _AHEAD:
        raise UsageError(f"{text[:60]!r} lies in the future.", where=where, hint=hint)
    if found < _OLDEST:
        raise UsageError(f"{text[:60]!r} is before the year 2000.", where=where, hint=hint)
    return found


def _matching(pattern: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    if os.path.lexists(pattern):  # what exists is no pattern, whatever its name holds
        yield _plain(pattern), {}
        return
    wild = _PLACEHOLDER.sub("*", pattern)
    if not glob.has_magic(wild):
        yield pattern, {}
        return
    matches = sorted(glob.glob(wild, recursive=True))  # noqa: PTH207 - pathlib's refuses absolute globs
    shape = _shape(pattern)
    for match in matches:
        found = shape.fullmatch(_plain(match))
        yield _plain(match), {} if found is None else {k: v for k, v in found.groupdict().items() if v}
    if not matches:
        yield pattern, {}


def _plain(path: str) -> str:
    return path.rstrip("/\\") or path


def _shape(pattern: str) -> re.Pattern[str]:
    """Return what a path that the pattern matched looks like, each placeholder a group.

    Where a name holds several, each is as short as it can be but for a commit, which is hexadecimal.
    """
    seen: set[str] = set()
    parts = []
    for part in re.split(r"({\w+}|\*\*/?|\*|\?|\[[^\]/]+\])", _plain(pattern)):
        inner = _PLACEHOLDER.fullmatch(part)
        if inner is not None:
            word = inner[1]
            content = "[0-9a-fA-F]{7,64}" if word == "commit" else "[^/]+?"
            parts.append(f"(?P={word})" if word in seen else f"(?P<{word}>{content})")
            seen.add(word)
        elif part in ("**", "**/"):
            parts.append("(?:.*/)?" if part == "**/" else ".*")
        elif part in ("*", "?"):
            parts.append("[^/]*" if part == "*" else "[^/]")
        elif part.startswith("[") and part.endswith("]"):
            parts.append("[^" + part[2:] if part.startswith("[!") else part)
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


def _names(paths: list[str]) -> list[str]:
    """Return what tells paths apart: their last name, or the nearest above it that differs in all of them.

    Examples
    --------
    >>> _names(["b/7/reports", "b/8/reports"]), _names(["b/7", "c/7"]), _names(["7.xml", "7.json"])
    (['7', '8'], ['b', 'c'], ['7.xml', '7.json'])
    """
    absolute = [Path(path).absolute() for path in paths]
    stems = [p.stem if p.is_file() or p.suffix in (".xml", ".json") else p.name for p in absolute]
    if len(set(stems)) == len(stems):
        return stems
    for place in range(1, max(len(p.parts) for p in absolute)):
        names = [p.parts[-place] if place < len(p.parts) else "" for p in absolute]
        if len(set(names)) == len(names):
            return names
    return [redact_text(path) for path in paths]


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def _told(path: str, evidence: Evidence) -> Iterator[datetime]:
    """Yield the moments that reports tell: the first and last of their requests, and one of each other report."""
    stated = claimed_run(evidence["sources"])
    for key in ("started_at", "finished_at"):
        yield from _moments([stated.get(key)])
    due = evidence["samples"]["due_at"].dropna()
    yield from _moments([due.min(), due.max()] if len(due) else [])
    yield from _moments(evidence["scans"]["scanned_at"].dropna())
    usable = evidence["sources"][evidence["sources"]["status"] != "error"]
    files = {redact_text(spelt(file)): file for file in expand(path)}
    for kind, name, claimed in zip(usable["kind"], usable["path"], usable["claimed"], strict=True):
        own = _claims(claimed)
        if isinstance(own, dict) and isinstance(own.get("timestamp"), str):
            load = own.get("load")
            lasted = load.get("seconds") if isinstance(load, dict) else None
            for moment in _moments([own["timestamp"]]):
                yield moment
                yield moment + timedelta(seconds=float(lasted or 0))
        elif name in files and not (kind == "load" and len(due)):
            yield from _moments([told_at(files[name])])


def _claims(claimed: Any) -> Any:
    try:
        return json.loads(claimed) if isinstance(claimed, str) else {}
    except (ValueError, RecursionError):  # evidence is untrusted: it tells no time then
        return {}


def _moments(values: Iterable[Any]) -> Iterator[datetime]:
    for value in values:
        found = pd.to_datetime(value, utc=True, errors="coerce")
        if found is not None and not pd.isna(found):
            yield found.to_pydatetime()


def _written(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
