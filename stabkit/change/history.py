"""The repository's own history: its steps, one first-parent commit each, and where a change ranks among them.

Sizes of changes predict trouble, and best where they are ranked within the same repository: features of Kamei et al.,
doi:10.1109/TSE.2012.70; ranks instead of trained models, which age within a year.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from stabkit.change.git import Git
from stabkit.change.paths import is_code

__all__ = ["History", "Rank", "Step", "rank_of", "read_steps"]

ENOUGH_STEPS: Final = 50
"""Fewer steps say nothing of where a change ranks."""

_FIX: Final = re.compile(r"(?i)\b(fix(e[sd]|ing)?|bug(fix)?(es|s)?|hotfix|regression|revert(s|ed)?)\b")
_COUNTS: Final = re.compile(r"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)
_FORMAT: Final = "tformat:%x00%x01%x00%H%x00%ae%x00%s%x00"
_SWEEP: Final = 30
_OFTEN: Final = 3

Files = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Step:
    """One commit of the first-parent history, against its first parent.

    Attributes
    ----------
    commit : str
        Its full id.
    author : str
        A digest of the author's address.
    fix : bool
        True if its subject speaks of a fix.
    files : tuple
        Path, lines added and lines deleted of each file; binary files count none.
    """

    commit: str
    author: str
    fix: bool
    files: Files


@dataclass(frozen=True)
class Rank:
    """Where a change ranks among earlier changes of the same number of steps.

    Attributes
    ----------
    percentile : float or None
        0 to 100; None with too little history.
    compared : int
        How many earlier changes it was ranked among.
    steps : int
        First-parent commits of the change, and of each it was ranked among.
    lines_added, files, folders : int
        Of code alone: no documents, tests, lock files or data.
    experience : int or None
        Earlier steps by the least experienced author of the change; None if nobody is known.
    """

    percentile: float | None
    compared: int
    steps: int
    lines_added: int
    files: int
    folders: int
    experience: int | None

    def json(self) -> str:
        """Return it as the table ``changes`` holds it."""
        return json.dumps(self.__dict__)


class History:
    """What the steps before a change say of each path."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.changes: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.fixes: Counter[str] = Counter()
        self.authors: defaultdict[str, set[str]] = defaultdict(set)
        self._touching: defaultdict[str, list[Step]] = defaultdict(list)
        for step in steps:
            for path, added, deleted in step.files:
                self.changes[path] += 1
                self.lines[path] += added + deleted
                self.fixes[path] += step.fix
                self.authors[path].add(step.author)
                self._touching[path].append(step)

    def partners(self, path: str, *, most: int = 5) -> list[tuple[str, float]]:
        """Return the files that usually change together with a path, each with the share of its changes."""
        # A sweep over the whole tree says nothing of what belongs together.
        times = [step.files for step in self._touching.get(path, ()) if len(step.files) <= _SWEEP]
        found = Counter(name for files in times for name, _, _ in files if name != path)
        usual = [(name, count / len(times)) for name, count in found.most_common(most) if count >= _OFTEN]
        return [(name, round(share, 2)) for name, share in usual if share >= 0.5]


def read_steps(git: Git, revision: str, *, limit: int, cache: Path | None = None) -> list[Step]:
    """Return up to ``limit`` steps that lead to a full id, the newest first.

    Parameters
    ----------
    git : Git
        The repository.
    revision : str
        A full id.
    limit : int
        At most so many.
    cache : Path, optional
        A file that keeps steps across calls: a commit never changes. One that cannot be used is passed over.
    """
    listed = git.read("rev-list", "--first-parent", f"--max-count={limit}", revision, "--").decode("ascii").split()
    kept = _kept(cache, listed)
    lacking = [commit for commit in listed if commit not in kept]
    if lacking:
        fresh = _read(git, lacking)
        _keep(cache, fresh)
        kept |= {step.commit: step for step in fresh}
    return [kept[commit] for commit in listed if commit in kept]


