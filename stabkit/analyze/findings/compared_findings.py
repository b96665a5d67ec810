"""The findings of two runs compared with all that is known of them: the lines that moved, and what was there before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from stabkit.analyze.facts import Difference
from stabkit.analyze.findings.hunks import stored_hunks
from stabkit.analyze.findings.matching import GONE, FindingComparison, match_findings, worst_first
from stabkit.analyze.sides import Sides

__all__ = ["compare_findings", "united_findings"]


def compare_findings(
    sides: Sides, scans: tuple[pd.DataFrame, pd.DataFrame], *, between: pd.DataFrame | None = None
) -> FindingComparison:
    """Return what became of each finding of these scans.

    Parameters
    ----------
    scans : tuple of DataFrame
        Rows of the table ``scans``, of the baseline and of the candidate.
    between : DataFrame, optional
        What changed between the commits of the two scans; without it, what was recorded with the candidate counts, as
        far as it lies between the commits of the two runs.
    """
    before, after = (
        frame[frame["scan_id"].isin(scan["scan_id"])]
        for frame, scan in zip(sides.table("findings"), scans, strict=True)
    )
    known = between is not None
    changes = sides.candidate.evidence["changes"] if between is None else between
    runs = (None, None) if known else (sides.baseline, sides.candidate)
    commits = (None if runs[0] is None else runs[0].fact("commit"), None if runs[1] is None else runs[1].fact("commit"))
    paths = {path for frame in (before, after) for path in frame["path"].dropna()}
    # A range without changes says that no line moved; a run without changes may have looked at none.
    hunks = {} if known and changes.empty else stored_hunks(changes, commits=commits, paths=paths)
    found = match_findings(before, after, *scans, hunks=hunks, changes=changes, history=sides.earlier("findings"))
    if known and hunks is None:
        return replace(found, assumed=(*found.assumed, Difference("lines_not_followed")))
    return found


def united_findings(comparisons: Iterable[FindingComparison]) -> FindingComparison | None:
    """Return several comparisons as one, each finding once, as the comparison of fewest scans has it; None of none.

    Two conditions may speak of the same scan, one of a tool and one of all: what they say of a finding is the same,
    unless only one of them looks where it may have moved from.
    """
    parts, seen, kept = [], set[tuple[str, str]](), []
    for found in sorted(comparisons, key=lambda found: len(found.scans)):
        if found.scans <= seen:
            continue
        gone = found.states["state"].isin(GONE)
        side = gone.map({True: "baseline", False: "candidate"})
        own = pd.Series(list(zip(side, found.states["scan_id"], strict=True)), index=found.states.index, dtype="object")
        parts.append(found.states[~own.isin(seen)])
        kept.append(found)
        seen |= found.scans
    if len(kept) < 2:
        return kept[0] if kept else None
    return replace(
        kept[0],
        states=worst_first(pd.concat(parts, ignore_index=True)),
        comparable=all(found.comparable for found in kept),
        why=tuple(dict.fromkeys(why for found in kept for why in found.why)),
        assumed=tuple(dict.fromkeys(note for found in kept for note in found.assumed)),
        scans=frozenset(seen),
    )
