"""Lines that are true, false, not checked, or for a person to verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from stabkit.errors import UsageError
from stabkit.report.display.badges import badge
from stabkit.report.display.escape import markdown_code, markdown_text, plain_text
from stabkit.report.display.piece import Piece
from stabkit.text import count

__all__ = ["CheckItem", "Checklist"]

SHOWN_HELD: Final = 3


@dataclass(frozen=True)
class CheckItem:
    """One line of a checklist; ``outcome`` is yes, no, not_checked or manual."""

    outcome: str
    what: str
    detail: str = ""
    command: str | None = None


@dataclass(frozen=True, repr=False)
class Checklist(Piece):
    """Lines that are true, false, not checked, or for a person to verify; the last are never ticked nor counted.

    ``notes`` are sentences on what is not among the lines.
    """

    kind: ClassVar[str] = "checklist"
    items: tuple[CheckItem, ...]
    caption: str = "Checklist"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for item in self.items:
            if item.outcome not in ("yes", "no", "not_checked", "manual"):
                raise UsageError(f"No outcome {item.outcome!r}.", hint="Known: yes, no, not_checked, manual.")

    @property
    def open_items(self) -> tuple[CheckItem, ...]:
        """The lines that are always shown: those that do not hold or are not checked; all of them, if few hold."""
        return tuple(item for item in self.items if item not in self.folded_items)

    @property
    def folded_items(self) -> tuple[CheckItem, ...]:
        """The lines that hold, where there are so many that they fold."""
        held = tuple(item for item in self.items if item.outcome == "yes")
        return held if len(held) > SHOWN_HELD else ()

    @property
    def folded(self) -> str:
        """Return what opens the lines that hold: "5 lines hold"."""
        return f"{count(len(self.folded_items), 'line')} hold"

    @property
    def sentence(self) -> str:
        """Return the counts: "2 yes, 1 no, 1 not checked."."""
        words = [("yes", "yes"), ("no", "no"), ("not_checked", "not checked")]
        counts = [(sum(item.outcome == key for item in self.items), word) for key, word in words]
        text = ", ".join(f"{n} {word}" for n, word in counts if n) or "Nothing was checked"
        manual = sum(item.outcome == "manual" for item in self.items)
        by_hand = f"; {count(manual, 'line')} for a person to verify" if manual else ""
        return f"{text}{by_hand}."

    def __repr__(self) -> str:
        lines = []
        for item in self.items:
            detail = f" – {item.detail}" if item.detail else ""
            command = f" {item.command}" if item.command else ""
            lines.append(plain_text(f"{' '.join(badge(item.outcome)[::2])}: {item.what}{detail}{command}"))
        lines += map(plain_text, self.notes)
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the content as Markdown."""
        lines = []
        for item in self.items:
            glyph, _, word = badge(item.outcome)
            detail = f" – {markdown_text(item.detail)}" if item.detail else ""
            command = f" {markdown_code(item.command)}" if item.command else ""
            lines.append(f"- {glyph} {word}: {markdown_text(item.what)}{detail}{command}")
        told = "\n".join(lines) or markdown_text(self.sentence)
        return "\n\n".join([told, *map(markdown_text, self.notes)])

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {
            "caption": self.caption,
            "sentence": self.sentence,
            "items": list(self.items),
            "notes": list(self.notes),
        }