def _read(git: Git, commits: Sequence[str]) -> list[Step]:
    output = git.read(
        *("log", "-z", "--no-walk=unsorted", "--stdin", "--diff-merges=first-parent", "--numstat", "--no-renames"),
        *("--root", "--no-ext-diff", "--no-textconv", "--no-color", f"--format={_FORMAT}"),
        given="".join(f"{commit}\n" for commit in commits).encode(),
        objects=True,
    )
    steps: list[Step] = []
    files: list[tuple[str, int, int]] = []
    tokens = iter(output.decode("utf-8", "replace").split("\0"))
    told: tuple[str, str, bool] | None = None
    for token in tokens:
        if token.strip("\n") == "\x01":
            if told:
                steps.append(Step(*told, tuple(files)))
            commit, author, subject = next(tokens), next(tokens), next(tokens)
            told, files = (commit, hashlib.sha256(author.encode()).hexdigest()[:16], bool(_FIX.search(subject))), []
        elif match := _COUNTS.fullmatch(token.lstrip("\n")):
            files.append((match[3], int(match[1]) if match[1] != "-" else 0, int(match[2]) if match[2] != "-" else 0))
    return [*steps, Step(*told, tuple(files))] if told else steps


def _open(cache: Path) -> sqlite3.Connection:
    cache.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(cache, timeout=5)
    connection.execute("CREATE TABLE IF NOT EXISTS steps_1 (commit_id TEXT PRIMARY KEY, step TEXT NOT NULL)")
    return connection


def _kept(cache: Path | None, commits: Sequence[str]) -> dict[str, Step]:
    found: dict[str, Step] = {}
    if cache is None:
        return found
    with suppress(OSError, sqlite3.Error, ValueError, TypeError), closing(_open(cache)) as connection:
        asked = "SELECT commit_id, step FROM steps_1 WHERE commit_id IN (SELECT value FROM json_each(?))"
        for commit, text in connection.execute(asked, [json.dumps(commits)]):
            author, fix, files = json.loads(text)
            found[commit] = Step(commit, author, bool(fix), tuple((str(p), int(a), int(d)) for p, a, d in files))
    return found


def _keep(cache: Path | None, steps: Iterable[Step]) -> None:
    if cache is None:
        return
    rows = [(step.commit, json.dumps([step.author, step.fix, step.files])) for step in steps]
    with suppress(OSError, sqlite3.Error), closing(_open(cache)) as connection, connection:
        connection.executemany("INSERT OR REPLACE INTO steps_1 VALUES (?, ?)", rows)


def rank_of(files: Iterable[tuple[str, int, int]], authors: Iterable[str], steps: int, history: History) -> Rank:
    """Return where a change ranks among all earlier stretches of as many steps.

    Ranked are code lines added; of changes that add as many, files, then folders, then how new the author is.

    Parameters
    ----------
    files : iterable of (str, int, int)
        Path, lines added and deleted of each changed file.
    authors : iterable of str
        Digests of the addresses of its authors, as of :class:`Step`.
    steps : int
        First-parent commits of the change.
    history : History
        What came before it.
    """
    known = Counter(step.author for step in history.steps)
    experience = min((known[author] for author in authors), default=None)
    own = _size([files], experience or 0)
    steps = max(steps, 1)
    # Newest first: the author of an earlier stretch knew what is older than it.
    seen: Counter[str] = Counter()
    before: list[int] = []
    for step in reversed(history.steps):
        before.append(seen[step.author])
        seen[step.author] += 1
    before.reverse()
    sizes = []
    for start in range(len(history.steps) - steps + 1):
        stretch = history.steps[start : start + steps]
        sizes.append(_size([step.files for step in stretch], min(before[start : start + steps])))
    percentile = None
    if len(sizes) >= ENOUGH_STEPS:
        percentile = 100.0 * sum((size < own) + 0.5 * (size == own) for size in sizes) / len(sizes)
    return Rank(percentile, len(sizes), steps, own[0], own[1], own[2], experience)


def _size(parts: Iterable[Iterable[tuple[str, int, int]]], experience: int) -> tuple[int, int, int, int]:
    """Return code lines added, files, folders and experience, the last so that fewer earlier steps rank higher."""
    added = 0
    paths: set[str] = set()
    for files in parts:
        for path, more, _ in files:
            if is_code(path):
                added += more
                paths.add(path)
    return added, len(paths), len({str(PurePosixPath(path).parent) for path in paths}), -experience
