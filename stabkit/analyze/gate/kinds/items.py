"""What judges that go one by one share: the names and texts of items, and what a baseline lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from stabkit.analyze.facts import Need
from stabkit.analyze.sides import Sides
from stabkit.config import Condition

__all__ = ["Items", "names", "not_in_baseline", "spoken_of", "text"]

Items = list[dict[str, Any]]


_DETAIL: Final = 300  # characters of a message


def spoken_of(condition: Condition) -> tuple[str, ...]:
    """Return the one name that a condition speaks of; none if it speaks of all of its kind."""
    return () if condition.target is None else (condition.target,)


def names(items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what the items are called."""
    return tuple(str(item["what"]) for item in items)


def text(value: Any) -> str | None:
    """Return a text cut to what an item holds of it; None where there is none."""
    return value[:_DETAIL] if isinstance(value, str) else None


def not_in_baseline(condition: Condition, sides: Sides, need: Need) -> Need:
    """Return what the baseline lacks; collected at once it will again, unless its own source is declared."""
    again = not sides.paired or condition.target in sides.config.baseline_directories
    return replace(need, side="baseline", reason="missing" if again else "not_collected")
