"""Display objects: the same content in four forms, and hostile text stays text in each."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import mistune
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.chart.drawing.description import Description
from stabkit.chart.strip import Strip
from stabkit.errors import UsageError
from stabkit.report.display import (
    PIECE_MIME,
    CheckItem,
    Checklist,
    Column,
    Figure,
    Fold,
    Group,
    NoEvidence,
    Piece,
    Statement,
    Table,
)
from stabkit.report.display.answer import KeyMetric, Reason, Subject, Verdict
from stabkit.report.display.escape import markdown_code, plain_text

# What JupyterLab's sanitizer keeps in an untrusted notebook, of the tags we may use.
BLOCKS = "caption details div figcaption figure h3 img li p summary table tbody td th thead tr ul"
KEPT = frozenset(f"{BLOCKS} a code em span strong wbr".split())
HOSTILE = "<script>alert(1)</script>|`x`[a](http://evil) \x1b[31m\"'&amp;\n# head\u202e"
COLUMNS = (Column("a", "Name", "head"), Column("b", "Size", "number"), Column("o", "Outcome", "outcome"))


def pieces(text: str) -> list[Piece]:
    table = Table(COLUMNS, ({"a": (text, text), "b": text, "o": text},), f"cap {text}")
    return [
        Verdict("regressed", text, (Reason("regressed", text, text, text, text),), ((text, text),), Subject(text)),
        Statement((text,), text),
        NoEvidence(text, text, text),
        table,
        Checklist((CheckItem("no", text, text, text),)),
        Figure(Description(f"T {text}", f"alt {text}", text), b"<svg/>", table),
        Group((Statement((text,)),)),
        Fold((Statement((text,)),), summary=text),
    ]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("piece", pieces(HOSTILE), ids=lambda piece: piece.kind)
def test_hostile_text_stays_text(piece: Piece) -> None:
    bundle = piece._repr_mimebundle_()
    parsed = Tags()
    parsed.feed(bundle["text/html"])
    assert set(parsed.tags) <= KEPT
    assert not {name for name in parsed.attributes if name.startswith("on")}
    assert "alert(1)" in parsed.text
    assert "\x1b" not in bundle["text/plain"]
    assert "\u202e" not in bundle["text/plain"] + bundle["text/html"] + bundle["text/markdown"]
    assert json.loads(json.dumps(bundle[PIECE_MIME], allow_nan=False))["kind"] == piece.kind
    html = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])(bundle["text/markdown"])
    shown = Tags()
    shown.feed(str(html))
    assert not {"script", "a", "img", "h1"} & set(shown.tags)
    assert "<script>alert(1)</script>" in shown.text


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_one_markdown_table_row(text: str) -> None:
    table = Table(COLUMNS, ({"a": text, "b": text, "o": "stable"},), "caption")
    lines = table.markdown().splitlines()
    assert len(lines) == 5
    # Borders that are not escaped: four for three columns.
    assert len(lines[-1].replace("\\\\", "").replace("\\|", "").split("|")) == 5


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_terminal_text_has_no_control_characters(text: str) -> None:
    shown = plain_text(text)
    assert all(c.isprintable() or c in "\u202f\u00a0\u200d" for c in shown)


def test_code_survives_backticks() -> None:
    assert mistune.html(markdown_code("a ``b`` c")).strip() == "<p><code>a ``b`` c</code></p>"


@pytest.mark.parametrize(("title", "alt"), [("", "alt"), ("title", " ")])
def test_figure_without_words_is_refused(title: str, alt: str) -> None:
    with pytest.raises(UsageError, match="needs its"):
        Figure(Description(title, alt), b"<svg/>")


def test_unknown_words_are_refused() -> None:
    with pytest.raises(UsageError, match="verdict 'green'"):
        Verdict("green", "x")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="outcome 'done'"):
        Checklist((CheckItem("done", "x"),))


@pytest.mark.parametrize(("word", "code"), [("stable", 0), ("regressed", 1), ("inconclusive", 3)])
def test_verdict_says_the_same_in_every_form(word: Any, code: int) -> None:
    verdict = Verdict(word, "All of it.")
    bundle = verdict._repr_mimebundle_()
    assert bundle[PIECE_MIME]["word"] == word
    assert bundle[PIECE_MIME]["exit_code"] == code
    assert f'class="verdict {word}"' in bundle["text/html"]
    assert word.capitalize() in bundle["text/html"]
    assert word.upper() in bundle["text/plain"]
    assert word.upper() in bundle["text/markdown"]


def test_manual_lines_are_not_counted() -> None:
    checklist = Checklist((CheckItem("yes", "a"), CheckItem("manual", "b"), CheckItem("manual", "c")))
    assert checklist.sentence == "1 line holds; 2 lines for a person to verify."
    assert Checklist((CheckItem("manual", "b"),)).sentence.startswith("Nothing was checked")


def test_long_tables_are_cut_with_a_count_and_whole_in_json() -> None:
    rows = tuple({"a": str(i), "b": str(i), "o": "stable"} for i in range(10))
    table = Table(COLUMNS, rows, "Ten", limit=3)
    assert table._repr_html_().count("<tr>") == 4
    assert "and 7 more" in table._repr_html_()
    assert "and 7 more" in table.markdown()
    assert "and 7 more" in repr(table)
    assert len(table.piece()["rows"]) == 10


def test_table_of_a_frame_shows_nulls_as_no_value() -> None:
    frame = pd.DataFrame(
        {
            "ms": [1.23456, None],
            "n": pd.array([1, None], dtype="Int64"),
            "at": pd.to_datetime(["2025-01-02", None], utc=True),
        }
    )
    table = Table.of(frame, [Column("ms", "Time", "number"), Column("n", "n", "number"), Column("at", "At")], "Times")
    assert table.rows[0]["ms"] == "1.23"
    assert table.rows[1] == {"ms": None, "n": None, "at": None}
    assert table.piece()["rows"][1] == {"ms": None, "n": None, "at": None}
    assert table.piece()["rows"][0]["ms"] == 1.23456
    with pytest.raises(UsageError, match="No column 'x'"):
        Table.of(frame, [Column("x", "X")], "Times")


def test_empty_table_is_not_green() -> None:
    html = Table(COLUMNS, (), "New findings")._repr_html_()
    assert "no rows" in html
    assert "stable" not in html


def test_strip_marks_unknown_bounds() -> None:
    open_strip = Strip(0.01, None, float("inf"), 0.05, "inconclusive")
    assert open_strip.svg.count(b'fill="var(--c)"') == 3  # two arrow heads and the dot
    assert "likely range not known" in open_strip.alt
    assert Strip(0.0, -0.01, 0.01, 0.05, "stable").svg.count(b"l7-5") == 0


def test_no_line_ends_between_two_values_or_inside_an_interval() -> None:
    said = "p99 9.06 → 9.36 ms, +3 % [−5, +23]; a → b, [see, this]"
    html = Statement((said,))._repr_html_()
    assert "p99 9.06\u00a0→\u00a09.36 ms, +3 % [−5,\u00a0+23]; a → b, [see, this]" in html
    assert "[−5, +23]" in Statement((said,)).text(), "other forms keep plain spaces"


def test_long_names_break_at_their_joints_and_commands_between_words() -> None:
    table = Table(
        (
            Column("a", "Path", "head"),
            Column("c", "Command", "code"),
            Column("t", "Note"),
            Column("n", "Size", "number"),
        ),
        ({"a": "package/module_of_shop.py::test", "c": "stabkit collect --only x", "t": None, "n": None},),
        "Paths",
    )
    html = table._repr_html_()
    assert "package/<wbr>module_<wbr>of_<wbr>shop.py::<wbr>test" in html
    assert '<span class="w">collect</span> <span class="w">--only</span>' in html
    # A column of words that says nothing goes; one of numbers stays, since a missing number is news.
    assert "Note" not in html
    assert "Size" in html
    assert [column["label"] for column in table.content()["columns"]] == ["Path", "Command", "Note", "Size"]


def test_reasons_beyond_the_first_screen_fold_but_never_one_alone() -> None:
    reasons = tuple(Reason("regressed", f"condition {i}", "is worse") for i in range(9))
    assert "<details" not in Verdict("regressed", "s", reasons[:6])._repr_html_()
    html = Verdict("regressed", "s", reasons)._repr_html_()
    assert "<summary>4 more, alike or of less weight</summary>" in html
    assert html.index("condition 4") < html.index("<details") < html.index("condition 5")


def test_reasons_that_are_alike_are_one_line_with_the_names_of_the_others() -> None:
    alike = tuple(Reason("inconclusive", f"target {i}", "too few rounds", alike="few") for i in range(3))
    apart = Reason("regressed", "unit tests", "1 test regressed", alike="tests")
    verdict = Verdict("regressed", "s", (apart, *alike))
    assert [one.subject for one in verdict.first_reasons] == ["unit tests", "target 0"]
    assert verdict.also(alike[0]) == "target 1 and target 2"
    assert verdict.also(apart) == ""
    assert [one.subject for one in verdict.more_reasons] == ["target 1", "target 2"], "nothing is lost"
    assert "Likewise: target 1 and target 2" in verdict._repr_html_()


def test_without_any_style_the_words_still_stand_apart() -> None:
    reasons = (Reason("inconclusive", "unit tests", "2 moved", section="Tests"),)
    metrics = (KeyMetric("api p50", "100 → 98 ms", "−2 % [−4, 0]", "improved"),)
    facts = (("Worse", "1 metric"), ("Better", "nothing"))
    table = Table((Column("m", "Metric", "head"),), ({"m": ("p50", "n 30")},), "Metrics")
    html = Verdict("inconclusive", "s", reasons, facts=facts, metrics=metrics)._repr_html_() + table._repr_html_()
    words = " ".join(re.sub(r"<[^>]+>", "", html.replace("&nbsp;", " ")).split())
    assert "? undecided: unit tests 2 moved (see Tests)" in words
    assert "api p50: 100 → 98 ms, −2 % [−4, 0] + improved" in words
    assert "Worse 1 metric · Better nothing" in words
    assert "p50, n 30" in words
