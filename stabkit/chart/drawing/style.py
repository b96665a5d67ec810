"""How figures look: words beside lines, names of rows, ticks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

from stabkit.chart.drawing.palette import CANDIDATE, MUTE, OWN

__all__ = [
    "annotate_empty",
    "even_ticks",
    "few_ticks",
    "spread",
    "text_pt",
]

# A wide average letter at 10 pt in any of the fonts that a reader may have.
LETTER_PT: Final = 6.1
_BOLD_PT: Final = 6.6


def text_pt(text: str) -> float:
    """Return the room that a text of 10 pt may need, points; Chinese letters and emoji are twice as wide."""
    letters = text.replace(r"\$", "$")
    return LETTER_PT * sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in letters)


def say(axes: Axes, text: str, *, where: str = "left", colour: str = MUTE) -> None:
    """Write what the y axis shows above it, level, where it is read first; or a note at the right."""
    x = 0.0 if where == "left" else 1.0
    axes.text(x, 1.03, text, transform=axes.transAxes, ha=where, va="bottom", color=colour, fontsize=10)


def name_rows(axes: Axes, names: Iterable[object], limit: int = 24) -> None:
    """Label rows from y = 0 downwards with untrusted names, and make room for the longest."""
    labels = [escape_label(name, limit) for name in names]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    _make_room(axes, left=0.22 + max(map(text_pt, labels), default=0.0) / 72)


def label_end(
    axes: Axes, text: str, at: tuple[float, float], *, colour: str, bold: bool = False, lift: float = 0.0
) -> None:
    """Write untrusted text right of the axes, beside the end of what it names, ``lift`` points higher."""
    label = escape_label(text, 12)
    _make_room(axes, right=0.12 + text_pt(label) * _BOLD_PT / LETTER_PT / 72)
    axes.annotate(
        label, at, xytext=(5, lift), textcoords="offset points", va="center", color=colour, annotation_clip=False,
        fontweight="bold" if bold else "normal",
    )  # fmt: skip


def label_row(axes: Axes, text: str, row: float, *, colour: str) -> None:
    """Write text right of the axes, level with a row."""
    label = escape_label(text, 16)
    _make_room(axes, right=0.18 + text_pt(label) / 72)
    axes.annotate(
        label, (1, row), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points", va="center",
        color=colour, annotation_clip=False,
    )  # fmt: skip


def name_colours(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    """Name what is drawn above the axes at the right, in its order, each word and its mark in its colour."""
    shift = 0.0
    for text, colour in reversed(entries):
        axes.annotate(
            text, (1, 1), xycoords="axes fraction", xytext=(shift, 6), textcoords="offset points", ha="right",
            color=colour,
        )  # fmt: skip
        shift -= text_pt(text) + 10


def name_sides(axes: Axes, mark: str = "●") -> None:
    """Name both sides above the axes, each in its colour."""
    name_colours(axes, [(f"{mark} before", MUTE), (f"{mark} now", CANDIDATE)])


def spread(heights: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return the heights moved as little as needed to lie that far apart, within bounds if these leave the room.

    Examples
    --------
    >>> spread([5.0, 6.0, 20.0], 4, 0, 30)
    [3.5, 7.5, 20.0]
    """
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    groups: list[tuple[float, list[int]]] = []  # the middle of neighbours that touch, and who they are
    for i in order:
        middle, members = heights[i], [i]
        while groups and middle - (len(members) - 1) * apart / 2 < groups[-1][0] + (len(groups[-1][1]) + 1) * apart / 2:
            before, others = groups.pop()
            middle = (before * len(others) + middle * len(members)) / (len(others) + len(members))
            members = [*others, *members]
        half = (len(members) - 1) * apart / 2
        groups.append((max(low + half, min(high - half, middle)), members))
    placed = dict.fromkeys(order, 0.0)
    for middle, members in groups:
        placed |= {i: middle + (k - (len(members) - 1) / 2) * apart for k, i in enumerate(members)}
    return [placed[i] for i in range(len(heights))]


def draw_bars(axes: Axes, heights: Any, colour: str, *, base: Any = None) -> None:
    """Draw an array of heights as bars, one a run, upon the heights of ``base`` if given; nothing where it is 0."""
    import numpy as np

    from stabkit.chart.drawing.canvas import draw_blocks

    high = np.asarray(heights, dtype="float64")
    low, x = np.zeros_like(high) if base is None else np.asarray(base, dtype="float64"), np.arange(len(high))
    draw_blocks(axes, np.stack([x - 0.43, x + 0.43, low, low + high], axis=1)[high != 0], colour)


def height_pt(axes: Axes) -> float:
    """Return the height of the axes, points."""
    figure: Any = axes.get_figure(root=True)
    return float(axes.get_position().height * figure.get_size_inches()[1] * 72)


def width_pt(axes: Axes) -> float:
    """Return the width of the axes, points."""
    return float(axes.get_position().width) * width_in(axes) * 72


def width_in(axes: Axes) -> float:
    """Return the width of the whole figure, inches."""
    figure: Any = axes.get_figure(root=True)
    return float(figure.get_size_inches()[0])


def _make_room(axes: Axes, *, left: float = 0.0, right: float = 0.0) -> None:
    figure: Any = axes.get_figure(root=True)
    if figure.get_label() != OWN:
        return  # a figure of the user's has a layout of its own, which looks after what stands outside its axes
    box, width = axes.get_position(), width_in(axes)
    x0, x1 = max(box.x0, left / width), min(box.x1, 1 - right / width)
    axes.set_position((x0, box.y0, x1 - x0, box.height))


def few_ticks(axis: Axis, most: int, *, whole: bool = False) -> None:
    """Give an axis about that many ticks at most, in steps of 1, 2 or 5, at whole numbers if it counts."""
    from matplotlib.ticker import MaxNLocator

    # Two ticks at least would cut a whole number up where an axis holds only one.
    axis.set_major_locator(MaxNLocator(nbins=most, integer=whole, steps=[1, 2, 5, 10], min_n_ticks=1 if whole else 2))


def even_ticks(axis: Axis, *, sign: bool = False) -> None:
    """Write the numbers of an axis with equal decimals, changes with their sign."""
    from stabkit.chart.drawing.canvas import EvenTicks

    axis.set_major_formatter(EvenTicks(sign=sign))


def settle(axes: Axes) -> None:
    """Give the axes the room of an x label that they do not have."""
    if not axes.get_xlabel():
        box = axes.get_position()
        figure: Any = axes.get_figure(root=True)
        low = 0.3 / figure.get_size_inches()[1]
        axes.set_position((box.x0, low, box.width, box.y1 - low))


def annotate_empty(axes: Axes, text: str = "no evidence") -> Axes:
    """Return the axes emptied, with a word in their middle."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTE, fontsize=11)
    return axes


def escape_label(text: object, limit: int = 28) -> str:
    r"""Return untrusted text as a short label: one line, no mathematics, its end kept (where names differ).

    Examples
    --------
    >>> escape_label("cost in $US$"), escape_label("tests/unit/test_orders_of_the_shop.py::test_total")
    ('cost in \\$US\\$', '…_of_the_shop.py::test_total')
    """
    # Control characters are not allowed in XML; matplotlib would write them as they are.
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    kept, room = 0, limit * LETTER_PT + 0.1
    if text_pt(plain) <= room:
        return plain.replace("$", r"\$")
    for letter in reversed(plain):
        room -= text_pt(letter)
        if room < LETTER_PT:
            break
        kept += 1
    return "…" + plain[len(plain) - kept :].replace("$", r"\$")
