"""Numbers of things in the warnings of readers, in the singular where there is one."""

from __future__ import annotations

__all__ = ["amount"]


def amount(number: int, one: str, many: str) -> str:
    """Return a number and what is said of so many things.

    Examples
    --------
    >>> amount(1, "line is no JSON", "lines are no JSON"), amount(1200, "line is no JSON", "lines are no JSON")
    ('1 line is no JSON', '1,200 lines are no JSON')
    """
    return f"{number:,} {one if number == 1 else many}"
