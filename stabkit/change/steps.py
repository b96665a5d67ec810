"""The repository's own history, step by step: one first-parent commit each, read once and kept."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stabkit.change.git import Git
from stabkit.change.ranges import NUMSTAT
from stabkit.errors import EvidenceError

__all__ = ["Files", "Step", "read_steps", "speaks_of_a_fix"]

_FIX: Final = re.compile(r"(?i)\b(fix(e[sd]|ing)?|bug(fix)?(es|s)?|hotfix|regression|revert(s|ed)?)\b")
_FORMAT: Final = "tformat:%x00%x01%x00%H%x00%ae%x00%s%x00"
_PART: Final = 500
# Some contents may be absent; where most are, as in a partial clone, asking for each step alone would take minutes.
_FAILURES: Final = 100
_READ_S: Final = 30.0

Files = tuple[tuple[str, int, int], ...]
"""Path, lines added and lines deleted of each file."""


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
        Path, lines added and lines deleted of each file, moved files under their new path; binary files count none.
    """

    commit: str
    author: str
    fix: bool
    files: Files


def speaks_of_a_fix(subject: str) -> bool:
    """Say whether a commit's subject speaks of a fix or a revert.

    Examples
    --------
    >>> [speaks_of_a_fix(text) for text in ("Fix the tail", "Revert 'Add x'", "Add a prefix")]
    [True, True, False]
    """
    return _FIX.search(subject) is not None


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

    Returns
    -------
    list of Step
        Without those whose contents are not in this clone.

    Raises
    ------
    EvidenceError
        Git fails, or not one step can be read.
    """
    listed = git.read("rev-list", "--first-parent", f"--max-count={limit}", revision, "--").decode("ascii").split()
    kept = _kept(cache, listed)
    lacking = [commit for commit in listed if commit not in kept]
    kept |= {step.commit: step for step in _read_parts(git, lacking, cache)}
    steps = [kept[commit] for commit in listed if commit in kept]
    if listed and not steps:
        raise EvidenceError("No step of the history can be read.", where=str(git.repository), hint="Fetch it whole.")
    return steps


def _read_parts(git: Git, commits: Sequence[str], cache: Path | None) -> Iterator[Step]:
    """Yield steps part by part, without those that cannot be read; a part that cannot is halved until one is left.

    Each part is kept as soon as it is read: what one call has no time for, the next one reads.
    """
    waiting = [list(commits[start : start + _PART]) for start in range(0, len(commits), _PART)][::-1]
    failures, ends = 0, time.monotonic() + _READ_S
    while waiting and failures < _FAILURES and time.monotonic() < ends:
        part = waiting.pop()
        try:
            steps = _read(git, part)
        except EvidenceError:
            failures += 1
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]] if middle else []
            continue
        _keep(cache, steps)
        yield from steps


def _read(git: Git, commits: Sequence[str]) -> list[Step]:
    output = git.read(
        *("log", "-z", "--no-walk=unsorted", "--stdin", "--diff-merges=first-parent", "--numstat", "-M", "--root"),
        *("--no-ext-diff", "--no-textconv", "--no-color", f"--format={_FORMAT}"),
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
            digest = hashlib.sha256(author.encode()).hexdigest()[:16]
            told, files = (commit, digest, speaks_of_a_fix(subject)), []
        elif match := NUMSTAT.fullmatch(token.lstrip("\n")):
            path = match[3]
            if not path:  # a move: old and new path follow as tokens of their own
                next(tokens)
                path = next(tokens)
            files.append((path, int(match[1]) if match[1] != "-" else 0, int(match[2]) if match[2] != "-" else 0))
    return [*steps, Step(*told, tuple(files))] if told else steps


def _open(cache: Path) -> sqlite3.Connection:
    cache.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connected(cache)
    except sqlite3.OperationalError:  # locked, read-only: another call may do better
        raise
    except sqlite3.DatabaseError:  # no database: it would make every call a first one
        cache.unlink()
        return _connected(cache)


def _connected(cache: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(cache, timeout=5)
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS steps_2 (commit_id TEXT PRIMARY KEY, step TEXT NOT NULL)")
    except BaseException:
        connection.close()
        raise
    return connection


def _kept(cache: Path | None, commits: Sequence[str]) -> dict[str, Step]:
    found: dict[str, Step] = {}
    if cache is None:
        return found
    with suppress(OSError, sqlite3.Error, ValueError, TypeError, RecursionError), closing(_open(cache)) as connection:
        asked = "SELECT commit_id, step FROM steps_2 WHERE commit_id IN (SELECT value FROM json_each(?))"
        for commit, text in connection.execute(asked, [json.dumps(commits)]):
            author, fix, files = json.loads(text)
            found[commit] = Step(commit, author, bool(fix), tuple((str(p), int(a), int(d)) for p, a, d in files))
    return found


def _keep(cache: Path | None, steps: Iterable[Step]) -> None:
    if cache is None:
        return
    rows = [(step.commit, json.dumps([step.author, step.fix, step.files])) for step in steps]
    with suppress(OSError, sqlite3.Error, ValueError), closing(_open(cache)) as connection, connection:
        connection.executemany("INSERT OR REPLACE INTO steps_2 VALUES (?, ?)", rows)
