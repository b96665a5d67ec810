"""What a figure says in words: its title, its text alternative, and its caption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stabkit.numbers import amount_text
from stabkit.text import count, joined
from stabkit.vocabulary import SAID

__all__ = ["SIDE_NAMES", "Description", "Sizes", "judged_text", "lower_first", "sizes_text"]

SIDE_NAMES: Final[Mapping[str, str]] = {"baseline": "before", "candidate": "now"}
"""What a figure calls each side."""
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
    '; n 600 in 10 rounds before, 599 in 9 rounds now'
    """
    if not sizes:
        return ""
    if len(set(sizes.values())) == 1 and len(sizes) == 2:
        n, rounds = next(iter(sizes.values()))
        return f"; n {amount_text(n)} a side, in {count(rounds, 'round')}"
    parts = [
        f"{amount_text(n)} in {count(rounds, 'round')} {SIDE_NAMES.get(side, side)}"
        for side, (n, rounds) in sizes.items()
    ]
    return f"; n {', '.join(parts)}"


def judged_text(judged: Mapping[str, str]) -> str:
    """Return the outcome of each quantity, those of one outcome together.

    Examples
    --------
    >>> judged_text({"p50": "stable", "p99": "stable"}), judged_text({"p50": "improved", "p99": "inconclusive"})
    ('median and p99 are within what is allowed', 'median improved, p99 is undecided')
    """
    groups: dict[str, list[str]] = {}
    for name, outcome in judged.items():
        groups.setdefault(outcome, []).append(name)
    parts = []
    for outcome, names in groups.items():
        alone = len(names) == 1
        words = "within what is allowed" if outcome == "stable" else SAID.get(outcome, outcome)
        # "regressed" and "improved" are verbs already.
        verb = "" if outcome in ("regressed", "improved") else "is " if alone else "are "
        shown = ("median" if name == "p50" else name for name in names)
        parts.append(f"{joined(shown, most=5)} {verb}{words}")
    return ", ".join(parts)


def lower_first(text: str) -> str:
    """Return a title as the second half of a sentence: its first letter small, unless it begins a name or a number.

    Examples
    --------
    >>> lower_first("No change found"), lower_first("CPU rose"), lower_first("p95 rose")
    ('no change found', 'CPU rose', 'p95 rose')
    """
    return text if text[1:2].isupper() or text[1:2].isdigit() else text[:1].lower() + text[1:]
