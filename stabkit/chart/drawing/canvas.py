"""The canvas of figures: axes with fixed margins, and SVG that is small, equal in every run, and follows dark mode.

An SVG inside ``<img>`` cannot inherit the page's colours, but it can ask for the reader's preference itself: every
palette colour is written as a CSS variable with a light and a dark value, and the figure brings its own ground.

Only this module imports matplotlib when it is itself imported: what draws nothing need not wait for it.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterable
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import Formatter

from stabkit.chart.drawing.palette import FAINT, GROUND, MUTE, OWN, PALETTE, RULE, WIDTH_IN
from stabkit.numbers import significant

# That it builds its list of fonts, once on each machine, is no news of a report.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

__all__ = ["EvenTicks", "draw_blocks", "new_axes", "to_svg"]

HEIGHT_IN: Final = 3.0
MANY_MARKS: Final = 2000
_RC: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stabkit",
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
    "axes.unicode_minus": True,
    "savefig.dpi": 160,
}
_FONTS: Final = 'system-ui,-apple-system,"Segoe UI",Inter,Roboto,sans-serif'
_HEX: Final = re.compile(r"#[0-9a-f]{6}")
_HEAD: Final = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")  # what stands between tags is evidence and stays as it is
_FAMILY: Final = re.compile(r"font-family: ?[^;\"]*;? ?|'DejaVu Sans'(?:, '[^']*')*(?:, [a-z-]+)?")
_NO_TURN: Final = re.compile(r' transform="rotate\(-?0(?:\.0+)? [^"]*\)"')
_POINT_DIGITS: Final = re.compile(r"(\d\.\d\d)\d+")


def new_axes(
    *,
    width: float = WIDTH_IN,
    height: float = HEIGHT_IN,
    left: float = 0.62,
    right: float = 0.16,
    bottom: float = 0.5,
    top: float = 0.34,
) -> Axes:
    """Return empty axes on a figure of their own, 4.7 in wide unless said otherwise, with fixed margins.

    Parameters
    ----------
    width, height, left, right, bottom, top : float
        Inches. Fixed margins let the axes of neighbouring figures line up, and save the second drawing that a tight
        bounding box costs.

    Examples
    --------
    >>> new_axes().figure.get_size_inches().tolist()
    [4.7, 3.0]
    """
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width, height), facecolor=GROUND)
        figure.set_label(OWN)
        FigureCanvasSVG(figure)
        box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
        axes = figure.add_axes(box, facecolor="none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(length=0, pad=5, labelcolor=MUTE, labelsize=10)
    axes.tick_params(axis="both", which="minor", length=0)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.8)
    return axes


def draw_blocks(axes: Axes, blocks: np.ndarray, colour: str) -> None:
    """Draw rectangles of one colour as one path: one a rectangle would be five times the bytes, and slower.

    Parameters
    ----------
    blocks : array of shape (n, 4)
        Left, right, bottom and top of each, in data units.
    """
    if not len(blocks):
        return
    left, right, bottom, top = np.asarray(blocks, dtype="float64").T
    points = np.stack([left, bottom, right, bottom, right, top, left, top, left, bottom], axis=1).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(blocks))
    # Limits are set by the charts; finding them anew from thousands of corners is what add_patch would do.
    axes.add_artist(PathPatch(Path(points, codes), facecolor=colour, linewidth=0))


def _lean_tag(match: re.Match[str]) -> str:
    tag = match[0]
    tag = _FAMILY.sub("", tag) if "font-family" in tag or "DejaVu" in tag else tag
    tag = _NO_TURN.sub("", tag) if "rotate(" in tag else tag
    if "base64," in tag:
        return tag
    # A hundredth of a point cannot be seen.
    tag = _POINT_DIGITS.sub(r"\1", tag)
    return _HEX.sub(lambda m: f"var(--{PALETTE[m[0]][0]})" if m[0] in PALETTE else m[0], tag) if "#" in tag else tag


class EvenTicks(Formatter):
    """The numbers of one axis, all with the decimals that its step needs: 0, 6, 12, never 0, 6.0, 12."""

    def __init__(self, *, sign: bool = False) -> None:
        self._sign = sign

    def __call__(self, value: float, pos: int | None = None) -> str:  # noqa: ARG002
        """Return one number alone."""
        return significant(value, 2, sign=self._sign)

    def format_ticks(self, values: Iterable[float]) -> list[str]:
        """Return the numbers of a whole axis."""
        places = [float(value) for value in values]
        near = 1e-6 * max((abs(place) for place in places), default=1.0)
        enough = (d for d in range(7) if all(abs(round(place, d) - place) <= near for place in places))
        decimals = next(enough, 6)
        return [significant(place, sign=self._sign, decimals=decimals) for place in places]


def to_svg(figure: Any) -> bytes:
    """Return the figure as SVG: text as text, no date, equal bytes for equal input, colours for light and dark.

    Text stays text: in a comparison of a 46-run history, 16 KB against 27 KB with glyph outlines, and sharper.
    """
    for axes in figure.axes:
        marks = sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() in ("None", "", " "))
        marks += sum(len(collection.get_offsets()) for collection in axes.collections)
        if marks > MANY_MARKS:
            for artist in (*axes.lines, *axes.collections):
                artist.set_rasterized(True)
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.get_label_text():  # to find the place of a label, matplotlib lays out all ticks once more
                axis.set_label_coords(0, 0)
    buffer = io.BytesIO()
    with mpl.rc_context(_RC), warnings.catch_warnings():
        # The reader's own fonts draw the text, so it does not matter which letters the one that measures it lacks.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    text = _HEAD.sub("", buffer.getvalue().decode(), count=1)
    text = re.sub(r"\n\s*", "\n", _TAG.sub(_lean_tag, text))
    used = [light for light, (name, _) in PALETTE.items() if f"var(--{name})" in text]
    light = ";".join(f"--{PALETTE[h][0]}:{h}" for h in used)
    dark = ";".join(f"--{PALETTE[h][0]}:{PALETTE[h][1]}" for h in used)
    style = f"text{{font-family:{_FONTS}}}:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return text.replace('<style type="text/css">', f'<style type="text/css">{style}', 1).encode()
