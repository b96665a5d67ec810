"""A chart with its words and the data behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from stabkit.chart.drawing import Chart, Description
from stabkit.errors import UsageError
from stabkit.report.display.escape import markdown_text, plain_text
from stabkit.report.display.markup import data_address
from stabkit.report.display.piece import Piece
from stabkit.report.display.table import Column, Table

__all__ = ["Figure"]

FIGURE_ROWS: Final = 60
# A third of the page: at this size its text is as large as that of a figure on half of it.
SMALL_IN: Final = (4.2, 2.1)


@dataclass(frozen=True, repr=False)
class Figure(Piece):
    """A chart with its words: title, image with text alternative, caption, and the data behind it.

    Parameters
    ----------
    description : Description
        A figure without text alternative or title is refused.
    svg : bytes or None
        As made by :func:`stabkit.chart.drawing.canvas.to_svg`. None: words and data alone, for a terminal.
    data : Table or None
        What is drawn, folded below the image.

    Examples
    --------
    ``Figure.of(ShiftPlot(frame), height=3.0)`` draws and describes one; ``height``, ``left``, ``right``: inches.
    """

    kind: ClassVar[str] = "figure"
    description: Description
    svg: bytes | None = field(repr=False)
    data: Table | None = None

    def __post_init__(self) -> None:
        for part, name in ((self.description.title, "title"), (self.description.alt, "alt text")):
            if not part.strip():
                raise UsageError(f"A figure needs its {name}.", hint="The chart's describe computes it.")

    @classmethod
    def of(
        cls,
        chart: Chart,
        *,
        height: float | None = None,
        left: float = 0.62,
        right: float = 0.16,
        columns: Sequence[Column] | None = None,
        drawn: bool = True,
        small: bool = False,
    ) -> Figure:
        """Draw a chart and describe it, with its frame as the data behind the figure; ``drawn`` false: no image.

        ``small``: one of several alike, side by side in a group that stands ``across``.
        """
        svg = None
        if drawn:
            from stabkit.chart.drawing import WIDTH_IN, new_axes, settle, to_svg

            size = SMALL_IN if small else (WIDTH_IN, 3.0)
            axes = new_axes(width=size[0], height=height or size[1], left=left, right=right)
            settle(chart.draw(axes))
            svg = to_svg(axes.figure)
        description = chart.describe()
        return cls(description, svg, Table.of(chart.frame, columns, f"Data: {description.title}", limit=FIGURE_ROWS))

    @property
    def image(self) -> str:
        """The image as a data address."""
        assert self.svg is not None, "made for a terminal"
        return data_address(self.svg)

    def __repr__(self) -> str:
        texts = (self.description.title, self.description.alt, self.description.caption)
        return "\n".join(plain_text(text) for text in texts if text)

    def markdown(self) -> str:
        """Return the content as Markdown: the finding and what the image shows, without the image."""
        title, alt = markdown_text(self.description.title), markdown_text(self.description.alt)
        caption = f" {markdown_text(self.description.caption)}" if self.description.caption else ""
        return f"**{title}**\n\n{alt}.{caption}".replace("..", ".")

    def content(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        table = self.data.content() if self.data else None
        return {
            "title": self.description.title,
            "alt": self.description.alt,
            "caption": self.description.caption,
            "data": table,
        }
