"""Tests, scans and checks, compared as they are judged; nothing is measured."""

from __future__ import annotations

from stabkit.analyze.gate.following import conditions_of
from stabkit.analyze.gate.kinds.unjudged import compare_the_rest
from stabkit.analyze.sides import Sides
from stabkit.kinds import KINDS

__all__ = ["compare_exactly"]


def compare_exactly(sides: Sides) -> tuple[object, ...]:
    """Return the comparisons of tests, scans and checks as :func:`evaluate_gate` has them; nothing is measured."""
    kinds = {condition: KINDS[condition.kind] for condition in conditions_of(sides)}
    judged = [kind.judge(condition, sides).comparison for condition, kind in kinds.items() if kind.noun is not None]
    return (*judged, *compare_the_rest(judged, sides))
