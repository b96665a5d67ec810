"""Lines that are true, false, not checked, or for a person to verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from stabkit.errors import UsageError
from stabkit.numbers import amount_text
from stabkit.report.display.badges import badge
from stabkit.report.display.escape import markdown_code, markdown_text, plain_text
from stabkit.report.display.piece import Piece
from stabkit.text import count, verb

__all__ = ["CheckItem", "Checklist"]

SHOWN_HELD: Final = 3


@dataclass(frozen=True)
class CheckItem:
    """One line of a checklist; ``outcome`` is yes, no, not_checked or manual."""

    outcome: str
    what: str
    detail: str = ""
    command: str | None = None

    @property
    def badge(self) -> tuple[str, str, str]:
        """Glyph, colour class and word of the outcome: a line holds or it does not, whatever it is called."""
        glyph, colour, shown = badge(self.outcome)
        return glyph, colour, {"yes": "holds", "no": "broken"}.get(self.outcome, shown)


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
        return f"{count(len(self.folded_items), 'line')} that hold"

    @property
    def sentence(self) -> str:
        """Return the counts: "2 lines hold, 1 does not, 1 is not checked."."""
        held, broken, open_ = (sum(i.outcome == key for i in self.items) for key in ("yes", "no", "not_checked"))
        parts = [f"{count(held, 'line')} {verb('holds', held)}"] if held else []
        if broken:
            parts.append(f"{amount_text(broken)} {verb('does', broken)} not" if parts else _broken(broken))
        if open_:
            subject = amount_text(open_) if parts else count(open_, "line")
            parts.append(f"{subject} {verb('is', open_)} not checked")
        text = ", ".join(parts) or "Nothing was checked"
        manual = sum(item.outcome == "manual" for item in self.items)
        by_hand = f"; {count(manual, 'line')} for a person to verify" if manual else ""
        return f"{text}{by_hand}."

    def __repr__(self) -> str:
        lines = []
        for item in self.items:
            detail = f" – {item.detail}" if item.detail else ""
            command = f" {item.command}" if item.command else ""
            lines.append(plain_text(f"{' '.join(item.badge[::2])}: {item.what}{detail}{command}"))
        lines += map(plain_text, self.notes)
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the content as Markdown."""
        lines = []
        for item in self.items:
            glyph, _, word = item.badge
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


def _broken(amount: int) -> str:
    return f"{count(amount, 'line')} {verb('does', amount)} not hold"
