"""Sentences: computed ones, the words of a section without evidence, and pieces under one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from stabkit.report.display.answer import Subject
from stabkit.report.display.escape import markdown_code, markdown_text, plain_text
from stabkit.report.display.piece import Piece

__all__ = ["NoEvidence", "Statement"]


@dataclass(frozen=True, repr=False)
class Statement(Piece):
    """Computed sentences: a section's lead, a summary, a conclusion.

    Parameters
    ----------
    sentences : tuple of str
    command : str or None
        What to run next, shown as code after the sentences.
    points : bool
        Each sentence on a line of its own.
    subject : Subject or None
        What a page is about that judges nothing, for its head.
    quiet : bool
        There is nothing to look at: a page shows such a section as one line beneath the others.
    """

    kind: ClassVar[str] = "statement"
    sentences: tuple[str, ...]
    command: str | None = None
    points: bool = False
    subject: Subject | None = None
    quiet: bool = False

    def __repr__(self) -> str:
        return plain_text(" ".join([*self.sentences, *([self.command] if self.command else [])]))

    def markdown(self) -> str:
        """Return the content as Markdown."""
        command = f" {markdown_code(self.command)}" if self.command else ""
        if self.points:
            return "\n".join(f"- {markdown_text(line)}" for line in self.sentences) + command
        return markdown_text(" ".join(self.sentences)) + command

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        about: dict[str, Any] = {} if self.subject is None else {"subject": self.subject}
        about |= {"quiet": True} if self.quiet else {}
        return {"sentences": list(self.sentences), "command": self.command, **about}


@dataclass(frozen=True, repr=False)
class NoEvidence(Piece):
    """A section without evidence: it keeps its place, and says what would fill it.

    Parameters
    ----------
    subject : str
        What there is no evidence of: "WebSocket sessions".
    command : str or None
        What collects it.
    reason : str or None
        Why there is none, if known.
    """

    kind: ClassVar[str] = "no_evidence"
    subject: str
    command: str | None = None
    reason: str | None = None

    @property
    def sentence(self) -> str:
        """Return "No evidence of ...", with the reason."""
        reason = f" {self.reason}" if self.reason else ""
        return f"No evidence of {self.subject}.{reason}"

    def __repr__(self) -> str:
        return plain_text(f"– {self.sentence}" + (f" Run: {self.command}" if self.command else ""))

    def markdown(self) -> str:
        """Return the content as Markdown."""
        command = f" Run: {markdown_code(self.command)}" if self.command else ""
        return f"– {markdown_text(self.sentence)}{command}"

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"subject": self.subject, "command": self.command, "reason": self.reason}
