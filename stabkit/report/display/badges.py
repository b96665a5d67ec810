"""Glyph and colour of each word that a cell, reason or check may carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stabkit.report.display.escape import plain_text
from stabkit.vocabulary import SAID

__all__ = ["GLYPHS", "badge"]


# The word itself always stands beside its glyph and colour class.
GLYPHS: Final[Mapping[str, tuple[str, str]]] = {
    "stable": ("✓", "stable"),
    "improved": ("+", "improved"),
    "regressed": ("✗", "regressed"),
    "inconclusive": ("?", "inconclusive"),
    "error": ("!", "regressed"),
    "yes": ("✓", "stable"),
    "no": ("✗", "regressed"),
    "pass": ("✓", "stable"),
    "fail": ("✗", "regressed"),
    "passed": ("✓", "stable"),
    "failed": ("✗", "regressed"),
    "ok": ("✓", "stable"),
    "repaired": ("?", "inconclusive"),
    "partial": ("?", "inconclusive"),
    "not checked": ("?", "inconclusive"),
    "protected": ("✓", "stable"),
    "at risk": ("?", "inconclusive"),
    "unguarded": ("–", "none"),
    "manual": ("–", "none"),
    "no evidence": ("–", "none"),
    "fixed": ("+", "improved"),
    "new": ("✗", "regressed"),
    "reopened": ("✗", "regressed"),
    "still failing": ("✗", "none"),
    "disappeared": ("?", "inconclusive"),
    "newly skipped": ("?", "inconclusive"),
    "flaky": ("~", "inconclusive"),
    "not scanned": ("–", "none"),
    "suppressed": ("–", "none"),
    "accepted": ("–", "none"),
    "high": ("▲", "regressed"),
    "medium": ("△", "none"),
    "low": ("✓", "stable"),
}
NEUTRAL: Final = ("·", "none")


def badge(word: object) -> tuple[str, str, str]:
    """Return glyph, colour class and shown word of an outcome or state."""
    shown = plain_text(str(word).replace("_", " "))
    return (*GLYPHS.get(shown.lower(), NEUTRAL), SAID.get(shown, shown))
