"""The sparkline in a row of the index: one metric over the last reports of a subject, drawn by hand as a small SVG.

A row says "regressed, p99 +55 %". What its reader asks next is whether that is new, how near it was before, and whether
the reports between said the same. So there are two lanes and a column for each report, the oldest left, the present one
right, on a plate:

- above, the change of **one** metric with its interval against the baseline of that report, in margins. The scale is
  the same in every row, so that rows compare, and a creep of small steps shows as points that all lie on one side;
- below, the verdict of each report, which may rest on something else: a broken test, a missing file.

What it does not show, and why: levels in milliseconds (each report compares two versions measured side by side; between
the days of two reports the machine and its load differ as well), and the largest change of each report (another metric
in each column, joined by a line that would mean nothing). A report that did not measure the metric is a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from stabkit.chart.drawing import BASELINE, PALETTE
from stabkit.chart.strip import COLOURS, Strip
from stabkit.text import count

__all__ = ["PastResult", "Sparkline"]

COLUMNS: Final = 9
PITCH: Final = 14
WIDTH: Final = COLUMNS * PITCH
REACH: Final = 3.0  # margins up and down; what lies beyond is an arrow
UNIT: Final = 6.0  # one margin, in pixels
MIDDLE: Final = 2 + REACH * UNIT
LANE: Final = 16  # the height of the lane of verdicts

_NAMES: Final = {"stable": "s", "improved": "s", "regressed": "r", "inconclusive": "i"}
_MARKS: Final = {
    "stable": "m-4 .5 2.8 2.9 5.2-6.4",
    "regressed": "m-3-3 6 6m0-6-6 6",
    "inconclusive": "m-2.4-2.2q.2-2.1 2.4-2.1 2.4 0 2.4 2 0 1.3-1.2 2-1.2.7-1.2 1.7m0 2.4v.2",
    "error": "m0-4.2v4.6m0 3v.2",
}
_NO_MARK: Final = "m-3 0h6"
_SHAPES: Final = {"s": "m-2.6 0a2.6 2.6 0 1 0 5.2 0 2.6 2.6 0 1 0-5.2 0z", "r": "m0-3.4 3.4 3.4-3.4 3.4-3.4-3.4z"}
_ARROWS: Final = ("m0 .5 3.4-5h-6.8z", "m0-.5 3.4 5h-6.8z")  # down, up
_LIGHT: Final = (("s", COLOURS["stable"]), ("r", COLOURS["regressed"]), ("i", COLOURS["inconclusive"]), ("n", BASELINE))
_GROUNDS: Final = (
    ("b", "#e3eef7", "#1d3a52"),
    ("m", "#9aa2ad", "#7d8590"),
    ("p", "#e9ecf0", "#2b3138"),
    ("g", "#fff", "#16181d"),
)
_RULES: Final = (
    "path{fill:none;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}.h{fill:var(--g)}"
    ".z,.t{stroke:var(--m);stroke-width:1}.z{stroke-opacity:.6}"
    + "".join(f".{name}{{stroke:var(--{name})}}.f.{name}{{fill:var(--{name})}}" for name, _ in _LIGHT)
)
_STYLE: Final = "<style>:root{{{}}}@media(prefers-color-scheme:dark){{:root{{{}}}}}{}</style>".format(
    ";".join(f"--{name}:{colour}" for name, colour in (*_LIGHT, *((n, light) for n, light, _ in _GROUNDS))),
    ";".join(
        f"--{name}:{colour}"
        for name, colour in (*((n, PALETTE[c][1]) for n, c in _LIGHT), *((n, dark) for n, _, dark in _GROUNDS))
    ),
    _RULES,
)


@dataclass(frozen=True)
class PastResult:
    """One report of a sparkline.

    Attributes
    ----------
    verdict : str
        ``stable``, ``regressed``, ``inconclusive`` or ``error``.
    value : Strip or None
        Change, interval and margin of the metric; None if this report did not measure it.
    """

    verdict: str
    value: Strip | None = None


@dataclass(frozen=True)
class Sparkline:
    """The last reports of a subject.

    Parameters
    ----------
    metric : str
        What all values are of; empty if no report has a value, which leaves the lane of verdicts alone.
    columns : tuple of PastResult
        Oldest first, the present report last; of more than nine the newest nine are drawn and told.

    Examples
    --------
    >>> steady, slow = Strip(0.01, -0.01, 0.03, 0.05, "stable"), Strip(0.09, 0.07, 0.11, 0.05, "regressed")
    >>> line = Sparkline("chat p99", (PastResult("stable", steady), PastResult("error"), PastResult("regressed", slow)))
    >>> line.alt.replace(chr(0x202F), " ")
    'Change of chat p99 in 3 reports, oldest first: stable, +1 % [−1 %, +3 %]; error, no value; this one regressed, \
+9 % [+7 %, +11 %]. Margin 5 %.'
    """

    metric: str
    columns: tuple[PastResult, ...]

    @property
    def shown(self) -> tuple[PastResult, ...]:
        """The columns that are drawn."""
        return self.columns[-COLUMNS:]

    @property
    def measured(self) -> bool:
        """Whether any column has a value."""
        return any(column.value is not None for column in self.shown)

    @property
    def height(self) -> int:
        """Pixels; the width is always the same."""
        return int(2 * MIDDLE) + LANE if self.measured else LANE

    @property
    def margin(self) -> str:
        """The margin in words; those of several reports, if they differ, as a range."""
        margins = {c.value.margin: c.value.margin_text for c in self.shown if c.value is not None}
        words = [margins[margin] for margin in sorted(margins)]
        return words[0] if len(words) == 1 else f"{words[0]} to {words[-1]}" if words else ""

    @property
    def alt(self) -> str:
        """The sparkline in words."""
        told = [
            f"{column.verdict}, {column.value.change_text if column.value else 'no value'}"
            if self.measured
            else column.verdict
            for column in self.shown
        ]
        told[-1] = f"this one {told[-1]}"
        what = f"Change of {self.metric}" if self.measured else "Verdicts"
        end = f". Margin {self.margin}." if self.measured else "."
        return f"{what} in {count(len(told), 'report')}, oldest first: {'; '.join(told)}{end}"

    @property
    def svg(self) -> bytes:
        """The sparkline as SVG: equal bytes for equal columns, colours for light and dark."""
        left = WIDTH - PITCH * len(self.shown)
        places = [left + PITCH * (number + 0.5) for number in range(len(self.shown))]
        plate = f'<rect x="{WIDTH - PITCH}" width="{PITCH}" height="{self.height}" rx="4" fill="var(--p)"/>'
        values = self._values(places, left) if self.measured else ""
        low = self.height - LANE / 2
        marks = _paths(
            ("r" if column.verdict == "error" else _NAMES.get(column.verdict, "n"), x, low, _MARKS.get(column.verdict))
            for column, x in zip(self.shown, places, strict=True)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
            f'viewBox="0 0 {WIDTH} {self.height}">{_STYLE}{plate}{values}{marks}</svg>'
        ).encode()

    def _values(self, places: list[float], left: int) -> str:
        band = (
            f'<rect x="{left}" y="{_short(MIDDLE - UNIT)}" width="{WIDTH - left}" height="{_short(2 * UNIT)}" rx="2" '
            f'fill="var(--b)" fill-opacity=".8"/><path class="z" d="M{left} {_short(MIDDLE)}H{WIDTH}"/>'
        )
        at = [(c.value, x, _height(c.value.change, c.value.margin, 0.0)) if c.value else None
              for c, x in zip(self.shown, places, strict=True)]  # fmt: skip
        steps = (f"M{_at(*a[1:])}L{_at(*b[1:])}" for a, b in pairwise(at) if a and b)  # none across a gap
        known = [place for place in at if place]
        bars = _paths(_bar(value, x) for value, x, _ in known)
        points = _paths(_point(value, x, y) for value, x, y in known)
        return f'{band}<path class="t" d="{"".join(steps)}"/>{bars}{points}'


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _at(x: float, y: float) -> str:
    return f"{_short(x)} {_short(y)}"


def _height(value: float | None, margin: float, unknown: float) -> float:
    """Return where a value lies, worse being higher; a bound that is not known lies at the edge."""
    known = value is not None and not math.isnan(value) and margin > 0
    margins = (value or 0.0) / margin if known else unknown
    return MIDDLE - max(-REACH, min(REACH, margins)) * UNIT


def _bar(value: Strip, x: float) -> tuple[str, float, float, str]:
    low, high = _height(value.low, value.margin, -REACH), _height(value.high, value.margin, REACH)
    return _NAMES.get(value.outcome, "n"), x, low, f"V{_short(high)}"


def _point(value: Strip, x: float, y: float) -> tuple[str, float, float, str]:
    name = _NAMES.get(value.outcome, "n")
    beyond = abs(value.change or 0.0) > REACH * value.margin
    shape = _ARROWS[y < MIDDLE] if beyond else _SHAPES.get(name, _SHAPES["s"])
    # Open ones are hollow: shape and colour say the same.
    return f"{name} h" if name == "i" and not beyond else f"{name} f", x, y, shape


def _paths(marks: Iterable[tuple[str, float, float, str | None]]) -> str:
    """Return the marks of each class as one path, which is what keeps a page of hundreds small."""
    drawn: dict[str, str] = {}
    for name, x, y, mark in marks:
        drawn[name] = f"{drawn.get(name, '')}M{_at(x, y)}{mark or _NO_MARK}"
    return "".join(f'<path class="{name}" d="{path}"/>' for name, path in drawn.items())
