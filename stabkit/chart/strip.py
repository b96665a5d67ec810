"""The strip in a table row: one interval against its margin, drawn by hand as a small SVG."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stabkit.chart.drawing import PALETTE
from stabkit.numbers import likely_text, percent, significant

__all__ = ["Strip"]

WIDTH: Final = 150
HEIGHT: Final = 22
REACH: Final = 2.0  # margins to each side; the band is then the middle half of every strip, and rows compare

COLOURS: Final = {"stable": "#0072b2", "improved": "#0072b2", "regressed": "#d55e00", "inconclusive": "#8a5a00"}


@dataclass(frozen=True)
class Strip:
    """A change with its interval, measured in margins.

    Parameters
    ----------
    change, low, high : float or None
        Relative (0.05 is +5 %) or absolute differences; an infinite bound reaches the edge, a missing one too.
    margin : float
        In the same unit, positive.
    outcome : str
        Colours the bar.
    unit : str
        ``%`` for relative differences, else the unit of the absolute ones.

    Examples
    --------
    >>> Strip(0.003, -0.006, 0.011, 0.05, "stable").alt.replace(chr(0x202F), " ")
    'change +0.3 %, likely −0.6 % to +1.1 %, allowed 5 %'
    """

    change: float | None
    low: float | None
    high: float | None
    margin: float
    outcome: str
    unit: str = "%"

    @property
    def alt(self) -> str:
        """The strip in words."""
        known = (value is not None and math.isfinite(value) for value in (self.low, self.high))
        ends = zip((self.low, self.high), known, strict=True)
        likely = likely_text(*(self._show(value) if is_known else None for value, is_known in ends))
        return f"change {self._show(self.change)}, {likely}, allowed {self.margin_text}"

    @property
    def change_text(self) -> str:
        """Change and interval, short."""
        return f"{self._show(self.change)} [{self._show(self.low)}, {self._show(self.high)}]"

    @property
    def margin_text(self) -> str:
        """The margin with its unit."""
        return self._show(self.margin, sign=False)

    def _show(self, value: float | None, *, sign: bool = True) -> str:
        if self.unit == "%":
            return percent(value, sign=sign)
        return f"{significant(value, sign=sign)}\u202f{self.unit}"

    @property
    def svg(self) -> bytes:
        """The strip as SVG; arrow heads where it leaves the picture, a hollow bar where a bound is unknown."""
        middle, unit = WIDTH / 2, (WIDTH / 2 - 10) / REACH

        def place(value: float) -> float:
            return round(middle + max(-REACH, min(REACH, value / self.margin)) * unit, 1)

        colour = COLOURS.get(self.outcome, "#767676")
        parts = [
            f'<rect x="{middle - unit:.1f}" y="3" width="{2 * unit:.1f}" height="16" rx="3" fill="var(--band)"/>',
            f'<path d="M{middle} 1V21" stroke="var(--mute)"/>',
        ]
        if self.margin > 0 and math.isfinite(self.margin):
            parts += self._marks(place)
        dark = "".join(
            f"--{name}:{value};"
            for name, value in (("c", PALETTE[colour][1]), ("band", "#1d3a52"), ("mute", "#7d8590"), ("dot", "#16181d"))
        )
        light = f"--c:{colour};--band:#e3eef7;--mute:#9aa2ad;--dot:#fff;"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
            f"<style>:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>{''.join(parts)}</svg>"
        ).encode()

    def _marks(self, place: Callable[[float], float]) -> list[str]:
        low = -math.inf if self.low is None or math.isnan(self.low) else self.low
        high = math.inf if self.high is None or math.isnan(self.high) else self.high
        left, right = place(low), place(high)
        edge = self.margin * REACH
        marks = [f'<path d="M{left} 11H{right}" stroke="var(--c)" stroke-width="4" stroke-linecap="round"/>']
        if low < -edge:
            marks.append(f'<path d="M{left - 7} 11l7-5v10z" fill="var(--c)"/>')
        if high > edge:
            marks.append(f'<path d="M{right + 7} 11l-7-5v10z" fill="var(--c)"/>')
        if self.change is not None and math.isfinite(self.change) and abs(self.change) <= edge:
            look = 'fill="var(--c)" stroke="var(--dot)" stroke-width="1.4"'
            marks.append(f'<circle cx="{place(self.change)}" cy="11" r="4.6" {look}/>')
        return marks
