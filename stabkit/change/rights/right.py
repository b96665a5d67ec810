"""One right that a file grants."""

from __future__ import annotations

from dataclasses import dataclass

from stabkit.change.facts import Scope

__all__ = ["Right"]


@dataclass(frozen=True)
class Right:
    """One right.

    Attributes
    ----------
    what : str
        Its place or name: ``permissions.contents``.
    rank : int
        How far it goes, against the same right elsewhere; 0 for none.
    value : str
        As it is written.
    line : int or None
        Where it stands.
    noun : str
        What kind of right it is.
    proven : bool
        False where it may be harmless.
    scope : str
        What it touches.
    """

    what: str
    rank: int
    value: str
    line: int | None
    noun: str
    proven: bool = True
    scope: Scope = "ci"
