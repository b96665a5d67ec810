"""Judging suppressions: a finding that is hidden now and was not before is not mended."""

from __future__ import annotations

from stabkit.analyze import ConditionResult, Need, Sides, result_of
from stabkit.config import Condition

__all__ = ["judge"]


def judge(condition: Condition, sides: Sides) -> ConditionResult:
    """Judge each suppressed finding by its fingerprint: one more is a regression."""
    missing = sides.no_baseline(condition)
    needs = [] if missing is None else [missing]
    needs += [
        Need(1, "scans", "missing", "scan", side=name) for name, side in sides.named if side.evidence["scans"].empty
    ]
    if needs:
        return result_of(condition, "inconclusive", needs=tuple(needs))
    before, after = (frame[frame["suppressed"]] for frame in sides.table("findings"))
    fresh = after[~after["fingerprint"].isin(before["fingerprint"])]
    items = tuple(
        {"state": "new", "what": f"{rule} {path}"} for rule, path in zip(fresh["rule"], fresh["path"], strict=True)
    )
    outcome = "regressed" if items else "stable"
    return result_of(condition, outcome, exact=bool(items), items=items, facts={"total": len(after)})
