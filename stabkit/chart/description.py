"""What a figure says in words: its title, its text alternative, and its caption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stabkit.chart.numbers import count, plural

__all__ = ["Description", "Sizes", "sizes_text"]

# Samples and rounds of each side, "baseline" and "candidate".
Sizes = Mapping[str, tuple[int, int]]


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


def sizes_text(sizes: Sizes | None) -> str:
    """Return how many samples and rounds a figure rests on, to be put behind a caption; nothing if not known.

    Examples
    --------
    >>> sizes_text({"baseline": (600, 10), "candidate": (600, 10)})
    '; n 600 a side, in 10 rounds'
    >>> sizes_text({"baseline": (600, 10), "candidate": (599, 9)})
    '; n 600 in 10 rounds of the baseline, 599 in 9 rounds of the candidate'
    """
    if not sizes:
        return ""
    if len(set(sizes.values())) == 1 and len(sizes) == 2:
        n, rounds = next(iter(sizes.values()))
        return f"; n {count(n)} a side, in {plural(rounds, 'round')}"
    parts = [f"{count(n)} in {plural(rounds, 'round')} of the {side}" for side, (n, rounds) in sizes.items()]
    return f"; n {', '.join(parts)}"
