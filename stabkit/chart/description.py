"""What a figure says in words: its title, its text alternative, and its caption."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Description"]


@dataclass(frozen=True)
class Description:
    """The words of a figure, computed from the frame that is drawn.

    Attributes
    ----------
    title : str
        States the finding; no full stop.
    alt : str
        "[kind of chart] of [data], where [finding]"; never empty.
    caption : str
        What is drawn, how many, how measured.
    """

    title: str
    alt: str
    caption: str = ""
