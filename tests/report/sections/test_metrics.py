"""The tiles of the first screen, and the table of very many metrics."""

from __future__ import annotations

import contextlib

import pandas as pd
import pytest

import stabkit
from stabkit.report.sections.metrics import BEGUN, LONGEST, first_metrics

TARGETS = tuple(f"t{number:02}" for number in range(12))


@pytest.fixture(scope="module")
def many(history, tmp_path_factory):
    """Two runs of twelve targets, of which one is slower."""
    folder = tmp_path_factory.mktemp("many")
    store = history.open_store(folder / "data", create=True)
    asked = "".join(f'[http.{name}]\nurl = "http://127.0.0.1:1/{name}"\n' for name in reversed(TARGETS))
    (folder / "stabkit.toml").write_text(asked, encoding="utf-8")
    passed = {"check": "status", "expected": "200", "observed": "200", "outcome": "pass"}
    checks = pd.DataFrame([{"target": name, **passed} for name in TARGETS])
    for run in (4, 5):
        rows = history.samples(history.np.random.default_rng(run), history.START)
        rows = rows[rows["target"] == "auth"]
        parts = [rows.assign(target=name) for name in TARGETS]
        if run == 5:
            times = ["service_ms", "response_ms", "first_byte_ms"]
            parts[3] = parts[3].assign(**{time: parts[3][time] * 1.5 for time in times})
        history.add_run(
            store, run, history.Evidence.of(samples=pd.concat(parts), checks=checks), collection_id="together"
        )
    with contextlib.chdir(folder):
        return stabkit.stability_report(data="data")


@pytest.fixture(scope="module")
def many_open(history, tmp_path_factory):
    """Two short runs at different times of two dozen targets without a configuration: all are undecided."""
    folder = tmp_path_factory.mktemp("many-open")
    store = history.open_store(folder / "data", create=True)
    rng = history.np.random.default_rng(7)
    for run in (4, 5):
        parts = []
        for number in range(24):
            rows = history.samples(rng, history.START)
            rows = rows[(rows["target"] == "auth") & (rows["round"] < 3)]
            slow = 1.6 if (run, number) == (5, 3) else 1.0
            times = ["service_ms", "response_ms", "first_byte_ms"]
            parts.append(rows.assign(target=f"u{number:02}", **{time: rows[time] * slow for time in times}))
        history.add_run(store, run, history.Evidence.of(samples=pd.concat(parts)))
    with contextlib.chdir(folder):
        return stabkit.stability_report(data="data")


def test_tiles_begin_with_median_and_tail_of_the_target_that_is_declared_first(many):
    names = [metric.name for metric in first_metrics(many.case)]
    assert names[0] == f"{TARGETS[-1]} response time median"
    assert names[1].startswith(f"{TARGETS[-1]} response time slowest")


def test_tiles_show_what_got_worse_and_never_three_of_a_kind_beside_the_main_target(many):
    others = first_metrics(many.case)[2:]
    assert others[0].name == f"{TARGETS[3]} response time median"
    kinds = ["failed requests" if "failed" in metric.name else "times" for metric in others]
    assert max(kinds.count(kind) for kind in kinds) <= 2


def test_a_page_shows_the_gravest_of_very_many_metrics_and_folds_the_others(many):
    table, *folds = (piece for piece in many.key_metrics().pieces if piece.kind in ("table", "fold"))
    estimates = sum(len(condition.estimates) for condition in many.case.gate.conditions)
    assert len(table.rows) <= LONGEST
    assert len(table.rows) + sum(len(fold.pieces[0].rows) for fold in folds) == estimates
    for fold in folds:
        rows = fold.pieces[0].rows
        assert fold.summary.startswith(f"{len(rows)} further ")
        assert len({row["outcome"] for row in rows}) == 1, "what is open is not looked for among the stable"


def test_a_page_begins_with_what_got_worse_of_very_many_and_folds_what_failed_nothing(many_open):
    table, *folds = (piece for piece in many_open.key_metrics().pieces if piece.kind in ("table", "fold"))
    assert len(table.rows) == BEGUN
    assert next(fold.summary for fold in folds).endswith("undecided metrics")
    _, *rates = many_open.availability().pieces
    assert rates[0].summary == "24 targets without a failed request"
    assert len(rates[0].pieces[0].rows) == 24
    _, risks, fold = many_open.risks().pieces
    assert len(risks.rows) == BEGUN
    assert fold.summary == f"{len(fold.pieces[0].rows)} further risks"
    pictures = many_open.response_times().pieces
    assert [len(piece.pieces) for piece in pictures if piece.kind == "group"] == [3], "the shifts of three"
    first = next(piece for piece in pictures if piece.kind == "group").pieces[0]
    assert "u03" in first.description.title, "what weighs most comes first"
    tasks = [row["what"][0].split(" for ")[0] for row in many_open.recommendations().pieces[1].rows]
    assert max(tasks.count(task) for task in tasks) <= 3


def test_steps_that_lack_the_same_are_one(many):
    steps = [row["what"][0] for row in many.recommendations().pieces[1].rows]
    assert sum("errors" in step for step in steps) == 2, "those of all, and of the one whose times are decided"
    assert len(steps) < len(TARGETS)
