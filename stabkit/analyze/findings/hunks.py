"""Which lines a git range moved, from the stored table ``changes``, for matching findings."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

import pandas as pd

from stabkit.analyze.findings.pairing import normal_path

__all__ = ["read_hunks", "stored_hunks"]

_EVERY_LINE: Final = [(1, 10**9, 1, 10**9)]  # of a file without text: no line of it can be followed


def stored_hunks(
    changes: pd.DataFrame, *, commits: tuple[Any, Any], paths: Collection[str]
) -> dict[str, Sequence[tuple[int, int, int, int]]] | None:
    """Return path -> hunks of the range that lies between two runs; None if their lines cannot be followed by it.

    Parameters
    ----------
    changes : DataFrame
        Table ``changes`` of the candidate.
    commits : tuple
        The baseline's and the candidate's commit; None where unknown, and then taken to be the range's.
    paths : Collection of str
        Where the findings lie.

    Returns
    -------
    dict or None
        None without changes, without stored hunks, for a range between other commits (its base is the merge base, which
        is not the baseline where that lies on another branch), or where the findings' paths start in another folder
        than git's: an unknown file would pass for an unchanged one.

    Examples
    --------
    >>> row = {"path": "a.py", "added": 2, "hunks": "[[3, 0, 4, 2]]", "base_commit": "b", "head_commit": "h"}
    >>> stored_hunks(pd.DataFrame([row]), commits=("b", "h"), paths=["a.py"])
    {'a.py': [(3, 0, 4, 2)]}
    >>> stored_hunks(pd.DataFrame([row]), commits=("other", "h"), paths=["a.py"]) is None
    True
    """
    if changes.empty or not _between(changes, commits):
        return None
    found: dict[str, Sequence[tuple[int, int, int, int]]] = {}
    for row in changes.to_dict("records"):
        hunks = read_hunks(row["hunks"]) if isinstance(row["hunks"], str) else None
        if hunks is None and not pd.isna(row["added"]):
            return None
        found[normal_path(row["path"]) or row["path"]] = _EVERY_LINE if hunks is None else hunks
    return None if _elsewhere(found, paths) else found


def _between(changes: pd.DataFrame, commits: tuple[Any, Any]) -> bool:
    ends = zip(("base_commit", "head_commit"), commits, strict=True)
    return all(commit is None or (changes[column] == commit).all() for column, commit in ends)


def read_hunks(text: str) -> list[tuple[int, int, int, int]] | None:
    """Return the hunks that a row of ``changes`` holds; None if it holds none that can be read.

    Examples
    --------
    >>> read_hunks("[[3, 0, 4, 2]]"), read_hunks("[[3]]")
    ([(3, 0, 4, 2)], None)
    """
    try:
        hunks = [tuple(int(number) for number in hunk) for hunk in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        return None
    return [(a, b, c, d) for a, b, c, d in hunks] if all(len(hunk) == 4 for hunk in hunks) else None


def _elsewhere(found: Collection[str], paths: Collection[str]) -> bool:
    """Say whether a finding's path and a changed path end alike, one of them in a folder more."""
    unknown = {normal_path(path) or path for path in paths} - set(found)
    return any(f"/{long}".endswith(f"/{short}") for p in unknown for c in found for short, long in ((p, c), (c, p)))
