"""One place that reads or sets an environment variable, as every reader of files tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["REQUIRED", "Use", "Uses"]

REQUIRED: Final = "(required)"
"""The default of a read that fails where the variable is not set."""


@dataclass(frozen=True)
class Use:
    """A variable at one place.

    Attributes
    ----------
    name : str
        The variable; of a name made at run time, the expression that makes it.
    line : int
        Where it stands.
    value : str or None
        The default that a read falls back to, or the value that is set; None where there is none.
    proven : bool
        False where only a pattern was matched.
    """

    name: str
    line: int
    value: str | None = None
    proven: bool = True


@dataclass
class Uses:
    """What a file does with variables: those it reads, those it sets, and names made at run time."""

    reads: list[Use] = field(default_factory=list)
    sets: list[Use] = field(default_factory=list)
    dynamic: list[Use] = field(default_factory=list)

    def add(self, other: Uses) -> None:
        """Take over what another reader of the same file found."""
        self.reads += other.reads
        self.sets += other.sets
        self.dynamic += other.dynamic
