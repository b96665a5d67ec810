"""Rounds that one side lacks, or holds in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from stabkit.analyze.facts import Measured, Need
from stabkit.analyze.once import once_for_each
from stabkit.analyze.sides import RunEvidence, Sides
from stabkit.config import Condition
from stabkit.kinds import KINDS
from stabkit.vocabulary import REQUEST_METRICS

__all__ = ["round_gaps"]

_PART: Final = 2


def round_gaps(condition: Condition, sides: Sides) -> tuple[Need, ...]:
    """Return which rounds of requests a side lacks, or has no more than half of.

    What failed is written down, so a round that is not there was lost, and with it what may have been worse in it.
    Rounds that were interleaved are the same on both sides; those of separate runs are numbered without a hole.
    Nothing is said of files, whose rounds are their own, nor of a target that a side lacks altogether.
    """
    kind = KINDS[condition.kind]
    if not kind.compares or kind.judges not in ("times", "failures"):
        return ()
    if sides.baseline is None:
        return ()
    before, after = (_requests(side, condition) for side in (sides.baseline, sides.candidate))
    needs = []
    for key in sorted({*before} & {*after}):
        both = pd.DataFrame({"baseline": before[key], "candidate": after[key]}).fillna(0)
        for side in both:
            lost = _short(both, side) if sides.paired else _holes(both[side])
            if lost:
                numbers = (("rounds", float(lost)), ("asked", float(lost + (both[side] > 0).sum())))
                needs.append(Need(None, "evidence", "partial", "round_gaps", (Measured(*key),), numbers, side=side))
    return tuple(needs)


def _short(both: pd.DataFrame, side: str) -> int:
    """Return how many rounds hold twice as much on the other side: both ask by one schedule."""
    other = both.columns[both.columns != side][0]
    return int((_PART * both[side] <= both[other]).sum())


def _holes(counts: pd.Series) -> int:
    rounds = counts.index[counts > 0]
    return int(rounds.max() - rounds.min()) + 1 - len(rounds)


def _requests(side: RunEvidence, condition: Condition) -> dict[tuple[str, str], pd.Series]:
    """Return how many requests each round holds, of each target and metric that the condition speaks of."""
    wanted = (condition.target, condition.metric)
    return {
        key: counts
        for key, counts in _by_round(side).items()
        if all(asked in (None, name) for asked, name in zip(wanted, key, strict=True))
    }


@once_for_each
def _by_round(side: RunEvidence) -> Mapping[tuple[str, str], pd.Series]:
    """Return how many requests each round holds, of each target and metric."""
    samples = side.evidence["samples"]
    asked = samples["due_at"].notna() & samples["metric"].isin(REQUEST_METRICS) & samples["hop"].isna()
    return {
        (str(target), str(metric)): rows.groupby("round").size()
        for (target, metric), rows in samples[asked].groupby(["target", "metric"])
    }
