"""The palette of all figures with its dark half, the glyphs of outcomes, and the width of a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "BASELINE",
    "CANDIDATE",
    "FAINT",
    "GLYPHS",
    "GROUND",
    "INCONCLUSIVE",
    "INCONCLUSIVE_INK",
    "INK",
    "MUTE",
    "NO_VALUE",
    "OUTCOME_INKS",
    "OWN",
    "PALETTE",
    "REGRESSED",
    "REGRESSED_INK",
    "RULE",
    "SAFE_BAND",
    "SEVERITY",
    "STABLE",
    "WIDTH_IN",
]

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
SAFE_BAND: Final = "#d9e8f4"
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

OUTCOME_INKS: Final[Mapping[str, str]] = {
    "stable": MUTE,
    "improved": CANDIDATE,
    "regressed": REGRESSED_INK,
    "inconclusive": INCONCLUSIVE_INK,
}

GLYPHS: Final[Mapping[str, str]] = {"stable": "✓", "improved": "+", "regressed": "✗", "inconclusive": "?"}

WIDTH_IN: Final = 4.7
OWN: Final = "stabkit"
"""The label of a figure that is laid out here; the axes of any other stay in their place."""
