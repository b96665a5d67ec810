"""The sparkline of the index: what is drawn where, in words, and in equal bytes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from stabkit.chart.sparkline import COLUMNS, MIDDLE, PITCH, REACH, UNIT, WIDTH, PastResult, Sparkline
from stabkit.chart.strip import Strip
from stabkit.numbers import SPACE

STEADY = Strip(0.02, -0.01, 0.05, 0.1, "stable")
OPEN = Strip(0.1, None, None, 0.1, "inconclusive")
FAR = Strip(0.9, 0.8, 1.0, 0.1, "regressed")
BETTER = Strip(-0.1, -0.2, -0.05, 0.1, "improved")


def paths(line: Sparkline, name: str) -> list[tuple[float, float]]:
    """Return where the marks of a class start."""
    root = ElementTree.fromstring(line.svg)
    found = [path.get("d", "") for path in root.iter() if path.get("class") == name]
    return [(float(x), float(y)) for d in found for x, y in re.findall(r"M([\d.]+) ([\d.]+)", d)]


def test_points_lie_in_margins_at_the_right_end_and_a_gap_breaks_the_line() -> None:
    line = Sparkline("p99", (PastResult("stable", STEADY), PastResult("stable"), PastResult("regressed", FAR)))
    x = [WIDTH - PITCH * (2.5 - number) for number in range(3)]
    assert paths(line, "s f") == [(x[0], pytest.approx(MIDDLE - 0.2 * UNIT, abs=0.05))]
    assert paths(line, "r f") == [(x[2], MIDDLE - REACH * UNIT)], "beyond the reach: at the edge"
    assert paths(line, "t") == [], "no line across a gap"
    assert [place for place, y in paths(line, "s") if y > 2 * MIDDLE] == x[:2], "two stable verdicts below"
    joined = Sparkline("p99", (PastResult("stable", STEADY), PastResult("stable", BETTER)))
    assert len(paths(joined, "t")) == 1
    assert paths(joined, "s f")[1][1] == MIDDLE + UNIT, "better is down"


def test_an_unknown_bound_reaches_both_edges_and_what_is_open_is_hollow() -> None:
    line = Sparkline("p99", (PastResult("stable", STEADY), PastResult("inconclusive", OPEN)))
    assert b"V2" in line.svg
    assert paths(line, "i h") == [(WIDTH - PITCH / 2, MIDDLE - UNIT)]
    assert (WIDTH - PITCH / 2, MIDDLE + REACH * UNIT) in paths(line, "i")


def test_without_values_there_are_verdicts_alone() -> None:
    line = Sparkline("", (PastResult("error"), PastResult("stable"), PastResult("surprising")))
    assert line.height < MIDDLE
    assert line.alt == "Verdicts in 3 reports, oldest first: error; stable; this one surprising."
    assert "p99" not in line.alt


def test_words_name_the_metric_and_all_margins_and_only_what_is_drawn() -> None:
    columns = (PastResult("regressed", FAR), *[PastResult("stable", STEADY)] * (COLUMNS - 2), PastResult("error"))
    wider = PastResult("inconclusive", Strip(0.1, None, None, 0.2, "inconclusive"))
    line = Sparkline("chat p99", (*columns, wider))
    assert line.alt.startswith("Change of chat p99 in 9 reports, oldest first: stable, ")
    assert line.alt.replace(SPACE, " ").endswith(
        "; error, no value; this one inconclusive, +10 % [–, –]. Margin 10 % to 20 %."
    )
    root = ElementTree.fromstring(line.svg)
    assert (root.get("width"), root.get("height")) == (str(WIDTH), str(line.height))


def test_bytes_are_equal_few_and_follow_dark_mode() -> None:
    columns = tuple(PastResult("regressed" if n % 2 else "stable", FAR if n % 2 else STEADY) for n in range(COLUMNS))
    line = Sparkline("p99", columns)
    assert line.svg == Sparkline("p99", tuple(columns)).svg
    assert len(line.svg) < 2000
    assert b"prefers-color-scheme:dark" in line.svg
