"""What every chart can do: draw its frame, and say in words what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from stabkit.chart.drawing.description import Description

__all__ = ["Chart"]


class Chart(Protocol):
    """A frame with what is needed to draw it and to describe it; both are computed from the same fields."""

    @property
    def frame(self) -> pd.DataFrame:
        """What is drawn, a row a mark; also the data below the figure."""

    def draw(self, axes: Axes) -> Axes:
        """Draw on the axes and return them."""

    def describe(self) -> Description:
        """Return title, text alternative and caption."""
