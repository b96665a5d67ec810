"""Text for terminals narrower than it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.report.display import Column, Group, Statement, Table
from stabkit.report.display.narrow import fold_line

COLUMNS = (
    Column("name", "Metric", "head"),
    Column("n", "n", "number"),
    Column("rule", "Rule that decided"),
    Column("outcome", "Outcome", "outcome"),
)
RULE = "the interval reaches beyond the margin"
TABLE = Table(COLUMNS, ({"name": "p50", "n": "490", "rule": RULE, "outcome": "stable"},), "How it was judged")
WIDE = """\
How it was judged
Metric    n  Rule that decided                       Outcome
p50     490  the interval reaches beyond the margin  ✓ stable"""


def test_a_table_that_fits_is_the_same_everywhere():
    assert repr(TABLE) == TABLE.text(61) == TABLE.text(None) == WIDE


def test_columns_of_words_fold_before_anything_is_lost():
    assert TABLE.text(50).splitlines() == [
        "How it was judged",
        "Metric    n  Rule that decided            Outcome",
        "p50     490  the interval reaches beyond  ✓ stable",
        "             the margin",
    ]


def test_rows_become_blocks_where_columns_would_be_slivers():
    assert TABLE.text(34).splitlines() == [
        "How it was judged",
        "p50",
        "  n                  490",
        "  Rule that decided  the interval",
        "                     reaches",
        "                     beyond the",
        "                     margin",
        "  Outcome            ✓ stable",
    ]


def test_a_group_hands_the_width_on():
    sentence = Statement(("One sentence that is longer than thirty columns.",))
    assert Group((sentence, TABLE)).text(40).startswith("One sentence that is longer than thirty\ncolumns.\n\nHow it")


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ("  ✗ unit tests: 1 test regressed", "  ✗ unit tests: 1\n    test regressed"),
        ("Changed: 1 commit, 2 files in shop", "Changed: 1 commit, 2\n  files in shop"),
        ("a sentence that goes on and on", "a sentence that goes\non and on"),
        ("To decide: stabkit collect --label v1.5", "To decide: stabkit collect --label v1.5"),
    ],
)
def test_lines_fold_below_their_words_and_commands_stay_whole(line, folded):
    assert fold_line(line, 20) == folded


words = st.text("ab→é-/:", min_size=1, max_size=12)
cells = st.lists(words, min_size=1, max_size=12).map(" ".join)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=4), st.integers(30, 120))
def test_nothing_is_lost_and_nothing_sticks_out(rows, width):
    columns = (Column("a", "First", "head"), Column("b", "Second"))
    shown = Table(columns, tuple({"a": a, "b": b} for a, b in rows), "all").text(width)
    assert max(map(len, shown.splitlines())) <= width
    for row in rows:
        assert all(word in shown for cell in row for word in cell.split())
