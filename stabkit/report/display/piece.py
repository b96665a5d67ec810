"""What every display object is: one content in four forms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final

from stabkit.analyze import to_json
from stabkit.report.display.markup import environment
from stabkit.report.display.narrow import fold_line

__all__ = ["PIECE_MIME", "SCHEMA_VERSION", "WHOLE_MIME", "WHOLE_NAMES", "Piece"]

PIECE_MIME: Final = "application/vnd.stabkit+json"
WHOLE_MIME: Final = "application/vnd.stabkit.whole+json"
"""Name to a Parquet file in base64: what is too long for the result, on its way to a file beside the page."""
WHOLE_NAMES: Final = ("findings", "tests")
"""What a row of such a file may be; the file is called after it: ``NAME.tests.parquet``."""
SCHEMA_VERSION: Final = 1


class Piece(ABC):
    """Base of all display objects: one content, four forms."""

    kind: ClassVar[str]

    def _repr_html_(self) -> str:
        macro = getattr(environment().get_template("pieces.html.j2").module, self.kind)
        return str(macro(self)).strip()

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            "text/markdown": self.markdown(),
            PIECE_MIME: self.piece(),
        }

    def text(self, width: int | None = None) -> str:
        """Return the content as plain text, for a terminal of that many columns; None: as wide as it is."""
        text = repr(self)
        return text if width is None else "\n".join(fold_line(line, width) for line in text.split("\n"))

    @abstractmethod
    def markdown(self) -> str:
        """Return the content as Markdown in which all evidence is escaped."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Return the content as JSON values, without schema and kind."""

    def piece(self) -> dict[str, Any]:
        """Return the piece of the result that this object stands for."""
        return {"schema": SCHEMA_VERSION, "kind": self.kind, **to_json(self.content())}
