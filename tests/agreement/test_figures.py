"""No figure says of a metric what its condition denies."""

from __future__ import annotations

import re
from typing import Any

CLAIMS = re.compile(r"\b(slower|faster|regressed|improved|rose|fell)\b")

COUNTS = re.compile(r"\bin \d+ of \d+ rounds?\b")


def _figures(asked: Any, doors: Any) -> list[Any]:
    asked_for = [("report", name) for name in doors.SECTIONS] + [("deltas", name) for name in doors.DELTAS]
    return [figure for of, name in asked_for for figure in doors.figures(asked.piece(name, of))]


def _of(figure: Any, condition: Any) -> bool:
    """Say whether a figure speaks of the metric that a condition judges."""
    words = condition["metric"].replace("_", " ")
    return f"{condition['target']} {words}" in f"{figure['title']} {figure['alt']}"


def test_no_figure_claims_a_change_of_a_metric_whose_condition_is_stable(each, doors):
    for condition in each.conditions.values():
        if condition["kind"] not in ("latency", "resource") or condition["outcome"] != "stable":
            continue
        for figure in (figure for figure in _figures(each, doors) if _of(figure, condition)):
            assert not CLAIMS.search(figure["title"]), figure["title"]
            assert not CLAIMS.search(figure["alt"]), figure["alt"]
            # Rounds are counted by their medians, and the count alone must not read like a change either.
            if COUNTS.search(figure["title"]):
                assert "median is within what is allowed" in figure["title"], figure["title"]


def test_what_is_a_quarter_slower_is_called_slower_everywhere(ask, doors):
    asked = ask("slower_requests")
    (condition,) = (c for c in asked.conditions.values() if c["kind"] == "latency")
    assert condition["outcome"] == "regressed"
    shifts = [figure for figure in _figures(asked, doors) if figure["title"].startswith("api response time: all")]
    assert len(shifts) == 2
    assert all("slower" in figure["title"] and "regressed" in figure["title"] for figure in shifts)


def test_every_figure_says_in_its_text_alternative_what_its_title_says(each, doors):
    for figure in _figures(each, doors):
        finding = figure["title"].partition(": ")[2] or figure["title"]
        assert finding.lower() in figure["alt"].lower()
