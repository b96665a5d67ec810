"""Charts on axes of the user's own: in a subplot as well, and in the colours of the user's style."""

from __future__ import annotations

import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from stabkit.chart.drawing.chart import Chart
from stabkit.chart.drawing.palette import (
    BASELINE,
    CANDIDATE,
    FAINT,
    GROUND,
    INCONCLUSIVE,
    INCONCLUSIVE_INK,
    INK,
    MUTE,
    NO_VALUE,
    REGRESSED,
    REGRESSED_INK,
    RULE,
    SAFE_BAND,
    SEVERITY,
    STABLE,
)
from stabkit.chart.drawing.style import LETTER_PT, width_pt

__all__ = ["draw_in"]

_TITLE_PAD = 22  # points: what the y axis shows stands between the axes and their title


def draw_in(chart: Chart, axes: Axes | None = None) -> Axes:
    """Draw a chart on axes of the user's own, titled with what it shows, and return the axes.

    Parameters
    ----------
    chart : Chart
    axes : Axes, optional
        None: the only axes of a new figure. Their place in the figure is left alone.

    Notes
    -----
    The meaning of a colour stays, its shade is the style's: the candidate has the first colour of its cycle, what got
    worse the second, what is open a paler second; the baseline and lesser things lie between text and ground.
    """
    if axes is None:
        _, axes = plt.subplots(layout="constrained")
    before = set(axes.get_children())
    chart.draw(axes)
    colours = _colours(axes)
    for artist in (*axes.get_children(), axes.xaxis.label, axes.yaxis.label):
        if artist not in before or artist in (axes.xaxis.label, axes.yaxis.label):
            _recolour(artist, colours)
    title = chart.describe().title.replace("$", r"\$")
    size = _points(mpl.rcParams["axes.titlesize"])
    letters = max(24, int(width_pt(axes) / (LETTER_PT * size / 10)))
    axes.set_title(textwrap.fill(title, letters, break_on_hyphens=False), loc="left", pad=_TITLE_PAD)
    return axes


def _points(size: Any) -> float:
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=size).get_size_in_points())


def _colours(axes: Axes) -> dict[str, str]:
    """Return the colours of the palette as those of the style in force."""
    text = to_rgb(mpl.rcParams["text.color"])
    figure: Any = axes.get_figure(root=True)
    faces = [to_rgba(axes.get_facecolor()), to_rgba(figure.get_facecolor())]
    ground = next((face[:3] for face in faces if face[3] > 0), (1.0, 1.0, 1.0))
    cycle = [step.get("color", "C0") for step in mpl.rcParams["axes.prop_cycle"]] or ["C0"]
    candidate, worse = (to_rgb(cycle[place % len(cycle)]) for place in range(2))

    def between(colour: Any, share: float) -> str:
        return to_hex(tuple(np.asarray(colour) * share + np.asarray(ground) * (1 - share)))

    named = {
        INK: to_hex(text), MUTE: between(text, 0.75), FAINT: between(text, 0.5), BASELINE: between(text, 0.6),
        NO_VALUE: between(text, 0.25), RULE: to_hex(mpl.rcParams["grid.color"]), GROUND: to_hex(ground),
        CANDIDATE: to_hex(candidate), STABLE: to_hex(candidate), SAFE_BAND: between(candidate, 0.22),
        REGRESSED: to_hex(worse), REGRESSED_INK: to_hex(worse), INCONCLUSIVE: between(worse, 0.55),
        INCONCLUSIVE_INK: between(text, 0.75),
    }  # fmt: skip
    shades = zip(SEVERITY, (1.0, 0.75, 0.55, 0.4, 0.25), strict=True)
    return {**named, **{shade: between(candidate, share) for shade, share in shades}}


def _recolour(artist: Any, colours: dict[str, str]) -> None:
    def mine(colour: Any) -> Any:
        if isinstance(colour, str) and colour in ("none", "auto"):
            return colour
        alpha = to_rgba(colour)[3]
        return to_rgba(colours.get(to_hex(colour), to_hex(colour)), alpha)

    if isinstance(artist, Line2D):
        artist.set_color(mine(artist.get_color()))
        artist.set_markerfacecolor(mine(artist.get_markerfacecolor()))
        artist.set_markeredgecolor(mine(artist.get_markeredgecolor()))
    elif isinstance(artist, Text):
        artist.set_color(mine(artist.get_color()))
    elif isinstance(artist, Collection):
        for name in ("facecolor", "edgecolor"):
            known = getattr(artist, f"get_{name}")()
            if len(known):
                getattr(artist, f"set_{name}")([mine(colour) for colour in known])
    elif isinstance(artist, Patch):
        artist.set_facecolor(mine(artist.get_facecolor()))
        artist.set_edgecolor(mine(artist.get_edgecolor()))
