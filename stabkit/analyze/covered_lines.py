"""Covered lines: all reports of a run together, the lines that its range changed, files that no report speaks of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from os.path import commonpath

import pandas as pd

from stabkit.analyze.findings import read_hunks

__all__ = [
    "ChangedLines",
    "FileCoverage",
    "changed_lines",
    "files_gone",
    "files_left",
    "files_of",
    "share_of",
    "stretches",
]


@dataclass(frozen=True)
class FileCoverage:
    """The lines of one file that ran in any report, and those that ran in none."""

    covered: frozenset[int]
    missed: frozenset[int]

    @property
    def lines(self) -> int:
        """How many lines can run."""
        return len(self.covered) + len(self.missed)


@dataclass(frozen=True)
class ChangedLines:
    """What is known of the lines that a range changed.

    Attributes
    ----------
    covered, missed : mapping of str to frozenset of int
        Changed file -> its changed lines that can run, and did or did not.
    untold : tuple of str
        Changed files of which no report speaks, though reports speak of others of their kind.
    unknown : tuple of str
        Changed files whose changed lines are not recorded.
    """

    covered: Mapping[str, frozenset[int]] = field(default_factory=dict)
    missed: Mapping[str, frozenset[int]] = field(default_factory=dict)
    untold: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def hit(self) -> int:
        """How many of them ran."""
        return sum(map(len, self.covered.values()))

    @property
    def lines(self) -> int:
        """How many of them can run."""
        return self.hit + sum(map(len, self.missed.values()))


def files_of(coverage: pd.DataFrame) -> dict[str, FileCoverage]:
    """Return path -> its lines, those of several reports together: a line ran if it did in any.

    Parameters
    ----------
    coverage : DataFrame
        Table ``coverage`` of one run. A row without its lines, as a record may give it, counts for none.
    """
    covered: defaultdict[str, set[int]] = defaultdict(set)
    missed: defaultdict[str, set[int]] = defaultdict(set)
    for path, ran, not_run in zip(coverage["path"], coverage["covered_lines"], coverage["missed_lines"], strict=True):
        covered[path] |= _lines(ran)
        missed[path] |= _lines(not_run)
    return {path: FileCoverage(frozenset(lines), frozenset(missed[path] - lines)) for path, lines in covered.items()}


def _lines(text: object) -> set[int]:
    if not isinstance(text, str):
        return set()
    try:
        return {line for first, last in json.loads(text) for line in range(int(first), int(last) + 1)}
    except (TypeError, ValueError):
        return set()


def share_of(files: Iterable[FileCoverage]) -> tuple[int, int]:
    """Return how many lines ran, and how many can."""
    found = list(files)
    return sum(len(one.covered) for one in found), sum(one.lines for one in found)


def changed_lines(changes: pd.DataFrame, files: Mapping[str, FileCoverage]) -> ChangedLines:
    """Return the changed lines that can run, by the hunks of the candidate's range.

    Parameters
    ----------
    changes : DataFrame
        Table ``changes`` of the candidate.
    files : mapping
        As :func:`files_of` gives them.

    Notes
    -----
    Reports call a file in ways of their own: by its package, its module, its folder on another machine. A changed file
    is told of by the report's file of the same path, else by the only one whose path continues it or is continued by
    it. Where several fit, none does. A file whose kind no report speaks of (by the end of its name), a test and a file
    that only lost lines have nothing to cover.
    """
    kinds = {_ending(path) for path in files}
    names = _Names(files)
    covered, missed, untold, unknown = {}, {}, [], []
    kept = changes[changes["status"] != "deleted"]
    changed = {str(row["path"]): row for row in kept.to_dict("records")}
    for path, row in changed.items():
        if not isinstance(row["hunks"], str):
            if not pd.isna(row["added"]):  # of a binary file there are none
                unknown.append(path)
            continue
        hunks = read_hunks(row["hunks"])
        if hunks is None:
            unknown.append(path)
            continue
        lines = {line for _, _, first, count in hunks for line in range(first, first + count)}
        place = names.of(path, changed)
        if place is not None:
            covered[path] = files[place].covered & lines
            missed[path] = files[place].missed & lines
        elif lines and _ending(path) in kinds and row["category"] != "test":
            untold.append(path)
    return ChangedLines(covered, missed, tuple(untold), tuple(unknown))


def _ending(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else name


class _Names:
    """The names of files in reports, to find the one that speaks of a file of the repository."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self.exact = set(self.names)
        self.by_last: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.names:
            self.by_last[name.rpartition("/")[2]].append(name)

    def of(self, path: str, others: Collection[str]) -> str | None:
        """Return the name by which reports call a file; ``others`` are all changed files. None if none is sure."""
        if path in self.exact:
            return path
        last = path.rpartition("/")[2]
        longer = [name for name in self.by_last[last] if name.endswith(f"/{path}") and self._outside(name, path)]
        shorter = [name for name in self.by_last[last] if "/" in name and path.endswith(f"/{name}")]
        found = [*longer, *shorter]
        if len(found) != 1:
            return None
        # The name may be meant for another file that changed.
        rivals = [one for one in others if one != path and (one == found[0] or _continues(one, found[0]))]
        return None if rivals else found[0]

    def _outside(self, name: str, path: str) -> bool:
        """Say whether what stands before a path is the folder or module that all names share, so no folder within."""
        if "/" not in path:  # a bare name may be that of any folder
            return False
        before = name[: -len(path)]
        return all(other.startswith(before) for other in self.names)


def _continues(one: str, other: str) -> bool:
    return one.endswith(f"/{other}") or other.endswith(f"/{one}")


def files_left(files: Mapping[str, FileCoverage], changes: pd.DataFrame) -> dict[str, FileCoverage]:
    """Return the files of a baseline without those that the candidate's range deleted."""
    deleted = {str(path) for path in changes.loc[changes["status"] == "deleted", "path"]}
    return {
        name: found
        for name, found in files.items()
        if not any(name == path or ("/" in path and _continues(name, path)) for path in deleted)
    }


def files_gone(
    before: Mapping[str, FileCoverage], after: Mapping[str, FileCoverage], changes: pd.DataFrame
) -> tuple[str, ...]:
    """Return the files with lines that the baseline's reports speak of and the candidate's do not, sorted.

    A file that the range renamed is not gone from the reports alone. Folders that all files of a side share
    are left aside: each build may have its own.
    """
    known = _plain_names({path: found for path, found in after.items() if found.lines})
    lasts = defaultdict(list)
    for name in known:
        lasts[name.rpartition("/")[2]].append(name)
    left = {str(path) for path in changes["old_path"].dropna()}
    gone = []
    for name, path in _plain_names(before).items():
        if not before[path].lines or name in known:
            continue
        if any(_continues(name, other) for other in lasts[name.rpartition("/")[2]]):
            continue
        if any(path == old or _continues(path, old) for old in left):
            continue
        gone.append(path)
    return tuple(sorted(gone))


def _plain_names(files: Mapping[str, FileCoverage]) -> dict[str, str]:
    """Return each name without the folder that all absolute ones share -> the name."""
    absolute = [path for path in files if path.startswith("/")]
    shared = commonpath(path.rpartition("/")[0] or "/" for path in absolute).rstrip("/") if absolute else ""
    return {path.removeprefix(f"{shared}/") if path.startswith("/") else path: path for path in files}


def stretches(lines: Collection[int]) -> list[list[int]]:
    """Return line numbers as stretches, each by its first and last.

    Examples
    --------
    >>> stretches({3, 4, 5, 9})
    [[3, 5], [9, 9]]
    """
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return found
