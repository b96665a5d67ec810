"""How figures look: palette, axes with fixed margins, and SVG that is small, equal in every run, and follows dark mode.

An SVG inside ``<img>`` cannot inherit the page's colours, but it can ask for the reader's preference itself: every
palette colour is written as a CSS variable with a light and a dark value, and the figure brings its own ground.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from stabkit.chart.numbers import significant

__all__ = ["BASELINE", "CANDIDATE", "OUTCOME_COLOURS", "PALETTE", "EvenTicks", "annotate_empty", "new_axes", "to_svg"]

BASELINE: Final = "#767676"
CANDIDATE: Final = "#0072b2"
INK: Final = "#1f2328"
MUTE: Final = "#5b6470"
FAINT: Final = "#9aa2ad"
RULE: Final = "#e3e6ea"
GROUND: Final = "#fefefe"  # not #ffffff, which matplotlib uses of itself
STABLE: Final = "#0073b3"
INCONCLUSIVE: Final = "#e69f00"
INCONCLUSIVE_INK: Final = "#8a5a00"
REGRESSED: Final = "#d55e00"
REGRESSED_INK: Final = "#a84300"
NO_VALUE: Final = "#d5d9de"
SAFE_BAND: Final = "#e8f1f8"
# One hue, ordered: the darker, the more severe.
SEVERITY: Final = ("#08406b", "#2f79b0", "#7fb3d8", "#c3dcee", "#e2e7ec")

PALETTE: Final[Mapping[str, tuple[str, str]]] = {
    # light: (name, dark); contrast on #16181d at least 4.5 for text and 3 for shapes
    BASELINE: ("baseline", "#a6adb8"),
    CANDIDATE: ("candidate", "#56b4e9"),
    INK: ("ink", "#e8eaed"),
    MUTE: ("mute", "#a6adb9"),
    FAINT: ("faint", "#7d8590"),
    RULE: ("rule", "#30363d"),
    GROUND: ("ground", "#16181d"),
    STABLE: ("stable", "#57b4e9"),
    INCONCLUSIVE: ("open", "#f0b23a"),
    INCONCLUSIVE_INK: ("open-ink", "#f5c04a"),
    REGRESSED: ("worse", "#f0763a"),
    REGRESSED_INK: ("worse-ink", "#ff8570"),
    NO_VALUE: ("none", "#3d444d"),
    SAFE_BAND: ("band", "#1d3a52"),
    SEVERITY[0]: ("severity-0", "#cfe8fa"),
    SEVERITY[1]: ("severity-1", "#7cc0ec"),
    SEVERITY[2]: ("severity-2", "#3d86b8"),
    SEVERITY[3]: ("severity-3", "#22557a"),
    SEVERITY[4]: ("severity-4", "#3b424b"),
}

OUTCOME_COLOURS: Final[Mapping[str, str]] = {
    "stable": FAINT,
    "improved": CANDIDATE,
    "regressed": REGRESSED,
    "inconclusive": FAINT,
}
OUTCOME_INKS: Final[Mapping[str, str]] = {
    "stable": MUTE,
    "improved": CANDIDATE,
    "regressed": REGRESSED_INK,
    "inconclusive": INCONCLUSIVE_INK,
}

WIDTH_IN: Final = 4.7
HEIGHT_IN: Final = 3.0
MANY_MARKS: Final = 2000
# A wide average letter at 10 pt in any of the fonts that a reader may have.
_LETTER_PT: Final = 6.1

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
    *, height: float = HEIGHT_IN, left: float = 0.62, right: float = 0.16, bottom: float = 0.5, top: float = 0.34
) -> Axes:
    """Return empty axes on a figure of their own, 4.7 in wide, with fixed margins.

    Parameters
    ----------
    height, left, right, bottom, top : float
        Inches. Fixed margins let the axes of neighbouring figures line up, and save the second drawing that a tight
        bounding box costs.

    Examples
    --------
    >>> new_axes().figure.get_size_inches().tolist()
    [4.7, 3.0]
    """
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(WIDTH_IN, height), facecolor=GROUND)
        FigureCanvasSVG(figure)
        box = (left / WIDTH_IN, bottom / height, 1 - (left + right) / WIDTH_IN, 1 - (bottom + top) / height)
        axes = figure.add_axes(box, facecolor="none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(length=0, pad=5, labelcolor=MUTE, labelsize=10)
    axes.tick_params(axis="both", which="minor", length=0)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.8)
    return axes


def say(axes: Axes, text: str, *, where: str = "left", colour: str = MUTE) -> None:
    """Write what the y axis shows above it, level, where it is read first; or a note at the right."""
    x = 0.0 if where == "left" else 1.0
    axes.text(x, 1.03, text, transform=axes.transAxes, ha=where, va="bottom", color=colour, fontsize=10)


def name_rows(axes: Axes, names: Iterable[object], limit: int = 24) -> None:
    """Label rows from y = 0 downwards with untrusted names, and make room for the longest."""
    labels = [escape_label(name, limit) for name in names]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    _make_room(axes, left=0.22 + max((len(label) for label in labels), default=0) * _LETTER_PT / 72)


def label_end(
    axes: Axes, text: str, at: tuple[float, float], *, colour: str, bold: bool = False, lift: float = 0.0
) -> None:
    """Write untrusted text right of the axes, beside the end of what it names, ``lift`` points higher."""
    label = escape_label(text, 12)
    _make_room(axes, right=0.12 + len(label) * 6.6 / 72)
    axes.annotate(
        label, at, xytext=(5, lift), textcoords="offset points", va="center", color=colour, annotation_clip=False,
        fontweight="bold" if bold else "normal",
    )  # fmt: skip


def name_colours(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    """Name what is drawn above the axes at the right, in its order, each word and its mark in its colour."""
    shift = 0.0
    for text, colour in reversed(entries):
        axes.annotate(
            text, (1, 1), xycoords="axes fraction", xytext=(shift, 6), textcoords="offset points", ha="right",
            color=colour,
        )  # fmt: skip
        shift -= len(text) * _LETTER_PT + 10


def name_sides(axes: Axes, mark: str = "●") -> None:
    """Name both sides above the axes, each in its colour."""
    name_colours(axes, [(f"{mark} baseline", MUTE), (f"{mark} candidate", CANDIDATE)])


def width_pt(axes: Axes) -> float:
    """Return the width of the axes, points."""
    return float(axes.get_position().width) * WIDTH_IN * 72


def _make_room(axes: Axes, *, left: float = 0.0, right: float = 0.0) -> None:
    box = axes.get_position()
    x0, x1 = max(box.x0, left / WIDTH_IN), min(box.x1, 1 - right / WIDTH_IN)
    axes.set_position((x0, box.y0, x1 - x0, box.height))


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
    short = plain if len(plain) <= limit else "…" + plain[-(limit - 1) :]
    return short.replace("$", r"\$")


def _lean_tag(match: re.Match[str]) -> str:
    tag = _NO_TURN.sub("", _FAMILY.sub("", match[0]))
    if "base64," in tag:
        return tag
    # A hundredth of a point cannot be seen.
    tag = _POINT_DIGITS.sub(r"\1", tag)
    return _HEX.sub(lambda m: f"var(--{PALETTE[m[0]][0]})" if m[0] in PALETTE else m[0], tag)


class EvenTicks(Formatter):
    """The numbers of one axis, all with the decimals that its step needs: 0, 6, 12, never 0, 6.0, 12."""

    def __call__(self, value: float, pos: int | None = None) -> str:  # noqa: ARG002
        """Return one number alone."""
        return significant(value, 2)

    def format_ticks(self, values: Iterable[float]) -> list[str]:
        """Return the numbers of a whole axis."""
        places = [float(value) for value in values]
        near = 1e-6 * max((abs(place) for place in places), default=1.0)
        enough = (d for d in range(7) if all(abs(round(place, d) - place) <= near for place in places))
        decimals = next(enough, 6)
        return [significant(place, decimals=decimals) for place in places]


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
    buffer = io.BytesIO()
    with mpl.rc_context(_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    text = _HEAD.sub("", buffer.getvalue().decode(), count=1)
    text = re.sub(r"\n\s*", "\n", _TAG.sub(_lean_tag, text))
    used = [light for light, (name, _) in PALETTE.items() if f"var(--{name})" in text]
    light = ";".join(f"--{PALETTE[h][0]}:{h}" for h in used)
    dark = ";".join(f"--{PALETTE[h][0]}:{PALETTE[h][1]}" for h in used)
    style = f"text{{font-family:{_FONTS}}}:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return text.replace('<style type="text/css">', f'<style type="text/css">{style}', 1).encode()
