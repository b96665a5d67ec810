"""Which scans of one tool are the same scan in two runs, so that one that is gone is not taken for a clean one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from stabkit.text import mask_numbers

__all__ = ["scans_without_counterpart"]


@dataclass(frozen=True)
class _Scan:
    """One scan of a tool: its id, and what its log says which of the tool's scans it is."""

    scan_id: str
    category: str | None

    @property
    def group(self) -> str | None:
        """The category without the last part, which names the one run (SARIF 2.1.0, 3.17.3)."""
        return self.category.rpartition("/")[0] or None if self.category else None

    @property
    def file(self) -> str:
        """The file that holds it: several scans of one file are numbered."""
        return self.scan_id.partition("#")[0]


def scans_without_counterpart(
    baseline: pd.DataFrame, candidate: pd.DataFrame, shared: Iterable[tuple[str | None, str | None]]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids of the scans of one tool that the other side lacks: of the baseline, and of the candidate.

    Parameters
    ----------
    baseline, candidate : DataFrame
        Rows of the table ``scans``, of one tool and of whole scans.
    shared : iterable of tuple
        The scans of each pair of findings, as ids.

    Notes
    -----
    A scan is known again by its category, then by findings that both sides have, then by its file where that holds as
    many scans as before. What is left is taken to be the same where neither side says what it is and as many are left.
    """
    before, after = _scans(baseline), _scans(candidate)
    keys: list[Callable[[_Scan], Hashable | None]] = [
        lambda scan: scan.category,
        lambda scan: scan.group,
        lambda scan: mask_numbers(scan.group) if scan.group else None,
    ]
    for key in keys:
        before, after = _unmatched(before, after, key)
    met = {(old, new) for old, new in shared}
    # A scan that says what it is, is not another one that says so too, whatever they have in common.
    known = {
        (old, new)
        for old in before
        for new in after
        if (old.scan_id, new.scan_id) in met and not (old.group and new.group)
    }
    before = [scan for scan in before if scan not in {old for old, _ in known}]
    after = [scan for scan in after if scan not in {new for _, new in known}]
    before, after = _by_file(before, after)
    if len(before) == len(after) and not (all(s.group for s in before) and all(s.group for s in after)):
        return frozenset(), frozenset()
    return frozenset(scan.scan_id for scan in before), frozenset(scan.scan_id for scan in after)


def _scans(frame: pd.DataFrame) -> list[_Scan]:
    columns = frame[["scan_id", "category"]].astype(object).where(frame[["scan_id", "category"]].notna(), None)
    return [_Scan(str(scan_id), category) for scan_id, category in columns.itertuples(index=False, name=None)]


def _unmatched(
    before: Sequence[_Scan], after: Sequence[_Scan], key: Callable[[_Scan], Hashable | None]
) -> tuple[list[_Scan], list[_Scan]]:
    """Return what is left of both sides where scans of equal key are taken away, one for one."""
    left = list(after)
    lost = []
    for scan in before:
        match = next((other for other in left if key(scan) is not None and key(other) == key(scan)), None)
        if match is None:
            lost.append(scan)
        else:
            left.remove(match)
    return lost, left


def _by_file(before: Sequence[_Scan], after: Sequence[_Scan]) -> tuple[list[_Scan], list[_Scan]]:
    """Take away the scans of files that end alike, the longest common end first, if they hold as many scans."""
    old, new = (_grouped(side) for side in (before, after))
    ends = sorted(
        ((_common_end(one, two), one, two) for one in old for two in new), key=lambda found: (-found[0], *found[1:])
    )
    for size, one, two in ends:
        if size and one in old and two in new:
            stated = all(scan.group for scan in (*old[one], *new[two]))
            if len(old[one]) == len(new[two]) and not stated:
                del old[one], new[two]
    return [scan for scans in old.values() for scan in scans], [scan for scans in new.values() for scan in scans]


def _grouped(scans: Iterable[_Scan]) -> dict[str, list[_Scan]]:
    groups: dict[str, list[_Scan]] = {}
    for scan in scans:
        groups.setdefault(scan.file, []).append(scan)
    return groups


def _common_end(one: str, two: str) -> int:
    parts = zip(reversed(one.split("/")), reversed(two.split("/")), strict=False)
    size = 0
    for first, second in parts:
        if first != second:
            break
        size += 1
    return size
