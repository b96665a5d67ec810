"""Which histories of a store moved, in words, a table and JSON."""

import numpy as np

from stabkit.analyze.history import merged_surveys, survey
from stabkit.report import moved_histories, moved_series, survey_sections
from stabkit.report.display import Subject

RUNS = tuple(f"v{number}" for number in range(60))


def about(subject, metric="response_time", value="p95", unit="ms"):
    known = {"subject": subject, "metric": metric, "value": value, "unit": unit}
    return known | {"environment": "stage", "connection": None, "runs": RUNS}


def shown(*histories):
    piece = moved_histories(merged_surveys([survey(histories)])).piece()
    statement, table = piece["pieces"]
    return statement["sentences"], table["rows"], moved_histories(merged_surveys([survey(histories)]))


def noisy(level, seed):
    return level * np.exp(0.02 * np.random.default_rng(seed).normal(size=60))


def stepped(level, factor, seed, start=40):
    values = noisy(level, seed)
    values[start:] *= factor
    return values


def test_each_kind_of_history_is_named_with_its_way_and_its_unit():
    rate = np.where(np.arange(60) < 30, 1.0, 0.9) - 0.001 * (np.arange(60) % 3)
    findings = np.where(np.arange(60) < 20, 12.0, 4.0) + np.arange(60) % 2
    _, rows, group = shown(
        (about("<b>api</b>"), stepped(20, 1.2, 1)),
        (about("api", "memory", "p50", "MB"), stepped(300, 0.8, 2)),
        (about("api", "budget", "p50", ""), stepped(300, 0.8, 3)),
        (about("unit", "tests", "passed", "share"), rate),
        (about("ruff", "findings", "open", "count"), findings),
        (about("quiet"), noisy(20, 4)),
    )
    text = group.text()
    assert "<b>api</b> response time, p95" in text
    assert "&lt;b&gt;api" in group._repr_html_()
    assert {(row["subject"], row["metric"]): row["worse"] for row in rows} == {
        ("<b>api</b>", "response_time"): True,
        ("api", "memory"): False,
        ("api", "budget"): None,
        ("unit", "tests"): True,
        ("ruff", "findings"): False,
    }
    assert "quiet" not in text
    assert {row["since"] for row in rows if row["unit"] == "ms"} == {"v40"}
    plain = text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "fell by 10.0 pp, from 99.9 % to 89.9 %" in plain
    assert "fell by 8, from 12 to 4" in plain
    assert "fell by 19.9 %, from 301 MB to 241 MB" in plain


def test_nothing_moved_and_histories_too_short_are_said():
    said, rows, _ = shown((about("a"), noisy(20, 1)), (about("b"), [1.0, 2.0]))
    assert said[0] == "2 histories: none is shown to have moved."
    assert "1 history has fewer than 8 values" in said[-1]
    assert rows == []


def test_a_page_draws_what_moved_with_its_words_and_names_what_it_leaves_to_the_table(monkeypatch):
    monkeypatch.setattr(moved_series, "DRAWN", 2)
    found = merged_surveys([
        survey([
            (about("api"), stepped(20, 1.2, 1)),
            (about("api", "memory", "p50", "MB"), stepped(300, 0.8, 2)),
            (about("unit", "tests", "passed", "share"), np.where(np.arange(60) < 30, 1.0, 0.9)),
            (about("quiet"), noisy(20, 4)),
        ])
    ])  # fmt: skip
    lead, moved, table = survey_sections(found, subject=Subject("", "shop")).items()
    assert lead[1].content()["subject"].project == "shop"
    assert "4 histories: 3 moved, 2 for the worse and 1 for the better." in repr(lead[1])
    figures, left = moved[1].pieces
    assert [len(figures.pieces), len(table[1].rows)] == [2, 3]
    assert repr(left) == "1 more history moved, in the table below."
    by_title = {figure.description.title.partition(" since ")[0]: figure for figure in figures.pieces}
    rows = by_title["unit pass rate"].content()["data"]["rows"]
    assert {row["level"] for row in rows} == {1.0, 0.9}
    for figure in figures.pieces:
        assert figure.svg
        assert " since v" in figure.description.title


def test_a_page_of_nothing_that_moved_is_its_first_sentences():
    found = merged_surveys([survey([(about("a"), noisy(20, 1))])])
    assert list(survey_sections(found)) == [""]
