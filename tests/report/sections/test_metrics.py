"""The tiles of the first screen, and the table of very many metrics."""

from __future__ import annotations

import contextlib

import pandas as pd
import pytest

import stabkit
from stabkit.report.sections.metrics import LONGEST, first_metrics

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
    table, fold = (piece for piece in many.key_metrics().pieces if piece.kind in ("table", "fold"))
    estimates = sum(len(condition.estimates) for condition in many.case.gate.conditions)
    assert len(table.rows) <= LONGEST
    assert len(table.rows) + len(fold.pieces[0].rows) == estimates
    assert fold.summary.startswith(f"{estimates - len(table.rows)} further ")


def test_steps_that_lack_the_same_are_one(many):
    steps = [row["what"][0] for row in many.recommendations().pieces[1].rows]
    assert sum("errors" in step for step in steps) == 2, "those of all, and of the one whose times are decided"
    assert len(steps) < len(TARGETS)
