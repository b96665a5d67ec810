"""Several pieces as one, in order or behind a line that opens them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from stabkit.redact import redact_evidence
from stabkit.report.display.escape import markdown_text, plain_text
from stabkit.report.display.piece import WHOLE_MIME, Piece

__all__ = ["Fold", "Group"]


@dataclass(frozen=True, repr=False)
class Group(Piece):
    """Several pieces in order, where one call of a notebook gives more than one."""

    kind: ClassVar[str] = "group"
    pieces: tuple[Piece, ...]
    # Name -> frame of what its tables are the beginning of; travels beside the piece and is no part of it.
    whole: Mapping[str, Any] = field(default_factory=dict, kw_only=True, compare=False)
    # Small figures that stand side by side, to be compared.
    across: bool = field(default=False, kw_only=True, compare=False)

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(include, exclude)
        if self.whole:
            bundle[WHOLE_MIME] = {name: _parquet(frame) for name, frame in redact_evidence(self.whole).items()}
        return bundle

    def text(self, width: int | None = None) -> str:
        """Return the content as plain text, for a terminal of that many columns."""
        return "\n\n".join(piece.text(width) for piece in self.pieces)

    def markdown(self) -> str:
        """Return the content as Markdown."""
        return "\n\n".join(piece.markdown() for piece in self.pieces)

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"pieces": [piece.piece() for piece in self.pieces]}


@dataclass(frozen=True, repr=False)
class Fold(Group):
    """Pieces behind a line that opens them: what is stable, or long. Nothing that decides belongs here."""

    kind: ClassVar[str] = "fold"
    summary: str = "More"

    def text(self, width: int | None = None) -> str:
        """Return the content as plain text, for a terminal of that many columns."""
        return f"{plain_text(self.summary)}\n\n{super().text(width)}"

    def markdown(self) -> str:
        """Return the content as Markdown."""
        return f"{markdown_text(self.summary)}\n\n{super().markdown()}"

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return {"summary": self.summary, **super().content()}


def _parquet(frame: Any) -> str:
    file = io.BytesIO()
    frame.to_parquet(file, index=False, compression="zstd")
    return base64.b64encode(file.getvalue()).decode("ascii")
