"""What matplotlib keeps for a whole process, for whoever starts one that is to draw."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.figure import Figure

__all__ = ["choose_backend", "draw_once", "settings_file"]


def draw_once() -> None:
    """Draw a figure that nobody sees: fonts are looked up, and all is imported that the first one needs.

    pyplot is left alone: its import looks for the shell that it is to draw for.
    """
    figure = Figure()
    figure.add_subplot().plot([1.0, 2.0])
    for kind in ("svg", "png"):
        figure.savefig(io.BytesIO(), format=kind)


def settings_file() -> str:
    """Return the file whose settings a process started here and now would take."""
    return str(mpl.matplotlib_fname())


def choose_backend(name: str) -> None:
    """Set the backend that pyplot will draw with, as ``MPLBACKEND`` does at matplotlib's first import."""
    mpl.rcParams["backend"] = name
