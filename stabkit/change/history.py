"""What the steps before a change say of its files, and where the change ranks among them.

Sizes of changes predict trouble, and best where they are ranked within the same repository: features of Kamei et al.,
doi:10.1109/TSE.2012.70; ranks instead of trained models, which age within a year.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Final

from stabkit.change.paths import is_code
from stabkit.change.steps import Files, Step

__all__ = ["ENOUGH_STEPS", "SIDE_BY_SIDE", "History", "Rank", "rank_of", "steps_to_read"]

ENOUGH_STEPS: Final = 50
"""Fewer steps say nothing of where a change ranks."""

SIDE_BY_SIDE: Final = 5
"""A change of many steps is ranked only where so many stretches of that length fit into the history."""

_ENOUGH_COMPARED: Final = 30
# Older steps are of a repository that has since grown up: its releases would rank low against its early years.
_RECENT: Final = 500
_MOST_READ: Final = 5_000
_SWEEP: Final = 30
_OFTEN: Final = 3


@dataclass(frozen=True)
class Rank:
    """Where a change ranks among the recent changes of code of the same number of steps.

    Attributes
    ----------
    percentile : float or None
        0 to 100, 0 for a change without code; None with too little history.
    compared : int
        How many earlier changes of code it was ranked among.
    steps : int
        Steps of the change, and of each it was ranked among.
    lines_added, files, folders : int
        Of code alone: no documents, tests, lock files or data. Lines of several steps are summed up.
    experience : int or None
        Earlier steps by the least experienced author of the change; None if nobody is known. It is told and not ranked:
        in five repositories it says nothing of what was mended later.
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
        return json.dumps(asdict(self))


class History:
    """What the steps before a change say of each path; the newest step is the first."""

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


def steps_to_read(limit: int, steps: int) -> int:
    """Return how much history a change of so many steps is ranked in: more than ``limit`` where it needs more.

    Examples
    --------
    >>> steps_to_read(2_000, 1), steps_to_read(2_000, 600), steps_to_read(2_000, 9_000)
    (2000, 3000, 5000)
    """
    return max(limit, min(SIDE_BY_SIDE * steps, _MOST_READ))


def rank_of(parts: Sequence[Files], authors: Iterable[str], history: History, *, steps: int = 1) -> Rank:
    """Return where a change ranks among the recent stretches of as many steps that changed code.

    Ranked are code lines added; of changes that add as many, code files, then their folders.

    Parameters
    ----------
    parts : sequence of Files
        What the change does: lines are summed up over its parts, each file and folder counts once.
    authors : iterable of str
        Digests of the addresses of its authors, as of :class:`Step`.
    history : History
        What came before it.
    steps : int
        How many steps it is, and each stretch that it is ranked among.

    Examples
    --------
    >>> steps = [Step(f"{n}", "a", False, (("app.py", n, 0),)) for n in range(100)]
    >>> rank_of([(("app.py", 75, 0),)], ["a"], History(steps)).percentile
    75.5
    >>> rank_of([(("README.md", 75, 0),)], ["a"], History(steps)).percentile
    0.0
    """
    known = Counter(step.author for step in history.steps)
    experience = min((known[author] for author in authors), default=None)
    own, length = _size(parts), max(steps, 1)
    recent = history.steps[: max(_RECENT, SIDE_BY_SIDE * length)]
    code = [tuple(file for file in step.files if is_code(file[0])) for step in recent]
    lines = [0, *accumulate(sum(added for _, added, _ in files) for files in code)]
    touching = [0, *accumulate(bool(files) for files in code)]
    starts = [start for start in range(len(code) - length + 1) if touching[start + length] > touching[start]]
    added = [lines[start + length] - lines[start] for start in starts]
    # Files are counted only where lines do not decide: of long stretches that is most of the work.
    like = [_size(code[start : start + length]) for start, more in zip(starts, added, strict=True) if more == own[0]]
    less = sum(more < own[0] for more in added) + sum(other < own for other in like)
    equal = sum(other == own for other in like)
    enough = len(code) >= max(ENOUGH_STEPS, SIDE_BY_SIDE * length) and len(starts) >= _ENOUGH_COMPARED
    percentile = 100.0 * (less + 0.5 * equal) / len(starts) if enough else None
    return Rank(percentile, len(starts), length, *own, experience)


def _size(parts: Iterable[Files]) -> tuple[int, int, int]:
    """Return code lines added, files and folders."""
    added = 0
    paths: set[str] = set()
    for files in parts:
        for path, more, _ in files:
            if is_code(path):
                added += more
                paths.add(path)
    return added, len(paths), len({str(PurePosixPath(path).parent) for path in paths})
