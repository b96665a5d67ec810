"""One expectation counted over all requests, sessions or events of a run, as one row of ``checks``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from stabkit.redact import redact_text

__all__ = ["Tally", "one_line"]

_SHOWN: Final = 3


@dataclass
class Tally:
    """How often one expectation was met.

    Parameters
    ----------
    check, expected : str
        As in the table.
    noun : str
        What is counted, in the plural.
    secrets : tuple of str
        Values that no detail may hold.

    Examples
    --------
    >>> tally = Tally("status", "200", "requests")
    >>> tally.add(True)
    >>> tally.add(False, "request 2: 503")
    >>> row = tally.row("api")
    >>> row["outcome"], row["observed"], row["detail"]
    ('fail', '1 of 2 requests', 'request 2: 503')
    """

    check: str
    expected: str
    noun: str
    secrets: tuple[str, ...] = ()
    met: int = 0
    seen: int = 0
    undecided: int = 0
    deviations: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, met: bool, deviation: str | Callable[[], str] = "") -> None:  # noqa: FBT001 - the one thing it takes
        """Count one case; its deviation is kept if it is among the first three."""
        self.seen += 1
        if met:
            self.met += 1
        elif len(self.deviations) < _SHOWN:
            said = deviation() if callable(deviation) else deviation
            self.deviations.append(one_line(redact_text(said, self.secrets)))

    def skip(self, reason: str) -> None:
        """Count one case that could not be decided."""
        self.undecided += 1
        if reason not in self.reasons and len(self.reasons) < _SHOWN:
            self.reasons.append(one_line(redact_text(reason, self.secrets)))

    def row(self, target: str, *, nothing: str = "there was nothing to check") -> dict[str, Any]:
        """Return the row: ``fail`` if any case deviated, ``not_checked`` if any was undecided or none was seen."""
        failed = self.seen - self.met
        outcome = "fail" if failed else "not_checked" if self.undecided or not self.seen else "pass"
        notes = list(self.deviations)
        if failed > len(self.deviations):
            notes.append(f"and {failed - len(self.deviations):,} more")
        if self.undecided:
            notes.append(f"{self.undecided:,} not checked: {'; '.join(self.reasons)}")
        if not self.seen and not self.undecided:
            notes.append(nothing)
        return {
            "target": target,
            "check": self.check,
            "expected": self.expected,
            "observed": f"{self.met:,} of {self.seen:,} {self.noun}" if self.seen else None,
            "outcome": outcome,
            "detail": "; ".join(notes) or None,
            "passed": self.met,
            "failed": failed,
            "undecided": self.undecided,
        }


def one_line(text: str, longest: int = 200) -> str:
    r"""Return foreign text as one printable line that can be stored: no control characters, no lone surrogates.

    Examples
    --------
    >>> one_line("a\tb", 10), one_line("abcdef", 4)
    ('a b', 'abc…')
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * longest]).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
